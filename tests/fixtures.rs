//! The fixture folders: a case is a folder, and adding one needs no code.
//!
//! `BLESS=1 cargo test --test fixtures` writes what the crate gives now; read it as the service
//! would before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use bedrock_chat::converse::Event;
use bedrock_chat::converse::frame::encode;
use bedrock_chat::openai::{ChatChunk, ChatRequest};
use bedrock_chat::translate::{self, Heading, Options, StreamDecoder};
use bedrock_chat::{Error, Json};
use serde_json::{Value, json};

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind);
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases
}

/// Compares the files of a case with what the crate gives; a file that is not given must not be.
fn compare(case: &Path, files: &[(&str, Option<String>)], failures: &mut Vec<String>) {
    for (name, given) in files {
        let path = case.join(name);
        if std::env::var_os("BLESS").is_some() {
            match given {
                Some(text) => fs::write(&path, text).unwrap(),
                None => drop(fs::remove_file(&path)),
            }
            continue;
        }
        let wanted = fs::read_to_string(&path).ok();
        if wanted.as_ref() != given.as_ref() {
            failures.push(format!(
                "{}\n  wanted: {}\n  given:  {}",
                path.display(),
                wanted.as_deref().unwrap_or("no such file"),
                given.as_deref().unwrap_or("no such file"),
            ));
        }
    }
}

