//! Tools, calls and the choice among tools.
//!
//! Schemas and arguments are free JSON and go out as they came in, byte for byte. A call whose
//! arguments are not a JSON object (models write such calls, and cut answers have them) is kept
//! under a key of its own, since the service takes nothing else.

use serde::Deserialize;

use super::adjustment::Notes;
use super::content::is_blank;
use super::path::Path;
use crate::converse::{self, Empty, InputSchema, NamedTool, ToolConfig, ToolSpec, ToolUse};
use crate::error::Error;
use crate::json::{Json, Raw};
use crate::models::ModelId;
use crate::openai::{FunctionCall, FunctionDefinition, Tool, ToolCall, ToolChoice, ToolType};

/// The key under which arguments that are no JSON object are kept.
const INVALID_ARGUMENTS: &str = "_invalid_arguments";
/// A schema for a tool without arguments.
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// What the tools of a request become.
#[derive(Debug, Default)]
pub(super) struct Tools<'a> {
    pub(super) config: Option<ToolConfig<'a>>,
    /// A `tool_choice` of the model's own API, which Converse cannot say.
    pub(super) native_choice: Option<&'static str>,
}

pub(super) fn tools<'a>(
    tools: Option<&'a [Tool]>,
    choice: Option<&'a ToolChoice>,
    model: &ModelId<'_>,
    history_has_calls: bool,
    notes: &mut Notes,
) -> Result<Tools<'a>, Error> {
    let root = Path::root("tools");
    let Some(tools) = tools.filter(|tools| !tools.is_empty()) else {
        if history_has_calls {
            return Err(Error::unsupported(
                "tools",
                "is missing or empty, and the messages have tool calls: send the tools along",
            ));
        }
        return match choice {
            None => Ok(Tools::default()),
            Some(ToolChoice::Mode(mode)) if mode == "auto" || mode == "none" => Ok(Tools::default()),
            Some(_) => Err(Error::invalid("tool_choice", "asks for a tool, and tools is missing or empty")),
        };
    };
    let mut specs: Vec<converse::Tool<'a>> = Vec::with_capacity(tools.len());
    for (index, tool) in tools.iter().enumerate() {
        specs.push(converse::Tool::ToolSpec(spec(tool, &root.index(index), notes)?));
    }
    let names = || tools.iter().filter_map(|tool| tool.function.as_ref()).map(|function| &*function.name);
    let mut seen: Vec<&str> = Vec::with_capacity(specs.len());
    for (index, name) in names().enumerate() {
        if seen.contains(&name) {
            return Err(Error::invalid(
                root.index(index).member("function").member("name").to_string(),
                format!("is {name:?}, which another tool is called already"),
            ));
        }
        seen.push(name);
    }
    let mut config = ToolConfig { tools: specs, ..ToolConfig::default() };
    let mut native_choice = None;
    config.tool_choice = match choice {
        None => None,
        Some(ToolChoice::Mode(mode)) => match mode.as_str() {
            "auto" => Some(converse::ToolChoice::Auto(Empty::default())),
            "required" => Some(converse::ToolChoice::Any(Empty::default())),
            // The tools stay for Claude, since leaving them out would change the cached prefix.
            "none" if model.is_anthropic() => {
                native_choice = Some("none");
                None
            }
            "none" if history_has_calls => {
                notes.changed(
                    "tool_choice",
                    "the messages have tool calls, so that the tools must be sent: the model may call one",
                )?;
                None
            }
            "none" => return Ok(Tools::default()),
            mode => {
                return Err(Error::invalid(
                    "tool_choice",
                    format!("is {mode:?}: say auto, required, none or a function"),
                ));
            }
        },
        Some(ToolChoice::Function(function)) => {
            if !names().any(|name| name == function.name) {
                return Err(Error::invalid(
                    "tool_choice.function.name",
                    format!("is {:?}, which is the name of no tool", function.name),
                ));
            }
            let tool = NamedTool { name: function.name.as_str().into(), ..NamedTool::default() };
            Some(converse::ToolChoice::Tool(tool))
        }
        Some(ToolChoice::Other(members)) => {
            let kind = members.get("type").map_or("missing", Json::get);
            return Err(Error::unsupported(
                "tool_choice",
                format!("is of type {kind}: say auto, required, none or a function"),
            ));
        }
    };
    Ok(Tools { config: Some(config), native_choice })
}

