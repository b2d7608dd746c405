//! The hook in the SDK that puts our body in and takes the raw reply out.
//!
//! The SDK's own documents are hash maps: they would shuffle the keys of tool schemas at every call,
//! and lose digits and unknown members of replies. The body is set before the retry loop, so that
//! every attempt sends and signs the same bytes; content-length is set with it, since the SDK does
//! not compute it again.
//!
//! The body of an answer is taken before the SDK reads it, and read by us: under our own clocks, and
//! never repeated in silence. A reply that breaks off was generated, and billed, already.
//!
//! A connection that failed is poisoned, so that no later call gets it: over HTTP/2 the SDK would go on
//! with one that never answers, since its own hook does not run after a timeout.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_bedrockruntime::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

/// The connection that an attempt goes over, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Line(Option<CaptureSmithyConnection>);

impl Line {
    /// Sees to it that no later call gets the connection.
    pub(super) fn poison(&self) {
        if let Some(connection) = self.0.as_ref().and_then(CaptureSmithyConnection::get) {
            connection.poison();
        }
    }
}

/// The head of an answer, and its body, not read yet.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) body: SdkBody,
    pub(super) is_event_stream: bool,
}

/// What the hook leaves behind.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Left>>);

#[derive(Debug, Default)]
struct Left {
    taken: Option<Taken>,
    line: Line,
    attempts: u32,
}

impl Slot {
    /// The answer.
    pub(super) fn take(&self) -> Option<Taken> {
        self.lock().taken.take()
    }

    /// The connection of the last attempt.
    pub(super) fn line(&self) -> Line {
        self.lock().line.clone()
    }

    /// How often the request was sent.
    pub(super) fn attempts(&self) -> u32 {
        self.lock().attempts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hook of one call.
#[derive(Debug)]
pub(super) struct Wire {
    body: Bytes,
    /// What the SDK is given to read in place of the answer.
    dummy: &'static str,
    /// Whether the SDK may repeat the call after a timeout.
    repeats_timeouts: bool,
    slot: Slot,
}

impl Wire {
    /// A hook that sends `body` and takes the reply away from the SDK. A call that timed out may be
    /// answered, and billed, by now: it is repeated only where `repeats_timeouts` says so.
    pub(super) fn reply(body: Bytes, repeats_timeouts: bool) -> (Self, Slot) {
        Wire::new(body, "{}", repeats_timeouts)
    }

    /// A hook that sends `body` and takes the stream away from the SDK.
    pub(super) fn stream(body: Bytes) -> (Self, Slot) {
        Wire::new(body, "", true)
    }

    fn new(body: Bytes, dummy: &'static str, repeats_timeouts: bool) -> (Self, Slot) {
        let slot = Slot::default();
        let wire = Wire { body, dummy, repeats_timeouts, slot: slot.clone() };
        (wire, slot)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "BedrockChatWire"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("content-length", self.body.len().to_string());
        *request.body_mut() = SdkBody::from(self.body.clone());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut left = self.slot.lock();
        left.attempts += 1;
        left.line = Line(config.load::<CaptureSmithyConnection>().cloned());
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let content_type = response.headers().get("content-type").unwrap_or_default();
            let is_event_stream = content_type.starts_with("application/vnd.amazon.eventstream");
            let dummy = match self.dummy {
                "" => SdkBody::empty(),
                dummy => SdkBody::from(dummy),
            };
            let body = std::mem::replace(response.body_mut(), dummy);
            self.slot.lock().taken = Some(Taken { body, is_event_stream });
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(error)) = context.output_or_error() else {
            return Ok(());
        };
        let connector = error.as_connector_error();
        if error.is_timeout_error() || error.is_response_error() || connector.is_some() {
            self.slot.line().poison();
        }
        // A timeout before the connection stood has billed nothing.
        let timed_out = error.is_timeout_error()
            || connector.is_some_and(|error| error.is_timeout() && !super::failure::is_connecting(error));
        if timed_out && !self.repeats_timeouts {
            config.interceptor_state().store_put(RetryConfig::disabled());
        }
        Ok(())
    }
}
