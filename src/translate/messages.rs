//! Messages into turns.
//!
//! OpenAI's list of messages is free: any role after any other, one message for each tool result.
//! Converse wants turns of user and assistant that alternate, begin with the user, and answer every
//! tool call in the very next turn, the results before anything else ("The toolResult blocks must
//! come first"). Nothing is re-ordered beyond that, and what comes early in the conversation never
//! depends on what comes later, so that the cached prefix stays the same from turn to turn.

use super::adjustment::Notes;
use super::content::{self, is_blank};
use super::pairing;
use super::path::Path;
use super::tools;
use super::turn::Turn;
use crate::converse::{
    self, ContentBlock, ReasoningContent, ReasoningText, SystemBlock, ToolResult, ToolResultContent,
};
use crate::error::Error;
use crate::models::Abilities;
use crate::openai::{Content, Message, Role, ThinkingBlock};

/// Stands for content that the service demands and the caller left blank.
const EMPTY: &str = "(empty)";
/// Stands for the user's turn before an assistant's that came first.
const START: &str = "(start)";
/// Stands for the user's turn after an assistant's that came last.
const CONTINUE: &str = "(continue)";

/// Instructions and turns.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<SystemBlock<'a>>,
    pub(super) messages: Vec<converse::Message<'a>>,
}

