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
        Patience { first: Some(Duration::from_secs(300)), idle: Some(Duration::from_secs(120)) }
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
        Watchdog { patience, begun: false, since: Instant::now(), timer: None }
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn patience(first: Option<u64>, idle: Option<u64>) -> Patience {
        Patience { first: first.map(Duration::from_secs), idle: idle.map(Duration::from_secs) }
    }

    async fn starved(watchdog: &mut Watchdog) -> Duration {
        poll_fn(|context| watchdog.poll_starved(context)).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_event_and_the_later_ones_have_limits_of_their_own() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(patience(Some(300), Some(120)));
        assert_eq!(starved(&mut watchdog).await, Duration::from_secs(300));
        assert_eq!(start.elapsed().as_secs(), 300);
        watchdog.fed();
        assert_eq!(starved(&mut watchdog).await, Duration::from_secs(120));
        assert_eq!(start.elapsed().as_secs(), 420);
    }

    #[tokio::test(start_paused = true)]
    async fn food_puts_the_end_off_without_a_new_timer() {
        let mut watchdog = Watchdog::new(patience(Some(10), Some(10)));
        let start = Instant::now();
        for _ in 0..5 {
            let waited = tokio::time::timeout(Duration::from_secs(9), starved(&mut watchdog)).await;
            assert!(waited.is_err(), "starved after {:?}", start.elapsed());
            watchdog.fed();
        }
        starved(&mut watchdog).await;
        assert_eq!(start.elapsed().as_secs(), 55);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_limit_after_the_first_event_is_kept() {
        let mut watchdog = Watchdog::new(patience(Some(300), Some(5)));
        let start = Instant::now();
        let waited = tokio::time::timeout(Duration::from_secs(100), starved(&mut watchdog)).await;
        assert!(waited.is_err());
        watchdog.fed();
        starved(&mut watchdog).await;
        assert_eq!(start.elapsed().as_secs(), 105);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_silence_is_no_matter() {
        let mut watchdog = Watchdog::new(patience(None, None));
        let waited = tokio::time::timeout(Duration::from_secs(1_000_000), starved(&mut watchdog)).await;
        assert!(waited.is_err());
    }
}
