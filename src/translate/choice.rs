//! Whether and which tool must be called.

use serde_json::{Value, json};

use super::path::Path;
use super::translation::Translation;
use crate::converse::{self, Empty, NamedTool, ToolConfig};
use crate::error::Error;
use crate::json::Json;
use crate::models::Choices;
use crate::openai::{FunctionDefinition, FunctionName, Tool, ToolChoice};

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

impl Asked<'_, '_> {
    /// Whether there are tools.
    pub(super) fn any(&self) -> bool {
        !self.tools.is_empty() || !self.functions.is_empty()
    }
}

/// What is to be called, once the choice of the request is understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Choice {
    /// Nothing was said.
    Unsaid,
    Auto,
    Required,
    None,
    Named(String),
}

/// Puts the choice in Converse's words, or in Claude's own where Converse has none.
pub(super) fn choose<'a>(
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
pub(super) fn asked(
    request: &Asked<'_, '_>,
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
    match request.choice {
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
