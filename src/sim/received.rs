//! What the simulator was asked.

use bytes::Bytes;
use serde_json::Value;

use super::fault::Fault;

/// Which operation was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// `POST /model/{id}/converse`
    Converse,
    /// `POST /model/{id}/converse-stream`
    ConverseStream,
    /// `GET /foundation-models`, of the control plane
    ListFoundationModels,
    /// `GET /inference-profiles`, of the control plane
    ListInferenceProfiles,
    /// `GET /inference-profiles/{id}`, of the control plane
    GetInferenceProfile,
}

/// A request that the simulator received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Received {
    /// The operation.
    pub operation: Operation,
    /// The model id, or that of the inference profile, percent-decoded; empty where all are listed.
    pub model_id: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
    /// What went wrong with its answer on purpose.
    pub fault: Option<Fault>,
}

impl Received {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
