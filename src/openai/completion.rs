//! The whole answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FunctionCall, ToolCall};
use crate::json::Json;
use crate::vocabulary::{record, words};

words! {
    /// Why the answer ended.
    pub enum FinishReason {
        /// The model was done, or a stop text came.
        Stop = "stop",
        /// The limit of tokens was reached; a tool call may be cut.
        Length = "length",
        /// The model waits for the results of its tool calls.
        ToolCalls = "tool_calls",
        /// A filter or guardrail stepped in.
        ContentFilter = "content_filter",
        /// `tool_calls` in the legacy form.
        FunctionCall = "function_call",
    }
}

/// A Chat Completions answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatCompletion {
    /// The answer's id.
    pub id: Arc<str>,
    /// `chat.completion`.
    pub object: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// The model, as the request named it.
    pub model: Arc<str>,
    /// The answers: one.
    pub choices: Vec<Choice>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The processing tier that served it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// What OpenAI has no place for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bedrock: Option<BedrockReply>,
}

impl ChatCompletion {
    /// The message of the answer.
    pub fn message(&self) -> Option<&AssistantMessage> {
        self.choices.first().map(|choice| &choice.message)
    }

    /// The text of the answer; empty where there is none.
    pub fn text(&self) -> &str {
        self.message().and_then(|message| message.content.as_deref()).unwrap_or_default()
    }

    /// The tool calls of the answer.
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.message().and_then(|message| message.tool_calls.as_deref()).unwrap_or_default()
    }

    /// Why the answer ended; none in the partial answer of an error.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.choices.first().and_then(|choice| choice.finish_reason.as_ref())
    }
}

/// One answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// 0.
    pub index: u32,
    /// What the model said.
    pub message: AssistantMessage,
    /// Never given by Bedrock.
    pub logprobs: Option<Json>,
    /// Why it ended; none in the partial answer of an error.
    pub finish_reason: Option<FinishReason>,
}

/// What the model said. It becomes the next message of the history by
/// `Message::from(completion.choices[0].message.clone())`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AssistantMessage {
    /// `assistant`.
    pub role: String,
    /// The text; null where there is none.
    pub content: Option<String>,
    /// Never given by Bedrock.
    pub refusal: Option<String>,
    /// The reasoning as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The reasoning with its signatures, to be sent back unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking_blocks: Option<Vec<ThinkingBlock>>,
    /// The tools that the model calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The tool that the model calls, in the legacy form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// The citations of the text that have an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Annotation>>,
    /// `{"content": […]}`: the whole answer as Converse blocks, where OpenAI's members would not give
    /// them back (tools that the service ran by itself, images, citations, text after a call, several
    /// texts, blocks of a later version). A message with it is sent back as these blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bedrock: Option<Json>,
}

/// A citation, in the form of OpenAI's web search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Annotation {
    /// `url_citation`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is cited.
    pub url_citation: UrlCitation,
}

/// What a piece of the text is from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UrlCitation {
    /// The first character of the piece, counted from 0.
    pub start_index: u64,
    /// The character behind its last.
    pub end_index: u64,
    /// The title of what is cited; else its domain, or its address.
    pub title: String,
    /// Its address.
    pub url: String,
}

record! {
    /// A block of reasoning, in Anthropic's words: `thinking` with a signature, or
    /// `redacted_thinking` with encrypted data.
    pub struct ThinkingBlock {
        /// thinking or redacted_thinking.
        kind: String = "type",
        /// The reasoning.
        thinking: Option<String> = "thinking",
        /// Proof that the model wrote it; to be sent back unchanged.
        signature: Option<String> = "signature",
        /// The encrypted reasoning, base64.
        data: Option<String> = "data",
    }
}

/// What an answer cost, in tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the request, those read from and written to the prompt cache included.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// What the prompt tokens were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// What the completion tokens were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
}

/// What the prompt tokens were.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptTokensDetails {
    /// Tokens read from the prompt cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens written to the prompt cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_creation_tokens: Option<u64>,
    /// Those, by how long they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_creation_token_details: Option<CacheCreationTokenDetails>,
}

/// Tokens written to the prompt cache, by how long they are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CacheCreationTokenDetails {
    /// For five minutes.
    #[serde(default)]
    pub ephemeral_5m_input_tokens: u64,
    /// For an hour.
    #[serde(default)]
    pub ephemeral_1h_input_tokens: u64,
}

/// What the completion tokens were.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompletionTokensDetails {
    /// Tokens of reasoning.
    #[serde(default)]
    pub reasoning_tokens: u64,
}

record! {
    /// What Converse says and OpenAI has no place for.
    pub struct BedrockReply {
        /// Converse's own reason for the end.
        stop_reason: Option<String> = "stopReason",
        /// The service's id of the call.
        request_id: Option<String> = "requestId",
        /// Converse's token counts as they came.
        usage: Option<Json> = "usage",
        /// Timing, in milliseconds.
        metrics: Option<Json> = "metrics",
        /// What guardrails and prompt routers did.
        trace: Option<Json> = "trace",
        /// The latency configuration that served the call.
        performance_config: Option<Json> = "performanceConfig",
        /// The tier that served the call.
        service_tier: Option<Json> = "serviceTier",
        /// The model's own fields that were asked for.
        additional_model_response_fields: Option<Json> = "additionalModelResponseFields",
        /// What was changed between the caller and the service.
        adjustments: Option<Json> = "adjustments",
    }
}
