//! Which failures of the head the SDK repeats.
//!
//! The SDK repeats throttles, 500s, 503s and broken connections. Here some more are repeated (408, 424
//! and 529, which the service says of itself), and one less: a spent quota, which the SDK takes for a
//! throttle.

use aws_sdk_bedrockruntime::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;

use super::failure;
use crate::error::ErrorKind;

/// Decides after the SDK's own classifiers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retries {
    /// Whether 408, 424 and 529 are repeated.
    pub(super) service_timeouts: bool,
}

impl ClassifyRetry for Retries {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else {
            return RetryAction::NoActionIndicated;
        };
        match response.status().as_u16() {
            400 | 429 if failure::from_response(response).kind() == ErrorKind::QuotaExceeded => {
                RetryAction::RetryForbidden
            }
            408 | 424 | 529 if self.service_timeouts => RetryAction::server_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "BedrockChatRetries"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
