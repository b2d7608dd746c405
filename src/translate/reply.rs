//! A whole reply, folded as the events that would have streamed it.

use super::fold::Fold;
use super::heading::Heading;
use crate::converse::frame::encode;
use crate::converse::{
    BlockDelta, BlockDeltaEvent, BlockStart, BlockStartEvent, BlockStopEvent, Citation, ContentBlock, Event,
    GeneratedText, ImageDelta, ImageStart, MessageStart, MessageStop, Metadata, Output, ReasoningContent,
    ReasoningDelta, Reply, Role, ToolResultContent, ToolResultDelta, ToolResultStart, ToolUseDelta,
    ToolUseStart,
};
use crate::error::{Error, ErrorKind};
use crate::json::{Json, Str};
use crate::openai::{AssistantMessage, ChatCompletion};

/// Translates a reply of Converse.
///
/// # Errors
///
/// `model_output`, with the partial answer, when the model wrote something that cannot be used;
/// `unknown` when the reply has no message.
///
/// ```
/// use bedrock_chat::translate::{self, Heading};
///
/// let reply = br#"{"output":{"message":{"role":"assistant","content":[{"text":"Paris"}]}},
///     "stopReason":"end_turn","usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11}}"#;
/// let completion = translate::reply(
///     serde_json::from_slice(reply)?,
///     Heading::new("chatcmpl-1", 0, "amazon.nova-lite-v1:0"),
/// )?;
/// assert_eq!(completion.text(), "Paris");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reply(reply: Reply<'_>, heading: Heading) -> Result<ChatCompletion, Error> {
    let mut fold = Fold::whole(heading);
    match events(reply, |event| fold.event(event).map(drop)) {
        Ok(()) => fold.completion(),
        Err(error) => Err(error.with_partial(fold.into_partial())),
    }
}

/// Reads and translates the body of a reply.
///
/// # Errors
///
/// As for [`reply`], and `connection` when the body is not a reply: what a broken transfer leaves.
pub fn reply_from_slice(body: &[u8], heading: Heading) -> Result<ChatCompletion, Error> {
    reply(parse(body)?, heading)
}

fn parse(body: &[u8]) -> Result<Reply<'_>, Error> {
    // serde_json's text may quote the reply, so only the place is told.
    serde_json::from_slice(body)
        .map_err(|error| unreadable(&format!("line {}, column {}", error.line(), error.column())))
}

fn unreadable(place: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("the reply could not be read, at {place}"))
        .with_advice("try again; the call may have been billed")
}

/// The body of a reply as the body of the stream that would have brought it.
///
/// # Errors
///
/// `connection` when the body is not a reply, `unknown` when it has no message.
pub(crate) fn reply_as_stream(body: &[u8]) -> Result<Vec<u8>, Error> {
    let mut frames = Vec::with_capacity(body.len() + 1024);
    events(parse(body)?, |event| {
        let headers = [(":event-type", event.name()), (":message-type", "event")];
        let payload = event.payload().map_err(|_| unreadable("an event"))?;
        encode(&headers, &payload, &mut frames);
        Ok(())
    })?;
    Ok(frames)
}

/// The message that blocks of Converse make.
pub(super) fn message(content: Vec<ContentBlock<'_>>) -> AssistantMessage {
    let mut fold = Fold::whole(Heading::default());
    for (index, block) in (0..).zip(content) {
        // A contradiction inside a block is seen in what is missing of it.
        let _ = block_events(index, block, &mut |event| fold.event(event).map(drop));
    }
    fold.into_partial().choices.pop().map(|choice| choice.message).unwrap_or_default()
}

/// Gives the events that would have streamed the reply.
pub(crate) fn events<'a>(
    reply: Reply<'a>,
    mut each: impl FnMut(Event<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let Reply {
        output,
        stop_reason,
        usage,
        metrics,
        additional_model_response_fields,
        trace,
        performance_config,
        service_tier,
        other,
    } = reply;
    let Output::Message(message) = output else {
        return Err(Error::new(ErrorKind::Unknown, "the reply has no message"));
    };
    each(Event::MessageStart(MessageStart { role: Role::Assistant }))?;
    for (index, block) in (0..).zip(message.content) {
        block_events(index, block, &mut each)?;
        each(Event::ContentBlockStop(BlockStopEvent { content_block_index: index }))?;
    }
    let stop = MessageStop { stop_reason, additional_model_response_fields, ..MessageStop::default() };
    each(Event::MessageStop(stop))?;
    let metadata = Metadata { usage, metrics, trace, performance_config, service_tier, other };
    each(Event::Metadata(metadata))
}

