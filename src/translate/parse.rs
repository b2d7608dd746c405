//! Reading a request, with errors that name the member.

use crate::error::Error;
use crate::openai::ChatRequest;

impl ChatRequest {
    /// Reads a Chat Completions request body.
    ///
    /// serde_json reads the same type with any of its functions; this one says where a body is
    /// wrong.
    ///
    /// # Errors
    ///
    /// `invalid_request`, with the member in [`Error::field`], when the body is not JSON or a member
    /// has the wrong type. What the values mean is judged by [`translate::request`](super::request).
    ///
    /// ```
    /// use bedrock_chat::openai::ChatRequest;
    ///
    /// let body = br#"{"model": "m", "messages": [{"role": "user", "content": 5}]}"#;
    /// let error = ChatRequest::from_slice(body).unwrap_err();
    /// assert_eq!(error.field(), Some("messages[0].content"));
    /// ```
    pub fn from_slice(body: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(body).map_err(|error| locate(body, &error))
    }
}

/// Reads the body once more, slowly, to learn where it is wrong.
fn locate(body: &[u8], error: &serde_json::Error) -> Error {
    if body.trim_ascii().is_empty() {
        return Error::invalid("body", "the body is empty: send a JSON object");
    }
    if !error.is_data() {
        return Error::invalid("body", format!("the body is not JSON: {error}"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let path = serde_path_to_error::deserialize::<_, ChatRequest>(&mut json)
        .err()
        .map(|error| error.path().to_string());
    let field = match path.as_deref() {
        None | Some("" | ".") => "body".to_owned(),
        Some(path) => path.to_owned(),
    };
    Error::invalid(field, without_value(&error.to_string()))
}

/// serde_json quotes the string that it did not expect, whole: megabytes of an image, or a key in
/// the wrong place. The member's path says enough.
fn without_value(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}string{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}
