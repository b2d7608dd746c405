//! One call: translated, sent, and sent again where that helps.
//!
//! The SDK repeats what fails before the head of the answer. What is left for here: a model that
//! refuses one feature by name is asked again without it, an error in the first event of a stream is
//! repeated like one in the head (nothing was given to the caller yet), and credentials that may not
//! stream, or models that take no tools while streaming, are asked for the whole answer. Everything
//! else is the caller's to decide. A connection that failed takes the region's client with it.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_bedrockruntime::config::http::HttpResponse;
use aws_sdk_bedrockruntime::error::SdkError;
use aws_sdk_bedrockruntime::operation::RequestId;
use bytes::Bytes;

use super::body::{AnswerBody, cancelled_by_caller, spoken};
use super::credentials;
use super::failure;
use super::learning;
use super::regions::Regional;
use super::span::Observation;
use super::stream::ChatStream;
use super::watchdog::{Attempt, Clocks, Starved};
use super::wire::{Line, Slot, Taken, Wire};
use super::{Bedrock, StreamingFallback};
use crate::error::{Error, ErrorKind};
use crate::models::{Lessons, ModelId};
use crate::openai::{ChatCompletion, ChatRequest};
use crate::translate::{self, Adjustment, Heading, Options, Translated};

/// How much of a body is read that should have been a stream and is none.
const MOST_OF_NO_STREAM: usize = 64 * 1024;

/// One call under way.
pub(super) struct Call<'a> {
    bedrock: &'a Bedrock,
    request: &'a ChatRequest,
    options: &'a Options,
    region: &'a str,
    regional: Regional,
    clocks: Clocks,
    observation: Observation,
    lessons: Lessons,
    has_learned: bool,
    /// Whether the credentials may not stream.
    may_not_stream: bool,
    /// The inference profile that is called instead of the model.
    profile: Option<String>,
    has_renewed: bool,
    /// How often the answer failed in its first event.
    failed: u32,
    sent: u32,
}

/// An answer whose head says success.
struct Answered {
    request_id: Option<String>,
    taken: Taken,
    line: Line,
    attempt: Attempt,
}

impl<'a> Call<'a> {
    /// The region inside an ARN wins: the resource is only there.
    pub(super) fn new(
        bedrock: &'a Bedrock,
        request: &'a ChatRequest,
        options: &'a Options,
        streamed: bool,
    ) -> Self {
        let region = ModelId::new(&request.model).region().unwrap_or(&bedrock.region);
        Call {
            bedrock,
            request,
            options,
            region,
            regional: bedrock.shared.regions.client(region),
            clocks: Clocks::start(bedrock.patience),
            observation: Observation::begin(request, region, streamed),
            lessons: bedrock.shared.lessons(&request.model),
            has_learned: false,
            may_not_stream: false,
            profile: bedrock.profile_of(&request.model, region),
            has_renewed: false,
            failed: 0,
            sent: 0,
        }
    }

    pub(super) async fn reply(mut self) -> Result<ChatCompletion, Error> {
        loop {
            match self.try_reply().await {
                Ok(completion) => {
                    self.remember_profile();
                    self.observation.completed(&completion);
                    return Ok(completion);
                }
                Err(error) => self.after(error).await?,
            }
        }
    }

    pub(super) async fn stream(mut self) -> Result<ChatStream, Error> {
        loop {
            match self.try_stream().await {
                Ok(stream) => {
                    self.remember_profile();
                    return Ok(stream.observed(self.observation));
                }
                Err(error) => self.after(error).await?,
            }
        }
    }

    async fn try_reply(&mut self) -> Result<ChatCompletion, Error> {
        let translated = self.translated(false)?;
        let (body, heading) = parts(translated);
        let answered = self.send_reply(body).await?;
        let request_id = answered.request_id.clone();
        let heading = heading.for_request(request_id.as_deref());
        self.read(answered)
            .await
            .and_then(|reply| translate::reply_from_slice(&reply, heading))
            .map_err(|error| self.place(error).with_request_id(request_id))
    }

