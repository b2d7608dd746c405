//! A model that refuses a feature by name is asked again without it, and never again with it.

use bedrock_chat::models::Lesson;
use bedrock_chat::openai::{ChatRequest, Message, Tool, ToolChoice};
use bedrock_chat::sim::{Answer, Script, Simulator, When};
use bedrock_chat::{Bedrock, ErrorKind, Json, StreamingFallback};
use serde_json::{Value, json};

/// A model of which the catalogue knows nothing, so that everything is sent.
const NEW: &str = "example.model-of-next-year-v1:0";
const CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A simulator that refuses a body in which `has` finds something, with `text`.
async fn refusing(text: &'static str, has: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Simulator {
    let answer = move |_: &str, body: &Value| match has(body) {
        true => Answer::failure(400, "ValidationException", text),
        false => Answer::text("ok"),
    };
    let script = Script::new().on_with(When::always(), answer);
    Simulator::builder().script(script).start().await.unwrap()
}

fn request(model: &str) -> ChatRequest {
    ChatRequest::new(model).user("Hello")
}

fn tool() -> Tool {
    Tool::function("look", "Looks", Json::parse(r#"{"type":"object","properties":{}}"#).unwrap())
}

fn ephemeral() -> Option<Json> {
    Json::parse(r#"{"type":"ephemeral"}"#).ok()
}

type Has = fn(&Value) -> bool;

/// Text of the refusal, what is refused, and a request that has it.
fn refusals() -> Vec<(&'static str, Has, ChatRequest)> {
    let mut forced = request(NEW).tool(tool());
    forced.tool_choice = Some(ToolChoice::Mode("required".into()));
    let mut named = request(NEW).tool(tool());
    named.tool_choice = Some(ToolChoice::function("look"));
    let mut both = request(NEW);
    (both.temperature, both.top_p) = (Some(0.5), Some(0.5));
    let mut stop = request(NEW);
    stop.stop = Some(bedrock_chat::openai::Stop::One("END".into()));
    let mut schema = request(NEW);
    schema.response_format = Json::parse(
        r#"{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{}}}}"#,
    )
    .ok();
    let mut cached = request(CLAUDE);
    cached.messages[0].cache_control = ephemeral();
    let mut cached_tool = tool();
    cached_tool.cache_control = ephemeral();
    let mut cached_tools = request(CLAUDE).tool(cached_tool);
    cached_tools.messages[0].cache_control = ephemeral();
    let mut thinking = request(CLAUDE);
    thinking.reasoning_effort = Some("high".into());
    let mut long = request(NEW);
    long.max_completion_tokens = Some(999_999);
    let mut effort = request("openai.gpt-oss-120b-1:0");
    effort.reasoning_effort = Some("low".into());
    let failed = ChatRequest::new(CLAUDE)
        .tool(tool())
        .user("Look")
        .message(
            serde_json::from_value(json!({"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}))
            .unwrap(),
        )
        .message(
            serde_json::from_value(
                json!({"role": "tool", "tool_call_id": "a", "content": "no", "is_error": true}),
            )
            .unwrap(),
        );
    let thought = ChatRequest::new("moonshotai.kimi-k2.5")
        .user("Hi")
        .message(
            serde_json::from_value(
                json!({"role": "assistant", "content": "Hello", "reasoning_content": "A greeting."}),
            )
            .unwrap(),
        )
        .user("And?");
    let beside = |body: &Value| {
        let mut turns = body["messages"].as_array().into_iter().flatten();
        turns.any(|turn| {
            let blocks = turn["content"].as_array().map(Vec::as_slice).unwrap_or_default();
            let results = blocks.iter().filter(|block| block["toolResult"].is_object()).count();
            results > 0 && results < blocks.len()
        })
    };
    vec![
        (
            "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.",
            |body| body["toolConfig"]["toolChoice"]["any"].is_object(),
            forced,
        ),
        (
            "This model doesn't support the toolConfig.toolChoice.tool field. Remove toolConfig.toolChoice.tool and try again.",
            |body| body["toolConfig"]["toolChoice"]["tool"].is_object(),
            named,
        ),
        (
            "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            |body| {
                let config = &body["inferenceConfig"];
                config["temperature"].is_number() && config["topP"].is_number()
            },
            both.clone(),
        ),
        (
            "This model doesn't support the temperature field. Remove temperature and try again.",
            |body| body["inferenceConfig"]["temperature"].is_number(),
            both,
        ),
        (
            "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
            |body| body["inferenceConfig"]["stopSequences"].is_array(),
            stop,
        ),
        (
            "This model doesn't support the outputConfig field. Remove outputConfig and try again.",
            |body| body["outputConfig"].is_object(),
            schema,
        ),
        (
            "You invoked an unsupported model or your request did not allow prompt caching.",
            |body| body.to_string().contains("cachePoint"),
            cached,
        ),
        (
            "The model returned the following errors: Malformed input request: #/toolConfig/tools/1: extraneous key [cachePoint] is not permitted, please reformat your input and try again.",
            |body| body["toolConfig"].to_string().contains("cachePoint"),
            cached_tools,
        ),
        (
            r#"The model returned the following errors: "thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior."#,
            |body| body["additionalModelRequestFields"]["thinking"]["type"] == "enabled",
            thinking,
        ),
        (
            "The model returned the following errors: max_tokens: 999999 > 128000, which is the maximum allowed number of output tokens for this model",
            |body| body["inferenceConfig"]["maxTokens"].as_u64().is_some_and(|max| max > 128_000),
            long,
        ),
        (
            "This model doesn't support the reasoning_effort field. Remove reasoning_effort and try again.",
            |body| body["additionalModelRequestFields"]["reasoning_effort"].is_string(),
            effort,
        ),
        (
            "This model doesn't support the status field. Remove status and try again.",
            |body| body.to_string().contains(r#""status""#),
            failed.clone(),
        ),
        (
            "Conversation blocks and tool result blocks cannot be provided in the same turn.",
            beside,
            failed.user("Well?"),
        ),
        (
            "User messages cannot contain reasoning content. Please remove the reasoning content and try again.",
            |body| body.to_string().contains("reasoningContent"),
            thought,
        ),
        (
            "This model doesn't support system messages. Try again without a system message or use a model that supports system messages.",
            |body| body["system"].is_array(),
            ChatRequest::new(NEW).system("Be brief.").user("Hello"),
        ),
        (
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
            |body| body["messages"][0]["role"] == "assistant",
            ChatRequest::new(CLAUDE).message(Message::assistant("Welcome!")).user("Hi"),
        ),
        (
            "The model returned the following errors: This model does not support assistant message prefill. The conversation must end with a user message.",
            |body| body["messages"].as_array().unwrap().last().unwrap()["role"] == "assistant",
            request(CLAUDE).message(Message::assistant("The answer is")),
        ),
    ]
}

#[tokio::test]
async fn a_refused_feature_is_left_out_once_and_for_all_with_a_note() {
    for (text, has, request) in refusals() {
        let simulator = refusing(text, has).await;
        let bedrock = simulator.bedrock().await.unwrap();
        let completion = bedrock.chat(&request).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        let adjustments = completion.bedrock.unwrap().adjustments;
        // An effort is told in the other form, and nothing of it is lost.
        assert_eq!(
            adjustments.is_some(),
            request.reasoning_effort.is_none() || !text.contains("adaptive"),
            "{text}"
        );
        assert_eq!(simulator.received().len(), 2, "{text}");
        // Remembered, for streams too.
        let stream = bedrock.chat_stream(&request).await.unwrap();
        assert_eq!(stream.completion().await.unwrap().bedrock.unwrap().adjustments, adjustments, "{text}");
        assert_eq!(simulator.received().len(), 3, "{text}");
        // Another client does not know.
        simulator.bedrock().await.unwrap().chat(&request).await.unwrap();
        assert_eq!(simulator.received().len(), 5, "{text}");
    }
}

#[tokio::test]
async fn what_is_refused_again_is_an_error_after_one_more_attempt() {
    let text = "This model doesn't support the temperature field. Remove temperature and try again.";
    let simulator = refusing(text, |_| true).await;
    let mut request = request(NEW);
    request.temperature = Some(0.5);
    let error = simulator.bedrock().await.unwrap().chat(&request).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, text));
    assert_eq!(simulator.received().len(), 2);
}

#[tokio::test]
async fn learning_can_be_switched_off() {
    let text = "This model doesn't support the temperature field. Remove temperature and try again.";
    let simulator = refusing(text, |_| true).await;
    let bedrock = Bedrock::builder()
        .region("us-east-1")
        .endpoint_url(simulator.url())
        .credentials("A", "b", None)
        .learn_from_refusals(false)
        .build()
        .await
        .unwrap();
    let mut request = request(NEW);
    request.temperature = Some(0.5);
    assert_eq!(bedrock.chat(&request).await.unwrap_err().message(), text);
    assert_eq!(simulator.received().len(), 1);
}

#[tokio::test]
async fn an_overflow_teaches_the_context_window() {
    let text = "The model returned the following errors: prompt is too long: 207848 tokens > 200000 maximum";
    let simulator = refusing(text, |_| true).await;
    let bedrock = simulator.bedrock().await.unwrap();
    assert_eq!(bedrock.context_window(NEW), 128_000);
    let error = bedrock.chat(&request(NEW)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContextOverflow);
    assert_eq!(bedrock.context_window(NEW), 200_000);
    assert_eq!(simulator.received().len(), 1);
}

/// A simulator that streams only what `streams` allows.
async fn no_streams(status: u16, code: &'static str, text: &'static str) -> Simulator {
    let script = Script::new()
        .on(When::always().streamed(true), Answer::failure(status, code, text))
        .on(When::always(), Answer::text("Let me look.").then_call("look", "{}"));
    Simulator::builder().script(script).start().await.unwrap()
}

#[tokio::test]
async fn a_model_without_tools_while_streaming_answers_whole_and_is_given_as_a_stream() {
    let text = "This model doesn't support tool use in streaming mode.";
    let simulator = no_streams(400, "ValidationException", text).await;
    let bedrock = simulator.bedrock().await.unwrap();
    let whole = bedrock.chat(&request(NEW).tool(tool())).await.unwrap();
    for calls in [3, 4] {
        let mut stream = bedrock.chat_stream(&request(NEW).tool(tool())).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        assert!(first.choices[0].delta.role.is_some());
        let completion = stream.completion().await.unwrap();
        assert_eq!(completion.tool_calls()[0].function, whole.tool_calls()[0].function);
        assert_eq!(completion.text(), "Let me look.");
        let adjustments = completion.bedrock.unwrap().adjustments.unwrap();
        assert!(adjustments.get().contains(r#""field":"stream""#), "{}", adjustments.get());
        assert_eq!(simulator.received().len(), calls);
    }
}

#[tokio::test]
async fn credentials_that_may_not_stream_fail_unless_the_fallback_is_on() {
    let text = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:us-east-1::foundation-model/x because no identity-based policy allows it";
    let simulator = no_streams(403, "AccessDeniedException", text).await;
    let bedrock = simulator.bedrock().await.unwrap();
    let error = bedrock.chat_stream(&request(NEW)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    let bedrock = Bedrock::builder()
        .region("us-east-1")
        .endpoint_url(simulator.url())
        .credentials("A", "b", None)
        .streaming_fallback(StreamingFallback::Reply)
        .build()
        .await
        .unwrap();
    let stream = bedrock.chat_stream(&request(NEW)).await.unwrap();
    assert_eq!(stream.completion().await.unwrap().text(), "Let me look.");
}

#[test]
fn lessons_can_be_given_before_the_first_refusal() {
    let mut options = bedrock_chat::translate::Options::default();
    options.lessons.add(Lesson::NoSampling);
    let mut request = request(NEW);
    request.temperature = Some(0.5);
    let translated = bedrock_chat::translate::request(&request, &options).unwrap();
    assert!(translated.body.inference_config.is_none());
    assert_eq!(translated.adjustments[0].field, "temperature");
}
