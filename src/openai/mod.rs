//! OpenAI's vocabulary: what a caller of Chat Completions sends, and what it expects back.
//!
//! Requests are read leniently: a member that is missing takes its default, one that is unknown is
//! kept in `other`, one of the wrong type is an error. What the values mean is not judged here;
//! [`translate`](crate::translate) does, and names the member. Answers are written in OpenAI's own
//! shape, so that its SDKs read them.
//!
//! Source: OpenAI's API reference for Chat Completions.

mod chunk;
mod completion;
mod error;
mod message;
mod request;
mod tool;

pub use chunk::{AssistantRole, ChatChunk, ChunkChoice, ChunkObject, Delta, FunctionDelta, ToolCallDelta};
pub use completion::{
    Annotation, AssistantMessage, BedrockReply, CacheCreationTokenDetails, ChatCompletion, Choice,
    CompletionTokensDetails, FinishReason, PromptTokensDetails, ThinkingBlock, UrlCitation, Usage,
};
pub use error::{ErrorBody, ErrorObject};
pub use message::{Content, ImageUrl, Message, Part, PartType, Role};
pub use request::{BedrockRequest, ChatRequest, Stop, StreamOptions};
pub use tool::{FunctionCall, FunctionDefinition, FunctionName, Tool, ToolCall, ToolChoice, ToolType};
