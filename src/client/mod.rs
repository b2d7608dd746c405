//! The only part that does I/O: the AWS SDK for credentials, endpoint, SigV4, retries of the head
//! and HTTP. Our bytes go out, the raw bytes come back.

mod body;
mod builder;
mod callbacks;
mod failure;
mod regions;
mod stream;
mod watchdog;
mod wire;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_bedrockruntime::config::http::HttpResponse;
use aws_sdk_bedrockruntime::error::SdkError;
use aws_sdk_bedrockruntime::operation::RequestId;
use bytes::Bytes;

pub use builder::Builder;
pub use callbacks::{CallbackResult, Callbacks};
pub use stream::ChatStream;

use crate::error::{Error, ErrorKind};
use crate::models::ModelId;
use crate::openai::{ChatCompletion, ChatRequest};
use crate::translate::{self, Heading, Options, Translated};
use body::AnswerBody;
use regions::Regions;
use watchdog::Patience;
use wire::{Slot, Wire};

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
}

#[derive(Debug)]
struct Shared {
    regions: Regions,
    options: Options,
    patience: Patience,
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

    fn new(
        config: aws_config::SdkConfig,
        region: &str,
        options: Options,
        patience: Patience,
        explicit: builder::Explicit,
    ) -> Self {
        let regions = Regions::new(config, explicit);
        Bedrock { shared: Arc::new(Shared { regions, options, patience }), region: region.into() }
    }

    /// The same client in another region, with that region's own connections.
    pub fn region(&self, region: impl Into<Arc<str>>) -> Self {
        Bedrock { shared: Arc::clone(&self.shared), region: region.into() }
    }

    /// The region of calls whose model is not the ARN of another.
    pub fn region_name(&self) -> &str {
        &self.region
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

    /// Sends a request and waits for the whole answer. `stream` in the request is not looked at.
    ///
    /// # Errors
    ///
    /// Every kind but those of streams; `invalid_request` and `unsupported` without a call where
    /// the request cannot be translated.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatCompletion, Error> {
        let translated = translate::request(request, &self.shared.options)?;
        let call = Call::new(self, &translated);
        let body = Bytes::from(translated.to_bytes());
        let heading = heading(translated);
        let (wire, slot) = Wire::reply(body);
        let sent = call.client.converse().model_id(call.model).customize().interceptor(wire).send().await;
        let (request_id, body) = call.taken(sent, &slot)?;
        let reply =
            body.read().await.map_err(|error| error.with_advice("try again; the call may have been billed"));
        reply
            .and_then(|reply| translate::reply_from_slice(&reply, heading.for_request(request_id.as_deref())))
            .map_err(|error| call.place(error).with_request_id(request_id))
    }

    /// Sends a request and gives the answer as it comes. `stream` in the request is not looked at;
    /// `stream_options.include_usage` is.
    ///
    /// # Errors
    ///
    /// As for [`Bedrock::chat`], for what goes wrong before the answer begins; later failures come
    /// out of the stream.
    pub async fn chat_stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let translated = translate::request(request, &self.shared.options)?;
        let call = Call::new(self, &translated);
        let body = Bytes::from(translated.to_bytes());
        let heading = heading(translated);
        let (wire, slot) = Wire::stream(body);
        let sent =
            call.client.converse_stream().model_id(call.model).customize().interceptor(wire).send().await;
        let (request_id, body) = call.taken(sent, &slot)?;
        let heading = heading.for_request(request_id.as_deref());
        Ok(ChatStream::new(body, heading, call.region, call.model, request_id))
    }
}

/// Where a call goes.
struct Call<'a> {
    client: aws_sdk_bedrockruntime::Client,
    patience: Patience,
    region: &'a str,
    model: &'a str,
}

impl<'a> Call<'a> {
    /// The region inside an ARN wins: the resource is only there.
    fn new(bedrock: &'a Bedrock, translated: &Translated<'a>) -> Self {
        let model = translated.model_id;
        let region = ModelId::new(model).region().unwrap_or(&bedrock.region);
        Call {
            client: bedrock.shared.regions.client(region),
            patience: bedrock.shared.patience,
            region,
            model,
        }
    }

    fn place(&self, error: Error) -> Error {
        error.at(self.region, self.model)
    }

    /// The id and the body of an answer whose head says success.
    fn taken<O, E>(
        &self,
        sent: Result<O, SdkError<E, HttpResponse>>,
        slot: &Slot,
    ) -> Result<(Option<String>, AnswerBody), Error>
    where
        O: RequestId,
        E: std::error::Error + Send + Sync + 'static,
    {
        match (sent, slot.take()) {
            (Ok(output), Some(body)) => {
                let body = AnswerBody::new(body, self.patience);
                Ok((output.request_id().map(str::to_owned), body))
            }
            (Ok(_), None) => Err(self.place(Error::new(ErrorKind::Connection, "the answer has no body"))),
            (Err(error), _) => Err(self.place(failure::from_sdk(error))),
        }
    }
}

fn heading(translated: Translated<'_>) -> Heading {
    for adjustment in &translated.adjustments {
        tracing::info!(
            field = adjustment.field,
            action = %adjustment.action,
            reason = adjustment.reason,
            "a request was adjusted for Bedrock"
        );
    }
    // A clock before 1970 is no reason to fail.
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut heading = Heading::new("", created, translated.model_id);
    heading.include_usage = translated.include_usage;
    heading.adjustments = translated.adjustments;
    heading.names = translated.names;
    heading.content_tool = translated.content_tool;
    heading.legacy = translated.legacy;
    heading
}

impl Heading {
    /// Calls the answer after the service's id of the call.
    fn for_request(mut self, request_id: Option<&str>) -> Self {
        self.id = match request_id {
            Some(id) => format!("chatcmpl-{id}").into(),
            None => "chatcmpl-bedrock".into(),
        };
        self.request_id = request_id.map(str::to_owned);
        self
    }
}
