//! A Chat Completions request into the body of Converse.

use serde_json::Value;

use super::adjustment::{Adjustment, Notes};
use super::answer_form::{self, Form};
use super::choice::Asked;
use super::options::{CachePolicy, Options};
use super::own::Own;
use super::parameters::Sampling;
use super::path::Path;
use super::translation::Translation;
use super::{cache, messages, parameters, reasoning, tools};
use crate::converse::{self, ContentBlock, ToolResultContent};
use crate::error::Error;
use crate::json::{Json, Members, Raw};
use crate::models::{Lessons, traits};
use crate::openai::{ChatRequest, StreamOptions, ToolChoice};
use crate::writing::Write;

/// A request in Converse's form, borrowed from the [`ChatRequest`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Translated<'a> {
    /// The model, for the path of the call.
    pub model_id: &'a str,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the answer is to be asked for whole, with Converse, although it is streamed: the model
    /// takes no tools while streaming.
    pub as_reply: bool,
    /// Whether the stream ends with a chunk that carries the usage.
    pub include_usage: bool,
    /// The body.
    pub body: converse::Request<'a>,
    /// What was changed.
    pub adjustments: Vec<Adjustment>,
    /// Tool names that were sent as others: the sent one, and the caller's.
    pub names: Vec<(String, String)>,
    /// The tool whose input is the content of the answer, where the model takes no schema for it.
    pub content_tool: Option<String>,
    /// Whether the request asked in the legacy form, with `functions`.
    pub legacy: bool,
}

impl Translated<'_> {
    /// The body as it is sent: UTF-8 JSON without white space of ours, the same bytes for the same
    /// request.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size_hint(&self.body));
        self.body.write(&mut bytes);
        bytes
    }
}

/// About how many bytes the body takes: its long texts and a share for the rest, so that the buffer
/// is not doubled on the way (an image would take three times its size).
fn size_hint(body: &converse::Request<'_>) -> usize {
    let blocks = body.messages.iter().flatten().flat_map(|message| &message.content);
    let messages: usize = blocks
        .map(|block| match block {
            ContentBlock::Text(text) => text.len() + text.len() / 16,
            ContentBlock::Image(image) => match &image.source {
                converse::Media::Bytes(bytes) => bytes.len(),
                _ => 0,
            },
            ContentBlock::ToolUse(call) => call.input.get().len(),
            ContentBlock::ToolResult(result) => result
                .content
                .iter()
                .map(|piece| match piece {
                    ToolResultContent::Text(text) => text.len() + text.len() / 16,
                    _ => 0,
                })
                .sum(),
            _ => 0,
        })
        .map(|length| length + 128)
        .sum();
    let tools: usize = body
        .tool_config
        .iter()
        .flat_map(|config| &config.tools)
        .map(|tool| match tool {
            converse::Tool::ToolSpec(spec) => match &spec.input_schema {
                converse::InputSchema::Json(schema) => schema.get().len() + 256,
                _ => 0,
            },
            _ => 0,
        })
        .sum();
    messages + tools + 512
}

/// Translates a request.
///
/// # Errors
///
/// * `invalid_request` when the request is wrong whatever the service: no model, no messages, a
///   role that does not exist, an image that is not base64. [`Error::field`] names the member.
/// * `unsupported` when it asks for something that cannot be had on Bedrock, or, under
///   [`Strictness::Strict`](super::Strictness::Strict), for something that would have to be adjusted.
///
/// ```
/// use bedrock_chat::openai::ChatRequest;
/// use bedrock_chat::translate::{self, Options};
///
/// let request = ChatRequest::new("us.amazon.nova-lite-v1:0").user("Hello");
/// let translated = translate::request(&request, &Options::default())?;
/// assert_eq!(
///     translated.to_bytes(),
///     br#"{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}"#,
/// );
/// # Ok::<(), bedrock_chat::Error>(())
/// ```
pub fn request<'a>(request: &'a ChatRequest, options: &Options) -> Result<Translated<'a>, Error> {
    let streamed = request.stream == Some(true);
    request_as(request, options, &options.lessons, streamed)
}

