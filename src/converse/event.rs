//! The events of ConverseStream.
//!
//! An event is read from the payload of one frame and borrows from it: the text of a delta is not
//! copied unless it has escapes. Every event has a member `p`, padding against side channels, which
//! is skipped.

use serde::{Deserialize, Serialize};

use super::{Citation, Role, StopReason};
use crate::json::{Json, Raw, Str};
use crate::vocabulary::{record, union};

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The answer begins.
    MessageStart(MessageStart),
    /// A block begins. Text blocks have no such event.
    ContentBlockStart(BlockStartEvent<'a>),
    /// More of a block.
    ContentBlockDelta(BlockDeltaEvent<'a>),
    /// A block ends.
    ContentBlockStop(BlockStopEvent),
    /// The answer ends. A stream without this event was cut.
    MessageStop(MessageStop<'a>),
    /// What it cost.
    Metadata(Metadata<'a>),
    /// An event that this version does not know.
    Unknown {
        /// Its `:event-type`.
        name: String,
        /// Its payload.
        payload: Json,
    },
}

impl<'a> Event<'a> {
    /// Reads the payload of an event of the type `name` (the frame's `:event-type`).
    ///
    /// # Errors
    ///
    /// serde_json's, when the payload is not JSON or not of the event's shape.
    ///
    /// ```
    /// use bedrock_chat::converse::Event;
    ///
    /// let payload = br#"{"contentBlockIndex":0,"delta":{"text":"Paris"},"p":"abc"}"#;
    /// let Event::ContentBlockDelta(event) = Event::read("contentBlockDelta", payload)? else {
    ///     panic!("a delta");
    /// };
    /// assert_eq!(event.content_block_index, 0);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn read(name: &str, payload: &'a [u8]) -> Result<Self, serde_json::Error> {
        // Looking for UTF-8 once costs less than once for every string.
        let text = std::str::from_utf8(payload).map_err(serde::de::Error::custom)?;
        Ok(match name {
            "contentBlockDelta" => Event::ContentBlockDelta(serde_json::from_str(text)?),
            "contentBlockStart" => Event::ContentBlockStart(serde_json::from_str(text)?),
            "contentBlockStop" => Event::ContentBlockStop(serde_json::from_str(text)?),
            "messageStart" => Event::MessageStart(serde_json::from_str(text)?),
            "messageStop" => Event::MessageStop(serde_json::from_str(text)?),
            "metadata" => Event::Metadata(serde_json::from_str(text)?),
            _ => Event::Unknown { name: name.to_owned(), payload: serde_json::from_str(text)? },
        })
    }

    /// The event's `:event-type`.
    pub fn name(&self) -> &str {
        match self {
            Event::MessageStart(_) => "messageStart",
            Event::ContentBlockStart(_) => "contentBlockStart",
            Event::ContentBlockDelta(_) => "contentBlockDelta",
            Event::ContentBlockStop(_) => "contentBlockStop",
            Event::MessageStop(_) => "messageStop",
            Event::Metadata(_) => "metadata",
            Event::Unknown { name, .. } => name,
        }
    }

    /// Writes the event's payload.
    ///
    /// # Errors
    ///
    /// Never for what was read; serde_json's signature asks for it.
    pub fn payload(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Event::MessageStart(event) => serde_json::to_vec(event),
            Event::ContentBlockStart(event) => serde_json::to_vec(event),
            Event::ContentBlockDelta(event) => serde_json::to_vec(event),
            Event::ContentBlockStop(event) => serde_json::to_vec(event),
            Event::MessageStop(event) => serde_json::to_vec(event),
            Event::Metadata(event) => serde_json::to_vec(event),
            Event::Unknown { payload, .. } => serde_json::to_vec(payload),
        }
    }
}

/// The answer begins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageStart {
    /// Who speaks.
    pub role: Role,
}

/// A block begins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStartEvent<'a> {
    /// Which block of the answer.
    pub content_block_index: u64,
    /// What block.
    #[serde(borrow)]
    pub start: BlockStart<'a>,
}

