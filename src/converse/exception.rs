//! The body of an error.

use serde::Deserialize;

/// The body of an HTTP error, or of an exception in a stream.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Exception {
    /// What went wrong; some services write it `Message`.
    #[serde(alias = "Message")]
    pub message: Option<String>,
    /// The exception's name, in some protocols.
    #[serde(rename = "__type")]
    pub kind: Option<String>,
    /// The status that the model's own server gave.
    #[serde(rename = "originalStatusCode")]
    pub original_status_code: Option<i64>,
    /// What the model's own server said.
    #[serde(rename = "originalMessage")]
    pub original_message: Option<String>,
}
