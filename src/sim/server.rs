//! The HTTP server: requests in, checked, answered.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::answer::{Answer, Block, Content};
use super::auth::{Auth, Signed};
use super::check::{self, Refusal};
use super::rule::Script;
use super::wire::{self, Parts};
use crate::client::Bedrock;
use crate::error::Error;

/// How many requests are kept for [`Simulator::received`]; the oldest go first.
const KEPT: usize = 10_000;
/// The largest body that is read. The service refuses above 32 million bytes for Claude, as too
/// long an input.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Which operation was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// `POST /model/{id}/converse`
    Converse,
    /// `POST /model/{id}/converse-stream`
    ConverseStream,
}

/// A request that the simulator received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Received {
    /// The operation.
    pub operation: Operation,
    /// The model id, percent-decoded.
    pub model_id: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
}

impl Received {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Settings of a simulator.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Builder {
    script: Script,
    auth: Auth,
    port: u16,
}

impl Builder {
    /// What it answers.
    pub fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    /// Whom it serves.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// The port on 127.0.0.1; otherwise one that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts it on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the port cannot be had.
    pub async fn start(self) -> io::Result<Simulator> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            script: self.script,
            auth: self.auth,
            received: Mutex::default(),
            answers: AtomicU64::new(0),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Simulator { address, state, task })
    }
}

/// A local Bedrock. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    script: Script,
    auth: Auth,
    received: Mutex<VecDeque<Received>>,
    answers: AtomicU64,
}

impl Simulator {
    /// Starts a simulator with the default answers, for everyone, on a free port.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Builder::default().start().await
    }

    /// A simulator with settings of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its address, such as `http://127.0.0.1:41234`: the endpoint URL for any AWS SDK.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that talks to it, with credentials that it takes.
    ///
    /// # Errors
    ///
    /// As for [`Builder::build`](crate::Builder::build).
    pub async fn bedrock(&self) -> Result<Bedrock, Error> {
        let builder = Bedrock::builder().region("us-east-1").endpoint_url(self.url());
        match &self.state.auth {
            Auth::Anyone => builder.credentials("SIMULATED", "simulated", None),
            Auth::Signed { access_key_id, secret_access_key } => {
                builder.credentials(access_key_id, secret_access_key, None)
            }
            Auth::ApiKey(key) => builder.api_key(key),
        }
        .build()
        .await
    }

    /// The requests so far, oldest first; at most the last 10,000.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().iter().cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.state.lock().clear();
    }

    /// Serves until the process ends.
    pub async fn serve(mut self) {
        // The task ends only when it is aborted, or panics, which is over either way.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    // Connections end with the simulator.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of sockets: wait until some are given back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let _ = socket.set_nodelay(true);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(handle(&state, request).await) }
            });
            // A client that goes away is no matter of the simulator's.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

async fn handle(state: &State, request: Request<Incoming>) -> Response<Steps> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if path == "/ping" {
        return whole(StatusCode::OK, "text/plain", "ok", &[]);
    }
    let Some((operation, model_id)) = route(&path).filter(|_| head.method == http::Method::POST) else {
        return refusal(&Refusal {
            status: 404,
            code: "UnknownOperationException",
            message: format!("{} {path} is no operation of the simulator", head.method),
        });
    };
    let Ok(body) = http_body_util::Limited::new(body, MAX_BODY).collect().await else {
        return refusal(&Refusal::validation("Input is too long for requested model."));
    };
    let body = body.to_bytes();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let checked = checked(state, &head, &headers, &model_id, &body);
    {
        let mut received = state.lock();
        if received.len() == KEPT {
            received.pop_front();
        }
        received.push_back(Received {
            operation,
            model_id: model_id.clone(),
            headers,
            body,
            refused: checked.as_ref().err().map(|refusal| refusal.message.clone()),
        });
    }
    match checked {
        Err(refused) => refusal(&refused),
        Ok(body) => {
            let answer = state.script.answer(&model_id, &body, operation == Operation::ConverseStream);
            tokio::time::sleep(answer.head_delay).await;
            let number = state.answers.fetch_add(1, Ordering::Relaxed);
            respond(answer, operation, &body, number)
        }
    }
}

fn checked(
    state: &State,
    head: &http::request::Parts,
    headers: &[(String, String)],
    model_id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    state.auth.check(&Signed {
        method: head.method.as_str(),
        uri: &format!("http://{host}{}", head.uri),
        headers,
        body,
    })?;
    let json: Value = serde_json::from_slice(body).map_err(|error| Refusal {
        status: 400,
        code: "SerializationException",
        message: format!("the body is not JSON: {error}"),
    })?;
    check::check(model_id, &json)?;
    Ok(json)
}

