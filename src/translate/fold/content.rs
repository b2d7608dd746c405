//! The events of one block: its start, its deltas, its end.

use super::{Fold, contradiction};
use crate::converse::{BlockDelta, BlockStart, ReasoningDelta, ToolUseStart};
use crate::error::Error;
use crate::json::{Json, Str};
use crate::openai::{ChatChunk, Delta, FunctionDelta, ToolCallDelta};
use crate::translate::blocks::{Content, push_piece, thinking};

impl Fold {
    pub(super) fn start(&mut self, index: u64, start: BlockStart<'_>) -> Result<Option<ChatChunk>, Error> {
        if self.blocks.has(index) {
            return Err(contradiction("a block of the answer began twice"));
        }
        match start {
            BlockStart::ToolUse(start) => Ok(self.call(index, start)),
            BlockStart::ToolResult(start) => {
                let content = Content::Result {
                    id: start.tool_use_id.into_owned(),
                    kind: start.kind.map(|kind| kind.into_owned()),
                    status: start.status.map(|status| status.into_owned()),
                    pieces: Vec::new(),
                    other: start.other,
                };
                self.blocks.push(index, content);
                Ok(None)
            }
            BlockStart::Image(start) => {
                let content = Content::Image {
                    format: start.format.into_owned(),
                    source: None,
                    error: None,
                    other: start.other,
                };
                self.blocks.push(index, content);
                Ok(None)
            }
            BlockStart::Unknown { name, value } => {
                self.blocks.push(index, Content::Unknown { name, value });
                Ok(None)
            }
        }
    }

    fn call(&mut self, index: u64, start: ToolUseStart<'_>) -> Option<ChatChunk> {
        if self.heading.content_tool.as_deref() == Some(&*start.name) {
            // Its input is the text of the answer.
            self.blocks.push(index, Content::Text { text: String::new(), citations: Vec::new() });
            return None;
        }
        // The service runs these tools itself: they are no calls for the client to run.
        let is_server = start.kind.as_deref() == Some("server_tool_use");
        let position = (!is_server).then_some(self.calls);
        let (id, name) = (start.tool_use_id.into_owned(), start.name.into_owned());
        let name = match self.heading.names.iter().find(|(sent, _)| *sent == name) {
            Some((_, original)) => original.clone(),
            None => name,
        };
        let legacy = self.heading.legacy;
        let chunk = position.and_then(|position| {
            self.calls += 1;
            self.emit(|| {
                call_delta(
                    legacy,
                    ToolCallDelta {
                        index: position,
                        id: Some(id.clone()),
                        kind: Some("function".to_owned()),
                        function: Some(FunctionDelta {
                            name: Some(name.clone()),
                            arguments: Some(String::new()),
                        }),
                    },
                )
            })
        });
        let content = Content::Call {
            position,
            id,
            name,
            kind: start.kind.map(|kind| kind.into_owned()),
            input: String::new(),
            other: start.other,
        };
        self.blocks.push(index, content);
        chunk
    }

    pub(super) fn delta(&mut self, index: u64, delta: BlockDelta<'_>) -> Result<Option<ChatChunk>, Error> {
        let legacy = self.heading.legacy;
        match delta {
            BlockDelta::Text(new) => {
                let Some((text, _)) = self.blocks.text_block(index) else {
                    return Err(contradiction("text came in a block of another kind"));
                };
                let begins = text.is_empty() && !new.is_empty();
                text.push_str(&new);
                if new.is_empty() {
                    return Ok(None);
                }
                let apart = begins && self.blocks.begin_text();
                Ok(self.emit(|| Delta { content: Some(joined(apart, new)), ..Delta::default() }))
            }
            BlockDelta::ToolUse(new) if matches!(self.blocks.last(index), Some(Content::Text { .. })) => {
                self.delta(index, BlockDelta::Text(new.input))
            }
            BlockDelta::ToolUse(new) => {
                self.note_unknown("toolUse", &new.other);
                let Some(Content::Call { position, input, .. }) = self.blocks.block(index) else {
                    return Err(contradiction("a tool call's input came without its start"));
                };
                input.push_str(&new.input);
                let Some(position) = *position else {
                    return Ok(None);
                };
                if new.input.is_empty() {
                    return Ok(None);
                }
                Ok(self.emit(|| arguments(legacy, position, new.input.into_owned())))
            }
            BlockDelta::ReasoningContent(new) => self.reasoning_delta(index, new),
            BlockDelta::ToolResult(new) => {
                let Some(Content::Result { pieces, .. }) = self.blocks.block(index) else {
                    return Err(contradiction("a tool's result came without its start"));
                };
                for piece in &new {
                    push_piece(pieces, piece);
                }
                Ok(None)
            }
            BlockDelta::Citation(citation) => {
                let citation = Json::of(&citation).unwrap_or_default();
                let Some((_, citations)) = self.blocks.text_block(index) else {
                    return Err(contradiction("a citation came in a block of another kind"));
                };
                citations.push(citation);
                Ok(None)
            }
            BlockDelta::Image(new) => {
                self.note_unknown("image", &new.other);
                let Some(Content::Image { source, error, .. }) = self.blocks.block(index) else {
                    return Err(contradiction("an image came without its start"));
                };
                if let Some(new) = new.source {
                    *source = Some(new.to_json());
                }
                if let Some(new) = new.error {
                    *error = Some(new.to_json());
                }
                Ok(None)
            }
            BlockDelta::Unknown { name, value } => {
                self.blocks.push(index, Content::Unknown { name, value });
                Ok(None)
            }
        }
    }