/// Translates a request for one of the two operations, whatever its `stream` says.
pub(crate) fn request_as<'a>(
    request: &'a ChatRequest,
    options: &Options,
    lessons: &Lessons,
    streamed: bool,
) -> Result<Translated<'a>, Error> {
    let ChatRequest {
        model,
        messages,
        tools,
        tool_choice,
        parallel_tool_calls,
        functions,
        function_call,
        max_completion_tokens,
        max_tokens,
        temperature,
        top_p,
        top_k,
        stop,
        stream: _,
        stream_options,
        n,
        response_format,
        reasoning_effort,
        thinking,
        verbosity,
        modalities,
        audio,
        frequency_penalty,
        presence_penalty,
        logit_bias,
        logprobs,
        top_logprobs,
        seed,
        prediction,
        metadata,
        store,
        user,
        safety_identifier,
        prompt_cache_key,
        prompt_cache_retention,
        service_tier,
        web_search_options,
        bedrock,
        other,
    } = request;

    check_model(model)?;
    if let Some(n) = n
        && *n != 1
    {
        return Err(Error::unsupported("n", format!("is {n}: Bedrock gives one answer; call it {n} times")));
    }
    if *logprobs == Some(true) || top_logprobs.is_some_and(|count| count > 0) {
        return Err(Error::unsupported("logprobs", "Bedrock gives no log probabilities"));
    }
    if audio.is_some() || modalities.iter().flatten().any(|modality| modality != "text") {
        return Err(Error::unsupported("modalities", "Converse answers in text only"));
    }
    let legacy_choice = legacy_choice(function_call.as_ref())?;
    let legacy = functions.as_ref().is_some_and(|functions| !functions.is_empty());
    if legacy && tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
        return Err(Error::invalid("functions", "is the older form of tools: give one of the two"));
    }
    let base_model = options.base_models.get(model).unwrap_or(model);
    let mut translation = Translation::new(traits(base_model).with(lessons), options);
    let notes = &mut translation.notes;
    let form = response_format.as_ref().map_or(Ok(Form::Free), |format| answer_form::form(format, notes))?;
    for (name, given) in [
        ("verbosity", verbosity.is_some()),
        ("frequency_penalty", frequency_penalty.is_some_and(|penalty| penalty != 0.0)),
        ("presence_penalty", presence_penalty.is_some_and(|penalty| penalty != 0.0)),
        ("logit_bias", logit_bias.is_some()),
        ("seed", seed.is_some()),
        ("prediction", prediction.is_some()),
        ("store", *store == Some(true)),
        ("user", user.is_some()),
        ("safety_identifier", safety_identifier.is_some()),
        ("prompt_cache_key", prompt_cache_key.is_some()),
        ("prompt_cache_retention", prompt_cache_retention.is_some()),
        ("web_search_options", web_search_options.is_some()),
    ] {
        if given {
            notes.omitted(name, "has no place in Converse")?;
        }
    }
    for (name, value) in other.iter() {
        if !value.is_null() {
            notes.omitted(name, "is not a member that is known")?;
        }
    }
    let include_usage = stream_usage(stream_options.as_ref(), notes)?;
    if max_completion_tokens.is_some() && max_tokens.is_some() && max_tokens != max_completion_tokens {
        notes.omitted("max_tokens", "max_completion_tokens is given too, and wins")?;
    }
    let limit = max_completion_tokens.map(|max| ("max_completion_tokens", max));
    let limit = limit.or(max_tokens.map(|max| ("max_tokens", max)));
    let limit = parameters::max_tokens(limit, &translation.traits, notes)?;
    let own = Own::new(bedrock.as_ref(), &options.bedrock);
    let own_fields = own.additional_fields()?;
    let about_reasoning = reasoning::Asked {
        effort: reasoning_effort.as_deref(),
        thinking: thinking.as_ref(),
        max_tokens: limit,
        own_fields: own_fields.as_ref(),
        calls_are_thought: reasoning::calls_are_thought(messages),
    };
    let reasoning = reasoning::reasoning(&about_reasoning, &translation.traits, notes)?;

    let mut conversation = messages::conversation(messages, &mut translation)?;
    let asked = Asked {
        tools: tools.as_deref().unwrap_or_default(),
        functions: functions.as_deref().unwrap_or_default(),
        choice: tool_choice.as_ref().or(legacy_choice.as_ref()),
        // The legacy form has one call in an answer.
        parallel: if legacy && translation.traits.native_tool_choice {
            Some(false)
        } else {
            *parallel_tool_calls
        },
        thinks: reasoning.thinks,
    };
    let mut tools = tools::tools(&asked, &mut conversation.turns, &mut translation)?;
    let mut body = converse::Request::default();
    let content_tool = match form {
        Form::Free => None,
        Form::Schema(named) => answer_form::ask(
            named.as_ref(),
            reasoning.thinks,
            &mut tools,
            &mut body.output_config,
            &mut translation,
        )?,
    };
    let prefill = translation.traits.known.prefill == Some(true) && !reasoning.thinks;
    body.messages = Some(messages::finished(conversation.turns, prefill, &mut translation)?);
    body.tool_config = tools.config;
    body.system = Some(conversation.system).filter(|system| !system.is_empty());
    let sampling = Sampling { temperature: *temperature, top_p: *top_p, top_k: *top_k };
    let mut fields = reasoning.fields.clone();
    body.inference_config =
        parameters::inference(limit, &sampling, stop.as_ref(), &reasoning, &mut fields, &mut translation)?;
    parameters::metadata(metadata.as_ref(), &mut body, &mut translation.notes)?;
    parameters::service_tier(service_tier.as_deref(), &mut body, &mut translation.notes)?;
    let as_reply = streamed && body.tool_config.is_some() && !translation.traits.tools_while_streaming;
    if as_reply {
        // "This model doesn't support tool use in streaming mode."
        translation
            .notes
            .changed("stream", "the model takes no tools while streaming: the answer is asked for whole")?;
    }
    own.send(streamed && !as_reply, &mut body, &mut translation.notes)?;
    fields.extend(tools.native_choice.map(|choice| ("tool_choice", choice)));
    body.additional_model_request_fields = match fields.is_empty() {
        true => own_fields,
        false => Some(merged(fields, own_fields.as_ref(), &mut translation.notes)?),
    };
    answer_form::check_citations(&body)?;
    if options.cache == CachePolicy::Auto {
        cache::place(&mut body, &translation.traits);
    }
    cache::keep_rules(&mut body, &mut translation.notes)?;
    let Translation { notes, names, .. } = translation;
    Ok(Translated {
        model_id: model,
        stream: streamed,
        as_reply,
        include_usage,
        body,
        adjustments: notes.into_adjustments(),
        names: names.into_mapped(),
        content_tool,
        legacy,
    })
}

