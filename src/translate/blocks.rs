//! What has arrived of an answer, block by block, and the message that it makes.
//!
//! The blocks are kept in the order they came, in Converse's kinds, so that nothing is lost on the
//! way to OpenAI's message: a message whose blocks OpenAI cannot all say carries them beside it.

use crate::converse::{
    Citation, CitationsContent, ContentBlock, GeneratedText, Image, ReasoningContent, ReasoningText,
    ToolResult, ToolResultDelta, ToolUse,
};
use crate::json::{Json, Members};
use crate::openai::{Annotation, AssistantMessage, ThinkingBlock, ToolCall, UrlCitation};

/// Whether pieces of text are joined as they are or by a line break: blocks that follow each other
/// are one text, blocks with another between them are two.
#[derive(Debug, Default, Clone, Copy)]
struct Joint {
    begun: bool,
    apart: bool,
}

impl Joint {
    /// Whether a line break comes before the text of a block that begins now.
    fn begin(&mut self) -> bool {
        let apart = self.begun && self.apart;
        *self = Joint { begun: true, apart: false };
        apart
    }
}

/// The blocks of an answer.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    text: Joint,
    reasoning: Joint,
}

#[derive(Debug)]
struct Block {
    index: u64,
    content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Text {
        text: String,
        citations: Vec<Json>,
    },
    Call {
        /// Which call for the client it is; none where the service runs the tool itself.
        position: Option<u32>,
        id: String,
        name: String,
        kind: Option<String>,
        input: String,
        /// Members that this version does not know.
        other: Members,
    },
    Result {
        id: String,
        kind: Option<String>,
        status: Option<String>,
        pieces: Vec<Json>,
        other: Members,
    },
    Reasoning {
        text: String,
        signature: Option<String>,
        redacted: Option<String>,
    },
    Image {
        format: String,
        source: Option<Json>,
        error: Option<Json>,
        other: Members,
    },
    /// A block of a kind that this version does not know.
    Unknown {
        name: String,
        value: Json,
    },
}

impl Blocks {
    /// Whether a block began under this index.
    pub(super) fn has(&self, index: u64) -> bool {
        self.blocks.iter().any(|block| block.index == index)
    }

    /// The block that is being written, where it has this index.
    pub(super) fn last(&self, index: u64) -> Option<&Content> {
        self.blocks.last().filter(|block| block.index == index).map(|block| &block.content)
    }

    /// Whether a line break comes before text that begins now.
    pub(super) fn begin_text(&mut self) -> bool {
        self.text.begin()
    }

    /// Whether a line break comes before reasoning that begins now.
    pub(super) fn begin_reasoning(&mut self) -> bool {
        self.reasoning.begin()
    }

    pub(super) fn push(&mut self, index: u64, content: Content) {
        match content {
            Content::Text { .. } => self.reasoning.apart = true,
            Content::Reasoning { .. } => self.text.apart = true,
            _ => {
                self.text.apart = true;
                self.reasoning.apart = true;
            }
        }
        self.blocks.push(Block { index, content });
    }

    /// The block that began last under this index.
    pub(super) fn block(&mut self, index: u64) -> Option<&mut Content> {
        self.blocks.iter_mut().rev().find(|block| block.index == index).map(|block| &mut block.content)
    }

    /// The text block that is being written. Text blocks have no start event, and one that another
    /// block has interrupted goes on as a new one, so that the text stays in the order it came.
    pub(super) fn text_block(&mut self, index: u64) -> Option<(&mut String, &mut Vec<Json>)> {
        if !matches!(self.last(index), Some(Content::Text { .. })) {
            let content = Content::Text { text: String::new(), citations: Vec::new() };
            self.push(index, content);
        }
        match &mut self.blocks.last_mut()?.content {
            Content::Text { text, citations } => Some((text, citations)),
            _ => None,
        }
    }

    /// Gives `{}` to the calls whose block had no input and no end; which of the client's they are.
    pub(super) fn close_calls(&mut self) -> Vec<u32> {
        let mut closed = Vec::new();
        for block in &mut self.blocks {
            if let Content::Call { position, input, .. } = &mut block.content
                && input.is_empty()
            {
                input.push_str("{}");
                closed.extend(*position);
            }
        }
        closed
    }

