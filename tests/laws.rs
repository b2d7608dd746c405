//! Laws over generated input.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bedrock_chat::converse::frame::{FrameDecoder, encode};
use bedrock_chat::converse::{Event, Reply, Request};
use bedrock_chat::openai::{ChatChunk, ChatCompletion, ChatRequest};
use bedrock_chat::translate::{self, Heading, Options, StreamDecoder};
use bedrock_chat::{ErrorKind, classify};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec(("[a-z_]{1,8}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A word that means something somewhere, or any JSON.
fn lively(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => proptest::sample::select(words).prop_map(Value::from),
        1 => any_json(),
    ]
}

fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{0,20}".prop_map(|text| json!({"type": "text", "text": text})),
        lively(&[
            "data:image/png;base64,iVBORw0KGgo=",
            "data:;base64,",
            "https://example.com/a.png",
            "data:,x"
        ])
        .prop_map(|url| json!({"type": "image_url", "image_url": {"url": url}})),
        (lively(&["text", "image_url", "file", "refusal"]), any_json())
            .prop_map(|(kind, json)| json!({"type": kind, "text": json})),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        "\\PC{0,20}".prop_map(Value::from),
        vec(part(), 0..4).prop_map(Value::from),
        Just(Value::Null),
        any_json(),
    ];
    let call = (lively(&["a", "b", "call_1", ""]), lively(&["f", "get_weather", "bad name"]), "\\PC{0,20}|\\{\"x\":[0-9]{1,30}\\}")
        .prop_map(|(id, name, arguments)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}));
    (
        lively(&["system", "developer", "user", "assistant", "tool", "robot"]),
        content,
        proptest::option::of(vec(call, 0..3)),
        proptest::option::of(lively(&["a", "b", "call_1"])),
    )
        .prop_map(|(role, content, calls, id)| {
            let mut message = json!({"role": role, "content": content});
            if let Some(calls) = calls {
                message["tool_calls"] = calls.into();
            }
            if let Some(id) = id {
                message["tool_call_id"] = id;
            }
            message
        })
}

/// Something like a request: members of the right names with values that are often right.
fn request_like() -> impl Strategy<Value = Value> {
    let tool = (lively(&["f", "get_weather", ""]), any_json()).prop_map(
        |(name, schema)| json!({"type": "function", "function": {"name": name, "parameters": schema}}),
    );
    let good_tool = proptest::sample::select(&["f", "get_weather"][..]).prop_map(
        |name| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}),
    );
    (
        lively(MODELS),
        vec(message(), 0..8),
        proptest::option::of(vec(prop_oneof![3 => good_tool, 1 => tool], 0..3)),
        vec((proptest::sample::select(MEMBERS), any_json()), 0..3),
    )
        .prop_map(|(model, messages, tools, others)| {
            let mut request = Map::new();
            request.insert("model".into(), model);
            request.insert("messages".into(), messages.into());
            if let Some(tools) = tools {
                request.insert("tools".into(), tools.into());
            }
            for (name, value) in others {
                request.insert(name.into(), value);
            }
            Value::Object(request)
        })
}

const MODELS: &[&str] = &[
    "us.amazon.nova-lite-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "anthropic.claude-sonnet-4-6",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.meta.llama4-maverick-17b-instruct-v1:0",
    "mistral.mistral-large-3-675b-instruct",
    "openai.gpt-oss-120b-1:0",
    "us.deepseek.r1-v1:0",
    "arn:aws:bedrock:::x",
];

const MEMBERS: &[&str] = &[
    "reasoning_effort",
    "thinking",
    "parallel_tool_calls",
    "top_k",
    "service_tier",
    "functions",
    "tool_choice",
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "n",
    "response_format",
    "bedrock",
    "stream_options",
    "metadata",
    "seed",
    "logprobs",
    "modalities",
    "brand_new",
];

