//! Messages into turns.
//!
//! OpenAI's list of messages is free: any role after any other, one message for each tool result.
//! Converse wants turns of user and assistant that alternate, begin with the user, and answer every
//! tool call in the very next turn, the results before anything else. Nothing is re-ordered beyond
//! that, and what comes early in the conversation never depends on what comes later, so that the
//! cached prefix stays the same from turn to turn.

use super::cache;
use super::content::{self, is_blank};
use super::pairing;
use super::path::Path;
use super::request::LateSystem;
use super::tools;
use super::translation::Translation;
use super::turn::Turn;
use crate::converse::{
    self, ContentBlock, ReasoningContent, ReasoningText, SystemBlock, ToolResult, ToolResultContent,
};
use crate::error::Error;
use crate::json::Json;
use crate::openai::{Content, Message, Role, ThinkingBlock};

/// Stands for content that the service demands and the caller left blank.
const EMPTY: &str = "(empty)";
/// Stands for the user's turn before an assistant's that came first.
const START: &str = "(start)";
/// Stands for the user's turn after an assistant's that came last.
const CONTINUE: &str = "(continue)";
/// Stands for an assistant's turn between tool results and what must not be beside them.
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
                instructions(message, index, &at, translation, &mut system, &mut turns)?;
            }
            Role::User => {
                let turn = turn_of(converse::Role::User, &mut turns, index);
                unused(message, &["content", "cache_control"], &at, translation)?;
                let content = required(message, &at)?;
                content::blocks(content, &at.member("content"), translation, &mut turn.content)?;
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
                let mut blocks = Vec::new();
                assistant(message, &at, translation, &mut blocks)?;
                if !blocks.is_empty() {
                    cache_point(message, &at, translation, &mut blocks)?;
                    turn_of(converse::Role::Assistant, &mut turns, index).content.append(&mut blocks);
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

/// The turn that a message of this role belongs to: the last, or a new one.
fn turn_of<'t, 'a>(role: converse::Role, turns: &'t mut Vec<Turn<'a>>, message: usize) -> &'t mut Turn<'a> {
    let last = turns.len();
    if turns.last().is_some_and(|turn| turn.role == role) {
        return &mut turns[last - 1];
    }
    turns.push(Turn { role, ..Turn::user(message) });
    &mut turns[last]
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
        if translation.traits.results_alone && !turn.results.is_empty() && !turn.content.is_empty() {
            // "Conversation blocks and tool result blocks cannot be provided in the same turn."
            translation.notes.added(
                root.index(turn.message),
                "the model demands tool results alone in their turn: a turn of the assistant is sent after them",
            );
            push(turn.role.clone(), turn.results);
            push(converse::Role::Assistant, vec![ContentBlock::Text(BETWEEN.into())]);
            push(turn.role, turn.content);
        } else {
            turn.results.append(&mut turn.content);
            push(turn.role, turn.results);
        }
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

/// A system or developer message: at the start into `system[]`, later into the user's turn where it
/// stands, so that the cached prefix before it is untouched. A model without system prompts gets
/// all of them in the user's turn.
fn instructions<'a>(
    message: &'a Message,
    index: usize,
    at: &Path<'_>,
    translation: &mut Translation,
    system: &mut Vec<SystemBlock<'a>>,
    turns: &mut Vec<Turn<'a>>,
) -> Result<(), Error> {
    unused(message, &["content", "cache_control"], at, translation)?;
    let texts = content::texts(required(message, at)?, &at.member("content"), translation)?;
    if texts.is_empty() {
        return match &message.cache_control {
            Some(_) => {
                translation.notes.omitted(at.member("cache_control"), "the message is blank and not sent")
            }
            None => Ok(()),
        };
    }
    let controls = texts.iter().filter_map(|(_, control)| *control).chain(&message.cache_control);
    let at = at.member("cache_control");
    let is_first = turns.is_empty() || translation.late_system == LateSystem::Hoist;
    if is_first && translation.traits.system {
        let own = message.cache_control.as_ref();
        let last = texts.len() - 1;
        for (index, (text, control)) in texts.iter().enumerate() {
            system.push(SystemBlock::Text((*text).into()));
            let control = control.or_else(|| own.filter(|_| index == last));
            if let Some(control) = control {
                let point = cache::point(control, &at, &translation.traits, &mut translation.notes)?;
                system.extend(point.map(SystemBlock::CachePoint));
            }
        }
        return Ok(());
    }
    if turns.is_empty() {
        translation.notes.changed(
            Path::root("messages").index(index),
            "the model takes no instructions apart: they are sent in the user's turn",
        )?;
    }
    let all: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
    let text = format!("<system>{}</system>", all.join("\n"));
    if controls.clone().count() > 1 {
        translation.notes.omitted(at, "later instructions are one text, with one cache point behind it")?;
    }
    let point = match controls.last() {
        Some(control) => cache::point(control, &at, &translation.traits, &mut translation.notes)?,
        None => None,
    };
    let turn = turn_of(converse::Role::User, turns, index);
    turn.content.push(ContentBlock::Text(text.into()));
    turn.content.extend(point.map(ContentBlock::CachePoint));
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

fn required<'a>(message: &'a Message, at: &Path<'_>) -> Result<&'a Content, Error> {
    message.content.as_ref().ok_or_else(|| {
        Error::invalid(at.member("content").to_string(), "is missing: give text or an array of parts")
    })
}

/// The result of a call; in the legacy form it names the function, and answers its latest call.
fn tool_result<'a>(
    message: &'a Message,
    at: &Path<'_>,
    translation: &mut Translation,
    beside: &mut Vec<ContentBlock<'a>>,
) -> Result<ToolResult<'a>, Error> {
    let used = ["content", "tool_call_id", "is_error", "status", "cache_control"];
    // The legacy form has no id: the name says whose result it is.
    let named = if message.role == Role::Function { &["name"][..] } else { &[] };
    unused(message, &[&used, named].concat(), at, translation)?;
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
        content::result_pieces(required(message, at)?, &at.member("content"), translation, beside)?;
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
        && replayed(bedrock, &at.member("bedrock"), translation, blocks)?
    {
        return Ok(());
    }
    reasoning(message, at, translation, blocks)?;
    if let Some(content) = &message.content {
        content::blocks(content, &at.member("content"), translation, blocks)?;
    }
    if let Some(refusal) = message.refusal.as_deref().filter(|text| !is_blank(text)) {
        blocks.push(ContentBlock::Text(refusal.into()));
    }
    for (index, call) in message.tool_calls.iter().flatten().enumerate() {
        let list = at.member("tool_calls");
        blocks.push(ContentBlock::ToolUse(tools::tool_use(call, &list.index(index), translation)?));
    }
    if let Some(function) = &message.function_call {
        let at = at.member("function_call");
        blocks.push(ContentBlock::ToolUse(tools::function_use("", function, &at, translation)?));
    }
    Ok(())
}

/// The blocks of an answer that OpenAI could not all say, sent back as they came; whether there were
/// any.
fn replayed<'a>(
    bedrock: &'a Json,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<bool, Error> {
    #[derive(serde::Deserialize)]
    struct Beside<'a> {
        #[serde(borrow, default)]
        content: Option<Vec<ContentBlock<'a>>>,
    }
    let beside: Beside<'a> = serde_json::from_str(bedrock.get()).map_err(|_| {
        Error::invalid(at.member("content").to_string(), "must be an array of Converse's content blocks")
    })?;
    let Some(content) = beside.content else {
        return Ok(false);
    };
    for (index, mut block) in content.into_iter().enumerate() {
        match &mut block {
            ContentBlock::ToolUse(call) if call.kind.as_deref() != Some("server_tool_use") => {
                let id = call.tool_use_id.clone().into_owned();
                call.tool_use_id = translation.ids.call(&id).into_owned().into();
                call.name = translation.names.send(&call.name.clone()).into_owned().into();
                // The service sends it, and refuses it.
                call.kind = None;
            }
            ContentBlock::Unknown { .. } => {
                let list = at.member("content");
                translation.notes.omitted(list.index(index), "is a block that this version does not know")?;
                continue;
            }
            _ => {}
        }
        blocks.push(block);
    }
    Ok(true)
}

