//! The reply of Converse.

use super::Message;
use crate::json::Raw;
use crate::vocabulary::{record, union, words};

record! {
    /// The reply of Converse.
    pub struct Reply<'a> {
        /// What the model said.
        output: Output<'a> = "output",
        /// Why it stopped.
        stop_reason: StopReason = "stopReason",
        /// What it cost; read it as a [`TokenUsage`].
        usage: Option<Raw<'a>> = "usage",
        /// `{"latencyMs": …}`.
        metrics: Option<Raw<'a>> = "metrics",
        /// The model's own fields that were asked for.
        additional_model_response_fields: Option<Raw<'a>> = "additionalModelResponseFields",
        /// What guardrails and prompt routers did.
        trace: Option<Raw<'a>> = "trace",
        /// The latency configuration that served the call.
        performance_config: Option<Raw<'a>> = "performanceConfig",
        /// The tier that served the call.
        service_tier: Option<Raw<'a>> = "serviceTier",
    }
}

union! {
    /// What the model said.
    pub enum Output<'a> {
        /// A turn of the assistant.
        Message(Message<'a>) = "message",
    }
}

words! {
    /// Why the model stopped.
    pub enum StopReason {
        /// It was done.
        EndTurn = "end_turn",
        /// It waits for the results of its tool calls.
        ToolUse = "tool_use",
        /// The limit of tokens was reached.
        MaxTokens = "max_tokens",
        /// A stop sequence came.
        StopSequence = "stop_sequence",
        /// A guardrail stepped in.
        GuardrailIntervened = "guardrail_intervened",
        /// A filter stepped in.
        ContentFiltered = "content_filtered",
        /// What the model wrote could not be read.
        MalformedModelOutput = "malformed_model_output",
        /// The tool call that the model wrote could not be read.
        MalformedToolUse = "malformed_tool_use",
        /// The context window is full.
        ModelContextWindowExceeded = "model_context_window_exceeded",
    }
}

record! {
    /// Token counts.
    pub struct TokenUsage {
        /// Tokens of the request, those of the cache not counted.
        input_tokens: u64 = "inputTokens",
        /// Tokens of the answer.
        output_tokens: u64 = "outputTokens",
        /// Tokens altogether.
        total_tokens: u64 = "totalTokens",
        /// Tokens read from the prompt cache.
        cache_read_input_tokens: Option<u64> = "cacheReadInputTokens",
        /// Tokens written to the prompt cache.
        cache_write_input_tokens: Option<u64> = "cacheWriteInputTokens",
        /// The tokens written, by how long they are kept.
        cache_details: Option<Vec<CacheDetail>> = "cacheDetails",
    }
}

record! {
    /// Tokens written to the prompt cache.
    pub struct CacheDetail {
        /// How long they are kept: 5m or 1h.
        ttl: String = "ttl",
        /// How many.
        input_tokens: u64 = "inputTokens",
    }
}