union! {
    /// What block begins.
    pub enum BlockStart<'a> {
        /// A call of a tool.
        ToolUse(ToolUseStart<'a>) = "toolUse",
        /// The result of a tool that the service ran.
        ToolResult(ToolResultStart<'a>) = "toolResult",
        /// An image.
        Image(ImageStart<'a>) = "image",
    }
}

record! {
    /// A call of a tool begins.
    pub struct ToolUseStart<'a> {
        /// The id of the call.
        tool_use_id: Str<'a> = "toolUseId",
        /// The tool.
        name: Str<'a> = "name",
        /// `server_tool_use` where the service runs the tool itself.
        kind: Option<Str<'a>> = "type",
    }
}

record! {
    /// The result of a tool that the service ran begins.
    pub struct ToolResultStart<'a> {
        /// The id of the call.
        tool_use_id: Str<'a> = "toolUseId",
        /// What kind of result.
        kind: Option<Str<'a>> = "type",
        /// success or error.
        status: Option<Str<'a>> = "status",
    }
}

record! {
    /// An image begins.
    pub struct ImageStart<'a> {
        /// png, jpeg, gif or webp.
        format: Str<'a> = "format",
    }
}

/// More of a block.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockDeltaEvent<'a> {
    /// Which block of the answer.
    pub content_block_index: u64,
    /// What is new.
    #[serde(borrow)]
    pub delta: BlockDelta<'a>,
}

union! {
    /// What is new in a block.
    pub enum BlockDelta<'a> {
        /// Text.
        Text(Str<'a>) = "text",
        /// The input of a tool call.
        ToolUse(ToolUseDelta<'a>) = "toolUse",
        /// The result of a tool that the service ran.
        ToolResult(Vec<ToolResultDelta<'a>>) = "toolResult",
        /// Reasoning.
        ReasoningContent(ReasoningDelta<'a>) = "reasoningContent",
        /// A citation of the text so far.
        Citation(Citation<'a>) = "citation",
        /// An image, or part of one.
        Image(ImageDelta<'a>) = "image",
    }
}

record! {
    /// More of the input of a tool call.
    pub struct ToolUseDelta<'a> {
        /// A fragment of JSON.
        input: Str<'a> = "input",
    }
}

union! {
    /// More of the result of a tool that the service ran.
    pub enum ToolResultDelta<'a> {
        /// Text.
        Text(Str<'a>) = "text",
        /// Free JSON.
        Json(Raw<'a>) = "json",
    }
}

union! {
    /// More reasoning.
    pub enum ReasoningDelta<'a> {
        /// Text.
        Text(Str<'a>) = "text",
        /// Encrypted, base64.
        RedactedContent(Str<'a>) = "redactedContent",
        /// The signature of the block.
        Signature(Str<'a>) = "signature",
    }
}

record! {
    /// An image, or why there is none.
    pub struct ImageDelta<'a> {
        /// Where it is.
        source: Option<Raw<'a>> = "source",
        /// Why there is none.
        error: Option<Raw<'a>> = "error",
    }
}

/// A block ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStopEvent {
    /// Which block of the answer.
    pub content_block_index: u64,
}

record! {
    /// The answer ends.
    pub struct MessageStop<'a> {
        /// Why.
        stop_reason: StopReason = "stopReason",
        /// The model's own fields that were asked for.
        additional_model_response_fields: Option<Raw<'a>> = "additionalModelResponseFields",
    }
}

record! {
    /// What the answer cost.
    pub struct Metadata<'a> {
        /// Token counts; read it as a [`TokenUsage`](super::TokenUsage).
        usage: Option<Raw<'a>> = "usage",
        /// `{"latencyMs": …}`.
        metrics: Option<Raw<'a>> = "metrics",
        /// What guardrails and prompt routers did.
        trace: Option<Raw<'a>> = "trace",
        /// The latency configuration that served the call.
        performance_config: Option<Raw<'a>> = "performanceConfig",
        /// The tier that served the call.
        service_tier: Option<Raw<'a>> = "serviceTier",
    }
}