    async fn try_stream(&mut self) -> Result<ChatStream, Error> {
        let mut translated = self.translated(!self.may_not_stream)?;
        if self.may_not_stream {
            translated.adjustments.push(Adjustment::changed(
                "stream",
                "the credentials may not stream: the answer was asked for whole",
            ));
        }
        let as_reply = self.may_not_stream || translated.as_reply;
        let (body, heading) = parts(translated);
        let stream = if as_reply {
            let answered = self.send_reply(body).await?;
            let request_id = answered.request_id.clone();
            let (line, attempt) = (answered.line.clone(), answered.attempt);
            let frames = self
                .read(answered)
                .await
                .and_then(|reply| translate::reply_as_stream(&reply))
                .map_err(|error| self.place(error).with_request_id(request_id.clone()))?;
            let token = self.bedrock.token.as_ref();
            let body = AnswerBody::new(frames.into(), line, attempt, token);
            self.chat_stream(body, heading, request_id)
        } else {
            let (wire, slot) = Wire::stream(body);
            let sending = self.regional.client.converse_stream().model_id(self.model()).customize();
            let answered = self.answered(sending.interceptor(wire).send(), slot).await?;
            if !answered.taken.is_event_stream {
                return Err(self.no_stream(answered).await);
            }
            let token = self.bedrock.token.as_ref();
            let body = AnswerBody::new(answered.taken.body, answered.line, answered.attempt, token);
            self.chat_stream(body, heading, answered.request_id)
        };
        stream.begun().await
    }

