//! Prompt cache points: `cache_control` on a message, a part or a tool.
//!
//! The service refuses a point that has nothing before it ("There is nothing available to cache"),
//! one after reasoning, more than four in all, and one of an hour after one of five minutes, in the
//! order tools, system, messages.

use serde::Deserialize;

use super::adjustment::Notes;
use super::path::Path;
use super::translation::Translation;
use crate::converse::{CachePoint, ContentBlock, Request, Role, SystemBlock, Tool};
use crate::error::Error;
use crate::json::{Json, Str};
use crate::models::Traits;

/// The most points that a request may have.
const MOST: usize = 4;

/// The point of a `cache_control`, which stands at `at`; none where the model takes none.
pub(super) fn point<'a>(
    control: &'a Json,
    at: &Path<'_>,
    traits: &Traits,
    notes: &mut Notes,
) -> Result<Option<CachePoint<'a>>, Error> {
    #[derive(Deserialize)]
    struct Control<'a> {
        #[serde(rename = "type", borrow)]
        kind: Str<'a>,
        #[serde(borrow)]
        ttl: Option<Str<'a>>,
    }
    if control.is_null() {
        return Ok(None);
    }
    let form: Control<'a> = serde_json::from_str(control.get()).map_err(|_| {
        Error::invalid(at.to_string(), "must be {\"type\": \"ephemeral\"}, with a ttl of 5m or 1h")
    })?;
    if &*form.kind != "ephemeral" {
        return Err(Error::invalid(at.member("type").to_string(), "must be ephemeral"));
    }
    if form.ttl.as_deref().is_some_and(|ttl| !matches!(ttl, "5m" | "1h")) {
        return Err(Error::invalid(at.member("ttl").to_string(), "must be 5m or 1h"));
    }
    notes.unread(control, &["type", "ttl"], at)?;
    if !traits.caching {
        notes.omitted(
            at,
            "the model is not known to cache prompts, and refuses a cache point where it does not",
        )?;
        return Ok(None);
    }
    Ok(Some(CachePoint { kind: "default".into(), ttl: form.ttl, ..CachePoint::default() }))
}

/// Adds the point of a `cache_control`, which stands at `at`, behind the blocks that it is about.
pub(super) fn add<'a>(
    control: &'a Json,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    let Some(point) = point(control, at, &translation.traits, &mut translation.notes)? else {
        return Ok(());
    };
    match blocks.last() {
        None => translation.notes.omitted(at, "there is nothing before it that can be cached"),
        Some(ContentBlock::ReasoningContent(_)) => {
            translation.notes.omitted(at, "a cache point is refused after reasoning")
        }
        Some(_) => {
            blocks.push(ContentBlock::CachePoint(point));
            Ok(())
        }
    }
}

/// Places points behind the tools, the instructions and the last two turns of the user, where the
/// request has none of its own.
pub(super) fn place(body: &mut Request<'_>, traits: &Traits) {
    if !traits.caching || points(body).next().is_some() {
        return;
    }
    let point = || CachePoint { kind: "default".into(), ..CachePoint::default() };
    if let Some(config) = body.tool_config.as_mut().filter(|config| !config.tools.is_empty())
        && traits.tool_caching
    {
        config.tools.push(Tool::CachePoint(point()));
    }
    if let Some(system) = &mut body.system {
        system.push(SystemBlock::CachePoint(point()));
    }
    let turns = body.messages.iter_mut().flatten().rev();
    for turn in turns.filter(|turn| turn.role == Role::User).take(2) {
        turn.content.push(ContentBlock::CachePoint(point()));
    }
}

/// Takes out the points that are too many, and puts their times in order.
pub(super) fn keep_rules(body: &mut Request<'_>, notes: &mut Notes) -> Result<(), Error> {
    const FIELD: &str = "cache_control";
    let count = points(body).count();
    if count > MOST {
        notes.omitted(FIELD, "at most 4 cache points are taken: the earliest are not sent")?;
        remove_first(body, count - MOST);
    }
    let mut short = false;
    let mut shortened = false;
    for point in points(body) {
        let is_long = point.ttl.as_deref() == Some("1h");
        if is_long && short {
            point.ttl = Some("5m".into());
            shortened = true;
        }
        short |= !is_long;
    }
    if shortened {
        notes.changed(FIELD, "a cache point of 1h must not come after one of 5m: 5m is sent")?;
    }
    Ok(())
}

/// The points, in the order in which the service looks at them.
fn points<'b, 'a>(body: &'b mut Request<'a>) -> impl Iterator<Item = &'b mut CachePoint<'a>> {
    let tools =
        body.tool_config.iter_mut().flat_map(|config| &mut config.tools).filter_map(|tool| match tool {
            Tool::CachePoint(point) => Some(point),
            _ => None,
        });
    let system = body.system.iter_mut().flatten().filter_map(|block| match block {
        SystemBlock::CachePoint(point) => Some(point),
        _ => None,
    });
    let messages = body.messages.iter_mut().flatten().flat_map(|message| &mut message.content);
    let messages = messages.filter_map(|block| match block {
        ContentBlock::CachePoint(point) => Some(point),
        _ => None,
    });
    tools.chain(system).chain(messages)
}

fn remove_first(body: &mut Request<'_>, mut surplus: usize) {
    let mut keep = |is_point: bool| {
        let removed = is_point && surplus > 0;
        surplus -= usize::from(removed);
        !removed
    };
    if let Some(config) = &mut body.tool_config {
        config.tools.retain(|tool| keep(matches!(tool, Tool::CachePoint(_))));
    }
    if let Some(system) = &mut body.system {
        system.retain(|block| keep(matches!(block, SystemBlock::CachePoint(_))));
    }
    for message in body.messages.iter_mut().flatten() {
        message.content.retain(|block| keep(matches!(block, ContentBlock::CachePoint(_))));
    }
}
