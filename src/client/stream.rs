//! The answer as it comes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;

use super::Bedrock;
use super::body::AnswerBody;
use super::callbacks::{AsyncCallbacks, Blocking, Callbacks, tell};
use super::span::Observation;
use crate::error::{Error, ErrorKind};
use crate::openai::{ChatChunk, ChatCompletion};
use crate::translate::{Heading, StreamDecoder};

/// How often a silent stream asks whether to stop.
pub(super) const INTERRUPT_CHECK: Duration = Duration::from_millis(250);

const TAKE_OR_REPEAT: &str = "take the partial answer, or send the request again";

/// The chunks of an answer, as they come.
///
/// It is pulled: nothing is read that was not asked for, and dropping it ends the call. A stream
/// that ends without an error was complete. An error is the last item; it carries what had arrived
/// ([`Error::partial`]).
///
/// ```no_run
/// # async fn run(bedrock: bedrock_chat::Bedrock) -> Result<(), bedrock_chat::Error> {
/// use bedrock_chat::openai::ChatRequest;
///
/// let request = ChatRequest::new("us.amazon.nova-lite-v1:0").user("Tell me a story.");
/// let mut stream = bedrock.chat_stream(&request).await?;
/// while let Some(chunk) = stream.next().await {
///     for choice in chunk?.choices {
///         print!("{}", choice.delta.content.unwrap_or_default());
///     }
/// }
/// let completion = stream.completion().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing unless it is read"]
pub struct ChatStream {
    body: AnswerBody,
    /// None after an error, which took what had arrived along.
    decoder: Option<StreamDecoder>,
    state: State,
    /// The first chunk, which was waited for.
    first: Option<ChatChunk>,
    place: Place,
    observation: Option<Observation>,
}

/// Where an answer comes from.
pub(super) struct Place {
    pub(super) bedrock: Bedrock,
    pub(super) region: String,
    pub(super) model: String,
    /// Which client of the region it was.
    pub(super) number: u64,
    pub(super) request_id: Option<String>,
}

impl std::fmt::Debug for ChatStream {
    /// Without what the model wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatStream")
            .field("region", &self.place.region)
            .field("model", &self.place.model)
            .field("request_id", &self.place.request_id)
            .field("events", &self.decoder.as_ref().map(StreamDecoder::events))
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
}

impl ChatStream {
    pub(super) fn new(body: AnswerBody, heading: Heading, place: Place) -> Self {
        ChatStream {
            body,
            decoder: Some(StreamDecoder::new(heading)),
            state: State::Reading,
            first: None,
            place,
            observation: None,
        }
    }

    /// Waits for the first chunk, so that an error in its place can still be repeated.
    pub(super) async fn begun(mut self) -> Result<Self, Error> {
        self.first = std::future::poll_fn(|context| self.poll_chunk(context)).await.transpose()?;
        Ok(self)
    }

    /// Tells `observation` what comes of it.
    pub(super) fn observed(mut self, mut observation: Observation) -> Self {
        observation.begun();
        self.observation = Some(observation);
        self
    }

    /// The service's id of the call.
    pub fn request_id(&self) -> Option<&str> {
        self.place.request_id.as_deref()
    }

    /// The next chunk; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<ChatChunk, Error>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads what is left and gives the whole answer, what was read before included.
    ///
    /// # Errors
    ///
    /// What the stream ended with, with the partial answer. After an error that the stream has given
    /// already, `stream_truncated` without one.
    pub async fn completion(mut self) -> Result<ChatCompletion, Error> {
        while let Some(chunk) = self.next().await {
            chunk?;
        }
        let Place { region, model, request_id, .. } = self.place;
        match self.decoder {
            Some(decoder) => decoder.completion(),
            None => Err(Error::new(
                ErrorKind::StreamTruncated,
                "the stream ended with an error, which was given before",
            )),
        }
        .map_err(|error| error.at(&region, &model).with_request_id(request_id))
    }

