//! The hook in the SDK that puts our body in and takes the raw reply out.
//!
//! The SDK's own documents are hash maps: they would shuffle the keys of tool schemas at every call,
//! and lose digits and unknown members of replies. The body is set before the retry loop, so that
//! every attempt sends and signs the same bytes; content-length is set with it, since the SDK does
//! not compute it again.
//!
//! The body of an answer is taken before the SDK reads it, and read by us: under our own clocks, and
//! never repeated in silence. A reply that breaks off was generated, and billed, already.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_bedrockruntime::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

/// Where the hook leaves the body of the answer, not read yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<SdkBody>>>);

impl Slot {
    pub(super) fn take(&self) -> Option<SdkBody> {
        self.lock().take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<SdkBody>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hook of one call.
#[derive(Debug)]
pub(super) struct Wire {
    body: Bytes,
    answer: Answer,
    slot: Slot,
}

/// What the SDK is given to read in place of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Reply,
    Stream,
}

impl Wire {
    /// A hook that sends `body` and takes the reply away from the SDK.
    pub(super) fn reply(body: Bytes) -> (Self, Slot) {
        Wire::new(body, Answer::Reply)
    }

    /// A hook that sends `body` and takes the stream away from the SDK.
    pub(super) fn stream(body: Bytes) -> (Self, Slot) {
        Wire::new(body, Answer::Stream)
    }

    fn new(body: Bytes, answer: Answer) -> (Self, Slot) {
        let slot = Slot::default();
        let wire = Wire { body, answer, slot: slot.clone() };
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

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let dummy = match self.answer {
                Answer::Reply => SdkBody::from("{}"),
                Answer::Stream => SdkBody::empty(),
            };
            *self.slot.lock() = Some(std::mem::replace(response.body_mut(), dummy));
        }
        Ok(())
    }
}
