//! The body of a response, sent step by step, with what goes wrong on the way.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::connection::Line;
use super::fault::Fault;
use crate::converse::frame::encode;

/// What a body does next.
#[derive(Debug)]
enum Step {
    Bytes(Bytes),
    Wait(Duration),
    /// What was sent is on its way before the next step.
    Flush,
    /// Nothing, for ever.
    Silence,
    /// The connection ends, with a reset or without.
    Break {
        reset: bool,
    },
    /// The connection ends when the answer has.
    CloseAfter,
}

/// A body of steps.
#[derive(Debug, Default)]
pub(super) struct Steps {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    line: Option<Arc<Line>>,
}

impl Steps {
    /// A body that comes in one piece.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Steps { steps: VecDeque::from([Step::Bytes(bytes.into())]), ..Steps::default() }
    }

    /// A body in pieces, one event each, with a pause before each; and what goes wrong with it.
    pub(super) fn events(
        events: Vec<Vec<u8>>,
        pause: Duration,
        fault: Option<&Fault>,
        line: Arc<Line>,
    ) -> Self {
        let mut steps = VecDeque::with_capacity(events.len() + 2);
        let (events, last) = failing(events, fault);
        for event in events {
            if !pause.is_zero() {
                steps.push_back(Step::Wait(pause));
            }
            steps.push_back(Step::Bytes(event.into()));
        }
        steps.extend(last);
        Steps { steps, sleep: None, line: Some(line) }
    }
}

/// The events that are sent, and what comes then.
fn failing(mut events: Vec<Vec<u8>>, fault: Option<&Fault>) -> (Vec<Vec<u8>>, Vec<Step>) {
    let mut then = Vec::new();
    match fault {
        None | Some(Fault::Refused { .. } | Fault::Late(_) | Fault::Hole) => {}
        Some(Fault::Exception { kind, message, after }) => {
            events.truncate(*after);
            let payload = serde_json::json!({"message": message}).to_string();
            let headers = [
                (":exception-type", kind.as_str()),
                (":content-type", "application/json"),
                (":message-type", "exception"),
            ];
            let mut frame = Vec::new();
            encode(&headers, payload.as_bytes(), &mut frame);
            events.push(frame);
        }
        Some(Fault::Silent { after }) => {
            events.truncate(*after);
            then.push(Step::Silence);
        }
        Some(Fault::WithoutStop) => events.truncate(events.len().saturating_sub(2)),
        Some(Fault::Cut { at }) => cut(&mut events, *at),
        Some(Fault::Damaged { at }) => {
            let mut place = *at;
            let length: usize = events.iter().map(Vec::len).sum();
            place = place.min(length.saturating_sub(1));
            for event in &mut events {
                if let Some(byte) = event.get_mut(place) {
                    *byte ^= 1;
                    break;
                }
                place -= event.len();
            }
        }
        Some(Fault::Closed { at }) => {
            cut(&mut events, *at);
            then.extend([Step::Flush, Step::Break { reset: false }]);
        }
        Some(Fault::Reset { at }) => {
            cut(&mut events, *at);
            then.extend([Step::Flush, Step::Break { reset: true }]);
        }
        Some(Fault::ClosedIdle) => then.push(Step::CloseAfter),
    }
    (events, then)
}

/// Leaves so many bytes.
fn cut(events: &mut Vec<Vec<u8>>, at: usize) {
    let mut left = at;
    for event in events.iter_mut() {
        event.truncate(left);
        left -= event.len();
    }
    events.retain(|event| !event.is_empty());
}

impl Body for Steps {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Bytes(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Wait(delay)) => self.sleep = Some(Box::pin(tokio::time::sleep(delay))),
                Some(Step::Flush) => {
                    // The server sends what it has when there is no more.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Silence) => {
                    self.steps.push_front(Step::Silence);
                    return Poll::Pending;
                }
                Some(Step::Break { reset }) => {
                    if let Some(line) = self.line.as_ref().filter(|_| reset) {
                        line.reset();
                    }
                    return Poll::Ready(Some(Err(io::Error::other("a fault of the simulator"))));
                }
                Some(Step::CloseAfter) => {
                    if let Some(line) = &self.line {
                        line.close();
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.sleep.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // Only a body of one piece has a content-length; streams are chunked, as the service's are.
        match (self.steps.len(), self.steps.front()) {
            (1, Some(Step::Bytes(bytes))) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