    /// Reads the stream to its end, tells `callbacks` what comes, and gives the whole answer.
    ///
    /// `on_interrupt_check` is asked before each chunk and four times a second while the stream is
    /// silent. Nothing is read while a callback runs.
    ///
    /// # Errors
    ///
    /// What the stream ended with; `interrupted` when the callbacks say so or fail, with their error
    /// as the source. Both carry the partial answer.
    pub async fn drive<C: Callbacks + ?Sized>(self, callbacks: &mut C) -> Result<ChatCompletion, Error> {
        self.drive_async(&mut Blocking(callbacks)).await
    }

    /// [`ChatStream::drive`] with callbacks that may wait.
    ///
    /// # Errors
    ///
    /// As for [`ChatStream::drive`].
    pub async fn drive_async<C: AsyncCallbacks + ?Sized>(
        mut self,
        callbacks: &mut C,
    ) -> Result<ChatCompletion, Error> {
        let mut calls_began = false;
        loop {
            if callbacks.on_interrupt_check() {
                return Err(self.interrupted(interrupt()));
            }
            let chunk = match tokio::time::timeout(INTERRUPT_CHECK, self.next()).await {
                Err(_silent) => continue,
                Ok(None) => return self.completion().await,
                Ok(Some(chunk)) => chunk?,
            };
            for choice in chunk.choices {
                if let Err(error) = tell(&choice.delta, callbacks, &mut calls_began).await {
                    let failed = Error::new(ErrorKind::Interrupted, "a callback failed").with_source(error);
                    return Err(self.interrupted(failed));
                }
            }
        }
    }

    fn interrupted(&mut self, error: Error) -> Error {
        let error = self.fail(error);
        self.report(&error);
        error
    }

    /// Ends the stream with an error that has what had arrived.
    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Ended;
        self.body.close();
        let Place { region, model, request_id, .. } = &self.place;
        let error = error.at(region, model).with_request_id(request_id.clone());
        match self.decoder.take() {
            Some(decoder) => {
                if let Some(observation) = &self.observation {
                    observation.events(decoder.events());
                }
                error.with_partial(decoder.into_partial())
            }
            None => error,
        }
    }

    /// Says what the stream ended with, and gives up a connection that failed.
    fn report(&mut self, error: &Error) {
        let Place { bedrock, region, model, number, .. } = &self.place;
        bedrock.give_up(error, region, model, *number);
        if let Some(mut observation) = self.observation.take() {
            observation.failed(error);
        }
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<ChatChunk, Error>>> {
        loop {
            let Some(decoder) = self.decoder.as_mut().filter(|_| self.state == State::Reading) else {
                return Poll::Ready(None);
            };
            match decoder.next_chunk() {
                Ok(None) => {}
                Ok(Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Err(error) => return Poll::Ready(Some(Err(self.fail(error)))),
            }
            match ready!(self.body.poll_bytes(context)) {
                Some(Ok(bytes)) => decoder.push(&bytes),
                Some(Err(error)) => {
                    let error = error.after(decoder.events()).with_advice(TAKE_OR_REPEAT);
                    return Poll::Ready(Some(Err(self.fail(error))));
                }
                None => {
                    self.state = State::Ended;
                    return match decoder.end() {
                        Ok(chunk) => {
                            if let Some(mut observation) = self.observation.take() {
                                observation.ended(decoder);
                            }
                            Poll::Ready(chunk.map(Ok))
                        }
                        Err(error) => Poll::Ready(Some(Err(self.fail(error)))),
                    };
                }
            }
        }
    }
}

/// What it is called when the callbacks say that it is enough.
pub(super) fn interrupt() -> Error {
    Error::new(ErrorKind::Interrupted, "the caller stopped the answer")
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let chunk = ready!(self.poll_chunk(context));
        if let Some(Err(error)) = &chunk {
            self.report(error);
        }
        Poll::Ready(chunk)
    }
}
