//! The clocks of an answer, once its head has come.
//!
//! The SDK's timeouts end at the head: a stream that falls silent would hang for ever. The watchdog
//! is asked only while there is nothing to read, and its timer is armed at the first such time, so
//! that an answer that flows costs one look at the clock per read and no timer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How long an answer may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// Until its first event.
    pub(super) first: Option<Duration>,
    /// From one event to the next.
    pub(super) idle: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            first: Some(Duration::from_secs(300)),
            idle: Some(Duration::from_secs(120)),
        }
    }
}

/// Watches one answer.
#[derive(Debug)]
pub(super) struct Watchdog {
    patience: Patience,
    begun: bool,
    since: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Watchdog {
    /// Begins to wait now.
    pub(super) fn new(patience: Patience) -> Self {
        Watchdog {
            patience,
            begun: false,
            since: Instant::now(),
            timer: None,
        }
    }

    /// Something has come.
    pub(super) fn fed(&mut self) {
        self.begun = true;
        self.since = Instant::now();
    }

    /// Ready, with the time waited, when the silence is too long.
    pub(super) fn poll_starved(&mut self, context: &mut Context<'_>) -> Poll<Duration> {
        let limit = if self.begun { self.patience.idle } else { self.patience.first };
        let Some(limit) = limit else {
            return Poll::Pending;
        };
        let deadline = self.since + limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        loop {
            // The timer may stand where an earlier silence would have ended.
            if timer.deadline() != deadline && (timer.is_elapsed() || timer.deadline() > deadline) {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(self.since.elapsed());
            }
        }
    }
}
