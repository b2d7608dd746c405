//! Tools, calls and the choice among tools.
//!
//! Schemas and arguments are free JSON and go out as they came in, byte for byte. A call whose
//! arguments are not a JSON object (models write such calls, and cut answers have them) is kept
//! under a key of its own, since the service takes nothing else.

use serde_json::{Value, json};

use super::cache;
use super::content::is_blank;
use super::pairing;
use super::path::Path;
use super::schema;
use super::translation::Translation;
use super::turn::Turn;
use crate::converse::{self, ContentBlock, Empty, InputSchema, NamedTool, ToolConfig, ToolSpec, ToolUse};
use crate::error::Error;
use crate::json::{Json, Members, Raw};
use crate::models::Choices;
use crate::openai::{FunctionCall, FunctionDefinition, FunctionName, Tool, ToolCall, ToolChoice, ToolType};

/// The key under which arguments that are no JSON object are kept.
const INVALID_ARGUMENTS: &str = "_invalid_arguments";
/// The most strict tools that the service takes.
const MOST_STRICT: usize = 20;

/// What is to be called, once the choice of the request is understood.
#[derive(Debug, Clone, PartialEq)]
enum Choice {
    /// Nothing was said.
    Unsaid,
    Auto,
    Required,
    None,
    Named(String),
}

/// What the tools of a request become.
#[derive(Debug, Default)]
pub(super) struct Tools<'a> {
    pub(super) config: Option<ToolConfig<'a>>,
    /// A `tool_choice` of Claude's own API, for what Converse cannot say.
    pub(super) native_choice: Option<Value>,
}

/// What of a request is about tools.
pub(super) struct Asked<'a, 'c> {
    pub(super) tools: &'a [Tool],
    /// The tools in the legacy form.
    pub(super) functions: &'a [FunctionDefinition],
    pub(super) choice: Option<&'c ToolChoice>,
    /// Whether several tools may be called at once.
    pub(super) parallel: Option<bool>,
    /// Whether Claude thinks, which forbids forcing.
    pub(super) thinks: bool,
}

pub(super) fn tools<'a>(
    asked: &Asked<'a, '_>,
    turns: &mut [Turn<'a>],
    translation: &mut Translation,
) -> Result<Tools<'a>, Error> {
    let calls = calls(turns);
    let (choice, allowed) = choice(asked, translation)?;
    let is_native = translation.traits.native_tool_choice;
    if !translation.traits.tools {
        if asked.any() {
            translation.notes.omitted("tools", "the model calls no tools")?;
        }
        as_plain_text(turns, calls.is_empty(), translation)?;
        return Ok(Tools::default());
    }
    if !asked.any() {
        if !matches!(choice, Choice::Unsaid | Choice::Auto | Choice::None) {
            return Err(Error::invalid("tool_choice", "asks for a tool, and tools is missing or empty"));
        }
        if calls.is_empty() {
            return Ok(Tools::default());
        }
        if !is_native {
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
    let (mut specs, seen) = specs(asked, allowed.as_deref(), translation)?;
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
    limit_strict(&mut specs, translation)?;
    if choice == Choice::None && !is_native {
        as_plain_text(turns, calls.is_empty(), translation)?;
        return Ok(Tools::default());
    }
    let mut tools =
        Tools { config: Some(ToolConfig { tools: specs, ..ToolConfig::default() }), native_choice: None };
    choose(choice, asked, &mut tools, translation)?;
    Ok(tools)
}

/// Puts the choice in Converse's words, or in Claude's own where Converse has none.
fn choose<'a>(
    choice: Choice,
    asked: &Asked<'a, '_>,
    tools: &mut Tools<'a>,
    translation: &mut Translation,
) -> Result<(), Error> {
    let traits = translation.traits;
    let forbidden = match &choice {
        Choice::Required => traits.choices == Choices::Auto,
        Choice::Named(_) => traits.choices != Choices::All,
        _ => false,
    };
    let choice = match choice {
        Choice::Required | Choice::Named(_) if asked.thinks => {
            // "Thinking may not be enabled when tool_choice forces tool use."
            translation.notes.changed(
                "tool_choice",
                "the model cannot be made to call a tool while it thinks: it decides",
            )?;
            Choice::Unsaid
        }
        Choice::Required | Choice::Named(_) if forbidden => {
            translation
                .notes
                .changed("tool_choice", "the model cannot be made to call a tool like this: it decides")?;
            Choice::Unsaid
        }
        choice => choice,
    };
    let alone = asked.parallel == Some(false);
    if alone && !traits.native_tool_choice {
        translation.notes.omitted("parallel_tool_calls", "the model has no such switch")?;
    }
    let sent = |name: &str, translation: &mut Translation| translation.names.send(name).into_owned();
    let native = traits.native_tool_choice && (alone || choice == Choice::None);
    if native {
        let mut form = match choice {
            Choice::Unsaid | Choice::Auto => json!({"type": "auto"}),
            Choice::Required => json!({"type": "any"}),
            Choice::None => json!({"type": "none"}),
            Choice::Named(name) => json!({"type": "tool", "name": sent(&name, translation)}),
        };
        if alone && form["type"] != "none" {
            form["disable_parallel_tool_use"] = json!(true);
        }
        tools.native_choice = Some(form);
        return Ok(());
    }
    let choice = match choice {
        Choice::Unsaid | Choice::None => None,
        Choice::Auto => Some(converse::ToolChoice::Auto(Empty::default())),
        Choice::Required => Some(converse::ToolChoice::Any(Empty::default())),
        Choice::Named(name) => Some(converse::ToolChoice::Tool(NamedTool {
            name: sent(&name, translation).into(),
            ..NamedTool::default()
        })),
    };
    if let Some(config) = &mut tools.config {
        config.tool_choice = choice;
    }
    Ok(())
}

