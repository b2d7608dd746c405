//! How a request is translated under other options than the fixtures'.

use bedrock_chat::openai::{ChatRequest, Message};
use bedrock_chat::translate::{self, LateSystem, Options, Strictness};
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
