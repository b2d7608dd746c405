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
        AnswerBody {
            body,
            watchdog: Watchdog::new(patience),
        }
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
                        let message = format!("nothing came for {} seconds", silence.as_secs());
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
