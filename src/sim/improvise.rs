//! The default answer: a tool call where a tool fits, a sentence otherwise.

use serde_json::{Map, Value, json};

use super::answer::Answer;

pub(super) fn answer(body: &Value) -> Answer {
    let results = last_results(body);
    if !results.is_empty() {
        return Answer::text(format!("The tools say: {}", results.join("; ")));
    }
    let said = last_user_texts(body).join(" ");
    if let Some(spec) = fitting_tool(body, &said) {
        let name = spec["name"].as_str().unwrap_or_default();
        let input = input_for(&spec["inputSchema"]["json"], &said);
        return Answer::call(name, input.to_string());
    }
    Answer::text(format!("This is the simulator's answer to: {said}"))
}

fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn blocks(message: &Value) -> &[Value] {
    message["content"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn last_user(body: &Value) -> &[Value] {
    messages(body).iter().rev().find(|message| message["role"] == "user").map(blocks).unwrap_or_default()
}

/// The texts of the last user turn.
pub(super) fn last_user_texts(body: &Value) -> Vec<String> {
    last_user(body).iter().filter_map(|block| block["text"].as_str().map(str::to_owned)).collect()
}

/// The tool results of the last user turn, as text.
pub(super) fn last_results(body: &Value) -> Vec<String> {
    last_user(body)
        .iter()
        .filter_map(|block| block["toolResult"]["content"].as_array())
        .flatten()
        .map(|piece| match piece["text"].as_str() {
            Some(text) => text.to_owned(),
            None => piece["json"].to_string(),
        })
        .collect()
}

/// How many user turns there are.
pub(super) fn user_turns(body: &Value) -> usize {
    messages(body).iter().filter(|message| message["role"] == "user").count()
}

/// The tool that must be called, or one whose name or description shares a word with the question.
fn fitting_tool<'a>(body: &'a Value, said: &str) -> Option<&'a Value> {
    let config = &body["toolConfig"];
    let mut specs =
        config["tools"].as_array()?.iter().map(|tool| &tool["toolSpec"]).filter(|spec| spec.is_object());
    let choice = &config["toolChoice"];
    if let Some(name) = choice["tool"]["name"].as_str() {
        return specs.find(|spec| spec["name"] == name);
    }
    if choice["any"].is_object() {
        return specs.next();
    }
    if body["additionalModelRequestFields"]["tool_choice"]["type"] == "none" {
        return None;
    }
    let said = words(said);
    specs.find(|spec| {
        let name = spec["name"].as_str().unwrap_or_default();
        let description = spec["description"].as_str().unwrap_or_default();
        words(&format!("{name} {description}")).iter().any(|word| said.contains(word))
    })
}

/// The words of a text that mean something: four letters or more, and none that every tool has.
fn words(text: &str) -> Vec<String> {
    const COMMON: [&str; 12] =
        ["this", "that", "with", "from", "what", "which", "have", "into", "your", "tool", "answer", "will"];
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= 4 && !COMMON.contains(&word.as_str()))
        .collect()
}

/// An input that fits the schema, with names and numbers out of the question.
fn input_for(schema: &Value, said: &str) -> Value {
    let mut input = Map::new();
    let Some(properties) = schema["properties"].as_object() else {
        return Value::Object(input);
    };
    for (name, property) in properties {
        let is_required = schema["required"]
            .as_array()
            .is_none_or(|required| required.iter().any(|required| required == name));
        if is_required {
            input.insert(name.clone(), value_for(property, said));
        }
    }
    Value::Object(input)
}

fn value_for(schema: &Value, said: &str) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => said
            .split(|c: char| !c.is_ascii_digit())
            .find_map(|digits| digits.parse::<u32>().ok())
            .unwrap_or(1)
            .into(),
        Some("boolean") => json!(true),
        Some("array") => json!([value_for(&schema["items"], said)]),
        Some("object") => input_for(schema, said),
        _ => {
            let name = said
                .split(|c: char| !c.is_alphanumeric())
                .skip(1)
                .filter(|word| word.starts_with(char::is_uppercase))
                .last();
            name.unwrap_or(said).into()
        }
    }
}
