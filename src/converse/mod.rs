//! Bedrock's vocabulary: the Converse request and reply, the events of ConverseStream and the
//! frames that carry them.
//!
//! Requests are written in a fixed order of members and with free JSON as the caller wrote it, so
//! that the same conversation is the same bytes. Replies are read leniently: a member, union member
//! or word that is new is kept.
//!
//! Source: AWS's service model of Bedrock Runtime, 2023-09-30.

mod block;
mod event;
mod exception;
pub mod frame;
mod media;
mod reply;
mod request;
mod tool;

pub use block::{
    CachePoint, Citation, CitationsConfig, CitationsContent, ContentBlock, GeneratedText, GuardContent,
    GuardImage, GuardText, ReasoningContent, ReasoningText, SearchResult, ToolReference, ToolReferenceBlock,
    ToolResult, ToolResultContent, ToolUse,
};
pub use event::{
    BlockDelta, BlockDeltaEvent, BlockStart, BlockStartEvent, BlockStopEvent, Event, ImageDelta, ImageStart,
    MessageStart, MessageStop, Metadata, ReasoningDelta, ToolResultDelta, ToolResultStart, ToolUseDelta,
    ToolUseStart,
};
pub use exception::Exception;
pub use media::{Audio, Document, DocumentSource, Image, Media, S3Location, Video};
pub use reply::{CacheDetail, Output, Reply, StopReason, TokenUsage};
pub use request::{
    InferenceConfig, JsonSchema, Message, OutputConfig, OutputFormat, OutputStructure, Request, Role,
    SystemBlock,
};
pub use tool::{Empty, InputSchema, NamedTool, Tool, ToolChoice, ToolConfig, ToolSpec};
