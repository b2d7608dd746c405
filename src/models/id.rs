//! Model ids: foundation models, inference profiles, ARNs.

use std::fmt;

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelKind {
    /// A foundation model, such as `amazon.nova-lite-v1:0`.
    FoundationModel,
    /// A cross-region inference profile, such as `us.amazon.nova-lite-v1:0`.
    InferenceProfile,
    /// An inference profile of the account's own, which hides its model.
    ApplicationInferenceProfile,
    /// Throughput that was bought.
    ProvisionedModel,
    /// A model that was imported.
    ImportedModel,
    /// A model that was customised, or its deployment.
    CustomModel,
    /// A router that picks the model by the prompt.
    PromptRouter,
    /// Something else.
    Other,
}

/// A model id in its parts, borrowed from the text.
///
/// ```
/// use bedrock_chat::models::{ModelId, ModelKind};
///
/// let id = ModelId::new("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
/// assert_eq!(id.kind(), ModelKind::InferenceProfile);
/// assert_eq!((id.geography(), id.base()), (Some("us"), "anthropic.claude-sonnet-4-5-20250929-v1:0"));
/// assert!(id.is_anthropic());
///
/// let id = ModelId::new("arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3");
/// assert_eq!(id.kind(), ModelKind::ApplicationInferenceProfile);
/// assert_eq!((id.region(), id.account(), id.resource()), (Some("eu-west-1"), Some("123456789012"), "a1b2c3"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelId<'a> {
    text: &'a str,
    kind: ModelKind,
    partition: Option<&'a str>,
    region: Option<&'a str>,
    account: Option<&'a str>,
    resource: &'a str,
    geography: Option<&'a str>,
    base: &'a str,
}

impl<'a> ModelId<'a> {
    /// Takes `text` apart. Any text has parts; whether the model exists is the service's to say.
    pub fn new(text: &'a str) -> Self {
        // partition:service:region:account:type/name, where the name may have colons.
        let arn: Option<Vec<&str>> = text.strip_prefix("arn:").map(|rest| rest.splitn(5, ':').collect());
        let part = |index: usize| {
            arn.as_ref().and_then(|parts| parts.get(index).copied()).filter(|part| !part.is_empty())
        };
        let resource = if arn.is_some() { part(4).unwrap_or_default() } else { text };
        let (named_kind, resource) = match resource.split_once('/') {
            Some((kind, name)) if arn.is_some() => (Some(kind), name),
            _ => (None, resource),
        };
        let (geography, base) = match split_geography(resource) {
            Some((geography, base)) => (Some(geography), base),
            None => (None, resource),
        };
        let kind = match named_kind {
            None if arn.is_some() => ModelKind::Other,
            None if geography.is_some() => ModelKind::InferenceProfile,
            None | Some("foundation-model") => ModelKind::FoundationModel,
            Some("inference-profile") => ModelKind::InferenceProfile,
            Some("application-inference-profile") => ModelKind::ApplicationInferenceProfile,
            Some("provisioned-model") => ModelKind::ProvisionedModel,
            Some("imported-model") => ModelKind::ImportedModel,
            Some("custom-model" | "custom-model-deployment") => ModelKind::CustomModel,
            Some("prompt-router" | "default-prompt-router") => ModelKind::PromptRouter,
            Some(_) => ModelKind::Other,
        };
        ModelId {
            text,
            kind,
            partition: part(0),
            region: part(2),
            account: part(3),
            resource,
            geography,
            base,
        }
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// What it names.
    pub fn kind(&self) -> ModelKind {
        self.kind
    }

    /// Whether it is an ARN.
    pub fn is_arn(&self) -> bool {
        self.partition.is_some()
    }

    /// The partition inside an ARN, such as `aws` or `aws-us-gov`.
    pub fn partition(&self) -> Option<&'a str> {
        self.partition
    }

    /// The region inside an ARN.
    pub fn region(&self) -> Option<&'a str> {
        self.region
    }

    /// The account inside an ARN.
    pub fn account(&self) -> Option<&'a str> {
        self.account
    }

    /// The name of what an ARN names; the id itself where it is none.
    pub fn resource(&self) -> &'a str {
        self.resource
    }

    /// The geography of an inference profile: `us`, `eu`, `apac`, `jp`, `us-gov`, `global` and others.
    pub fn geography(&self) -> Option<&'a str> {
        self.geography
    }

    /// The foundation model's id, without ARN and geography; of an opaque resource, its name.
    pub fn base(&self) -> &'a str {
        self.base
    }

    /// Whether it is one of Anthropic's models, as far as the id tells.
    pub fn is_anthropic(&self) -> bool {
        self.base.starts_with("anthropic.")
    }

    /// The inference profile of this model for calls from `region`; none where the id is not that of a
    /// foundation model. Which profiles exist is the service's to say: many models have fewer than
    /// there are geographies.
    ///
    /// ```
    /// use bedrock_chat::models::ModelId;
    ///
    /// let id = ModelId::new("anthropic.claude-sonnet-4-5-20250929-v1:0");
    /// let profile = id.cross_region_id("eu-central-1").unwrap();
    /// assert_eq!(profile, "eu.anthropic.claude-sonnet-4-5-20250929-v1:0");
    /// assert_eq!(ModelId::new(&profile).cross_region_id("eu-central-1"), None);
    /// ```
    pub fn cross_region_id(&self, region: &str) -> Option<String> {
        (self.kind == ModelKind::FoundationModel).then(|| format!("{}.{}", geography_of(region), self.base))
    }
}

