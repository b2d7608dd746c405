//! The HTTP server: requests in, checked, answered.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::answer::{Answer, Block, Content};
use super::auth::{Admission, Auth, Signed, region_of};
use super::body::Steps;
use super::check::{self, Refusal};
use super::connection::{Line, Socket};
use super::control;
use super::fault::{Chaos, Fault};
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
    /// `GET /foundation-models`, of the control plane
    ListFoundationModels,
    /// `GET /inference-profiles`, of the control plane
    ListInferenceProfiles,
    /// `GET /inference-profiles/{id}`, of the control plane
    GetInferenceProfile,
}

/// A request that the simulator received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Received {
    /// The operation.
    pub operation: Operation,
    /// The model id, or that of the inference profile, percent-decoded; empty where all are listed.
    pub model_id: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
    /// What went wrong with its answer on purpose.
    pub fault: Option<Fault>,
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
    chaos: Option<Chaos>,
    refused: Vec<(Operation, Answer)>,
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

    /// What goes wrong at random, with answers whose script has no fault.
    pub fn chaos(mut self, chaos: Chaos) -> Self {
        self.chaos = Some(chaos);
        self
    }

    /// The failure that an operation of the control plane ends with.
    pub fn refuse(mut self, operation: Operation, failure: Answer) -> Self {
        self.refused.push((operation, failure));
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
            auth: Mutex::new(Admission { auth: self.auth, expired: Vec::new() }),
            chaos: self.chaos,
            refused: self.refused,
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
    auth: Mutex<Admission>,
    chaos: Option<Chaos>,
    refused: Vec<(Operation, Answer)>,
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
        #[cfg(feature = "discovery")]
        let builder = builder.control_endpoint_url(self.url());
        let auth = self.state.admission().auth.clone();
        match &auth {
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

    /// Serves `auth` from now on; the key pair that was served before is expired.
    pub fn rotate(&self, auth: Auth) {
        let mut admission = self.state.admission();
        let before = std::mem::replace(&mut admission.auth, auth);
        if let Auth::Signed { access_key_id, .. } = before {
            admission.expired.push(access_key_id);
        }
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
    fn admission(&self) -> std::sync::MutexGuard<'_, Admission> {
        self.auth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, call: Received) {
        let mut received = self.lock();
        if received.len() == KEPT {
            received.pop_front();
        }
        received.push_back(call);
    }

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
        connections.spawn(connection(socket, Arc::clone(&state)));
    }
}

