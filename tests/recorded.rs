//! Exchanges recorded with the real service (pydantic-ai's test suite, MIT), read in place where
//! they are: they are not part of the project.

use std::path::{Path, PathBuf};

use bedrock_chat::converse::{Request, frame::FrameDecoder};
use bedrock_chat::openai::{ChatCompletion, FinishReason};
use bedrock_chat::translate::{self, Heading, StreamDecoder};
use bedrock_chat::{ErrorKind, classify};
use serde_json::Value;

/// The folder that `BEDROCK_CHAT_RECORDED` names, or the one beside the checkout.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("BEDROCK_CHAT_RECORDED").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded"));
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no folder {}", folder.display());
    None
}

fn exchanges() -> Vec<(String, Value)> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let mut exchanges: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    exchanges.sort_by(|a, b| a.0.cmp(&b.0));
    exchanges
}

fn heading(exchange: &Value) -> Heading {
    Heading::new("chatcmpl-1", 0, exchange["model"].as_str().unwrap())
}

fn stream_bytes(exchange: &Value) -> Option<Vec<u8>> {
    let b64 = exchange["response"]["b64"].as_str()?;
    Some(base64_simd::STANDARD.decode_to_vec(b64).unwrap())
}

fn completion(exchange: &Value) -> ChatCompletion {
    match stream_bytes(exchange) {
        Some(bytes) => {
            let mut decoder = StreamDecoder::new(heading(exchange));
            decoder.push(&bytes);
            while decoder.next_chunk().unwrap().is_some() {}
            decoder.end().unwrap();
            decoder.completion().unwrap()
        }
        None => {
            let body = exchange["response"].to_string();
            translate::reply_from_slice(body.as_bytes(), heading(exchange)).unwrap()
        }
    }
}

#[test]
fn every_recorded_request_is_read_and_written_back_the_same() {
    for (name, exchange) in exchanges() {
        let text = exchange["request"].to_string();
        let request: Request<'_> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(&request).unwrap(), exchange["request"], "{name}");
        assert!(request.other.is_empty(), "{name}: members that are not known: {:?}", request.other);
    }
}

