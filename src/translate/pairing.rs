//! Every call gets its result, in the turn after it, and every result has its call.
//!
//! The service refuses a history in which they do not pair: "Expected toolResult blocks at
//! messages.2.content for the following Ids", "The number of toolResult blocks at messages.2.content
//! exceeds the number of toolUse blocks of previous turn". An agent that was interrupted between a
//! call and its result has such a history for ever.

use super::adjustment::Notes;
use super::path::Path;
use super::turn::Turn;
use crate::converse::{ContentBlock, Role, ToolResult, ToolResultContent};
use crate::error::Error;
use crate::models::Traits;

/// Stands for a result that the history does not have.
const NOT_RECORDED: &str = "No result was recorded for this call.";

pub(super) fn pair(turns: &mut Vec<Turn<'_>>, traits: &Traits, notes: &mut Notes) -> Result<(), Error> {
    let mut index = 0;
    while index < turns.len() {
        let (before, rest) = turns.split_at_mut(index);
        let calls = match before.last() {
            Some(turn) if turn.role == Role::Assistant => call_ids(turn),
            _ => Vec::new(),
        };
        match rest.first_mut() {
            Some(turn) if turn.role == Role::User => answer(calls, turn, traits, notes)?,
            _ => {}
        }
        index += 1;
    }
    if let Some(last) = turns.last().filter(|turn| turn.role == Role::Assistant) {
        let calls = call_ids(last);
        if !calls.is_empty() {
            let mut turn = Turn::user(last.message);
            answer(calls, &mut turn, traits, notes)?;
            turns.push(turn);
        }
    }
    Ok(())
}

/// The ids of the calls that a turn makes, those that the service runs itself left out.
fn call_ids<'t>(turn: &'t Turn<'_>) -> Vec<&'t str> {
    turn.content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::ToolUse(call) if call.kind.as_deref() != Some("server_tool_use") => {
                Some(&*call.tool_use_id)
            }
            _ => None,
        })
        .collect()
}

/// Leaves in `turn` exactly one result for each call, in the order they came.
fn answer(mut open: Vec<&str>, turn: &mut Turn<'_>, traits: &Traits, notes: &mut Notes) -> Result<(), Error> {
    let is_result_of = |id: &str, block: &ContentBlock<'_>| matches!(block, ContentBlock::ToolResult(result) if *result.tool_use_id == *id);
    if open.len() == turn.results.len()
        && open.iter().zip(&turn.results).all(|(id, block)| is_result_of(id, block))
    {
        return Ok(());
    }
    let root = Path::root("messages");
    let mut results = Vec::with_capacity(open.len());
    let mut strays = Vec::new();
    for block in turn.results.drain(..) {
        let ContentBlock::ToolResult(result) = block else {
            results.push(block);
            continue;
        };
        match open.iter().position(|id| **id == *result.tool_use_id) {
            Some(position) => {
                open.remove(position);
                results.push(ContentBlock::ToolResult(result));
            }
            None => {
                notes.changed(
                    root.index(turn.message),
                    "a tool result without a call in the turn before it is sent as text",
                )?;
                strays.extend(as_blocks(result));
            }
        }
    }
    for id in open {
        notes.added(
            root.index(turn.message),
            "the service demands a result for every call: an error result is sent",
        );
        let result = ToolResult {
            tool_use_id: id.to_owned().into(),
            content: vec![ToolResultContent::Text(NOT_RECORDED.into())],
            status: traits.status.then(|| "error".into()),
            ..ToolResult::default()
        };
        results.push(ContentBlock::ToolResult(result));
    }
    strays.append(&mut turn.content);
    turn.results = results;
    turn.content = strays;
    Ok(())
}

/// Sends calls and results as text: for a model without tools, or a request that has none.
pub(super) fn as_plain_text(turns: &mut [Turn<'_>]) {
    for turn in turns {
        let mut content = Vec::with_capacity(turn.results.len() + turn.content.len());
        // Results stand in the assistant's turn too, of tools that the service ran.
        for block in turn.results.drain(..).chain(turn.content.drain(..)) {
            match block {
                ContentBlock::ToolUse(call) => {
                    let text = format!("[Called the tool {} with {}]", &*call.name, call.input.get());
                    content.push(ContentBlock::Text(text.into()));
                }
                ContentBlock::ToolResult(result) => content.extend(as_blocks(result)),
                block => content.push(block),
            }
        }
        turn.content = content;
    }
}

/// A result as text, and the media that it has beside it.
fn as_blocks(result: ToolResult<'_>) -> Vec<ContentBlock<'_>> {
    let mut texts: Vec<String> = Vec::new();
    let mut media = Vec::new();
    for piece in result.content {
        match piece {
            ToolResultContent::Text(text) => texts.push(text.into_owned()),
            ToolResultContent::Image(image) => media.push(ContentBlock::Image(image)),
            ToolResultContent::Document(document) => media.push(ContentBlock::Document(document)),
            ToolResultContent::Video(video) => media.push(ContentBlock::Video(video)),
            other => texts.push(serde_json::to_string(&other).unwrap_or_default()),
        }
    }
    let text = format!("[Result of the tool call {}: {}]", &*result.tool_use_id, texts.join("\n"));
    media.insert(0, ContentBlock::Text(text.into()));
    media
}
