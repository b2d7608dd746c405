//! Messages into turns.
//!
//! OpenAI's list of messages is free: any role after any other, one message for each tool result.
//! Converse wants turns of user and assistant that alternate, begin with the user, and answer every
//! tool call in the very next turn, the results before anything else. Nothing is re-ordered beyond
//! that, and what comes early in the conversation never depends on what comes later, so that the
//! cached prefix stays the same from turn to turn.

use super::blank::is_blank;
use super::cache;
use super::calls;
use super::content;
use super::instructions;
use super::pairing;
use super::path::Path;
use super::replay;
use super::speaker::{introduce, speaker};
use super::translation::Translation;
use super::turn::{Turn, joined, turn_of};
use crate::converse::{self, ContentBlock, SystemBlock, ToolResult, ToolResultContent};
use crate::error::Error;
use crate::models::BesideResults;
use crate::openai::{Message, Role};

/// Stands for content that the service demands and the caller left blank.
const EMPTY: &str = "(empty)";
/// Stands for the user's turn before an assistant's that came first.
const START: &str = "(start)";
/// Stands for the user's turn after an assistant's that came last.
const CONTINUE: &str = "(continue)";
/// Stands for a turn between what must not be in one turn.
const BETWEEN: &str = ".";

/// Instructions and turns.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<SystemBlock<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
}

pub(super) fn conversation<'a>(
    messages: &'a [Message],
    translation: &mut Translation,
) -> Result<Conversation<'a>, Error> {
    let root = Path::root("messages");
    if messages.is_empty() {
        return Err(Error::invalid("messages", "is missing or empty: give at least one message"));
    }
    let mut system = Vec::new();
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let at = root.index(index);
        match &message.role {
            Role::System | Role::Developer => {
                unused(message, &["content", "cache_control"], &at, translation)?;
                instructions::place(message, index, &at, translation, &mut system, &mut turns)?;
            }
            Role::User => {
                let turn = turn_of(converse::Role::User, &mut turns, index);
                unused(message, &["content", "cache_control"], &at, translation)?;
                let content = content::required(message, &at)?;
                let begin = turn.content.len();
                content::blocks(content, &at.member("content"), translation, &mut turn.content)?;
                introduce(message, translation, begin, &mut turn.content);
                cache_point(message, &at, translation, &mut turn.content)?;
            }
            Role::Tool | Role::Function => {
                let turn = turn_of(converse::Role::User, &mut turns, index);
                let result = tool_result(message, &at, translation, &mut turn.content)?;
                turn.results.push(ContentBlock::ToolResult(result));
                cache_point(message, &at, translation, &mut turn.results)?;
            }
            Role::Assistant => {
                if turns.last().is_none_or(Turn::is_user) {
                    translation.ids.forget_open();
                }
                let calls = message.tool_calls.as_ref().map_or(0, Vec::len);
                let mut blocks = Vec::with_capacity(1 + calls);
                assistant(message, &at, translation, &mut blocks)?;
                if !blocks.is_empty() {
                    cache_point(message, &at, translation, &mut blocks)?;
                    turn_of(converse::Role::Assistant, &mut turns, index).add(blocks);
                }
            }
            Role::Other(role) => {
                let message = match role.as_str() {
                    "" => "is missing: say system, developer, user, assistant or tool".to_owned(),
                    role => format!(
                        "is {role:?}, which does not exist: say system, developer, user, assistant or tool"
                    ),
                };
                return Err(Error::invalid(at.member("role").to_string(), message));
            }
        }
    }
    pairing::pair(&mut turns, &translation.traits, &mut translation.notes)?;
    Ok(Conversation { system, turns })
}