/// `function_call` as the choice that it is: auto, none, or `{"name": …}`.
fn legacy_choice(choice: Option<&Json>) -> Result<Option<ToolChoice>, Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Legacy {
        Mode(String),
        Named { name: String },
    }
    match choice.filter(|choice| !choice.is_null()).map(Json::read) {
        None => Ok(None),
        Some(Ok(Legacy::Mode(mode))) => Ok(Some(ToolChoice::Mode(mode))),
        Some(Ok(Legacy::Named { name })) => Ok(Some(ToolChoice::function(name))),
        Some(Err(_)) => Err(Error::invalid("function_call", "must be auto, none, or an object with a name")),
    }
}

/// Our members, with the caller's over them.
fn merged<'a>(
    ours: Vec<(&'static str, Value)>,
    callers: Option<&Raw<'_>>,
    notes: &mut Notes,
) -> Result<Raw<'a>, Error> {
    let callers: Members = match callers {
        None => Members::default(),
        Some(callers) => serde_json::from_str(callers.get())
            .map_err(|_| Error::invalid("bedrock.additionalModelRequestFields", "must be an object"))?,
    };
    let mut members = Members::default();
    for (name, value) in ours {
        match callers.get(name) {
            None => members.push(name, Json::from(value)),
            Some(_) => {
                let at = Path::root("bedrock");
                let at = at.member("additionalModelRequestFields");
                notes.changed(
                    at.member(name),
                    "the request's other members say it too: this one is sent, and theirs are not",
                )?;
            }
        }
    }
    for (name, value) in callers.iter() {
        members.push(name, value.clone());
    }
    Ok(Json::of(&members).unwrap_or_default().into())
}

/// The service's own limits of a model id are its length and its characters.
fn check_model(model: &str) -> Result<(), Error> {
    if model.trim().is_empty() {
        return Err(Error::invalid(
            "model",
            "is missing: give the id of a Bedrock model or inference profile",
        ));
    }
    let is_taken = |c: char| c.is_ascii_alphanumeric() || ":._/-".contains(c);
    if model.len() > 2048 || !model.chars().all(is_taken) {
        return Err(Error::invalid(
            "model",
            "is not a model id: at most 2048 letters, digits, dots, colons, slashes, hyphens and underscores",
        ));
    }
    Ok(())
}

fn stream_usage(options: Option<&StreamOptions>, notes: &mut Notes) -> Result<bool, Error> {
    let Some(options) = options else {
        return Ok(false);
    };
    let StreamOptions { include_usage, include_obfuscation, other } = options;
    let at = Path::root("stream_options");
    if *include_obfuscation == Some(true) {
        notes.omitted(at.member("include_obfuscation"), "chunks are not padded")?;
    }
    notes.unknown(other, &at)?;
    Ok(*include_usage == Some(true))
}