fn finish(failures: Vec<String>) {
    assert!(failures.is_empty(), "{} differences\n{}", failures.len(), failures.join("\n"));
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

/// What of an error a case holds: what callers decide by.
fn error(error: &Error) -> String {
    let mut object = json!({
        "kind": error.kind().as_str(),
        "field": error.field(),
        "message": error.message(),
    });
    if let Some(partial) = error.partial() {
        object["partial"] = serde_json::to_value(partial).unwrap();
    }
    pretty(&object)
}

#[test]
fn requests() {
    let mut failures = Vec::new();
    for case in cases("requests") {
        let body = fs::read(case.join("openai.json")).unwrap();
        let request = ChatRequest::from_slice(&body);
        let translated = request.as_ref().map_err(error).and_then(|request| {
            translate::request(request, &Options::default()).map_err(|failure| error(&failure))
        });
        let (converse, adjustments, error) = match translated {
            Ok(translated) => {
                // Byte for byte, on one line: order and spelling are part of the golden.
                let converse = String::from_utf8(translated.to_bytes()).unwrap() + "\n";
                let by_serde = serde_json::to_string(&translated.body).unwrap() + "\n";
                assert_eq!(converse, by_serde, "{}: written and serialised differ", case.display());
                let adjustments =
                    (!translated.adjustments.is_empty()).then(|| pretty(&translated.adjustments));
                (Some(converse), adjustments, None)
            }
            Err(error) => (None, None, Some(error)),
        };
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(error.is_some(), name.starts_with("refused-"), "{name}: {error:?}");
        let files = [("converse.json", converse), ("adjustments.json", adjustments), ("error.json", error)];
        compare(&case, &files, &mut failures);
    }
    finish(failures);
}

fn heading() -> Heading {
    Heading::new("chatcmpl-1", 1_700_000_000, "us.amazon.nova-lite-v1:0")
}

#[test]
fn replies() {
    let mut failures = Vec::new();
    for case in cases("replies") {
        let body = fs::read(case.join("converse.json")).unwrap();
        let (completion, error) = match translate::reply_from_slice(&body, heading()) {
            Ok(completion) => (Some(pretty(&completion)), None),
            Err(failure) => (None, Some(error(&failure))),
        };
        compare(&case, &[("openai.json", completion), ("error.json", error)], &mut failures);
    }
    finish(failures);
}

/// The bytes of a stream: each line is an object with one member, the event's name and payload, or
/// `:exception` with type and message.
fn stream_bytes(case: &Path) -> Vec<u8> {
    let lines = fs::read_to_string(case.join("events.jsonl")).unwrap();
    let mut bytes = Vec::new();
    for line in lines.lines() {
        let members: bedrock_chat::Members = serde_json::from_str(line).unwrap();
        let (name, payload) = members.iter().next().unwrap();
        if name == ":exception" {
            let exception: Value = payload.read().unwrap();
            let headers = [
                (":exception-type", exception["type"].as_str().unwrap()),
                (":content-type", "application/json"),
                (":message-type", "exception"),
            ];
            let payload = json!({"message": exception["message"]}).to_string();
            encode(&headers, payload.as_bytes(), &mut bytes);
            continue;
        }
        let headers =
            [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
        encode(&headers, payload.get().as_bytes(), &mut bytes);
        // What is read is what would be written.
        let event = Event::read(name, payload.get().as_bytes()).unwrap();
        let written: Value = serde_json::from_slice(&event.payload().unwrap()).unwrap();
        assert_eq!(written, payload.read::<Value>().unwrap(), "{}", case.display());
    }
    bytes
}

#[test]
fn streams() {
    let mut failures = Vec::new();
    for case in cases("streams") {
        let mut with_usage = heading();
        with_usage.include_usage = true;
        let mut decoder = StreamDecoder::new(with_usage);
        decoder.push(&stream_bytes(&case));
        let mut chunks = String::new();
        let mut line = |chunk: &ChatChunk| chunks += &(serde_json::to_string(chunk).unwrap() + "\n");
        let ended = loop {
            match decoder.next_chunk() {
                Ok(Some(chunk)) => line(&chunk),
                Ok(None) => {
                    let ended = decoder.end();
                    if let Ok(Some(chunk)) = &ended {
                        line(chunk);
                    }
                    break ended.map(drop);
                }
                Err(failure) => break Err(failure),
            }
        };
        let (completion, error) = match ended {
            Ok(()) => (Some(pretty(&decoder.completion().unwrap())), None),
            Err(failure) => (None, Some(error_with(failure, decoder))),
        };
        let files = [("chunks.jsonl", Some(chunks)), ("completion.json", completion), ("error.json", error)];
        compare(&case, &files, &mut failures);
    }
    finish(failures);
}

fn error_with(failure: Error, decoder: StreamDecoder) -> String {
    let mut object: Value = serde_json::from_str(&error(&failure)).unwrap();
    object["partial"] = serde_json::to_value(decoder.into_partial()).unwrap();
    pretty(&object)
}

#[test]
fn a_reply_and_a_stream_of_the_same_name_give_the_same_message() {
    let mut pairs = 0;
    for case in cases("streams") {
        let name = case.file_name().unwrap();
        let reply = case.parent().unwrap().parent().unwrap().join("replies").join(name);
        let read = |path: PathBuf| -> Option<Value> {
            let text = fs::read_to_string(path).ok()?;
            Some(serde_json::from_str::<Value>(&text).unwrap()["choices"].take())
        };
        if let (Some(whole), Some(streamed)) =
            (read(reply.join("openai.json")), read(case.join("completion.json")))
        {
            assert_eq!(whole, streamed, "{}", name.to_string_lossy());
            pairs += 1;
        }
    }
    assert!(pairs >= 4, "only {pairs} pairs");
}

#[test]
fn errors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/errors");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for row in text.lines().skip(1) {
            let cells: Vec<&str> = row.split('\t').collect();
            let [kind, code, status, message] = cells[..] else {
                panic!("not four cells: {row}");
            };
            let found = bedrock_chat::classify(Some(code), status.parse().ok(), message).kind;
            if found.as_str() != kind {
                wrong.push(format!("{found}, not {kind}: {message}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_schema_keeps_every_byte() {
    let properties: Vec<String> = (0..40)
        .rev()
        .map(|n| format!("\"p{n}\": {{\"type\":\"integer\", \"maximum\": {}}}", "9".repeat(20 + n % 5)))
        .collect();
    let schema = format!(
        "{{\"type\":\"object\",\"x\":[1.0,1e3,0.10,-0,18446744073709551616],\"properties\":{{{}}}}}",
        properties.join(" , ")
    );
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"Go"}}],"tools":[{{"type":"function","function":{{"name":"t","parameters":{schema}}}}}]}}"#
    );
    let request = ChatRequest::from_slice(body.as_bytes()).unwrap();
    let bytes = translate::request(&request, &Options::default()).unwrap().to_bytes();
    let sent = String::from_utf8(bytes).unwrap();
    assert!(sent.contains(&schema), "{sent}");
    assert_eq!(Json::parse(schema.as_str()).unwrap().get(), schema);
}
