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
use crate::json::{Json, Raw};
use crate::models::{Knob, Traits};
use crate::openai::{Message, Role};

/// The least budget of reasoning that Claude takes, in tokens.
const LEAST_BUDGET: i64 = 1024;
/// The efforts, least first.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const LOW: usize = 2;
const MEDIUM: usize = 3;
const HIGH: usize = 4;
/// The budgets that the efforts come to, in tokens.
const BUDGETS: [i64; 7] = [0, LEAST_BUDGET, 2048, 8192, 16_384, 24_576, 32_768];

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

/// What of a request is about reasoning.
pub(super) struct Asked<'c> {
    pub(super) effort: Option<&'c str>,
    pub(super) thinking: Option<&'c Json>,
    pub(super) max_tokens: Option<i64>,
    /// The caller's own additional fields, which win over all others.
    pub(super) own_fields: Option<&'c Raw<'c>>,
    /// Whether the calls since the user last spoke have their thinking with them.
    pub(super) calls_are_thought: bool,
}

pub(super) fn reasoning(asked: &Asked<'_>, traits: &Traits, notes: &mut Notes) -> Result<Reasoning, Error> {
    let effort = asked
        .effort
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
    if let Some(thinking) = asked.thinking {
        if effort.is_some() {
            notes.omitted("reasoning_effort", "thinking is given too, and says the same more exactly")?;
        }
        raw(thinking, asked, traits, notes, &mut reasoning)?;
    } else if let Some(effort) = effort {
        by_effort("reasoning_effort", effort, asked, traits, notes, &mut reasoning)?;
    }
    reasoning.thinks |= thinks_by_itself(asked.own_fields);
    Ok(reasoning)
}

/// Whether the caller's own fields make Claude think.
fn thinks_by_itself(fields: Option<&Raw<'_>>) -> bool {
    #[derive(serde::Deserialize)]
    struct Fields {
        thinking: Kind,
    }
    #[derive(serde::Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    let fields = fields.and_then(|fields| serde_json::from_str::<Fields>(fields.get()).ok());
    fields.is_some_and(|fields| fields.thinking.kind != "disabled")
}

/// Anthropic's own form; for other families, the effort that it comes to.
fn raw(
    thinking: &Json,
    asked: &Asked<'_>,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    const FIELD: &str = "thinking";
    #[derive(serde::Deserialize)]
    struct Thinking {
        #[serde(rename = "type")]
        kind: String,
        budget_tokens: Option<i64>,
    }
    let form: Thinking = thinking
        .read()
        .map_err(|_| Error::invalid(FIELD, "must be an object with type enabled, adaptive or disabled"))?;
    if form.kind != "adaptive" {
        notes.unread(thinking, &["type", "budget_tokens"], &Path::root(FIELD))?;
    }
    let budget = form.budget_tokens.unwrap_or(LEAST_BUDGET);
    let effort = match form.kind.as_str() {
        "disabled" => 0,
        "adaptive" => MEDIUM,
        "enabled" => match budget {
            ..4096 => LOW,
            4096..12_288 => MEDIUM,
            _ => HIGH,
        },
        kind => {
            return Err(Error::invalid(
                "thinking.type",
                format!("is {kind:?}: say enabled, adaptive or disabled"),
            ));
        }
    };
    match traits.knob {
        Knob::Budget | Knob::Adaptive { .. } if effort == 0 => disabled(FIELD, traits, notes, reasoning),
        Knob::Budget | Knob::Adaptive { budget: true } if form.kind == "enabled" => {
            if budget < LEAST_BUDGET {
                notes.changed("thinking.budget_tokens", "must be at least 1024: 1024 is sent")?;
            }
            budgeted(FIELD, budget.max(LEAST_BUDGET), asked, traits, notes, reasoning)
        }
        Knob::Adaptive { .. } if form.kind == "adaptive" => {
            let value = serde_json::from_str(thinking.get()).unwrap_or_default();
            reasoning.fields.push((FIELD, value));
            reasoning.thinks = true;
            Ok(())
        }
        Knob::Adaptive { .. } => {
            notes.changed(FIELD, "the model decides by itself how much to think: an effort is sent")?;
            adaptive(FIELD, effort, traits, notes, reasoning)
        }
        Knob::Budget => {
            notes
                .changed(FIELD, "the model does not decide by itself how much to think: a budget is sent")?;
            budgeted(FIELD, BUDGETS[effort], asked, traits, notes, reasoning)
        }
        Knob::None | Knob::Unknown => by_effort(FIELD, effort, asked, traits, notes, reasoning),
        Knob::ReasoningConfig | Knob::ReasoningEffort | Knob::Reasoning(..) | Knob::LowOrHigh => {
            notes
                .changed(FIELD, "is Claude's form: the effort that it comes to is sent in the model's own")?;
            by_effort(FIELD, effort, asked, traits, notes, reasoning)
        }
    }
}

