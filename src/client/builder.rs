//! Settings of a client.

use std::sync::Arc;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::config::{
    Credentials, HttpClient, IntoShared, Region, SharedCredentialsProvider, SharedHttpClient, Token,
};

use super::credentials::Source;
use super::fetch::{FetchMedia, Media};
use super::learning::Learned;
#[cfg(feature = "discovery")]
use super::regions::ControlEndpoint;
use super::regions::{Explicit, Regions};
use super::retries::Retries;
use super::watchdog::Patience;
use super::{Bedrock, RegionSource, Shared, StreamingFallback, credentials, location};
use crate::error::{Error, ErrorKind};
use crate::openai::BedrockRequest;
use crate::translate::{CachePolicy, LateSystem, Options, SpeakerNames, Strictness};

/// Settings of a client; what is not set comes from the environment.
///
/// ```no_run
/// # async fn run() -> Result<(), bedrock_chat::Error> {
/// use bedrock_chat::Bedrock;
///
/// let bedrock = Bedrock::builder().region("eu-central-1").profile("work").build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Builder {
    region: Option<String>,
    profile: Option<String>,
    endpoint_url: Option<String>,
    credentials: Option<Credentials>,
    api_key: Option<Token>,
    http_client: Option<SharedHttpClient>,
    sdk_config: Option<SdkConfig>,
    options: Options,
    patience: Patience,
    retry: Option<RetryConfig>,
    connect_timeout: Option<Duration>,
    attempt_timeout: Option<Duration>,
    no_service_timeout_retries: bool,
    repeats_timeouts: bool,
    learns_nothing: bool,
    streaming_fallback: StreamingFallback,
    media: Option<Media>,
    cross_region: bool,
    #[cfg(feature = "discovery")]
    control_endpoint_url: Option<String>,
    /// The limit of the chain, where one was said.
    credentials_timeout: Option<Option<Duration>>,
}

