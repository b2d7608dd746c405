//! The catalogue: limits and abilities by model, from `catalog.tsv`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::ModelId;

/// What a model is known to do. `None` is unknown, not no.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abilities {
    /// Tokens that a request may have.
    pub max_input_tokens: Option<u64>,
    /// Tokens that an answer may have.
    pub max_output_tokens: Option<u64>,
    /// Whether it calls tools.
    pub tools: Option<bool>,
    /// Whether it can be made to call a tool.
    pub forced_tool_use: Option<bool>,
    /// Whether it takes strict tools.
    pub strict_tools: Option<bool>,
    /// Whether it takes images.
    pub images: Option<bool>,
    /// Whether it takes documents.
    pub documents: Option<bool>,
    /// Whether it takes videos.
    pub videos: Option<bool>,
    /// Whether it takes audio.
    pub audio: Option<bool>,
    /// Whether it reasons.
    pub reasoning: Option<bool>,
    /// Whether it decides by itself how much to reason.
    pub adaptive_thinking: Option<bool>,
    /// Whether it takes a budget of reasoning all the same.
    pub legacy_thinking: Option<bool>,
    /// Whether its reasoning cannot be switched off.
    pub thinking_always_on: Option<bool>,
    /// The highest effort it takes.
    pub effort_ceiling: Option<&'static str>,
    /// Whether it takes `temperature` and `topP`.
    pub sampling: Option<bool>,
    /// Whether it takes cache points.
    pub prompt_caching: Option<bool>,
    /// Whether it takes a schema for its answer.
    pub structured_output: Option<bool>,
    /// Whether an assistant's turn may come last, as the beginning of the answer.
    pub prefill: Option<bool>,
}

/// What is known about the model `id`: the row of its foundation model, or of the longest id in the
/// catalogue that it begins with.
///
/// ```
/// use bedrock_chat::models::abilities;
///
/// let known = abilities("eu.anthropic.claude-sonnet-4-5-20250929-v1:0");
/// assert_eq!(known.max_output_tokens, Some(64_000));
/// assert_eq!(abilities("a-model-of-next-year").tools, None);
/// ```
pub fn abilities(id: &str) -> Abilities {
    let base = ModelId::new(id).base();
    CATALOG
        .range(..=base)
        .rev()
        .find(|(known, _)| base.starts_with(**known))
        .map(|(_, abilities)| *abilities)
        .unwrap_or_default()
}

/// The tokens that a request may have where nothing is known of the model.
pub const DEFAULT_CONTEXT_WINDOW: u64 = 128_000;

/// How many tokens a request to the model `id` may have: what the catalogue says, else 128,000.
///
/// ```
/// use bedrock_chat::models::context_window;
///
/// assert_eq!(context_window("us.amazon.nova-lite-v1:0"), 300_000);
/// assert_eq!(context_window("a-model-of-next-year"), 128_000);
/// ```
pub fn context_window(id: &str) -> u64 {
    abilities(id).max_input_tokens.unwrap_or(DEFAULT_CONTEXT_WINDOW)
}

static CATALOG: LazyLock<BTreeMap<&'static str, Abilities>> =
    LazyLock::new(|| read(include_str!("catalog.tsv")));

fn read(table: &'static str) -> BTreeMap<&'static str, Abilities> {
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    lines
        .map(|line| {
            let cells: Vec<&'static str> = line.split('\t').collect();
            let cell = |column: &str| {
                columns
                    .iter()
                    .position(|name| *name == column)
                    .and_then(|index| cells.get(index).copied())
                    .unwrap_or_default()
            };
            let flag = |column| match cell(column) {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            };
            let abilities = Abilities {
                max_input_tokens: cell("max_input_tokens").parse().ok(),
                max_output_tokens: cell("max_output_tokens").parse().ok(),
                tools: flag("tools"),
                forced_tool_use: flag("forced_tool_use"),
                strict_tools: flag("strict_tools"),
                images: flag("images"),
                documents: flag("documents"),
                videos: flag("videos"),
                audio: flag("audio"),
                reasoning: flag("reasoning"),
                adaptive_thinking: flag("adaptive_thinking"),
                legacy_thinking: flag("legacy_thinking"),
                thinking_always_on: flag("thinking_always_on"),
                effort_ceiling: Some(cell("effort_ceiling")).filter(|effort| !effort.is_empty()),
                sampling: flag("sampling"),
                prompt_caching: flag("prompt_caching"),
                structured_output: flag("structured_output"),
                prefill: flag("prefill"),
            };
            (cell("model"), abilities)
        })
        .collect()
}