fn spec<'a>(tool: &'a Tool, at: &Path<'_>, notes: &mut Notes) -> Result<ToolSpec<'a>, Error> {
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
    notes.unknown(other, at)?;
    if cache_control.is_some() {
        notes.omitted(at.member("cache_control"), "cache points are not translated yet")?;
    }
    let at = at.member("function");
    let Some(function) = function else {
        return Err(Error::invalid(at.to_string(), "is missing: give name, description and parameters"));
    };
    let FunctionDefinition { name, description, parameters, strict, other } = function;
    notes.unknown(other, &at)?;
    check_name(name, &at.member("name"))?;
    if *strict == Some(true) {
        notes.omitted(at.member("strict"), "strict tools are not translated yet")?;
    }
    let spec = ToolSpec {
        name: name.as_str().into(),
        description: description.as_deref().filter(|text| !is_blank(text)).map(Into::into),
        input_schema: InputSchema::Json(match parameters {
            Some(schema) => {
                check_schema(schema, &at.member("parameters"))?;
                schema.raw()
            }
            None => Raw::parse(NO_ARGUMENTS).unwrap_or_default(),
        }),
        ..ToolSpec::default()
    };
    Ok(spec)
}

/// The service demands an object at the top: "The value at toolConfig.tools.28.toolSpec.inputSchema.json.type
/// must be one of the following: object."
fn check_schema(schema: &Json, at: &Path<'_>) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Top<'a> {
        #[serde(rename = "type", borrow)]
        kind: Option<Raw<'a>>,
    }
    // Most schemas begin with it, and need not be read to their end.
    let begins = ["{", r#""type""#, ":", r#""object""#]
        .iter()
        .try_fold(schema.get(), |left, token| left.trim_start().strip_prefix(token));
    if begins.is_some() {
        return Ok(());
    }
    let kind = serde_json::from_str::<Top<'_>>(schema.get())
        .map_err(|_| Error::invalid(at.to_string(), "is not a JSON schema: give an object of type object"))?;
    match kind.kind {
        Some(kind) if kind.get() == r#""object""# => Ok(()),
        _ => Err(Error::invalid(
            at.member("type").to_string(),
            "must be object: the arguments of a tool are an object",
        )),
    }
}

fn check_name(name: &str, at: &Path<'_>) -> Result<(), Error> {
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() {
        return Err(Error::invalid(at.to_string(), "is missing: give the tool a name"));
    }
    if name.len() > 64 || !name.bytes().all(is_taken) {
        return Err(Error::invalid(
            at.to_string(),
            "is not a name that Bedrock takes: 1 to 64 letters, digits, _ and -",
        ));
    }
    Ok(())
}

pub(super) fn check_id(id: &str, at: &Path<'_>) -> Result<(), Error> {
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    if id.is_empty() {
        return Err(Error::invalid(at.to_string(), "is missing: give the call an id"));
    }
    if id.len() > 64 || !id.bytes().all(is_taken) {
        return Err(Error::invalid(
            at.to_string(),
            "is not an id that Bedrock takes: 1 to 64 letters, digits, _, -, . and :",
        ));
    }
    Ok(())
}

/// A call that the assistant made.
pub(super) fn tool_use<'a>(
    call: &'a ToolCall,
    at: &Path<'_>,
    notes: &mut Notes,
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
            notes.omitted(at.member(name), "is not a member that is known")?;
        }
    }
    check_id(id, &at.member("id"))?;
    let at = at.member("function");
    let Some(function) = function else {
        return Err(Error::invalid(at.to_string(), "is missing: give name and arguments"));
    };
    let FunctionCall { name, arguments, other } = function;
    notes.unknown(other, &at)?;
    check_name(name, &at.member("name"))?;
    let tool_use = ToolUse {
        tool_use_id: id.as_str().into(),
        name: name.as_str().into(),
        input: input(arguments, &at.member("arguments"), notes)?,
        ..ToolUse::default()
    };
    Ok(tool_use)
}

fn input<'a>(arguments: &'a str, at: &Path<'_>, notes: &mut Notes) -> Result<Raw<'a>, Error> {
    if is_blank(arguments) {
        return Ok(Raw::parse("{}").unwrap_or_default());
    }
    match Raw::parse(arguments) {
        Ok(raw) if raw.get().starts_with('{') => Ok(raw),
        parsed => {
            notes.changed(
                at,
                match parsed {
                    Ok(_) => "is JSON but no object: it is sent under the key _invalid_arguments",
                    Err(_) => "is not JSON: it is sent under the key _invalid_arguments",
                },
            )?;
            let wrapped = serde_json::json!({ INVALID_ARGUMENTS: arguments });
            Ok(Json::from(wrapped).into())
        }
    }
}
