//! How a request is translated under other options than the fixtures'.

use bedrock_chat::openai::{ChatRequest, Message, Part, Tool};
use bedrock_chat::translate::{self, CachePolicy, LateSystem, Options, SpeakerNames, Strictness};
use bedrock_chat::{ErrorKind, Json};

const MODEL: &str = "us.amazon.nova-lite-v1:0";

fn body(request: &ChatRequest, options: &Options) -> String {
    String::from_utf8(translate::request(request, options).unwrap().to_bytes()).unwrap()
}

#[test]
fn strict_refuses_what_would_lose_something_and_names_it() {
    let mut options = Options::default();
    options.strictness = Strictness::Strict;
    let mut request = ChatRequest::new(MODEL).user("Hello");
    request.seed = Some(Json::parse("7").unwrap());
    let error = translate::request(&request, &options).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("seed")), "{error}");
}

#[test]
fn strict_takes_what_loses_nothing() {
    let mut options = Options::default();
    options.strictness = Strictness::Strict;
    // (start) is added, and nothing of the caller's is lost.
    let request = ChatRequest::new(MODEL).message(Message::assistant("Welcome!")).user("Hello");
    assert_eq!(body(&request, &options), body(&request, &Options::default()));
}

#[test]
fn late_instructions_stay_in_place_or_go_to_the_front() {
    let request = ChatRequest::new(MODEL)
        .system("Be brief.")
        .user("Hello")
        .message(Message::assistant("Hi."))
        .system("The user is in Berlin.")
        .user("What time is it?");
    let in_place = body(&request, &Options::default());
    assert!(in_place.starts_with(r#"{"system":[{"text":"Be brief."}],"#), "{in_place}");
    assert!(in_place.contains("<system>The user is in Berlin.</system>"), "{in_place}");
    let mut options = Options::default();
    options.late_system = LateSystem::Hoist;
    let hoisted = body(&request, &options);
    assert!(
        hoisted.starts_with(r#"{"system":[{"text":"Be brief."},{"text":"The user is in Berlin."}],"#),
        "{hoisted}"
    );
    assert!(!hoisted.contains("<system>"), "{hoisted}");
}

fn named(mut message: Message, name: &str) -> Message {
    message.name = Some(name.to_owned());
    message
}

#[test]
fn names_come_before_the_text_where_that_is_asked_for() {
    let mut options = Options::default();
    options.names = SpeakerNames::Prefix;
    let picture = Part::image("data:image/png;base64,iVBORw0KGgo=");
    let request = ChatRequest::new(MODEL)
        .message(named(Message::system("Be kind."), "host"))
        .message(named(Message::user("Good morning"), "Ada"))
        .message(named(Message::user(vec![picture]), "Bob"));
    let translated = translate::request(&request, &options).unwrap();
    assert!(translated.adjustments.is_empty(), "{:?}", translated.adjustments);
    let sent = String::from_utf8(translated.to_bytes()).unwrap();
    for text in ["host: Be kind.", "Ada: Good morning", r#"{"text":"Bob:"},{"image""#] {
        assert!(sent.contains(text), "{sent}");
    }
}

#[test]
fn cache_points_by_policy_go_behind_tools_instructions_and_the_last_two_turns_of_the_user() {
    const POINT: &str = r#"{"cachePoint":{"type":"default"}}"#;
    let mut options = Options::default();
    options.cache = CachePolicy::Auto;
    let schema = Json::parse(r#"{"type":"object","properties":{}}"#).unwrap();
    let request = |model: &str| {
        ChatRequest::new(model)
            .system("Be brief.")
            .user("One")
            .message(Message::assistant("1"))
            .user("Two")
            .message(Message::assistant("2"))
            .user("Three")
            .tool(Tool::function("f", "F", schema.clone()))
    };
    let claude = body(&request("anthropic.claude-sonnet-4-6"), &options);
    assert_eq!(claude.matches(POINT).count(), 4, "{claude}");
    for text in ["Be brief.", "Two", "Three"] {
        assert!(claude.contains(&format!(r#"{{"text":"{text}"}},{POINT}"#)), "{claude}");
    }
    // Not among Nova's tools, and not where prompts are not cached.
    assert_eq!(body(&request(MODEL), &options).matches(POINT).count(), 3);
    assert_eq!(body(&request("openai.gpt-oss-120b-1:0"), &options).matches(POINT).count(), 0);
    // A request with points of its own is left alone.
    let mut own = request("anthropic.claude-sonnet-4-6");
    own.messages[1].cache_control = Json::parse(r#"{"type":"ephemeral"}"#).ok();
    assert_eq!(body(&own, &options).matches(POINT).count(), 1);
}

#[test]
fn an_opaque_id_has_the_rules_of_its_base_model() {
    let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6";
    let mut request = ChatRequest::new(profile).user("Hi");
    request.reasoning_effort = Some("high".to_owned());
    let mut options = Options::default();
    assert!(!body(&request, &options).contains("adaptive"));
    options.base_models.insert(profile.to_owned(), "anthropic.claude-opus-4-8".to_owned());
    assert!(body(&request, &options).contains(r#""thinking":{"type":"adaptive"}"#));
}

#[test]
fn defaults_for_what_only_converse_has_give_way_to_the_request() {
    let mut options = Options::default();
    options.bedrock.guardrail_config =
        Json::parse(r#"{"guardrailIdentifier":"abc","guardrailVersion":"1"}"#).ok();
    options.bedrock.performance_config = Json::parse(r#"{"latency":"optimized"}"#).ok();
    let mut request = ChatRequest::new(MODEL).user("Hi");
    let sent = body(&request, &options);
    assert!(sent.contains(r#""guardrailIdentifier":"abc""#) && sent.contains("optimized"), "{sent}");
    request.bedrock.get_or_insert_default().performance_config =
        Json::parse(r#"{"latency":"standard"}"#).ok();
    let sent = body(&request, &options);
    assert!(sent.contains(r#""guardrailIdentifier":"abc""#) && sent.contains("standard"), "{sent}");
}
