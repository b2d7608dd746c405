//! An answer as an HTTP response.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Block, Content};
use super::body::Steps;
use super::check::Refusal;
use super::connection::Line;
use super::received::Operation;
use super::wire::{self, Parts};

pub(super) fn respond(
    answer: Answer,
    operation: Operation,
    body: &Value,
    number: u64,
    line: &Arc<Line>,
) -> Response<Steps> {
    let pause = answer.event_delay;
    let fault = answer.fault.as_ref();
    // A body without a fault comes in one piece, with its length.
    let one_event = |bytes: Vec<u8>| match fault {
        None => Steps::whole(bytes),
        Some(_) => Steps::events(vec![bytes], Duration::ZERO, fault, Arc::clone(line)),
    };
    match &answer.content {
        Content::Failure { status, code, message, headers } => failure(*status, code, message, headers),
        Content::Raw { status, content_type, body } => {
            response(status_of(*status), content_type, one_event(body.clone()), &[])
        }
        Content::Blocks { blocks, stop_reason, usage, extra, chunk } => {
            let calls = blocks.iter().any(|block| matches!(block, Block::ToolUse { kind: None, .. }));
            let parts = Parts {
                blocks,
                stop_reason: stop_reason.as_deref().unwrap_or(if calls { "tool_use" } else { "end_turn" }),
                usage: usage.clone().unwrap_or_else(|| estimate(body, blocks)),
                extra,
                number,
            };
            match operation {
                Operation::Converse => {
                    let reply = wire::reply(&parts).to_string().into_bytes();
                    response(StatusCode::OK, "application/json", one_event(reply), &[])
                }
                _ => {
                    let events = Steps::events(wire::frames(&parts, *chunk), pause, fault, Arc::clone(line));
                    response(StatusCode::OK, "application/vnd.amazon.eventstream", events, &[])
                }
            }
        }
    }
}

/// Four characters to a token.
fn estimate(body: &Value, blocks: &[Block]) -> Value {
    let input = body.to_string().len().div_ceil(4);
    let output = blocks.iter().map(|block| match block {
        Block::Text(text) | Block::Reasoning { text, .. } | Block::Redacted(text) => text.len(),
        Block::ToolUse { name, input, .. } => name.len() + input.len(),
        Block::Raw(raw) => raw.get().len(),
    });
    let output = output.sum::<usize>().div_ceil(4);
    json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output})
}

pub(super) fn refusal(refusal: &Refusal) -> Response<Steps> {
    failure(refusal.status, refusal.code, &refusal.message, &[])
}

pub(super) fn failure(
    status: u16,
    code: &str,
    message: &str,
    headers: &[(String, String)],
) -> Response<Steps> {
    let mut all = vec![(
        "x-amzn-errortype".to_owned(),
        format!("{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"),
    )];
    all.extend_from_slice(headers);
    let body = json!({"message": message}).to_string();
    whole(status_of(status), "application/json", body, &all)
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn whole(
    status: StatusCode,
    content_type: &str,
    body: impl Into<Bytes>,
    headers: &[(String, String)],
) -> Response<Steps> {
    response(status, content_type, Steps::whole(body), headers)
}

fn response(
    status: StatusCode,
    content_type: &str,
    body: Steps,
    headers: &[(String, String)],
) -> Response<Steps> {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let mut response = Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-amzn-requestid", format!("00000000-0000-4000-8000-{number:012}"));
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).unwrap_or_else(|error| {
        // A header of the script is not of a header's form.
        let mut response = Response::new(Steps::whole(error.to_string()));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
