//! What a call says of itself to whoever listens: one span, with OpenTelemetry's names for generative AI,
//! and nothing of what was said.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Fault, Script, Simulator, When};
use bedrock_chat::{Bedrock, RetryConfig};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

const MODEL: &str = "us.amazon.nova-lite-v1:0";

/// Field by field, as text.
type Fields = BTreeMap<String, String>;

struct Reading<'a>(&'a mut Fields);

impl Visit for Reading<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

/// Keeps spans and events of this crate.
#[derive(Clone, Default)]
struct Listener {
    spans: Arc<Mutex<BTreeMap<u64, Fields>>>,
    events: Arc<Mutex<Vec<Fields>>>,
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _context: Context<'_, S>) {
        if attributes.metadata().target().starts_with("bedrock_chat") {
            let mut fields = Fields::new();
            attributes.record(&mut Reading(&mut fields));
            self.spans.lock().unwrap().insert(id.into_u64(), fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        if let Some(fields) = self.spans.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(&mut Reading(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target().starts_with("bedrock_chat") {
            let mut fields = Fields::from([("level".to_owned(), event.metadata().level().to_string())]);
            event.record(&mut Reading(&mut fields));
            self.events.lock().unwrap().push(fields);
        }
    }
}

impl Listener {
    fn start() -> (Self, DefaultGuard) {
        let listener = Listener::default();
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(listener.clone()));
        (listener, guard)
    }

    /// The one span there is.
    fn span(&self) -> Fields {
        let spans = self.spans.lock().unwrap();
        assert_eq!(spans.len(), 1, "{spans:?}");
        let span = spans.values().next().unwrap().clone();
        for said in ["secret question", "secret answer"] {
            assert!(!format!("{span:?} {:?}", self.events.lock().unwrap()).contains(said), "{span:?}");
        }
        span
    }
}

fn request() -> ChatRequest {
    ChatRequest::new(MODEL).user("secret question")
}

async fn simulator(answer: Answer) -> (Simulator, Bedrock) {
    let simulator =
        Simulator::builder().script(Script::new().on(When::always(), answer)).start().await.unwrap();
    let bedrock = Bedrock::builder()
        .region("us-east-1")
        .endpoint_url(simulator.url())
        .credentials("A", "b", None)
        .retry(RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)))
        .build()
        .await
        .unwrap();
    (simulator, bedrock)
}

fn has(span: &Fields, expected: &[(&str, &str)]) {
    for (field, value) in expected {
        assert_eq!(span.get(*field).map(String::as_str), Some(*value), "{field} of {span:?}");
    }
}

#[tokio::test]
async fn a_call_has_a_span_of_the_conventions_names() {
    let (_simulator, bedrock) = simulator(Answer::text("secret answer").usage(12, 3)).await;
    let (listener, _guard) = Listener::start();
    let mut asked = request();
    asked.max_completion_tokens = Some(100);
    asked.temperature = Some(0.5);
    let completion = bedrock.chat(&asked).await.unwrap();
    has(
        &listener.span(),
        &[
            ("otel.kind", "client"),
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "aws.bedrock"),
            ("gen_ai.request.model", MODEL),
            ("gen_ai.request.max_tokens", "100"),
            ("gen_ai.request.temperature", "0.5"),
            ("gen_ai.request.stream", "false"),
            ("cloud.region", "us-east-1"),
            ("gen_ai.response.id", &completion.id),
            ("gen_ai.response.finish_reasons", "stop"),
            ("gen_ai.usage.input_tokens", "12"),
            ("gen_ai.usage.output_tokens", "3"),
            ("http.request.resend_count", "0"),
        ],
    );
    assert!(!listener.span().contains_key("error.type"));
}

#[tokio::test]
async fn a_stream_has_its_events_and_the_time_to_the_first() {
    let (_simulator, bedrock) = simulator(Answer::text("secret answer").usage(12, 3)).await;
    let (listener, _guard) = Listener::start();
    let mut stream = bedrock.chat_stream(&request()).await.unwrap();
    while let Some(chunk) = stream.next().await {
        chunk.unwrap();
    }
    let span = listener.span();
    has(
        &span,
        &[
            ("gen_ai.request.stream", "true"),
            // messageStart, a delta, contentBlockStop, messageStop, metadata
            ("bedrock.stream.events", "5"),
            ("gen_ai.usage.output_tokens", "3"),
            ("gen_ai.response.finish_reasons", "stop"),
        ],
    );
    let first: f64 = span["gen_ai.response.time_to_first_chunk"].parse().unwrap();
    assert!(first > 0.0, "{first}");
}

#[tokio::test]
async fn a_failure_has_its_kind_and_the_attempts_that_were_made() {
    let throttled = Fault::Refused {
        status: 429,
        code: "ThrottlingException".into(),
        message: "Too many requests, please wait before trying again.".into(),
    };
    let (_simulator, bedrock) = simulator(Answer::text("secret answer").with_fault(throttled)).await;
    let (listener, _guard) = Listener::start();
    let error = bedrock.chat(&request()).await.unwrap_err();
    let id = error.request_id().unwrap();
    has(
        &listener.span(),
        &[("error.type", "rate_limit"), ("http.request.resend_count", "2"), ("aws.request_id", id)],
    );
}

#[tokio::test]
async fn a_stream_that_breaks_or_is_dropped_says_so() {
    let broken = Answer::text("secret answer").with_fault(Fault::WithoutStop);
    let (_simulator, bedrock) = simulator(broken).await;
    let (listener, guard) = Listener::start();
    let stream = bedrock.chat_stream(&request()).await.unwrap();
    stream.completion().await.unwrap_err();
    has(&listener.span(), &[("error.type", "stream_truncated"), ("bedrock.stream.events", "3")]);
    drop(guard);
    let (listener, _guard) = Listener::start();
    let mut stream = bedrock.chat_stream(&request()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    has(&listener.span(), &[("error.type", "dropped")]);
}

#[tokio::test]
async fn calls_that_fail_together_drop_the_client_once_and_warn_of_it_once() {
    // All reach the hole over connections of their own, and give up together.
    let (simulator, bedrock) = simulator(Answer::text("secret answer").with_fault(Fault::Hole)).await;
    let impatient = bedrock.first_event_timeout(Some(std::time::Duration::from_millis(200)));
    let (listener, _guard) = Listener::start();
    let request = request();
    let calls = (0..8).map(|_| impatient.chat(&request));
    for outcome in futures_util::future::join_all(calls).await {
        assert!(outcome.unwrap_err().is_retryable());
    }
    assert_eq!(simulator.received().len(), 8);
    let events = listener.events.lock().unwrap();
    let warnings: Vec<&Fields> = events.iter().filter(|event| event["level"] == "WARN").collect();
    assert_eq!(warnings.len(), 1, "{events:?}");
    has(warnings[0], &[("region", "us-east-1"), ("model", MODEL), ("kind", "timeout")]);
}
