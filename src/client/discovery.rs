//! Which models there are: the foundation models and inference profiles of a region, as the control plane
//! lists them, joined with the catalogue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_bedrock::types::{
    FoundationModelLifecycleStatus, FoundationModelSummary, InferenceProfileStatus, InferenceProfileSummary,
    InferenceProfileType, ModelModality,
};
use tokio::time::Instant;

use super::{Bedrock, failure};
use crate::error::{Error, ErrorKind};
use crate::models::{Abilities, ModelId, ModelKind, abilities, context_window};

/// How long lists are good.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How many regions' lists, and how many application inference profiles, are remembered.
const MOST: usize = 256;

/// A model that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Model {
    /// The id to call it by.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whose it is, as its id has it: `anthropic`, `amazon`.
    pub provider: String,
    /// A foundation model or an inference profile.
    pub kind: ModelKind,
    /// The foundation model that is called.
    pub base: String,
    /// Tokens that a request may have: what the catalogue says, else 128,000.
    pub context_window: u64,
    /// What the catalogue knows.
    pub abilities: Abilities,
}

/// The models of a region, and what could not be listed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ModelList {
    /// Global inference profiles first, then by name.
    pub models: Vec<Model>,
    /// Why a list is missing, or is an older one: foundation models and inference profiles fail each
    /// alone.
    pub failures: Vec<Error>,
}

/// What was listed so far.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    regions: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Lists>>>>,
    bases: Mutex<HashMap<String, Base>>,
}

/// The lists of one region.
#[derive(Debug, Default)]
struct Lists {
    foundation: Listed,
    profiles: Listed,
}

/// One list, and when it came.
#[derive(Debug, Default)]
struct Listed {
    at: Option<Instant>,
    models: Vec<Model>,
}

impl Listed {
    fn is_fresh(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < FRESH)
    }

    /// Takes what came; keeps what it has where nothing did.
    fn update(&mut self, listed: Option<Result<Vec<Model>, Error>>, failures: &mut Vec<Error>) {
        match listed {
            None => {}
            Some(Ok(models)) => *self = Listed { at: Some(Instant::now()), models },
            Some(Err(error)) => failures.push(error),
        }
    }
}

/// The model behind an application inference profile; none where that is not to be had.
#[derive(Debug, Clone)]
struct Base {
    at: Instant,
    model: Option<String>,
}

impl Bedrock {
    /// The models of this client's region that answer in text and stream: active foundation models and
    /// active inference profiles, those of the account included; of `provider` alone where one is given
    /// (`anthropic`, whatever the case). The lists are kept for an hour; one that cannot be renewed is
    /// given as it was.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), bedrock_chat::Error> {
    /// let bedrock = bedrock_chat::Bedrock::from_env().await?;
    /// let list = bedrock.models(Some("anthropic")).await;
    /// for model in &list.models {
    ///     println!("{} {} tokens", model.id, model.context_window);
    /// }
    /// for failure in &list.failures {
    ///     eprintln!("{failure}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn models(&self, provider: Option<&str>) -> ModelList {
        let lists = self.shared.discovered.region(&self.region);
        // Who comes meanwhile waits for the same answer.
        let mut lists = lists.lock().await;
        let mut failures = Vec::new();
        if !(lists.foundation.is_fresh() && lists.profiles.is_fresh()) {
            match self.shared.regions.control(&self.region) {
                Err(error) => failures.push(error.in_region(&self.region)),
                Ok(control) => {
                    let foundation = async {
                        let is_old = !lists.foundation.is_fresh();
                        if is_old { Some(self.foundation_models(&control).await) } else { None }
                    };
                    let profiles = async {
                        let is_old = !lists.profiles.is_fresh();
                        if is_old { Some(self.inference_profiles(&control).await) } else { None }
                    };
                    let (foundation, profiles) = tokio::join!(foundation, profiles);
                    lists.foundation.update(foundation, &mut failures);
                    lists.profiles.update(profiles, &mut failures);
                }
            }
        }
        let all = lists.foundation.models.iter().chain(&lists.profiles.models);
        let is_wanted = |model: &&Model| {
            provider.is_none_or(|provider| model.provider.eq_ignore_ascii_case(provider.trim()))
        };
        let mut models: Vec<Model> = all.filter(is_wanted).cloned().collect();
        models.sort_by_cached_key(|model| {
            let is_global = ModelId::new(&model.id).geography() == Some("global");
            (!is_global, model.name.clone(), model.id.clone())
        });
        ModelList { models, failures }
    }

    /// The ids of [`Bedrock::models`] alone.
    pub async fn model_ids(&self, provider: Option<&str>) -> Vec<String> {
        self.models(provider).await.models.into_iter().map(|model| model.id).collect()
    }

    async fn foundation_models(&self, control: &aws_sdk_bedrock::Client) -> Result<Vec<Model>, Error> {
        let sending = control.list_foundation_models().by_output_modality(ModelModality::Text).send();
        let answer = sending.await.map_err(|error| self.unlisted(failure::from_sdk(error)))?;
        Ok(answer.model_summaries().iter().filter_map(foundation_model).collect())
    }

    async fn inference_profiles(&self, control: &aws_sdk_bedrock::Client) -> Result<Vec<Model>, Error> {
        let mut models = Vec::new();
        for kind in [InferenceProfileType::SystemDefined, InferenceProfileType::Application] {
            let mut pages = control.list_inference_profiles().type_equals(kind).into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| self.unlisted(failure::from_sdk(error)))?;
                models.extend(page.inference_profile_summaries().iter().filter_map(inference_profile));
            }
        }
        Ok(models)
    }

    fn unlisted(&self, error: Error) -> Error {
        let error = error.in_region(&self.region);
        match &self.shared.credentials {
            Some(source) => super::credentials::advised(error, source),
            None => error,
        }
    }

    /// The model behind an application inference profile, asked for once an hour in the region of its ARN;
    /// none for any other id, for one whose model the caller said, and where it is not to be had.
    pub(super) async fn hidden_model(&self, id: &str) -> Option<String> {
        let parts = ModelId::new(id);
        if parts.kind() != ModelKind::ApplicationInferenceProfile
            || self.shared.options.base_models.contains_key(id)
        {
            return None;
        }
        if let Some(known) = self.shared.discovered.base(id) {
            return known.model;
        }
        let region = parts.region().unwrap_or(&self.region);
        let control = self.shared.regions.control(region).ok()?;
        let asked = control.get_inference_profile().inference_profile_identifier(id).send().await;
        let model = match asked.map_err(failure::from_sdk) {
            Ok(profile) => profile
                .models()
                .first()
                .and_then(|model| model.model_arn())
                .map(|arn| ModelId::new(arn).base().to_owned()),
            Err(error) => {
                tracing::warn!(
                    region,
                    model = id,
                    kind = %error.kind(),
                    "the model behind an inference profile is not known: its rules are not kept"
                );
                None
            }
        };
        self.shared.discovered.remember(id, Base { at: Instant::now(), model: model.clone() });
        model
    }
}