/// The choice of the request, and the names that it allows where it allows only some.
fn choice(
    asked: &Asked<'_, '_>,
    translation: &mut Translation,
) -> Result<(Choice, Option<Vec<String>>), Error> {
    let mode = |mode: &str| match mode {
        "auto" => Ok(Choice::Auto),
        "required" => Ok(Choice::Required),
        "none" => Ok(Choice::None),
        mode => {
            Err(Error::invalid("tool_choice", format!("is {mode:?}: say auto, required, none or a function")))
        }
    };
    match asked.choice {
        None => Ok((Choice::Unsaid, None)),
        Some(ToolChoice::Mode(word)) => Ok((mode(word)?, None)),
        Some(ToolChoice::Function(FunctionName { name, other })) => {
            translation.notes.unknown(other, &Path::root("tool_choice"))?;
            Ok((Choice::Named(name.clone()), None))
        }
        Some(ToolChoice::Other(members)) => {
            #[derive(serde::Deserialize)]
            struct Allowed {
                mode: String,
                tools: Vec<AllowedTool>,
            }
            #[derive(serde::Deserialize)]
            struct AllowedTool {
                function: Option<AllowedName>,
                name: Option<String>,
            }
            #[derive(serde::Deserialize)]
            struct AllowedName {
                name: String,
            }
            let kind = members.get("type").map_or("missing", Json::get);
            let form = members.get("allowed_tools").map(Json::read::<Allowed>);
            match (kind, form) {
                (r#""allowed_tools""#, Some(Ok(allowed))) => {
                    let names = allowed
                        .tools
                        .into_iter()
                        .filter_map(|tool| tool.function.map(|function| function.name).or(tool.name));
                    Ok((mode(&allowed.mode)?, Some(names.collect())))
                }
                (r#""allowed_tools""#, _) => {
                    Err(Error::invalid("tool_choice.allowed_tools", "must be an object with mode and tools"))
                }
                (r#""function""#, _) => {
                    Err(Error::invalid("tool_choice.function", "must be an object with a name"))
                }
                (kind, _) => Err(Error::unsupported(
                    "tool_choice",
                    format!("is of type {kind}: say auto, required, none, a function or allowed_tools"),
                )),
            }
        }
    }
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

impl Asked<'_, '_> {
    /// Whether there are tools.
    fn any(&self) -> bool {
        !self.tools.is_empty() || !self.functions.is_empty()
    }
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
    let FunctionDefinition { name, description, parameters, strict, other } = function;
    translation.notes.unknown(other, at)?;
    if name.trim().is_empty() {
        return Err(Error::invalid(at.member("name").to_string(), "is missing: give the tool a name"));
    }
    let input_schema = match parameters {
        Some(parameters) => {
            schema::input_schema(parameters, &at.member("parameters"), &mut translation.notes)?
        }
        None => schema::no_arguments(),
    };
    let mut sent = ToolSpec {
        name: translation.names.send(name),
        description: description.as_deref().filter(|text| !is_blank(text)).map(Into::into),
        ..ToolSpec::default()
    };
    if *strict == Some(true) {
        let at = at.member("strict");
        if !translation.traits.strict_tools {
            translation.notes.omitted(at, "the model is not known to take strict tools")?;
        } else if !schema::may_be_strict(input_schema.get()) {
            translation.notes.omitted(at, "the schema has words that strict tools must not have")?;
        } else {
            sent.strict = Some(true);
        }
    }
    sent.input_schema = InputSchema::Json(input_schema);
    Ok(sent)
}

/// "Too many strict tools (22). The maximum number of strict tools supported is 20."
fn limit_strict(specs: &mut [converse::Tool<'_>], translation: &mut Translation) -> Result<(), Error> {
    let strict = specs.iter_mut().filter_map(|tool| match tool {
        converse::Tool::ToolSpec(spec) if spec.strict.is_some() => Some(spec),
        _ => None,
    });
    let mut surplus = false;
    for spec in strict.skip(MOST_STRICT) {
        spec.strict = None;
        surplus = true;
    }
    if surplus {
        translation.notes.omitted("tools", "at most 20 tools can be strict: those after them are not")?;
    }
    Ok(())
}

/// A call that the assistant made.
pub(super) fn tool_use<'a>(
    call: &'a ToolCall,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<ToolUse<'a>, Error> {
    let ToolCall { id, kind, function, other } = call;
    if !matches!(kind.as_str(), "function" | "") {
        return Err(Error::unsupported(
            at.member("type").to_string(),
            format!("is {:?}: only calls of functions can be sent to Bedrock", kind.as_str()),
        ));
    }
    for (name, value) in other.iter() {
        // Streaming clients keep the position of the delta.
        if name != "index" && !value.is_null() {
            translation.notes.omitted(at.member(name), "is not a member that is known")?;
        }
    }
    if id.trim().is_empty() {
        translation.notes.added(at.member("id"), "is missing: an id is made up");
    }
    let at = at.member("function");
    let Some(function) = function else {
        return Err(Error::invalid(at.to_string(), "is missing: give name and arguments"));
    };
    function_use(id, function, &at, translation)
}

/// A call of a function, under the id that the caller gave it.
pub(super) fn function_use<'a>(
    id: &'a str,
    function: &'a FunctionCall,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<ToolUse<'a>, Error> {
    let FunctionCall { name, arguments, other } = function;
    translation.notes.unknown(other, at)?;
    if name.trim().is_empty() {
        return Err(Error::invalid(
            at.member("name").to_string(),
            "is missing: name the tool that was called",
        ));
    }
    Ok(ToolUse {
        tool_use_id: translation.ids.call(id),
        name: translation.names.send(name),
        input: input(arguments, &at.member("arguments"), translation)?,
        ..ToolUse::default()
    })
}

fn input<'a>(arguments: &'a str, at: &Path<'_>, translation: &mut Translation) -> Result<Raw<'a>, Error> {
    if is_blank(arguments) {
        return Ok(Raw::parse("{}").unwrap_or_default());
    }
    match Raw::parse(arguments) {
        Ok(raw) if raw.get().starts_with('{') => Ok(raw),
        parsed => {
            translation.notes.changed(
                at,
                match parsed {
                    Ok(_) => "is JSON but no object: it is sent under the key _invalid_arguments",
                    Err(_) => "is not JSON: it is sent under the key _invalid_arguments",
                },
            )?;
            let mut wrapped = Members::default();
            wrapped.push(INVALID_ARGUMENTS, Json::of(arguments).unwrap_or_default());
            Ok(Json::of(&wrapped).unwrap_or_default().into())
        }
    }
}
