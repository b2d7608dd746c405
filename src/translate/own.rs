//! What only Converse has: the request's member `bedrock`, over the defaults of the options.

use std::sync::LazyLock;

use regex::Regex;

use super::adjustment::Notes;
use super::names::is_tool_name;
use super::parameters::{METADATA_LIMITS, TIERS, metadata_fits};
use super::path::Path;
use crate::converse::{self, NamedTool, Tool, ToolConfig};
use crate::error::Error;
use crate::json::{Json, Members, Raw};
use crate::openai::BedrockRequest;

/// The most pointers into the model's own answer that the service takes.
const MOST_PATHS: usize = 10;

/// Members of `bedrock`, from the request where it has them, else from the defaults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a, 'o> {
    request: Option<&'a BedrockRequest>,
    defaults: &'o BedrockRequest,
}

impl<'a, 'o> Own<'a, 'o> {
    pub(super) fn new(request: Option<&'a BedrockRequest>, defaults: &'o BedrockRequest) -> Self {
        Own { request, defaults }
    }

    /// A member that is an object; copied where it is a default.
    fn object(&self, name: &str, of: fn(&BedrockRequest) -> Option<&Json>) -> Result<Option<Raw<'a>>, Error> {
        let of_request = self.request.and_then(of);
        let json = of_request.or_else(|| of(self.defaults)).filter(|json| !json.is_null());
        match json {
            Some(json) if !json.is_object() => Err(Error::invalid(at(name), "must be an object")),
            None => Ok(None),
            Some(default) => Ok(Some(of_request.map_or_else(|| default.clone().into(), Json::raw))),
        }
    }

    /// The fields for the model itself.
    pub(super) fn additional_fields(&self) -> Result<Option<Raw<'a>>, Error> {
        self.object("additionalModelRequestFields", |own| own.additional_model_request_fields.as_ref())
    }

    /// Sends the members as they came in. `streamed` says which operation it is.
    pub(super) fn send(
        &self,
        streamed: bool,
        body: &mut converse::Request<'a>,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        // The defaults are the client's own setting: what is unknown there is a mistake too.
        for own in self.request.into_iter().chain([self.defaults]) {
            let BedrockRequest {
                additional_model_request_fields: _,
                additional_model_response_field_paths: _,
                guardrail_config: _,
                performance_config: _,
                prompt_variables: _,
                request_metadata: _,
                service_tier: _,
                tool_config: _,
                other,
            } = own;
            notes.unknown(other, &Path::root("bedrock"))?;
        }
        body.guardrail_config = self.guardrail(streamed)?;
        body.performance_config = self.object("performanceConfig", |own| own.performance_config.as_ref())?;
        if let Some(config) = &body.performance_config {
            check(config, &at("performanceConfig"), &[("latency", Form::Words(&["standard", "optimized"]))])?;
        }
        body.prompt_variables = self.object("promptVariables", |own| own.prompt_variables.as_ref())?;
        if let Some(variables) = &body.prompt_variables {
            for (name, value) in members(variables, &at("promptVariables"))?.iter() {
                let at = format!("{}.{name}", at("promptVariables"));
                check(&value.raw(), &at, &[("text", Form::Any)])?;
                demand(&value.raw(), &at, "text")?;
            }
        }
        let metadata = self.object("requestMetadata", |own| own.request_metadata.as_ref())?;
        if metadata.as_ref().is_some_and(|metadata| !metadata_fits(metadata.get())) {
            return Err(Error::invalid(at("requestMetadata"), METADATA_LIMITS));
        }
        if metadata.is_some() && body.request_metadata.is_some() {
            notes.omitted("metadata", "bedrock.requestMetadata is given too, and wins")?;
        }
        body.request_metadata = metadata.or(body.request_metadata.take());
        let tier = self.object("serviceTier", |own| own.service_tier.as_ref())?;
        if let Some(tier) = &tier {
            check(tier, &at("serviceTier"), &[("type", Form::Words(&TIERS))])?;
            demand(tier, &at("serviceTier"), "type")?;
        }
        if tier.is_some() && body.service_tier.is_some() {
            notes.omitted("service_tier", "bedrock.serviceTier is given too, and wins")?;
        }
        body.service_tier = tier.or(body.service_tier.take());
        self.system_tools(body, notes)?;
        let paths = |own: &'_ BedrockRequest| own.additional_model_response_field_paths.clone();
        if let Some(paths) = self.request.and_then(paths).or_else(|| paths(self.defaults)) {
            let name = "additionalModelResponseFieldPaths";
            if paths.len() > MOST_PATHS || paths.iter().any(|path| !(1..=256).contains(&path.chars().count()))
            {
                return Err(Error::invalid(
                    at(name),
                    "takes at most 10 JSON pointers of 1 to 256 characters",
                ));
            }
            body.additional_model_response_field_paths = Some(paths.into_iter().map(Into::into).collect());
        }
        Ok(())
    }

    /// `streamProcessingMode` is a member of the streamed operation alone: it says how a stream is
    /// checked, and a whole reply is always checked whole.
    fn guardrail(&self, streamed: bool) -> Result<Option<Raw<'a>>, Error> {
        const MODE: &str = "streamProcessingMode";
        let name = "guardrailConfig";
        let Some(config) = self.object(name, |own| own.guardrail_config.as_ref())? else {
            return Ok(None);
        };
        let forms = [
            ("guardrailIdentifier", Form::Pattern(&IDENTIFIER)),
            ("guardrailVersion", Form::Pattern(&VERSION)),
            ("trace", Form::Words(&["enabled", "disabled", "enabled_full"])),
            (MODE, Form::Words(&["sync", "async"])),
        ];
        check(&config, &at(name), &forms)?;
        if streamed || !config.get().contains(MODE) {
            return Ok(Some(config));
        }
        let members = members(&config, &at(name))?;
        let mut sent = Members::default();
        for (name, value) in members.iter().filter(|(name, _)| *name != MODE) {
            sent.push(name, value.clone());
        }
        Ok(Some(Json::of(&sent).unwrap_or_default().into()))
    }

    /// Tools that the service runs, behind those of the caller.
    fn system_tools(&self, body: &mut converse::Request<'a>, notes: &mut Notes) -> Result<(), Error> {
        let name = "toolConfig";
        let Some(config) = self.object(name, |own| own.tool_config.as_ref())? else {
            return Ok(());
        };
        let config: ToolConfig<'_> = serde_json::from_str(config.get()).map_err(|_| {
            Error::invalid(at(name), "must be {\"tools\": [{\"systemTool\": {\"name\": …}}]}")
        })?;
        let root = Path::root("bedrock");
        let root = root.member(name);
        notes.unknown(&config.other, &root)?;
        if config.tool_choice.is_some() {
            notes.omitted(root.member("toolChoice"), "tool_choice says it")?;
        }
        let list = root.member("tools");
        for (index, tool) in config.tools.into_iter().enumerate() {
            match tool {
                Tool::SystemTool(NamedTool { name, .. }) if !is_tool_name(&name) => {
                    return Err(Error::invalid(
                        list.index(index).to_string(),
                        "has no name that the service takes: 1 to 64 letters, digits, hyphens and underscores",
                    ));
                }
                Tool::SystemTool(NamedTool { name, other }) => {
                    let tool = Tool::SystemTool(NamedTool { name: name.into_owned().into(), other });
                    body.tool_config.get_or_insert_default().tools.push(tool);
                }
                Tool::ToolSpec(_) | Tool::CachePoint(_) | Tool::Unknown { .. } => {
                    return Err(Error::invalid(
                        list.index(index).to_string(),
                        "is no system tool: give it in tools, with cache_control for a cache point",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The form of a member that is a text.
enum Form {
    Any,
    Words(&'static [&'static str]),
    Pattern(&'static LazyLock<Regex>),
}

/// The service model's patterns.
static IDENTIFIER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(|[a-z0-9]{1,2048}|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+)$")
});
static VERSION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(|[1-9][0-9]{0,7}|DRAFT)$"));

fn pattern(pattern: &str) -> Regex {
    // Both are literals, which the fixtures compile.
    Regex::new(pattern).unwrap_or_else(|_| unreachable!("{pattern}"))
}

fn members(json: &Raw<'_>, at: &str) -> Result<Members, Error> {
    serde_json::from_str(json.get()).map_err(|_| Error::invalid(at, "must be an object"))
}

/// Refuses an object without a member that the service demands.
fn demand(json: &Raw<'_>, at: &str, member: &str) -> Result<(), Error> {
    match members(json, at)?.get(member).filter(|value| !value.is_null()) {
        Some(_) => Ok(()),
        None => Err(Error::invalid(format!("{at}.{member}"), "is missing")),
    }
}

/// Refuses what the service would refuse: members that are no text, or none that it takes. Members that
/// are not listed are the service's to judge.
fn check(json: &Raw<'_>, at: &str, forms: &[(&str, Form)]) -> Result<(), Error> {
    for (name, value) in members(json, at)?.iter() {
        let Some((_, form)) = forms.iter().find(|(known, _)| *known == name) else {
            continue;
        };
        let at = format!("{at}.{name}");
        if value.is_null() {
            continue;
        }
        let Ok(text) = value.read::<String>() else {
            return Err(Error::invalid(at, "must be a string"));
        };
        match form {
            Form::Any => {}
            Form::Words(words) if words.contains(&text.as_str()) => {}
            Form::Words(words) => {
                return Err(Error::invalid(at, format!("is {text:?}: say {}", words.join(", "))));
            }
            Form::Pattern(pattern) if pattern.is_match(&text) => {}
            Form::Pattern(pattern) => {
                return Err(Error::invalid(
                    at,
                    format!("does not match the service's pattern {}", pattern.as_str()),
                ));
            }
        }
    }
    Ok(())
}

fn at(member: &str) -> String {
    Path::root("bedrock").member(member).to_string()
}
