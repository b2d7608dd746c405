//! What a family of models demands of a request, beyond the API's own constraints.
//!
//! The rules are those that the service was seen to enforce, by its own texts; a model of a family
//! that has none here is taken to accept everything.

use super::{Abilities, Lessons, ModelId, abilities};

/// Who made a model, as far as requests differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Anthropic's Claude.
    Claude,
    /// Amazon's Nova, first generation.
    Nova,
    /// Amazon's Nova 2.
    Nova2,
    /// Meta's Llama.
    Llama,
    /// Mistral's models.
    Mistral,
    /// OpenAI's open models, gpt-oss.
    GptOss,
    /// OpenAI's GPT models.
    Gpt,
    /// DeepSeek's models.
    DeepSeek,
    /// Qwen.
    Qwen,
    /// xAI's Grok.
    Grok,
    /// Z.ai's GLM.
    Glm,
    /// Moonshot's Kimi.
    Kimi,
    /// Writer's Palmyra.
    Palmyra,
    /// Any other.
    Other,
}

/// Which tool choices a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choices {
    /// auto, any and one tool.
    All,
    /// auto and any.
    AutoAndAny,
    /// auto alone.
    Auto,
}

/// What may stand beside tool results in their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BesideResults {
    /// Anything.
    All,
    /// Text and images: Claude refuses documents and videos there.
    NoDocuments,
    /// Nothing: "Conversation blocks and tool result blocks cannot be provided in the same turn."
    Nothing,
}

/// Which documents a tool result may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResultDocuments {
    /// Any.
    All,
    /// Those that are text: csv, html, md, txt.
    Text,
    /// None.
    None,
}

/// How a model takes `top_k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopK {
    /// As `top_k`.
    Plain,
    /// As `inferenceConfig.topK`, inside the additional fields.
    InferenceConfig,
    /// Not at all, as far as is known.
    None,
}

/// In which member of the additional fields a model is told how much to reason. Efforts are given
/// as places in the list none, minimal, low, medium, high, xhigh, max.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Knob {
    /// `thinking` with a budget of tokens: Claude up to 4.5.
    Budget,
    /// `thinking` of type adaptive, and `output_config.effort`: later Claude models.
    Adaptive {
        /// Whether a budget is taken as well.
        budget: bool,
    },
    /// `reasoningConfig` with low, medium or high: Nova 2.
    ReasoningConfig,
    /// `reasoning_effort`, from low to high: gpt-oss, DeepSeek V3.
    ReasoningEffort,
    /// `reasoning.effort`, from the first to the second effort: GPT, Grok, GLM 5.3.
    Reasoning(usize, usize),
    /// `reasoning_config` with low or high: Qwen 3.
    LowOrHigh,
    /// None: it does not reason.
    None,
    /// None that is known.
    Unknown,
}

/// What a model demands of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traits {
    /// The family.
    pub family: Family,
    /// What the catalogue knows.
    pub known: Abilities,
    /// Whether it takes instructions in `system[]`.
    pub system: bool,
    /// Whether a conversation may begin with the assistant.
    pub leading_assistant: bool,
    /// Whether it calls tools.
    pub tools: bool,
    /// Which tool choices it takes.
    pub choices: Choices,
    /// Whether a tool's name may have `-`: Nova writes broken calls of such tools.
    pub hyphens: bool,
    /// Whether `status` of a tool result is taken.
    pub status: bool,
    /// What may stand beside tool results.
    pub beside_results: BesideResults,
    /// Whether tool calls must be alone in their turn.
    pub calls_alone: bool,
    /// Whether a tool result may hold images.
    pub result_images: bool,
    /// Which documents a tool result may hold.
    pub result_documents: ResultDocuments,
    /// Whether `stopSequences` are taken.
    pub stop: bool,
    /// Whether `temperature` and `topP` are taken.
    pub sampling: bool,
    /// Whether `temperature` and `topP` are taken together.
    pub sampling_together: bool,
    /// How `top_k` is taken.
    pub top_k: TopK,
    /// How much to reason.
    pub knob: Knob,
    /// Whether cache points are taken.
    pub caching: bool,
    /// Whether cache points are taken among tools.
    pub tool_caching: bool,
    /// Whether tools may be strict.
    pub strict_tools: bool,
    /// Whether Claude's own `tool_choice` is taken in the additional fields, for what Converse cannot
    /// say: none, and one call at a time.
    pub native_tool_choice: bool,
    /// Whether signed reasoning may be sent back.
    pub signed_reasoning: bool,
    /// Whether reasoning without a signature may be sent back.
    pub unsigned_reasoning: bool,
    /// Whether `outputConfig.textFormat` is taken.
    pub structured_output: bool,
    /// Whether an answer may cite documents.
    pub citations: bool,
    /// Whether tools are taken while streaming.
    pub tools_while_streaming: bool,
}

