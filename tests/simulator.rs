//! What the simulator refuses, with the service's own texts, and what it serves.

use std::io::{Read, Write};
use std::net::TcpStream;

use bedrock_chat::sim::{Answer, Auth, Script, Simulator, When};
use serde_json::{Value, json};

const MODEL: &str = "us.amazon.nova-lite-v1%3A0";

/// One request over a bare socket, so that nothing between the test and the simulator corrects it.
fn post(url: &str, path: &str, body: &str) -> (u16, String, Value) {
    let address = url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    write!(
        socket,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

async fn refused(cases: Vec<(Value, &'static str)>) {
    let simulator = Simulator::start().await.unwrap();
    let url = simulator.url();
    tokio::task::spawn_blocking(move || {
        for (body, wanted) in cases {
            for operation in ["converse", "converse-stream"] {
                let (status, head, error) =
                    post(&url, &format!("/model/{MODEL}/{operation}"), &body.to_string());
                let message = error["message"].as_str().unwrap_or_default();
                assert_eq!(status, 400, "{body}: {error}");
                assert!(message.contains(wanted), "{body}\n wanted {wanted}\n given  {message}");
                assert!(head.contains("x-amzn-errortype: "), "{head}");
            }
        }
    })
    .await
    .unwrap();
    assert!(simulator.received().iter().all(|request| request.refused.is_some()));
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [{"text": text}]})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": [{"text": text}]})
}

fn call(id: &str) -> Value {
    json!({"role": "assistant", "content": [{"toolUse": {"toolUseId": id, "name": "f", "input": {}}}]})
}

fn result(id: &str) -> Value {
    json!({"role": "user", "content": [{"toolResult": {"toolUseId": id, "content": [{"text": "ok"}]}}]})
}

fn tools() -> Value {
    json!({"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]})
}

#[tokio::test]
async fn the_shape_of_a_conversation() {
    refused(vec![
        (json!({}), "A conversation must start with a user message."),
        (json!({"messages": []}), "A conversation must start with a user message."),
        (json!({"messages": [assistant("Hi"), user("Hi")]}), "A conversation must start with a user message."),
        (json!({"messages": [user("a"), user("b")]}), "must alternate between user and assistant roles"),
        (json!({"messages": [user("a"), assistant("b")]}), "requires the last turn in the conversation to be a user message"),
        (json!({"messages": [user(" ")]}), "The text field in the ContentBlock object at messages.0.content.0 is blank."),
        (json!({"messages": [{"role": "user", "content": []}]}), "The content field in the Message object at messages.0 is empty."),
        (json!({"messages": [{"role": "robot", "content": [{"text": "a"}]}]}), "Value 'robot' at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum value set: [user, assistant]"),
        (json!({"messages": [{"content": [{"text": "a"}]}]}), "Value null at 'messages.1.member.role' failed to satisfy constraint: Member must not be null"),
    ])
    .await;
}

#[tokio::test]
async fn tools_calls_and_results() {
    let with_tools = |messages: Value| json!({"messages": messages, "toolConfig": tools()});
    let tool = |spec: Value| json!({"messages": [user("a")], "toolConfig": {"tools": [{"toolSpec": spec}]}});
    let long = "x".repeat(65);
    refused(vec![
        (json!({"messages": [user("a"), call("1"), result("1")]}), "The toolConfig field must be defined when using toolUse and toolResult content blocks."),
        (with_tools(json!([user("a"), call("1"), user("b")])), "Expected toolResult blocks at messages.2.content for the following Ids: 1"),
        (with_tools(json!([user("a"), call("1"), result("2")])), "Expected toolResult blocks at messages.2.content for the following Ids: 1"),
        (with_tools(json!([user("a"), assistant("b"), result("1")])), "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn."),
        (with_tools(json!([user("a"), call("a b"), result("a b")])), "Member must satisfy regular expression pattern: [a-zA-Z0-9_.:-]+"),
        (tool(json!({"name": "a.b", "inputSchema": {"json": {"type": "object"}}})), "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"),
        (tool(json!({"name": long, "inputSchema": {"json": {"type": "object"}}})), "Member must have length less than or equal to 64"),
        (tool(json!({"name": "f", "description": "", "inputSchema": {"json": {"type": "object"}}})), "Member must have length greater than or equal to 1"),
        (tool(json!({"name": "f"})), "inputSchema' failed to satisfy constraint: Member must not be null"),
        (tool(json!({"name": "f", "inputSchema": {"json": {"type": "array"}}})), "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object."),
        (json!({"messages": [user("a")], "toolConfig": {"tools": []}}), "Member must have length greater than or equal to 1"),
    ])
    .await;
}

#[tokio::test]
async fn parameters_and_media() {
    let with = |name: &str, value: Value| json!({"messages": [user("a")], name: value});
    let image = |image: Value| json!({"messages": [{"role": "user", "content": [{"image": image}]}]});
    let document =
        |name: &str| json!({"document": {"name": name, "format": "txt", "source": {"bytes": "YQ=="}}});
    refused(vec![
        (with("inferenceConfig", json!({"maxTokens": 0})), "Member must have value greater than or equal to 1"),
        (with("inferenceConfig", json!({"temperature": 1.5})), "Value '1.5' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1"),
        (with("inferenceConfig", json!({"stopSequences": [""]})), "Member must have length greater than or equal to 1"),
        (with("inferenceConfig", json!({"maxTokens": "many"})), "STRING_VALUE cannot be converted to Integer"),
        (with("system", json!([{"text": ""}])), "Member must have length greater than or equal to 1"),
        (with("serviceTier", json!({"type": "gold"})), "Member must satisfy enum value set: [priority, default, flex, reserved]"),
        (with("requestMetadata", json!({})), "Member must have length greater than or equal to 1"),
        (image(json!({"format": "jpg", "source": {"bytes": "YQ=="}})), "Member must satisfy enum value set: [png, jpeg, gif, webp]"),
        (image(json!({"format": "png", "source": {"bytes": "%%"}})), "STRING_VALUE cannot be converted to Blob"),
        (image(json!({"format": "png", "source": {}})), "no member of the union is set at messages.1.member.content.1.member.image.source"),
        (json!({"messages": [{"role": "user", "content": [document("a")]}]}), "A text block must be included when using documents."),
        (json!({"messages": [{"role": "user", "content": [{"text": "a"}, document("a.txt")]}]}), "The document file name can only contain alphanumeric characters"),
        (json!({"messages": [{"role": "user", "content": [{"text": "a"}, document("a"), document("a")]}]}), "Messages can not contain duplicate document names"),
    ])
    .await;
}

#[tokio::test]
async fn requests_that_are_no_operation_or_not_signed() {
    let auth = Auth::Signed { access_key_id: "A".into(), secret_access_key: "b".into() };
    let simulator = Simulator::builder().auth(auth).start().await.unwrap();
    let url = simulator.url();
    tokio::task::spawn_blocking(move || {
        let body = json!({"messages": [user("a")]}).to_string();
        assert_eq!(post(&url, "/model/converse", &body).0, 404);
        assert_eq!(post(&url, "/model/m/invoke", &body).0, 404);
        let (status, head, _) = post(&url, "/model/m/converse", &body);
        assert_eq!(status, 403);
        assert!(head.contains("MissingAuthenticationTokenException"), "{head}");
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn rules_look_at_the_text_the_results_the_turn_and_the_model() {
    let script = Script::new()
        .on(When::user_says("HELLO").turn(1), Answer::text("first"))
        .on(When::user_says("hello").turn(2), Answer::text("second"))
        .on(When::tool_result("ok"), Answer::text("result"))
        .on(When::always().model("nova"), Answer::text("nova"))
        .on(When::always(), Answer::text("other"));
    let simulator = Simulator::builder().script(script).start().await.unwrap();
    let url = simulator.url();
    tokio::task::spawn_blocking(move || {
        let say = |model: &str, messages: Value| {
            let body = json!({"messages": messages, "toolConfig": tools()}).to_string();
            let (status, _, reply) = post(&url, &format!("/model/{model}/converse"), &body);
            assert_eq!(status, 200, "{reply}");
            reply["output"]["message"]["content"][0]["text"].as_str().unwrap().to_owned()
        };
        assert_eq!(say(MODEL, json!([user("Hello there")])), "first");
        assert_eq!(say(MODEL, json!([user("a"), assistant("b"), user("hello")])), "second");
        assert_eq!(say(MODEL, json!([user("a"), call("1"), result("1")])), "result");
        assert_eq!(say(MODEL, json!([user("a")])), "nova");
        assert_eq!(say("anthropic.claude-x", json!([user("a")])), "other");
    })
    .await
    .unwrap();
    assert_eq!(simulator.received().len(), 5);
    simulator.forget();
    assert!(simulator.received().is_empty());
}
