//! The tools of a request, whose schemas go out as they came in, byte for byte.

use serde_json::json;

use super::blank::is_blank;
use super::cache;
use super::choice::{self, Asked, Choice, Tools};
use super::pairing;
use super::path::Path;
use super::schema;
use super::strict;
use super::translation::Translation;
use super::turn::Turn;
use crate::converse::{self, ContentBlock, InputSchema, ToolConfig, ToolSpec};
use crate::error::Error;
use crate::openai::{FunctionDefinition, Tool, ToolType};

pub(super) fn tools<'a>(
    asked: &Asked<'a, '_>,
    turns: &mut [Turn<'a>],
    translation: &mut Translation,
) -> Result<Tools<'a>, Error> {
    let calls = calls(turns);
    let is_without = !has_tool_blocks(turns);
    let (choice, allowed) = choice::asked(asked, translation)?;
    let is_native = translation.traits.native_tool_choice;
    if !translation.traits.tools {
        if asked.any() {
            translation.notes.omitted("tools", "the model calls no tools")?;
        }
        as_plain_text(turns, is_without, translation)?;
        return Ok(Tools::default());
    }
    if !asked.any() {
        if !matches!(choice, Choice::Unsaid | Choice::Auto | Choice::None) {
            return Err(Error::invalid("tool_choice", "asks for a tool, and tools is missing or empty"));
        }
        if is_without {
            return Ok(Tools::default());
        }
        // Of results without their calls, which an edited history may have, no tool is known.
        if !is_native || calls.is_empty() {
            as_plain_text(turns, false, translation)?;
            return Ok(Tools::default());
        }
        // "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        translation.notes.added(
            "tools",
            "the messages have tool calls and the request no tools: tools of these names are sent, and none may be called",
        );
        let config = ToolConfig { tools: calls.into_iter().map(recalled).collect(), ..ToolConfig::default() };
        return Ok(Tools { config: Some(config), native_choice: Some(json!({"type": "none"})) });
    }
    if allowed.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::invalid("tool_choice.allowed_tools.tools", "is empty: allow at least one tool"));
    }
    let (specs, seen) = specs(asked, allowed.as_deref(), translation)?;
    if let Some(name) = allowed.iter().flatten().find(|name| !seen.contains(&name.as_str())) {
        return Err(Error::invalid("tool_choice", format!("allows {name:?}, which is the name of no tool")));
    }
    if let Choice::Named(name) = &choice
        && !seen.contains(&name.as_str())
    {
        return Err(Error::invalid(
            "tool_choice.function.name",
            format!("is {name:?}, which is the name of no tool"),
        ));
    }
    if choice == Choice::None && !is_native {
        as_plain_text(turns, is_without, translation)?;
        return Ok(Tools::default());
    }
    let mut tools =
        Tools { config: Some(ToolConfig { tools: specs, ..ToolConfig::default() }), native_choice: None };
    choice::choose(choice, asked, &mut tools, translation)?;
    Ok(tools)
}