pub(super) fn conversation<'a>(
    messages: &'a [Message],
    known: &Abilities,
    notes: &mut Notes,
) -> Result<Conversation<'a>, Error> {
    let root = Path::root("messages");
    if messages.is_empty() {
        return Err(Error::invalid("messages", "is missing or empty: give at least one message"));
    }
    let mut system = Vec::new();
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let at = root.index(index);
        match message.role {
            Role::System | Role::Developer => {
                let texts = instructions(message, &at, notes)?;
                if turns.is_empty() {
                    system.extend(texts.into_iter().map(|text| SystemBlock::Text(text.into())));
                } else if !texts.is_empty() {
                    let text = format!("<system>{}</system>", texts.join("\n"));
                    let turn = turn_of(converse::Role::User, &mut turns, index);
                    turn.content.push(ContentBlock::Text(text.into()));
                }
            }
            Role::User => {
                let mut blocks = Vec::new();
                user(message, &at, notes, &mut blocks)?;
                turn_of(converse::Role::User, &mut turns, index).content.append(&mut blocks);
            }
            Role::Tool => {
                let result = tool_result(message, &at, notes)?;
                turn_of(converse::Role::User, &mut turns, index)
                    .results
                    .push(ContentBlock::ToolResult(result));
            }
            Role::Assistant => {
                let mut blocks = Vec::new();
                assistant(message, &at, notes, &mut blocks)?;
                if !blocks.is_empty() {
                    turn_of(converse::Role::Assistant, &mut turns, index).content.append(&mut blocks);
                }
            }
            Role::Function => {
                return Err(Error::unsupported(
                    at.member("role").to_string(),
                    "is function, the legacy form, which is not translated yet: use the role tool",
                ));
            }
            Role::Other(ref role) => {
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
    pairing::pair(&mut turns, notes)?;
    edges(&mut turns, known, notes)?;
    let messages = turns
        .into_iter()
        .map(|mut turn| {
            if turn.is_empty() {
                notes.added(
                    root.index(turn.message).member("content"),
                    "the service refuses a turn without content: (empty) is sent",
                );
                turn.content.push(ContentBlock::Text(EMPTY.into()));
            }
            turn.results.append(&mut turn.content);

            converse::Message { role: turn.role, content: turn.results, ..converse::Message::default() }
        })
        .collect();
    Ok(Conversation { system, messages })
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

/// Makes the conversation begin and end as the service demands.
fn edges(turns: &mut Vec<Turn<'_>>, known: &Abilities, notes: &mut Notes) -> Result<(), Error> {
    if turns.first().is_none_or(|turn| !turn.is_user()) {
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
    if known.prefill != Some(true) {
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

/// The texts of a system or developer message.
fn instructions<'a>(message: &'a Message, at: &Path<'_>, notes: &mut Notes) -> Result<Vec<&'a str>, Error> {
    unused(message, &["content"], at, notes)?;
    content::texts(required(message, at)?, &at.member("content"), notes)
}

fn user<'a>(
    message: &'a Message,
    at: &Path<'_>,
    notes: &mut Notes,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    unused(message, &["content"], at, notes)?;
    content::blocks(required(message, at)?, &at.member("content"), notes, blocks)
}

fn required<'a>(message: &'a Message, at: &Path<'_>) -> Result<&'a Content, Error> {
    message.content.as_ref().ok_or_else(|| {
        Error::invalid(at.member("content").to_string(), "is missing: give text or an array of parts")
    })
}

fn tool_result<'a>(message: &'a Message, at: &Path<'_>, notes: &mut Notes) -> Result<ToolResult<'a>, Error> {
    unused(message, &["content", "tool_call_id"], at, notes)?;
    let id = message.tool_call_id.as_deref().unwrap_or_default();
    if id.is_empty() {
        return Err(Error::invalid(
            at.member("tool_call_id").to_string(),
            "is missing: give the id of the tool call that this is the result of",
        ));
    }
    tools::check_id(id, &at.member("tool_call_id"))?;
    let texts = content::texts(required(message, at)?, &at.member("content"), notes)?;
    let mut result = ToolResult {
        tool_use_id: id.into(),
        content: texts.into_iter().map(|text| ToolResultContent::Text(text.into())).collect(),
        ..ToolResult::default()
    };
    if result.content.is_empty() {
        notes.added(at.member("content"), "the service refuses an empty result: (empty) is sent");
        result.content.push(ToolResultContent::Text(EMPTY.into()));
    }
    Ok(result)
}

fn assistant<'a>(
    message: &'a Message,
    at: &Path<'_>,
    notes: &mut Notes,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<(), Error> {
    if message.function_call.is_some() {
        return Err(Error::unsupported(
            at.member("function_call").to_string(),
            "is the legacy form, which is not translated yet: use tool_calls",
        ));
    }
    let used = ["content", "refusal", "tool_calls", "thinking_blocks", "annotations"];
    unused(message, &used, at, notes)?;
    for (index, block) in message.thinking_blocks.iter().flatten().enumerate() {
        let list = at.member("thinking_blocks");
        blocks.push(reasoning(block, &list.index(index), notes)?);
    }
    if let Some(content) = &message.content {
        content::blocks(content, &at.member("content"), notes, blocks)?;
    }
    if let Some(refusal) = message.refusal.as_deref().filter(|text| !is_blank(text)) {
        blocks.push(ContentBlock::Text(refusal.into()));
    }
    for (index, call) in message.tool_calls.iter().flatten().enumerate() {
        let list = at.member("tool_calls");
        blocks.push(ContentBlock::ToolUse(tools::tool_use(call, &list.index(index), notes)?));
    }
    Ok(())
}

/// A block of reasoning, sent back as it came.
fn reasoning<'a>(
    block: &'a ThinkingBlock,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<ContentBlock<'a>, Error> {
    let ThinkingBlock { kind, thinking, signature, data, other } = block;
    notes.unknown(other, at)?;
    let missing = |member| {
        Error::invalid(
            at.member(member).to_string(),
            format!("is missing, and the block says that it is of type {kind}"),
        )
    };
    let content = match kind.as_str() {
        "thinking" => {
            let text = ReasoningText {
                text: thinking.as_deref().ok_or_else(|| missing("thinking"))?.into(),
                signature: signature.as_deref().map(Into::into),
                ..ReasoningText::default()
            };
            ReasoningContent::ReasoningText(text)
        }
        "redacted_thinking" => {
            let data = data.as_deref().ok_or_else(|| missing("data"))?;
            ReasoningContent::RedactedContent(data.into())
        }
        kind => {
            return Err(Error::invalid(
                at.member("type").to_string(),
                format!("is {kind:?}: say thinking or redacted_thinking"),
            ));
        }
    };
    Ok(ContentBlock::ReasoningContent(content))
}

/// Notes the members of a message that its role does not use.
fn unused(message: &Message, used: &[&str], at: &Path<'_>, notes: &mut Notes) -> Result<(), Error> {
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
        // The blocks say the same, with signatures.
        ("reasoning_content", reasoning_content.is_some() && thinking_blocks.is_none()),
        ("thinking_blocks", thinking_blocks.is_some()),
        ("cache_control", cache_control.is_some()),
        ("is_error", is_error.is_some()),
        ("status", status.is_some()),
        ("annotations", annotations.is_some()),
        ("bedrock", bedrock.is_some()),
    ];
    for (member, given) in given {
        if given && !used.contains(&member) {
            notes.omitted(at.member(member), "is not sent from a message of this role")?;
        }
    }
    notes.unknown(other, at)
}
