//! What an answer is called, and what of its request it needs.

use std::sync::Arc;

use super::adjustment::Adjustment;

/// What an answer is called: its id, its time and its model, the same in every chunk.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Heading {
    /// The answer's id.
    pub id: Arc<str>,
    /// When it was begun, in seconds since 1970.
    pub created: u64,
    /// The model, as the request named it.
    pub model: Arc<str>,
    /// Whether the stream ends with a chunk that carries the usage.
    pub include_usage: bool,
    /// The service's id of the call.
    pub request_id: Option<String>,
    /// What was changed in the request.
    pub adjustments: Vec<Adjustment>,
    /// Tool names that were sent as others: the sent one, and the caller's.
    pub names: Vec<(String, String)>,
    /// The tool whose input is the content of the answer.
    pub content_tool: Option<String>,
    /// Whether the request asked in the legacy form, with `functions`: the answer has
    /// `function_call` then.
    pub legacy: bool,
}

impl Heading {
    /// A heading without request id and adjustments.
    pub fn new(id: impl Into<Arc<str>>, created: u64, model: impl Into<Arc<str>>) -> Self {
        Heading { id: id.into(), created, model: model.into(), ..Heading::default() }
    }
}