fn block_events<'a>(
    index: u64,
    block: ContentBlock<'a>,
    each: &mut impl FnMut(Event<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let start = |start| Event::ContentBlockStart(BlockStartEvent { content_block_index: index, start });
    let delta = |delta| Event::ContentBlockDelta(BlockDeltaEvent { content_block_index: index, delta });
    match block {
        ContentBlock::Text(text) => each(delta(BlockDelta::Text(text))),
        ContentBlock::ToolUse(call) => {
            let begin = ToolUseStart {
                tool_use_id: call.tool_use_id,
                name: call.name,
                kind: call.kind,
                other: call.other,
            };
            each(start(BlockStart::ToolUse(begin)))?;
            let input =
                ToolUseDelta { input: Str::from(call.input.get().to_owned()), ..ToolUseDelta::default() };
            each(delta(BlockDelta::ToolUse(input)))
        }
        ContentBlock::ToolResult(result) => {
            let begin = ToolResultStart {
                tool_use_id: result.tool_use_id,
                kind: result.kind,
                status: result.status,
                other: result.other,
            };
            each(start(BlockStart::ToolResult(begin)))?;
            let pieces = result.content.into_iter().map(piece).collect();
            each(delta(BlockDelta::ToolResult(pieces)))
        }
        ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(reasoning)) => {
            each(delta(BlockDelta::ReasoningContent(ReasoningDelta::Text(reasoning.text))))?;
            if let Some(signature) = reasoning.signature {
                each(delta(BlockDelta::ReasoningContent(ReasoningDelta::Signature(signature))))?;
            }
            reasoning.other.iter().try_for_each(|(name, value)| {
                let unknown = ReasoningDelta::Unknown { name: name.to_owned(), value: value.clone() };
                each(delta(BlockDelta::ReasoningContent(unknown)))
            })
        }
        ContentBlock::ReasoningContent(ReasoningContent::RedactedContent(data)) => {
            each(delta(BlockDelta::ReasoningContent(ReasoningDelta::RedactedContent(data))))
        }
        ContentBlock::ReasoningContent(ReasoningContent::Unknown { name, value }) => {
            each(delta(BlockDelta::ReasoningContent(ReasoningDelta::Unknown { name, value })))
        }
        ContentBlock::CitationsContent(cited) => {
            for text in cited.content.into_iter().flatten() {
                if let GeneratedText::Text(text) = text {
                    each(delta(BlockDelta::Text(text)))?;
                }
            }
            cited
                .citations
                .into_iter()
                .flatten()
                .try_for_each(|citation: Citation<'a>| each(delta(BlockDelta::Citation(citation))))
        }
        ContentBlock::Image(image) => {
            let begin = ImageStart { format: image.format, other: image.other };
            each(start(BlockStart::Image(begin)))?;
            let rest = ImageDelta {
                source: Json::of(&image.source).ok().map(Into::into),
                error: image.error,
                ..ImageDelta::default()
            };
            each(delta(BlockDelta::Image(rest)))
        }
        ContentBlock::Unknown { name, value } => each(start(BlockStart::Unknown { name, value })),
        // Blocks that an answer was never seen to have; kept whole, as one that is not known.
        other @ (ContentBlock::Document(_)
        | ContentBlock::Video(_)
        | ContentBlock::Audio(_)
        | ContentBlock::GuardContent(_)
        | ContentBlock::CachePoint(_)
        | ContentBlock::SearchResult(_)
        | ContentBlock::ToolAddition(_)
        | ContentBlock::ToolRemoval(_)) => {
            let (name, value) = member(&other);
            each(start(BlockStart::Unknown { name, value }))
        }
    }
}

fn piece(content: ToolResultContent<'_>) -> ToolResultDelta<'_> {
    match content {
        ToolResultContent::Text(text) => ToolResultDelta::Text(text),
        ToolResultContent::Json(json) => ToolResultDelta::Json(json),
        other => {
            let (name, value) = member(&other);
            ToolResultDelta::Unknown { name, value }
        }
    }
}

/// Name and value of a union's one member.
fn member<T: serde::Serialize>(union: &T) -> (String, Json) {
    Json::of(union)
        .and_then(|json| json.read::<crate::json::Members>())
        .ok()
        .and_then(|members| members.iter().next().map(|(name, value)| (name.to_owned(), value.clone())))
        .unwrap_or_default()
}
