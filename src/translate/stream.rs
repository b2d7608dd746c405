//! The bytes of a stream into chunks: frames, events and the fold, without I/O.

use super::fold::Fold;
use super::heading::Heading;
use crate::converse::frame::{Frame, FrameDecoder, FrameError};
use crate::converse::{Event, Exception};
use crate::error::{Error, ErrorKind};
use crate::openai::{ChatChunk, ChatCompletion, FinishReason, Usage};

/// Turns the bytes of a ConverseStream body, in any pieces, into chunks.
///
/// After an error it gives no more; [`StreamDecoder::into_partial`] has what had arrived.
///
/// ```
/// use bedrock_chat::converse::frame::encode;
/// use bedrock_chat::translate::{Heading, StreamDecoder};
///
/// let mut bytes = Vec::new();
/// for (name, payload) in [
///     ("messageStart", r#"{"role":"assistant"}"#),
///     ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Paris"}}"#),
///     ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
///     ("messageStop", r#"{"stopReason":"end_turn"}"#),
/// ] {
///     let headers = [(":message-type", "event"), (":event-type", name)];
///     encode(&headers, payload.as_bytes(), &mut bytes);
/// }
/// let mut stream = StreamDecoder::new(Heading::new("chatcmpl-1", 0, "amazon.nova-lite-v1:0"));
/// stream.push(&bytes);
/// while let Some(chunk) = stream.next_chunk()? {
///     println!("{}", serde_json::to_string(&chunk)?);
/// }
/// stream.end()?;
/// assert_eq!(stream.completion()?.text(), "Paris");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamDecoder {
    frames: FrameDecoder,
    fold: Fold,
    ended: bool,
}

impl std::fmt::Debug for StreamDecoder {
    /// Without what the model wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamDecoder").field("events", &self.events()).finish_non_exhaustive()
    }
}

impl StreamDecoder {
    /// A decoder that has seen no byte yet.
    pub fn new(heading: Heading) -> Self {
        StreamDecoder { frames: FrameDecoder::new(), fold: Fold::new(heading), ended: false }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
    }

    /// The next chunk; `None` where more bytes are needed.
    ///
    /// # Errors
    ///
    /// The service's own error where the stream carries one; `connection` when the bytes are
    /// damaged; `unknown` when an event is not of its shape.
    pub fn next_chunk(&mut self) -> Result<Option<ChatChunk>, Error> {
        loop {
            let events = self.fold.events();
            let frame = match self.frames.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(None),
                Err(error) => return Err(damaged(error, events)),
            };
            let event = read(&frame, events)?;
            if let Some(chunk) = self.fold.event(event)? {
                return Ok(Some(chunk));
            }
        }
    }

    /// How many events have come.
    pub fn events(&self) -> u64 {
        self.fold.events()
    }

    pub(crate) fn heading(&self) -> &Heading {
        self.fold.heading()
    }

    pub(crate) fn finish_reason(&self) -> Option<FinishReason> {
        self.fold.finish_reason().ok()
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.fold.usage()
    }

    /// The bytes are at their end, and it was a clean one; gives the chunk with the usage where it
    /// was asked for.
    ///
    /// # Errors
    ///
    /// `stream_truncated` when the answer was not at its end, `model_output` when the model wrote
    /// something that cannot be used.
    pub fn end(&mut self) -> Result<Option<ChatChunk>, Error> {
        if self.frames.pending() > 0 {
            let message = format!(
                "the stream ended inside a frame, {} bytes into it, after {} events",
                self.frames.pending(),
                self.fold.events()
            );
            return Err(Error::new(ErrorKind::StreamTruncated, message)
                .with_advice("take the partial answer, or send the request again"));
        }
        let chunk = self.fold.end()?;
        self.ended = true;
        Ok(chunk)
    }

    /// The whole completion, after [`StreamDecoder::end`].
    ///
    /// # Errors
    ///
    /// As for [`StreamDecoder::end`], with the partial answer in the error; `stream_truncated` too
    /// when `end` was not reached.
    pub fn completion(mut self) -> Result<ChatCompletion, Error> {
        if !self.ended
            && let Err(error) = self.end()
        {
            return Err(error.with_partial(self.into_partial()));
        }
        self.fold.completion()
    }

    /// What has arrived, without a finish reason: nothing of it is proved complete.
    pub fn into_partial(self) -> ChatCompletion {
        self.fold.into_partial()
    }
}

/// What a frame says: an event, or the service's own error.
fn read<'a>(frame: &Frame<'a>, events: u64) -> Result<Event<'a>, Error> {
    let (mut kind, mut name) = (None, None);
    for header in frame.headers() {
        match header.name {
            b":message-type" => kind = kind.or(header.value()),
            b":event-type" => name = name.or(header.value()),
            _ => {}
        }
    }
    match kind {
        Some("exception") => {
            let exception: Exception = serde_json::from_slice(frame.payload()).unwrap_or_default();
            let code = frame.header(":exception-type");
            let message = exception.message.or(exception.original_message).unwrap_or_default();
            Err(Error::from_service(code, Some(200), &message))
        }
        Some("error") => {
            let code = frame.header(":error-code");
            let message = frame.header(":error-message").unwrap_or_default();
            Err(Error::from_service(code, Some(200), message))
        }
        _ => {
            let name = name.unwrap_or_default();
            // serde_json's text may quote the answer, so only the place is told.
            Event::read(name, frame.payload()).map_err(|error| {
                let message = format!(
                    "the event {name:?} could not be read, at column {}, after {events} events",
                    error.column()
                );
                Error::new(ErrorKind::Unknown, message)
                    .with_advice("take the partial answer, or send the request again")
            })
        }
    }
}

fn damaged(error: FrameError, events: u64) -> Error {
    Error::new(ErrorKind::Connection, format!("the stream is damaged after {events} events: {error}"))
        .with_advice("take the partial answer, or send the request again")
        .with_source(error)
}
