//! The command line, in the exact forms that scripts use.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use bedrock_chat::converse::frame::encode;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bedrock-chat");

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading all of it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const REQUEST: &str = r#"{"model":"us.amazon.nova-lite-v1:0","stream":true,"seed":1,"messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"t","parameters":{"type":"object","z":1.0,"a":18446744073709551616}}}]}"#;

#[test]
fn translate_request_reads_standard_input_or_a_file() {
    let piped = run(&["translate", "request"], REQUEST.as_bytes());
    assert!(piped.status.success());
    let text = String::from_utf8(piped.stdout.clone()).unwrap();
    assert!(text.contains(r#"{"type":"object","z":1.0,"a":18446744073709551616}"#), "{text}");
    let translated = &lines(&piped)[0];
    assert_eq!(translated["modelId"], "us.amazon.nova-lite-v1:0");
    assert_eq!(translated["stream"], true);
    assert_eq!(translated["body"]["messages"][0]["content"][0]["text"], "Hi");
    assert_eq!(translated["adjustments"][0]["field"], "seed");
    assert_eq!(translated["adjustments"][0]["action"], "omitted");
    assert!(translated["adjustments"][0]["reason"].is_string());

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(REQUEST.as_bytes()).unwrap();
    let named = run(&["translate", "request", file.path().to_str().unwrap()], b"");
    assert_eq!(named.stdout, piped.stdout);
}

#[test]
fn a_refused_request_is_an_openai_error_and_exit_1() {
    let cases = [
        ("not JSON", "body"),
        (r#"{"messages":[{"role":"user","content":"Hi"}]}"#, "model"),
        (r#"{"model":"m"}"#, "messages"),
        (r#"{"model":"m","messages":[]}"#, "messages"),
        (r#"{"model":"m","messages":7}"#, "messages"),
        (r#"{"model":"m","messages":[{"role":"robot","content":"Hi"}]}"#, "messages[0].role"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,%%%"}}]}]}"#,
            "messages[3].content[1].image_url.url",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{}}]}"#,
            "tools[0].function.name",
        ),
    ];
    for (request, field) in cases {
        let output = run(&["translate", "request"], request.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{request}");
        let error = &lines(&output)[0]["error"];
        assert_eq!(error["param"], field, "{request}");
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["bedrock"]["kind"], "invalid_request");
        assert!(error["message"].as_str().unwrap().starts_with(field), "{error}");
    }
}

#[test]
fn translate_reply_gives_a_completion() {
    let reply = br#"{"output":{"message":{"role":"assistant","content":[{"text":"Paris"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;
    let output = run(&["translate", "reply", "--model", "m"], reply);
    assert!(output.status.success());
    let completion = &lines(&output)[0];
    assert_eq!(completion["object"], "chat.completion");
    assert_eq!(completion["model"], "m");
    assert_eq!(completion["choices"][0]["message"]["content"], "Paris");
    let broken = run(&["translate", "reply"], b"{");
    assert_eq!(broken.status.code(), Some(1));
    assert!(lines(&broken)[0]["error"]["message"].is_string());
}

fn stream(events: &[(&str, Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, payload) in events {
        let headers = [(":message-type", "event"), (":event-type", *name)];
        encode(&headers, payload.to_string().as_bytes(), &mut bytes);
    }
    bytes
}

fn whole() -> Vec<u8> {
    stream(&[
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "Paris"}})),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "end_turn"})),
        ("metadata", json!({"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}})),
    ])
}

#[test]
fn translate_stream_gives_one_chunk_a_line_and_the_usage() {
    let output = run(&["translate", "stream", "--model", "m"], &whole());
    assert!(output.status.success());
    let chunks = lines(&output);
    assert_eq!(chunks[1]["choices"][0]["delta"]["content"], "Paris");
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[3]["usage"]["total_tokens"], 2);
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]));
}

#[test]
fn a_broken_stream_ends_with_an_error_and_exit_1() {
    let mut damaged = whole();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let mut cases = vec![
        (damaged, "connection"),
        (Vec::new(), "stream_truncated"),
        (b"{\"message\":\"x\"}".to_vec(), "connection"),
    ];
    cases.push((whole()[..100].to_vec(), "stream_truncated"));
    for (bytes, kind) in cases {
        let output = run(&["translate", "stream"], &bytes);
        assert_eq!(output.status.code(), Some(1), "{kind}");
        let lines = lines(&output);
        let error = &lines.last().unwrap()["error"];
        assert_eq!(error["bedrock"]["kind"], kind, "{error}");
    }
}

#[test]
fn explain_says_kind_and_advice() {
    let output = run(
        &[
            "explain",
            "--code",
            "ThrottlingException",
            "--status",
            "429",
            "Too many tokens per day, please wait before trying again.",
        ],
        b"",
    );
    let found = &lines(&output)[0];
    assert_eq!(found["kind"], "quota_exceeded");
    assert_eq!(found["retryable"], false);
    assert!(found["advice"].is_string());
    let output = run(&["explain", "prompt is too long: 10 tokens > 5 maximum"], b"");
    assert_eq!(lines(&output)[0]["tokensUsed"], 10);
}

