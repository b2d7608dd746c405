//! What the service refuses, with its own texts.
//!
//! First the types and constraints of the service model, then the rules that the model does not
//! have: turns, blank text, tools. The texts are those that the service was seen to send.

use serde_json::Value;

use super::model::{MODEL_ID, REQUEST};
use super::shape::Violations;
use crate::models::{ModelId, abilities};

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Refusal { status: 400, code: "ValidationException", message: message.into() }
    }
}

/// Checks a request as the service would.
pub(super) fn check(model: &str, body: &Value) -> Result<(), Refusal> {
    constraints(model, body)?;
    let empty = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&empty);
    roles(model, messages)?;
    content(messages)?;
    tools(body, messages)?;
    pairs(messages)?;
    documents(messages)
}

fn constraints(model: &str, body: &Value) -> Result<(), Refusal> {
    let mut violations = Violations::default();
    violations.check(&MODEL_ID, &Value::String(model.to_owned()), "modelId");
    violations.check(&REQUEST, body, "");
    if let Some(first) = violations.types.into_iter().next() {
        return Err(Refusal { status: 400, code: "SerializationException", message: first });
    }
    match violations.constraints.len() {
        0 => Ok(()),
        count => Err(Refusal::validation(format!(
            "{count} validation error{} detected: {}",
            if count == 1 { "" } else { "s" },
            violations.constraints.join("; ")
        ))),
    }
}

fn roles(model: &str, messages: &[Value]) -> Result<(), Refusal> {
    let base = ModelId::new(model).base();
    let leads = ["anthropic.", "qwen.", "zai.", "moonshot"];
    let first = messages.first().map(|message| &message["role"]);
    let may_lead = leads.iter().any(|provider| base.starts_with(provider));
    if first.is_none_or(|role| role != "user" && !may_lead) {
        return Err(Refusal::validation(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        ));
    }
    if messages.windows(2).any(|pair| pair[0]["role"] == pair[1]["role"]) {
        return Err(Refusal::validation(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
        ));
    }
    let Some(last) = messages.last().filter(|message| message["role"] == "assistant") else {
        return Ok(());
    };
    if abilities(model).prefill != Some(true) {
        return Err(Refusal::validation(if base.starts_with("anthropic.") {
            "The model returned the following errors: This model does not support assistant message prefill. The conversation must end with a user message."
        } else {
            "The model that you are using requires the last turn in the conversation to be a user message. Add a user message to the conversation and try again."
        }));
    }
    let text = blocks(last).last().and_then(|block| block["text"].as_str());
    if text.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        return Err(Refusal::validation(
            "The model returned the following errors: messages: final assistant content cannot end with trailing whitespace",
        ));
    }
    Ok(())
}

fn blocks(message: &Value) -> &[Value] {
    message["content"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn content(messages: &[Value]) -> Result<(), Refusal> {
    for (turn, message) in messages.iter().enumerate() {
        let blocks = blocks(message);
        if blocks.is_empty() {
            return Err(Refusal::validation(format!(
                "The content field in the Message object at messages.{turn} is empty. Add a ContentBlock object to the content field and try again."
            )));
        }
        for (index, block) in blocks.iter().enumerate() {
            if is_blank(&block["text"]) {
                return Err(Refusal::validation(format!(
                    "The text field in the ContentBlock object at messages.{turn}.content.{index} is blank. Add text to the text field, and try again."
                )));
            }
            let result = &block["toolResult"];
            let pieces = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
            if result["status"] == "error" && pieces.is_empty() {
                return Err(Refusal::validation(format!(
                    "The content field at messages.{turn}.content.{index}.toolResult cannot be empty when status value is error."
                )));
            }
            if pieces.iter().any(|piece| is_blank(&piece["text"])) {
                return Err(Refusal::validation(
                    "The model returned the following errors: messages: text content blocks must contain non-whitespace text",
                ));
            }
            if block["toolUse"].is_object() && !block["toolUse"]["input"].is_object() {
                return Err(Refusal::validation(format!(
                    "The format of the value at messages.{turn}.content.{index}.toolUse.input is invalid. Provide a json object for the field and try again."
                )));
            }
        }
    }
    Ok(())
}

fn tools(body: &Value, messages: &[Value]) -> Result<(), Refusal> {
    let mut all = messages.iter().flat_map(blocks);
    if body["toolConfig"].is_null()
        && all.any(|block| block["toolUse"].is_object() || block["toolResult"].is_object())
    {
        return Err(Refusal::validation(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    let specs = body["toolConfig"]["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, tool) in specs.iter().enumerate() {
        let spec = &tool["toolSpec"];
        if spec.is_object() && spec["inputSchema"]["json"]["type"] != "object" {
            return Err(Refusal::validation(format!(
                "The value at toolConfig.tools.{index}.toolSpec.inputSchema.json.type must be one of the following: object."
            )));
        }
    }
    Ok(())
}

/// Every call has its result in the next turn, and every result its call in the turn before.
fn pairs(messages: &[Value]) -> Result<(), Refusal> {
    let ids = |message: Option<&Value>, kind: &str| -> Vec<String> {
        message
            .map(blocks)
            .unwrap_or_default()
            .iter()
            .filter(|block| block[kind]["type"] != "server_tool_use")
            .filter_map(|block| block[kind]["toolUseId"].as_str().map(str::to_owned))
            .collect()
    };
    for turn in 0..=messages.len() {
        let calls = match turn.checked_sub(1) {
            Some(before) => ids(messages.get(before), "toolUse"),
            None => Vec::new(),
        };
        let is_user = messages.get(turn).is_some_and(|message| message["role"] == "user");
        let results = if is_user { ids(messages.get(turn), "toolResult") } else { Vec::new() };
        if results.len() > calls.len() {
            return Err(Refusal::validation(format!(
                "The number of toolResult blocks at messages.{turn}.content exceeds the number of toolUse blocks of previous turn."
            )));
        }
        let missing: Vec<String> = calls.into_iter().filter(|id| !results.contains(id)).collect();
        if !missing.is_empty() {
            return Err(Refusal::validation(format!(
                "Expected toolResult blocks at messages.{turn}.content for the following Ids: {}",
                missing.join(", ")
            )));
        }
    }
    Ok(())
}

fn documents(messages: &[Value]) -> Result<(), Refusal> {
    let mut names = Vec::new();
    for message in messages {
        let mut documents = blocks(message).iter().filter(|block| block["document"].is_object()).peekable();
        if documents.peek().is_some() && !blocks(message).iter().any(|block| block["text"].is_string()) {
            return Err(Refusal::validation(
                "A text block must be included when using documents. Add a text block and retry your request.",
            ));
        }
        for block in documents {
            let name = block["document"]["name"].as_str().unwrap_or_default();
            let is_taken = |c: char| c.is_alphanumeric() || c.is_whitespace() || "-()[]".contains(c);
            let has_gap =
                name.chars().zip(name.chars().skip(1)).any(|(a, b)| a.is_whitespace() && b.is_whitespace());
            if has_gap || !name.chars().all(is_taken) {
                return Err(Refusal::validation(
                    "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
                ));
            }
            if names.contains(&name) {
                return Err(Refusal::validation("Messages can not contain duplicate document names"));
            }
            names.push(name);
        }
    }
    Ok(())
}
