//! Tools, calls of them, and the choice among them.

use std::fmt;

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::{Json, Members};
use crate::vocabulary::{record, words};

words! {
    /// What kind of tool.
    pub enum ToolType {
        /// A function with a JSON schema.
        Function = "function",
        /// A tool that takes free text.
        Custom = "custom",
    }
}

record! {
    /// A tool that the model may call.
    pub struct Tool {
        /// `function`; Bedrock has no others.
        kind: ToolType = "type",
        /// The function of a function tool.
        function: Option<FunctionDefinition> = "function",
        /// A prompt cache point after this tool.
        cache_control: Option<Json> = "cache_control",
    }
}

impl Tool {
    /// A function tool with a JSON schema for its arguments.
    ///
    /// ```
    /// use bedrock_chat::{Json, openai::Tool};
    ///
    /// let schema = Json::parse(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#)?;
    /// let tool = Tool::function("get_weather", "The weather in a city", schema);
    /// assert_eq!(tool.function.unwrap().name, "get_weather");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn function(name: impl Into<String>, description: impl Into<String>, parameters: Json) -> Self {
        Tool {
            kind: ToolType::Function,
            function: Some(FunctionDefinition {
                name: name.into(),
                description: Some(description.into()),
                parameters: Some(parameters),
                ..FunctionDefinition::default()
            }),
            ..Tool::default()
        }
    }
}

record! {
    /// What a function does and takes.
    pub struct FunctionDefinition {
        /// The name by which the model calls it.
        name: String = "name",
        /// What it does, for the model.
        description: Option<String> = "description",
        /// JSON schema of its arguments; none means no arguments.
        parameters: Option<Json> = "parameters",
        /// Whether the arguments must follow the schema to the letter.
        strict: Option<bool> = "strict",
    }
}

record! {
    /// A call of a tool.
    pub struct ToolCall {
        /// The id that the tool message with the result repeats.
        id: String = "id",
        /// `function`.
        kind: ToolType = "type",
        /// The function and its arguments.
        function: Option<FunctionCall> = "function",
    }
}

impl ToolCall {
    /// A call of the function `name`; `arguments` is JSON as text.
    pub fn function(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        ToolCall {
            id: id.into(),
            kind: ToolType::Function,
            function: Some(FunctionCall {
                name: name.into(),
                arguments: arguments.into(),
                ..FunctionCall::default()
            }),
            ..ToolCall::default()
        }
    }

    /// The name of the function; empty where the call has none.
    pub fn name(&self) -> &str {
        self.function.as_ref().map_or("", |function| &function.name)
    }

    /// The arguments, JSON as text; empty where the call has none.
    pub fn arguments(&self) -> &str {
        self.function.as_ref().map_or("", |function| &function.arguments)
    }
}

record! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// The function's name.
        name: String = "name",
        /// JSON as text, as the model wrote it; it may be cut where the answer was.
        arguments: String = "arguments",
    }
}

record! {
    /// A function by its name.
    pub struct FunctionName {
        /// The function's name.
        name: String = "name",
    }
}

/// `tool_choice`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// auto, required or none.
    Mode(String),
    /// `{"type": "function", "function": {"name": …}}`.
    Function(FunctionName),
    /// A form of another type, such as `allowed_tools`, as it came.
    Other(Members),
}

impl ToolChoice {
    /// The choice of one function.
    pub fn function(name: impl Into<String>) -> Self {
        ToolChoice::Function(FunctionName { name: name.into(), ..FunctionName::default() })
    }
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            ToolChoice::Mode(mode) => serializer.serialize_str(mode),
            ToolChoice::Function(function) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("type", "function")?;
                map.serialize_entry("function", function)?;
                map.end()
            }
            ToolChoice::Other(members) => members.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ModeOrObject;

        impl<'de> Visitor<'de> for ModeOrObject {
            type Value = ToolChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an object")
            }

            fn visit_str<E: serde::de::Error>(self, mode: &str) -> Result<ToolChoice, E> {
                Ok(ToolChoice::Mode(mode.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ToolChoice, A::Error> {
                let members = Members::deserialize(MapAccessDeserializer::new(map))?;
                let is_function = members.get("type").is_some_and(|kind| kind.get() == r#""function""#);
                match members.get("function") {
                    Some(function) if is_function => {
                        function.read().map(ToolChoice::Function).map_err(serde::de::Error::custom)
                    }
                    _ => Ok(ToolChoice::Other(members)),
                }
            }
        }

        deserializer.deserialize_any(ModeOrObject)
    }
}