#[test]
fn explain_reads_a_table() {
    let table = "ThrottlingException\t429\tToo many requests, please wait before trying again.\n\t502\t<html>Bad gateway</html>\nvalidationException\t200 in-stream\tInput is too long for requested model.\n\n";
    let output = run(&["explain", "--tsv"], table.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), ["rate_limit", "overloaded", "context_overflow", "unknown"]);
}

#[test]
fn sim_prints_its_address_first_and_serves() {
    let mut child = Command::new(PROGRAM).arg("sim").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").unwrap().to_owned();
    let connected = std::net::TcpStream::connect(&address);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert!(connected.is_ok());
}

#[test]
fn the_same_request_is_the_same_bytes_in_20_processes() {
    let properties: serde_json::Map<String, Value> =
        (0..40).map(|n| (format!("p{}", n * 7919 % 40), json!({"type": "string"}))).collect();
    let request = json!({
        "model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "messages": [
            {"role": "user", "content": "Go"},
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{\"b\":1,\"a\":2}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
        ],
        "tools": [{"type": "function", "function": {"name": "t", "parameters": {"type": "object", "properties": properties}}}],
        "metadata": {"b": "1", "a": "2"}, "user": "u", "seed": 1,
    })
    .to_string();
    let first = run(&["translate", "request"], request.as_bytes()).stdout;
    assert!(!first.is_empty());
    for _ in 1..20 {
        assert_eq!(run(&["translate", "request"], request.as_bytes()).stdout, first);
    }
}

#[test]
fn a_missing_file_is_a_failure_that_names_it() {
    let output = run(&["translate", "request", "/no/such/file.json"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/file.json"));
}

#[test]
fn models_are_listed_for_people_and_for_programs() {
    let output = run(&["models", "--sim"], b"");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[0].starts_with("ID ") && rows[1].starts_with("global.anthropic."), "{text}");
    assert_eq!(rows.len(), 10);
    let output = run(&["models", "--sim", "--provider", "amazon", "--json"], b"");
    let models = &lines(&output)[0];
    assert_eq!(models[0]["id"], "amazon.nova-lite-v1:0");
    assert_eq!((&models[0]["contextWindow"], &models[0]["provider"]), (&json!(300_000), &json!("amazon")));
    assert!(models[0]["abilities"].as_array().unwrap().contains(&json!("tools")));
}

#[test]
fn doctor_says_what_is_well_and_what_to_do() {
    let output = run(&["doctor", "--sim", "--model", "us.amazon.nova-lite-v1:0"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("ok ")).count(), 6, "{text}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = Command::new(PROGRAM)
        .args(["doctor", "--region", "eu-west-1", "--endpoint-url", &format!("http://127.0.0.1:{port}")])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "a-great-secret")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("ok    region       eu-west-1 (set by the caller)"), "{text}");
    assert!(text.contains("ok    credentials  a key pair"), "{text}");
    assert!(text.contains("FAIL  endpoint") && text.contains("check the network"), "{text}");
    assert!(text.contains("FAIL  models") && !text.contains("a-great-secret"), "{text}");
    assert_eq!(text.lines().count(), 5, "{text}");
}

#[test]
fn chat_keeps_the_conversation_and_ends_with_its_input() {
    let output = run(&["chat", "us.amazon.nova-lite-v1:0", "--sim"], b"Hello\n\nAnd again\n");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text,
        "This is the simulator's answer to: Hello\nThis is the simulator's answer to: And again\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_stops_the_answer_and_not_the_chat() {
    use bedrock_chat::sim::{Answer, Script, Simulator, When};
    let begun =
        Answer::text("It begins").chunked(3).with_fault(bedrock_chat::sim::Fault::Silent { after: 2 });
    let script =
        Script::new().on(When::user_says("begin"), begun).on(When::always(), Answer::text("Still here."));
    let simulator = Simulator::builder().script(script).start().await.unwrap();
    let url = simulator.url();
    let text = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(PROGRAM)
            .args(["chat", "us.amazon.nova-lite-v1:0", "--endpoint-url", &url, "--region", "us-east-1"])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs([("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "b")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        input.write_all(b"begin\n").unwrap();
        let mut begun = [0; 3];
        std::io::Read::read_exact(&mut output, &mut begun).unwrap();
        let interrupt = || {
            let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            assert!(status.success());
        };
        interrupt();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        input.write_all(b"and now?\n").unwrap();
        drop(input);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
        assert!(child.wait().unwrap().success());
        format!("{}|{line}|{rest}", String::from_utf8_lossy(&begun))
    })
    .await
    .unwrap();
    assert_eq!(text, "It |\n|Still here.\n");
    // What had come stayed in the conversation.
    let last = simulator.received().last().unwrap().json();
    assert_eq!(last["messages"][1]["content"][0]["text"], "It ");
}