/// Reasoning goes back as it came where the model accepts it: with its signature, without one, or
/// not at all ("User messages cannot contain reasoning content").
fn reasoning<'a>(
    message: &'a Message,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    let traits = translation.traits;
    let thoughts = message.thinking_blocks.as_deref().unwrap_or_default();
    for (index, block) in thoughts.iter().enumerate() {
        let list = at.member("thinking_blocks");
        let at = list.index(index);
        let (is_signed, content) = thinking_block(block, &at, translation)?;
        let accepted = if is_signed { traits.signed_reasoning } else { traits.unsigned_reasoning };
        if accepted {
            blocks.push(ContentBlock::ReasoningContent(content));
        } else {
            translation.notes.omitted(at, "the model does not take such reasoning back")?;
        }
    }
    match message.reasoning_content.as_deref().filter(|text| !is_blank(text) && thoughts.is_empty()) {
        Some(text) if traits.unsigned_reasoning => {
            let text = ReasoningText { text: text.into(), ..ReasoningText::default() };
            blocks.push(ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(text)));
            Ok(())
        }
        Some(_) => translation.notes.omitted(
            at.member("reasoning_content"),
            "the model does not take reasoning back without its signature",
        ),
        None => Ok(()),
    }
}

fn thinking_block<'a>(
    block: &'a ThinkingBlock,
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<(bool, ReasoningContent<'a>), Error> {
    let ThinkingBlock { kind, thinking, signature, data, other } = block;
    translation.notes.unknown(other, at)?;
    let missing = |member| {
        Error::invalid(
            at.member(member).to_string(),
            format!("is missing, and the block says that it is of type {kind}"),
        )
    };
    match kind.as_str() {
        "thinking" => {
            let text = ReasoningText {
                text: thinking.as_deref().ok_or_else(|| missing("thinking"))?.into(),
                signature: signature.as_deref().map(Into::into),
                ..ReasoningText::default()
            };
            Ok((signature.is_some(), ReasoningContent::ReasoningText(text)))
        }
        "redacted_thinking" => {
            let data = data.as_deref().ok_or_else(|| missing("data"))?;
            Ok((true, ReasoningContent::RedactedContent(data.into())))
        }
        kind => Err(Error::invalid(
            at.member("type").to_string(),
            format!("is {kind:?}: say thinking or redacted_thinking"),
        )),
    }
}

/// Notes the members of a message that its role does not use.
fn unused(
    message: &Message,
    used: &[&str],
    at: &Path<'_>,
    translation: &mut Translation,
) -> Result<(), Error> {
    let Message {
        role: _,
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
    let given = [
        ("content", content.is_some()),
        ("name", name.is_some()),
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
        ("annotations", annotations.is_some()),
        ("bedrock", bedrock.is_some()),
    ];
    for (member, given) in given {
        if given && !used.contains(&member) {
            translation.notes.omitted(at.member(member), "is not sent from a message of this role")?;
        }
    }
    translation.notes.unknown(other, at)
}