impl fmt::Display for ModelId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// The geography that a region's calls are served in.
fn geography_of(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 6] =
        [("us-gov-", "us-gov"), ("us-", "us"), ("eu-", "eu"), ("ap-", "apac"), ("ca-", "ca"), ("sa-", "sa")];
    BY_PREFIX
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("global", |(_, geography)| geography)
}

/// `us` and the rest of `us.anthropic.claude…`: the geography of an inference profile comes before a
/// provider and a model, so an id with two dots or more before its version has one.
fn split_geography(id: &str) -> Option<(&str, &str)> {
    let (geography, rest) = id.split_once('.')?;
    let is_geography = matches!(geography.len(), 2..=7)
        && geography.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        && rest.split_once('.').is_some_and(|(provider, model)| {
            !provider.is_empty()
                && provider.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && model.starts_with(|first: char| first.is_ascii_alphabetic())
        });
    is_geography.then_some((geography, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_id_has_its_parts() {
        use ModelKind::*;
        let base = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        let mut forms = vec![(base.to_owned(), FoundationModel, None, None)];
        for geography in ["us", "eu", "apac", "ap", "au", "jp", "ca", "sa", "us-gov", "global", "mx"] {
            forms.push((format!("{geography}.{base}"), InferenceProfile, None, Some(geography)));
        }
        let arn = |kind: &str, name: &str| {
            format!("arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:{kind}/{name}")
        };
        let region = Some("us-gov-west-1");
        forms.push((arn("foundation-model", base), FoundationModel, region, None));
        forms.push((
            arn("inference-profile", &format!("us-gov.{base}")),
            InferenceProfile,
            region,
            Some("us-gov"),
        ));
        for (text, kind, region, geography) in &forms {
            let id = ModelId::new(text);
            assert_eq!((id.kind(), id.region(), id.geography()), (*kind, *region, *geography), "{text}");
            assert_eq!(id.base(), base, "{text}");
            assert!(id.is_anthropic());
            assert_eq!(id.to_string(), *text);
        }
        for (kind, expected) in [
            ("application-inference-profile", ApplicationInferenceProfile),
            ("provisioned-model", ProvisionedModel),
            ("imported-model", ImportedModel),
            ("custom-model", CustomModel),
            ("custom-model-deployment", CustomModel),
            ("prompt-router", PromptRouter),
            ("default-prompt-router", PromptRouter),
            ("something-new", Other),
        ] {
            let text = arn(kind, "a1b2c3d4e5f6");
            let id = ModelId::new(&text);
            assert_eq!(
                (id.kind(), id.resource(), id.base()),
                (expected, "a1b2c3d4e5f6", "a1b2c3d4e5f6"),
                "{text}"
            );
            assert_eq!((id.partition(), id.account()), (Some("aws-us-gov"), Some("123456789012")));
            assert!(!id.is_anthropic());
            assert_eq!(id.cross_region_id("us-east-1"), None);
        }
        for odd in
            ["", ".", "arn:", "arn:::::", "arn:aws:bedrock", "a.b", "us.", "us.amazon", "meta.llama3.1"]
        {
            assert_eq!(ModelId::new(odd).as_str(), odd);
        }
    }

    #[test]
    fn a_region_has_the_profile_of_its_geography() {
        let id = ModelId::new("amazon.nova-lite-v1:0");
        for (region, profile) in [
            ("us-east-1", "us.amazon.nova-lite-v1:0"),
            ("us-gov-west-1", "us-gov.amazon.nova-lite-v1:0"),
            ("eu-north-1", "eu.amazon.nova-lite-v1:0"),
            ("ap-southeast-2", "apac.amazon.nova-lite-v1:0"),
            ("ca-central-1", "ca.amazon.nova-lite-v1:0"),
            ("sa-east-1", "sa.amazon.nova-lite-v1:0"),
            ("me-central-1", "global.amazon.nova-lite-v1:0"),
        ] {
            assert_eq!(id.cross_region_id(region).as_deref(), Some(profile));
        }
    }
}
