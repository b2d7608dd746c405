//! How much to reason, in each family's own words.
//!
//! OpenAI has one knob, `reasoning_effort`; each family on Bedrock has another, in the additional
//! fields. Claude up to 4.5 takes a budget of at least 1,024 tokens below `max_tokens`; later ones
//! decide by themselves and take an effort ("\"thinking.type.enabled\" is not supported for this
//! model. Use \"thinking.type.adaptive\" and \"output_config.effort\""). What reasoning forbids
//! (sampling parameters, forced tools, the beginning of an answer) is left out with a note.

use serde_json::{Value, json};

use super::adjustment::Notes;
use super::path::Path;
use crate::error::Error;
use crate::json::Json;
use crate::models::{Family, Traits};

/// The least budget of reasoning that Claude takes, in tokens.
const LEAST_BUDGET: i64 = 1024;
/// The efforts, least first.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// What the request's reasoning members become.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    /// Members of the additional fields.
    pub(super) fields: Vec<(&'static str, Value)>,
    /// Whether Claude thinks: it forbids sampling, forced tools and prefills.
    pub(super) thinks: bool,
    /// Whether `maxTokens` and sampling must go: Nova 2 at high effort.
    pub(super) unlimited: bool,
    /// `maxTokens` that leaves room for the budget.
    pub(super) max_tokens: Option<i64>,
}

pub(super) fn reasoning(
    effort: Option<&str>,
    thinking: Option<&Json>,
    max_tokens: Option<i64>,
    traits: &Traits,
    notes: &mut Notes,
) -> Result<Reasoning, Error> {
    let effort = effort
        .map(|effort| {
            EFFORTS.iter().position(|known| *known == effort).ok_or_else(|| {
                Error::invalid(
                    "reasoning_effort",
                    format!("is {effort:?}: say one of {}", EFFORTS.join(", ")),
                )
            })
        })
        .transpose()?;
    let mut reasoning = Reasoning::default();
    if let Some(thinking) = thinking {
        if effort.is_some() {
            notes.omitted("reasoning_effort", "thinking is given too, and says the same more exactly")?;
        }
        raw(thinking, max_tokens, traits, notes, &mut reasoning)?;
    } else if let Some(effort) = effort {
        by_effort(effort, max_tokens, traits, notes, &mut reasoning)?;
    }
    Ok(reasoning)
}

/// Anthropic's own form, for the models that know it.
fn raw(
    thinking: &Json,
    max_tokens: Option<i64>,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    struct Thinking {
        #[serde(rename = "type")]
        kind: String,
        budget_tokens: Option<i64>,
    }
    let form: Thinking = thinking.read().map_err(|_| {
        Error::invalid("thinking", "must be an object with type enabled, adaptive or disabled")
    })?;
    if form.kind != "adaptive" {
        notes.unread(thinking, &["type", "budget_tokens"], &Path::root("thinking"))?;
    }
    if traits.family != Family::Claude {
        return notes.omitted("thinking", "is a knob of Claude's: use reasoning_effort");
    }
    match form.kind.as_str() {
        "disabled" => disabled("thinking", traits, notes, reasoning),
        "enabled" if takes_budget(traits) => {
            let budget = form.budget_tokens.unwrap_or(LEAST_BUDGET);
            if budget < LEAST_BUDGET {
                notes.changed("thinking.budget_tokens", "must be at least 1024: 1024 is sent")?;
            }
            budgeted(budget.max(LEAST_BUDGET), max_tokens, traits, notes, reasoning)
        }
        "enabled" => {
            let budget = form.budget_tokens.unwrap_or(LEAST_BUDGET);
            let effort = match budget {
                ..4096 => 2,
                4096..12_288 => 3,
                _ => 4,
            };
            notes.changed("thinking", "the model decides by itself how much to think: an effort is sent")?;
            adaptive(effort, traits, notes, reasoning)
        }
        "adaptive" => {
            let value = serde_json::from_str(thinking.get()).unwrap_or_default();
            reasoning.fields.push(("thinking", value));
            reasoning.thinks = true;
            Ok(())
        }
        kind => {
            Err(Error::invalid("thinking.type", format!("is {kind:?}: say enabled, adaptive or disabled")))
        }
    }
}

/// Whether the model takes a budget: all Claude models that do not only decide by themselves.
fn takes_budget(traits: &Traits) -> bool {
    traits.known.adaptive_thinking != Some(true) || traits.known.legacy_thinking == Some(true)
}

