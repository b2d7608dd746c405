//! What the simulator answers.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fault::Fault;
use crate::json::Json;

/// One block of an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// Text.
    Text(String),
    /// A call of a tool, with its input as JSON text; a stream sends the text in fragments.
    ToolUse {
        /// The id of the call; one is made up where it is empty.
        id: String,
        /// The tool.
        name: String,
        /// The input: JSON, or in a stream the beginning of JSON.
        input: String,
        /// The block's `type`, such as `server_tool_use`.
        kind: Option<String>,
    },
    /// Reasoning, with its signature.
    Reasoning {
        /// The text.
        text: String,
        /// The signature.
        signature: Option<String>,
    },
    /// Encrypted reasoning, base64.
    Redacted(String),
    /// Any block, as Converse JSON; a stream cannot send it.
    Raw(Json),
}

/// An answer: blocks and how they end, or a failure.
///
/// ```
/// use bedrock_chat::sim::Answer;
///
/// let answer = Answer::text("Let me look.")
///     .then_call("get_weather", r#"{"city":"Paris"}"#)
///     .usage(120, 15);
/// let throttled = Answer::failure(429, "ThrottlingException", "Too many requests, please wait before trying again.");
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Answer {
    pub(super) content: Content,
    pub(super) head_delay: Duration,
    pub(super) event_delay: Duration,
    pub(super) fault: Option<Fault>,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Blocks {
        blocks: Vec<Block>,
        stop_reason: Option<String>,
        usage: Option<Value>,
        extra: Map<String, Value>,
        chunk: usize,
    },
    Failure {
        status: u16,
        code: String,
        message: String,
        headers: Vec<(String, String)>,
    },
    Raw {
        status: u16,
        content_type: String,
        body: Vec<u8>,
    },
}

/// How many characters a delta has, unless the answer says otherwise.
const CHUNK: usize = 16;

impl Answer {
    fn of(content: Content) -> Self {
        Answer { content, head_delay: Duration::ZERO, event_delay: Duration::ZERO, fault: None }
    }

    /// An answer of these blocks.
    pub fn blocks(blocks: impl IntoIterator<Item = Block>) -> Self {
        Answer::of(Content::Blocks {
            blocks: blocks.into_iter().collect(),
            stop_reason: None,
            usage: None,
            extra: Map::new(),
            chunk: CHUNK,
        })
    }

    /// An answer of text.
    pub fn text(text: impl Into<String>) -> Self {
        Answer::blocks([Block::Text(text.into())])
    }

    /// An answer that calls a tool; `input` is JSON.
    pub fn call(name: impl Into<String>, input: impl Into<String>) -> Self {
        Answer::blocks([]).then_call(name, input)
    }

    /// A failure before the answer begins.
    pub fn failure(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Answer::of(Content::Failure {
            status,
            code: code.into(),
            message: message.into(),
            headers: Vec::new(),
        })
    }

    /// A body as it is: a recorded reply, the bytes of a recorded stream, or something broken.
    pub fn raw(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Answer::of(Content::Raw { status, content_type: content_type.into(), body: body.into() })
    }

    /// Adds a block.
    pub fn then(mut self, block: Block) -> Self {
        if let Content::Blocks { blocks, .. } = &mut self.content {
            blocks.push(block);
        }
        self
    }

    /// Adds text.
    pub fn then_text(self, text: impl Into<String>) -> Self {
        self.then(Block::Text(text.into()))
    }

    /// Adds a call of a tool; `input` is JSON.
    pub fn then_call(self, name: impl Into<String>, input: impl Into<String>) -> Self {
        self.then(Block::ToolUse { id: String::new(), name: name.into(), input: input.into(), kind: None })
    }

    /// Ends with this stop reason; otherwise `tool_use` where a tool is called, else `end_turn`.
    pub fn stop_reason(mut self, reason: impl Into<String>) -> Self {
        if let Content::Blocks { stop_reason, .. } = &mut self.content {
            *stop_reason = Some(reason.into());
        }
        self
    }

    /// Reports these token counts; otherwise an estimate of four characters to a token.
    pub fn usage(self, input: u64, output: u64) -> Self {
        self.usage_as(json!({
            "inputTokens": input,
            "outputTokens": output,
            "totalTokens": input + output,
        }))
    }

    /// Reports `usage` as Converse has it.
    pub fn usage_as(mut self, counts: Value) -> Self {
        if let Content::Blocks { usage, .. } = &mut self.content {
            *usage = Some(counts);
        }
        self
    }

    /// Adds a member to the reply, or to the metadata of the stream, such as `trace`.
    pub fn member(mut self, name: impl Into<String>, value: Value) -> Self {
        if let Content::Blocks { extra, .. } = &mut self.content {
            extra.insert(name.into(), value);
        }
        self
    }

    /// Adds a header to a failure, such as `x-amz-retry-after`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Content::Failure { headers, .. } = &mut self.content {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// How many characters a delta of a stream has.
    pub fn chunked(mut self, characters: usize) -> Self {
        if let Content::Blocks { chunk, .. } = &mut self.content {
            *chunk = characters.max(1);
        }
        self
    }

    /// Waits before the head of the response.
    pub fn after(mut self, delay: Duration) -> Self {
        self.head_delay = delay;
        self
    }

    /// Goes wrong like this.
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Waits before each event of a stream.
    pub fn paced(mut self, delay: Duration) -> Self {
        self.event_delay = delay;
        self
    }
}
