//! Events in any order and of any content, a line each (name, tab, payload): no panic, the same outcome
//! for the frames in pieces, and chunks that say what the completion says.
#![no_main]

use bedrock_chat::converse::frame::encode;
use bedrock_chat::openai::ChatCompletion;
use bedrock_chat::translate::{Heading, StreamDecoder};
use bedrock_chat::{Error, ErrorKind};
use libfuzzer_sys::fuzz_target;

/// The text of the chunks, what had come in the end, and what went wrong.
fn fold(stream: &[u8], piece: usize) -> (String, ChatCompletion, Option<Error>) {
    let mut heading = Heading::new("chatcmpl-1", 1, "model");
    heading.include_usage = true;
    let mut decoder = StreamDecoder::new(heading);
    let mut text = String::new();
    for piece in stream.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next_chunk() {
                Ok(Some(chunk)) => {
                    serde_json::to_vec(&chunk).expect("a chunk is JSON");
                    for choice in &chunk.choices {
                        text.push_str(choice.delta.content.as_deref().unwrap_or_default());
                    }
                }
                Ok(None) => break,
                Err(error) => return (text, decoder.into_partial(), Some(error)),
            }
        }
    }
    match decoder.completion() {
        Ok(completion) => (text, completion, None),
        Err(error) => (text, error.partial().expect("what arrived is kept").clone(), Some(error)),
    }
}

fuzz_target!(|data: &[u8]| {
    let mut stream = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        let tab = line.iter().position(|byte| *byte == b'\t').unwrap_or(line.len());
        let (name, payload) = line.split_at(tab);
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let kind = if name.ends_with("Exception") { "exception" } else { "event" };
        let headers = [(":event-type", name), (":exception-type", name), (":message-type", kind)];
        encode(&headers, payload.get(1..).unwrap_or_default(), &mut stream);
    }
    let (text, completion, error) = fold(&stream, stream.len().max(1));
    let (again, other, other_error) = fold(&stream, 7);
    assert_eq!(text, again);
    assert_eq!(completion, other);
    assert_eq!(completion.text(), text);
    serde_json::to_vec(&completion).expect("a completion is JSON");
    let told = error.as_ref().map(|error| (error.kind(), error.to_string()));
    assert_eq!(told, other_error.map(|error| (error.kind(), error.to_string())));
    match told {
        None => assert!(completion.finish_reason().is_some()),
        Some((kind, told)) => {
            assert!(!told.contains('\n'), "{told}");
            assert!(kind != ErrorKind::StreamTruncated || completion.finish_reason().is_none());
        }
    }
});