#[test]
fn every_recorded_answer_gives_its_content_calls_reason_and_usage() {
    for (name, exchange) in exchanges() {
        if exchange["status"] != 200 {
            continue;
        }
        let completion = completion(&exchange);
        let (wanted, usage, stop) = expected(&exchange);
        let message = completion.message().unwrap();
        assert_eq!(message.content.as_deref().unwrap_or_default(), wanted.text, "{name}");
        let calls: Vec<(String, Value)> = completion
            .tool_calls()
            .iter()
            .map(|call| (call.name().to_owned(), serde_json::from_str(call.arguments()).unwrap()))
            .collect();
        assert_eq!(calls, wanted.calls, "{name}");
        assert_eq!(message.reasoning_content.clone().unwrap_or_default(), wanted.reasoning, "{name}");
        let reason = match stop.as_str() {
            "tool_use" => FinishReason::ToolCalls,
            "max_tokens" => FinishReason::Length,
            _ if !wanted.calls.is_empty() => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        assert_eq!(completion.finish_reason(), Some(&reason), "{name}");
        let counted = completion.usage.unwrap();
        assert_eq!(counted.total_tokens, usage["totalTokens"].as_u64().unwrap(), "{name}");
        assert_eq!(counted.completion_tokens, usage["outputTokens"].as_u64().unwrap(), "{name}");
    }
}

#[derive(Default)]
struct Expected {
    text: String,
    calls: Vec<(String, Value)>,
    reasoning: String,
}

/// What the exchange says, read without the crate's own types.
fn expected(exchange: &Value) -> (Expected, Value, String) {
    let mut wanted = Expected::default();
    let Some(bytes) = stream_bytes(exchange) else {
        let response = &exchange["response"];
        for block in response["output"]["message"]["content"].as_array().unwrap() {
            if let Some(text) = block["text"].as_str() {
                wanted.text.push_str(text);
            }
            if block["toolUse"].is_object() && block["toolUse"]["type"] != "server_tool_use" {
                let name = block["toolUse"]["name"].as_str().unwrap().to_owned();
                wanted.calls.push((name, block["toolUse"]["input"].clone()));
            }
            if let Some(text) = block["reasoningContent"]["reasoningText"]["text"].as_str() {
                wanted.reasoning.push_str(text);
            }
        }
        let stop = response["stopReason"].as_str().unwrap().to_owned();
        return (wanted, response["usage"].clone(), stop);
    };
    let mut decoder = FrameDecoder::new();
    decoder.push(&bytes);
    let (mut usage, mut stop, mut input) = (Value::Null, String::new(), String::new());
    let mut call: Option<String> = None;
    while let Some(frame) = decoder.next_frame().unwrap() {
        let event: Value = serde_json::from_slice(frame.payload()).unwrap();
        match frame.header(":event-type").unwrap() {
            "contentBlockStart" => {
                let start = &event["start"]["toolUse"];
                call = (start["type"] != "server_tool_use")
                    .then(|| start["name"].as_str().map(str::to_owned))
                    .flatten();
                input.clear();
            }
            "contentBlockDelta" => {
                wanted.text.push_str(event["delta"]["text"].as_str().unwrap_or_default());
                input.push_str(event["delta"]["toolUse"]["input"].as_str().unwrap_or_default());
            }
            "contentBlockStop" => {
                if let Some(name) = call.take() {
                    wanted.calls.push((name, serde_json::from_str(&input).unwrap()));
                }
            }
            "messageStop" => stop = event["stopReason"].as_str().unwrap().to_owned(),
            "metadata" => usage = event["usage"].clone(),
            _ => {}
        }
    }
    assert_eq!(decoder.pending(), 0);
    (wanted, usage, stop)
}

#[test]
fn a_stream_and_a_reply_of_the_same_exchange_have_the_same_shape() {
    let all = exchanges();
    let find = |part: &str| {
        all.iter().find(|(name, _)| name.contains(part)).map(|(_, exchange)| completion(exchange))
    };
    // The same question with the same tools, once whole and once as a stream.
    let whole = find("with-code-execution-tool");
    let streamed = find("code-execution-tool-stream");
    let (Some(whole), Some(streamed)) = (whole, streamed) else {
        return;
    };
    let calls = |completion: &ChatCompletion| -> Vec<(String, String)> {
        let calls = completion.tool_calls().iter();
        calls.map(|call| (call.name().to_owned(), call.arguments().to_owned())).collect()
    };
    assert_eq!(calls(&whole), calls(&streamed));
    assert_eq!(whole.text(), streamed.text());
    assert_eq!(whole.finish_reason(), streamed.finish_reason());
    let content = |completion: &ChatCompletion| -> Value {
        let mut blocks: Value = completion.message().unwrap().bedrock.as_ref().unwrap().read().unwrap();
        // Ids differ between calls, and the order of keys is each answer's own.
        for block in blocks["content"].as_array_mut().unwrap() {
            for kind in ["toolUse", "toolResult"] {
                if block[kind].is_object() {
                    block[kind].as_object_mut().unwrap().remove("toolUseId");
                }
            }
        }
        blocks
    };
    assert_eq!(content(&whole), content(&streamed), "the tool that the service ran is kept alike");
}

#[test]
fn every_recorded_failure_is_classified() {
    for (name, exchange) in exchanges() {
        if exchange["status"] == 200 {
            continue;
        }
        let status = exchange["status"].as_u64().unwrap() as u16;
        let text = exchange["response"]["message"].as_str().unwrap();
        let kind = classify(Some("ValidationException"), Some(status), text).kind;
        let wanted = if text.contains("identifier is invalid") {
            ErrorKind::ModelNotFound
        } else {
            ErrorKind::Unsupported
        };
        assert_eq!(kind, wanted, "{name}: {text}");
    }
}

#[test]
fn every_split_of_a_recorded_stream_gives_the_same_chunks() {
    for (name, exchange) in exchanges() {
        let Some(bytes) = stream_bytes(&exchange) else {
            continue;
        };
        let chunks = |pieces: &[&[u8]]| {
            let mut decoder = StreamDecoder::new(heading(&exchange));
            let mut chunks = Vec::new();
            for piece in pieces {
                decoder.push(piece);
                while let Some(chunk) = decoder.next_chunk().unwrap() {
                    chunks.push(chunk);
                }
            }
            decoder.end().unwrap();
            chunks
        };
        let whole = chunks(&[&bytes]);
        for split in 0..=bytes.len() {
            let (left, right) = bytes.split_at(split);
            assert_eq!(chunks(&[left, right]), whole, "{name}, split at {split}");
        }
    }
}

#[test]
fn a_recorded_stream_cut_anywhere_is_truncated_and_never_complete() {
    for (name, exchange) in exchanges() {
        let Some(bytes) = stream_bytes(&exchange) else {
            continue;
        };
        // messageStop is in the last frame but one: a cut before its end is no complete answer.
        let mut decoder = FrameDecoder::new();
        decoder.push(&bytes);
        let (mut at, mut stop_at) = (0, 0);
        while let Some(frame) = decoder.next_frame().unwrap() {
            let is_stop = frame.header(":event-type") == Some("messageStop");
            at = bytes.len() - decoder.pending();
            if is_stop {
                stop_at = at;
            }
        }
        assert_eq!(at, bytes.len());
        for cut in 0..bytes.len() {
            let mut decoder = StreamDecoder::new(heading(&exchange));
            decoder.push(&bytes[..cut]);
            while decoder.next_chunk().unwrap().is_some() {}
            let ended = decoder.end();
            if cut == stop_at {
                // Everything but the metadata came, and the end was clean.
                ended.unwrap();
                continue;
            }
            let error = ended.expect_err(&format!("{name}, cut at {cut}"));
            assert_eq!(error.kind(), ErrorKind::StreamTruncated, "{name}, cut at {cut}");
        }
    }
}
