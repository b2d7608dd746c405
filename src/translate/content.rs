//! The content of one message: text and parts into blocks.

use super::blank::is_blank;
use super::cache;
use super::media::{self, ImageRef};
use super::own_parts;
use super::path::Path;
use super::translation::Translation;
use crate::converse::{ContentBlock, Document, ToolResultContent};
use crate::error::Error;
use crate::json::{Json, Str};
use crate::models::{ResultDocuments, Traits};
use crate::openai::{Content, ImageUrl, Message, Part, PartType};

/// The content of a message that must have one.
pub(super) fn required<'a>(message: &'a Message, at: &Path<'_>) -> Result<&'a Content, Error> {
    message.content.as_ref().ok_or_else(|| {
        Error::invalid(at.member("content").to_string(), "is missing: give text or an array of parts")
    })
}

/// The blocks of a content, blank text left out.
pub(super) fn blocks<'a>(
    content: &'a Content,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    let parts = match content {
        Content::Text(text) => {
            push_text(text, blocks);
            return Ok(());
        }
        Content::Parts(parts) => parts,
    };
    for (index, part) in parts.iter().enumerate() {
        let at = at.index(index);
        let before = blocks.len();
        push_part(part, &at, translation, blocks)?;
        if let Some(control) = &part.cache_control {
            let at = at.member("cache_control");
            if blocks.len() > before {
                cache::add(control, &at, translation, blocks)?;
            } else {
                translation.notes.omitted(at, "the part is blank and not sent")?;
            }
        }
    }
    Ok(())
}

/// The pieces of a tool's result; what the model does not take in there goes beside it.
pub(super) fn result_pieces<'a>(
    content: &'a Content,
    at: &Path<'_>,
    translation: &mut Translation,
    beside: &mut Vec<ContentBlock<'a>>,
) -> Result<Vec<ToolResultContent<'a>>, Error> {
    if let Content::Text(text) = content {
        return Ok(if is_blank(text) {
            Vec::new()
        } else {
            vec![ToolResultContent::Text(text.as_str().into())]
        });
    }
    let mut all = Vec::new();
    blocks(content, at, translation, &mut all)?;
    let mut pieces = Vec::with_capacity(all.len());
    let mut hoisted = false;
    for block in all {
        match block {
            ContentBlock::Text(text) => pieces.push(ToolResultContent::Text(text)),
            ContentBlock::Image(image) if translation.traits.result_images => {
                pieces.push(ToolResultContent::Image(image));
            }
            ContentBlock::Document(document) if goes_inside(&document, &translation.traits) => {
                pieces.push(ToolResultContent::Document(document));
            }
            ContentBlock::SearchResult(found) => pieces.push(ToolResultContent::SearchResult(found)),
            ContentBlock::GuardContent(_) => {
                return Err(Error::unsupported(
                    at.to_string(),
                    "has guarded content, which Converse does not take inside a tool's result",
                ));
            }
            block => {
                hoisted |= !matches!(block, ContentBlock::CachePoint(_));
                beside.push(block);
            }
        }
    }
    if hoisted {
        translation
            .notes
            .changed(at, "the model takes no such media inside a tool's result: they are sent beside it")?;
    }
    Ok(pieces)
}

/// Whether the model takes the document inside a tool's result.
fn goes_inside(document: &Document<'_>, traits: &Traits) -> bool {
    let is_text = || matches!(document.format.as_deref(), Some("csv" | "html" | "md" | "txt"));
    match traits.result_documents {
        ResultDocuments::All => true,
        ResultDocuments::Text => is_text(),
        ResultDocuments::None => false,
    }
}

/// One text of a message of instructions.
#[derive(Debug)]
pub(super) struct Instruction<'a> {
    pub(super) text: Str<'a>,
    /// The qualifiers of a text that a guardrail checks.
    pub(super) guard: Option<Option<Vec<Str<'a>>>>,
    pub(super) control: Option<&'a Json>,
}

/// The texts of a content that may hold nothing but text.
pub(super) fn instructions<'a>(
    content: &'a Content,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<Vec<Instruction<'a>>, Error> {
    let mut texts = Vec::new();
    match content {
        Content::Text(text) => {
            texts.push(Instruction { text: text.as_str().into(), guard: None, control: None });
        }
        Content::Parts(parts) => {
            for (index, part) in parts.iter().enumerate() {
                let at = at.index(index);
                let text = match part.kind {
                    PartType::Text => part.text.as_deref(),
                    PartType::Refusal => part.refusal.as_deref(),
                    _ => None,
                };
                let text = text.ok_or_else(|| not_text(part, &at))?;
                unused_members(part, &at, translation)?;
                let guard = own_parts::beside(part, &at, translation)?.guard(&at)?;
                if is_blank(text) && part.cache_control.is_some() {
                    translation
                        .notes
                        .omitted(at.member("cache_control"), "the part is blank and not sent")?;
                }
                texts.push(Instruction { text: text.into(), guard, control: part.cache_control.as_ref() });
            }
        }
    }
    texts.retain(|instruction| !is_blank(&instruction.text));
    Ok(texts)
}

