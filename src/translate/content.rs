//! The content of one message: text and parts into blocks.

use super::adjustment::Notes;
use super::media::{self, ImageRef};
use super::path::Path;
use crate::converse::ContentBlock;
use crate::error::Error;
use crate::openai::{Content, ImageUrl, Part, PartType};

/// Whether text is what the service calls blank, and refuses: "text content blocks must contain
/// non-whitespace text".
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// The blocks of a user's or an assistant's content, blank text left out.
pub(super) fn blocks<'a>(
    content: &'a Content,
    at: &Path<'_>,
    notes: &mut Notes,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    match content {
        Content::Text(text) => {
            push_text(text, blocks);
            Ok(())
        }
        Content::Parts(parts) => parts
            .iter()
            .enumerate()
            .try_for_each(|(index, part)| push_part(part, &at.index(index), notes, blocks)),
    }
}

/// The texts of a content that may hold nothing but text.
pub(super) fn texts<'a>(
    content: &'a Content,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Vec<&'a str>, Error> {
    let mut texts = Vec::new();
    match content {
        Content::Text(text) => texts.push(text.as_str()),
        Content::Parts(parts) => {
            for (index, part) in parts.iter().enumerate() {
                let at = at.index(index);
                let text = match part.kind {
                    PartType::Text => part.text.as_deref(),
                    PartType::Refusal => part.refusal.as_deref(),
                    _ => None,
                };
                texts.push(text.ok_or_else(|| not_text(part, &at))?);
                part_notes(part, &at, notes)?;
            }
        }
    }
    texts.retain(|text| !is_blank(text));
    Ok(texts)
}

fn not_text(part: &Part, at: &Path<'_>) -> Error {
    match part.kind.as_str() {
        "text" | "refusal" => missing(part, at),
        "" => Error::invalid(at.member("type").to_string(), "is missing: say text"),
        kind => Error::unsupported(
            at.to_string(),
            format!("is a part of type {kind:?}, and only text is translated here"),
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

fn push_part<'a>(
    part: &'a Part,
    at: &Path<'_>,
    notes: &mut Notes,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    part_notes(part, at, notes)?;
    match &part.kind {
        PartType::Text => {
            let text = part.text.as_deref().ok_or_else(|| missing(part, at))?;
            push_text(text, blocks);
        }
        PartType::Refusal => {
            let text = part.refusal.as_deref().ok_or_else(|| missing(part, at))?;
            push_text(text, blocks);
        }
        PartType::ImageUrl => {
            let image_url = part.image_url.as_ref().ok_or_else(|| missing(part, at))?;
            let at = at.member("image_url");
            let ImageUrl { url, detail, other } = image_url;
            match media::image(url, &at.member("url"))? {
                ImageRef::Inline(image) => blocks.push(ContentBlock::Image(image)),
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
        PartType::Other(kind) if kind.is_empty() => {
            return Err(Error::invalid(
                at.member("type").to_string(),
                "is missing: say text, image_url or another type of part",
            ));
        }
        kind @ (PartType::InputAudio | PartType::File | PartType::VideoUrl) => {
            return Err(Error::unsupported(
                at.to_string(),
                format!("is a part of type {kind}, which is not translated yet"),
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
fn part_notes(part: &Part, at: &Path<'_>, notes: &mut Notes) -> Result<(), Error> {
    let Part { kind, text, image_url, input_audio, file, video_url, refusal, cache_control, other } = part;
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
    if cache_control.is_some() {
        notes.omitted(at.member("cache_control"), "cache points are not translated yet")?;
    }
    notes.unknown(other, at)
}
