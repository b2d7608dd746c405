//! The blocks of a turn.

use super::{Audio, Document, Image, Video};
use crate::json::{Raw, Str};
use crate::writing::{record_sent, union_sent};

union_sent! {
    /// One block of a turn.
    pub enum ContentBlock<'a> {
        /// Text; blank text is refused.
        Text(Str<'a>) = "text",
        /// An image.
        Image(Image<'a>) = "image",
        /// A document.
        Document(Document<'a>) = "document",
        /// A video.
        Video(Video<'a>) = "video",
        /// Audio.
        Audio(Audio<'a>) = "audio",
        /// A call of a tool.
        ToolUse(ToolUse<'a>) = "toolUse",
        /// The result of a call.
        ToolResult(ToolResult<'a>) = "toolResult",
        /// Text or an image that a guardrail checks.
        GuardContent(GuardContent<'a>) = "guardContent",
        /// A prompt cache point after the blocks before it.
        CachePoint(CachePoint<'a>) = "cachePoint",
        /// Reasoning.
        ReasoningContent(ReasoningContent<'a>) = "reasoningContent",
        /// Text with citations.
        CitationsContent(CitationsContent<'a>) = "citationsContent",
        /// A search result.
        SearchResult(SearchResult<'a>) = "searchResult",
        /// A tool that is there from here on.
        ToolAddition(ToolReferenceBlock<'a>) = "toolAddition",
        /// A tool that is gone from here on.
        ToolRemoval(ToolReferenceBlock<'a>) = "toolRemoval",
    }
}

record_sent! {
    /// A call of a tool.
    pub struct ToolUse<'a> {
        /// 1 to 64 of `[a-zA-Z0-9_.:-]`.
        tool_use_id: Str<'a> = "toolUseId",
        /// 1 to 64 of `[a-zA-Z0-9_-]`.
        name: Str<'a> = "name",
        /// The input, as it was written.
        input: Raw<'a> = "input",
        /// `server_tool_use` where the service runs the tool itself.
        kind: Option<Str<'a>> = "type",
    }
}

record_sent! {
    /// The result of a call.
    pub struct ToolResult<'a> {
        /// The id of the call.
        tool_use_id: Str<'a> = "toolUseId",
        /// What came of it.
        content: Vec<ToolResultContent<'a>> = "content",
        /// success or error; only Claude and Nova take it.
        status: Option<Str<'a>> = "status",
        /// What kind of result, where the service ran the tool.
        kind: Option<Str<'a>> = "type",
    }
}

union_sent! {
    /// One piece of a tool's result.
    pub enum ToolResultContent<'a> {
        /// Free JSON.
        Json(Raw<'a>) = "json",
        /// Text.
        Text(Str<'a>) = "text",
        /// An image.
        Image(Image<'a>) = "image",
        /// A document.
        Document(Document<'a>) = "document",
        /// A video.
        Video(Video<'a>) = "video",
        /// A search result.
        SearchResult(SearchResult<'a>) = "searchResult",
    }
}

union_sent! {
    /// Text or an image that a guardrail checks.
    pub enum GuardContent<'a> {
        /// Text.
        Text(GuardText<'a>) = "text",
        /// An image.
        Image(GuardImage<'a>) = "image",
    }
}

record_sent! {
    /// Text that a guardrail checks.
    pub struct GuardText<'a> {
        /// The text.
        text: Str<'a> = "text",
        /// grounding_source, query, guard_content.
        qualifiers: Option<Vec<Str<'a>>> = "qualifiers",
    }
}

record_sent! {
    /// An image that a guardrail checks.
    pub struct GuardImage<'a> {
        /// png or jpeg.
        format: Str<'a> = "format",
        /// `{"bytes": base64}`.
        source: Raw<'a> = "source",
    }
}

record_sent! {
    /// A prompt cache point.
    pub struct CachePoint<'a> {
        /// `default`.
        kind: Str<'a> = "type",
        /// 5m or 1h.
        ttl: Option<Str<'a>> = "ttl",
    }
}

union_sent! {
    /// Reasoning.
    pub enum ReasoningContent<'a> {
        /// As text.
        ReasoningText(ReasoningText<'a>) = "reasoningText",
        /// Encrypted, base64.
        RedactedContent(Str<'a>) = "redactedContent",
    }
}

record_sent! {
    /// Reasoning as text.
    pub struct ReasoningText<'a> {
        /// The text.
        text: Str<'a> = "text",
        /// Proof that the model wrote it; to be sent back unchanged.
        signature: Option<Str<'a>> = "signature",
    }
}

record_sent! {
    /// Whether the answer cites.
    pub struct CitationsConfig {
        /// Whether it does.
        enabled: bool = "enabled",
    }
}

record_sent! {
    /// Text with citations.
    pub struct CitationsContent<'a> {
        /// The text.
        content: Option<Vec<GeneratedText<'a>>> = "content",
        /// Where it is from.
        citations: Option<Vec<Citation<'a>>> = "citations",
    }
}

union_sent! {
    /// A piece of text with citations.
    pub enum GeneratedText<'a> {
        /// The text.
        Text(Str<'a>) = "text",
    }
}

record_sent! {
    /// Where a piece of text is from.
    pub struct Citation<'a> {
        /// Its title.
        title: Option<Str<'a>> = "title",
        /// Its source.
        source: Option<Str<'a>> = "source",
        /// The text there.
        source_content: Option<Raw<'a>> = "sourceContent",
        /// The place there.
        location: Option<Raw<'a>> = "location",
    }
}

record_sent! {
    /// A search result.
    pub struct SearchResult<'a> {
        /// Where it is from.
        source: Str<'a> = "source",
        /// Its title.
        title: Str<'a> = "title",
        /// Its text, in pieces.
        content: Raw<'a> = "content",
        /// Whether the answer cites it.
        citations: Option<CitationsConfig> = "citations",
    }
}

record_sent! {
    /// A tool that comes or goes in the middle of a conversation.
    pub struct ToolReferenceBlock<'a> {
        /// The tool.
        tool: ToolReference<'a> = "tool",
    }
}

record_sent! {
    /// A tool by name.
    pub struct ToolReference<'a> {
        /// What kind of tool.
        kind: Option<Str<'a>> = "type",
        /// Its name.
        name: Option<Str<'a>> = "name",
        /// The server that has it.
        server_name: Option<Str<'a>> = "serverName",
    }
}