    fn reasoning_delta(&mut self, index: u64, new: ReasoningDelta<'_>) -> Result<Option<ChatChunk>, Error> {
        let is_last = matches!(self.blocks.last(index), Some(Content::Reasoning { .. }));
        if !is_last {
            let content = Content::Reasoning { text: String::new(), signature: None, redacted: None };
            self.blocks.push(index, content);
        }
        let Some(Content::Reasoning { text, signature, redacted }) = self.blocks.block(index) else {
            return Err(contradiction("reasoning came in a block of another kind"));
        };
        match new {
            ReasoningDelta::Text(new) => {
                let begins = text.is_empty() && !new.is_empty();
                text.push_str(&new);
                if new.is_empty() {
                    return Ok(None);
                }
                let apart = begins && self.blocks.begin_reasoning();
                return Ok(
                    self.emit(|| Delta { reasoning_content: Some(joined(apart, new)), ..Delta::default() })
                );
            }
            ReasoningDelta::Signature(new) => signature.get_or_insert_default().push_str(&new),
            ReasoningDelta::RedactedContent(new) => redacted.get_or_insert_default().push_str(&new),
            ReasoningDelta::Unknown { name, .. } => {
                self.note(format!("reasoningContent.{name}"), "is a delta that this version does not know");
            }
        }
        Ok(None)
    }

    pub(super) fn block_stop(&mut self, index: u64) -> Option<ChatChunk> {
        let (in_chunks, legacy) = (self.in_chunks, self.heading.legacy);
        match self.blocks.block(index)? {
            // A call without arguments has no delta at all.
            Content::Call { position: Some(position), input, .. } if input.is_empty() => {
                input.push_str("{}");
                let position = *position;
                self.emit(|| arguments(legacy, position, "{}".to_owned()))
            }
            Content::Call { input, .. } if input.is_empty() => {
                input.push_str("{}");
                None
            }
            Content::Reasoning { text, signature, redacted } if in_chunks => {
                let blocks = thinking(text, signature.as_deref(), redacted.as_deref());
                self.emit(|| Delta { thinking_blocks: Some(blocks), ..Delta::default() })
            }
            Content::Text { citations, .. } if in_chunks && !citations.is_empty() => {
                let annotations = self.blocks.annotations(Some(index));
                let is_any = !annotations.is_empty();
                is_any
                    .then(|| self.emit(|| Delta { annotations: Some(annotations), ..Delta::default() }))
                    .flatten()
            }
            _ => None,
        }
    }
}

/// A piece of a call: in the legacy form it has no id and no index, and there is only one.
fn call_delta(legacy: bool, call: ToolCallDelta) -> Delta {
    match legacy && call.index == 0 {
        true => Delta { function_call: call.function, ..Delta::default() },
        false => Delta { tool_calls: Some(vec![call]), ..Delta::default() },
    }
}

pub(super) fn arguments(legacy: bool, position: u32, arguments: String) -> Delta {
    let function = FunctionDelta { name: None, arguments: Some(arguments) };
    call_delta(
        legacy,
        ToolCallDelta { index: position, function: Some(function), ..ToolCallDelta::default() },
    )
}

/// The text of a delta, after a line break where another block was between.
fn joined(apart: bool, text: Str<'_>) -> String {
    match apart {
        true => format!("\n{}", &*text),
        false => text.into_owned(),
    }
}