/// Makes the conversation begin, end and change turns as the model demands, and no turn be empty.
/// `prefill` says whether the assistant's turn may come last.
pub(super) fn finished<'a>(
    mut turns: Vec<Turn<'a>>,
    prefill: bool,
    translation: &mut Translation,
) -> Result<Vec<converse::Message<'a>>, Error> {
    let root = Path::root("messages");
    edges(&mut turns, prefill, translation)?;
    let mut messages: Vec<converse::Message<'a>> = Vec::with_capacity(turns.len());
    let mut push = |role, content| {
        messages.push(converse::Message { role, content, ..converse::Message::default() });
    };
    for mut turn in turns {
        if turn.is_empty() {
            translation.notes.added(
                root.index(turn.message).member("content"),
                "the service refuses a turn without content: (empty) is sent",
            );
            turn.content.push(ContentBlock::Text(EMPTY.into()));
        }
        let has_document = turn.content.iter().any(|block| matches!(block, ContentBlock::Document(_)));
        if has_document && !turn.content.iter().any(|block| matches!(block, ContentBlock::Text(_))) {
            // "A text block must be included when using documents."
            translation.notes.added(
                root.index(turn.message).member("content"),
                "the service demands text beside a document: (document) is sent",
            );
            turn.content.push(ContentBlock::Text("(document)".into()));
        }
        let refused_beside = match translation.traits.beside_results {
            BesideResults::All => None,
            BesideResults::NoDocuments => {
                let is_refused =
                    |block: &ContentBlock<'_>| matches!(block, ContentBlock::Document(_) | ContentBlock::Video(_));
                turn.content.iter().any(is_refused).then_some(
                    "the model takes no document or video beside tool results: a turn of the assistant is sent between them",
                )
            }
            // "Conversation blocks and tool result blocks cannot be provided in the same turn."
            BesideResults::Nothing => (!turn.content.is_empty()).then_some(
                "the model demands tool results alone in their turn: a turn of the assistant is sent after them",
            ),
        };
        if let Some(reason) = refused_beside.filter(|_| !turn.results.is_empty()) {
            translation.notes.added(root.index(turn.message), reason);
            push(turn.role.clone(), turn.results);
            push(converse::Role::Assistant, vec![ContentBlock::Text(BETWEEN.into())]);
            push(turn.role, turn.content);
            continue;
        }
        let Turn { role, results, content, message } = turn;
        let blocks = joined(results, content);
        let is_call = |block: &ContentBlock<'_>| matches!(block, ContentBlock::ToolUse(_));
        let calls = || blocks.iter().filter(|block| is_call(block)).count();
        if translation.traits.calls_alone && (1..blocks.len()).contains(&calls()) {
            // "Conversation blocks and tool use blocks cannot be provided in the same turn."
            translation.notes.added(
                root.index(message),
                "the model demands tool calls alone in their turn: a turn of the user is sent before them",
            );
            let (calls, others) = blocks.into_iter().partition(is_call);
            push(role.clone(), others);
            push(converse::Role::User, vec![ContentBlock::Text(BETWEEN.into())]);
            push(role, calls);
            continue;
        }
        push(role, blocks);
    }
    Ok(messages)
}

fn edges(turns: &mut Vec<Turn<'_>>, prefill: bool, translation: &mut Translation) -> Result<(), Error> {
    let notes = &mut translation.notes;
    let first = turns.first().map(Turn::is_user);
    if first.is_none() || first == Some(false) && !translation.traits.leading_assistant {
        let mut turn = Turn::user(0);
        turn.content.push(ContentBlock::Text(START.into()));
        turns.insert(0, turn);
        notes.added("messages[0]", "a conversation must begin with the user: (start) is sent first");
    }
    let Some(last) = turns.last_mut().filter(|turn| !turn.is_user()) else {
        return Ok(());
    };
    let path = Path::root("messages");
    let at = path.index(last.message);
    if !prefill {
        notes.added(
            at,
            "the model takes no conversation that ends with the assistant: (continue) is sent last",
        );
        let mut turn = Turn::user(last.message);
        turn.content.push(ContentBlock::Text(CONTINUE.into()));
        turns.push(turn);
    } else if let Some(ContentBlock::Text(text)) = last.content.last_mut() {
        // "final assistant content cannot end with trailing whitespace"
        let trimmed = text.trim_end().to_owned();
        if trimmed.len() < text.len() {
            notes.changed(
                at.member("content"),
                "white space at the end of the beginning of an answer is refused: it is not sent",
            )?;
            *text = trimmed.into();
        }
    }
    Ok(())
}

/// The cache point of a message, after its last block.
fn cache_point<'a>(
    message: &'a Message,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    match &message.cache_control {
        Some(control) => cache::add(control, &at.member("cache_control"), translation, blocks),
        None => Ok(()),
    }
}

