//! The error body.

use serde::{Deserialize, Serialize};

use crate::json::Json;

/// `{"error": {…}}`, as OpenAI's SDKs read it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorObject,
}

/// What went wrong.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorObject {
    /// What happened and what to do.
    pub message: String,
    /// OpenAI's class, such as `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The member of the request that is to blame.
    pub param: Option<String>,
    /// OpenAI's code, such as `context_length_exceeded`.
    pub code: Option<String>,
    /// What only this crate says: kind, retryability, the service's own code and request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bedrock: Option<Json>,
}
