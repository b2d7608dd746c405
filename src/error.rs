//! The one error of the crate: what went wrong, and what to do.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::json::Json;
use crate::openai::{ChatCompletion, ErrorBody, ErrorObject};

mod classify;

pub(crate) use classify::bare_code;
pub use classify::{Classified, classify};

/// What went wrong, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The conversation does not fit the model: shorten it.
    ContextOverflow,
    /// Too much in too little time: wait and retry.
    RateLimit,
    /// A quota is spent: retrying does not help before it renews.
    QuotaExceeded,
    /// The service or the model is overloaded or failed: wait and retry.
    Overloaded,
    /// There are no credentials, or they are expired or wrong: renew them.
    Credentials,
    /// The credentials are good but may not do this: ask for access.
    AccessDenied,
    /// The model does not exist here, or not any more: use another id.
    ModelNotFound,
    /// The model lacks a feature that was asked for: leave it out.
    Unsupported,
    /// The request is wrong: correct the member it names.
    InvalidRequest,
    /// The model wrote something that cannot be used: try again.
    ModelOutput,
    /// The connection failed: retry.
    Connection,
    /// No answer came in time: retry; a call that is not streamed may have been billed.
    Timeout,
    /// The stream ended before the answer did: the partial answer is all there is.
    StreamTruncated,
    /// The stream fell silent: the partial answer is all there is.
    StreamStalled,
    /// The caller stopped it.
    Interrupted,
    /// Something else.
    Unknown,
}

impl ErrorKind {
    /// The kind's name in snake case, such as `context_overflow`.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::ContextOverflow => "context_overflow",
            ErrorKind::RateLimit => "rate_limit",
            ErrorKind::QuotaExceeded => "quota_exceeded",
            ErrorKind::Overloaded => "overloaded",
            ErrorKind::Credentials => "credentials",
            ErrorKind::AccessDenied => "access_denied",
            ErrorKind::ModelNotFound => "model_not_found",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::InvalidRequest => "invalid_request",
            ErrorKind::ModelOutput => "model_output",
            ErrorKind::Connection => "connection",
            ErrorKind::Timeout => "timeout",
            ErrorKind::StreamTruncated => "stream_truncated",
            ErrorKind::StreamStalled => "stream_stalled",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Unknown => "unknown",
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn is_retryable(self) -> bool {
        match self {
            ErrorKind::RateLimit
            | ErrorKind::Overloaded
            | ErrorKind::ModelOutput
            | ErrorKind::Connection
            | ErrorKind::Timeout
            | ErrorKind::StreamTruncated
            | ErrorKind::StreamStalled => true,
            ErrorKind::ContextOverflow
            | ErrorKind::QuotaExceeded
            | ErrorKind::Credentials
            | ErrorKind::AccessDenied
            | ErrorKind::ModelNotFound
            | ErrorKind::Unsupported
            | ErrorKind::InvalidRequest
            | ErrorKind::Interrupted
            | ErrorKind::Unknown => false,
        }
    }

    /// The HTTP status under which an OpenAI-compatible endpoint reports the kind.
    pub fn http_status(self) -> u16 {
        match self {
            ErrorKind::ContextOverflow | ErrorKind::Unsupported | ErrorKind::InvalidRequest => 400,
            ErrorKind::Credentials => 401,
            ErrorKind::AccessDenied => 403,
            ErrorKind::ModelNotFound => 404,
            ErrorKind::RateLimit | ErrorKind::QuotaExceeded => 429,
            ErrorKind::Interrupted => 499,
            ErrorKind::Unknown => 500,
            ErrorKind::ModelOutput
            | ErrorKind::Connection
            | ErrorKind::StreamTruncated
            | ErrorKind::StreamStalled => 502,
            ErrorKind::Overloaded => 503,
            ErrorKind::Timeout => 504,
        }
    }

