//! Tools and the choice among them.

use super::CachePoint;
use crate::json::{Raw, Str};
use crate::writing::{record_sent, union_sent};

record_sent! {
    /// The tools of a request. It must be there whenever the conversation has tool blocks.
    pub struct ToolConfig<'a> {
        /// The tools, at least one.
        tools: Vec<Tool<'a>> = "tools",
        /// Whether and which tool must be called.
        tool_choice: Option<ToolChoice<'a>> = "toolChoice",
    }
}

union_sent! {
    /// One tool.
    pub enum Tool<'a> {
        /// A tool that the caller runs.
        ToolSpec(ToolSpec<'a>) = "toolSpec",
        /// A tool that the service runs.
        SystemTool(NamedTool<'a>) = "systemTool",
        /// A prompt cache point.
        CachePoint(CachePoint<'a>) = "cachePoint",
    }
}

record_sent! {
    /// A tool that the caller runs.
    pub struct ToolSpec<'a> {
        /// 1 to 64 of `[a-zA-Z0-9_-]`.
        name: Str<'a> = "name",
        /// What it does, at least one character.
        description: Option<Str<'a>> = "description",
        /// JSON schema of its input; its top level must be an object.
        input_schema: InputSchema<'a> = "inputSchema",
        /// Whether the input must follow the schema to the letter.
        strict: Option<bool> = "strict",
    }
}

union_sent! {
    /// JSON schema of a tool's input.
    pub enum InputSchema<'a> {
        /// The schema.
        Json(Raw<'a>) = "json",
    }
}

record_sent! {
    /// A tool by its name.
    pub struct NamedTool<'a> {
        /// 1 to 64 of `[a-zA-Z0-9_-]`.
        name: Str<'a> = "name",
    }
}

union_sent! {
    /// Whether and which tool must be called.
    pub enum ToolChoice<'a> {
        /// The model decides.
        Auto(Empty) = "auto",
        /// Some tool must be called.
        Any(Empty) = "any",
        /// This tool must be called.
        Tool(NamedTool<'a>) = "tool",
    }
}

record_sent! {
    /// An object without members.
    pub struct Empty {}
}
