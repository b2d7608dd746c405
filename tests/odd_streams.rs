//! Streams that are not as the service describes them: for each, what the SDK makes of it was measured,
//! and here is what this crate makes of it. Nothing is a hang, a hole or a finished answer that is not.

use bedrock_chat::converse::frame::encode;
use bedrock_chat::openai::ChatCompletion;
use bedrock_chat::translate::{Heading, StreamDecoder};
use bedrock_chat::{Error, ErrorKind};

fn event(name: &str, payload: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&[(":event-type", name), (":message-type", "event")], payload.as_bytes(), &mut bytes);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    event("contentBlockDelta", &format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{text}"}}}}"#))
}

fn delta(delta: &str) -> Vec<u8> {
    event("contentBlockDelta", &format!(r#"{{"contentBlockIndex":1,"delta":{delta}}}"#))
}

fn stop(reason: &str) -> Vec<u8> {
    event("messageStop", &format!(r#"{{"stopReason":"{reason}"}}"#))
}

/// "Par", then `odd`, then "is." and the end.
fn around(odd: Vec<u8>) -> Vec<u8> {
    [event("messageStart", r#"{"role":"assistant"}"#), text("Par"), odd, text("is."), stop("end_turn")]
        .concat()
}

fn decoded(stream: &[u8]) -> Result<ChatCompletion, Error> {
    let mut decoder = StreamDecoder::new(Heading::new("chatcmpl-1", 1, "model"));
    decoder.push(stream);
    loop {
        match decoder.next_chunk() {
            Ok(Some(_)) => {}
            Ok(None) => return decoder.completion(),
            Err(error) => {
                assert_eq!(decoder.into_partial().text(), "Par", "{error}");
                return Err(error);
            }
        }
    }
}

fn notes(completion: &ChatCompletion) -> Vec<String> {
    let adjustments = completion.bedrock.as_ref().and_then(|bedrock| bedrock.adjustments.as_ref());
    let notes: Vec<serde_json::Value> = adjustments.map(|notes| notes.read().unwrap()).unwrap_or_default();
    notes.iter().map(|note| note["field"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_a_later_version_of_the_service_adds_goes_by_with_a_note() {
    for (what, odd, field) in [
        ("an event", event("somethingNew", r#"{"a":1}"#), "stream.somethingNew"),
        (
            "an event without a payload that is an object",
            event("somethingNew", "null"),
            "stream.somethingNew",
        ),
        ("a kind of delta", delta(r#"{"hologram":{"x":1}}"#), ""),
        (
            "a kind of block",
            event("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"hologram":{}}}"#),
            "",
        ),
        (
            "a kind of reasoning",
            delta(r#"{"reasoningContent":{"thoughtlets":"x"}}"#),
            "reasoningContent.thoughtlets",
        ),
    ] {
        let completion = decoded(&around(odd)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(completion.text().replace('\n', "") == "Paris.", "{what}: {:?}", completion.text());
        let kept = format!("{:?}", completion.choices[0].message.bedrock);
        assert!(
            notes(&completion).iter().any(|note| note == field)
                || (field.is_empty() && kept.contains("hologram")),
            "{what}: {:?}, {kept}",
            notes(&completion),
        );
    }
    let completion = decoded(&[text("Paris."), stop("brand_new_reason")].concat()).unwrap();
    assert_eq!((completion.text(), notes(&completion)), ("Paris.", vec!["stopReason".to_owned()]));
}

#[test]
fn what_contradicts_itself_or_cannot_be_read_is_an_error_with_what_had_come() {
    let mut nameless = Vec::new();
    encode(&[(":message-type", "event")], b"{}", &mut nameless);
    for (what, odd) in [
        ("an event that is not JSON", event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"te"#)),
        ("an event that is not UTF-8", {
            let mut bytes = Vec::new();
            encode(
                &[(":event-type", "contentBlockDelta")],
                b"{\"contentBlockIndex\":0,\"delta\":{\"text\":\"\xff\"}}",
                &mut bytes,
            );
            bytes
        }),
        ("a delta of two kinds", delta(r#"{"text":"x","toolUse":{"input":"y"}}"#)),
        ("an event without a delta", event("contentBlockDelta", r#"{"contentBlockIndex":0}"#)),
        (
            "a block that begins twice",
            event(
                "contentBlockStart",
                r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"a","name":"b"}}}"#,
            ),
        ),
        ("input of a call that never began", delta(r#"{"toolUse":{"input":"{}"}}"#)),
    ] {
        let error = decoded(&around(odd)).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Unknown, "{what}: {error}");
        assert!(!error.to_string().contains("Par"), "{what}: {error}");
    }
    let after_the_end = [text("Par"), stop("end_turn"), text("is.")].concat();
    assert_eq!(decoded(&after_the_end).unwrap_err().kind(), ErrorKind::Unknown);
    // An event without a name is one that is not known.
    assert_eq!(notes(&decoded(&around(nameless)).unwrap()), ["stream."]);
}

#[test]
fn exceptions_are_told_by_their_raw_name_whatever_its_spelling() {
    let exception = |kind: &str| {
        let mut bytes = Vec::new();
        let headers = [(":exception-type", kind), (":message-type", "exception")];
        encode(&headers, br#"{"message":"exc text"}"#, &mut bytes);
        bytes
    };
    for (kind, expected) in [
        ("throttlingException", ErrorKind::RateLimit),
        ("ThrottlingException", ErrorKind::RateLimit),
        ("modelStreamErrorException", ErrorKind::Overloaded),
        ("internalServerException", ErrorKind::Overloaded),
        ("serviceUnavailableException", ErrorKind::Overloaded),
        ("validationException", ErrorKind::InvalidRequest),
        ("modelTimeoutException", ErrorKind::Timeout),
        ("brandNewException", ErrorKind::Unknown),
    ] {
        let error = decoded(&around(exception(kind))).unwrap_err();
        assert_eq!((error.kind(), error.code()), (expected, Some(kind)), "{error}");
        assert!(error.to_string().contains("exc text"), "{error}");
    }
    let mut error_message = Vec::new();
    let headers =
        [(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "It broke.")];
    encode(&headers, b"", &mut error_message);
    let error = decoded(&around(error_message)).unwrap_err();
    assert_eq!(error.code(), Some("InternalError"));
    assert!(error.to_string().contains("It broke."), "{error}");
}

#[test]
fn damaged_frames_end_the_stream_for_good() {
    let damaged = |at: usize| {
        let mut bytes = text("is.");
        let at = if at == usize::MAX { bytes.len() - 1 } else { at };
        bytes[at] ^= 1;
        bytes
    };
    let mut endless = vec![0x7f, 0xff, 0xff, 0xff];
    endless.extend([0; 8]);
    for (what, odd) in [
        ("a wrong checksum of the lengths", damaged(9)),
        ("a wrong length", damaged(3)),
        ("a wrong byte of the payload", damaged(60)),
        ("a wrong checksum", damaged(usize::MAX)),
        ("a length of two gigabytes", endless),
    ] {
        let error = decoded(&around(odd.clone())).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Connection, "{what}: {error}");
        assert!(error.is_retryable());
        // Nothing behind it is read: there would be a hole before it.
        let mut decoder = StreamDecoder::new(Heading::new("chatcmpl-1", 1, "model"));
        decoder.push(&around(odd));
        while decoder.next_chunk().is_ok() {}
        decoder.push(&text("is."));
        assert!(decoder.next_chunk().is_err(), "{what}");
    }
}

#[test]
fn an_end_without_message_stop_is_no_end() {
    let whole = around(Vec::new());
    let cut = whole.len() - stop("end_turn").len();
    for (what, stream) in [
        ("nothing at all", &whole[..0]),
        ("a clean end before messageStop", &whole[..cut]),
        ("half a frame", &whole[..whole.len() - 3]),
    ] {
        let mut decoder = StreamDecoder::new(Heading::new("chatcmpl-1", 1, "model"));
        decoder.push(stream);
        while decoder.next_chunk().unwrap().is_some() {}
        let error = decoder.completion().expect_err(what);
        assert_eq!(error.kind(), ErrorKind::StreamTruncated, "{what}: {error}");
        assert_eq!(error.partial().unwrap().finish_reason(), None, "{what}");
    }
}
