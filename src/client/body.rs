//! The body of an answer, read under a watchdog.

use std::pin::Pin;
use std::task::{Context, Poll};

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::Body;

use super::watchdog::{Patience, Watchdog};
use crate::error::{Error, ErrorKind};

/// The body of an answer.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: SdkBody,
    watchdog: Watchdog,
}

impl AnswerBody {
    pub(super) fn new(body: SdkBody, patience: Patience) -> Self {
        AnswerBody { body, watchdog: Watchdog::new(patience) }
    }

    /// Closes the connection: what may still come is not wanted.
    pub(super) fn close(&mut self) {
        self.body = SdkBody::taken();
    }

    /// The next bytes; `None` at a clean end.
    ///
    /// The error is `stream_stalled` when the body was silent for too long, `connection` when it
    /// broke.
    pub(super) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.watchdog.fed();
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let message = format!("the connection broke: {}", super::failure::chain(&*error));
                    let error = Error::new(ErrorKind::Connection, message).with_source(error);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    return self.watchdog.poll_starved(context).map(|silence| {
                        let message = match silence.as_secs() {
                            0 => format!("nothing came for {} milliseconds", silence.as_millis()),
                            seconds => format!("nothing came for {seconds} seconds"),
                        };
                        Some(Err(Error::new(ErrorKind::StreamStalled, message)))
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

#[cfg(test)]
mod tests {
    use super::*;

    use std::convert::Infallible;
    use std::time::Duration;

    use http_body::Frame;

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

    #[tokio::test(start_paused = true)]
    async fn a_body_that_falls_silent_is_stalled_and_not_waited_for_for_ever() {
        let start = tokio::time::Instant::now();
        let body = SdkBody::from_body_1_x(Silent(Some(Bytes::from_static(b"{"))));
        let error = AnswerBody::new(body, Patience::default()).read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamStalled, "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(120));
        assert!(error.to_string().contains("120 seconds"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_begins_has_more_time() {
        let start = tokio::time::Instant::now();
        let body = SdkBody::from_body_1_x(Silent(None));
        let error = AnswerBody::new(body, Patience::default()).read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamStalled, "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(300));
    }
}
