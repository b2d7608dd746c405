//! The calls that the assistant made.
//!
//! Arguments go out as they came in, byte for byte. Those that are not a JSON object (models write
//! such calls, and cut answers have them) are kept under a key of their own, since the service takes
//! nothing else.

use super::blank::is_blank;
use super::parse::lone_surrogate;
use super::path::Path;
use super::translation::Translation;
use crate::converse::ToolUse;
use crate::error::Error;
use crate::json::{Json, Members, Raw};
use crate::openai::{FunctionCall, ToolCall};

/// The key under which arguments that are no JSON object are kept.
const INVALID_ARGUMENTS: &str = "_invalid_arguments";

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

/// The arguments as the input of a call.
pub(super) fn input<'a>(
    arguments: &'a str,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<Raw<'a>, Error> {
    if is_blank(arguments) {
        return Ok(Raw::parse("{}").unwrap_or_default());
    }
    match Raw::parse(arguments) {
        Ok(raw) if raw.get().starts_with('{') && lone_surrogate(arguments.as_bytes()).is_none() => Ok(raw),
        parsed => {
            translation.notes.changed(
                at,
                match parsed {
                    Ok(raw) if raw.get().starts_with('{') => {
                        "has half of a surrogate pair: it is sent under the key _invalid_arguments"
                    }
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
