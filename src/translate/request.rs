//! A Chat Completions request into the body of Converse.

use super::adjustment::{Adjustment, Notes};
use super::path::Path;
use super::{messages, parameters, tools};
use crate::converse::{self, ContentBlock, ToolResultContent};
use crate::error::Error;
use crate::json::{Json, Raw};
use crate::models::{ModelId, abilities};
use crate::openai::{ChatRequest, StreamOptions};
use crate::writing::Write;

/// How a request is translated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// What happens to members that Bedrock cannot take.
    pub strictness: Strictness,
}

/// What happens to members that Bedrock cannot take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strictness {
    /// They are left out or changed, each with an [`Adjustment`].
    #[default]
    Adjust,
    /// The request is refused with an error of kind `unsupported`.
    Strict,
}

/// A request in Converse's form, borrowed from the [`ChatRequest`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Translated<'a> {
    /// The model, for the path of the call.
    pub model_id: &'a str,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the stream ends with a chunk that carries the usage.
    pub include_usage: bool,
    /// The body.
    pub body: converse::Request<'a>,
    /// What was changed.
    pub adjustments: Vec<Adjustment>,
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
///   [`Strictness::Strict`], for something that would have to be adjusted.
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
    let mut notes = Notes::new(options.strictness);
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
        stream,
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
    for (name, given) in [("functions", functions.is_some()), ("function_call", function_call.is_some())] {
        if given {
            return Err(Error::unsupported(
                name,
                "is the legacy form, which is not translated yet: use tools and tool_choice",
            ));
        }
    }
    response_form(response_format.as_ref(), &mut notes)?;
    for (name, given) in [
        ("top_k", top_k.is_some()),
        ("parallel_tool_calls", *parallel_tool_calls == Some(false)),
        ("reasoning_effort", reasoning_effort.is_some()),
        ("thinking", thinking.is_some()),
        ("verbosity", verbosity.is_some()),
        ("frequency_penalty", frequency_penalty.is_some_and(|penalty| penalty != 0.0)),
        ("presence_penalty", presence_penalty.is_some_and(|penalty| penalty != 0.0)),
        ("logit_bias", logit_bias.is_some()),
        ("seed", seed.is_some()),
        ("prediction", prediction.is_some()),
        ("metadata", metadata.is_some()),
        ("store", *store == Some(true)),
        ("user", user.is_some()),
        ("safety_identifier", safety_identifier.is_some()),
        ("prompt_cache_key", prompt_cache_key.is_some()),
        ("prompt_cache_retention", prompt_cache_retention.is_some()),
        ("service_tier", service_tier.as_deref().is_some_and(|tier| tier != "auto" && tier != "default")),
        ("web_search_options", web_search_options.is_some()),
    ] {
        if given {
            notes.omitted(name, "has no place in Converse, or none that is translated yet")?;
        }
    }
    for (name, value) in other.iter() {
        if !value.is_null() {
            notes.omitted(name, "is not a member that is known")?;
        }
    }
    let include_usage = stream_usage(stream_options.as_ref(), &mut notes)?;

    let id = ModelId::new(model);
    let known = abilities(model);
    let conversation = messages::conversation(messages, &known, &mut notes)?;
    let history_has_calls = conversation.messages.iter().any(|message| {
        message
            .content
            .iter()
            .any(|block| matches!(block, ContentBlock::ToolUse(_) | ContentBlock::ToolResult(_)))
    });
    let tools = tools::tools(tools.as_deref(), tool_choice.as_ref(), &id, history_has_calls, &mut notes)?;
    let limit = max_completion_tokens.map(|max| ("max_completion_tokens", max));
    let limit = limit.or(max_tokens.map(|max| ("max_tokens", max)));

    let mut body = converse::Request {
        tool_config: tools.config,
        system: Some(conversation.system).filter(|system| !system.is_empty()),
        messages: Some(conversation.messages),
        inference_config: parameters::inference(limit, *temperature, *top_p, stop.as_ref(), &mut notes)?,
        ..converse::Request::default()
    };
    if let Some(bedrock) = bedrock {
        parameters::bedrock(bedrock, &mut body, &mut notes)?;
    }
    if let Some(choice) = tools.native_choice {
        let native = serde_json::json!({"tool_choice": {"type": choice}});
        body.additional_model_request_fields =
            Some(merged(native, body.additional_model_request_fields.take())?);
    }
    Ok(Translated {
        model_id: model,
        stream: *stream == Some(true),
        include_usage,
        body,
        adjustments: notes.into_adjustments(),
    })
}

/// `ours`, with the caller's members over it.
fn merged<'a>(ours: serde_json::Value, callers: Option<Raw<'a>>) -> Result<Raw<'a>, Error> {
    use crate::json::Members;
    let Some(callers) = callers else {
        return Ok(Json::from(ours).into());
    };
    let read = |json: &str| {
        serde_json::from_str::<Members>(json)
            .map_err(|_| Error::invalid("bedrock.additionalModelRequestFields", "must be an object"))
    };
    let callers = read(callers.get())?;
    let mut members = Members::default();
    for (name, value) in read(&ours.to_string())?.iter() {
        if callers.get(name).is_none() {
            members.push(name, value.clone());
        }
    }
    for (name, value) in callers.iter() {
        members.push(name, value.clone());
    }
    Ok(Json::of(&members).unwrap_or_default().into())
}

/// The service's own limits of a model id are its length and, in effect, its characters.
fn check_model(model: &str) -> Result<(), Error> {
    if model.trim().is_empty() {
        return Err(Error::invalid(
            "model",
            "is missing: give the id of a Bedrock model or inference profile",
        ));
    }
    if model.len() > 2048 || model.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid("model", "is not a model id: at most 2048 characters and no white space"));
    }
    Ok(())
}

fn response_form(form: Option<&Json>, notes: &mut Notes) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    struct Form {
        #[serde(rename = "type")]
        kind: String,
    }
    let Some(form) = form else {
        return Ok(());
    };
    let form: Form = form.read().map_err(|_| {
        Error::invalid("response_format.type", "is missing: say text, json_object or json_schema")
    })?;
    match form.kind.as_str() {
        "text" => Ok(()),
        "json_object" => {
            notes.omitted("response_format", "Converse has no free JSON mode: ask for JSON in the text")
        }
        "json_schema" => Err(Error::unsupported("response_format", "json_schema is not translated yet")),
        kind => Err(Error::invalid(
            "response_format.type",
            format!("is {kind:?}: say text, json_object or json_schema"),
        )),
    }
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
