//! Which answer comes when.

use std::sync::Arc;

use serde_json::Value;

use super::answer::Answer;
use super::improvise;

/// What a rule looks at. All that is set must hold.
///
/// ```
/// use bedrock_chat::sim::When;
///
/// let when = When::user_says("weather").turn(1).model("claude");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct When {
    user_says: Option<String>,
    tool_result: Option<String>,
    turn: Option<usize>,
    model: Option<String>,
    streamed: Option<bool>,
}

impl When {
    /// Always.
    pub fn always() -> Self {
        When::default()
    }

    /// When the last user turn has this text, whatever the case.
    pub fn user_says(text: impl Into<String>) -> Self {
        When { user_says: Some(text.into()), ..When::default() }
    }

    /// When the last user turn has a tool result with this text, whatever the case.
    pub fn tool_result(text: impl Into<String>) -> Self {
        When { tool_result: Some(text.into()), ..When::default() }
    }

    /// And only in this user turn, counted from 1.
    pub fn turn(mut self, turn: usize) -> Self {
        self.turn = Some(turn);
        self
    }

    /// And only for models whose id has this text.
    pub fn model(mut self, text: impl Into<String>) -> Self {
        self.model = Some(text.into());
        self
    }

    /// And only for streams, or only for whole replies.
    pub fn streamed(mut self, streamed: bool) -> Self {
        self.streamed = Some(streamed);
        self
    }

    fn holds(&self, model: &str, body: &Value, streamed: bool) -> bool {
        let has = |texts: Vec<String>, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| {
                let wanted = wanted.to_lowercase();
                texts.iter().any(|text| text.to_lowercase().contains(&wanted))
            })
        };
        has(improvise::last_user_texts(body), &self.user_says)
            && has(improvise::last_results(body), &self.tool_result)
            && self.turn.is_none_or(|turn| turn == improvise::user_turns(body))
            && self.streamed.is_none_or(|wanted| wanted == streamed)
            && self.model.as_ref().is_none_or(|wanted| model.contains(wanted.as_str()))
    }
}

type Respond = Arc<dyn Fn(&str, &Value) -> Answer + Send + Sync>;

/// Rules, of which the first that holds gives the answer; then the default, which answers questions
/// and calls a tool when one fits.
#[derive(Clone, Default)]
#[must_use]
pub struct Script {
    rules: Vec<(When, Respond)>,
}

impl Script {
    /// A script without rules.
    pub fn new() -> Self {
        Script::default()
    }

    /// Adds a rule.
    pub fn on(self, when: When, answer: Answer) -> Self {
        self.on_with(when, move |_, _| answer.clone())
    }

    /// Adds a rule whose answer is made from the model id and the body of the request.
    pub fn on_with(
        mut self,
        when: When,
        respond: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.rules.push((when, Arc::new(respond)));
        self
    }

    pub(super) fn answer(&self, model: &str, body: &Value, streamed: bool) -> Answer {
        self.rules
            .iter()
            .find(|(when, _)| when.holds(model, body, streamed))
            .map_or_else(|| improvise::answer(body), |(_, respond)| respond(model, body))
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|(when, _)| when)).finish()
    }
}
