//! The client against the simulator, over real sockets on loopback.

use std::time::Duration;

use bedrock_chat::openai::{ChatRequest, FinishReason, Message, Part, Tool};
use bedrock_chat::sim::{Answer, Auth, Block, Operation, Script, Simulator, When};
use bedrock_chat::{Bedrock, CallbackResult, Callbacks, ErrorKind, FetchMedia, Fetched, Fetching, Json};
use futures_util::StreamExt;
use serde_json::json;

const MODEL: &str = "us.amazon.nova-lite-v1:0";

/// No lookup may leave the machine.
fn offline() {
    // Set before any thread reads it: `.cargo/config.toml` does for the tests; this asserts it.
    assert_eq!(std::env::var("AWS_EC2_METADATA_DISABLED").as_deref(), Ok("true"));
}

async fn simulator(script: Script) -> (Simulator, Bedrock) {
    offline();
    let simulator = Simulator::builder().script(script).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    (simulator, bedrock)
}

fn request(text: &str) -> ChatRequest {
    ChatRequest::new(MODEL).user(text)
}

fn weather() -> Tool {
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
    Tool::function("get_weather", "The weather in a city", Json::parse(schema).unwrap())
}

#[tokio::test]
async fn a_chat_is_answered_and_its_bytes_are_ours() {
    let (simulator, bedrock) =
        simulator(Script::new().on(When::always(), Answer::text("Paris.").usage(9, 2))).await;
    let completion = bedrock.chat(&request("What is the capital of France?")).await.unwrap();
    assert_eq!(completion.text(), "Paris.");
    assert_eq!(completion.finish_reason(), Some(&FinishReason::Stop));
    assert_eq!(&*completion.model, MODEL);
    assert_eq!(completion.usage.as_ref().unwrap().prompt_tokens, 9);
    assert!(completion.id.starts_with("chatcmpl-0000"), "{}", completion.id);

    let received = simulator.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].operation, Operation::Converse);
    assert_eq!(received[0].model_id, MODEL);
    assert_eq!(
        String::from_utf8_lossy(&received[0].body),
        r#"{"messages":[{"role":"user","content":[{"text":"What is the capital of France?"}]}]}"#
    );
}

