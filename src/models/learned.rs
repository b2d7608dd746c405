//! What the service itself says that a model does not take.
//!
//! The catalogue is never complete. Where the service refuses one feature with a text that names it,
//! the text is a lesson about the model: the same request is translated again without the feature,
//! with the note that every model without it gets.

use std::sync::LazyLock;

use regex::Regex;

use super::{BesideResults, Choices, Knob, ResultDocuments, TopK, Traits};

/// One thing that a model does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lesson {
    /// No tool can be forced.
    NoForcedTools,
    /// No tool can be forced by name.
    NoNamedTool,
    /// No tools while streaming.
    NoToolsWhileStreaming,
    /// No tools at all.
    NoTools,
    /// No strict tools; for the one request alone, since the reason may be its schemas.
    NoStrictTools,
    /// No `status` of a tool result.
    NoStatus,
    /// No media inside tool results.
    NoResultMedia,
    /// Tool results alone in their turn.
    ResultsAlone,
    /// Tool calls alone in their turn.
    CallsAlone,
    /// No instructions in `system[]`.
    NoSystem,
    /// The user must begin.
    NoLeadingAssistant,
    /// The user must come last.
    NoPrefill,
    /// No sampling parameters.
    NoSampling,
    /// `temperature` or `topP`, not both.
    NotSampledTogether,
    /// No `top_k`.
    NoTopK,
    /// No stop texts.
    NoStop,
    /// No cache points among tools.
    NoToolCaching,
    /// No cache points.
    NoCaching,
    /// No schema for the answer.
    NoStructuredOutput,
    /// No citations.
    NoCitations,
    /// Reasoning is told by effort, not by a budget.
    Adaptive,
    /// No such way to say how much to reason.
    NoKnob,
    /// Reasoning goes back without its signature.
    NoSignature,
    /// No reasoning goes back.
    NoReasoningBack,
    /// The most tokens of an answer.
    MaxOutput(u64),
}

