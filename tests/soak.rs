//! Streams by the thousand, with faults at random in a third of them: each ends in the outcome that the
//! simulator knows it caused, in bounded time, and nothing is left behind.
//!
//! A short run is part of the tests. The long one, of 20,000 streams:
//!
//!     cargo test --release --test soak -- --ignored --nocapture

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Chaos, Fault, Received, Script, Simulator, When};
use bedrock_chat::{Bedrock, Error, ErrorKind, RetryConfig};
use tokio::task::JoinSet;

const MODEL: &str = "us.amazon.nova-lite-v1:0";
const AT_ONCE: usize = 64;
/// Streams between two looks at what is left behind.
const BATCH: usize = 2000;
/// The time that a silent stream is waited for.
const IDLE: Duration = Duration::from_secs(1);
const FIRST: Duration = Duration::from_secs(2);
/// No call may take longer: three silent attempts, their pauses, and what a busy machine adds.
const BOUND: Duration = Duration::from_secs(30);

/// The text of the answer to this question: long enough that every fault falls into it.
fn text(question: &str) -> String {
    (0..80).map(|word| format!("{word} is said to {question}. ")).collect()
}

fn question(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body["messages"][0]["content"][0]["text"].as_str().unwrap().to_owned()
}

/// How a stream ended: its text, or the error.
type Outcome = Result<String, Error>;

async fn stream(bedrock: Bedrock, question: String) -> (String, Outcome) {
    let request = ChatRequest::new(MODEL).user(question.clone());
    let outcome = tokio::time::timeout(BOUND, async {
        let mut stream = bedrock.chat_stream(&request).await?;
        let mut text = String::new();
        while let Some(chunk) = stream.next().await {
            for choice in chunk?.choices {
                text.push_str(choice.delta.content.as_deref().unwrap_or_default());
            }
        }
        let completion = stream.completion().await?;
        assert_eq!(completion.text(), text, "{question}");
        Ok(text)
    });
    let outcome = outcome.await.unwrap_or_else(|_| panic!("{question} hangs"));
    (question, outcome)
}

/// The kinds of error that a fault leads to; none where the answer arrives whole.
fn expected(fault: Option<&Fault>) -> &'static [ErrorKind] {
    match fault {
        None | Some(Fault::Late(_) | Fault::ClosedIdle) => &[],
        Some(Fault::Refused { status: 429, .. }) => &[ErrorKind::RateLimit],
        Some(Fault::Refused { status: 408, .. }) => &[ErrorKind::Timeout],
        Some(Fault::Refused { .. }) => &[ErrorKind::Overloaded],
        Some(Fault::Exception { kind, .. }) => match kind.as_str() {
            "throttlingException" => &[ErrorKind::RateLimit],
            "validationException" => &[ErrorKind::ContextOverflow],
            _ => &[ErrorKind::Overloaded],
        },
        Some(Fault::Silent { .. }) => &[ErrorKind::StreamStalled],
        Some(Fault::Hole) => &[ErrorKind::Timeout],
        Some(Fault::WithoutStop | Fault::Cut { .. }) => &[ErrorKind::StreamTruncated],
        Some(Fault::Damaged { .. } | Fault::Closed { .. } | Fault::Reset { .. }) => &[ErrorKind::Connection],
        Some(other) => unreachable!("{other:?}"),
    }
}

/// Holds an outcome to what the simulator did to the calls of its question.
fn check(question: &str, outcome: &Outcome, calls: &[&Received]) {
    let told = || {
        format!(
            "{question}: {outcome:?} after {:?}",
            calls.iter().map(|call| &call.fault).collect::<Vec<_>>()
        )
    };
    let last = calls.last().unwrap_or_else(|| panic!("{question} was never received")).fault.as_ref();
    let whole = text(question);
    match (outcome, expected(last)) {
        (Ok(text), []) => assert_eq!(*text, whole),
        (Err(error), kinds) if kinds.contains(&error.kind()) => {
            let partial = error.partial().map_or("", |partial| partial.text());
            assert!(whole.starts_with(partial), "{}", told());
        }
        _ => panic!("{}", told()),
    }
    assert!(calls.len() <= 3, "{}", told());
    // Only what failed before its first event was sent again.
    for call in &calls[..calls.len() - 1] {
        let fault = call.fault.as_ref();
        let is_early = match fault {
            Some(Fault::Refused { .. } | Fault::Hole) => true,
            Some(Fault::Exception { after, kind, .. }) => *after == 0 && kind != "validationException",
            _ => false,
        };
        assert!(is_early, "{}", told());
    }
}

/// Sockets of this process, and its resident memory in kilobytes.
fn left_behind() -> (usize, u64) {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let is_socket = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().starts_with("socket"))
    };
    let sockets = descriptors.filter_map(Result::ok).filter(is_socket).count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (sockets, resident.trim().trim_end_matches(" kB").parse().unwrap())
}

async fn soak(streams: usize, seed: u64) {
    let answer = |_: &str, body: &serde_json::Value| {
        Answer::text(text(&question(body.to_string().as_bytes()))).chunked(24)
    };
    let simulator = Simulator::builder()
        .script(Script::new().on_with(When::always(), answer))
        .chaos(Chaos::new(seed, 1.0 / 3.0))
        .start()
        .await
        .unwrap();
    let quick = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let bedrock = Bedrock::builder()
        .region("us-east-1")
        .endpoint_url(simulator.url())
        .credentials("A", "b", None)
        .first_event_timeout(Some(FIRST))
        .idle_timeout(Some(IDLE))
        .retry(quick)
        .build()
        .await
        .unwrap();
    let mut looks = Vec::new();
    let mut ends: HashMap<String, usize> = HashMap::new();
    for batch in 0..streams.div_ceil(BATCH) {
        let permits = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        for number in 0..BATCH.min(streams - batch * BATCH) {
            let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
            let (bedrock, question) = (bedrock.clone(), format!("stream {batch}.{number}"));
            running.spawn(async move {
                let ended = stream(bedrock, question).await;
                drop(permit);
                ended
            });
        }
        let ended = running.join_all().await;
        let received = simulator.received();
        simulator.forget();
        let mut calls: HashMap<String, Vec<&Received>> = HashMap::new();
        for call in &received {
            calls.entry(question(&call.body)).or_default().push(call);
        }
        for (question, outcome) in &ended {
            check(question, outcome, calls.get(question).map_or(&[], Vec::as_slice));
            let end = match outcome {
                Ok(_) => "whole".to_owned(),
                Err(error) => error.kind().to_string(),
            };
            *ends.entry(end).or_default() += 1;
        }
        looks.push(left_behind());
    }
    let mut ends: Vec<_> = ends.into_iter().collect();
    ends.sort();
    println!("{streams} streams of seed {seed}: {ends:?}");
    println!("sockets and resident kB after each {BATCH}: {looks:?}");
    // Over the second half, both are flat.
    let (half, last) = (looks[looks.len() / 2], looks[looks.len() - 1]);
    assert!(last.0 <= half.0.max(AT_ONCE * 4), "sockets are left behind: {looks:?}");
    assert!(last.1 <= half.1 + half.1 / 5, "memory is left behind: {looks:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_ends_in_the_outcome_that_was_caused() {
    soak(600, 20_261_121).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run it by hand"]
async fn twenty_thousand_streams_end_in_the_outcome_that_was_caused() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    soak(20_000, seed).await;
}
