//! The request.

use std::fmt;

use serde::de::{SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Content, FunctionDefinition, Message, Tool, ToolChoice};
use crate::json::Json;
use crate::vocabulary::record;

record! {
    /// A Chat Completions request: every member that OpenAI documents, the extensions that agents
    /// send in practice, and whatever else came, in `other`.
    ///
    /// ```
    /// use bedrock_chat::openai::{ChatRequest, Message};
    ///
    /// let mut request = ChatRequest::new("us.amazon.nova-lite-v1:0")
    ///     .system("Answer in one word.")
    ///     .user("What is the capital of France?");
    /// request.temperature = Some(0.2);
    /// request.messages.push(Message::assistant("Paris"));
    /// assert_eq!(request.messages.len(), 3);
    /// ```
    pub struct ChatRequest {
        /// The model: a Bedrock model id, inference profile id or ARN.
        model: String = "model",
        /// The conversation so far, oldest first.
        messages: Vec<Message> = "messages",
        /// The tools that the model may call.
        tools: Option<Vec<Tool>> = "tools",
        /// Whether and which tool must be called.
        tool_choice: Option<ToolChoice> = "tool_choice",
        /// Whether the model may call several tools at once.
        parallel_tool_calls: Option<bool> = "parallel_tool_calls",
        /// The legacy form of `tools`.
        functions: Option<Vec<FunctionDefinition>> = "functions",
        /// The legacy form of `tool_choice`.
        function_call: Option<Json> = "function_call",
        /// The most tokens to generate, reasoning included.
        max_completion_tokens: Option<i64> = "max_completion_tokens",
        /// The older name of `max_completion_tokens`, which wins where both are given.
        max_tokens: Option<i64> = "max_tokens",
        /// Sampling temperature, 0 to 2.
        temperature: Option<f64> = "temperature",
        /// Nucleus sampling, 0 to 1.
        top_p: Option<f64> = "top_p",
        /// Sampling from the `top_k` likeliest tokens. Not OpenAI's; many agents send it.
        top_k: Option<i64> = "top_k",
        /// Up to four texts at which generation stops.
        stop: Option<Stop> = "stop",
        /// Whether the answer is streamed.
        stream: Option<bool> = "stream",
        /// What a stream carries besides the answer.
        stream_options: Option<StreamOptions> = "stream_options",
        /// How many answers to generate; only 1 can be had.
        n: Option<i64> = "n",
        /// The form of the answer: text, json_object or json_schema.
        response_format: Option<Json> = "response_format",
        /// How much to reason: none, minimal, low, medium, high, xhigh, max.
        reasoning_effort: Option<String> = "reasoning_effort",
        /// Anthropic's own reasoning knob, as many agents send it.
        thinking: Option<Json> = "thinking",
        /// Output length in words: low, medium, high.
        verbosity: Option<String> = "verbosity",
        /// Output modalities.
        modalities: Option<Vec<String>> = "modalities",
        /// Audio output.
        audio: Option<Json> = "audio",
        /// Penalty for frequent tokens, -2 to 2.
        frequency_penalty: Option<f64> = "frequency_penalty",
        /// Penalty for tokens that occurred, -2 to 2.
        presence_penalty: Option<f64> = "presence_penalty",
        /// Bias by token.
        logit_bias: Option<Json> = "logit_bias",
        /// Whether log probabilities are returned.
        logprobs: Option<bool> = "logprobs",
        /// How many log probabilities a token gets.
        top_logprobs: Option<i64> = "top_logprobs",
        /// Seed for repeatable sampling.
        seed: Option<Json> = "seed",
        /// Text that the answer is expected to repeat.
        prediction: Option<Json> = "prediction",
        /// Up to 16 key-value pairs for the caller's own bookkeeping.
        metadata: Option<Json> = "metadata",
        /// Whether OpenAI stores the answer.
        store: Option<bool> = "store",
        /// The end user; replaced by `safety_identifier` and `prompt_cache_key`.
        user: Option<String> = "user",
        /// The end user, hashed.
        safety_identifier: Option<String> = "safety_identifier",
        /// Routes similar requests to the same cache.
        prompt_cache_key: Option<String> = "prompt_cache_key",
        /// How long OpenAI keeps the prompt cache.
        prompt_cache_retention: Option<String> = "prompt_cache_retention",
        /// The processing tier.
        service_tier: Option<String> = "service_tier",
        /// Options of web search.
        web_search_options: Option<Json> = "web_search_options",
        /// What only Converse has, in Converse's own spelling.
        bedrock: Option<BedrockRequest> = "bedrock",
    }
}

impl ChatRequest {
    /// A request to `model` with no messages yet.
    pub fn new(model: impl Into<String>) -> Self {
        ChatRequest { model: model.into(), ..ChatRequest::default() }
    }

    /// Adds a message.
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds a system message.
    pub fn system(self, text: impl Into<String>) -> Self {
        self.message(Message::system(text))
    }

    /// Adds a user message.
    pub fn user(self, content: impl Into<Content>) -> Self {
        self.message(Message::user(content))
    }

    /// Adds a tool.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.get_or_insert_default().push(tool);
        self
    }
}

record! {
    /// What only Converse has, under the request's member `bedrock`.
    pub struct BedrockRequest {
        /// Fields for the model itself, merged over those that the translation makes.
        additional_model_request_fields: Option<Json> = "additionalModelRequestFields",
        /// JSON pointers to fields of the model's own answer, at most 10.
        additional_model_response_field_paths: Option<Vec<String>> = "additionalModelResponseFieldPaths",
        /// A guardrail: `guardrailIdentifier`, `guardrailVersion`, `trace`, `streamProcessingMode`.
        guardrail_config: Option<Json> = "guardrailConfig",
        /// `{"latency": "standard" | "optimized"}`.
        performance_config: Option<Json> = "performanceConfig",
        /// Values for the variables of a prompt resource.
        prompt_variables: Option<Json> = "promptVariables",
        /// Key-value pairs for filtering invocation logs.
        request_metadata: Option<Json> = "requestMetadata",
        /// `{"type": "priority" | "default" | "flex" | "reserved"}`.
        service_tier: Option<Json> = "serviceTier",
        /// Tools that the service runs: `{"tools": [{"systemTool": {"name": …}}]}`.
        tool_config: Option<Json> = "toolConfig",
    }
}

record! {
    /// What a stream carries besides the answer.
    pub struct StreamOptions {
        /// Whether a last chunk with the usage of the whole request is sent.
        include_usage: Option<bool> = "include_usage",
        /// Whether chunks are padded against side channels.
        include_obfuscation: Option<bool> = "include_obfuscation",
    }
}

/// `stop`: one text or several.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Stop {
    /// One text.
    One(String),
    /// Several texts.
    Many(Vec<String>),
}

impl Stop {
    /// The texts.
    pub fn texts(&self) -> &[String] {
        match self {
            Stop::One(text) => std::slice::from_ref(text),
            Stop::Many(texts) => texts,
        }
    }
}

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Stop;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Stop, E> {
                Ok(Stop::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Stop, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Stop::Many)
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}
