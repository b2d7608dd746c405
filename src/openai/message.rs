//! Messages and their content.

use std::fmt;

use serde::de::{SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{AssistantMessage, FunctionCall, ThinkingBlock, ToolCall};
use crate::json::Json;
use crate::vocabulary::{record, words};

words! {
    /// Who speaks.
    pub enum Role {
        /// Instructions.
        System = "system",
        /// Instructions, by their newer name.
        Developer = "developer",
        /// The user.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// The result of a tool call.
        Tool = "tool",
        /// The result of a call in the legacy form.
        Function = "function",
    }
}

record! {
    /// One message. Which members belong together depends on the role; the translation says so
    /// when they do not.
    pub struct Message {
        /// Who speaks.
        role: Role = "role",
        /// What is said; absent in an assistant message that only calls tools.
        content: Option<Content> = "content",
        /// The speaker's name; in the legacy form the function's.
        name: Option<String> = "name",
        /// The calls that the assistant made.
        tool_calls: Option<Vec<ToolCall>> = "tool_calls",
        /// The call that a tool message answers.
        tool_call_id: Option<String> = "tool_call_id",
        /// The assistant's refusal.
        refusal: Option<String> = "refusal",
        /// The legacy form of `tool_calls`.
        function_call: Option<FunctionCall> = "function_call",
        /// Reference to audio that the assistant spoke.
        audio: Option<Json> = "audio",
        /// The assistant's reasoning as text.
        reasoning_content: Option<String> = "reasoning_content",
        /// The assistant's reasoning with its signatures.
        thinking_blocks: Option<Vec<ThinkingBlock>> = "thinking_blocks",
        /// A prompt cache point after this message.
        cache_control: Option<Json> = "cache_control",
        /// Whether a tool failed.
        is_error: Option<bool> = "is_error",
        /// How a tool ended: success or error.
        status: Option<String> = "status",
        /// Links and citations that an answer came with.
        annotations: Option<Json> = "annotations",
        /// Converse blocks that OpenAI has no place for.
        bedrock: Option<Json> = "bedrock",
    }
}

impl Message {
    fn of(role: Role, content: impl Into<Content>) -> Self {
        Message { role, content: Some(content.into()), ..Message::default() }
    }

    /// Instructions.
    pub fn system(text: impl Into<String>) -> Self {
        Message::of(Role::System, text.into())
    }

    /// What the user says: text, or parts.
    pub fn user(content: impl Into<Content>) -> Self {
        Message::of(Role::User, content)
    }

    /// What the model said.
    pub fn assistant(text: impl Into<String>) -> Self {
        Message::of(Role::Assistant, text.into())
    }

    /// The result of the tool call `id`.
    ///
    /// ```
    /// use bedrock_chat::openai::Message;
    ///
    /// let message = Message::tool("call_1", r#"{"celsius":21}"#);
    /// assert_eq!(message.tool_call_id.as_deref(), Some("call_1"));
    /// ```
    pub fn tool(id: impl Into<String>, content: impl Into<Content>) -> Self {
        Message { tool_call_id: Some(id.into()), ..Message::of(Role::Tool, content) }
    }
}

impl From<AssistantMessage> for Message {
    /// The answer as the next message of the history, with nothing left out.
    fn from(answer: AssistantMessage) -> Self {
        let AssistantMessage {
            role: _,
            content,
            refusal,
            reasoning_content,
            thinking_blocks,
            tool_calls,
            function_call,
            annotations,
            bedrock,
        } = answer;
        Message {
            role: Role::Assistant,
            content: content.map(Content::Text),
            refusal,
            reasoning_content,
            thinking_blocks,
            tool_calls,
            function_call,
            annotations: annotations.and_then(|annotations| Json::of(&annotations).ok()),
            bedrock,
            ..Message::default()
        }
    }
}

/// The content of a message: text, or a list of parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Text, images and so on, in order.
    Parts(Vec<Part>),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Content::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Content::Text(text)
    }
}

impl From<Vec<Part>> for Content {
    fn from(parts: Vec<Part>) -> Self {
        Content::Parts(parts)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrParts;

        impl<'de> Visitor<'de> for TextOrParts {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Content, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Content::Parts)
            }
        }

        deserializer.deserialize_any(TextOrParts)
    }
}

words! {
    /// What kind of part.
    pub enum PartType {
        /// Text.
        Text = "text",
        /// An image.
        ImageUrl = "image_url",
        /// Audio.
        InputAudio = "input_audio",
        /// A file.
        File = "file",
        /// A video. Not OpenAI's; some agents send it.
        VideoUrl = "video_url",
        /// A refusal of the assistant's.
        Refusal = "refusal",
        /// A content block of Converse's, in the part's member `bedrock`.
        Bedrock = "bedrock",
    }
}

record! {
    /// One part of a message's content; `type` says which of the other members counts.
    pub struct Part {
        /// What kind of part.
        kind: PartType = "type",
        /// The text of a text part.
        text: Option<String> = "text",
        /// The image of an image_url part.
        image_url: Option<ImageUrl> = "image_url",
        /// The audio of an input_audio part.
        input_audio: Option<Json> = "input_audio",
        /// The file of a file part.
        file: Option<Json> = "file",
        /// The video of a video_url part.
        video_url: Option<Json> = "video_url",
        /// The text of a refusal part.
        refusal: Option<String> = "refusal",
        /// A prompt cache point after this part.
        cache_control: Option<Json> = "cache_control",
        /// What only Converse has: `{"guardContent": {"qualifiers": […]}}` on a text or image part,
        /// `{"citations": {"enabled": true}, "context": …}` on a file part, a whole content block on a
        /// part of type bedrock.
        bedrock: Option<Json> = "bedrock",
    }
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Part { kind: PartType::Text, text: Some(text.into()), ..Part::default() }
    }

    /// An image part: a `data:` URL with base64 (png, jpeg, gif or webp).
    pub fn image(url: impl Into<String>) -> Self {
        Part {
            kind: PartType::ImageUrl,
            image_url: Some(ImageUrl { url: url.into(), ..ImageUrl::default() }),
            ..Part::default()
        }
    }
}

record! {
    /// Where an image is.
    pub struct ImageUrl {
        /// A `data:` URL with base64, or an address.
        url: String = "url",
        /// How closely to look: auto, low, high.
        detail: Option<String> = "detail",
    }
}
