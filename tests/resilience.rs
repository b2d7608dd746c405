//! What an agent that runs unattended meets: throttles, silence, broken streams, dead connections. Every
//! one ends as a named outcome, in bounded time, with what had arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bedrock_chat::converse::frame::encode;
use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Script, Simulator, When};
use bedrock_chat::{
    AsyncCallbacks, Bedrock, Builder, CallbackResult, Callbacks, CancellationToken, Error, ErrorKind,
    RetryConfig,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MODEL: &str = "us.amazon.nova-lite-v1:0";
const EVENTS: &str = "application/vnd.amazon.eventstream";

fn request() -> ChatRequest {
    ChatRequest::new(MODEL).user("Hi")
}

fn builder(url: impl Into<String>) -> Builder {
    let quick = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    Bedrock::builder().region("us-east-1").endpoint_url(url).credentials("A", "b", None).retry(quick)
}

/// A simulator that gives these answers in turn, the last for ever.
async fn in_turn(answers: Vec<Answer>) -> Simulator {
    let turn = Arc::new(AtomicUsize::new(0));
    let answer = move |_: &str, _: &serde_json::Value| {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        answers[turn.min(answers.len() - 1)].clone()
    };
    let script = Script::new().on_with(When::always(), answer);
    Simulator::builder().script(script).start().await.unwrap()
}

fn event(name: &str, payload: &str, bytes: &mut Vec<u8>) {
    encode(&[(":event-type", name), (":message-type", "event")], payload.as_bytes(), bytes);
}

/// The beginning of an answer: "Par" and no end.
fn beginning() -> Vec<u8> {
    let mut bytes = Vec::new();
    event("messageStart", r#"{"role":"assistant"}"#, &mut bytes);
    event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Par"}}"#, &mut bytes);
    bytes
}

fn exception(kind: &str, text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let headers = [(":exception-type", kind), (":message-type", "exception")];
    encode(&headers, json!({"message": text}).to_string().as_bytes(), &mut bytes);
    bytes
}

async fn streamed(bedrock: &Bedrock) -> Result<String, Error> {
    let stream = bedrock.chat_stream(&request()).await?;
    stream.completion().await.map(|completion| completion.text().to_owned())
}

#[tokio::test]
async fn a_throttle_in_the_first_event_is_repeated_like_one_in_the_head() {
    for kind in [
        "throttlingException",
        "ThrottlingException",
        "serviceUnavailableException",
        "modelStreamErrorException",
    ] {
        let throttled =
            Answer::raw(200, EVENTS, exception(kind, "Too many requests, please wait before trying again."));
        let simulator = in_turn(vec![throttled.clone(), throttled.clone(), Answer::text("Paris.")]).await;
        let bedrock = builder(simulator.url()).build().await.unwrap();
        assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.", "{kind}");
        assert_eq!(simulator.received().len(), 3);
        // Three attempts and no more.
        let simulator = in_turn(vec![throttled]).await;
        let bedrock = builder(simulator.url()).build().await.unwrap();
        let error = streamed(&bedrock).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(simulator.received().len(), 3);
    }
}

#[tokio::test]
async fn what_is_wrong_or_spent_is_not_repeated() {
    let overflow = "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.";
    let daily = "Too many tokens per day, please wait before trying again.";
    for (answer, kind) in [
        (Answer::raw(200, EVENTS, exception("validationException", overflow)), ErrorKind::ContextOverflow),
        (Answer::raw(200, EVENTS, exception("throttlingException", daily)), ErrorKind::QuotaExceeded),
        (Answer::failure(429, "ThrottlingException", daily), ErrorKind::QuotaExceeded),
        (
            Answer::failure(
                400,
                "ValidationException",
                "The guardrail identifier or version provided in the request does not exist.",
            ),
            ErrorKind::InvalidRequest,
        ),
    ] {
        let simulator = in_turn(vec![answer]).await;
        let bedrock = builder(simulator.url()).build().await.unwrap();
        assert_eq!(streamed(&bedrock).await.unwrap_err().kind(), kind);
        assert_eq!(simulator.received().len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn an_error_after_the_first_event_is_not_repeated_and_has_what_came() {
    let mut bytes = beginning();
    bytes.extend(exception("throttlingException", "Too many requests, please wait before trying again."));
    let simulator = in_turn(vec![Answer::raw(200, EVENTS, bytes)]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    let error = streamed(&bedrock).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert_eq!(error.partial().unwrap().text(), "Par");
    assert_eq!(simulator.received().len(), 1);
}

#[tokio::test]
async fn timeouts_that_the_service_reports_are_repeated_by_policy() {
    for (status, code) in
        [(408, "ModelTimeoutException"), (424, "ModelErrorException"), (529, "OverloadedException")]
    {
        for (repeats, calls) in [(true, 2), (false, 1)] {
            let failed = Answer::failure(status, code, "The model failed. Try again.");
            let simulator = in_turn(vec![failed, Answer::text("Paris.")]).await;
            let bedrock = builder(simulator.url()).retry_service_timeouts(repeats).build().await.unwrap();
            let outcome = bedrock.chat(&request()).await;
            assert_eq!(outcome.is_ok(), repeats, "{status}: {outcome:?}");
            assert_eq!(simulator.received().len(), calls, "{status}");
        }
    }
}

#[tokio::test]
async fn a_call_that_is_billed_is_not_repeated_after_a_timeout_unless_it_is_asked_for() {
    for (repeats, calls) in [(false, 1), (true, 2)] {
        let slow = Answer::text("Late.").after(Duration::from_secs(3600));
        let simulator = in_turn(vec![slow, Answer::text("Paris.")]).await;
        let bedrock = builder(simulator.url())
            .attempt_timeout(Duration::from_millis(100))
            .retry_after_timeout(repeats)
            .build()
            .await
            .unwrap();
        let outcome = bedrock.chat(&request()).await;
        assert_eq!(simulator.received().len(), calls);
        match outcome {
            Ok(completion) => assert_eq!((completion.text(), repeats), ("Paris.", true)),
            Err(error) => assert_eq!((error.kind(), repeats), (ErrorKind::Timeout, false), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_timeout_and_the_next_call_goes_through() {
    let silent = Answer::text("Never.").after(Duration::from_secs(3600));
    let simulator = in_turn(vec![silent, Answer::text("Paris.")]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    let impatient = bedrock.first_event_timeout(Some(Duration::from_millis(50)));
    let error = streamed(&impatient).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("no answer came for 50 milliseconds"), "{error}");
    // The region's client went with it: there is none to forget.
    assert!(!bedrock.invalidate("us-east-1"));
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    assert!(bedrock.invalidate("us-east-1"));
}

#[tokio::test]
async fn what_the_service_itself_says_leaves_the_client_alone() {
    let simulator = in_turn(vec![Answer::failure(400, "ValidationException", "No.")]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    assert!(bedrock.chat(&request()).await.is_err());
    assert!(bedrock.invalidate("us-east-1"));
}

#[tokio::test]
async fn a_deadline_ends_an_answer_that_still_comes() {
    let slow = Answer::text("One two three four five six").chunked(2).paced(Duration::from_millis(40));
    let simulator = in_turn(vec![slow]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    let error = streamed(&bedrock.deadline(Some(Duration::from_millis(200)))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("200 milliseconds, the deadline"), "{error}");
    assert!(error.partial().unwrap().text().starts_with("On"));
}

#[tokio::test]
async fn a_token_cancels_a_call_that_waits_and_a_stream_that_comes() {
    let silent = Answer::text("Never.").after(Duration::from_secs(3600));
    let slow = Answer::text("One two three").chunked(2).paced(Duration::from_millis(30));
    for (answer, has_partial) in [(silent, false), (slow, true)] {
        let simulator = in_turn(vec![answer]).await;
        let token = CancellationToken::new();
        let bedrock = builder(simulator.url()).build().await.unwrap().cancelled_by(token.clone());
        let call = tokio::spawn(async move { streamed(&bedrock).await });
        tokio::time::sleep(Duration::from_millis(120)).await;
        token.cancel();
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert_eq!(error.partial().is_some(), has_partial, "{error}");
    }
}

#[tokio::test]
async fn json_under_status_200_is_read_as_the_failure_that_it_is() {
    let body =
        r#"{"__type":"ThrottlingException","message":"Too many requests, please wait before trying again."}"#;
    let simulator = in_turn(vec![Answer::raw(200, "application/json", body), Answer::text("Paris.")]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    // Nothing was given to the caller yet: it is repeated.
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    assert_eq!(simulator.received().len(), 2);
}

#[derive(Default)]
struct Slow {
    text: String,
    panics: bool,
}

impl AsyncCallbacks for Slow {
    async fn on_text_delta(&mut self, text: &str) -> CallbackResult {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.text.push_str(text);
        Ok(())
    }

    fn wants_text_beside_calls(&self) -> bool {
        true
    }
}

impl Callbacks for Slow {
    fn on_text_delta(&mut self, text: &str) -> CallbackResult {
        assert!(!self.panics, "the terminal is gone");
        self.text.push_str(text);
        Ok(())
    }
}

#[tokio::test]
async fn callbacks_may_wait_and_hear_all_the_text_where_they_want_it() {
    let simulator = in_turn(vec![Answer::text("Before.").then_call("look", "{}").then_text("After.")]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    let mut slow = Slow::default();
    // Slower than the idle limit, which counts the service's silence alone.
    let stream = bedrock.idle_timeout(Some(Duration::from_millis(4))).chat_stream(&request()).await.unwrap();
    stream.drive_async(&mut slow).await.unwrap();
    assert_eq!(slow.text, "Before.\nAfter.");
}

#[tokio::test]
async fn a_callback_that_panics_leaves_the_client_as_it_was() {
    let simulator = in_turn(vec![Answer::text("Paris.")]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    let stream = bedrock.chat_stream(&request()).await.unwrap();
    let driven = tokio::spawn(async move {
        let mut callbacks = Slow { panics: true, ..Slow::default() };
        stream.drive(&mut callbacks).await.map(drop)
    });
    assert!(driven.await.unwrap_err().is_panic());
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
}

/// How a server by hand ends its answer.
#[derive(Debug, Clone, Copy)]
enum End {
    /// With a clean last chunk.
    Clean,
    /// With the socket closed inside the chunked body.
    Closed,
    /// With a reset.
    Reset,
    /// Short of its content-length.
    Short,
    /// With the socket closed, and no length or chunks that would tell an end from a failure.
    Unframed,
}

/// A server that answers one stream with these bytes.
async fn by_hand(body: Vec<u8>, end: End) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let body = body.clone();
            tokio::spawn(async move { answer_by_hand(socket, &body, end).await });
        }
    });
    url
}

async fn answer_by_hand(mut socket: TcpStream, body: &[u8], end: End) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    let _ = socket.read(&mut request).await?;
    let framing = match end {
        End::Short => format!("content-length: {}", body.len() + 100),
        End::Unframed => "connection: close".to_owned(),
        End::Clean | End::Closed | End::Reset => "transfer-encoding: chunked".to_owned(),
    };
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}\r\nx-amzn-requestid: r-1\r\n{framing}\r\n\r\n");
    socket.write_all(head.as_bytes()).await?;
    match end {
        End::Short | End::Unframed => socket.write_all(body).await?,
        End::Clean | End::Closed | End::Reset => {
            if !body.is_empty() {
                socket.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await?;
                socket.write_all(body).await?;
                socket.write_all(b"\r\n").await?;
            }
        }
    }
    if let End::Clean = end {
        socket.write_all(b"0\r\n\r\n").await?;
    }
    socket.flush().await?;
    // What was written is to arrive before the end does.
    tokio::time::sleep(Duration::from_millis(50)).await;
    if let End::Reset = end {
        socket.set_zero_linger()?;
    }
    Ok(())
}

#[tokio::test]
async fn every_broken_end_has_a_name_and_what_had_arrived() {
    let whole = {
        let mut bytes = beginning();
        event("contentBlockStop", r#"{"contentBlockIndex":0}"#, &mut bytes);
        event("messageStop", r#"{"stopReason":"end_turn"}"#, &mut bytes);
        bytes
    };
    let damaged = |at: usize| {
        let mut bytes = beginning();
        bytes.extend(exception("throttlingException", "never read"));
        bytes[at] ^= 1;
        bytes
    };
    let mut oversized = beginning();
    oversized.extend([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    for (what, body, end, kind) in [
        ("a clean end without messageStop", beginning(), End::Clean, ErrorKind::StreamTruncated),
        (
            "half a frame and a clean end",
            whole[..whole.len() - 7].to_vec(),
            End::Clean,
            ErrorKind::StreamTruncated,
        ),
        (
            "the end of the connection as the end of the body",
            beginning(),
            End::Unframed,
            ErrorKind::StreamTruncated,
        ),
        ("the socket closed in the body", beginning(), End::Closed, ErrorKind::Connection),
        ("a reset", beginning(), End::Reset, ErrorKind::Connection),
        ("fewer bytes than announced", beginning(), End::Short, ErrorKind::Connection),
        ("a wrong checksum", damaged(beginning().len() + 40), End::Clean, ErrorKind::Connection),
        ("an oversized frame", oversized, End::Clean, ErrorKind::Connection),
        ("whole, and the socket closed in the body", whole.clone(), End::Closed, ErrorKind::Connection),
    ] {
        let bedrock = builder(by_hand(body, end).await).build().await.unwrap();
        let error = streamed(&bedrock).await.expect_err(what);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert_eq!(error.partial().unwrap().text(), "Par", "{what}");
        assert_eq!(error.request_id(), Some("r-1"), "{what}");
        assert_eq!(error.region(), Some("us-east-1"), "{what}");
    }
    let empty = builder(by_hand(Vec::new(), End::Clean).await).build().await.unwrap();
    assert_eq!(streamed(&empty).await.unwrap_err().kind(), ErrorKind::StreamTruncated);
    let healthy = builder(by_hand(whole, End::Clean).await).build().await.unwrap();
    assert_eq!(streamed(&healthy).await.unwrap(), "Par");
}

/// What a connection does that had been fine.
#[derive(Debug, Clone, Copy)]
enum Stale {
    /// It is closed as the request arrives.
    Closed,
    /// It is reset as the request arrives.
    Reset,
    /// It stays open and never answers.
    Hole,
}

/// A server whose first connection answers once, and is stale then; the later ones answer.
async fn going_stale(stale: Stale) -> String {
    let mut whole = beginning();
    event("messageStop", r#"{"stopReason":"end_turn"}"#, &mut whole);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        let whole = Arc::new(whole);
        let kept = Arc::clone(&whole);
        tokio::spawn(async move {
            answer_and_keep(&mut first, &kept).await.unwrap();
            let mut request = vec![0; 64 * 1024];
            let _ = first.read(&mut request).await;
            match stale {
                Stale::Closed => {}
                Stale::Reset => first.set_zero_linger().unwrap(),
                Stale::Hole => std::future::pending().await,
            }
        });
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let whole = Arc::clone(&whole);
            tokio::spawn(async move { while answer_and_keep(&mut socket, &whole).await.is_ok() {} });
        }
    });
    url
}

/// Answers one request and keeps the connection.
async fn answer_and_keep(socket: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    if socket.read(&mut request).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}\r\ncontent-length: {length}\r\n\r\n");
    socket.write_all(&[head.as_bytes(), body].concat()).await
}

#[tokio::test]
async fn a_connection_that_went_stale_costs_one_attempt_or_one_call() {
    for stale in [Stale::Closed, Stale::Reset, Stale::Hole] {
        // With repeats, the caller does not notice.
        let bedrock = builder(going_stale(stale).await)
            .attempt_timeout(Duration::from_millis(200))
            .build()
            .await
            .unwrap();
        assert_eq!(streamed(&bedrock).await.unwrap(), "Par");
        assert_eq!(streamed(&bedrock).await.unwrap(), "Par", "{stale:?}");
        // Without, the region's client goes with the call, and the next one is fine.
        let bedrock = builder(going_stale(stale).await)
            .retry(RetryConfig::disabled())
            .first_event_timeout(Some(Duration::from_millis(200)))
            .build()
            .await
            .unwrap();
        assert_eq!(streamed(&bedrock).await.unwrap(), "Par");
        let error = streamed(&bedrock).await.unwrap_err();
        let kind = if let Stale::Hole = stale { ErrorKind::Timeout } else { ErrorKind::Connection };
        assert_eq!(error.kind(), kind, "{stale:?}: {error}");
        assert!(!bedrock.invalidate("us-east-1"), "{stale:?}: the client stayed");
        assert_eq!(streamed(&bedrock).await.unwrap(), "Par", "{stale:?}");
    }
}

/// How a caller leaves a stream that has begun.
#[derive(Debug, Clone, Copy)]
enum Leaving {
    Dropping,
    Cancelling,
}

#[tokio::test]
async fn a_stream_that_is_left_frees_its_connection() {
    for leaving in [Leaving::Dropping, Leaving::Cancelling] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 64 * 1024];
            let _ = socket.read(&mut buffer).await.unwrap();
            let body = beginning();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}\r\ncontent-length: 100000\r\n\r\n");
            socket.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
            // Until the client has gone.
            assert!(matches!(socket.read(&mut buffer).await, Ok(0) | Err(_)));
            std::time::Instant::now()
        });
        let token = CancellationToken::new();
        let bedrock = builder(url).build().await.unwrap().cancelled_by(token.clone());
        let mut stream = bedrock.chat_stream(&request()).await.unwrap();
        stream.next().await.unwrap().unwrap();
        stream.next().await.unwrap().unwrap();
        let (reading, left) = match leaving {
            Leaving::Dropping => {
                let left = std::time::Instant::now();
                drop(stream);
                (None, left)
            }
            Leaving::Cancelling => {
                let reading = tokio::spawn(async move { stream.next().await.unwrap().unwrap_err() });
                tokio::task::yield_now().await;
                let left = std::time::Instant::now();
                token.cancel();
                (Some(reading), left)
            }
        };
        let closed =
            tokio::time::timeout(Duration::from_secs(30), server).await.expect("it stays open").unwrap();
        println!("{leaving:?}: closed after {:?}", closed - left);
        if let Some(reading) = reading {
            let error = reading.await.unwrap();
            assert_eq!(error.kind(), ErrorKind::Interrupted);
            assert_eq!(error.partial().unwrap().text(), "Par");
        }
    }
}

#[tokio::test]
async fn a_late_failure_leaves_the_client_that_came_after_its_own() {
    use bedrock_chat::sim::Fault;
    let hole = || Answer::text("Never.").with_fault(Fault::Hole);
    let simulator = in_turn(vec![hole(), hole(), Answer::text("Paris.")]).await;
    let bedrock = builder(simulator.url()).build().await.unwrap();
    let patient = bedrock.first_event_timeout(Some(Duration::from_millis(1500)));
    let late = tokio::spawn(async move { streamed(&patient).await });
    while simulator.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let impatient = bedrock.first_event_timeout(Some(Duration::from_millis(100)));
    assert_eq!(streamed(&impatient).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    assert_eq!(late.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    assert!(bedrock.invalidate("us-east-1"), "the new client went with the old one's failure");
}
