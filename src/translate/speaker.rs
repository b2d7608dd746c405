//! The name of who speaks, before the text, where the option says so.

use super::options::SpeakerNames;
use super::translation::Translation;
use crate::converse::ContentBlock;
use crate::openai::Message;

/// Puts the speaker's name before the text of the message, which begins at the block `begin`, where
/// the option says so.
pub(super) fn introduce<'a>(
    message: &'a Message,
    translation: &Translation,
    begin: usize,
    blocks: &mut Vec<ContentBlock<'a>>,
) {
    let Some(name) = speaker(message, translation).filter(|_| blocks.len() > begin) else {
        return;
    };
    match &mut blocks[begin] {
        ContentBlock::Text(text) => *text = format!("{name}: {}", &**text).into(),
        _ => blocks.insert(begin, ContentBlock::Text(format!("{name}:").into())),
    }
}

/// The name that is put before a message's text.
pub(super) fn speaker<'a>(message: &'a Message, translation: &Translation) -> Option<&'a str> {
    let is_asked = translation.speakers == SpeakerNames::Prefix;
    message.name.as_deref().map(str::trim).filter(|name| is_asked && !name.is_empty())
}
