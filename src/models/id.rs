//! Model ids: foundation models, inference profiles, ARNs.

/// A model id in its parts, borrowed from the text.
///
/// ```
/// use bedrock_chat::models::ModelId;
///
/// let id = ModelId::new("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
/// assert_eq!(id.base(), "anthropic.claude-sonnet-4-5-20250929-v1:0");
/// assert!(id.is_anthropic());
///
/// let id = ModelId::new("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0");
/// assert_eq!((id.base(), id.region()), ("amazon.nova-lite-v1:0", Some("eu-west-1")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelId<'a> {
    text: &'a str,
    region: Option<&'a str>,
    base: &'a str,
}

impl<'a> ModelId<'a> {
    /// Takes `text` apart. Any text has parts; whether the model exists is the service's to say.
    pub fn new(text: &'a str) -> Self {
        let (region, resource) = match text.strip_prefix("arn:") {
            // partition:service:region:account:type/name, where the name may have colons.
            Some(rest) => {
                let mut parts = rest.splitn(5, ':');
                let region = parts.nth(2).filter(|region| !region.is_empty());
                let resource = parts.nth(1).unwrap_or_default();
                (region, resource.split_once('/').map_or(resource, |(_, name)| name))
            }
            None => (None, text),
        };
        ModelId { text, region, base: without_geography(resource) }
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The region inside an ARN.
    pub fn region(&self) -> Option<&'a str> {
        self.region
    }

    /// The foundation model's id, without ARN and geography; of an opaque resource, its name.
    pub fn base(&self) -> &'a str {
        self.base
    }

    /// Whether it is one of Anthropic's models, as far as the id tells.
    pub fn is_anthropic(&self) -> bool {
        self.base.starts_with("anthropic.")
    }
}

/// `us.anthropic.claude…` without `us.`: the geography of an inference profile comes before a
/// provider and a model, so an id with two dots or more before its version has one.
fn without_geography(id: &str) -> &str {
    let Some((geography, rest)) = id.split_once('.') else {
        return id;
    };
    let is_geography = matches!(geography.len(), 2..=7)
        && geography.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        && rest.split_once('.').is_some_and(|(provider, model)| {
            !provider.is_empty()
                && provider.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && model.starts_with(|first: char| first.is_ascii_alphabetic())
        });
    if is_geography { rest } else { id }
}