/// The names of the tools that the history calls, in the order of their first call.
fn calls(turns: &[Turn<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for block in turns.iter().flat_map(|turn| &turn.content) {
        if let ContentBlock::ToolUse(call) = block
            && !names.iter().any(|name| **name == *call.name)
        {
            names.push(call.name.to_string());
        }
    }
    names
}

/// Whether the history has calls or results, those of tools that the service ran included.
fn has_tool_blocks(turns: &[Turn<'_>]) -> bool {
    let mut blocks = turns.iter().flat_map(|turn| turn.results.iter().chain(&turn.content));
    blocks.any(|block| matches!(block, ContentBlock::ToolUse(_) | ContentBlock::ToolResult(_)))
}

/// A tool of which only the name is known.
fn recalled<'a>(name: String) -> converse::Tool<'a> {
    converse::Tool::ToolSpec(ToolSpec {
        name: name.into(),
        input_schema: InputSchema::Json(schema::no_arguments()),
        ..ToolSpec::default()
    })
}

fn as_plain_text(turns: &mut [Turn<'_>], nothing: bool, translation: &mut Translation) -> Result<(), Error> {
    if nothing {
        return Ok(());
    }
    translation.notes.changed(
        "messages",
        "no tools are sent, and the service refuses tool calls and results without: they are sent as text",
    )?;
    pairing::as_plain_text(turns);
    Ok(())
}

/// The tools that may be called, and the names of all that there are.
fn specs<'a>(
    asked: &Asked<'a, '_>,
    allowed: Option<&[String]>,
    translation: &mut Translation,
) -> Result<(Vec<converse::Tool<'a>>, Vec<&'a str>), Error> {
    let mut specs: Vec<converse::Tool<'a>> = Vec::with_capacity(asked.tools.len());
    let mut seen: Vec<&str> = Vec::with_capacity(asked.tools.len());
    let mut add = |name: &'a str, at: &Path<'_>, spec, point: Option<converse::CachePoint<'a>>| {
        if seen.contains(&name) {
            return Err(Error::invalid(
                at.member("name").to_string(),
                format!("is {name:?}, which another tool is called already"),
            ));
        }
        seen.push(name);
        if allowed.is_none_or(|allowed| allowed.iter().any(|allowed| allowed == name)) {
            specs.push(converse::Tool::ToolSpec(spec));
            specs.extend(point.map(converse::Tool::CachePoint));
        }
        Ok(())
    };
    let root = Path::root("tools");
    for (index, tool) in asked.tools.iter().enumerate() {
        let at = root.index(index);
        let (spec, point) = spec(tool, &at, translation)?;
        let name = tool.function.as_ref().map(|function| function.name.as_str()).unwrap_or_default();
        add(name, &at.member("function"), spec, point)?;
    }
    let root = Path::root("functions");
    for (index, function) in asked.functions.iter().enumerate() {
        let at = root.index(index);
        add(&function.name, &at, function_spec(function, &at, translation)?, None)?;
    }
    Ok((specs, seen))
}

fn spec<'a>(
    tool: &'a Tool,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<(ToolSpec<'a>, Option<converse::CachePoint<'a>>), Error> {
    let Tool { kind, function, cache_control, other } = tool;
    if *kind != ToolType::Function {
        return Err(Error::unsupported(
            at.member("type").to_string(),
            match kind.as_str() {
                "" => "is missing: say function".to_owned(),
                kind => format!("is {kind:?}: only function tools can be called on Bedrock"),
            },
        ));
    }
    translation.notes.unknown(other, at)?;
    let point = match cache_control {
        Some(_) if translation.traits.caching && !translation.traits.tool_caching => {
            translation
                .notes
                .omitted(at.member("cache_control"), "the model takes no cache points among tools")?;
            None
        }
        Some(control) => {
            cache::point(control, &at.member("cache_control"), &translation.traits, &mut translation.notes)?
        }
        None => None,
    };
    let at = at.member("function");
    let Some(function) = function else {
        return Err(Error::invalid(at.to_string(), "is missing: give name, description and parameters"));
    };
    Ok((function_spec(function, &at, translation)?, point))
}

fn function_spec<'a>(
    function: &'a FunctionDefinition,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<ToolSpec<'a>, Error> {
    let FunctionDefinition { name, description, parameters, strict: is_strict, other } = function;
    translation.notes.unknown(other, at)?;
    if name.trim().is_empty() {
        return Err(Error::invalid(at.member("name").to_string(), "is missing: give the tool a name"));
    }
    let at_parameters = at.member("parameters");
    let mut input_schema = match parameters {
        Some(parameters) => schema::input_schema(parameters, &at_parameters, &mut translation.notes)?,
        None => schema::no_arguments(),
    };
    let mut sent = ToolSpec {
        name: translation.names.send(name),
        description: description.as_deref().filter(|text| !is_blank(text)).map(Into::into),
        ..ToolSpec::default()
    };
    if *is_strict == Some(true) {
        let at = at.member("strict");
        if translation.traits.strict_tools {
            let reduced = strict::strict(&input_schema);
            if !translation.strict.takes(&reduced) {
                translation.notes.omitted(
                    at,
                    "the service takes at most 20 strict tools, with 24 optional properties in all: this one is not strict",
                )?;
            } else {
                sent.strict = Some(true);
                if let Some(schema) = reduced.schema {
                    translation.notes.changed(
                        at_parameters,
                        "strict tools have no bounds, no contains and no patterns that look around: those go",
                    )?;
                    input_schema = schema.into();
                }
            }
        } else {
            translation.notes.omitted(at, "the model is not known to take strict tools")?;
        }
    }
    sent.input_schema = InputSchema::Json(input_schema);
    Ok(sent)
}