    pub(super) fn message(&mut self) -> AssistantMessage {
        let bedrock = self.beyond_openai();
        let annotations = self.annotations(None);
        let (mut content, mut reasoning) = (String::new(), String::new());
        let (mut text_joint, mut reasoning_joint) = (Joint::default(), Joint::default());
        let mut thinking_blocks = Vec::new();
        let mut tool_calls = Vec::new();
        for block in std::mem::take(&mut self.blocks) {
            match block.content {
                Content::Text { text, .. } => {
                    reasoning_joint.apart = true;
                    join(&mut content, text, &mut text_joint);
                }
                Content::Reasoning { text, signature, redacted } => {
                    text_joint.apart = true;
                    thinking_blocks.append(&mut thinking(&text, signature.as_deref(), redacted.as_deref()));
                    join(&mut reasoning, text, &mut reasoning_joint);
                }
                Content::Call { position, id, name, input, .. } => {
                    (text_joint.apart, reasoning_joint.apart) = (true, true);
                    if position.is_some() {
                        tool_calls.push(ToolCall::function(id, name, input));
                    }
                }
                Content::Result { .. } | Content::Image { .. } | Content::Unknown { .. } => {
                    (text_joint.apart, reasoning_joint.apart) = (true, true);
                }
            }
        }

        AssistantMessage {
            role: "assistant".to_owned(),
            content: Some(content).filter(|text| !text.is_empty() || tool_calls.is_empty()),
            reasoning_content: Some(reasoning).filter(|text| !text.is_empty()),
            thinking_blocks: Some(thinking_blocks).filter(|blocks| !blocks.is_empty()),
            tool_calls: Some(tool_calls).filter(|calls| !calls.is_empty()),
            annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
            bedrock,
            ..AssistantMessage::default()
        }
    }

    /// The citations of the text that have an address, of all blocks or of those under this index;
    /// the places are characters of the message's content.
    pub(super) fn annotations(&self, index: Option<u64>) -> Vec<Annotation> {
        let mut annotations = Vec::new();
        if !self
            .blocks
            .iter()
            .any(|block| matches!(&block.content, Content::Text { citations, .. } if !citations.is_empty()))
        {
            return annotations;
        }
        let (mut end, mut joint) = (0, Joint::default());
        for block in &self.blocks {
            let Content::Text { text, citations } = &block.content else {
                joint.apart = true;
                continue;
            };
            if !text.is_empty() && joint.begin() {
                end += 1;
            }
            let start = end;
            end += text.chars().count() as u64;
            if index.is_none_or(|index| index == block.index) {
                let cited = citations.iter().filter_map(|citation| url_citation(citation, start, end));
                annotations.extend(cited);
            }
        }
        annotations
    }

