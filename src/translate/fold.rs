//! The events of an answer into chunks, and into the whole completion.
//!
//! There is one fold for both forms of an answer: a reply that came whole is folded as the events
//! that would have streamed it, so that both give the same completion. The fold keeps what has
//! arrived in Converse's blocks, from which the completion, a partial one included, is made.
//!
//! Success is proved, never assumed: without `messageStop` there is no completion, only a partial
//! one inside an error.

mod assemble;
mod content;

use std::sync::Arc;

use content::arguments;

use super::adjustment::{Action, Adjustment};
use super::blocks::Blocks;
use super::heading::Heading;
use super::stop_reason::{Ending, ending};
use crate::converse::{Event, MessageStop, Metadata, StopReason};
use crate::error::{Error, ErrorKind};
use crate::json::{Json, Members};
use crate::openai::{
    AssistantRole, ChatChunk, ChatCompletion, ChunkChoice, ChunkObject, Delta, FinishReason,
};

/// Folds the events of one answer.
///
/// ```
/// use bedrock_chat::converse::Event;
/// use bedrock_chat::translate::{Fold, Heading};
///
/// let mut fold = Fold::new(Heading::new("chatcmpl-1", 0, "amazon.nova-lite-v1:0"));
/// for (name, payload) in [
///     ("messageStart", r#"{"role":"assistant"}"#),
///     ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Paris"}}"#),
///     ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
///     ("messageStop", r#"{"stopReason":"end_turn"}"#),
/// ] {
///     fold.event(Event::read(name, payload.as_bytes())?)?;
/// }
/// assert_eq!(fold.completion()?.text(), "Paris");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Fold {
    heading: Heading,
    role_given: bool,
    blocks: Blocks,
    calls: u32,
    stop: Option<Stop>,
    tail: Tail,
    events: u64,
    /// Whether chunks are wanted; a whole reply is only assembled.
    in_chunks: bool,
}

#[derive(Debug)]
struct Stop {
    reason: StopReason,
    fields: Option<Json>,
}

/// What the metadata say.
#[derive(Debug, Default)]
struct Tail {
    usage: Option<Json>,
    metrics: Option<Json>,
    trace: Option<Json>,
    performance_config: Option<Json>,
    service_tier: Option<Json>,
    /// Members that this version does not know.
    other: Members,
}

impl std::fmt::Debug for Fold {
    /// Without what the model wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fold").field("events", &self.events).finish_non_exhaustive()
    }
}

impl Fold {
    /// A fold that has seen no event yet.
    pub fn new(heading: Heading) -> Self {
        Fold {
            heading,
            role_given: false,
            blocks: Blocks::default(),
            calls: 0,
            stop: None,
            tail: Tail::default(),
            events: 0,
            in_chunks: true,
        }
    }

    /// A fold that gives no chunks, only the completion.
    pub(super) fn whole(heading: Heading) -> Self {
        Fold { in_chunks: false, ..Fold::new(heading) }
    }

    /// How many events were folded.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Whether `messageStop` was seen.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// Takes the next event; gives the chunk that it makes, if any.
    ///
    /// # Errors
    ///
    /// `unknown` when the events contradict each other, such as a tool call's input without its
    /// start. What had arrived is still in the fold.
    pub fn event(&mut self, event: Event<'_>) -> Result<Option<ChatChunk>, Error> {
        self.events += 1;
        if self.stop.is_some() && !matches!(event, Event::Metadata(_) | Event::Unknown { .. }) {
            return Err(contradiction("an event of the answer came after its end"));
        }
        match event {
            Event::ContentBlockDelta(event) => self.delta(event.content_block_index, event.delta),
            Event::ContentBlockStart(event) => self.start(event.content_block_index, event.start),
            Event::ContentBlockStop(event) => Ok(self.block_stop(event.content_block_index)),
            Event::MessageStart(_) => {
                Ok(self.emit(|| Delta { content: Some(String::new()), ..Delta::default() }))
            }
            Event::MessageStop(event) => Ok(self.message_stop(event)),
            Event::Metadata(event) => {
                self.metadata(event);
                Ok(None)
            }
            Event::Unknown { name, .. } => {
                self.note(format!("stream.{name}"), "is an event that this version does not know");
                Ok(None)
            }
        }
    }

    /// Ends the answer after its last event; gives the chunk with the usage where it was asked for.
    ///
    /// # Errors
    ///
    /// `stream_truncated` when there was no `messageStop`, `model_output` when the model wrote
    /// something that cannot be used. The partial answer is in [`Fold::into_partial`].
    pub fn end(&mut self) -> Result<Option<ChatChunk>, Error> {
        self.finish_reason()?;
        let Some(usage) = self.usage().filter(|_| self.heading.include_usage) else {
            return Ok(None);
        };
        let mut chunk = self.chunk(Delta::default());
        chunk.choices.clear();
        chunk.usage = Some(usage);
        Ok(Some(chunk))
    }

    /// The whole completion.
    ///
    /// # Errors
    ///
    /// As for [`Fold::end`], with the partial answer in the error.
    pub fn completion(self) -> Result<ChatCompletion, Error> {
        match self.finish_reason() {
            Ok(reason) => Ok(self.assemble(Some(reason))),
            Err(error) => Err(error.with_partial(self.into_partial())),
        }
    }

