//! `response_format`: the form of the answer.
//!
//! A schema goes into `outputConfig.textFormat`, as the caller's own text. A model that refuses it
//! ("This model doesn't support the outputConfig field") gets one tool with that schema, whose input
//! comes back as the content.

use serde::Deserialize;

use super::adjustment::Notes;
use super::choice::Tools;
use super::path::Path;
use super::schema;
use super::translation::Translation;
use crate::converse::{
    ContentBlock, InputSchema, JsonSchema, NamedTool, OutputConfig, OutputFormat, OutputStructure, Request,
    Tool, ToolChoice, ToolConfig, ToolSpec,
};
use crate::error::Error;
use crate::json::{Json, Str};
use crate::models::Choices;

/// The name of the tool where the schema has none.
const NAME: &str = "respond";

#[derive(Deserialize)]
struct ResponseFormat {
    #[serde(rename = "type")]
    kind: String,
    json_schema: Option<Json>,
}

/// What a request says of the form of its answer.
#[derive(Debug)]
pub(super) enum Form {
    /// Nothing in particular.
    Free,
    /// It must follow this schema, with its name around it.
    Schema(Option<Json>),
}

/// The form that the request asks for.
pub(super) fn form(format: &Json, notes: &mut Notes) -> Result<Form, Error> {
    let form: ResponseFormat = format.read().map_err(|_| {
        Error::invalid("response_format.type", "is missing: say text, json_object or json_schema")
    })?;
    notes.unread(format, &["type", "json_schema"], &Path::root("response_format"))?;
    match form.kind.as_str() {
        "text" => Ok(Form::Free),
        "json_object" => {
            notes.omitted("response_format", "Converse has no free JSON mode: ask for JSON in the text")?;
            Ok(Form::Free)
        }
        "json_schema" => Ok(Form::Schema(form.json_schema)),
        kind => Err(Error::invalid(
            "response_format.type",
            format!("is {kind:?}: say text, json_object or json_schema"),
        )),
    }
}

#[derive(Deserialize)]
struct NamedSchema {
    name: Option<String>,
    description: Option<String>,
    schema: Option<Json>,
}

/// "Citations cannot be enabled when output format is set."
pub(super) fn check_citations(body: &Request<'_>) -> Result<(), Error> {
    let cites = |block: &ContentBlock<'_>| {
        matches!(block, ContentBlock::Document(document)
            if document.citations.as_ref().is_some_and(|citations| citations.enabled))
    };
    let mut blocks = body.messages.iter().flatten().flat_map(|message| &message.content);
    if body.output_config.is_some() && blocks.any(cites) {
        return Err(Error::unsupported(
            "response_format",
            "cannot be had together with citations of documents: leave out one of the two",
        ));
    }
    Ok(())
}

/// Asks for an answer of this form; gives the name of the tool whose input is the content, where it
/// is asked for by a tool.
pub(super) fn ask<'a>(
    named: Option<&Json>,
    thinks: bool,
    tools: &mut Tools<'a>,
    output: &mut Option<OutputConfig<'a>>,
    translation: &mut Translation,
) -> Result<Option<String>, Error> {
    let at = Path::root("response_format");
    let at = at.member("json_schema");
    let NamedSchema { name, description, schema } = named
        .map(Json::read)
        .transpose()
        .map_err(|_| Error::invalid(at.to_string(), "must be an object with name and schema"))?
        .ok_or_else(|| Error::invalid(at.to_string(), "is missing: give name and schema"))?;
    if let Some(named) = named {
        // A schema is followed to the letter or not at all: `strict` says nothing more.
        translation.notes.unread(named, &["name", "description", "schema", "strict"], &at)?;
    }
    let at = at.member("schema");
    let schema = schema.ok_or_else(|| Error::invalid(at.to_string(), "is missing: give a JSON schema"))?;
    if !schema.is_object() {
        return Err(Error::invalid(at.to_string(), "must be an object"));
    }
    let description = description.filter(|text| !text.trim().is_empty());
    if translation.traits.structured_output {
        let json_schema = JsonSchema {
            schema: schema.get().to_owned().into(),
            name: name.map(Str::from),
            description: description.map(Str::from),
            ..JsonSchema::default()
        };
        *output = Some(OutputConfig {
            text_format: Some(OutputFormat {
                kind: "json_schema".into(),
                structure: OutputStructure::JsonSchema(json_schema),
                ..OutputFormat::default()
            }),
            ..OutputConfig::default()
        });
        return Ok(None);
    }
    by_tool(name, description, &schema, thinks, &at, tools, translation).map(Some)
}

fn by_tool<'a>(
    name: Option<String>,
    description: Option<String>,
    schema: &Json,
    thinks: bool,
    at: &Path<'_>,
    tools: &mut Tools<'a>,
    translation: &mut Translation,
) -> Result<String, Error> {
    let traits = translation.traits;
    if !traits.tools {
        return Err(Error::unsupported("response_format", "the model takes no schema and calls no tools"));
    }
    let config = tools.config.get_or_insert_with(ToolConfig::default);
    let is_taken = |name: &str| {
        config.tools.iter().any(|tool| matches!(tool, Tool::ToolSpec(spec) if *spec.name == *name))
    };
    // A tool of the caller's by the same name must not be taken for the answer.
    let mut wanted = name.unwrap_or_else(|| NAME.to_owned());
    let mut name = translation.names.send(&wanted).into_owned();
    while is_taken(&name) {
        wanted.push_str("_answer");
        name = translation.names.send(&wanted).into_owned();
    }
    let sent = schema::input_schema(schema, at, &mut translation.notes)?.to_json();
    let description = description.unwrap_or_else(|| "Gives the answer to the user".to_owned());
    let spec = ToolSpec {
        name: name.clone().into(),
        description: Some(description.into()),
        input_schema: InputSchema::Json(sent.into()),
        ..ToolSpec::default()
    };
    let has_others = !config.tools.is_empty();
    config.tools.push(Tool::ToolSpec(spec));
    let forced = match traits.choices {
        _ if thinks || tools.native_choice.is_some() => None,
        Choices::Auto => None,
        Choices::All if !has_others => {
            Some(ToolChoice::Tool(NamedTool { name: name.clone().into(), ..NamedTool::default() }))
        }
        Choices::All | Choices::AutoAndAny => Some(ToolChoice::Any(Default::default())),
    };
    translation.notes.changed(
        "response_format",
        match &forced {
            Some(_) => "the model takes no schema: a tool with it is sent, and its input is the content",
            None => "the model takes no schema, and cannot be made to call a tool with it: it is offered one",
        },
    )?;
    if forced.is_some() {
        config.tool_choice = forced;
    }
    Ok(name)
}
