//! What is wrong with a block of Converse that the caller wrote or edited: the service would refuse the
//! whole request, for this and all later turns.

use super::names::{id, is_tool_name};
use super::path::Path;
use crate::converse::{ContentBlock, DocumentSource, Media};
use crate::error::Error;

/// Refuses a block without what every block of its kind must have.
pub(super) fn check(block: &ContentBlock<'_>, at: &Path<'_>) -> Result<(), Error> {
    let Some((kind, member, reason)) = flaw(block) else {
        return Ok(());
    };
    let at = at.member(kind);
    Err(Error::invalid(at.member(member).to_string(), reason))
}

/// The kind of the block, the member, and what is wrong with it.
type Flaw = (&'static str, &'static str, &'static str);

const NO_ID: &str = "is missing, or no id of a call: 1 to 64 letters, digits and _.:-";
const NO_FORMAT: &str = "is missing";
const NO_SOURCE: &str = "is missing: give bytes or an s3Location";

fn flaw(block: &ContentBlock<'_>) -> Option<Flaw> {
    match block {
        ContentBlock::ToolUse(call) => {
            let kind = "toolUse";
            if !is_id(&call.tool_use_id) {
                Some((kind, "toolUseId", NO_ID))
            } else if !is_tool_name(&call.name) {
                Some((kind, "name", "is missing, or no name of a tool: 1 to 64 letters, digits, _ and -"))
            } else if !call.input.get().starts_with('{') {
                Some((kind, "input", "is missing: give an object"))
            } else {
                None
            }
        }
        ContentBlock::ToolResult(result) => {
            (!is_id(&result.tool_use_id)).then_some(("toolResult", "toolUseId", NO_ID))
        }
        ContentBlock::Image(image) => media("image", &image.format, &image.source),
        ContentBlock::Video(video) => media("video", &video.format, &video.source),
        ContentBlock::Audio(audio) => media("audio", &audio.format, &audio.source),
        ContentBlock::Document(document) => {
            if document.name.is_empty() {
                Some(("document", "name", "is missing"))
            } else if matches!(document.source, DocumentSource::Unknown { .. }) {
                Some(("document", "source", NO_SOURCE))
            } else {
                None
            }
        }
        _ => None,
    }
}

fn is_id(given: &str) -> bool {
    id(given) == given
}

fn media(kind: &'static str, format: &str, source: &Media<'_>) -> Option<Flaw> {
    if format.is_empty() {
        Some((kind, "format", NO_FORMAT))
    } else if matches!(source, Media::Unknown { .. }) {
        Some((kind, "source", NO_SOURCE))
    } else {
        None
    }
}