/// The traits of the model `id`.
///
/// ```
/// use bedrock_chat::models::{Family, traits};
///
/// let nova = traits("us.amazon.nova-lite-v1:0");
/// assert_eq!(nova.family, Family::Nova);
/// assert!(!nova.hyphens);
/// ```
pub fn traits(id: &str) -> Traits {
    let base = ModelId::new(id).base();
    let known = abilities(id);
    let family = family(base);
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| base.starts_with(prefix));
    let is_claude = family == Family::Claude;
    let is_nova = matches!(family, Family::Nova | Family::Nova2);
    let structured_output = match family {
        Family::Nova | Family::Nova2 => false,
        Family::Claude => {
            known.structured_output == Some(true)
                || ["-4-5", "-4-6"].iter().any(|version| base.contains(version))
        }
        _ => !begins(&["meta.llama", "mistral.pixtral", "deepseek.r1", "amazon.titan"]),
    };
    Traits {
        family,
        known,
        // "This model doesn't support system messages."
        system: !begins(&[
            "amazon.titan",
            "mistral.mistral-7b",
            "mistral.mixtral",
            "cohere.command-text",
            "cohere.command-light",
        ]),
        leading_assistant: matches!(family, Family::Claude | Family::Qwen | Family::Glm | Family::Kimi),
        tools: known.tools != Some(false) && !begins(&["stability.", "cohere.embed", "amazon.titan"]),
        choices: match family {
            Family::Claude if known.forced_tool_use == Some(false) => Choices::Auto,
            Family::Claude | Family::Nova | Family::Nova2 | Family::Grok | Family::Gpt | Family::Other => {
                Choices::All
            }
            Family::Glm if begins(&["zai.glm-5.3"]) => Choices::All,
            Family::Glm | Family::DeepSeek => Choices::AutoAndAny,
            Family::Mistral if begins(&["mistral.mistral-large"]) => Choices::AutoAndAny,
            _ => Choices::Auto,
        },
        hyphens: !is_nova,
        status: is_claude || is_nova,
        beside_results: match family {
            Family::Llama | Family::Mistral | Family::Palmyra => BesideResults::Nothing,
            Family::Claude => BesideResults::NoDocuments,
            _ => BesideResults::All,
        },
        calls_alone: false,
        result_images: !matches!(family, Family::Nova2 | Family::Mistral | Family::Qwen | Family::Kimi),
        result_documents: match family {
            Family::Nova => ResultDocuments::Text,
            Family::Nova2 | Family::Qwen | Family::Kimi => ResultDocuments::None,
            _ => ResultDocuments::All,
        },
        stop: !matches!(family, Family::Gpt | Family::GptOss),
        sampling: known.sampling != Some(false),
        // Claude 4.1 and later: "`temperature` and `top_p` cannot both be specified for this model."
        sampling_together: !is_claude
            || begins(&["anthropic.claude-3", "anthropic.claude-opus-4-2", "anthropic.claude-sonnet-4-2"]),
        top_k: match family {
            Family::Claude | Family::Mistral => TopK::Plain,
            Family::Nova | Family::Nova2 => TopK::InferenceConfig,
            _ => TopK::None,
        },
        knob: knob(family, base, &known),
        caching: known.prompt_caching == Some(true),
        // "extraneous key [cachePoint] is not permitted"
        tool_caching: known.prompt_caching == Some(true) && !is_nova,
        strict_tools: is_claude && structured_output && known.strict_tools != Some(false),
        native_tool_choice: is_claude,
        signed_reasoning: is_claude,
        unsigned_reasoning: matches!(family, Family::GptOss | Family::Nova2 | Family::Kimi)
            || begins(&["deepseek.v3", "minimax."]),
        structured_output,
        // "This model doesn't support citations."
        citations: matches!(family, Family::Claude | Family::Other),
        // "This model doesn't support tool use in streaming mode."
        tools_while_streaming: !begins(&[
            "meta.llama",
            "mistral.pixtral",
            "mistral.mistral-7b",
            "writer.palmyra",
            "ai21.jamba",
            "amazon.titan",
        ]),
    }
}

impl Traits {
    /// The traits, with what the service was seen to refuse.
    pub fn with(mut self, lessons: &Lessons) -> Self {
        for lesson in lessons.iter() {
            lesson.teach(&mut self);
        }
        self
    }
}

fn knob(family: Family, base: &str, known: &Abilities) -> Knob {
    const MINIMAL_TO_MAX: (usize, usize) = (0, 6);
    const LOW_TO_XHIGH: (usize, usize) = (2, 5);
    const LOW_TO_MAX: (usize, usize) = (2, 6);
    if known.reasoning == Some(false) {
        return Knob::None;
    }
    match family {
        Family::Claude if known.adaptive_thinking == Some(true) => {
            Knob::Adaptive { budget: known.legacy_thinking == Some(true) }
        }
        Family::Claude => Knob::Budget,
        Family::Nova => Knob::None,
        Family::Nova2 => Knob::ReasoningConfig,
        Family::GptOss => Knob::ReasoningEffort,
        Family::DeepSeek if base.starts_with("deepseek.v3") => Knob::ReasoningEffort,
        Family::Gpt => Knob::Reasoning(MINIMAL_TO_MAX.0, MINIMAL_TO_MAX.1),
        Family::Grok => Knob::Reasoning(LOW_TO_XHIGH.0, LOW_TO_XHIGH.1),
        Family::Glm if base.starts_with("zai.glm-5.3") => Knob::Reasoning(LOW_TO_MAX.0, LOW_TO_MAX.1),
        Family::Qwen if base.starts_with("qwen.qwen3") && known.reasoning == Some(true) => Knob::LowOrHigh,
        _ => Knob::Unknown,
    }
}

fn family(base: &str) -> Family {
    const PREFIXES: [(&str, Family); 14] = [
        ("anthropic.", Family::Claude),
        ("amazon.nova-2", Family::Nova2),
        ("amazon.nova", Family::Nova),
        ("meta.llama", Family::Llama),
        ("mistral.", Family::Mistral),
        ("openai.gpt-oss", Family::GptOss),
        ("openai.", Family::Gpt),
        ("deepseek.", Family::DeepSeek),
        ("qwen.", Family::Qwen),
        ("xai.", Family::Grok),
        ("zai.", Family::Glm),
        ("moonshotai.", Family::Kimi),
        ("moonshot.", Family::Kimi),
        ("writer.", Family::Palmyra),
    ];
    PREFIXES.iter().find(|(prefix, _)| base.starts_with(prefix)).map_or(Family::Other, |(_, family)| *family)
}