    /// The whole answer as Converse blocks, where OpenAI's message would not give them back: it has
    /// reasoning, then one text, then calls, and no place for the rest.
    pub(super) fn beyond_openai(&self) -> Option<Json> {
        // A text block without text is nothing, and would be refused if it were sent back.
        let is_nothing = |content: &Content| matches!(content, Content::Text { text, citations } if text.is_empty() && citations.is_empty());
        let contents =
            || self.blocks.iter().map(|block| &block.content).filter(|content| !is_nothing(content));
        let mut last = 0;
        let is_plain = contents().all(|content| {
            let place = match content {
                Content::Reasoning { .. } => 1,
                Content::Text { citations, .. } if citations.is_empty() => 2,
                Content::Call { position: Some(_), other, .. } if other.is_empty() => 3,
                Content::Text { .. }
                | Content::Call { .. }
                | Content::Result { .. }
                | Content::Image { .. }
                | Content::Unknown { .. } => return false,
            };
            let before = std::mem::replace(&mut last, place);
            before < place || (before == place && place != 2)
        });
        if is_plain {
            return None;
        }
        let blocks: Vec<ContentBlock<'_>> = contents().flat_map(converse).collect();
        let blocks = serde_json::to_string(&blocks).ok()?;
        Json::parse(format!(r#"{{"content":{blocks}}}"#)).ok()
    }
}

/// A citation in OpenAI's words, where it has an address.
fn url_citation(citation: &Json, start_index: u64, end_index: u64) -> Option<Annotation> {
    #[derive(serde::Deserialize)]
    struct Cited {
        title: Option<String>,
        location: Location,
    }
    #[derive(serde::Deserialize)]
    struct Location {
        web: Web,
    }
    #[derive(serde::Deserialize)]
    struct Web {
        url: String,
        domain: Option<String>,
    }
    let Cited { title, location: Location { web: Web { url, domain } } } = citation.read().ok()?;
    let title = title.or(domain).unwrap_or_else(|| url.clone());
    Some(Annotation {
        kind: "url_citation".to_owned(),
        url_citation: UrlCitation { start_index, end_index, title, url },
    })
}

fn join(whole: &mut String, text: String, joint: &mut Joint) {
    if text.is_empty() {
        return;
    }
    if joint.begin() {
        whole.push('\n');
    }
    if whole.is_empty() {
        *whole = text;
    } else {
        whole.push_str(&text);
    }
}

/// A block of reasoning in Anthropic's words; a block that has text and encrypted data is two.
pub(super) fn thinking(text: &str, signature: Option<&str>, redacted: Option<&str>) -> Vec<ThinkingBlock> {
    let mut blocks = Vec::new();
    if !text.is_empty() || signature.is_some() || redacted.is_none() {
        let block = ThinkingBlock {
            kind: "thinking".to_owned(),
            thinking: Some(text.to_owned()),
            signature: signature.map(str::to_owned),
            ..ThinkingBlock::default()
        };
        blocks.push(block);
    }
    if let Some(data) = redacted {
        let block = ThinkingBlock {
            kind: "redacted_thinking".to_owned(),
            data: Some(data.to_owned()),
            ..ThinkingBlock::default()
        };
        blocks.push(block);
    }
    blocks
}

/// Adds a piece of a tool's result; text that follows text goes on with it.
pub(super) fn push_piece(pieces: &mut Vec<Json>, piece: &ToolResultDelta<'_>) {
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Text {
        text: String,
    }
    if let (ToolResultDelta::Text(new), Some(last)) = (piece, pieces.last_mut())
        && let Ok(mut so_far) = last.read::<Text>()
    {
        so_far.text.push_str(new);
        *last = Json::of(&so_far).unwrap_or_default();
        return;
    }
    pieces.push(Json::of(piece).unwrap_or_default());
}

/// A block as Converse has it; reasoning that has text and encrypted data is two.
fn converse(content: &Content) -> Vec<ContentBlock<'_>> {
    let block = match content {
        Content::Text { text, citations } if citations.is_empty() => ContentBlock::Text(text.as_str().into()),
        Content::Text { text, citations } => {
            let block = CitationsContent {
                content: Some(vec![GeneratedText::Text(text.as_str().into())]),
                citations: Some(
                    citations
                        .iter()
                        .filter_map(|citation| serde_json::from_str::<Citation<'_>>(citation.get()).ok())
                        .collect(),
                ),
                ..CitationsContent::default()
            };
            ContentBlock::CitationsContent(block)
        }
        Content::Call { id, name, kind, input, other, .. } => {
            let mut block = ToolUse {
                tool_use_id: id.as_str().into(),
                name: name.as_str().into(),
                kind: kind.as_deref().map(Into::into),
                other: other.clone(),
                ..ToolUse::default()
            };
            // A call that was cut has no JSON; its text is kept as a JSON string.
            block.input = Json::parse(input.as_str()).or_else(|_| Json::of(input)).unwrap_or_default().into();
            ContentBlock::ToolUse(block)
        }
        Content::Result { id, kind, status, pieces, other } => {
            let block = ToolResult {
                tool_use_id: id.as_str().into(),
                kind: kind.as_deref().map(Into::into),
                status: status.as_deref().map(Into::into),
                content: pieces.iter().filter_map(|piece| serde_json::from_str(piece.get()).ok()).collect(),
                other: other.clone(),
            };
            ContentBlock::ToolResult(block)
        }
        Content::Reasoning { text, signature, redacted } => {
            let mut blocks = Vec::new();
            if !text.is_empty() || signature.is_some() || redacted.is_none() {
                let block = ReasoningText {
                    text: text.as_str().into(),
                    signature: signature.as_deref().map(Into::into),
                    ..ReasoningText::default()
                };
                blocks.push(ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(block)));
            }
            if let Some(data) = redacted {
                let data = ReasoningContent::RedactedContent(data.as_str().into());
                blocks.push(ContentBlock::ReasoningContent(data));
            }
            return blocks;
        }
        Content::Image { format, source, error, other } => {
            let mut image =
                Image { format: format.as_str().into(), other: other.clone(), ..Image::default() };
            if let Some(source) = source {
                image.source = serde_json::from_str(source.get()).unwrap_or_default();
            }
            image.error = error.as_ref().map(Json::raw);
            ContentBlock::Image(image)
        }
        Content::Unknown { name, value } => {
            ContentBlock::Unknown { name: name.clone(), value: value.clone() }
        }
    };
    vec![block]
}