fn disabled(field: &str, traits: &Traits, notes: &mut Notes, reasoning: &mut Reasoning) -> Result<(), Error> {
    if traits.known.thinking_always_on == Some(true) {
        reasoning.thinks = true;
        return notes.omitted(field, "the model's thinking cannot be switched off");
    }
    if traits.known.adaptive_thinking == Some(true) {
        reasoning.fields.push(("thinking", json!({"type": "disabled"})));
    }
    Ok(())
}

fn by_effort(
    effort: usize,
    max_tokens: Option<i64>,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    const FIELD: &str = "reasoning_effort";
    if traits.known.reasoning == Some(false) || traits.family == Family::Nova {
        return match effort {
            0 => Ok(()),
            _ => notes.omitted(FIELD, "the model does not reason"),
        };
    }
    match traits.family {
        Family::Claude if effort == 0 => disabled(FIELD, traits, notes, reasoning),
        Family::Claude if traits.known.adaptive_thinking == Some(true) => {
            adaptive(effort, traits, notes, reasoning)
        }
        Family::Claude => {
            let budget = [0, LEAST_BUDGET, 2048, 8192, 16_384, 24_576, 32_768][effort];
            budgeted(budget, max_tokens, traits, notes, reasoning)
        }
        Family::Nova2 if effort == 0 => Ok(()),
        Family::Nova2 => {
            let word = clamped(effort, 2, 4, notes)?;
            let config = json!({"type": "enabled", "maxReasoningEffort": word});
            reasoning.fields.push(("reasoningConfig", config));
            reasoning.unlimited = word == "high";
            Ok(())
        }
        Family::GptOss => {
            let word = clamped(effort, 2, 4, notes)?;
            reasoning.fields.push(("reasoning_effort", json!(word)));
            Ok(())
        }
        Family::DeepSeek if traits.tools => {
            let word = clamped(effort, 2, 4, notes)?;
            reasoning.fields.push(("reasoning_effort", json!(word)));
            Ok(())
        }
        Family::Gpt => {
            let word = clamped(effort, 0, 6, notes)?;
            reasoning.fields.push(("reasoning", json!({"effort": word})));
            Ok(())
        }
        Family::Grok => {
            let word = clamped(effort, 2, 5, notes)?;
            reasoning.fields.push(("reasoning", json!({"effort": word})));
            Ok(())
        }
        // The forms of the others are not known well enough to be sent.
        _ => notes.omitted(FIELD, "no knob of this model's reasoning is known"),
    }
}

/// The effort's word, within what the family has.
fn clamped(effort: usize, least: usize, most: usize, notes: &mut Notes) -> Result<&'static str, Error> {
    let sent = effort.clamp(least, most);
    if sent != effort {
        notes.changed("reasoning_effort", "the model does not have it: the nearest that it has is sent")?;
    }
    Ok(EFFORTS[sent])
}

fn adaptive(
    effort: usize,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    let ceiling = traits.known.effort_ceiling.unwrap_or("max");
    let most = EFFORTS.iter().position(|known| *known == ceiling).unwrap_or(EFFORTS.len() - 1);
    let word = clamped(effort, 2, most, notes)?;
    reasoning.fields.push(("thinking", json!({"type": "adaptive"})));
    reasoning.fields.push(("output_config", json!({"effort": word})));
    reasoning.thinks = true;
    Ok(())
}

/// A budget below `maxTokens`, which is raised, or the budget lowered, until both fit.
fn budgeted(
    budget: i64,
    max_tokens: Option<i64>,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    let most = traits.known.max_output_tokens.and_then(|most| i64::try_from(most).ok()).unwrap_or(i64::MAX);
    let mut budget = budget.min(most.saturating_sub(1)).max(LEAST_BUDGET);
    if let Some(max) = max_tokens.filter(|max| *max <= budget) {
        // "`max_tokens` must be greater than `thinking.budget_tokens`"
        let raised = budget.saturating_add(max).min(most);
        notes.changed(
            "max_tokens",
            "must be above the budget of thinking, which it includes: it is raised by it",
        )?;
        budget = budget.min(raised - 1).max(LEAST_BUDGET);
        reasoning.max_tokens = Some(raised.max(budget + 1));
    }
    reasoning.fields.push(("thinking", json!({"type": "enabled", "budget_tokens": budget})));
    reasoning.thinks = true;
    Ok(())
}
