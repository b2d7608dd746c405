//! Reading a request, with errors that name the member.

use std::sync::LazyLock;

use memchr::memmem::Finder;

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
        // Looking for UTF-8 once costs less than once for every string.
        let request = match std::str::from_utf8(body) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(body),
        };
        let request = request.map_err(|error| locate(body, &error))?;
        match lone_surrogate(body) {
            None => Ok(request),
            Some(at) => Err(Error::invalid(
                "body",
                format!("the body is not JSON: half of a surrogate pair is escaped at byte {at}"),
            )),
        }
    }
}

/// Made once: there is a search for every call of a history.
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br"\u"));

/// Where the first half of a surrogate pair is escaped without the other. Free JSON goes out as it came
/// in, and no reader takes such a text.
pub(super) fn lone_surrogate(json: &[u8]) -> Option<usize> {
    let mut after = 0;
    for at in ESCAPE.find_iter(json) {
        // An escaped backslash before a `u` is no escape of a character.
        let backslashes = json[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if at < after || backslashes % 2 == 1 {
            continue;
        }
        match escaped_unit(json, at) {
            Some(0xd800..=0xdbff) => {
                if !matches!(escaped_unit(json, at + 6), Some(0xdc00..=0xdfff)) {
                    return Some(at);
                }
                after = at + 12;
            }
            Some(0xdc00..=0xdfff) => return Some(at),
            _ => {}
        }
    }
    None
}

/// The UTF-16 unit that is escaped at `at`.
fn escaped_unit(json: &[u8], at: usize) -> Option<u32> {
    let digits = json.get(at..at + 6)?.strip_prefix(br"\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_found_and_a_whole_one_is_not() {
        for (json, at) in [
            (r#"{"a":"\ud83d\ude00"}"#, None),
            (r#"{"a":"\\ud83d"}"#, None),
            (r#"{"a":"\u00e9\uFFFD"}"#, None),
            (r#"{"a":"\ud83d"}"#, Some(6)),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, Some(6)),
            (r#"{"a":"\ude00"}"#, Some(6)),
            (r#"{"a":"x\\\ud83d y"}"#, Some(9)),
        ] {
            assert_eq!(lone_surrogate(json.as_bytes()), at, "{json}");
        }
    }
}
