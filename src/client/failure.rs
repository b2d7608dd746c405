//! Errors of the SDK into ours.
//!
//! The SDK's errors print whole bodies; only the service's message, its code and what the transport
//! says are taken from them.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_bedrockruntime::config::http::HttpResponse;
use aws_sdk_bedrockruntime::error::SdkError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::converse::Exception;
use crate::error::{Error, ErrorKind};

/// What an error of the SDK means.
pub(super) fn from_sdk<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(context) => from_response(context.raw()),
        SdkError::ConstructionFailure(_) => {
            Error::new(ErrorKind::InvalidRequest, format!("the call could not be made: {}", chain(&error)))
        }
        SdkError::TimeoutError(_) => Error::new(ErrorKind::Timeout, chain(&error))
            .with_advice("try again, or allow more time; a call that is not streamed may have been billed"),
        SdkError::DispatchFailure(ref failure) => {
            let text = chain(&error);
            if is_about_credentials(&text) {
                return Error::new(ErrorKind::Credentials, text).with_advice(
                    "set AWS_BEARER_TOKEN_BEDROCK, or a key pair, or a profile (aws sso login --profile …)",
                );
            }
            let connector = failure.as_connector_error();
            let timed_out = connector.is_some_and(|error| error.is_timeout() && !is_connecting(error));
            let kind = if timed_out { ErrorKind::Timeout } else { ErrorKind::Connection };
            Error::new(kind, text).with_advice("try again; check the network, the region and the endpoint")
        }
        SdkError::ResponseError(ref context) => {
            let status = Some(context.raw().status().as_u16());
            Error::new(ErrorKind::Connection, format!("the reply broke off: {}", chain(&error)))
                .with_status(status)
                .with_request_id(header(context.raw(), "x-amzn-requestid"))
                .with_advice("try again; the call may have been billed")
        }
        other => Error::new(ErrorKind::Unknown, other.to_string()),
    }
}

/// Whether a timeout was that of connecting: nothing was sent yet.
pub(super) fn is_connecting(error: &ConnectorError) -> bool {
    chain(error).contains("connect timeout")
}

/// What an HTTP response with a status of failure means.
pub(super) fn from_response(response: &HttpResponse) -> Error {
    let body = response.body().bytes().unwrap_or_default();
    let exception: Exception = serde_json::from_slice(body).unwrap_or_default();
    let code = header(response, "x-amzn-errortype").or(exception.kind);
    let status = response.status().as_u16();
    let message = match (exception.original_message, exception.message) {
        (Some(original), Some(message)) if !message.contains(&original) => {
            format!("{message} ({original})")
        }
        (Some(original), None) => original,
        (_, message) => message.unwrap_or_default(),
    };
    let retry_after = header(response, "x-amz-retry-after")
        .and_then(|milliseconds| milliseconds.trim().parse().ok())
        .map(Duration::from_millis);
    Error::from_service(code.as_deref(), Some(status), &message)
        .with_request_id(header(response, "x-amzn-requestid"))
        .with_retry_after(retry_after)
}

/// What the body of an answer says that should have been a stream.
pub(super) fn of_no_stream(body: &[u8]) -> Error {
    let exception: Exception = serde_json::from_slice(body).unwrap_or_default();
    let message = exception.message.or(exception.original_message);
    match (exception.kind, message) {
        (None, None) => {
            Error::new(ErrorKind::Connection, "the answer is no stream: a proxy may stand between")
                .with_status(Some(200))
                .with_advice("try again; check the endpoint and the proxies on the way")
        }
        (code, message) => {
            Error::from_service(code.as_deref(), Some(200), message.as_deref().unwrap_or_default())
        }
    }
}

/// Whether the credentials may not stream, whatever else they may.
pub(super) fn is_about_streaming(error: &Error) -> bool {
    error.kind() == ErrorKind::AccessDenied
        && error.message().contains("bedrock:InvokeModelWithResponseStream")
}

/// Whether the model is called by an inference profile alone: "with on-demand throughput isn’t
/// supported".
pub(super) fn is_about_on_demand(error: &Error) -> bool {
    error.status() == Some(400) && error.message().contains("with on-demand throughput isn")
}

fn header(response: &HttpResponse, name: &str) -> Option<String> {
    response.headers().get(name).map(str::to_owned)
}

fn is_about_credentials(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["credential", "identity", "auth scheme", "token"].iter().any(|word| text.contains(word))
}

/// An error and its causes, each text once.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    // One line: the SDK's chain of credentials writes a list.
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
