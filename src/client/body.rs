//! The body of an answer, read under a watchdog.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::Body;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::watchdog::{Attempt, Starved, Watchdog};
use super::wire::Line;
use crate::error::{Error, ErrorKind};

/// The body of an answer.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: SdkBody,
    watchdog: Watchdog,
    line: Line,
    cancelled: Option<Cancelled>,
}

/// A token, and the future of its end.
#[derive(Debug)]
struct Cancelled {
    token: CancellationToken,
    future: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AnswerBody {
    pub(super) fn new(
        body: SdkBody,
        line: Line,
        attempt: Attempt,
        token: Option<&CancellationToken>,
    ) -> Self {
        let cancelled = token.map(|token| Cancelled {
            token: token.clone(),
            future: Box::pin(token.clone().cancelled_owned()),
        });
        AnswerBody { body, watchdog: Watchdog::new(attempt), line, cancelled }
    }

    /// Closes the connection: what may still come is not wanted.
    pub(super) fn close(&mut self) {
        self.body = SdkBody::taken();
    }

    /// The next bytes; `None` at a clean end.
    ///
    /// The error is `stream_stalled` when the body was silent for too long, `timeout` when the whole
    /// took too long, `interrupted` when it was cancelled, `connection` when it broke. No later call
    /// gets the connection of a body that stalled or broke.
    pub(super) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if self.cancelled.as_ref().is_some_and(|cancelled| cancelled.token.is_cancelled()) {
            return Poll::Ready(Some(Err(cancelled_by_caller())));
        }
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.watchdog.fed();
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    self.line.poison();
                    let message = format!("the connection broke: {}", super::failure::chain(&*error));
                    let error = Error::new(ErrorKind::Connection, message).with_source(error);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    if let Some(cancelled) = &mut self.cancelled
                        && cancelled.future.as_mut().poll(context).is_ready()
                    {
                        return Poll::Ready(Some(Err(cancelled_by_caller())));
                    }
                    return self.watchdog.poll_starved(context).map(|starved| {
                        self.line.poison();
                        Some(Err(starved_error(starved)))
                    });
                }
            }
        }
    }

    /// The whole body.
    pub(super) async fn read(mut self) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(bytes) = std::future::poll_fn(|context| self.poll_bytes(context)).await {
            whole.extend_from_slice(&bytes?);
        }
        Ok(whole)
    }
}

pub(super) fn cancelled_by_caller() -> Error {
    Error::new(ErrorKind::Interrupted, "the caller cancelled the call")
}

/// What it is called when nothing comes.
pub(super) fn starved_error(starved: Starved) -> Error {
    match starved {
        Starved::Silent(silence) => {
            Error::new(ErrorKind::StreamStalled, format!("nothing came for {}", spoken(silence)))
        }
        Starved::Late(total) => Error::new(
            ErrorKind::Timeout,
            format!("the answer was not at its end after {}, the deadline", spoken(total)),
        ),
    }
}

/// A time as people say it.
pub(super) fn spoken(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} milliseconds", time.as_millis()),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::convert::Infallible;

    use http_body::Frame;

    use crate::client::watchdog::{Clocks, Patience};

    /// A body that gives some bytes and then nothing more, for ever.
    struct Silent(Option<Bytes>);

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.0.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => Poll::Pending,
            }
        }
    }

    fn silent(bytes: Option<&'static [u8]>, token: Option<&CancellationToken>) -> AnswerBody {
        let body = SdkBody::from_body_1_x(Silent(bytes.map(Bytes::from_static)));
        AnswerBody::new(body, Line::default(), Clocks::start(Patience::default()).again(), token)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_falls_silent_is_stalled_and_not_waited_for_for_ever() {
        let start = tokio::time::Instant::now();
        let error = silent(Some(b"{"), None).read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamStalled, "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(120));
        assert!(error.to_string().contains("120 seconds"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_begins_has_more_time() {
        let start = tokio::time::Instant::now();
        let error = silent(None, None).read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamStalled, "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(300));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_body_ends_when_it_is_cancelled_from_another_task() {
        let start = tokio::time::Instant::now();
        let token = CancellationToken::new();
        let other = token.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(7)).await;
            other.cancel();
        });
        let error = silent(Some(b"{"), Some(&token)).read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }
}
