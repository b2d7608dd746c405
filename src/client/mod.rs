//! The only part that does I/O: the AWS SDK for credentials, endpoint, SigV4, retries of the head
//! and HTTP. Our bytes go out, the raw bytes come back.

mod body;
mod builder;
mod call;
mod callbacks;
pub mod credentials;
#[cfg(feature = "discovery")]
mod discovery;
mod failure;
mod fetch;
mod learning;
mod location;
mod regions;
mod retries;
mod span;
mod stream;
mod watchdog;
mod wire;

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_bedrockruntime::config::ProvideCredentials;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use tokio_util::sync::CancellationToken;

pub use builder::Builder;
pub use callbacks::{AsyncCallbacks, CallbackResult, Callbacks};
#[cfg(feature = "discovery")]
pub use discovery::{Model, ModelList};
pub use fetch::{FetchMedia, Fetched, Fetching};
pub use location::RegionSource;
pub use stream::ChatStream;

use crate::error::{Error, ErrorKind};
use crate::models::{self, Lessons, ModelId};
use crate::openai::{ChatCompletion, ChatRequest};
use crate::translate::Options;
use call::Call;
use fetch::Media;
use learning::Learned;
use regions::Regions;
use watchdog::Patience;

/// Bedrock, spoken to in OpenAI's words. Cheap to clone; the clones share connections and
/// credentials.
///
/// ```no_run
/// # async fn run() -> Result<(), bedrock_chat::Error> {
/// use bedrock_chat::{Bedrock, openai::ChatRequest};
///
/// let bedrock = Bedrock::from_env().await?;
/// let request = ChatRequest::new("us.amazon.nova-lite-v1:0").user("What is the capital of France?");
/// let completion = bedrock.chat(&request).await?;
/// println!("{}", completion.text());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Bedrock {
    shared: Arc<Shared>,
    region: Arc<str>,
    patience: Patience,
    token: Option<CancellationToken>,
}

#[derive(Debug)]
struct Shared {
    regions: Regions,
    #[cfg(feature = "discovery")]
    discovered: discovery::Discovered,
    options: Options,
    learned: Learned,
    learns: bool,
    streaming_fallback: StreamingFallback,
    repeats_timeouts: bool,
    retry: RetryConfig,
    media: Option<Media>,
    cross_region: bool,
    region_source: RegionSource,
    /// Where the credentials come from, unless the caller gave them.
    credentials: Option<credentials::Source>,
}

/// What happens where the credentials may call a model but not stream its answer (IAM's
/// `bedrock:InvokeModelWithResponseStream` is denied).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamingFallback {
    /// The call fails, with `access_denied`.
    #[default]
    Fail,
    /// The answer is asked for whole and given as a stream, with a note.
    Reply,
}

impl Bedrock {
    /// A client with the region, the credentials and the endpoint of the environment, as the AWS
    /// command line finds them.
    ///
    /// # Errors
    ///
    /// As for [`Builder::build`].
    pub async fn from_env() -> Result<Self, Error> {
        Builder::default().build().await
    }

    /// A client with settings of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The same client in another region, with that region's own connections.
    pub fn region(&self, region: impl Into<Arc<str>>) -> Self {
        Bedrock { region: region.into(), ..self.clone() }
    }

    /// The region of calls whose model is not the ARN of another.
    pub fn region_name(&self) -> &str {
        &self.region
    }

    /// Who named the region that the client was built with.
    pub fn region_source(&self) -> RegionSource {
        self.shared.region_source
    }

    /// Where the credentials come from; none where the caller gave them or the configuration with them.
    pub fn credentials_source(&self) -> Option<&credentials::Source> {
        self.shared.credentials.as_ref()
    }

    /// Whether there are credentials. This may ask where they come from: a role, a process, the
    /// instance's metadata. Whether the service takes them is not asked.
    pub async fn has_credentials(&self) -> bool {
        let regions = &self.shared.regions;
        if regions.is_api_key() || self.shared.credentials == Some(credentials::Source::BearerToken) {
            return true;
        }
        match regions.credentials() {
            Some(provider) => provider.provide_credentials().await.is_ok(),
            None => false,
        }
    }

    /// The same client with another [`Builder::first_event_timeout`].
    pub fn first_event_timeout(&self, timeout: Option<Duration>) -> Self {
        let patience = Patience { first: timeout, ..self.patience };
        Bedrock { patience, ..self.clone() }
    }

    /// The same client with another [`Builder::idle_timeout`].
    pub fn idle_timeout(&self, timeout: Option<Duration>) -> Self {
        let patience = Patience { idle: timeout, ..self.patience };
        Bedrock { patience, ..self.clone() }
    }

