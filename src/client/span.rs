//! What a call says of itself: one `tracing` span, with the attribute names of OpenTelemetry's
//! semantic conventions for generative AI. Nothing of what was said is in it.

use std::sync::Arc;
use std::time::Instant;

use tracing::Span;
use tracing::field::{Empty, display};

use crate::error::Error;
use crate::openai::{ChatCompletion, ChatRequest, FinishReason, Usage};
use crate::translate::{Heading, StreamDecoder};

/// The span of one call, from its beginning to the end of its answer.
#[derive(Debug)]
pub(super) struct Observation {
    span: Span,
    start: Instant,
    is_open: bool,
    has_begun: bool,
}

impl Observation {
    pub(super) fn begin(request: &ChatRequest, region: &str, streamed: bool) -> Self {
        let span = tracing::info_span!(
            "chat",
            otel.kind = "client",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = "aws.bedrock",
            gen_ai.request.model = %request.model,
            gen_ai.request.max_tokens = request.max_completion_tokens.or(request.max_tokens),
            gen_ai.request.temperature = request.temperature,
            gen_ai.request.top_p = request.top_p,
            gen_ai.request.stream = streamed,
            cloud.region = region,
            gen_ai.response.id = Empty,
            gen_ai.response.finish_reasons = Empty,
            gen_ai.response.time_to_first_chunk = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.usage.cache_read.input_tokens = Empty,
            aws.request_id = Empty,
            http.request.resend_count = Empty,
            bedrock.stream.events = Empty,
            error.r#type = Empty,
        );
        Observation { span, start: Instant::now(), is_open: true, has_begun: false }
    }

    /// How often the request was sent.
    pub(super) fn sent(&self, attempts: u32) {
        self.span.record("http.request.resend_count", attempts.saturating_sub(1));
    }

    /// The first chunk has come.
    pub(super) fn begun(&mut self) {
        if !self.has_begun {
            self.has_begun = true;
            self.span.record("gen_ai.response.time_to_first_chunk", self.start.elapsed().as_secs_f64());
        }
    }

    /// So many events have come.
    pub(super) fn events(&self, events: u64) {
        self.span.record("bedrock.stream.events", events);
    }

    /// The answer is complete.
    pub(super) fn completed(&mut self, completion: &ChatCompletion) {
        self.is_open = false;
        self.answer(completion);
    }

    /// The call failed.
    pub(super) fn failed(&mut self, error: &Error) {
        self.is_open = false;
        self.span.record("error.type", error.kind().as_str());
        if let Some(id) = error.request_id() {
            self.span.record("aws.request_id", id);
        }
        if let Some(partial) = error.partial() {
            self.answer(partial);
        }
    }

    /// The stream is at its end.
    pub(super) fn ended(&mut self, decoder: &StreamDecoder) {
        self.is_open = false;
        if !self.span.is_disabled() {
            self.events(decoder.events());
            self.said(decoder.heading(), decoder.finish_reason().as_ref(), decoder.usage().as_ref());
        }
    }

    fn answer(&self, completion: &ChatCompletion) {
        if self.span.is_disabled() {
            return;
        }
        let mut heading = Heading::new(Arc::clone(&completion.id), completion.created, "");
        heading.request_id = completion.bedrock.as_ref().and_then(|bedrock| bedrock.request_id.clone());
        self.said(&heading, completion.finish_reason(), completion.usage.as_ref());
    }

    fn said(&self, heading: &Heading, reason: Option<&FinishReason>, usage: Option<&Usage>) {
        self.span.record("gen_ai.response.id", &*heading.id);
        if let Some(reason) = reason {
            self.span.record("gen_ai.response.finish_reasons", display(reason));
        }
        if let Some(id) = &heading.request_id {
            self.span.record("aws.request_id", id);
        }
        if let Some(usage) = usage {
            self.span.record("gen_ai.usage.input_tokens", usage.prompt_tokens);
            self.span.record("gen_ai.usage.output_tokens", usage.completion_tokens);
            if let Some(details) = &usage.prompt_tokens_details {
                self.span.record("gen_ai.usage.cache_read.input_tokens", details.cached_tokens);
            }
        }
    }
}

impl Drop for Observation {
    /// A call that was dropped before its end.
    fn drop(&mut self) {
        if self.is_open {
            self.span.record("error.type", "dropped");
        }
    }
}