#[tokio::test]
async fn a_stream_gives_the_same_completion_as_the_whole_reply() {
    let answer = Answer::blocks([
        Block::Reasoning { text: "The user wants the weather.".into(), signature: Some("c2ln".into()) },
        Block::Text("Let me look. Żółć 🦀".into()),
        Block::ToolUse {
            id: "t1".into(),
            name: "get_weather".into(),
            input: r#"{"city":"Paris"}"#.into(),
            kind: None,
        },
        Block::ToolUse { id: "t2".into(), name: "now".into(), input: "{}".into(), kind: None },
        Block::Text("One moment.".into()),
    ])
    .usage(100, 20)
    .chunked(3);
    let (_simulator, bedrock) = simulator(Script::new().on(When::always(), answer)).await;
    let request = request("Weather?").tool(weather());
    let whole = bedrock.chat(&request).await.unwrap();
    let streamed = bedrock.chat_stream(&request).await.unwrap().completion().await.unwrap();
    assert_eq!(whole.choices, streamed.choices);
    assert_eq!(whole.usage, streamed.usage);
    assert_eq!(whole.text(), "Let me look. Żółć 🦀\nOne moment.");
    assert_eq!(whole.tool_calls()[0].arguments(), r#"{"city":"Paris"}"#);
    assert_eq!(whole.tool_calls()[1].arguments(), "{}");
}

#[tokio::test]
async fn a_stream_is_a_stream_and_ends_once() {
    let (_simulator, bedrock) =
        simulator(Script::new().on(When::always(), Answer::text("Hello, world."))).await;
    let mut stream = bedrock.chat_stream(&request("Hi")).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = StreamExt::next(&mut stream).await {
        for choice in chunk.unwrap().choices {
            text.push_str(&choice.delta.content.unwrap_or_default());
        }
    }
    assert_eq!(text, "Hello, world.");
    assert!(!format!("{stream:?}").contains("Hello"), "the answer is in Debug: {stream:?}");
    assert!(stream.next().await.is_none());
    assert!(stream.request_id().is_some());
    assert_eq!(stream.completion().await.unwrap().text(), "Hello, world.");
}

#[tokio::test]
async fn a_tool_round_trip_goes_through() {
    let (simulator, bedrock) = simulator(Script::new()).await;
    let mut request = request("What is the weather in Paris?").tool(weather());
    let completion = bedrock.chat(&request).await.unwrap();
    assert_eq!(completion.finish_reason(), Some(&FinishReason::ToolCalls));
    let message = completion.choices[0].message.clone();
    let id = completion.tool_calls()[0].id.clone();
    request.messages.push(message.into());
    request.messages.push(Message::tool(id, "18 degrees"));
    let completion = bedrock.chat(&request).await.unwrap();
    assert_eq!(completion.text(), "The tools say: 18 degrees");
    assert_eq!(simulator.received().len(), 2);
}

#[tokio::test]
async fn ids_and_arns_arrive_as_they_were_given() {
    let (simulator, bedrock) = simulator(Script::new()).await;
    for model in [
        "amazon.nova-micro-v1:0",
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
    ] {
        bedrock.chat(&ChatRequest::new(model).user("Hi")).await.unwrap();
        assert_eq!(simulator.received().last().unwrap().model_id, model);
    }
    // The region inside the ARN signed the second call.
    let authorization = |index: usize| {
        let received = &simulator.received()[index];
        let header = received.headers.iter().find(|(name, _)| name == "authorization").unwrap();
        header.1.clone()
    };
    assert!(authorization(0).contains("/us-east-1/bedrock/"), "{}", authorization(0));
    assert!(authorization(1).contains("/eu-west-1/bedrock/"), "{}", authorization(1));
}

#[tokio::test]
async fn every_attempt_sends_the_same_bytes_with_a_valid_signature() {
    offline();
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let script = Script::new().on_with(When::always(), move |_, _| {
        match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Answer::failure(
                503,
                "ServiceUnavailableException",
                "Too many connections, please wait before trying again.",
            ),
            1 => Answer::failure(
                429,
                "ThrottlingException",
                "Too many requests, please wait before trying again.",
            ),
            _ => Answer::text("At last."),
        }
    });
    let auth = Auth::Signed {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
    };
    let simulator = Simulator::builder().script(script).auth(auth).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let request = request("Hi").tool(weather());
    assert_eq!(bedrock.chat(&request).await.unwrap().text(), "At last.");
    let received = simulator.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|request| request.refused.is_none()), "a signature was not valid");
    assert!(received.iter().all(|request| request.body == received[0].body));
    let stream = bedrock.chat_stream(&request).await.unwrap();
    assert_eq!(stream.completion().await.unwrap().text(), "At last.");
}

