//! The hook in the SDK that puts our body in and takes the raw reply out.
//!
//! The SDK's own documents are hash maps: they would shuffle the keys of tool schemas at every call,
//! and lose digits and unknown members of replies. The body is set before the retry loop, so that
//! every attempt sends and signs the same bytes; content-length is set with it, since the SDK does
//! not compute it again.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_bedrockruntime::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeTransmitInterceptorContextMut,
};
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// The body of a reply with a status of success.
    pub(super) reply: Option<Vec<u8>>,
    /// The body of a stream, not read yet.
    pub(super) stream: Option<SdkBody>,
}

/// Where the hook leaves what came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Captured>>);

impl Slot {
    pub(super) fn take(&self) -> Captured {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hook of one call.
#[derive(Debug)]
pub(super) struct Wire {
    body: Bytes,
    takes: Takes,
    slot: Slot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Reply,
    Stream,
}

impl Wire {
    /// A hook that sends `body` and keeps the reply.
    pub(super) fn reply(body: Bytes) -> (Self, Slot) {
        Wire::new(body, Takes::Reply)
    }

    /// A hook that sends `body` and takes the stream away from the SDK.
    pub(super) fn stream(body: Bytes) -> (Self, Slot) {
        Wire::new(body, Takes::Stream)
    }

    fn new(body: Bytes, takes: Takes) -> (Self, Slot) {
        let slot = Slot::default();
        let wire = Wire {
            body,
            takes,
            slot: slot.clone(),
        };
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
        if self.takes == Takes::Stream && response.status().is_success() {
            let body = std::mem::replace(response.body_mut(), SdkBody::empty());
            self.slot.lock().stream = Some(body);
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if self.takes == Takes::Reply && response.status().is_success() {
            self.slot.lock().reply = response.body().bytes().map(<[u8]>::to_vec);
        }
        Ok(())
    }
}