/// What the service demands of every conversation, whatever was asked.
fn assert_sendable(body: &Value) {
    let messages = body["messages"].as_array().unwrap();
    for pair in messages.windows(2) {
        assert_ne!(pair[0]["role"], pair[1]["role"], "{body}");
        let ids = |message: &Value, kind: &str| -> Vec<Value> {
            let blocks = message["content"].as_array().unwrap().iter();
            blocks
                .filter(|block| block[kind].is_object())
                .map(|block| block[kind]["toolUseId"].clone())
                .collect()
        };
        let (mut calls, mut results) = (ids(&pair[0], "toolUse"), ids(&pair[1], "toolResult"));
        calls.sort_by_key(Value::to_string);
        results.sort_by_key(Value::to_string);
        assert_eq!(calls, results, "{body}");
    }
    let has_tool_blocks = body["messages"].to_string().contains("\"toolUseId\"");
    assert!(!has_tool_blocks || body["toolConfig"].is_object(), "{body}");
    for message in messages {
        let content = message["content"].as_array().unwrap();
        assert!(!content.is_empty(), "{body}");
        for block in content {
            assert!(block["text"].as_str().is_none_or(|text| !text.trim().is_empty()), "{body}");
        }
    }
}

fn heading() -> Heading {
    let mut heading = Heading::new("chatcmpl-1", 7, "m");
    heading.include_usage = true;
    heading
}

fn block() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "\\PC{0,30}".prop_map(|text| json!({"text": text})),
        2 => ("[a-z]{1,4}", vec(("[a-z]{1,4}", any::<i64>()), 0..3)).prop_map(|(name, input)| {
            let input: Map<String, Value> = input.into_iter().map(|(key, value)| (key, value.into())).collect();
            json!({"toolUse": {"toolUseId": name, "name": name, "input": input}})
        }),
        1 => ("\\PC{0,20}", proptest::option::of("[a-z]{1,8}")).prop_map(|(text, signature)| match signature {
            Some(signature) => json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}),
            None => json!({"reasoningContent": {"reasoningText": {"text": text}}}),
        }),
        1 => Just(json!({"reasoningContent": {"redactedContent": "cmVk"}})),
        1 => Just(json!({"toolUse": {"toolUseId": "s", "name": "run", "input": {"x": 1}, "type": "server_tool_use"}})),
        1 => Just(json!({"toolResult": {"toolUseId": "s", "type": "r", "status": "success", "content": [{"json": {"y": 2}}]}})),
        1 => Just(json!({"citationsContent": {"content": [{"text": "cited"}], "citations": [cited()]}})),
        1 => Just(json!({"hologram": {"depth": 3}})),
    ]
}

fn cited() -> Value {
    json!({"title": "t", "location": {"web": {"url": "https://example.com"}}})
}

/// The frames that stream a reply, with text and inputs cut into pieces of `size` characters.
fn frames(reply: &Value, size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut event = |name: &str, payload: Value| {
        let headers = [(":message-type", "event"), (":event-type", name)];
        encode(&headers, payload.to_string().as_bytes(), &mut bytes);
    };
    let pieces = |text: &str| -> Vec<String> {
        let characters: Vec<char> = text.chars().collect();
        characters.chunks(size).map(|piece| piece.iter().collect()).collect()
    };
    event("messageStart", json!({"role": "assistant"}));
    for (index, block) in reply["output"]["message"]["content"].as_array().unwrap().iter().enumerate() {
        let delta = |delta: Value| json!({"contentBlockIndex": index, "delta": delta});
        let start = |start: Value| json!({"contentBlockIndex": index, "start": start});
        let (kind, value) = block.as_object().unwrap().iter().next().unwrap();
        match kind.as_str() {
            "text" => {
                for piece in pieces(value.as_str().unwrap()) {
                    event("contentBlockDelta", delta(json!({"text": piece})));
                }
            }
            "toolUse" => {
                let mut begin = value.clone();
                let input = begin.as_object_mut().unwrap().remove("input").unwrap();
                event("contentBlockStart", start(json!({"toolUse": begin})));
                if input != json!({}) {
                    for piece in pieces(&input.to_string()) {
                        event("contentBlockDelta", delta(json!({"toolUse": {"input": piece}})));
                    }
                }
            }
            "toolResult" => {
                let mut begin = value.clone();
                let content = begin.as_object_mut().unwrap().remove("content").unwrap();
                event("contentBlockStart", start(json!({"toolResult": begin})));
                event("contentBlockDelta", delta(json!({"toolResult": content})));
            }
            "reasoningContent" => {
                if let Some(data) = value.get("redactedContent") {
                    event("contentBlockDelta", delta(json!({"reasoningContent": {"redactedContent": data}})));
                } else {
                    let text = value["reasoningText"]["text"].as_str().unwrap();
                    // A block without text has at least one delta.
                    let pieces = if text.is_empty() { vec![String::new()] } else { pieces(text) };
                    for piece in pieces {
                        event("contentBlockDelta", delta(json!({"reasoningContent": {"text": piece}})));
                    }
                    if let Some(signature) = value["reasoningText"].get("signature") {
                        event(
                            "contentBlockDelta",
                            delta(json!({"reasoningContent": {"signature": signature}})),
                        );
                    }
                }
            }
            "citationsContent" => {
                event("contentBlockDelta", delta(json!({"text": "cited"})));
                event("contentBlockDelta", delta(json!({"citation": cited()})));
            }
            _ => event("contentBlockStart", start(block.clone())),
        }
        event("contentBlockStop", json!({"contentBlockIndex": index}));
    }
    event("messageStop", json!({"stopReason": reply["stopReason"]}));
    event("metadata", json!({"usage": reply["usage"]}));
    bytes
}