    fn translated(&self, streamed: bool) -> Result<Translated<'a>, Error> {
        let mut translated = translate::request_as(self.request, self.options, &self.lessons, streamed)?;
        if let Some(profile) = &self.profile {
            translated.adjustments.push(Adjustment::changed(
                "model",
                format!("the model has no on-demand throughput: the inference profile {profile} is called"),
            ));
        }
        Ok(translated)
    }

    /// Remembers that the model is called by its profile, once the profile answered: there may be none of
    /// this geography.
    fn remember_profile(&self) {
        if self.profile.is_some() {
            self.bedrock.shared.learned.by_profile(&self.request.model);
        }
    }

    /// The id that is called.
    fn model(&self) -> &str {
        self.profile.as_deref().unwrap_or(&self.request.model)
    }

    fn chat_stream(&self, body: AnswerBody, heading: Heading, request_id: Option<String>) -> ChatStream {
        let heading = heading.for_request(request_id.as_deref());
        let place = super::stream::Place {
            bedrock: self.bedrock.clone(),
            region: self.region.to_owned(),
            model: self.request.model.clone(),
            number: self.regional.number,
            request_id,
        };
        ChatStream::new(body, heading, place)
    }

    async fn send_reply(&mut self, body: Bytes) -> Result<Answered, Error> {
        let (wire, slot) = Wire::reply(body, self.bedrock.shared.repeats_timeouts);
        let sending = self.regional.client.converse().model_id(self.model()).customize();
        self.answered(sending.interceptor(wire).send(), slot).await
    }

    /// Waits for the head of the answer: no longer than for a first event.
    async fn answered<O, E>(
        &mut self,
        sending: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        slot: Slot,
    ) -> Result<Answered, Error>
    where
        O: RequestId,
        E: std::error::Error + Send + Sync + 'static,
    {
        let attempt = self.clocks.again();
        let waiting = async {
            match attempt.first() {
                None => Ok(sending.await),
                Some((until, starved)) => tokio::time::timeout_at(until, sending).await.map_err(|_| {
                    slot.line().poison();
                    no_head(starved)
                }),
            }
        };
        let sent = match &self.bedrock.token {
            None => waiting.await,
            Some(token) => {
                token.run_until_cancelled(waiting).await.unwrap_or_else(|| Err(cancelled_by_caller()))
            }
        };
        self.sent += slot.attempts();
        self.observation.sent(self.sent);
        match (sent, slot.take()) {
            (Err(error), _) => Err(self.place(error)),
            (Ok(Err(error)), _) => Err(self.place(failure::from_sdk(error))),
            (Ok(Ok(output)), Some(taken)) => Ok(Answered {
                request_id: output.request_id().map(str::to_owned),
                taken,
                line: slot.line(),
                attempt,
            }),
            (Ok(Ok(_)), None) => Err(self.place(Error::new(ErrorKind::Connection, "the answer has no body"))),
        }
    }

    /// The whole body of an answer that is not streamed.
    async fn read(&self, answered: Answered) -> Result<Vec<u8>, Error> {
        AnswerBody::new(answered.taken.body, answered.line, answered.attempt, self.bedrock.token.as_ref())
            .read()
            .await
            .map_err(|error| error.with_advice("try again; the call may have been billed"))
    }

    /// What an answer says that should have been a stream: proxies report their failures so.
    async fn no_stream(&self, answered: Answered) -> Error {
        let request_id = answered.request_id.clone();
        let body = self.read(answered).await.unwrap_or_default();
        let shown = &body[..body.len().min(MOST_OF_NO_STREAM)];
        self.place(failure::of_no_stream(shown)).with_request_id(request_id)
    }

    /// Whether the call is made again; else the failure.
    async fn after(&mut self, error: Error) -> Result<(), Error> {
        let shared = &self.bedrock.shared;
        shared.learned.limit(&self.request.model, &error);
        if shared.learns
            && !self.has_learned
            && let Some(lesson) = learning::lesson(&error)
            && self.lessons.add(lesson)
        {
            self.has_learned = true;
            shared.learned.remember(&self.request.model, lesson);
            tracing::info!(
                model = %self.request.model,
                lesson = ?lesson,
                refusal = error.message(),
                "the model refuses a feature: it is asked again without"
            );
            return Ok(());
        }
        if shared.streaming_fallback == StreamingFallback::Reply
            && !self.may_not_stream
            && failure::is_about_streaming(&error)
        {
            self.may_not_stream = true;
            return Ok(());
        }
        if shared.cross_region
            && self.profile.is_none()
            && failure::is_about_on_demand(&error)
            && let Some(profile) = ModelId::new(&self.request.model).cross_region_id(self.region)
        {
            self.profile = Some(profile);
            return Ok(());
        }
        if !self.has_renewed
            && credentials::may_be_renewed(&error)
            && shared.regions.renew(self.region, self.regional.number)
        {
            // The credentials were rotated: those that are there now are loaded.
            self.has_renewed = true;
            self.regional = shared.regions.client(self.region);
            return Ok(());
        }
        // An error inside a stream has the status of its head.
        let in_first_event = error.status() == Some(200);
        self.failed += 1;
        if in_first_event && error.is_retryable() && self.failed < shared.retry.max_attempts() {
            tokio::time::sleep(self.pause(error.retry_after())).await;
            return Ok(());
        }
        self.bedrock.give_up(&error, self.region, &self.request.model, self.regional.number);
        self.observation.failed(&error);
        Err(error)
    }

    /// How long to wait before the next attempt: twice as long as before, at random within that.
    fn pause(&self, asked: Option<Duration>) -> Duration {
        let retry = &self.bedrock.shared.retry;
        let longest =
            retry.initial_backoff().saturating_mul(1 << self.failed.min(16)).min(retry.max_backoff());
        asked.unwrap_or_else(|| longest.mul_f64(fastrand::f64())).min(retry.max_backoff())
    }

    fn place(&self, error: Error) -> Error {
        let error = error.at(self.region, &self.request.model);
        match &self.bedrock.shared.credentials {
            Some(source) => credentials::advised(error, source),
            None => error,
        }
    }
}

/// What it is called when no head comes.
fn no_head(starved: Starved) -> Error {
    let (Starved::Silent(time) | Starved::Late(time)) = starved;
    Error::new(ErrorKind::Timeout, format!("no answer came for {}", spoken(time)))
        .with_advice("try again, or allow more time; a call that is not streamed may have been billed")
}

/// The bytes to send, and what the answer needs to know.
fn parts(translated: Translated<'_>) -> (Bytes, Heading) {
    for adjustment in &translated.adjustments {
        tracing::info!(
            field = adjustment.field,
            action = %adjustment.action,
            reason = adjustment.reason,
            "a request was adjusted for Bedrock"
        );
    }
    let body = Bytes::from(translated.to_bytes());
    // A clock before 1970 is no reason to fail.
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut heading = Heading::new("", created, translated.model_id);
    heading.include_usage = translated.include_usage;
    heading.adjustments = translated.adjustments;
    heading.names = translated.names;
    heading.content_tool = translated.content_tool;
    heading.legacy = translated.legacy;
    (body, heading)
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
