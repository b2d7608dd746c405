//! The clocks of an answer, once its head has come.
//!
//! The SDK's timeouts end at the head: a stream that falls silent would hang for ever. The watchdog
//! is asked only while there is nothing to read, and its timer is armed at the first such time, so
//! that an answer that flows costs nothing. Silence is the time in which there was nothing to read:
//! a caller who takes long over what has come is not a stalled stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// From the call to the first event.
    pub(super) first: Option<Duration>,
    /// From one event to the next.
    pub(super) idle: Option<Duration>,
    /// From the call to the end.
    pub(super) total: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { first: Some(Duration::from_secs(300)), idle: Some(Duration::from_secs(120)), total: None }
    }
}

/// Why an answer is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Starved {
    /// Nothing came for so long.
    Silent(Duration),
    /// The whole took longer than this.
    Late(Duration),
}

/// The clocks of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    patience: Patience,
    /// When the call began.
    start: Instant,
}

impl Clocks {
    /// Begins to measure now.
    pub(super) fn start(patience: Patience) -> Self {
        Clocks { patience, start: Instant::now() }
    }

    /// The same, for another attempt that begins now: only the deadline of the whole stays.
    pub(super) fn again(self) -> Attempt {
        Attempt { clocks: self, begin: Instant::now() }
    }

    /// When the whole must be there, and how long it was given.
    fn deadline(&self) -> Option<(Instant, Duration)> {
        self.patience.total.map(|total| (self.start + total, total))
    }
}

/// The clocks of one attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    clocks: Clocks,
    begin: Instant,
}

impl Attempt {
    /// When the first event must be there, and what it is called if it is not.
    pub(super) fn first(&self) -> Option<(Instant, Starved)> {
        let first = self.clocks.patience.first.map(|first| (self.begin + first, Starved::Silent(first)));
        earlier(first, self.clocks.deadline().map(|(at, total)| (at, Starved::Late(total))))
    }
}

fn earlier(a: Option<(Instant, Starved)>, b: Option<(Instant, Starved)>) -> Option<(Instant, Starved)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Watches the body of one answer.
#[derive(Debug)]
pub(super) struct Watchdog {
    attempt: Attempt,
    begun: bool,
    /// Since when there is nothing to read.
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whom the timer wakes.
    waker: Option<Waker>,
}

impl Watchdog {
    pub(super) fn new(attempt: Attempt) -> Self {
        Watchdog { attempt, begun: false, since: None, timer: None, waker: None }
    }

    /// Something has come.
    pub(super) fn fed(&mut self) {
        self.begun = true;
        self.since = None;
    }

    /// Until when to wait, and why no longer.
    fn limit(&mut self) -> Option<(Instant, Starved)> {
        if !self.begun {
            return self.attempt.first();
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let clocks = &self.attempt.clocks;
        let idle = clocks.patience.idle.map(|idle| (since + idle, Starved::Silent(idle)));
        earlier(idle, clocks.deadline().map(|(at, total)| (at, Starved::Late(total))))
    }

    /// Ready when the wait is too long.
    pub(super) fn poll_starved(&mut self, context: &mut Context<'_>) -> Poll<Starved> {
        let Some((deadline, starved)) = self.limit() else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        let is_known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_known && !timer.is_elapsed() && timer.deadline() <= deadline {
            // It wakes this task early enough as it is.
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        loop {
            // The timer may stand where an earlier silence would have ended.
            if timer.deadline() != deadline && (timer.is_elapsed() || timer.deadline() > deadline) {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(starved);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn watchdog(first: Option<u64>, idle: Option<u64>, total: Option<u64>) -> Watchdog {
        let seconds = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        let patience = Patience { first: seconds(first), idle: seconds(idle), total: seconds(total) };
        Watchdog::new(Clocks::start(patience).again())
    }

    async fn starved(watchdog: &mut Watchdog) -> Starved {
        poll_fn(|context| watchdog.poll_starved(context)).await
    }

    fn silent(seconds: u64) -> Starved {
        Starved::Silent(Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_event_and_the_later_ones_have_limits_of_their_own() {
        let start = Instant::now();
        let mut watchdog = watchdog(Some(300), Some(120), None);
        assert_eq!(starved(&mut watchdog).await, silent(300));
        assert_eq!(start.elapsed().as_secs(), 300);
        watchdog.fed();
        assert_eq!(starved(&mut watchdog).await, silent(120));
        assert_eq!(start.elapsed().as_secs(), 420);
    }

    #[tokio::test(start_paused = true)]
    async fn food_puts_the_end_off_without_a_new_timer() {
        let mut watchdog = watchdog(Some(10), Some(10), None);
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
        let mut watchdog = watchdog(Some(300), Some(5), None);
        let start = Instant::now();
        let waited = tokio::time::timeout(Duration::from_secs(100), starved(&mut watchdog)).await;
        assert!(waited.is_err());
        watchdog.fed();
        starved(&mut watchdog).await;
        assert_eq!(start.elapsed().as_secs(), 105);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_not_a_silent_stream() {
        let mut watchdog = watchdog(Some(300), Some(120), None);
        watchdog.fed();
        tokio::time::sleep(Duration::from_secs(1000)).await;
        let start = Instant::now();
        assert_eq!(starved(&mut watchdog).await, silent(120));
        assert_eq!(start.elapsed().as_secs(), 120);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_of_the_whole_ends_even_what_flows() {
        let mut watchdog = watchdog(Some(300), Some(120), Some(150));
        let start = Instant::now();
        for _ in 0..2 {
            let waited = tokio::time::timeout(Duration::from_secs(60), starved(&mut watchdog)).await;
            assert!(waited.is_err());
            watchdog.fed();
        }
        assert_eq!(starved(&mut watchdog).await, Starved::Late(Duration::from_secs(150)));
        assert_eq!(start.elapsed().as_secs(), 150);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_silence_is_no_matter() {
        let mut watchdog = watchdog(None, None, None);
        let waited = tokio::time::timeout(Duration::from_secs(1_000_000), starved(&mut watchdog)).await;
        assert!(waited.is_err());
    }
}
