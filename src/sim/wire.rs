//! An answer as the bytes of a reply, or as the frames of a stream.

use serde_json::{Value, json};

use super::answer::Block;
use crate::converse::frame::encode;

/// Letters of the padding that every event has.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The parts of an answer that both forms need.
pub(super) struct Parts<'a> {
    pub(super) blocks: &'a [Block],
    pub(super) stop_reason: &'a str,
    pub(super) usage: Value,
    pub(super) extra: &'a serde_json::Map<String, Value>,
    /// Makes the ids of tool calls differ between answers.
    pub(super) number: u64,
}

/// The id of a call; one is made up where the script gives none.
fn call_id(given: &str, number: u64, index: usize) -> String {
    match given {
        "" => format!("tooluse_sim{number:08}{index:03}"),
        id => id.to_owned(),
    }
}

/// The body of a reply.
pub(super) fn reply(parts: &Parts<'_>) -> Value {
    let content: Vec<Value> = parts
        .blocks
        .iter()
        .enumerate()
        .map(|(index, block)| match block {
            Block::Text(text) => json!({"text": text}),
            Block::ToolUse { id, name, input, kind } => {
                let input: Value = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
                let mut call = json!({
                    "toolUseId": call_id(id, parts.number, index),
                    "name": name,
                    "input": input,
                });
                if let Some(kind) = kind {
                    call["type"] = json!(kind);
                }
                json!({"toolUse": call})
            }
            Block::Reasoning { text, signature } => {
                let mut reasoning = json!({"text": text});
                if let Some(signature) = signature {
                    reasoning["signature"] = json!(signature);
                }
                json!({"reasoningContent": {"reasoningText": reasoning}})
            }
            Block::Redacted(data) => json!({"reasoningContent": {"redactedContent": data}}),
            Block::Raw(raw) => raw.read().unwrap_or_default(),
        })
        .collect();
    let mut reply = json!({
        "metrics": {"latencyMs": 1},
        "output": {"message": {"content": content, "role": "assistant"}},
        "stopReason": parts.stop_reason,
        "usage": parts.usage,
    });
    for (name, value) in parts.extra {
        reply[name] = value.clone();
    }
    reply
}

/// The frames of a stream, one event each, with deltas of `chunk` characters.
pub(super) fn frames(parts: &Parts<'_>, chunk: usize) -> Vec<Vec<u8>> {
    let mut frames = Frames::default();
    frames.event("messageStart", json!({"role": "assistant"}));
    for (index, block) in parts.blocks.iter().enumerate() {
        let delta = |delta: Value| json!({"contentBlockIndex": index, "delta": delta});
        match block {
            Block::Text(text) => {
                for piece in pieces(text, chunk) {
                    frames.event("contentBlockDelta", delta(json!({"text": piece})));
                }
            }
            Block::ToolUse { id, name, input, kind } => {
                let mut call = json!({"toolUseId": call_id(id, parts.number, index), "name": name});
                if let Some(kind) = kind {
                    call["type"] = json!(kind);
                }
                let start = json!({"contentBlockIndex": index, "start": {"toolUse": call}});
                frames.event("contentBlockStart", start);
                // A call without arguments has no delta.
                let input = if input == "{}" { "" } else { input };
                for piece in pieces(input, chunk) {
                    frames.event("contentBlockDelta", delta(json!({"toolUse": {"input": piece}})));
                }
            }
            Block::Reasoning { text, signature } => {
                for piece in pieces(text, chunk) {
                    frames.event("contentBlockDelta", delta(json!({"reasoningContent": {"text": piece}})));
                }
                if let Some(signature) = signature {
                    let signature = json!({"reasoningContent": {"signature": signature}});
                    frames.event("contentBlockDelta", delta(signature));
                }
            }
            Block::Redacted(data) => {
                let data = json!({"reasoningContent": {"redactedContent": data}});
                frames.event("contentBlockDelta", delta(data));
            }
            Block::Raw(_) => continue,
        }
        frames.event("contentBlockStop", json!({"contentBlockIndex": index}));
    }
    frames.event("messageStop", json!({"stopReason": parts.stop_reason}));
    let mut metadata = json!({"metrics": {"latencyMs": 1}, "usage": parts.usage});
    for (name, value) in parts.extra {
        metadata[name] = value.clone();
    }
    frames.event("metadata", metadata);
    frames.0
}

#[derive(Default)]
struct Frames(Vec<Vec<u8>>);

impl Frames {
    fn event(&mut self, name: &str, mut payload: Value) {
        let length = (self.0.len() * 7) % PADDING.len();
        payload["p"] = json!(PADDING[..length]);
        let headers =
            [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
        let mut frame = Vec::new();
        encode(&headers, payload.to_string().as_bytes(), &mut frame);
        self.0.push(frame);
    }
}

/// The text in pieces of so many characters.
fn pieces(text: &str, characters: usize) -> impl Iterator<Item = &str> {
    let mut left = text;
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let end = left.char_indices().nth(characters).map_or(left.len(), |(end, _)| end);
        let (piece, rest) = left.split_at(end);
        left = rest;
        Some(piece)
    })
}
