//! The whole completion, out of what was folded.

use super::Fold;
use crate::converse::TokenUsage;
use crate::json::Json;
use crate::openai::{BedrockReply, ChatCompletion, Choice, FinishReason, Usage};
use crate::translate::usage::usage;

impl Fold {
    pub(in crate::translate) fn usage(&self) -> Option<Usage> {
        let tokens: TokenUsage = self.tail.usage.as_ref()?.read().ok()?;
        Some(usage(&tokens))
    }

    /// What OpenAI has no place for; taken out of the fold.
    fn bedrock(&mut self) -> BedrockReply {
        let tail = std::mem::take(&mut self.tail);
        let mut bedrock = BedrockReply::default();
        if let Some(stop) = &mut self.stop {
            bedrock.stop_reason = Some(stop.reason.to_string());
            bedrock.additional_model_response_fields = stop.fields.take();
        }
        bedrock.request_id = self.heading.request_id.take();
        bedrock.usage = tail.usage;
        bedrock.metrics = tail.metrics;
        bedrock.trace = tail.trace;
        bedrock.performance_config = tail.performance_config;
        bedrock.service_tier = tail.service_tier;
        bedrock.other = tail.other;
        bedrock.adjustments = match self.heading.adjustments.as_slice() {
            [] => None,
            adjustments => Json::of(adjustments).ok(),
        };
        bedrock
    }

    pub(super) fn assemble(mut self, finish_reason: Option<FinishReason>) -> ChatCompletion {
        let usage = self.usage();
        let bedrock = self.bedrock();
        let mut message = self.blocks.message();
        if self.heading.legacy
            && let Some([call]) = message.tool_calls.as_deref()
        {
            message.function_call = call.function.clone();
            message.tool_calls = None;
        }

        ChatCompletion {
            id: self.heading.id,
            object: "chat.completion".to_owned(),
            created: self.heading.created,
            model: self.heading.model,
            choices: vec![Choice { index: 0, message, logprobs: None, finish_reason }],
            service_tier: tier(bedrock.service_tier.as_ref()),
            usage,
            bedrock: Some(bedrock),
            ..ChatCompletion::default()
        }
    }
}

fn tier(tier: Option<&Json>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Tier {
        #[serde(rename = "type")]
        kind: String,
    }
    tier.and_then(|tier| tier.read::<Tier>().ok()).map(|tier| tier.kind)
}