/// Serves one connection, HTTP/1.1 or HTTP/2 as the client begins it.
async fn connection(socket: TcpStream, state: Arc<State>) {
    let line = Arc::new(Line::default());
    let socket = Socket::new(socket, Arc::clone(&line));
    let service = service_fn(|request| {
        let (state, line) = (Arc::clone(&state), Arc::clone(&line));
        async move { Ok::<_, Infallible>(handle(&state, &line, request).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    let mut serving = pin!(server.serve_connection(TokioIo::new(socket), service));
    // A client that goes away is no matter of the simulator's.
    tokio::select! {
        _ = &mut serving => return,
        () = line.closing() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

async fn handle(state: &State, line: &Arc<Line>, request: Request<Incoming>) -> Response<Steps> {
    if line.is_dead() {
        return std::future::pending().await;
    }
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if path == "/ping" {
        return whole(StatusCode::OK, "text/plain", "ok", &[]);
    }
    let Some((operation, model_id)) = route(&head.method, &path) else {
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
    let mut headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    if let Some(authority) = head.uri.authority().filter(|_| !head.headers.contains_key("host")) {
        // HTTP/2 has the host in the address.
        headers.push(("host".to_owned(), authority.to_string()));
    }
    let is_control = !matches!(operation, Operation::Converse | Operation::ConverseStream);
    let admitted = admitted(state, &head, &headers, &body);
    if is_control {
        let listed = admitted.and_then(|()| list(&head, &headers, operation, &model_id));
        let refused = listed.as_ref().err().map(|refusal| refusal.message.clone());
        state.keep(Received { operation, model_id, headers, body, refused, fault: None });
        let failure = state.refused.iter().find(|(refused, _)| *refused == operation);
        return match (listed, failure) {
            (Err(refused), _) => refusal(&refused),
            (Ok(_), Some((_, failure))) => respond(failure.clone(), operation, &Value::Null, 0, line),
            (Ok(listed), None) => whole(StatusCode::OK, "application/json", listed.to_string(), &[]),
        };
    }
    let checked = admitted.and_then(|()| checked(&model_id, &body));
    let answered = checked.map(|json| {
        let number = state.answers.fetch_add(1, Ordering::Relaxed);
        let mut answer = state.script.answer(&model_id, &json, operation == Operation::ConverseStream);
        answer.fault = answer.fault.or_else(|| state.chaos.as_ref().and_then(|chaos| chaos.fault(number)));
        (json, answer, number)
    });
    state.keep(Received {
        operation,
        model_id,
        headers,
        body,
        refused: answered.as_ref().err().map(|refusal| refusal.message.clone()),
        fault: answered.as_ref().ok().and_then(|(_, answer, _)| answer.fault.clone()),
    });
    match answered {
        Err(refused) => refusal(&refused),
        Ok((json, answer, number)) => {
            tokio::time::sleep(answer.head_delay).await;
            match &answer.fault {
                Some(Fault::Hole) => {
                    line.die();
                    std::future::pending().await
                }
                Some(Fault::Refused { status, code, message }) => failure(*status, code, message, &[]),
                Some(Fault::Late(delay)) => {
                    tokio::time::sleep(*delay).await;
                    respond(answer, operation, &json, number, line)
                }
                _ => respond(answer, operation, &json, number, line),
            }
        }
    }
}

/// Whether the caller may call.
fn admitted(
    state: &State,
    head: &http::request::Parts,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<(), Refusal> {
    let host = headers.iter().find(|(name, _)| name == "host").map_or("", |(_, host)| host);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let signed = Signed { method: head.method.as_str(), uri: &format!("http://{host}{path}"), headers, body };
    state.admission().check(&signed)
}

fn checked(model_id: &str, body: &[u8]) -> Result<Value, Refusal> {
    let json: Value = serde_json::from_slice(body).map_err(|error| Refusal {
        status: 400,
        code: "SerializationException",
        message: format!("the body is not JSON: {error}"),
    })?;
    check::check(model_id, &json)?;
    Ok(json)
}

/// The answer of an operation of the control plane.
fn list(
    head: &http::request::Parts,
    headers: &[(String, String)],
    operation: Operation,
    id: &str,
) -> Result<Value, Refusal> {
    let region = region_of(headers);
    match operation {
        Operation::ListFoundationModels => Ok(control::foundation_models(region)),
        Operation::ListInferenceProfiles => {
            control::inference_profiles(region, head.uri.query().unwrap_or_default())
        }
        _ => control::inference_profile(region, id),
    }
}

/// Operation and id of a path.
fn route(method: &http::Method, path: &str) -> Option<(Operation, String)> {
    if method == http::Method::GET {
        return match path {
            "/foundation-models" => Some((Operation::ListFoundationModels, String::new())),
            "/inference-profiles" => Some((Operation::ListInferenceProfiles, String::new())),
            _ => {
                let id = decoded(path.strip_prefix("/inference-profiles/")?)?;
                Some((Operation::GetInferenceProfile, id))
            }
        };
    }
    let (model, operation) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let operation = match operation {
        "converse" => Operation::Converse,
        "converse-stream" => Operation::ConverseStream,
        _ => return None,
    };
    let model = decoded(model)?;
    (method == http::Method::POST && !model.is_empty()).then_some((operation, model))
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_encoding::percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

fn respond(
    answer: Answer,
    operation: Operation,
    body: &Value,
    number: u64,
    line: &Arc<Line>,
) -> Response<Steps> {
    let pause = answer.event_delay;
    let fault = answer.fault.as_ref();
    // A body without a fault comes in one piece, with its length.
    let one_event = |bytes: Vec<u8>| match fault {
        None => Steps::whole(bytes),
        Some(_) => Steps::events(vec![bytes], Duration::ZERO, fault, Arc::clone(line)),
    };
    match &answer.content {
        Content::Failure { status, code, message, headers } => failure(*status, code, message, headers),
        Content::Raw { status, content_type, body } => {
            response(status_of(*status), content_type, one_event(body.clone()), &[])
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
                    let reply = wire::reply(&parts).to_string().into_bytes();
                    response(StatusCode::OK, "application/json", one_event(reply), &[])
                }
                _ => {
                    let events = Steps::events(wire::frames(&parts, *chunk), pause, fault, Arc::clone(line));
                    response(StatusCode::OK, "application/vnd.amazon.eventstream", events, &[])
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
    response(status, content_type, Steps::whole(body), headers)
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
        let mut response = Response::new(Steps::whole(error.to_string()));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