/// Chunks put together as OpenAI's clients do.
fn assembled(chunks: &[ChatChunk]) -> Value {
    let (mut content, mut reasoning) = (String::new(), String::new());
    let mut thinking: Vec<Value> = Vec::new();
    let mut calls: Vec<Value> = Vec::new();
    let mut annotations: Vec<Value> = Vec::new();
    let (mut reason, mut bedrock) = (Value::Null, Value::Null);
    for choice in chunks.iter().flat_map(|chunk| &chunk.choices) {
        content.push_str(choice.delta.content.as_deref().unwrap_or_default());
        reasoning.push_str(choice.delta.reasoning_content.as_deref().unwrap_or_default());
        for block in choice.delta.thinking_blocks.iter().flatten() {
            thinking.push(serde_json::to_value(block).unwrap());
        }
        for call in choice.delta.tool_calls.iter().flatten() {
            let index = call.index as usize;
            if index == calls.len() {
                calls.push(
                    json!({"id": call.id, "type": call.kind, "function": {"name": null, "arguments": ""}}),
                );
            }
            let function = call.function.as_ref().unwrap();
            if let Some(name) = &function.name {
                calls[index]["function"]["name"] = json!(name);
            }
            let so_far = calls[index]["function"]["arguments"].as_str().unwrap().to_owned();
            calls[index]["function"]["arguments"] =
                json!(so_far + function.arguments.as_deref().unwrap_or_default());
        }
        annotations.extend(choice.delta.annotations.iter().flatten().map(|cited| json!(cited)));
        if let Some(blocks) = &choice.delta.bedrock {
            bedrock = json!(blocks);
        }
        if let Some(finish) = &choice.finish_reason {
            reason = json!(finish);
        }
    }
    json!([content, reasoning, thinking, calls, annotations, bedrock, reason])
}

fn summary(completion: &ChatCompletion) -> Value {
    let message = completion.message().unwrap();
    json!([
        message.content.as_deref().unwrap_or_default(),
        message.reasoning_content.as_deref().unwrap_or_default(),
        message.thinking_blocks.as_deref().unwrap_or_default(),
        message.tool_calls.as_deref().unwrap_or_default(),
        message.annotations.as_deref().unwrap_or_default(),
        message.bedrock,
        completion.finish_reason(),
    ])
}

