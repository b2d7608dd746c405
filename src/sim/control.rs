//! The control plane: which models and inference profiles there are.

use serde_json::{Value, json};

use super::check::Refusal;

/// How many entries a page has, unless fewer are asked for.
const PAGE: usize = 3;
/// The account of the simulator's ARNs.
const ACCOUNT: &str = "123456789012";

/// Id, name, provider, output, whether it streams, whether it is called on demand, lifecycle.
type Row = (&'static str, &'static str, &'static str, &'static str, bool, bool, &'static str);

const MODELS: [Row; 8] = [
    ("amazon.nova-lite-v1:0", "Nova Lite", "Amazon", "TEXT", true, true, "ACTIVE"),
    ("amazon.nova-micro-v1:0", "Nova Micro", "Amazon", "TEXT", true, true, "ACTIVE"),
    ("amazon.titan-image-generator-v2:0", "Titan Image Generator", "Amazon", "IMAGE", false, true, "ACTIVE"),
    ("anthropic.claude-v2", "Claude", "Anthropic", "TEXT", true, true, "LEGACY"),
    (
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Claude Sonnet 4.5",
        "Anthropic",
        "TEXT",
        true,
        false,
        "ACTIVE",
    ),
    ("meta.llama3-3-70b-instruct-v1:0", "Llama 3.3 70B Instruct", "Meta", "TEXT", true, false, "ACTIVE"),
    ("cohere.embed-v4:0", "Embed v4", "Cohere", "EMBEDDING", false, true, "ACTIVE"),
    ("ai21.j2-ultra-v1", "Jurassic-2 Ultra", "AI21 Labs", "TEXT", false, true, "ACTIVE"),
];

/// Id of the profile, its name, and the model behind it.
const PROFILES: [(&str, &str, &str); 5] = [
    ("us.amazon.nova-lite-v1:0", "US Nova Lite", "amazon.nova-lite-v1:0"),
    (
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "US Claude Sonnet 4.5",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    (
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Global Claude Sonnet 4.5",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    ("us.meta.llama3-3-70b-instruct-v1:0", "US Llama 3.3 70B Instruct", "meta.llama3-3-70b-instruct-v1:0"),
    (APPLICATION, "My application", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
];

/// The one application inference profile.
const APPLICATION: &str = "a1b2c3d4e5f6";

/// The answer of ListFoundationModels.
pub(super) fn foundation_models(region: &str) -> Value {
    let summary = |(id, name, provider, output, streams, on_demand, lifecycle): &Row| {
        let by = if *on_demand { "ON_DEMAND" } else { "INFERENCE_PROFILE" };
        json!({
            "modelArn": model_arn(region, id),
            "modelId": id,
            "modelName": name,
            "providerName": provider,
            "inputModalities": ["TEXT"],
            "outputModalities": [output],
            "responseStreamingSupported": streams,
            "customizationsSupported": [],
            "inferenceTypesSupported": [by],
            "modelLifecycle": {"status": lifecycle},
        })
    };
    json!({"modelSummaries": MODELS.iter().map(summary).collect::<Vec<_>>()})
}

/// A page of the answer of ListInferenceProfiles; the token is the place where it begins.
pub(super) fn inference_profiles(region: &str, query: &str) -> Result<Value, Refusal> {
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    };
    let number = |name: &str| match parameter(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<usize>()
            .map(Some)
            .map_err(|_| Refusal::validation(format!("The value of the {name} parameter is not valid."))),
    };
    let begin = number("nextToken")?.unwrap_or_default();
    let count = number("maxResults")?.unwrap_or(PAGE).clamp(1, PAGE);
    let kind = parameter("type").or(parameter("typeEquals"));
    let all: Vec<Value> = PROFILES
        .iter()
        .filter(|(id, ..)| kind.is_none_or(|kind| kind == kind_of(id)))
        .map(|profile| summary(region, profile))
        .collect();
    let page: Vec<Value> = all.iter().skip(begin).take(count).cloned().collect();
    let mut answer = json!({"inferenceProfileSummaries": page});
    if begin + count < all.len() {
        answer["nextToken"] = json!((begin + count).to_string());
    }
    Ok(answer)
}

/// The answer of GetInferenceProfile, by id or ARN.
pub(super) fn inference_profile(region: &str, id: &str) -> Result<Value, Refusal> {
    let name = crate::models::ModelId::new(id).resource();
    let found = PROFILES.iter().find(|(id, ..)| *id == name);
    found.map(|profile| summary(region, profile)).ok_or_else(|| Refusal {
        status: 404,
        code: "ResourceNotFoundException",
        message: "The provided inference profile could not be found.".to_owned(),
    })
}

fn kind_of(id: &str) -> &'static str {
    if id == APPLICATION { "APPLICATION" } else { "SYSTEM_DEFINED" }
}

fn summary(region: &str, (id, name, model): &(&str, &str, &str)) -> Value {
    let resource = if *id == APPLICATION { "application-inference-profile" } else { "inference-profile" };
    json!({
        "inferenceProfileArn": format!("arn:aws:bedrock:{region}:{ACCOUNT}:{resource}/{id}"),
        "inferenceProfileId": id,
        "inferenceProfileName": name,
        "models": [{"modelArn": model_arn(region, model)}],
        "status": "ACTIVE",
        "type": kind_of(id),
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
    })
}

fn model_arn(region: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{id}")
}