/// The result of a call; in the legacy form it names the function, and answers its latest call.
fn tool_result<'a>(
    message: &'a Message,
    at: &Path<'_>,
    translation: &mut Translation,
    beside: &mut Vec<ContentBlock<'a>>,
) -> Result<ToolResult<'a>, Error> {
    // The legacy form has no id: its name, the last of these, says whose result it is.
    let used = ["content", "tool_call_id", "is_error", "status", "cache_control", "name"];
    let named = usize::from(message.role == Role::Function);
    unused(message, &used[..used.len() - 1 + named], at, translation)?;
    let id = message.tool_call_id.as_deref().unwrap_or_default();
    if id.trim().is_empty() && message.role == Role::Tool {
        translation.notes.added(
            at.member("tool_call_id"),
            "is missing: the result is taken as that of the first call that has none",
        );
    }
    let failed = message.is_error == Some(true) || message.status.as_deref() == Some("error");
    if message.status.as_deref().is_some_and(|status| !matches!(status, "error" | "success")) {
        translation.notes.omitted(at.member("status"), "is neither success nor error")?;
    }
    let id = translation.ids.result(id);
    let mut result = ToolResult { tool_use_id: id, ..ToolResult::default() };
    result.content =
        content::result_pieces(content::required(message, at)?, &at.member("content"), translation, beside)?;
    if result.content.is_empty() {
        translation.notes.added(at.member("content"), "the service refuses an empty result: (empty) is sent");
        result.content.push(ToolResultContent::Text(EMPTY.into()));
    }
    if failed && translation.traits.status {
        result.status = Some("error".into());
    } else if failed {
        translation.notes.omitted(
            at.member(if message.is_error.is_some() { "is_error" } else { "status" }),
            "the model takes no status of a tool's result",
        )?;
    }
    Ok(result)
}

fn assistant<'a>(
    message: &'a Message,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    let used = [
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "thinking_blocks",
        "reasoning_content",
        "cache_control",
        "bedrock",
    ];
    unused(message, &used, at, translation)?;
    if let Some(bedrock) = &message.bedrock
        && replay::blocks(message, bedrock, &at.member("bedrock"), translation, blocks)?
    {
        if speaker(message, translation).is_some() {
            translation.notes.omitted(at.member("name"), "the answer goes back as it came")?;
        }
        return Ok(());
    }
    replay::reasoning(message, at, translation, blocks)?;
    let begin = blocks.len();
    if let Some(content) = &message.content {
        content::blocks(content, &at.member("content"), translation, blocks)?;
        introduce(message, translation, begin, blocks);
    }
    if let Some(refusal) = message.refusal.as_deref().filter(|text| !is_blank(text)) {
        blocks.push(ContentBlock::Text(refusal.into()));
    }
    for (index, call) in message.tool_calls.iter().flatten().enumerate() {
        let list = at.member("tool_calls");
        blocks.push(ContentBlock::ToolUse(calls::tool_use(call, &list.index(index), translation)?));
    }
    if let Some(function) = &message.function_call {
        let at = at.member("function_call");
        blocks.push(ContentBlock::ToolUse(calls::function_use("", function, &at, translation)?));
    }
    Ok(())
}

/// Notes the members of a message that its role does not use.
fn unused(
    message: &Message,
    used: &[&str],
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<(), Error> {
    let Message {
        role,
        content,
        name,
        tool_calls,
        tool_call_id,
        refusal,
        function_call,
        audio,
        reasoning_content,
        thinking_blocks,
        cache_control,
        is_error,
        status,
        annotations,
        bedrock,
        other,
    } = message;
    let is_result = matches!(role, Role::Tool | Role::Function);
    let given = [
        ("content", content.is_some()),
        ("name", name.is_some() && (is_result || speaker(message, translation).is_none())),
        ("tool_calls", tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())),
        ("tool_call_id", tool_call_id.is_some()),
        ("refusal", refusal.is_some()),
        ("function_call", function_call.is_some()),
        ("audio", audio.is_some()),
        ("reasoning_content", reasoning_content.is_some()),
        ("thinking_blocks", thinking_blocks.is_some()),
        ("cache_control", cache_control.is_some()),
        ("is_error", is_error.is_some()),
        ("status", status.is_some()),
        // An answer that is sent back has its annotations, of what is in its text.
        ("annotations", annotations.as_ref().is_some_and(|links| !matches!(links.get(), "null" | "[]"))),
        ("bedrock", bedrock.is_some()),
    ];
    for (member, given) in given {
        if given && !used.contains(&member) {
            translation.notes.omitted(at.member(member), "is not sent from a message of this role")?;
        }
    }
    translation.notes.unknown(other, at)
}