#[tokio::test]
async fn a_wrong_key_is_an_error_of_credentials() {
    offline();
    let auth = Auth::Signed { access_key_id: "AKIDEXAMPLE".into(), secret_access_key: "right".into() };
    let simulator = Simulator::builder().auth(auth).start().await.unwrap();
    for (id, secret) in [("AKIDEXAMPLE", "wrong"), ("AKIDOTHER", "right")] {
        let bedrock = Bedrock::builder()
            .region("us-east-1")
            .endpoint_url(simulator.url())
            .credentials(id, secret, None)
            .build()
            .await
            .unwrap();
        let error = bedrock.chat(&request("Hi")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
        assert_eq!(error.status(), Some(403));
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
}

#[tokio::test]
async fn an_api_key_is_sent_as_a_bearer_token() {
    offline();
    let simulator =
        Simulator::builder().auth(Auth::ApiKey("bedrock-api-key-1".into())).start().await.unwrap();
    simulator.bedrock().await.unwrap().chat(&request("Hi")).await.unwrap();
    let wrong = Bedrock::builder()
        .region("us-east-1")
        .endpoint_url(simulator.url())
        .api_key("another")
        .build()
        .await
        .unwrap();
    let error = wrong.chat(&request("Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
    assert!(!format!("{error} {error:?} {wrong:?}").contains("another"), "{wrong:?}");
}

#[tokio::test]
async fn a_failure_says_what_where_and_what_to_do() {
    let failure = Answer::failure(
        400,
        "ValidationException",
        "The model returned the following errors: prompt is too long: 207848 tokens > 200000 maximum",
    );
    let (_simulator, bedrock) = simulator(Script::new().on(When::always(), failure)).await;
    for error in [
        bedrock.chat(&request("Hi")).await.unwrap_err(),
        bedrock.chat_stream(&request("Hi")).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::ContextOverflow);
        assert!(!error.is_retryable());
        assert_eq!(error.status(), Some(400));
        assert_eq!(error.code(), Some("ValidationException"));
        assert_eq!(error.region(), Some("us-east-1"));
        assert_eq!(error.model(), Some(MODEL));
        assert!(error.request_id().is_some());
        assert_eq!(error.tokens_used(), Some(207_848));
        assert_eq!(error.token_limit(), Some(200_000));
        assert_eq!(error.to_openai().error.code.as_deref(), Some("context_length_exceeded"));
        let text = error.to_string();
        assert!(text.starts_with("context_overflow: ") && !text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn an_exception_in_the_stream_carries_what_had_arrived() {
    use bedrock_chat::converse::frame::encode;
    let mut bytes = Vec::new();
    let event = |name: &'static str| [(":message-type", "event"), (":event-type", name)];
    encode(&event("messageStart"), br#"{"role":"assistant"}"#, &mut bytes);
    encode(&event("contentBlockDelta"), br#"{"contentBlockIndex":0,"delta":{"text":"Par"}}"#, &mut bytes);
    let exception = [(":message-type", "exception"), (":exception-type", "throttlingException")];
    encode(&exception, br#"{"message":"Too many requests, please wait before trying again."}"#, &mut bytes);
    let answer = Answer::raw(200, "application/vnd.amazon.eventstream", bytes);
    let (_simulator, bedrock) = simulator(Script::new().on(When::always(), answer)).await;
    let mut stream = bedrock.chat_stream(&request("Hi")).await.unwrap();
    let mut last = None;
    while let Some(chunk) = stream.next().await {
        last = Some(chunk);
    }
    let error = last.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimit, "{error}");
    assert_eq!(error.code(), Some("throttlingException"));
    assert_eq!(error.partial().unwrap().text(), "Par");
    assert_eq!(error.partial().unwrap().finish_reason(), None);
    assert!(!format!("{error} {error:?}").contains("Par"), "the answer is in the error's text: {error:?}");
    assert!(stream.next().await.is_none());
    assert_eq!(stream.completion().await.unwrap_err().kind(), ErrorKind::StreamTruncated);
}

#[tokio::test]
async fn a_request_that_cannot_be_translated_is_not_sent() {
    let (simulator, bedrock) = simulator(Script::new()).await;
    let error = bedrock.chat(&ChatRequest::new(MODEL)).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("messages")));
    assert!(simulator.received().is_empty());
}

#[tokio::test]
async fn an_unreachable_endpoint_is_an_error_of_the_connection() {
    offline();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bedrock = Bedrock::builder()
        .region("us-east-1")
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .credentials("A", "b", None)
        .build()
        .await
        .unwrap();
    let error = bedrock.chat(&request("Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_region_has_a_client_of_its_own_until_it_is_forgotten() {
    let (simulator, bedrock) = simulator(Script::new()).await;
    assert!(!bedrock.invalidate("us-east-1"), "no call was made yet");
    bedrock.chat(&request("Hi")).await.unwrap();
    bedrock.region("eu-central-1").chat(&request("Hi")).await.unwrap();
    assert!(bedrock.invalidate("eu-central-1"));
    assert!(!bedrock.invalidate("eu-central-1"));
    bedrock.reset();
    assert!(!bedrock.invalidate("us-east-1"));
    bedrock.chat(&request("Hi")).await.unwrap();
    assert_eq!(simulator.received().len(), 3);
}

#[derive(Default)]
struct Heard {
    text: String,
    reasoning: String,
    tools: Vec<String>,
    checks: usize,
    stop_after: Option<usize>,
    fails: bool,
}

impl Callbacks for Heard {
    fn on_text_delta(&mut self, text: &str) -> CallbackResult {
        self.text.push_str(text);
        if self.fails { Err("the terminal is gone".into()) } else { Ok(()) }
    }

    fn on_tool_start(&mut self, name: &str) -> CallbackResult {
        self.tools.push(name.to_owned());
        Ok(())
    }

    fn on_reasoning_delta(&mut self, text: &str) -> CallbackResult {
        self.reasoning.push_str(text);
        Ok(())
    }

    fn on_interrupt_check(&mut self) -> bool {
        self.checks += 1;
        self.stop_after.is_some_and(|checks| self.checks > checks)
    }
}

fn around_a_call() -> Script {
    let answer = Answer::blocks([Block::Reasoning { text: "Hm.".into(), signature: None }])
        .then_text("Before.")
        .then_call("get_weather", r#"{"city":"Paris"}"#)
        .then_text("After.");
    Script::new().on(When::always(), answer)
}

#[tokio::test]
async fn callbacks_hear_text_until_the_first_call() {
    let (_simulator, bedrock) = simulator(around_a_call()).await;
    let mut heard = Heard::default();
    let stream = bedrock.chat_stream(&request("Hi").tool(weather())).await.unwrap();
    let completion = stream.drive(&mut heard).await.unwrap();
    assert_eq!(heard.text, "Before.");
    assert_eq!(heard.reasoning, "Hm.");
    assert_eq!(heard.tools, ["get_weather"]);
    assert_eq!(completion.text(), "Before.\nAfter.");
}

#[tokio::test]
async fn an_interrupt_gives_back_what_there_is() {
    let (_simulator, bedrock) = simulator(around_a_call()).await;
    let mut heard = Heard { stop_after: Some(4), ..Heard::default() };
    let stream = bedrock.chat_stream(&request("Hi").tool(weather())).await.unwrap();
    let error = stream.drive(&mut heard).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(error.partial().unwrap().finish_reason(), None);
    assert!(error.partial().unwrap().message().unwrap().reasoning_content.is_some());
}

#[tokio::test]
async fn an_interrupt_ends_a_silent_stream() {
    let answer = Answer::text("Never heard.").paced(Duration::from_secs(3600));
    let (_simulator, bedrock) = simulator(Script::new().on(When::always(), answer)).await;
    let mut heard = Heard { stop_after: Some(2), ..Heard::default() };
    let error = bedrock.drive(&request("Hi"), &mut heard).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[tokio::test]
async fn a_callbacks_failure_reaches_the_caller() {
    let (_simulator, bedrock) = simulator(around_a_call()).await;
    let mut heard = Heard { fails: true, ..Heard::default() };
    let stream = bedrock.chat_stream(&request("Hi").tool(weather())).await.unwrap();
    let error = stream.drive(&mut heard).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the terminal is gone");
    assert_eq!(error.partial().unwrap().text(), "Before.");
}

#[tokio::test]
async fn adjustments_come_back_with_the_completion() {
    let (_simulator, bedrock) = simulator(Script::new()).await;
    let mut request = request("Hi");
    request.seed = Some(Json::from(json!(7)));
    let completion = bedrock.chat(&request).await.unwrap();
    let adjustments = completion.bedrock.unwrap().adjustments.unwrap();
    assert!(adjustments.get().contains(r#""field":"seed""#), "{}", adjustments.get());
}

#[tokio::test]
async fn a_body_that_is_no_reply_is_an_error_without_its_text() {
    for body in ["", "<html>secret</html>", r#"{"output":{"message":"secret"}}"#, r#"{"output":{}}"#] {
        let answer = Answer::raw(200, "application/json", body);
        let (_simulator, bedrock) = simulator(Script::new().on(When::always(), answer)).await;
        let error = bedrock.chat(&request("Hi")).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
        assert!(matches!(error.kind(), ErrorKind::Connection | ErrorKind::Unknown), "{error}");
        let error = bedrock.chat_stream(&request("Hi")).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    }
}

#[tokio::test]
async fn names_outside_the_services_pattern_come_back_as_the_caller_wrote_them() {
    let call = |_: &str, body: &serde_json::Value| {
        let name = body["toolConfig"]["tools"][0]["toolSpec"]["name"].as_str().unwrap().to_owned();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
        Answer::call(name, "{}")
    };
    let (_simulator, bedrock) = simulator(Script::new().on_with(When::always(), call)).await;
    let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
    let request = request("Go").tool(Tool::function("github.create-issue", "", schema));
    let whole = bedrock.chat(&request).await.unwrap();
    assert_eq!(whole.tool_calls()[0].name(), "github.create-issue");
    let mut heard = Heard::default();
    let streamed = bedrock.chat_stream(&request).await.unwrap().drive(&mut heard).await.unwrap();
    assert_eq!(streamed.tool_calls()[0].name(), "github.create-issue");
    assert_eq!(heard.tools, ["github.create-issue"]);
}

#[tokio::test]
async fn an_answer_in_the_form_of_a_schema_is_content_even_where_a_tool_gives_it() {
    let answer = Answer::call("city", r#"{"name":"Paris"}"#).chunked(4);
    let (simulator, bedrock) = simulator(Script::new().on(When::always(), answer)).await;
    let mut request = request("Where?");
    request.response_format = Some(Json::from(json!({
        "type": "json_schema",
        "json_schema": {"name": "city", "schema": {"type": "object", "properties": {"name": {"type": "string"}}}},
    })));
    let whole = bedrock.chat(&request).await.unwrap();
    assert_eq!(whole.text(), r#"{"name":"Paris"}"#);
    assert_eq!(whole.finish_reason(), Some(&FinishReason::Stop));
    assert!(whole.tool_calls().is_empty());
    let mut stream = bedrock.chat_stream(&request).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        for choice in chunk.unwrap().choices {
            assert!(choice.delta.tool_calls.is_none());
            text.push_str(&choice.delta.content.unwrap_or_default());
        }
    }
    assert_eq!(text, r#"{"name":"Paris"}"#);
    assert_eq!(stream.completion().await.unwrap().choices, whole.choices);
    assert_eq!(simulator.received()[0].json()["toolConfig"]["toolChoice"]["tool"]["name"], "city");
}

#[tokio::test]
async fn what_openai_cannot_say_goes_back_as_it_came() {
    let run = Block::ToolUse {
        id: "s1".into(),
        name: "nova_code_interpreter".into(),
        input: r#"{"snippet":"1+1"}"#.into(),
        kind: Some("server_tool_use".into()),
    };
    let result = r#"{"toolResult":{"toolUseId":"s1","content":[{"json":{"stdOut":"2"}}],"type":"r"}}"#;
    let answer = Answer::blocks([run, Block::Raw(Json::parse(result).unwrap())])
        .then_text("It is 2.")
        .then_call("get_weather", r#"{"city":"Oslo"}"#);
    let script = Script::new().on(When::user_says("1+1"), answer).on(When::always(), Answer::text("Yes."));
    let (simulator, bedrock) = simulator(script).await;
    let mut request = request("1+1?").tool(weather());
    let completion = bedrock.chat(&request).await.unwrap();
    assert_eq!(completion.tool_calls().len(), 1, "the service's own call is no call for the client");
    let id = completion.tool_calls()[0].id.clone();
    request.messages.push(completion.choices[0].message.clone().into());
    request.messages.push(Message::tool(id, "rain"));
    bedrock.chat(&request).await.unwrap();
    let sent = simulator.received().last().unwrap().json();
    let blocks = sent["messages"][1]["content"].as_array().unwrap();
    assert_eq!(blocks[0]["toolUse"]["type"], "server_tool_use");
    assert_eq!(blocks[0]["toolUse"]["input"], json!({"snippet": "1+1"}));
    assert_eq!(blocks[1]["toolResult"]["content"], json!([{"json": {"stdOut": "2"}}]));
    assert_eq!(blocks[2]["text"], "It is 2.");
    assert_eq!(blocks[3]["toolUse"]["name"], "get_weather");
}

#[tokio::test]
async fn the_legacy_form_is_answered_in_the_legacy_form() {
    let script = Script::new().on(When::always(), Answer::call("now", r#"{"zone":"UTC"}"#).chunked(5));
    let (_simulator, bedrock) = simulator(script).await;
    let body = json!({
        "model": MODEL,
        "messages": [{"role": "user", "content": "What time is it?"}],
        "functions": [{"name": "now", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}],
    });
    let request = ChatRequest::from_slice(body.to_string().as_bytes()).unwrap();
    let whole = bedrock.chat(&request).await.unwrap();
    assert_eq!(whole.finish_reason(), Some(&FinishReason::FunctionCall));
    assert!(whole.tool_calls().is_empty());
    let call = whole.message().unwrap().function_call.as_ref().unwrap();
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("now", r#"{"zone":"UTC"}"#));
    let mut stream = bedrock.chat_stream(&request).await.unwrap();
    let (mut name, mut arguments) = (String::new(), String::new());
    while let Some(chunk) = stream.next().await {
        for choice in chunk.unwrap().choices {
            assert!(choice.delta.tool_calls.is_none());
            let piece = choice.delta.function_call.unwrap_or_default();
            name.push_str(&piece.name.unwrap_or_default());
            arguments.push_str(&piece.arguments.unwrap_or_default());
        }
    }
    assert_eq!((name.as_str(), arguments.as_str()), ("now", r#"{"zone":"UTC"}"#));
    assert_eq!(stream.completion().await.unwrap().choices, whole.choices);
}

#[tokio::test]
async fn a_silent_stream_ends_as_stalled_with_what_had_arrived() {
    offline();
    let answer = Answer::text("One two three four").chunked(4).paced(Duration::from_millis(200));
    let simulator =
        Simulator::builder().script(Script::new().on(When::always(), answer)).start().await.unwrap();
    let patient = Duration::from_secs(30);
    for (first, idle, kind) in [
        (patient, Duration::from_millis(20), Some(ErrorKind::StreamStalled)),
        (Duration::from_millis(20), patient, Some(ErrorKind::StreamStalled)),
        (patient, patient, None),
    ] {
        let bedrock = Bedrock::builder()
            .region("us-east-1")
            .endpoint_url(simulator.url())
            .credentials("A", "b", None)
            .first_event_timeout(Some(first))
            .idle_timeout(Some(idle))
            .build()
            .await
            .unwrap();
        let outcome = match bedrock.chat_stream(&request("Hi")).await {
            Ok(stream) => stream.completion().await,
            Err(error) => Err(error),
        };
        assert_eq!(outcome.as_ref().err().map(bedrock_chat::Error::kind), kind, "{outcome:?}");
        if let Err(error) = outcome {
            assert!(error.partial().is_some());
            assert!(error.to_string().contains("nothing came for"), "{error}");
        }
    }
}

#[derive(Debug)]
struct Pictures;

impl FetchMedia for Pictures {
    fn fetch<'f>(&'f self, url: &'f str, _limit: usize) -> Fetching<'f> {
        Box::pin(async move {
            match url {
                "https://a.example/cat" => {
                    Ok(Fetched { bytes: b"\x89PNG\r\n\x1a\n".as_slice().into(), content_type: None })
                }
                "https://a.example/huge" => Ok(Fetched { bytes: vec![0; 101].into(), content_type: None }),
                _ => Err("no such picture".into()),
            }
        })
    }
}

#[tokio::test]
async fn a_hook_fetches_what_a_request_names_by_address() {
    let (simulator, _) = simulator(Script::new().on(When::always(), Answer::text("A cat."))).await;
    let bedrock = Bedrock::builder()
        .region("us-east-1")
        .endpoint_url(simulator.url())
        .credentials("A", "b", None)
        .fetch_media(Pictures, 100)
        .build()
        .await
        .unwrap();
    let of = |url: &str| ChatRequest::new(MODEL).user(vec![Part::text("What is it?"), Part::image(url)]);
    let completion = bedrock.chat(&of("https://a.example/cat")).await.unwrap();
    assert!(completion.bedrock.unwrap().adjustments.is_none());
    let block = &simulator.received()[0].json()["messages"][0]["content"][1];
    assert_eq!(block["image"], json!({"format": "png", "source": {"bytes": "iVBORw0KGgo="}}));
    for (url, kind, text) in [
        ("https://a.example/huge", ErrorKind::InvalidRequest, "101 bytes"),
        ("https://a.example/dog", ErrorKind::Connection, "no such picture"),
    ] {
        let error = bedrock.chat(&of(url)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (kind, Some("messages[0].content[1].image_url.url")),
            "{error}"
        );
        assert!(error.to_string().contains(text), "{error}");
    }
    assert_eq!(simulator.received().len(), 1);
}

#[tokio::test]
async fn settings_that_exclude_each_other_are_refused_and_name_what_to_do() {
    let both = Bedrock::builder().region("us-east-1").credentials("A", "b", None).api_key("k");
    let error = both.build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("give one"), "{error}");
    let error = Bedrock::builder().region("us east").build().await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("region")));
}