/// A text of the service's, and what it teaches. The first that fits counts.
static TABLE: LazyLock<Vec<(Regex, Lesson)>> = LazyLock::new(|| {
    use Lesson::*;
    let row = |pattern: &str, lesson| (regex(pattern), lesson);
    vec![
        row(r"doesn't support tool use in streaming mode", NoToolsWhileStreaming),
        row(r#"toolChoice\.any field|type "tool" and "any" are not supported"#, NoForcedTools),
        row(r"toolChoice\.tool field", NoNamedTool),
        row(
            r"too many strict tools|too many optional parameters|compiled grammar is too large|parameters with union types|\bstrict field|\bstrict: Extra inputs",
            NoStrictTools,
        ),
        row(r"support tool use\.|support the toolConfig field", NoTools),
        row(r"support the (toolResult\.)?status field", NoStatus),
        row(r"extraneous key \[toolResult\]", NoResultMedia),
        row(r"tool result blocks cannot be provided in the same turn", ResultsAlone),
        row(r"tool use blocks cannot be provided in the same turn", CallsAlone),
        row(r"support system messages|support the system field", NoSystem),
        row(r"must start with a user message", NoLeadingAssistant),
        row(
            r"not support assistant message prefill|requires the last turn in the conversation to be a user message",
            NoPrefill,
        ),
        row(r"`?temperature`? and `?top_?p`? cannot both be specified", NotSampledTogether),
        row(
            r"`(temperature|top_p)` is deprecated|support the (inferenceConfig\.)?(temperature|topP|top_p) field",
            NoSampling,
        ),
        row(
            r"(\btop_?k|topK)\b.{0,24}(is deprecated|Extra inputs|not supported)|support the (inferenceConfig\.)?top_?k field|extraneous key \[top_?k\]",
            NoTopK,
        ),
        row(
            r"support the (inferenceConfig\.)?(stopSequences|stop_sequences) field|extraneous key \[stopSequences\]",
            NoStop,
        ),
        row(r"/toolConfig/tools/\d+: extraneous key \[cachePoint\]", NoToolCaching),
        row(
            r"extraneous key \[cachePoint\]|support the cachePoint field|did not allow prompt caching",
            NoCaching,
        ),
        row(
            r"support the outputConfig(\.textFormat)? field|output_config\.format: Extra inputs",
            NoStructuredOutput,
        ),
        row(r"support citations|Citations cannot be enabled", NoCitations),
        row(r#"thinking\.type\.enabled" is not supported.{0,60}adaptive"#, Adaptive),
        row(
            r"(support the |^|: )`?(reasoning|reasoning_effort|reasoning_config|reasoningConfig|thinking|output_config)(\.(effort|type))?`?( field|: Extra inputs)|extraneous key \[(reasoning|reasoning_effort|reasoning_config|reasoningConfig|thinking|output_config)\]",
            NoKnob,
        ),
        row(r"reasoningText\.signature field", NoSignature),
        row(r"cannot contain reasoning content|support the reasoningContent", NoReasoningBack),
    ]
});

fn regex(pattern: &str) -> Regex {
    // Every pattern is a literal of the table above, and each is compiled by the tests.
    Regex::new(&format!("(?is){pattern}")).unwrap_or_else(|_| unreachable!("{pattern}"))
}

impl Lesson {
    /// What a refusal of the service's teaches, if anything; `text` is its message.
    ///
    /// ```
    /// use bedrock_chat::models::Lesson;
    ///
    /// let text = "This model doesn't support the outputConfig field. Remove outputConfig and try again.";
    /// assert_eq!(Lesson::of(text), Some(Lesson::NoStructuredOutput));
    /// ```
    pub fn of(text: &str) -> Option<Lesson> {
        // The service writes both apostrophes.
        let text = text.replace(['’', '‘'], "'");
        TABLE.iter().find(|(pattern, _)| pattern.is_match(&text)).map(|(_, lesson)| *lesson)
    }

    /// Whether it is about the model; otherwise it is about the one request.
    pub(crate) fn is_lasting(self) -> bool {
        self != Lesson::NoStrictTools
    }

    /// Takes the thing out of what the model is known to take.
    pub(super) fn teach(self, traits: &mut Traits) {
        match self {
            Lesson::NoForcedTools => traits.choices = Choices::Auto,
            Lesson::NoNamedTool if traits.choices == Choices::All => traits.choices = Choices::AutoAndAny,
            Lesson::NoNamedTool => {}
            Lesson::NoToolsWhileStreaming => traits.tools_while_streaming = false,
            Lesson::NoTools => traits.tools = false,
            Lesson::NoStrictTools => traits.strict_tools = false,
            Lesson::NoStatus => traits.status = false,
            Lesson::NoResultMedia => {
                traits.result_images = false;
                traits.result_documents = ResultDocuments::None;
            }
            Lesson::ResultsAlone => traits.beside_results = BesideResults::Nothing,
            Lesson::CallsAlone => traits.calls_alone = true,
            Lesson::NoSystem => traits.system = false,
            Lesson::NoLeadingAssistant => traits.leading_assistant = false,
            Lesson::NoPrefill => traits.known.prefill = Some(false),
            Lesson::NoSampling => traits.sampling = false,
            Lesson::NotSampledTogether => traits.sampling_together = false,
            Lesson::NoTopK => traits.top_k = TopK::None,
            Lesson::NoStop => traits.stop = false,
            Lesson::NoToolCaching => traits.tool_caching = false,
            Lesson::NoCaching => traits.caching = false,
            Lesson::NoStructuredOutput => traits.structured_output = false,
            Lesson::NoCitations => traits.citations = false,
            Lesson::Adaptive => traits.knob = Knob::Adaptive { budget: false },
            Lesson::NoKnob => traits.knob = Knob::Unknown,
            Lesson::NoSignature => {
                traits.signed_reasoning = false;
                traits.unsigned_reasoning = true;
            }
            Lesson::NoReasoningBack => {
                traits.signed_reasoning = false;
                traits.unsigned_reasoning = false;
            }
            Lesson::MaxOutput(most) => traits.known.max_output_tokens = Some(most),
        }
    }
}

/// What was learned about one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lessons(Vec<Lesson>);

impl Lessons {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a lesson; whether it is new. A newer limit replaces an older one.
    pub fn add(&mut self, lesson: Lesson) -> bool {
        if self.0.contains(&lesson) {
            return false;
        }
        if matches!(lesson, Lesson::MaxOutput(_)) {
            self.0.retain(|known| !matches!(known, Lesson::MaxOutput(_)));
        }
        self.0.push(lesson);
        true
    }

    /// The lessons, in the order in which they were learned.
    pub fn iter(&self) -> impl Iterator<Item = Lesson> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::models::traits;

    #[test]
    fn the_services_own_texts_teach() {
        for (text, lesson) in [
            ("This model doesn't support tool use in streaming mode.", Lesson::NoToolsWhileStreaming),
            ("This model doesn't support tool use.", Lesson::NoTools),
            (
                "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.",
                Lesson::NoForcedTools,
            ),
            (
                "This model doesn’t support the toolConfig.toolChoice.tool field. Remove toolConfig.toolChoice.tool and try again.",
                Lesson::NoNamedTool,
            ),
            (
                r#"The model returned the following errors: tool_choice: type "tool" and "any" are not supported for this model."#,
                Lesson::NoForcedTools,
            ),
            (
                "The model returned the following errors: Malformed input request: #/toolConfig/tools/18: extraneous key [cachePoint] is not permitted, please reformat your input and try again.",
                Lesson::NoToolCaching,
            ),
            (
                "You invoked an unsupported model or your request did not allow prompt caching.",
                Lesson::NoCaching,
            ),
            (
                "This model doesn't support the cachePoint field. Remove cachePoint and try again.",
                Lesson::NoCaching,
            ),
            (
                "The model returned the following errors: output_config.format: Extra inputs are not permitted",
                Lesson::NoStructuredOutput,
            ),
            (
                "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. Please use only one.",
                Lesson::NotSampledTogether,
            ),
            (
                "The model returned the following errors: `temperature` is deprecated for this model.",
                Lesson::NoSampling,
            ),
            (
                "This model doesn't support the temperature field. Remove temperature and try again.",
                Lesson::NoSampling,
            ),
            (
                r#"The model returned the following errors: "thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior."#,
                Lesson::Adaptive,
            ),
            (
                "User messages cannot contain reasoning content. Please remove the reasoning content and try again.",
                Lesson::NoReasoningBack,
            ),
            (
                "This model doesn't support the reasoningContent.reasoningText.signature field. Remove it and try again.",
                Lesson::NoSignature,
            ),
            ("This model doesn't support the status field. Remove status and try again.", Lesson::NoStatus),
            (
                "The model returned the following errors: Malformed input request: #/messages/2/content/0: extraneous key [toolResult] is not permitted, please reformat your input and try again.",
                Lesson::NoResultMedia,
            ),
            (
                "This model doesn't support system messages. Try again without a system message.",
                Lesson::NoSystem,
            ),
            (
                "This model doesn't support the reasoning_effort field. Remove reasoning_effort and try again.",
                Lesson::NoKnob,
            ),
            (
                "Too many strict tools (22). The maximum number of strict tools supported is 20.",
                Lesson::NoStrictTools,
            ),
        ] {
            assert_eq!(Lesson::of(text), Some(lesson), "{text}");
        }
    }

    #[test]
    fn other_refusals_teach_nothing() {
        for text in [
            "",
            "Too many requests, please wait before trying again.",
            "The model returned the following errors: prompt is too long: 207848 tokens > 200000 maximum",
            "This model doesn't support the image content block that you provided. Update the content block and try again.",
            "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block",
            "The model returned the following errors: thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ] {
            assert_eq!(Lesson::of(text), None, "{text}");
        }
    }

    #[test]
    fn every_lesson_of_a_text_changes_the_traits_of_a_model_that_has_it_all() {
        let able = traits("anthropic.claude-sonnet-4-5-20250929-v1:0");
        let able = Traits { sampling_together: true, beside_results: BesideResults::All, ..able };
        for (_, lesson) in TABLE.iter() {
            let mut taught = able;
            lesson.teach(&mut taught);
            assert_ne!(taught, able, "{lesson:?}");
        }
    }
}