fn disabled(field: &str, traits: &Traits, notes: &mut Notes, reasoning: &mut Reasoning) -> Result<(), Error> {
    if traits.known.thinking_always_on == Some(true) {
        reasoning.thinks = true;
        return notes.omitted(field, "the model's thinking cannot be switched off");
    }
    if matches!(traits.knob, Knob::Adaptive { .. }) {
        reasoning.fields.push(("thinking", json!({"type": "disabled"})));
    }
    Ok(())
}

fn by_effort(
    field: &str,
    effort: usize,
    asked: &Asked<'_>,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    match traits.knob {
        Knob::Budget | Knob::Adaptive { .. } if effort == 0 => disabled(field, traits, notes, reasoning),
        Knob::Adaptive { .. } => adaptive(field, effort, traits, notes, reasoning),
        Knob::Budget => budgeted(field, BUDGETS[effort], asked, traits, notes, reasoning),
        Knob::ReasoningConfig | Knob::None if effort == 0 => Ok(()),
        Knob::ReasoningConfig => {
            let word = clamped(field, effort, LOW, HIGH, notes)?;
            let config = json!({"type": "enabled", "maxReasoningEffort": word});
            reasoning.fields.push(("reasoningConfig", config));
            reasoning.unlimited = word == "high";
            Ok(())
        }
        Knob::ReasoningEffort => {
            let word = clamped(field, effort, LOW, HIGH, notes)?;
            reasoning.fields.push(("reasoning_effort", json!(word)));
            Ok(())
        }
        Knob::Reasoning(least, most) => {
            let word = clamped(field, effort, least, most, notes)?;
            reasoning.fields.push(("reasoning", json!({"effort": word})));
            Ok(())
        }
        Knob::LowOrHigh => {
            let word = if effort <= MEDIUM { "low" } else { "high" };
            if EFFORTS[effort] != word {
                notes.changed(field, &format!("the model has low and high alone: {word} is sent"))?;
            }
            reasoning.fields.push(("reasoning_config", json!(word)));
            Ok(())
        }
        Knob::None => notes.omitted(field, "the model does not reason"),
        Knob::Unknown => notes.omitted(field, "no knob of this model's reasoning is known"),
    }
}

/// The effort's word, within what the model has.
fn clamped(
    field: &str,
    effort: usize,
    least: usize,
    most: usize,
    notes: &mut Notes,
) -> Result<&'static str, Error> {
    let sent = effort.clamp(least, most);
    if sent != effort {
        notes.changed(field, "the model does not have it: the nearest that it has is sent")?;
    }
    Ok(EFFORTS[sent])
}

fn adaptive(
    field: &str,
    effort: usize,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    let ceiling = traits.known.effort_ceiling.unwrap_or("max");
    let most = EFFORTS.iter().position(|known| *known == ceiling).unwrap_or(EFFORTS.len() - 1);
    let word = clamped(field, effort, LOW, most, notes)?;
    reasoning.fields.push(("thinking", json!({"type": "adaptive"})));
    reasoning.fields.push(("output_config", json!({"effort": word})));
    reasoning.thinks = true;
    Ok(())
}

/// A budget below `maxTokens`, which is raised, or the budget lowered, until both fit.
fn budgeted(
    field: &str,
    budget: i64,
    asked: &Asked<'_>,
    traits: &Traits,
    notes: &mut Notes,
    reasoning: &mut Reasoning,
) -> Result<(), Error> {
    if !asked.calls_are_thought {
        // "Expected `thinking` or `redacted_thinking`, but found `text`"
        return notes.omitted(
            field,
            "the calls since the user last spoke came without their thinking_blocks, and the service refuses to think on",
        );
    }
    let most = traits.known.max_output_tokens.and_then(|most| i64::try_from(most).ok()).unwrap_or(i64::MAX);
    let mut budget = budget.min(most.saturating_sub(1)).max(LEAST_BUDGET);
    if let Some(max) = asked.max_tokens.filter(|max| *max <= budget) {
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

/// Whether the calls that the assistant made since the user last spoke have their thinking with them.
pub(super) fn calls_are_thought(messages: &[Message]) -> bool {
    messages
        .iter()
        .rev()
        .take_while(|message| message.role != Role::User)
        .filter(|message| message.role == Role::Assistant)
        .filter(|message| message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty()))
        .all(|message| message.thinking_blocks.is_some() || message.bedrock.is_some())
}
