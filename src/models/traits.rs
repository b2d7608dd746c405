//! What a family of models demands of a request, beyond the API's own constraints.
//!
//! The rules are those that the service was seen to enforce, by its own texts; a model of a family
//! that has none here is taken to accept everything.

use super::{Abilities, ModelId, abilities};

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
    /// Whether tool results must be alone in their turn.
    pub results_alone: bool,
    /// Whether a tool result may hold images.
    pub result_images: bool,
    /// Whether a tool result may hold documents.
    pub result_documents: bool,
    /// Whether `stopSequences` are taken.
    pub stop: bool,
    /// Whether `temperature` and `topP` are taken.
    pub sampling: bool,
    /// Whether `temperature` and `topP` are taken together.
    pub sampling_together: bool,
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
        results_alone: matches!(family, Family::Llama | Family::Mistral | Family::Palmyra),
        result_images: !matches!(family, Family::Nova2 | Family::Mistral | Family::Qwen | Family::Kimi),
        result_documents: !matches!(family, Family::Nova2 | Family::Qwen | Family::Kimi),
        stop: !matches!(family, Family::Gpt | Family::GptOss),
        sampling: known.sampling != Some(false),
        // Claude 4.1 and later: "`temperature` and `top_p` cannot both be specified for this model."
        sampling_together: !is_claude
            || begins(&["anthropic.claude-3", "anthropic.claude-opus-4-2", "anthropic.claude-sonnet-4-2"]),
        caching: known.prompt_caching == Some(true),
        // "extraneous key [cachePoint] is not permitted"
        tool_caching: known.prompt_caching == Some(true) && !is_nova,
        strict_tools: is_claude && structured_output && known.strict_tools != Some(false),
        native_tool_choice: is_claude,
        signed_reasoning: is_claude,
        unsigned_reasoning: matches!(family, Family::GptOss | Family::Nova2 | Family::Kimi)
            || begins(&["deepseek.v3", "minimax."]),
        structured_output,
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
