//! The body of Converse and ConverseStream. The model id is not in it: it travels in the path.

use super::{CachePoint, ContentBlock, GuardContent, ToolConfig};
use crate::json::{Raw, Str};
use crate::vocabulary::words;
use crate::writing::{record_sent, union_sent};

record_sent! {
    /// The body of a request; the same for Converse and ConverseStream, but for the guardrail's
    /// `streamProcessingMode`.
    ///
    /// The members are written in an order that puts what stays the same between the turns of a
    /// conversation first.
    pub struct Request<'a> {
        /// The tools.
        tool_config: Option<ToolConfig<'a>> = "toolConfig",
        /// The instructions.
        system: Option<Vec<SystemBlock<'a>>> = "system",
        /// The conversation, oldest turn first.
        messages: Option<Vec<Message<'a>>> = "messages",
        /// Length and sampling.
        inference_config: Option<InferenceConfig<'a>> = "inferenceConfig",
        /// Fields for the model itself.
        additional_model_request_fields: Option<Raw<'a>> = "additionalModelRequestFields",
        /// JSON pointers to fields of the model's own answer: at most 10, of 1 to 256 characters.
        additional_model_response_field_paths: Option<Vec<Str<'a>>> = "additionalModelResponseFieldPaths",
        /// A guardrail.
        guardrail_config: Option<Raw<'a>> = "guardrailConfig",
        /// `{"latency": "standard" | "optimized"}`.
        performance_config: Option<Raw<'a>> = "performanceConfig",
        /// Values for the variables of a prompt resource.
        prompt_variables: Option<Raw<'a>> = "promptVariables",
        /// 1 to 16 key-value pairs for filtering invocation logs.
        request_metadata: Option<Raw<'a>> = "requestMetadata",
        /// `{"type": "priority" | "default" | "flex" | "reserved"}`.
        service_tier: Option<Raw<'a>> = "serviceTier",
        /// The form of the answer, and the effort.
        output_config: Option<OutputConfig<'a>> = "outputConfig",
    }
}

record_sent! {
    /// One turn.
    pub struct Message<'a> {
        /// Who speaks.
        role: Role = "role",
        /// What is said, in order.
        content: Vec<ContentBlock<'a>> = "content",
    }
}

words! {
    /// Who speaks in a turn.
    pub enum Role {
        /// The user, and the results of tools.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// Instructions in the middle; most models refuse it.
        System = "system",
    }
}

union_sent! {
    /// One block of the instructions.
    pub enum SystemBlock<'a> {
        /// Text, at least one character.
        Text(Str<'a>) = "text",
        /// Text or an image that a guardrail checks.
        GuardContent(GuardContent<'a>) = "guardContent",
        /// A prompt cache point.
        CachePoint(CachePoint<'a>) = "cachePoint",
    }
}

record_sent! {
    /// Length and sampling.
    pub struct InferenceConfig<'a> {
        /// The most tokens to generate, at least 1.
        max_tokens: Option<i64> = "maxTokens",
        /// 0 to 1.
        temperature: Option<f64> = "temperature",
        /// 0 to 1.
        top_p: Option<f64> = "topP",
        /// Texts at which generation stops: at most 2500, none empty.
        stop_sequences: Option<Vec<Str<'a>>> = "stopSequences",
    }
}

record_sent! {
    /// The form of the answer, and the effort.
    pub struct OutputConfig<'a> {
        /// The form of the text.
        text_format: Option<OutputFormat<'a>> = "textFormat",
        /// low, medium, high, xhigh, max.
        effort: Option<Str<'a>> = "effort",
    }
}

record_sent! {
    /// The form of the text.
    pub struct OutputFormat<'a> {
        /// `json_schema`.
        kind: Str<'a> = "type",
        /// What it must look like.
        structure: OutputStructure<'a> = "structure",
    }
}

union_sent! {
    /// What the text must look like.
    pub enum OutputStructure<'a> {
        /// JSON that follows a schema.
        JsonSchema(JsonSchema<'a>) = "jsonSchema",
    }
}

record_sent! {
    /// A JSON schema, as text.
    pub struct JsonSchema<'a> {
        /// The schema: JSON as text.
        schema: Str<'a> = "schema",
        /// Its name.
        name: Option<Str<'a>> = "name",
        /// What it is, for the model.
        description: Option<Str<'a>> = "description",
    }
}