fn not_text(part: &Part, at: &Path<'_>) -> Error {
    match part.kind.as_str() {
        "text" | "refusal" => missing(part, at),
        "" => Error::invalid(at.member("type").to_string(), "is missing: say text"),
        kind => Error::unsupported(
            at.to_string(),
            format!("is a part of type {kind:?}, and instructions are text alone"),
        ),
    }
}

fn missing(part: &Part, at: &Path<'_>) -> Error {
    let kind = part.kind.as_str();
    Error::invalid(
        at.member(kind).to_string(),
        format!("is missing, and the part says that it is of type {kind}"),
    )
}

fn push_text<'a>(text: &'a str, blocks: &mut Vec<ContentBlock<'a>>) {
    if !is_blank(text) {
        blocks.push(ContentBlock::Text(text.into()));
    }
}

/// Refuses media that the model is known not to take.
fn taken(ability: Option<bool>, what: &str, at: &Path<'_>) -> Result<(), Error> {
    match ability {
        Some(false) => {
            Err(Error::unsupported(at.to_string(), format!("is {what}, which this model does not take")))
        }
        _ => Ok(()),
    }
}

fn push_part<'a>(
    part: &'a Part,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    unused_members(part, at, translation)?;
    let beside = own_parts::beside(part, at, translation)?;
    let known = translation.traits.known;
    match &part.kind {
        PartType::Text => {
            let text = part.text.as_deref().ok_or_else(|| missing(part, at))?;
            if !is_blank(text) {
                blocks.push(beside.text(text, at)?);
            }
        }
        PartType::Refusal => {
            let text = part.refusal.as_deref().ok_or_else(|| missing(part, at))?;
            push_text(text, blocks);
        }
        PartType::ImageUrl => {
            let image_url = part.image_url.as_ref().ok_or_else(|| missing(part, at))?;
            let at_part = at;
            let at = at.member("image_url");
            let notes = &mut translation.notes;
            let ImageUrl { url, detail, other } = image_url;
            match media::image(url, &at.member("url"))? {
                ImageRef::Image(image) => {
                    taken(known.images, "an image", &at)?;
                    blocks.push(beside.image(image, at_part)?);
                }
                ImageRef::Remote(url) => {
                    notes.changed(
                        at.member("url"),
                        "Bedrock does not fetch images: the address is sent as text",
                    )?;
                    blocks.push(ContentBlock::Text(format!("[Image: {url}]").into()));
                }
            }
            if detail.as_deref().is_some_and(|detail| detail != "auto") {
                notes.omitted(at.member("detail"), "Converse has no detail of images")?;
            }
            notes.unknown(other, &at)?;
        }
        PartType::File => {
            let file = part.file.as_ref().ok_or_else(|| missing(part, at))?;
            taken(known.documents, "a document", at)?;
            let at_part = at;
            let at = at.member("file");
            let mut document = media::document(file, &at, &mut translation.documents)?;
            beside.document(&mut document, at_part, translation)?;
            blocks.push(ContentBlock::Document(document));
            translation.notes.unread(file, &["file_data", "filename"], &at)?;
        }
        PartType::InputAudio => {
            let audio = part.input_audio.as_ref().ok_or_else(|| missing(part, at))?;
            taken(known.audio, "audio", at)?;
            let at = at.member("input_audio");
            blocks.push(ContentBlock::Audio(media::audio(audio, &at)?));
            translation.notes.unread(audio, &["data", "format"], &at)?;
        }
        PartType::VideoUrl => {
            let video = part.video_url.as_ref().ok_or_else(|| missing(part, at))?;
            taken(known.videos, "a video", at)?;
            let at = at.member("video_url");
            blocks.push(ContentBlock::Video(media::video(video, &at)?));
            translation.notes.unread(video, &["url"], &at)?;
        }
        PartType::Bedrock => blocks.push(own_parts::block(part, at, translation)?),
        PartType::Other(kind) if kind.is_empty() => {
            return Err(Error::invalid(
                at.member("type").to_string(),
                "is missing: say text, image_url or another type of part",
            ));
        }
        PartType::Other(kind) => {
            return Err(Error::invalid(
                at.member("type").to_string(),
                format!("is {kind:?}, which is no type of part"),
            ));
        }
    }
    Ok(())
}

/// Notes the members of a part that its type does not use.
fn unused_members(part: &Part, at: &Path<'_>, translation: &mut Translation) -> Result<(), Error> {
    let Part {
        kind,
        text,
        image_url,
        input_audio,
        file,
        video_url,
        refusal,
        cache_control: _,
        bedrock: _,
        other,
    } = part;
    let notes = &mut translation.notes;
    for (name, given) in [
        ("text", text.is_some()),
        ("image_url", image_url.is_some()),
        ("input_audio", input_audio.is_some()),
        ("file", file.is_some()),
        ("video_url", video_url.is_some()),
        ("refusal", refusal.is_some()),
    ] {
        if given && name != kind.as_str() {
            notes.omitted(at.member(name), "does not belong to a part of this type")?;
        }
    }
    notes.unknown(other, at)
}