impl Builder {
    /// The region, such as `eu-central-1`. Otherwise `AWS_REGION`, `AWS_DEFAULT_REGION`, the
    /// profile's region, and `us-east-1`, in this order.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The profile of the shared AWS files. Otherwise `AWS_PROFILE`, or `default`. It wins over a key pair of
    /// the environment, not over an API key there.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Where the service is, such as `http://127.0.0.1:8080` for the simulator or the address of a
    /// VPC endpoint.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Where the control plane is, which lists models and knows inference profiles; needed where
    /// [`Builder::endpoint_url`] is set and these are wanted.
    #[cfg(feature = "discovery")]
    pub fn control_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.control_endpoint_url = Some(url.into());
        self
    }

    /// A key pair, and the session token of temporary credentials.
    pub fn credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        self.credentials =
            Some(Credentials::new(access_key_id, secret_access_key, session_token, None, "bedrock-chat"));
        self
    }

    /// A Bedrock API key. Otherwise `AWS_BEARER_TOKEN_BEDROCK`.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(Token::new(key, None));
        self
    }

    /// The HTTP client. All regions share its connections, so that [`Bedrock::invalidate`] opens no
    /// new ones.
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.http_client = Some(client.into_shared());
        self
    }

    /// A configuration that was loaded already. What is set here besides wins over it, but for a
    /// profile, which it has taken into account already.
    pub fn sdk_config(mut self, config: SdkConfig) -> Self {
        self.sdk_config = Some(config);
        self
    }

    /// How long the search for credentials may take where the environment names no source of them: then
    /// the instance's metadata are asked, which may never answer. 2 seconds unless it is set; `None` waits
    /// as long as the SDK does. A failure is remembered for 10 seconds.
    pub fn credentials_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.credentials_timeout = Some(timeout);
        self
    }

    /// Whether a call is sent once more to the inference profile of the region's geography where the
    /// service says that the model has no on-demand throughput, with a note; the model's later calls go
    /// there at once. Off unless it is switched on: a profile serves calls in other regions.
    pub fn cross_region(mut self, retry: bool) -> Self {
        self.cross_region = retry;
        self
    }

    /// How long an answer may take until its first event or byte; 300 seconds unless it is set.
    /// `None` waits for ever.
    pub fn first_event_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.patience.first = timeout;
        self
    }

    /// How long an answer may be silent between events; 120 seconds unless it is set. `None` waits
    /// for ever. The longest pause of a healthy stream that was seen is 57 seconds.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.patience.idle = timeout;
        self
    }

    /// How long a call may take from its beginning to its end, whatever comes meanwhile; no limit
    /// unless it is set.
    pub fn deadline(mut self, deadline: Option<Duration>) -> Self {
        self.patience.total = deadline;
        self
    }

    /// How long a connection may take to stand; the SDK's 3.1 seconds unless it is set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// How long one attempt may take until the head of its answer; no limit unless it is set, but for
    /// [`Builder::first_event_timeout`], which counts all attempts of a call. The head of an answer
    /// that is not streamed comes when all of it was written, so be generous.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// How often and with which pauses a call is repeated that failed before its first event: the
    /// SDK's standard (3 attempts, pauses from 1 to 20 seconds, at random) unless it is set. A spent
    /// quota and a wrong request are never repeated, and nothing is once it began to come.
    ///
    /// ```
    /// use bedrock_chat::{Bedrock, RetryConfig};
    ///
    /// let builder = Bedrock::builder().retry(RetryConfig::standard().with_max_attempts(5));
    /// ```
    pub fn retry(mut self, retry: RetryConfig) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Whether 408 (the model took too long), 424 (the model failed) and 529 (overloaded) are repeated
    /// like a throttle, which they are unless it is switched off.
    pub fn retry_service_timeouts(mut self, retry: bool) -> Self {
        self.no_service_timeout_retries = !retry;
        self
    }

    /// Whether a call that is not streamed is repeated after [`Builder::attempt_timeout`]. It may be
    /// answered, and billed, by then, so it is not unless it is asked for.
    pub fn retry_after_timeout(mut self, retry: bool) -> Self {
        self.repeats_timeouts = retry;
        self
    }

    /// Whether a model that refuses a feature by name is asked again without it, once, and the
    /// refusal is remembered, which it is unless it is switched off. The answer has the note.
    pub fn learn_from_refusals(mut self, learn: bool) -> Self {
        self.learns_nothing = !learn;
        self
    }

    /// What happens where the credentials may not stream.
    pub fn streaming_fallback(mut self, fallback: StreamingFallback) -> Self {
        self.streaming_fallback = fallback;
        self
    }

    /// Fetches the images and videos that requests name by address; otherwise an image's address is
    /// sent as text, and a video's is refused. A fetched medium of more than `limit` bytes is refused.
    pub fn fetch_media(mut self, fetch: impl FetchMedia + 'static, limit: usize) -> Self {
        self.media = Some(Media::new(fetch, limit));
        self
    }

    /// What happens to members of a request that Bedrock cannot take.
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.options.strictness = strictness;
        self
    }

    /// Where instructions go that come after the conversation began.
    pub fn late_system(mut self, late_system: LateSystem) -> Self {
        self.options.late_system = late_system;
        self
    }

    /// What becomes of the `name` of a message.
    pub fn speaker_names(mut self, names: SpeakerNames) -> Self {
        self.options.names = names;
        self
    }

    /// Who places prompt cache points.
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.options.cache = policy;
        self
    }

    /// Says which foundation model is behind an opaque id, such as the ARN of an application inference
    /// profile, so that its rules are kept. With the feature `discovery` the control plane is asked for the
    /// model behind an application inference profile that nothing is said of, once an hour and for 10
    /// seconds at most; where it does not say, the call is made without that knowledge, and a warning logged.
    pub fn base_model(mut self, id: impl Into<String>, base: impl Into<String>) -> Self {
        self.options.base_models.insert(id.into(), base.into());
        self
    }

    /// Defaults of the request's member `bedrock`, such as a guardrail; each is replaced by the
    /// request's own.
    pub fn bedrock_defaults(mut self, defaults: BedrockRequest) -> Self {
        self.options.bedrock = defaults;
        self
    }

    /// Makes the client. It reads the environment and the shared AWS files; it makes no call.
    ///
    /// # Errors
    ///
    /// `invalid_request` when a setting is not of its form, or two exclude each other.
    pub async fn build(self) -> Result<Bedrock, Error> {
        if self.credentials.is_some() && self.api_key.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "both a key pair and an API key were given: give one",
            ));
        }
        if self.sdk_config.is_some() && self.profile.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "both a profile and a configuration that was loaded already were given: give one",
            ));
        }
        let explicit = match (&self.credentials, &self.api_key) {
            (Some(_), _) => Explicit::KeyPair,
            (None, Some(_)) => Explicit::ApiKey,
            (None, None) => Explicit::No,
        };
        let given = self.sdk_config.as_ref().and_then(SdkConfig::region);
        let (region, region_source) = match (self.region, given) {
            (Some(region), _) => (region, RegionSource::Explicit),
            (None, Some(region)) => (region.to_string(), RegionSource::Explicit),
            (None, None) => location::of_environment(self.profile.as_deref()).await,
        };
        let source = match (explicit, &self.sdk_config, credentials::source(), &self.profile) {
            // An API key wins over a profile, in the SDK too.
            (Explicit::No, None, Source::BearerToken, _) => Some(Source::BearerToken),
            (Explicit::No, None, _, Some(name)) => Some(Source::Profile(name.clone())),
            (Explicit::No, None, source, None) => Some(source),
            _ => None,
        };
        if region.is_empty() || region.contains(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
            return Err(Error::invalid(
                "region",
                format!("is {region:?}, which is no region: give one such as us-east-1"),
            ));
        }
        let config = match self.sdk_config {
            Some(config) => config,
            None => {
                let mut loader =
                    aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.clone()));
                if let Some(profile) = self.profile {
                    // The SDK's chain would take a key pair of the environment before the profile that the
                    // caller named: another account's, perhaps.
                    let provider = ProfileFileCredentialsProvider::builder()
                        .configure(&ProviderConfig::default().with_region(Some(Region::new(region.clone()))))
                        .profile_name(&profile)
                        .build();
                    loader = loader.profile_name(profile).credentials_provider(provider);
                }
                loader.load().await
            }
        };
        let bounded = match (&source, self.credentials_timeout.unwrap_or(Some(credentials::PATIENCE))) {
            // What the environment names is waited for as long as the SDK does.
            (Some(Source::Chain), Some(patience)) => {
                config.credentials_provider().map(|chain| credentials::Bounded::new(chain, patience))
            }
            _ => None,
        };
        #[cfg(feature = "discovery")]
        let control = match (self.control_endpoint_url, &self.endpoint_url) {
            (Some(url), _) => ControlEndpoint::At(url),
            (None, Some(_)) => ControlEndpoint::Unknown,
            (None, None) => ControlEndpoint::Configured,
        };
        let mut config = config.into_builder().region(Region::new(region.clone()));
        if let Some(url) = self.endpoint_url {
            config = config.endpoint_url(url);
        }
        if let Some(bounded) = bounded {
            config = config.credentials_provider(SharedCredentialsProvider::new(bounded));
        }
        if let Some(credentials) = self.credentials {
            config = config.credentials_provider(SharedCredentialsProvider::new(credentials));
        }
        if let Some(key) = self.api_key {
            config = config.token_provider(aws_sdk_bedrockruntime::config::SharedTokenProvider::new(key));
        }
        if let Some(client) = self.http_client {
            config = config.http_client(client);
        }
        if let Some(retry) = self.retry {
            config = config.retry_config(retry);
        }
        let mut config = config.build();
        if config.identity_cache().is_none() {
            // One for the clients of all regions.
            config = config.into_builder().identity_cache(IdentityCache::lazy().build()).build();
        }
        let mut timeouts = config.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        if let Some(timeout) = self.connect_timeout {
            timeouts = timeouts.connect_timeout(timeout);
        }
        if let Some(timeout) = self.attempt_timeout {
            timeouts = timeouts.operation_attempt_timeout(timeout);
        }
        let config = config.into_builder().timeout_config(timeouts.build()).build();
        let retry = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let retries = Retries { service_timeouts: !self.no_service_timeout_retries };
        let regions = Regions::new(config, explicit, retries);
        #[cfg(feature = "discovery")]
        let regions = regions.with_control(control);
        Ok(Bedrock {
            shared: Arc::new(Shared {
                regions,
                #[cfg(feature = "discovery")]
                discovered: Default::default(),
                options: self.options,
                learned: Learned::default(),
                learns: !self.learns_nothing,
                streaming_fallback: self.streaming_fallback,
                repeats_timeouts: self.repeats_timeouts,
                retry,
                media: self.media,
                cross_region: self.cross_region,
                region_source,
                credentials: source,
            }),
            region: region.into(),
            patience: self.patience,
            token: None,
        })
    }
}
