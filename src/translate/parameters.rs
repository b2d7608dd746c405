//! Length, sampling, stop texts, metadata and tier.

use serde_json::{Value, json};

use super::adjustment::Notes;
use super::blank::is_blank;
use super::path::Path;
use super::reasoning::Reasoning;
use super::translation::Translation;
use crate::converse::{self, InferenceConfig};
use crate::error::Error;
use crate::json::{Json, Members};
use crate::models::{TopK, Traits};
use crate::openai::Stop;

/// The most stop sequences that the service takes.
const MAX_STOP_SEQUENCES: usize = 2500;

/// What of a request is about sampling.
pub(super) struct Sampling {
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_k: Option<i64>,
}

/// The limit of the answer, within what the model is known to take.
pub(super) fn max_tokens(
    limit: Option<(&str, i64)>,
    traits: &Traits,
    notes: &mut Notes,
) -> Result<Option<i64>, Error> {
    let Some((name, max)) = limit else {
        return Ok(None);
    };
    if max < 1 {
        return Err(Error::invalid(name, format!("is {max}: it must be at least 1")));
    }
    match traits.known.max_output_tokens.and_then(|most| i64::try_from(most).ok()) {
        // "max_tokens: 999999 > 128000, which is the maximum allowed number of output tokens"
        Some(most) if max > most => {
            notes.changed(name, &format!("is more than the model gives: {most} is sent"))?;
            Ok(Some(most))
        }
        _ => Ok(Some(max)),
    }
}

pub(super) fn inference<'a>(
    limit: Option<i64>,
    sampling: &Sampling,
    stop: Option<&'a Stop>,
    reasoning: &Reasoning,
    fields: &mut Vec<(&'static str, Value)>,
    translation: &mut Translation,
) -> Result<Option<InferenceConfig<'a>>, Error> {
    let (traits, notes) = (translation.traits, &mut translation.notes);
    let mut config =
        InferenceConfig { max_tokens: reasoning.max_tokens.or(limit), ..InferenceConfig::default() };
    config.temperature = sampling
        .temperature
        .map(|value| match value {
            0.0..=1.0 => Ok(value),
            // "Value '99.0' at 'inferenceConfig.temperature' failed to satisfy constraint"
            1.0..=2.0 => notes.changed("temperature", "Converse takes 0 to 1: 1 is sent").map(|()| 1.0),
            _ => Err(Error::invalid("temperature", format!("is {value}: it must be 0 to 2"))),
        })
        .transpose()?;
    config.top_p = sampling
        .top_p
        .map(|value| match value {
            0.0..=1.0 => Ok(value),
            _ => Err(Error::invalid("top_p", format!("is {value}: it must be 0 to 1"))),
        })
        .transpose()?;
    let mut top_k = sampling.top_k;
    if top_k.is_some_and(|top_k| top_k < 1) {
        return Err(Error::invalid("top_k", "must be at least 1"));
    }
    let refused = if !traits.sampling {
        Some("the model takes no sampling parameters")
    } else if reasoning.thinks {
        Some("the model takes no sampling parameters while it thinks")
    } else if reasoning.unlimited {
        Some("the model takes no sampling parameters at this effort")
    } else {
        None
    };
    if let Some(reason) = refused {
        if config.temperature.take().is_some_and(|value| value != 1.0) {
            notes.omitted("temperature", reason)?;
        }
        if config.top_p.take().is_some_and(|value| value != 1.0) {
            notes.omitted("top_p", reason)?;
        }
        if top_k.take().is_some() {
            notes.omitted("top_k", reason)?;
        }
    }
    if reasoning.unlimited && config.max_tokens.take().is_some() {
        notes.omitted("max_tokens", "the model takes no limit at this effort")?;
    }
    if config.temperature.is_some() && config.top_p.is_some() && !traits.sampling_together {
        // "`temperature` and `top_p` cannot both be specified for this model."
        config.top_p = None;
        notes.omitted("top_p", "the model takes temperature or top_p, not both")?;
    }
    if let Some(top_k) = top_k {
        match traits.top_k {
            TopK::Plain => fields.push(("top_k", json!(top_k))),
            TopK::InferenceConfig => fields.push(("inferenceConfig", json!({"topK": top_k}))),
            TopK::None => notes.omitted("top_k", "no such knob of this model is known")?,
        }
    }
    config.stop_sequences =
        stop.map(|stop| stop_sequences(stop, notes)).transpose()?.filter(|texts| !texts.is_empty());
    if config.stop_sequences.is_some() && !traits.stop {
        config.stop_sequences = None;
        notes.omitted("stop", "the model takes no stop sequences")?;
    }
    Ok(Some(config).filter(|config| *config != InferenceConfig::default()))
}

/// `metadata` filters invocation logs where it fits the service's limits.
pub(super) fn metadata<'a>(
    metadata: Option<&'a Json>,
    body: &mut converse::Request<'a>,
    notes: &mut Notes,
) -> Result<(), Error> {
    let Some(metadata) = metadata.filter(|metadata| !matches!(metadata.get(), "null" | "{}")) else {
        return Ok(());
    };
    if metadata_fits(metadata.get()) {
        body.request_metadata = Some(metadata.raw());
        return Ok(());
    }
    notes.omitted("metadata", METADATA_LIMITS)
}

pub(super) const METADATA_LIMITS: &str = "does not fit the service's limits: 1 to 16 pairs of text, each of up to 256 letters, digits, white space and :_@$#=/+,-.";

/// Whether metadata fit the service's model: 1 to 16 pairs, keys of `[a-zA-Z0-9\s:_@$#=/+,-.]{1,256}`,
/// values the same from 0.
pub(super) fn metadata_fits(metadata: &str) -> bool {
    let fits = |text: &str| {
        let is_taken =
            |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c);
        text.len() <= 256 && text.chars().all(is_taken)
    };
    let sound = |(key, value): (&str, &Json)| {
        !key.is_empty() && fits(key) && value.read::<String>().is_ok_and(|value| fits(&value))
    };
    serde_json::from_str::<Members>(metadata)
        .is_ok_and(|members| (1..=16).contains(&members.iter().count()) && members.iter().all(sound))
}

/// Bedrock's tiers.
pub(super) const TIERS: [&str; 4] = ["priority", "default", "flex", "reserved"];

/// `service_tier` where Bedrock has the same.
pub(super) fn service_tier<'a>(
    tier: Option<&str>,
    body: &mut converse::Request<'a>,
    notes: &mut Notes,
) -> Result<(), Error> {
    match tier {
        None | Some("auto") => Ok(()),
        Some(tier) if TIERS.contains(&tier) => {
            body.service_tier = Some(Json::from(json!({"type": tier})).into());
            Ok(())
        }
        Some(_) => {
            notes.omitted("service_tier", "is no tier of Bedrock's: default, flex, priority, reserved")
        }
    }
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
