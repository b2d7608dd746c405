//! System and developer messages: at the start into `system[]`, later into the user's turn where they
//! stand, so that the cached prefix before them is untouched. A model without system prompts gets all
//! of them in the user's turn.

use super::cache;
use super::content::{self, Instruction};
use super::options::LateSystem;
use super::path::Path;
use super::speaker::speaker;
use super::translation::Translation;
use super::turn::{Turn, turn_of};
use crate::converse::{self, CachePoint, ContentBlock, GuardContent, GuardText, SystemBlock};
use crate::error::Error;
use crate::json::Json;
use crate::openai::Message;

/// Puts a message of instructions where it belongs.
pub(super) fn place<'a>(
    message: &'a Message,
    index: usize,
    at: &Path<'_>,
    translation: &mut Translation,
    system: &mut Vec<SystemBlock<'a>>,
    turns: &mut Vec<Turn<'a>>,
) -> Result<(), Error> {
    let mut texts =
        content::instructions(content::required(message, at)?, &at.member("content"), translation)?;
    let own = message.cache_control.as_ref();
    let Some(first) = texts.first_mut() else {
        return match own {
            Some(_) => {
                translation.notes.omitted(at.member("cache_control"), "the message is blank and not sent")
            }
            None => Ok(()),
        };
    };
    if let Some(name) = speaker(message, translation) {
        first.text = format!("{name}: {}", &*first.text).into();
    }
    let at = at.member("cache_control");
    let is_first = turns.is_empty() || translation.late_system == LateSystem::Hoist;
    if is_first && translation.traits.system {
        let last = texts.len() - 1;
        for (index, Instruction { text, guard, control }) in texts.into_iter().enumerate() {
            system.push(match guard {
                None => SystemBlock::Text(text),
                Some(qualifiers) => {
                    let guarded = GuardText { text, qualifiers, ..GuardText::default() };
                    SystemBlock::GuardContent(GuardContent::Text(guarded))
                }
            });
            let control = control.or_else(|| own.filter(|_| index == last));
            let point = control.map(|control| point(control, &at, translation)).transpose()?;
            system.extend(point.flatten().map(SystemBlock::CachePoint));
        }
        return Ok(());
    }
    if turns.is_empty() {
        translation.notes.changed(
            Path::root("messages").index(index),
            "the model takes no instructions apart: they are sent in the user's turn",
        )?;
    }
    if texts.iter().any(|text| text.guard.is_some()) {
        return Err(Error::unsupported(
            Path::root("messages").index(index).member("content").to_string(),
            "later instructions are one text, which cannot be guarded in part: give them first, or choose to hoist them",
        ));
    }
    let all: Vec<&str> = texts.iter().map(|instruction| &*instruction.text).collect();
    let text = format!("<system>{}</system>", all.join("\n"));
    let controls: Vec<&Json> =
        texts.iter().filter_map(|instruction| instruction.control).chain(own).collect();
    if controls.len() > 1 {
        translation.notes.omitted(at, "later instructions are one text, with one cache point behind it")?;
    }
    let point = controls.last().map(|control| point(control, &at, translation)).transpose()?;
    let turn = turn_of(converse::Role::User, turns, index);
    turn.content.push(ContentBlock::Text(text.into()));
    turn.content.extend(point.flatten().map(ContentBlock::CachePoint));
    Ok(())
}

fn point<'a>(
    control: &'a Json,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<Option<CachePoint<'a>>, Error> {
    cache::point(control, at, &translation.traits, &mut translation.notes)
}