    /// The same client with another [`Builder::deadline`].
    ///
    /// ```no_run
    /// # async fn run(bedrock: bedrock_chat::Bedrock, request: bedrock_chat::openai::ChatRequest) -> Result<(), bedrock_chat::Error> {
    /// use std::time::Duration;
    ///
    /// let completion = bedrock.deadline(Some(Duration::from_secs(60))).chat(&request).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn deadline(&self, deadline: Option<Duration>) -> Self {
        let patience = Patience { total: deadline, ..self.patience };
        Bedrock { patience, ..self.clone() }
    }

    /// The same client, whose calls end with `interrupted` when the token is cancelled, from whatever
    /// task: while they wait for an answer, and while it comes.
    ///
    /// ```no_run
    /// # async fn run(bedrock: bedrock_chat::Bedrock, request: bedrock_chat::openai::ChatRequest) -> Result<(), bedrock_chat::Error> {
    /// use bedrock_chat::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let stream = bedrock.cancelled_by(token.clone()).chat_stream(&request).await?;
    /// tokio::spawn(async move {
    ///     tokio::signal::ctrl_c().await.ok();
    ///     token.cancel();
    /// });
    /// let completion = stream.completion().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancelled_by(&self, token: CancellationToken) -> Self {
        Bedrock { token: Some(token), ..self.clone() }
    }

    /// Forgets the client of a region, so that the next call there opens new connections; whether
    /// there was one. Calls under way go on.
    pub fn invalidate(&self, region: &str) -> bool {
        self.shared.regions.invalidate(region)
    }

    /// Forgets the clients of all regions.
    pub fn reset(&self) {
        self.shared.regions.reset();
    }

    /// How many tokens a request to a model may have: what the service said when it was too many,
    /// else what the catalogue says, else 128,000.
    pub fn context_window(&self, model: &str) -> u64 {
        let base = self.shared.options.base_models.get(model).map_or(model, String::as_str);
        self.shared.learned.context_window(model).unwrap_or_else(|| models::context_window(base))
    }

    /// Sends a request and waits for the whole answer. `stream` in the request is not looked at.
    ///
    /// # Errors
    ///
    /// Every kind but those of streams; `invalid_request` and `unsupported` without a call where
    /// the request cannot be translated.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatCompletion, Error> {
        let request = self.with_media(request).await?;
        let options = self.options_for(&request.model).await;
        Call::new(self, &request, &options, false).reply().await
    }

    /// Sends a request and gives the answer as it comes, from its first event on. `stream` in the
    /// request is not looked at; `stream_options.include_usage` is.
    ///
    /// # Errors
    ///
    /// As for [`Bedrock::chat`], for what goes wrong before the answer begins; later failures come
    /// out of the stream.
    pub async fn chat_stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let request = self.with_media(request).await?;
        let options = self.options_for(&request.model).await;
        Call::new(self, &request, &options, true).stream().await
    }

    /// Streams the answer into `callbacks` and gives it whole: [`Bedrock::chat_stream`] and
    /// [`ChatStream::drive`] in one, so that `on_interrupt_check` is asked while the service has not
    /// begun to answer, too.
    ///
    /// # Errors
    ///
    /// As for those two.
    pub async fn drive<C: Callbacks + ?Sized>(
        &self,
        request: &ChatRequest,
        callbacks: &mut C,
    ) -> Result<ChatCompletion, Error> {
        let mut opening = pin!(self.chat_stream(request));
        let stream = loop {
            if callbacks.on_interrupt_check() {
                return Err(stream::interrupt().at(&self.region, &request.model));
            }
            if let Ok(stream) = tokio::time::timeout(stream::INTERRUPT_CHECK, &mut opening).await {
                break stream?;
            }
        };
        stream.drive(callbacks).await
    }

    async fn with_media<'r>(&self, request: &'r ChatRequest) -> Result<Cow<'r, ChatRequest>, Error> {
        match &self.shared.media {
            None => Ok(Cow::Borrowed(request)),
            Some(media) => media.fetched(request).await,
        }
    }

    /// The options of a call; with the model behind the id where the control plane had to be asked.
    #[cfg(feature = "discovery")]
    async fn options_for(&self, model: &str) -> Cow<'_, Options> {
        let mut options = Cow::Borrowed(&self.shared.options);
        if let Some(base) = self.hidden_model(model).await {
            options.to_mut().base_models.insert(model.to_owned(), base);
        }
        options
    }

    /// The options of a call.
    #[cfg(not(feature = "discovery"))]
    async fn options_for(&self, _model: &str) -> Cow<'_, Options> {
        Cow::Borrowed(&self.shared.options)
    }

    /// The inference profile that stands for a model, where the model was seen to need one.
    fn profile_of(&self, model: &str, region: &str) -> Option<String> {
        let needs_one = self.shared.cross_region && self.shared.learned.is_by_profile(model);
        needs_one.then(|| ModelId::new(model).cross_region_id(region)).flatten()
    }

    /// Forgets the client of a region over which a connection failed: it was closed or reset, never
    /// stood, or never answered. What the service itself says leaves the client as it is.
    fn give_up(&self, error: &Error, region: &str, model: &str, number: u64) {
        let is_stale = match error.kind() {
            ErrorKind::Connection | ErrorKind::StreamStalled => true,
            // A timeout that the service reports comes with its status.
            ErrorKind::Timeout => error.status().is_none(),
            _ => false,
        };
        if is_stale && self.shared.regions.evict(region, number) {
            tracing::warn!(region, model, kind = %error.kind(), "a connection failed: the region's client is dropped");
        }
    }
}

impl Shared {
    /// What is known of a model besides the catalogue.
    fn lessons(&self, model: &str) -> Lessons {
        let mut lessons = self.options.lessons.clone();
        for lesson in self.learned.lessons(model).iter() {
            lessons.add(lesson);
        }
        lessons
    }
}
