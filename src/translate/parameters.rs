//! Length, sampling, stop texts, and what travels under `bedrock`.

use super::adjustment::Notes;
use super::content::is_blank;
use super::path::Path;
use crate::converse::{self, InferenceConfig};
use crate::error::Error;
use crate::json::Json;
use crate::openai::{BedrockRequest, Stop};

/// The most stop sequences that the service takes.
const MAX_STOP_SEQUENCES: usize = 2500;

pub(super) fn inference<'a>(
    limit: Option<(&str, i64)>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop: Option<&'a Stop>,
    notes: &mut Notes,
) -> Result<Option<InferenceConfig<'a>>, Error> {
    let mut config = InferenceConfig::default();
    if let Some((name, max)) = limit {
        if max < 1 {
            return Err(Error::invalid(name, format!("is {max}: it must be at least 1")));
        }
        config.max_tokens = Some(max);
    }
    config.temperature = temperature
        .map(|value| match value {
            0.0..=1.0 => Ok(value),
            // "Value '99.0' at 'inferenceConfig.temperature' failed to satisfy constraint"
            1.0..=2.0 => notes.changed("temperature", "Converse takes 0 to 1: 1 is sent").map(|()| 1.0),
            _ => Err(Error::invalid("temperature", format!("is {value}: it must be 0 to 2"))),
        })
        .transpose()?;
    config.top_p = top_p
        .map(|value| match value {
            0.0..=1.0 => Ok(value),
            _ => Err(Error::invalid("top_p", format!("is {value}: it must be 0 to 1"))),
        })
        .transpose()?;
    config.stop_sequences =
        stop.map(|stop| stop_sequences(stop, notes)).transpose()?.filter(|texts| !texts.is_empty());
    Ok(Some(config).filter(|config| *config != InferenceConfig::default()))
}

fn stop_sequences<'a>(stop: &'a Stop, notes: &mut Notes) -> Result<Vec<crate::json::Str<'a>>, Error> {
    let root = Path::root("stop");
    let mut texts = Vec::with_capacity(stop.texts().len());
    for (index, text) in stop.texts().iter().enumerate() {
        if is_blank(text) {
            // "stop_sequences: each stop sequence must contain non-whitespace"
            notes.omitted(root.index(index), "a stop text of white space alone is refused")?;
        } else {
            texts.push(text.as_str().into());
        }
    }
    if texts.len() > MAX_STOP_SEQUENCES {
        return Err(Error::invalid(
            "stop",
            format!("has {} texts: at most {MAX_STOP_SEQUENCES} are taken", texts.len()),
        ));
    }
    Ok(texts)
}

/// What only Converse has goes out as it came in.
pub(super) fn bedrock<'a>(
    bedrock: &'a BedrockRequest,
    body: &mut converse::Request<'a>,
    notes: &mut Notes,
) -> Result<(), Error> {
    let BedrockRequest {
        additional_model_request_fields,
        additional_model_response_field_paths,
        guardrail_config,
        performance_config,
        prompt_variables,
        request_metadata,
        service_tier,
        other,
    } = bedrock;
    let root = Path::root("bedrock");
    let object = |json: &'a Option<Json>, member: &str| match json {
        Some(json) if json.is_null() => Ok(None),
        Some(json) if !json.is_object() => {
            Err(Error::invalid(root.member(member).to_string(), "must be an object"))
        }
        json => Ok(json.as_ref().map(Json::raw)),
    };
    body.additional_model_request_fields =
        object(additional_model_request_fields, "additionalModelRequestFields")?;
    body.guardrail_config = object(guardrail_config, "guardrailConfig")?;
    body.performance_config = object(performance_config, "performanceConfig")?;
    body.prompt_variables = object(prompt_variables, "promptVariables")?;
    body.request_metadata = object(request_metadata, "requestMetadata")?;
    body.service_tier = object(service_tier, "serviceTier")?;
    if let Some(paths) = additional_model_response_field_paths {
        let at = root.member("additionalModelResponseFieldPaths");
        if paths.len() > 10 || paths.iter().any(|path| !(1..=256).contains(&path.chars().count())) {
            return Err(Error::invalid(
                at.to_string(),
                "takes at most 10 JSON pointers of 1 to 256 characters",
            ));
        }
        body.additional_model_response_field_paths =
            Some(paths.iter().map(|path| path.as_str().into()).collect());
    }
    notes.unknown(other, &root)
}
