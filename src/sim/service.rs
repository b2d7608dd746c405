//! One request: admitted, checked, kept, answered.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use super::answer::Answer;
use super::auth::{Admission, Signed, region_of};
use super::body::Steps;
use super::check::{self, Refusal};
use super::connection::Line;
use super::control;
use super::fault::{Chaos, Fault};
use super::received::{Operation, Received};
use super::response::{failure, refusal, respond, whole};
use super::rule::Script;

/// How many requests are kept for [`Simulator::received`]; the oldest go first.
const KEPT: usize = 10_000;
/// The largest body that is read. The service refuses above 32 million bytes for Claude, as too
/// long an input.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// What the simulator answers from.
#[derive(Debug)]
pub(super) struct State {
    pub(super) script: Script,
    pub(super) auth: Mutex<Admission>,
    pub(super) chaos: Option<Chaos>,
    pub(super) refused: Vec<(Operation, Answer)>,
    pub(super) received: Mutex<VecDeque<Received>>,
    pub(super) answers: AtomicU64,
}

impl State {
    pub(super) fn admission(&self) -> std::sync::MutexGuard<'_, Admission> {
        self.auth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, call: Received) {
        let mut received = self.lock();
        if received.len() == KEPT {
            received.pop_front();
        }
        received.push_back(call);
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn handle(state: &State, line: &Arc<Line>, request: Request<Incoming>) -> Response<Steps> {
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
            (Ok(_), Some((_, failure))) => {
                tokio::time::sleep(failure.head_delay).await;
                respond(failure.clone(), operation, &Value::Null, 0, line)
            }
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