fn decode(bytes: &[u8], splits: &[usize]) -> (Vec<ChatChunk>, ChatCompletion) {
    let mut decoder = StreamDecoder::new(heading());
    let mut chunks = Vec::new();
    let mut at = 0;
    for end in splits.iter().map(|split| split % (bytes.len() + 1)).chain([bytes.len()]) {
        if end > at {
            decoder.push(&bytes[at..end]);
            at = end;
        }
        while let Some(chunk) = decoder.next_chunk().unwrap() {
            chunks.push(chunk);
        }
    }
    chunks.extend(decoder.end().unwrap());
    (chunks, decoder.completion().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_request_is_refused_by_name_or_sendable_and_always_the_same(request in request_like()) {
        let body = request.to_string();
        let translated = |body: &str| -> Result<Vec<u8>, bedrock_chat::Error> {
            let request = ChatRequest::from_slice(body.as_bytes())?;
            Ok(translate::request(&request, &Options::default())?.to_bytes())
        };
        match translated(&body) {
            Ok(bytes) => {
                let sent: Value = serde_json::from_slice(&bytes).unwrap();
                assert_sendable(&sent);
                prop_assert_eq!(translated(&body).unwrap(), bytes.clone());
                let read: Request<'_> = serde_json::from_slice(&bytes).unwrap();
                prop_assert_eq!(serde_json::to_string(&read).unwrap().into_bytes(), bytes);
            }
            Err(error) => {
                prop_assert!(matches!(error.kind(), ErrorKind::InvalidRequest | ErrorKind::Unsupported), "{}", error);
                prop_assert!(error.field().is_some_and(|field| !field.is_empty()), "{}", error);
            }
        }
    }

    #[test]
    fn any_json_or_bytes_never_panic(json in any_json(), bytes in vec(any::<u8>(), 0..200), name in "[a-zA-Z]{0,20}") {
        let text = json.to_string();
        for input in [text.as_bytes(), &bytes] {
            let _ = ChatRequest::from_slice(input);
            let _ = translate::reply_from_slice(input, heading());
            let _ = serde_json::from_slice::<Reply<'_>>(input);
            for event in ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", &name] {
                let _ = Event::read(event, input);
            }
            let mut decoder = StreamDecoder::new(heading());
            decoder.push(input);
            while let Ok(Some(_)) = decoder.next_chunk() {}
            let _ = decoder.end();
            let _ = classify(Some(&name), Some(400), &String::from_utf8_lossy(input));
        }
    }

    #[test]
    fn any_events_never_panic_and_keep_what_came(payloads in vec((0..6usize, any_json(), 0..3u64), 0..12)) {
        let names = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];
        let mut bytes = Vec::new();
        for (name, json, index) in payloads {
            let payload = match names[name] {
                "contentBlockDelta" => json!({"contentBlockIndex": index, "delta": {"text": json.to_string()}}),
                "contentBlockStart" => json!({"contentBlockIndex": index, "start": {"toolUse": {"toolUseId": "a", "name": "b"}}}),
                "contentBlockStop" => json!({"contentBlockIndex": index}),
                "messageStop" => json!({"stopReason": json}),
                "metadata" => json!({"usage": json}),
                _ => json!({"role": "assistant"}),
            };
            encode(&[(":message-type", "event"), (":event-type", names[name])], payload.to_string().as_bytes(), &mut bytes);
        }
        let mut decoder = StreamDecoder::new(heading());
        decoder.push(&bytes);
        while let Ok(Some(_)) = decoder.next_chunk() {}
        let _ = decoder.end();
        let _ = decoder.into_partial();
    }

    #[test]
    fn a_stream_folds_to_what_the_reply_is_however_it_is_cut(
        blocks in vec(block(), 0..7),
        stop in proptest::sample::select(&["end_turn", "tool_use", "max_tokens", "brand_new"][..]),
        size in 1..9usize,
        mut splits in vec(any::<usize>(), 0..5),
    ) {
        let reply = json!({
            "output": {"message": {"role": "assistant", "content": blocks}},
            "stopReason": stop,
            "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
        });
        let bytes = frames(&reply, size);
        splits.sort_by_key(|split| split % (bytes.len() + 1));
        let (chunks, streamed) = decode(&bytes, &splits);
        let whole = translate::reply_from_slice(reply.to_string().as_bytes(), heading()).unwrap();
        prop_assert_eq!(&whole.choices, &streamed.choices);
        prop_assert_eq!(&whole.usage, &streamed.usage);
        prop_assert_eq!(assembled(&chunks), summary(&whole));
        prop_assert_eq!(&decode(&bytes, &[]).0, &chunks);
    }

    #[test]
    fn an_answer_goes_back_as_it_came(mut blocks in vec(block(), 1..7)) {
        // Ids are the service's, each its own; Claude signs its reasoning.
        for (number, block) in blocks.iter_mut().enumerate() {
            if block["toolUse"].is_object() && block["toolUse"]["type"].is_null() {
                block["toolUse"]["toolUseId"] = json!(format!("tooluse_{number}"));
            }
            if block["reasoningContent"]["reasoningText"].is_object() {
                block["reasoningContent"]["reasoningText"]["signature"] = json!("c2ln");
            }
        }
        let reply = json!({
            "output": {"message": {"role": "assistant", "content": blocks}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
        });
        let completion = translate::reply_from_slice(reply.to_string().as_bytes(), heading()).unwrap();
        // Through JSON, as a client keeps it.
        let message = serde_json::to_value(completion.message().unwrap()).unwrap();
        let request = json!({
            "model": "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "messages": [{"role": "user", "content": "Go"}, message, {"role": "user", "content": "On"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        });
        let request = ChatRequest::from_slice(request.to_string().as_bytes()).unwrap();
        let options = Options::default();
        let translated = translate::request(&request, &options).unwrap();
        let body: Value = serde_json::from_slice(&translated.to_bytes()).unwrap();
        // The service refuses blank text, and blocks that nobody knows.
        let is_blank = |block: &Value| block["text"].as_str().is_some_and(|text| text.trim().is_empty());
        let known = |block: &&Value| !is_blank(block) && block["hologram"].is_null();
        let wanted: Vec<&Value> = blocks.iter().filter(known).collect();
        if !wanted.is_empty() {
            let sent: Vec<&Value> = body["messages"][1]["content"].as_array().unwrap().iter().collect();
            prop_assert_eq!(sent, wanted);
        }
    }

    #[test]
    fn frames_are_read_as_the_sdk_reads_them(
        payloads in vec(vec(any::<u8>(), 0..60), 0..6),
        flip in proptest::option::of((any::<prop::sample::Index>(), 0..8u8)),
    ) {
        let mut bytes = Vec::new();
        for payload in &payloads {
            encode(&[(":event-type", "x"), (":message-type", "event")], payload, &mut bytes);
        }
        if let (Some((at, bit)), false) = (flip, bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        let mut sdk = MessageFrameDecoder::new();
        let mut ours = FrameDecoder::new();
        ours.push(&bytes);
        let mut left = bytes::Bytes::from(bytes.clone());
        loop {
            match (sdk.decode_frame(&mut left), ours.next_frame()) {
                (Ok(DecodedFrame::Complete(theirs)), Ok(Some(frame))) => {
                    prop_assert_eq!(theirs.payload().as_ref(), frame.payload());
                    let header = theirs.headers().iter().find(|header| header.name().as_str() == ":event-type");
                    let header = header.and_then(|header| header.value().as_string().ok()).map(|text| text.as_str().to_owned());
                    prop_assert_eq!(header.as_deref(), frame.header(":event-type"));
                }
                (Ok(DecodedFrame::Incomplete), Ok(None)) => break,
                // Ours refuses what the SDK would wait for: a length beyond the limit.
                (_, Err(_)) | (Err(_), _) => {
                    prop_assert!(flip.is_some(), "frames that are whole were refused");
                    break;
                }
                (theirs, _) => prop_assert!(false, "the SDK gives {:?}", theirs),
            }
        }
    }
}

#[test]
fn a_damaged_frame_stops_the_decoder_for_good() {
    let mut bytes = Vec::new();
    encode(&[(":event-type", "a")], b"{}", &mut bytes);
    let first = bytes.len();
    encode(&[(":event-type", "b")], b"{}", &mut bytes);
    encode(&[(":event-type", "c")], b"{}", &mut bytes);
    for at in first..2 * first {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        let mut decoder = FrameDecoder::new();
        decoder.push(&bytes);
        assert_eq!(decoder.next_frame().unwrap().unwrap().header(":event-type"), Some("a"));
        // A length that has grown may wait for more bytes, but gives nothing.
        for _ in 0..3 {
            assert!(
                !matches!(decoder.next_frame(), Ok(Some(_))),
                "a frame came after a damaged one, byte {at}"
            );
        }
    }
}

#[test]
fn a_frame_beyond_the_limit_is_refused_before_it_is_buffered() {
    let mut bytes = Vec::new();
    encode(&[], &[0; 1000], &mut bytes);
    let mut decoder = FrameDecoder::with_limit(500);
    decoder.push(&bytes[..12]);
    assert!(decoder.next_frame().is_err());
}
