//! What a part says that only Converse has, under its member `bedrock`.

use serde::Deserialize;

use super::blank::is_blank;
use super::flaw;
use super::path::Path;
use super::translation::Translation;
use crate::converse::{
    CitationsConfig, ContentBlock, Document, GuardContent, GuardImage, GuardText, Image, Media,
};
use crate::error::Error;
use crate::json::{Json, Str};
use crate::openai::{Part, PartType};

/// The member `bedrock` of a text, image or file part.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Beside<'a> {
    guard_content: Option<Json>,
    citations: Option<CitationsConfig>,
    #[serde(borrow)]
    context: Option<Str<'a>>,
}

/// Reads what a part says for Converse alone, and notes what its type does not have.
pub(super) fn beside<'a>(
    part: &'a Part,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<Beside<'a>, Error> {
    let Some(own) = part.bedrock.as_ref().filter(|_| part.kind != PartType::Bedrock) else {
        return Ok(Beside::default());
    };
    let at = at.member("bedrock");
    let known: &[&str] = match part.kind {
        PartType::Text | PartType::ImageUrl => &["guardContent"],
        PartType::File => &["citations", "context"],
        _ => &[],
    };
    translation.notes.unread(own, known, &at)?;
    serde_json::from_str(own.get()).map_err(|_| {
        Error::invalid(
            at.to_string(),
            "must be {\"guardContent\": {\"qualifiers\": […]}}, or for a file {\"citations\": {\"enabled\": true}, \"context\": text}",
        )
    })
}

impl<'a> Beside<'a> {
    /// The qualifiers of content that a guardrail checks; none where it is not asked for.
    pub(super) fn guard(&self, at: &Path<'_>) -> Result<Option<Option<Vec<Str<'a>>>>, Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Qualified {
            qualifiers: Option<Vec<String>>,
        }
        const KNOWN: [&str; 3] = ["grounding_source", "query", "guard_content"];
        let at = at.member("bedrock");
        let at = at.member("guardContent");
        match self.guard_content.as_ref().map(|guard| (guard.get(), guard.read::<Qualified>())) {
            None | Some(("null" | "false", _)) => Ok(None),
            Some(("true", _)) => Ok(Some(None)),
            Some((_, Ok(Qualified { qualifiers }))) => {
                if let Some(word) = qualifiers.iter().flatten().find(|word| !KNOWN.contains(&word.as_str())) {
                    return Err(Error::invalid(
                        at.member("qualifiers").to_string(),
                        format!("has {word:?}: say {}", KNOWN.join(", ")),
                    ));
                }
                Ok(Some(qualifiers.map(|words| words.into_iter().map(Str::from).collect())))
            }
            Some((_, Err(_))) => {
                Err(Error::invalid(at.to_string(), "must be true, or an object with qualifiers"))
            }
        }
    }

    /// The text as a block, guarded where that is asked for.
    pub(super) fn text(&self, text: &'a str, at: &Path<'_>) -> Result<ContentBlock<'a>, Error> {
        Ok(match self.guard(at)? {
            None => ContentBlock::Text(text.into()),
            Some(qualifiers) => ContentBlock::GuardContent(GuardContent::Text(GuardText {
                text: text.into(),
                qualifiers,
                ..GuardText::default()
            })),
        })
    }

    /// The image as a block, guarded where that is asked for.
    pub(super) fn image(&self, image: Image<'a>, at: &Path<'_>) -> Result<ContentBlock<'a>, Error> {
        if self.guard(at)?.is_none() {
            return Ok(ContentBlock::Image(image));
        }
        match image.source {
            Media::Bytes(bytes) if matches!(&*image.format, "png" | "jpeg") => {
                let source = Json::of(&Media::Bytes(bytes)).unwrap_or_default().into();
                let guarded = GuardImage { format: image.format, source, ..GuardImage::default() };
                Ok(ContentBlock::GuardContent(GuardContent::Image(guarded)))
            }
            _ => Err(Error::unsupported(
                at.to_string(),
                "is an image that no guardrail checks: give png or jpeg as a data: URL",
            )),
        }
    }

    /// Adds citations and context to a document.
    pub(super) fn document(
        self,
        document: &mut Document<'a>,
        at: &Path<'_>,
        translation: &mut Translation,
    ) -> Result<(), Error> {
        document.context = self.context;
        let is_wanted = self.citations.as_ref().is_some_and(|citations| citations.enabled);
        if is_wanted && !translation.traits.citations {
            // "This model doesn't support citations."
            let at = at.member("bedrock");
            return translation.notes.omitted(at.member("citations"), "the model does not cite documents");
        }
        document.citations = self.citations;
        Ok(())
    }
}

/// Whether it is a list of objects with a text each.
fn is_texts(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Piece {
        #[allow(dead_code, reason = "only that it is there counts")]
        text: String,
    }
    serde_json::from_str::<Vec<Piece>>(json).is_ok_and(|pieces| !pieces.is_empty())
}

/// A part that is a Converse block already: what OpenAI has no part for.
pub(super) fn block<'a>(
    part: &'a Part,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<ContentBlock<'a>, Error> {
    let at = at.member("bedrock");
    let invalid = |message: &str| Err(Error::invalid(at.to_string(), message));
    let Some(own) = &part.bedrock else {
        return invalid("is missing: give a content block of Converse, such as {\"searchResult\": {…}}");
    };
    let Ok(block) = serde_json::from_str::<ContentBlock<'a>>(own.get()) else {
        return invalid("must be a content block of Converse, such as {\"searchResult\": {…}}");
    };
    match &block {
        ContentBlock::ToolUse(_) | ContentBlock::ToolResult(_) => {
            return invalid("is part of a tool call: give tool_calls and tool messages");
        }
        ContentBlock::ReasoningContent(_) => return invalid("is reasoning: give thinking_blocks"),
        ContentBlock::CachePoint(_) => return invalid("is a cache point: give cache_control"),
        ContentBlock::Unknown { .. } => return invalid("is no content block that this version knows"),
        ContentBlock::SearchResult(found) if !is_texts(found.content.get()) => {
            return invalid("is a searchResult without content: give [{\"text\": …}]");
        }
        ContentBlock::Text(text) if is_blank(text) => {
            return invalid("is blank text, which the service refuses");
        }
        ContentBlock::Document(document) => {
            if translation.documents.iter().any(|name| **name == *document.name) {
                // "Messages can not contain duplicate document names"
                return invalid("has the name of an earlier document: give it another");
            }
            translation.documents.push(document.name.to_string());
        }
        _ => {}
    }
    flaw::check(&block, &at)?;
    Ok(block)
}
