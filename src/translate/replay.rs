//! An earlier answer of the model, on its way back.
//!
//! What OpenAI's message cannot say came along under `bedrock.content`, as Converse's own blocks, and
//! goes back as it came. Reasoning goes back where the model takes it.

use serde_json::Value;

use super::blank::is_blank;
use super::calls;
use super::flaw;
use super::path::Path;
use super::reply;
use super::translation::Translation;
use crate::converse::{ContentBlock, ReasoningContent, ReasoningText, ToolUse};
use crate::error::Error;
use crate::json::Json;
use crate::models::Traits;
use crate::openai::{AssistantMessage, Content, FunctionCall, Message, Part, ThinkingBlock};

#[derive(serde::Deserialize)]
struct Beside<'a> {
    #[serde(borrow, default)]
    content: Option<Vec<ContentBlock<'a>>>,
}

/// The blocks of an answer that OpenAI could not all say, sent back as they came; whether there were
/// any. A message whose text or calls were edited since is sent as OpenAI's members say it.
pub(super) fn blocks<'a>(
    message: &'a Message,
    bedrock: &'a Json,
    at: &Path<'_>,
    translation: &mut Translation,
    blocks: &mut Vec<ContentBlock<'a>>,
) -> Result<bool, Error> {
    let read = || -> Result<Beside<'a>, Error> {
        serde_json::from_str(bedrock.get()).map_err(|_| {
            Error::invalid(at.member("content").to_string(), "must be an array of Converse's content blocks")
        })
    };
    let Some(content) = read()?.content else {
        return Ok(false);
    };
    let said = reply::message(read()?.content.unwrap_or_default());
    if !says_the_same(message, &said) {
        translation.notes.omitted(
            at.member("content"),
            "says another thing than the message's content and tool_calls: these are sent",
        )?;
        return Ok(false);
    }
    let mut functions = functions(message).into_iter();
    let list = at.member("content");
    for (index, block) in content.into_iter().enumerate() {
        let at = list.index(index);
        match block {
            ContentBlock::Text(text) if is_blank(&text) => {}
            ContentBlock::ToolUse(call) if call.kind.as_deref() != Some("server_tool_use") => {
                // The arguments' own text is the model's, whatever a client did to the blocks.
                let arguments = functions.next().map_or("{}", |function| &function.arguments);
                let id = call.tool_use_id.into_owned();
                blocks.push(ContentBlock::ToolUse(ToolUse {
                    tool_use_id: translation.ids.call(&id).into_owned().into(),
                    name: translation.names.send(&call.name).into_owned().into(),
                    input: calls::input(arguments, &at.member("input"), translation)?,
                    // The service sends a type, and refuses it.
                    kind: None,
                    other: call.other,
                }));
            }
            ContentBlock::ReasoningContent(content) => {
                let is_signed = match &content {
                    ReasoningContent::ReasoningText(text) => text.signature.is_some(),
                    ReasoningContent::RedactedContent(_) | ReasoningContent::Unknown { .. } => true,
                };
                if goes_back(is_signed, &translation.traits) {
                    blocks.push(ContentBlock::ReasoningContent(content));
                } else {
                    translation.notes.omitted(at, NOT_TAKEN_BACK)?;
                }
            }
            ContentBlock::Unknown { .. } => {
                translation.notes.omitted(at, "is a block that this version does not know")?;
            }
            block => {
                flaw::check(&block, &at)?;
                blocks.push(block);
            }
        }
    }
    Ok(true)
}

/// Whether the message still says what the blocks say.
fn says_the_same(message: &Message, said: &AssistantMessage) -> bool {
    let text = match &message.content {
        None => String::new(),
        Some(Content::Text(text)) => text.clone(),
        Some(Content::Parts(parts)) => parts.iter().filter_map(text_of).collect(),
    };
    let value = |arguments: &str| serde_json::from_str::<Value>(arguments).ok();
    let same_arguments = |ours: &str, theirs: &str| match value(theirs) {
        // A call that was cut is no JSON, and its text is kept as a string.
        Some(Value::String(text)) => text == ours,
        theirs_read => ours == theirs || (theirs_read.is_some() && value(ours) == theirs_read),
    };
    let same_call = |(ours, theirs): (&&FunctionCall, &FunctionCall)| {
        ours.name == theirs.name && same_arguments(&ours.arguments, &theirs.arguments)
    };
    let ours = functions(message);
    let theirs: Vec<&FunctionCall> =
        said.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref()).collect();
    text == said.content.as_deref().unwrap_or_default()
        && ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(same_call)
}

fn text_of(part: &Part) -> Option<&str> {
    part.text.as_deref().or(part.refusal.as_deref())
}

/// The functions that a message calls, in either form.
fn functions(message: &Message) -> Vec<&FunctionCall> {
    let calls = message.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
    calls.chain(&message.function_call).collect()
}

const NOT_TAKEN_BACK: &str = "the model does not take such reasoning back";

/// Whether the model takes reasoning back: with its signature, or without.
fn goes_back(is_signed: bool, traits: &Traits) -> bool {
    if is_signed { traits.signed_reasoning } else { traits.unsigned_reasoning }
}

/// Reasoning goes back as it came where the model accepts it: with its signature, without one, or
/// not at all ("User messages cannot contain reasoning content").
pub(super) fn reasoning<'a>(
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
        if goes_back(is_signed, &traits) {
            blocks.push(ContentBlock::ReasoningContent(content));
        } else {
            translation.notes.omitted(at, NOT_TAKEN_BACK)?;
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