    /// OpenAI's `type` and `code` for the kind.
    fn openai(self) -> (&'static str, &'static str) {
        match self {
            ErrorKind::ContextOverflow => ("invalid_request_error", "context_length_exceeded"),
            ErrorKind::RateLimit => ("rate_limit_error", "rate_limit_exceeded"),
            ErrorKind::QuotaExceeded => ("insufficient_quota", "insufficient_quota"),
            ErrorKind::Credentials => ("authentication_error", "invalid_api_key"),
            ErrorKind::AccessDenied => ("permission_error", "permission_denied"),
            ErrorKind::ModelNotFound => ("invalid_request_error", "model_not_found"),
            ErrorKind::Unsupported => ("invalid_request_error", "unsupported"),
            ErrorKind::InvalidRequest => ("invalid_request_error", "invalid_request"),
            ErrorKind::Overloaded => ("server_error", "overloaded"),
            ErrorKind::ModelOutput => ("server_error", "model_output"),
            ErrorKind::Connection => ("server_error", "connection"),
            ErrorKind::Timeout => ("server_error", "timeout"),
            ErrorKind::StreamTruncated => ("server_error", "stream_truncated"),
            ErrorKind::StreamStalled => ("server_error", "stream_stalled"),
            ErrorKind::Interrupted => ("server_error", "interrupted"),
            ErrorKind::Unknown => ("server_error", "unknown"),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong, and what to do: [`kind`](Error::kind) for code, the text for people.
///
/// It is the size of a pointer. Neither `Display` nor `Debug` shows what the model wrote or a
/// credential; [`partial`](Error::partial) has what had arrived of the answer.
pub struct Error(Box<Inner>);

#[derive(Default)]
struct Inner {
    kind: Option<ErrorKind>,
    message: String,
    advice: Option<Cow<'static, str>>,
    field: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    region: Option<String>,
    model: Option<String>,
    tokens_used: Option<u64>,
    token_limit: Option<u64>,
    max_tokens_limit: Option<u64>,
    partial: Option<Box<ChatCompletion>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind: Some(kind), message: message.into(), ..Inner::default() }))
    }

    /// A request that is wrong in the member `field`, given as a path such as
    /// `messages[3].content[1].image_url.url`.
    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidRequest, message).with_field(field)
    }

    /// A request that asks for something that cannot be had on Bedrock.
    pub(crate) fn unsupported(field: impl Into<String>, message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unsupported, message).with_field(field)
    }

    /// A failure that the service reported.
    pub(crate) fn from_service(code: Option<&str>, status: Option<u16>, message: &str) -> Self {
        let found = classify(code, status, message);
        let message = match (message.trim(), code) {
            ("", Some(code)) => format!("the service answered {code} and no text"),
            ("", None) => "the service answered with an error and no text".to_owned(),
            (text, _) => text.to_owned(),
        };
        let mut error = Error::new(found.kind, message);
        error.0.advice = Some(found.advice.into());
        error.0.status = status;
        error.0.code = code.map(|code| bare_code(code).to_owned());
        error.0.tokens_used = found.tokens_used;
        error.0.token_limit = found.token_limit;
        error.0.max_tokens_limit = found.max_tokens_limit;
        error
    }

    /// Says after how many events of a stream it happened.
    pub(crate) fn after(mut self, events: u64) -> Self {
        self.0.message = format!("{}, after {events} events", self.0.message);
        self
    }

    pub(crate) fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    pub(crate) fn with_advice(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    pub(crate) fn with_status(mut self, status: Option<u16>) -> Self {
        self.0.status = status;
        self
    }

    pub(crate) fn with_request_id(mut self, id: Option<String>) -> Self {
        self.0.request_id = id;
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    pub(crate) fn at(mut self, region: &str, model: &str) -> Self {
        self.0.region = Some(region.to_owned());
        self.0.model = Some(model.to_owned());
        self
    }

    /// Of a call that is about no model.
    #[cfg(feature = "discovery")]
    pub(crate) fn in_region(mut self, region: &str) -> Self {
        self.0.region = Some(region.to_owned());
        self
    }

    pub(crate) fn with_partial(mut self, partial: ChatCompletion) -> Self {
        self.0.partial = Some(Box::new(partial));
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong, in one word.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Unknown)
    }

    /// What happened: the service's own text where it gave one.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do, where more can be said than the kind does.
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// The member of the request that is to blame, such as `messages[3].content[1].image_url.url`.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// How long the service asks to wait (`x-amz-retry-after`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The HTTP status of the service's answer; 200 for an exception inside a stream.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The exception's name as the service spells it.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The service's id of the call.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The region of the call.
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// The model of the call.
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// Tokens of the request, where the service says.
    pub fn tokens_used(&self) -> Option<u64> {
        self.0.tokens_used
    }

    /// The limit of tokens that was passed, where the service says.
    pub fn token_limit(&self) -> Option<u64> {
        self.0.token_limit
    }

    /// The largest `max_tokens` that would be taken, where the service says.
    pub fn max_tokens_limit(&self) -> Option<u64> {
        self.0.max_tokens_limit
    }

    /// What had arrived of the answer. Its `finish_reason` is `None`, and its last tool call may be
    /// cut: none of it is proved complete.
    pub fn partial(&self) -> Option<&ChatCompletion> {
        self.0.partial.as_deref()
    }

    /// Takes out what had arrived of the answer.
    pub fn take_partial(&mut self) -> Option<ChatCompletion> {
        self.0.partial.take().map(|partial| *partial)
    }

    /// The error as OpenAI's body. What OpenAI has no place for is in `error.bedrock`.
    ///
    /// ```
    /// # use bedrock_chat::openai::ChatRequest;
    /// let error = ChatRequest::from_slice(b"{\"model\": 7}").unwrap_err();
    /// let body = error.to_openai();
    /// assert_eq!(body.error.kind, "invalid_request_error");
    /// assert_eq!(body.error.param.as_deref(), Some("model"));
    /// ```
    pub fn to_openai(&self) -> ErrorBody {
        let (kind, code) = self.kind().openai();
        let mut bedrock = serde_json::Map::new();
        bedrock.insert("kind".into(), self.kind().as_str().into());
        bedrock.insert("retryable".into(), self.is_retryable().into());
        for (name, value) in [
            ("advice", self.advice()),
            ("code", self.code()),
            ("requestId", self.request_id()),
            ("region", self.region()),
            ("model", self.model()),
        ] {
            if let Some(value) = value {
                bedrock.insert(name.into(), value.into());
            }
        }
        for (name, value) in [
            ("status", self.status().map(u64::from)),
            ("tokensUsed", self.tokens_used()),
            ("tokenLimit", self.token_limit()),
            ("maxTokensLimit", self.max_tokens_limit()),
        ] {
            if let Some(value) = value {
                bedrock.insert(name.into(), value.into());
            }
        }
        ErrorBody {
            error: ErrorObject {
                message: match self.field() {
                    Some(field) => format!("{field}: {}", self.message()),
                    None => self.message().to_owned(),
                },
                kind: kind.to_owned(),
                param: self.field().map(str::to_owned),
                code: Some(code.to_owned()),
                bedrock: Some(Json::from(serde_json::Value::Object(bedrock))),
            },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind())?;
        if let Some(field) = self.field() {
            write!(f, "{field}: ")?;
        }
        f.write_str(self.message())?;
        let mut separator = " (";
        let status = self.status().map(|status| format!("HTTP {status}"));
        let model = self.model().map(|model| format!("model {model}"));
        let request = self.request_id().map(|id| format!("request {id}"));
        for part in [self.code(), status.as_deref(), model.as_deref(), self.region(), request.as_deref()]
            .into_iter()
            .flatten()
        {
            write!(f, "{separator}{part}")?;
            separator = ", ";
        }
        if separator == ", " {
            f.write_str(")")?;
        }
        if let Some(advice) = self.advice() {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("message", &self.0.message)
            .field("field", &self.0.field)
            .field("status", &self.0.status)
            .field("code", &self.0.code)
            .field("request_id", &self.0.request_id)
            .field("retry_after", &self.0.retry_after)
            .field("region", &self.0.region)
            .field("model", &self.0.model)
            .field("partial", &self.0.partial.is_some())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
