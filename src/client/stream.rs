//! The answer as it comes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;

use super::body::AnswerBody;
use super::callbacks::Callbacks;
use crate::error::{Error, ErrorKind};
use crate::openai::{ChatChunk, ChatCompletion};
use crate::translate::{Heading, StreamDecoder};

/// How often a silent stream asks whether to stop.
const INTERRUPT_CHECK: Duration = Duration::from_millis(250);

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
    region: String,
    model: String,
    request_id: Option<String>,
}

impl std::fmt::Debug for ChatStream {
    /// Without what the model wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatStream")
            .field("region", &self.region)
            .field("model", &self.model)
            .field("request_id", &self.request_id)
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
    pub(super) fn new(
        body: AnswerBody,
        heading: Heading,
        region: &str,
        model: &str,
        request_id: Option<String>,
    ) -> Self {
        ChatStream {
            body,
            decoder: Some(StreamDecoder::new(heading)),
            state: State::Reading,
            region: region.to_owned(),
            model: model.to_owned(),
            request_id,
        }
    }

    /// The service's id of the call.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
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
        let (region, model, request_id) = (self.region, self.model, self.request_id);
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
    /// silent.
    ///
    /// # Errors
    ///
    /// What the stream ended with; `interrupted` when the callbacks say so or fail, with their error
    /// as the source. Both carry the partial answer.
    pub async fn drive<C: Callbacks + ?Sized>(mut self, callbacks: &mut C) -> Result<ChatCompletion, Error> {
        let mut calls_began = false;
        loop {
            if callbacks.on_interrupt_check() {
                return Err(self.interrupted("the caller stopped the answer"));
            }
            let chunk = match tokio::time::timeout(INTERRUPT_CHECK, self.next()).await {
                Err(_silent) => continue,
                Ok(None) => return self.completion().await,
                Ok(Some(chunk)) => chunk?,
            };
            for choice in chunk.choices {
                if let Err(error) = choice.delta.tell(callbacks, &mut calls_began) {
                    return Err(self.interrupted("a callback failed").with_source(error));
                }
            }
        }
    }

    fn interrupted(&mut self, message: &str) -> Error {
        self.fail(Error::new(ErrorKind::Interrupted, message))
    }

    /// Ends the stream with an error that has what had arrived.
    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Ended;
        self.body.close();
        let error = error.at(&self.region, &self.model).with_request_id(self.request_id.clone());
        match self.decoder.take() {
            Some(decoder) => error.with_partial(decoder.into_partial()),
            None => error,
        }
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let Some(decoder) = this.decoder.as_mut().filter(|_| this.state == State::Reading) else {
                return Poll::Ready(None);
            };
            match decoder.next_chunk() {
                Ok(None) => {}
                Ok(Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Err(error) => return Poll::Ready(Some(Err(this.fail(error)))),
            }
            match ready!(this.body.poll_bytes(context)) {
                Some(Ok(bytes)) => decoder.push(&bytes),
                Some(Err(error)) => {
                    let error = error
                        .after(decoder.events())
                        .with_advice("take the partial answer, or send the request again");
                    return Poll::Ready(Some(Err(this.fail(error))));
                }
                None => {
                    this.state = State::Ended;
                    return match decoder.end() {
                        Ok(chunk) => Poll::Ready(chunk.map(Ok)),
                        Err(error) => Poll::Ready(Some(Err(this.fail(error)))),
                    };
                }
            }
        }
    }
}