    /// What has arrived, without a finish reason: nothing of it is proved complete.
    pub fn into_partial(self) -> ChatCompletion {
        self.assemble(None)
    }

    pub(super) fn heading(&self) -> &Heading {
        &self.heading
    }

    pub(super) fn finish_reason(&self) -> Result<FinishReason, Error> {
        let Some(stop) = &self.stop else {
            return Err(Error::new(
                ErrorKind::StreamTruncated,
                format!("the answer ended without messageStop, after {} events", self.events),
            )
            .with_advice("take the partial answer, or send the request again"));
        };
        match ending(&stop.reason, self.calls > 0) {
            Ending::Finished(FinishReason::ToolCalls) if self.heading.legacy => {
                Ok(FinishReason::FunctionCall)
            }
            Ending::Finished(reason) => Ok(reason),
            Ending::Unrecognised if self.calls > 0 => Ok(FinishReason::ToolCalls),
            Ending::Unrecognised => Ok(FinishReason::Stop),
            Ending::Malformed => Err(Error::new(
                ErrorKind::ModelOutput,
                format!("the model wrote something that cannot be used: {}", stop.reason),
            )
            .with_advice("try again; the partial answer has what could be read")),
        }
    }

    fn note(&mut self, field: String, reason: &str) {
        self.heading.adjustments.push(Adjustment {
            field,
            action: Action::Omitted,
            reason: reason.to_owned(),
        });
    }

    /// Notes members of an event that this version does not know; `p` is padding.
    fn note_unknown(&mut self, place: &str, members: &Members) {
        for (name, _) in members.iter().filter(|(name, _)| *name != "p") {
            self.note(format!("{place}.{name}"), "is a member that this version does not know");
        }
    }

    /// The chunk with this delta, where chunks are wanted.
    fn emit(&mut self, delta: impl FnOnce() -> Delta) -> Option<ChatChunk> {
        self.in_chunks.then(|| self.chunk(delta()))
    }

    /// A chunk with this delta; the role is in the first.
    fn chunk(&mut self, mut delta: Delta) -> ChatChunk {
        if !self.role_given {
            self.role_given = true;
            delta.role = Some(AssistantRole::Assistant);
        }
        ChatChunk {
            id: Arc::clone(&self.heading.id),
            object: ChunkObject::Chunk,
            created: self.heading.created,
            model: Arc::clone(&self.heading.model),
            choices: vec![ChunkChoice { index: 0, delta, finish_reason: None }],
            usage: None,
        }
    }

    fn message_stop(&mut self, event: MessageStop<'_>) -> Option<ChatChunk> {
        if let StopReason::Other(reason) = &event.stop_reason {
            let reason =
                format!("is {reason:?}, which this version does not know: taken as the end of the turn");
            self.heading.adjustments.push(Adjustment {
                field: "stopReason".to_owned(),
                action: Action::Changed,
                reason,
            });
        }
        self.stop = Some(Stop {
            reason: event.stop_reason,
            fields: event.additional_model_response_fields.map(|fields| fields.to_json()),
        });
        self.keep_unknown(event.other);
        let reason = self.finish_reason().ok()?;
        let closed = match reason {
            FinishReason::ToolCalls | FinishReason::FunctionCall => self.blocks.close_calls(),
            // What was cut is passed on as it is.
            _ => Vec::new(),
        };
        let legacy = self.heading.legacy;
        let bedrock = self.blocks.beyond_openai().filter(|_| self.in_chunks);
        let mut chunk = self.emit(|| {
            let mut delta = Delta { bedrock, ..Delta::default() };
            for position in closed {
                let late = arguments(legacy, position, "{}".to_owned());
                delta.function_call = late.function_call.or(delta.function_call);
                delta.tool_calls.get_or_insert_default().extend(late.tool_calls.into_iter().flatten());
            }
            delta.tool_calls = delta.tool_calls.filter(|calls| !calls.is_empty());
            delta
        })?;
        chunk.choices[0].finish_reason = Some(reason);
        Some(chunk)
    }

    /// Keeps members of the answer that this version does not know; `p` is padding.
    fn keep_unknown(&mut self, members: Members) {
        for (name, value) in members.iter().filter(|(name, _)| *name != "p") {
            self.tail.other.push(name, value.clone());
        }
    }

    fn metadata(&mut self, event: Metadata<'_>) {
        let Metadata { usage, metrics, trace, performance_config, service_tier, other } = event;
        self.tail = Tail {
            usage: usage.map(|json| json.to_json()),
            metrics: metrics.map(|json| json.to_json()),
            trace: trace.map(|json| json.to_json()),
            performance_config: performance_config.map(|json| json.to_json()),
            service_tier: service_tier.map(|json| json.to_json()),
            other: std::mem::take(&mut self.tail.other),
        };
        self.keep_unknown(other);
    }
}

fn contradiction(message: &str) -> Error {
    Error::new(ErrorKind::Unknown, format!("the stream contradicts itself: {message}"))
}