/// Operation and model id of a path.
fn route(path: &str) -> Option<(Operation, String)> {
    let rest = path.strip_prefix("/model/")?;
    let (model, operation) = rest.rsplit_once('/')?;
    let operation = match operation {
        "converse" => Operation::Converse,
        "converse-stream" => Operation::ConverseStream,
        _ => return None,
    };
    let model = percent_encoding::percent_decode_str(model).decode_utf8().ok()?;
    (!model.is_empty()).then(|| (operation, model.into_owned()))
}

fn respond(answer: Answer, operation: Operation, body: &Value, number: u64) -> Response<Steps> {
    match &answer.content {
        Content::Failure { status, code, message, headers } => failure(*status, code, message, headers),
        Content::Raw { status, content_type, body } => {
            whole(status_of(*status), content_type, body.clone(), &[])
        }
        Content::Blocks { blocks, stop_reason, usage, extra, chunk } => {
            let calls = blocks.iter().any(|block| matches!(block, Block::ToolUse { kind: None, .. }));
            let parts = Parts {
                blocks,
                stop_reason: stop_reason.as_deref().unwrap_or(if calls { "tool_use" } else { "end_turn" }),
                usage: usage.clone().unwrap_or_else(|| estimate(body, blocks)),
                extra,
                number,
            };
            match operation {
                Operation::Converse => {
                    whole(StatusCode::OK, "application/json", wire::reply(&parts).to_string(), &[])
                }
                Operation::ConverseStream => {
                    let delay = answer.event_delay;
                    let frames = wire::frames(&parts, *chunk);
                    let steps = frames.into_iter().flat_map(|frame| {
                        let wait = (!delay.is_zero()).then_some(Step::Wait(delay));
                        wait.into_iter().chain([Step::Bytes(frame.into())])
                    });
                    response(
                        StatusCode::OK,
                        "application/vnd.amazon.eventstream",
                        Steps::new(steps.collect()),
                        &[],
                    )
                }
            }
        }
    }
}

/// Four characters to a token.
fn estimate(body: &Value, blocks: &[Block]) -> Value {
    let input = body.to_string().len().div_ceil(4);
    let output = blocks.iter().map(|block| match block {
        Block::Text(text) | Block::Reasoning { text, .. } | Block::Redacted(text) => text.len(),
        Block::ToolUse { name, input, .. } => name.len() + input.len(),
        Block::Raw(raw) => raw.get().len(),
    });
    let output = output.sum::<usize>().div_ceil(4);
    json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output})
}

fn refusal(refusal: &Refusal) -> Response<Steps> {
    failure(refusal.status, refusal.code, &refusal.message, &[])
}

fn failure(status: u16, code: &str, message: &str, headers: &[(String, String)]) -> Response<Steps> {
    let mut all = vec![(
        "x-amzn-errortype".to_owned(),
        format!("{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"),
    )];
    all.extend_from_slice(headers);
    let body = json!({"message": message}).to_string();
    whole(status_of(status), "application/json", body, &all)
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn whole(
    status: StatusCode,
    content_type: &str,
    body: impl Into<Bytes>,
    headers: &[(String, String)],
) -> Response<Steps> {
    let steps = VecDeque::from([Step::Bytes(body.into())]);
    response(status, content_type, Steps::new(steps), headers)
}

fn response(
    status: StatusCode,
    content_type: &str,
    body: Steps,
    headers: &[(String, String)],
) -> Response<Steps> {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let mut response = Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-amzn-requestid", format!("00000000-0000-4000-8000-{number:012}"));
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).unwrap_or_else(|error| {
        // A header of the script is not of a header's form.
        let mut response = Response::new(Steps::new(VecDeque::from([Step::Bytes(error.to_string().into())])));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// What a body does next.
enum Step {
    Bytes(Bytes),
    Wait(Duration),
}

/// A body of steps.
struct Steps {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Steps {
    fn new(steps: VecDeque<Step>) -> Self {
        Steps { steps, sleep: None }
    }
}

impl Body for Steps {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            match self.steps.pop_front() {
                Some(Step::Bytes(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Wait(delay)) => self.sleep = Some(Box::pin(tokio::time::sleep(delay))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.sleep.is_none()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        // Only a body of one piece has a content-length; streams are chunked, as the service's are.
        match (self.steps.len(), self.steps.front()) {
            (1, Some(Step::Bytes(bytes))) => http_body::SizeHint::with_exact(bytes.len() as u64),
            _ => http_body::SizeHint::default(),
        }
    }
}