impl Discovered {
    fn region(&self, region: &str) -> Arc<tokio::sync::Mutex<Lists>> {
        // A map of lists has no half-done state.
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if regions.len() >= MOST && !regions.contains_key(region) {
            regions.clear();
        }
        Arc::clone(regions.entry(region.to_owned()).or_default())
    }

    fn base(&self, id: &str) -> Option<Base> {
        let bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        bases.get(id).filter(|base| base.at.elapsed() < FRESH).cloned()
    }

    fn remember(&self, id: &str, base: Base) {
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        if bases.len() >= MOST {
            bases.clear();
        }
        bases.insert(id.to_owned(), base);
    }
}

/// A foundation model that is active, answers in text and streams.
fn foundation_model(summary: &FoundationModelSummary) -> Option<Model> {
    let is_active = summary
        .model_lifecycle()
        .is_none_or(|lifecycle| *lifecycle.status() == FoundationModelLifecycleStatus::Active);
    let is_text = summary.output_modalities().contains(&ModelModality::Text);
    let streams = summary.response_streaming_supported() == Some(true);
    let id = summary.model_id();
    (is_active && is_text && streams).then(|| model(id, summary.model_name(), id))
}

/// An inference profile that is active.
fn inference_profile(summary: &InferenceProfileSummary) -> Option<Model> {
    let is_active = *summary.status() == InferenceProfileStatus::Active;
    let arn = summary.models().first().and_then(|model| model.model_arn()).unwrap_or_default();
    let base = ModelId::new(arn).base();
    let is_application = *summary.r#type() == InferenceProfileType::Application;
    // An application's profile is called by its ARN.
    let id = if is_application { summary.inference_profile_arn() } else { summary.inference_profile_id() };
    is_active.then(|| model(id, Some(summary.inference_profile_name()), base))
}

fn model(id: &str, name: Option<&str>, base: &str) -> Model {
    Model {
        id: id.to_owned(),
        name: name.unwrap_or(id).to_owned(),
        provider: base.split('.').next().unwrap_or_default().to_owned(),
        kind: ModelId::new(id).kind(),
        base: base.to_owned(),
        context_window: context_window(base),
        abilities: abilities(base),
    }
}

/// Why the control plane is not asked.
pub(super) fn no_endpoint() -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        "the endpoint of the calls is set, and that of the control plane is not: models cannot be listed",
    )
    .with_advice("set control_endpoint_url too")
}
