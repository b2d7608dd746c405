//! This crate, from OpenAI bytes to OpenAI bytes, against the AWS SDK called by hand with typed
//! input that was built before.
//!
//!     cargo bench --bench vs_sdk            all workloads
//!     cargo bench --bench vs_sdk -- W3 W6   some
//!
//! Both sides talk over loopback to the simulator in a process of its own; the two processes are
//! pinned to different cores (`taskset`). What is compared is CPU time of the client process, user
//! and system, in alternating rounds; the figure is the median of the rounds' ratios. The calls run
//! inside spawned tasks, as an agent's do.
//!
//! `cold` measures the time from the start of a process to its first answer, `region` what a handle for
//! another region costs.
//!
//! The same program is the parent, the simulator (`--simulator`), the measured client (`--client`), the
//! client whose peak of memory is measured (`--memory`), the maker of its request (`--memory-body`), and
//! the process that makes one call (`--first-call`).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types as aws;
use aws_smithy_types::{Document, Number};
use bedrock_chat::Bedrock;
use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Script, Simulator, When};
use cpu_time::ProcessTime;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// A round must take at least this much CPU time, so that the clock's grain does not matter.
const ROUND: Duration = Duration::from_millis(60);
const ROUNDS: usize = 31;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("--simulator") => simulator(),
        Some("--client") => client(&arguments[1], &arguments[2..]),
        Some("--memory") => memory(&arguments[1]),
        Some("--first-call") => first_call(&arguments[1], arguments[2] == "sdk"),
        Some("--memory-body") => Ok(std::fs::write(&arguments[1], image_body())?),
        _ => parent(&arguments),
    }
}

fn parent(workloads: &[String]) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let pinned = |core: &str| {
        let mut command = Command::new("taskset");
        command.args(["-c", core]).arg(&program);
        command
    };
    let mut simulator = Killed(pinned("1").arg("--simulator").stdout(Stdio::piped()).spawn()?);
    let stdout = simulator.0.stdout.take().ok_or("the simulator has no output")?;
    let mut url = String::new();
    BufReader::new(stdout).read_line(&mut url)?;
    let url = url.trim();
    let mut ok = pinned("0").arg("--client").arg(url).args(workloads).status()?.success();
    if workloads.is_empty() || workloads.iter().any(|name| name == "W5") {
        ok &= pinned("0").arg("--memory").arg(url).status()?.success();
    }
    if workloads.is_empty() || workloads.iter().any(|name| name == "cold") {
        cold_start(&program, url)?;
    }
    if workloads.is_empty() || workloads.iter().any(|name| name == "region") {
        region_handle()?;
    }
    if ok { Ok(()) } else { Err("a client failed".into()) }
}

/// A child that ends with its parent.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn simulator() -> Result<(), Failure> {
    let deltas = |count: usize| Answer::text("twenty bytes of text".repeat(count)).chunked(20);
    let arguments = json!({"text": "x".repeat(500 * 16 - 11)}).to_string();
    let script = Script::new()
        .on(When::user_says("W1"), Answer::text("The capital of France is Paris."))
        .on(When::user_says("W3"), deltas(2000))
        .on(When::user_says("W4"), Answer::call("write", arguments).chunked(16))
        .on(When::user_says("W5"), Answer::text("A picture."))
        .on(When::user_says("W6"), deltas(500))
        .on(When::always(), Answer::text("Done."));
    let simulator = Simulator::builder().script(script).start().await?;
    println!("{}", simulator.url());
    std::io::stdout().flush()?;
    simulator.serve().await;
    Ok(())
}

/// One workload: the OpenAI request, and the same as typed input for the SDK.
struct Workload {
    name: &'static str,
    body: Vec<u8>,
    system: Option<Vec<aws::SystemContentBlock>>,
    messages: Vec<aws::Message>,
    tools: Option<aws::ToolConfiguration>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Stream { at_once: usize, events: usize },
}

fn workloads() -> Vec<Workload> {
    vec![
        small("W1", "W1: what is the capital of France?", Kind::Whole),
        large(),
        small("W3", "W3: tell me a long story", Kind::Stream { at_once: 1, events: 2005 }),
        tool_stream(),
        image(),
        small("W6", "W6: tell me a story", Kind::Stream { at_once: 64, events: 505 }),
    ]
}

fn user(text: &str) -> aws::Message {
    message(aws::ConversationRole::User, vec![aws::ContentBlock::Text(text.to_owned())])
}

fn message(role: aws::ConversationRole, content: Vec<aws::ContentBlock>) -> aws::Message {
    aws::Message::builder().role(role).set_content(Some(content)).build().expect("complete")
}

fn small(name: &'static str, text: &str, kind: Kind) -> Workload {
    let system = "You are a helpful assistant.";
    Workload {
        name,
        body: json!({
            "model": MODEL,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": text}],
            "max_tokens": 1000,
        })
        .to_string()
        .into_bytes(),
        system: Some(vec![aws::SystemContentBlock::Text(system.to_owned())]),
        messages: vec![user(text)],
        tools: None,
        kind,
    }
}

/// Tools with ten properties each, about three kilobytes of schema.
const PROPERTY: &str = "What this property of the tool is about, what it defaults to when it is left \
    out, and what the model should take care of when it fills it in: a path is absolute, a pattern is a \
    regular expression, and a number counts from 1.";

fn tools(count: usize) -> (Value, aws::ToolConfiguration) {
    let mut openai = Vec::new();
    let mut config = aws::ToolConfiguration::builder();
    for tool in 0..count {
        let mut properties = serde_json::Map::new();
        for property in 0..10 {
            properties
                .insert(format!("property_{property}"), json!({"type": "string", "description": PROPERTY}));
        }
        let schema = json!({"type": "object", "properties": properties, "required": ["property_0"]});
        let name = format!("tool_{tool}");
        let description = "Does one of the things that agents do";
        config = config.tools(aws::Tool::ToolSpec(
            aws::ToolSpecification::builder()
                .name(&name)
                .description(description)
                .input_schema(aws::ToolInputSchema::Json(document(&schema)))
                .build()
                .expect("complete"),
        ));
        openai.push(json!({
            "type": "function",
            "function": {"name": name, "description": description, "parameters": schema},
        }));
    }
    (Value::Array(openai), config.build().expect("complete"))
}

/// 200 messages with 60 pairs of call and result, and 40 tools: an agent in the middle of its work.
fn large() -> Workload {
    let (openai_tools, tools) = tools(40);
    let line = "The agent reads a file of source code, thinks about it, and writes what it found.\n";
    let long = line.repeat(24);
    let mut openai = Vec::new();
    let mut messages = Vec::new();
    for pair in 0..60 {
        let id = format!("call_{pair}");
        let input = json!({"property_0": "src/main.rs", "property_1": "x".repeat(120), "line": pair});
        openai.push(json!({"role": "assistant", "content": line, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "tool_1", "arguments": input.to_string()}},
        ]}));
        openai.push(json!({"role": "tool", "tool_call_id": id, "content": long}));
        messages.push(message(
            aws::ConversationRole::Assistant,
            vec![
                aws::ContentBlock::Text(line.to_owned()),
                aws::ContentBlock::ToolUse(
                    aws::ToolUseBlock::builder()
                        .tool_use_id(&id)
                        .name("tool_1")
                        .input(document(&input))
                        .build()
                        .expect("complete"),
                ),
            ],
        ));
        let result = aws::ToolResultBlock::builder()
            .tool_use_id(&id)
            .content(aws::ToolResultContentBlock::Text(long.clone()))
            .build()
            .expect("complete");
        messages.push(message(aws::ConversationRole::User, vec![aws::ContentBlock::ToolResult(result)]));
        if pair % 3 != 2 {
            let thought = line.repeat(20);
            openai.push(json!({"role": "assistant", "content": thought}));
            openai.push(json!({"role": "user", "content": long}));
            messages.push(message(aws::ConversationRole::Assistant, vec![aws::ContentBlock::Text(thought)]));
            messages.push(user(&long));
        }
    }
    openai.insert(0, json!({"role": "user", "content": "W2: do it"}));
    messages.insert(0, user("W2: do it"));
    Workload {
        name: "W2",
        body: json!({"model": MODEL, "messages": openai, "tools": openai_tools}).to_string().into_bytes(),
        system: None,
        messages,
        tools: Some(tools),
        kind: Kind::Whole,
    }
}

fn tool_stream() -> Workload {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}});
    let spec = aws::ToolSpecification::builder()
        .name("write")
        .input_schema(aws::ToolInputSchema::Json(document(&schema)))
        .build()
        .expect("complete");
    Workload {
        name: "W4",
        body: json!({
            "model": MODEL,
            "messages": [{"role": "user", "content": "W4: write it"}],
            "tools": [{"type": "function", "function": {"name": "write", "parameters": schema}}],
        })
        .to_string()
        .into_bytes(),
        system: None,
        messages: vec![user("W4: write it")],
        tools: Some(
            aws::ToolConfiguration::builder().tools(aws::Tool::ToolSpec(spec)).build().expect("complete"),
        ),
        kind: Kind::Stream { at_once: 1, events: 505 },
    }
}

/// Four megabytes that begin as a PNG does.
fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut state = 1u32;
    while bytes.len() < 4_000_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes
}

fn image_body() -> Vec<u8> {
    let url = format!("data:image/png;base64,{}", base64_simd::STANDARD.encode_to_string(png()));
    json!({
        "model": MODEL,
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "W5: what is this?"},
            {"type": "image_url", "image_url": {"url": url}},
        ]}],
    })
    .to_string()
    .into_bytes()
}

fn image() -> Workload {
    let image = aws::ImageBlock::builder()
        .format(aws::ImageFormat::Png)
        .source(aws::ImageSource::Bytes(Blob::new(png())))
        .build()
        .expect("complete");
    let text = aws::ContentBlock::Text("W5: what is this?".to_owned());
    Workload {
        name: "W5",
        body: image_body(),
        system: None,
        messages: vec![message(aws::ConversationRole::User, vec![text, aws::ContentBlock::Image(image)])],
        tools: None,
        kind: Kind::Whole,
    }
}

fn document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => Document::Bool(*value),
        Value::Number(value) => Document::Number(Number::PosInt(value.as_u64().unwrap_or_default())),
        Value::String(value) => Document::String(value.clone()),
        Value::Array(values) => Document::Array(values.iter().map(document).collect()),
        Value::Object(values) => {
            Document::Object(values.iter().map(|(key, value)| (key.clone(), document(value))).collect())
        }
    }
}

/// One call with the SDK; how many bytes of text and input came.
async fn by_sdk(client: &Client, workload: &Workload) -> Result<usize, Failure> {
    let inference =
        workload.system.is_some().then(|| aws::InferenceConfiguration::builder().max_tokens(1000).build());
    match workload.kind {
        Kind::Whole => {
            let output = client
                .converse()
                .model_id(MODEL)
                .set_system(workload.system.clone())
                .set_messages(Some(workload.messages.clone()))
                .set_tool_config(workload.tools.clone())
                .set_inference_config(inference)
                .send()
                .await?;
            let message = output.output().and_then(|output| output.as_message().ok()).ok_or("no message")?;
            Ok(message.content().iter().filter_map(|block| block.as_text().ok()).map(String::len).sum())
        }
        Kind::Stream { .. } => {
            let mut output = client
                .converse_stream()
                .model_id(MODEL)
                .set_system(workload.system.clone())
                .set_messages(Some(workload.messages.clone()))
                .set_tool_config(workload.tools.clone())
                .set_inference_config(inference)
                .send()
                .await?;
            let mut text = String::new();
            while let Some(event) = output.stream.recv().await? {
                if let aws::ConverseStreamOutput::ContentBlockDelta(event) = event {
                    match event.delta() {
                        Some(aws::ContentBlockDelta::Text(delta)) => text.push_str(delta),
                        Some(aws::ContentBlockDelta::ToolUse(delta)) => text.push_str(delta.input()),
                        _ => {}
                    }
                }
            }
            Ok(text.len())
        }
    }
}

/// One call with this crate; how many bytes of text and arguments came.
async fn by_crate(bedrock: &Bedrock, workload: &Workload) -> Result<usize, Failure> {
    let request = ChatRequest::from_slice(&workload.body)?;
    match workload.kind {
        Kind::Whole => {
            let completion = bedrock.chat(&request).await?;
            std::hint::black_box(serde_json::to_vec(&completion)?);
            Ok(completion.text().len())
        }
        Kind::Stream { .. } => {
            let mut stream = bedrock.chat_stream(&request).await?;
            let mut line = Vec::new();
            let mut length = 0;
            while let Some(chunk) = stream.next().await {
                let chunk = chunk?;
                line.clear();
                serde_json::to_writer(&mut line, &chunk)?;
                std::hint::black_box(&line);
                for choice in &chunk.choices {
                    length += choice.delta.content.as_ref().map_or(0, String::len);
                    for call in choice.delta.tool_calls.iter().flatten() {
                        let function = call.function.as_ref();
                        length += function.and_then(|f| f.arguments.as_ref()).map_or(0, String::len);
                    }
                }
            }
            Ok(length)
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Sdk,
    Crate,
    /// This crate with no clock running.
    Unwatched,
}

#[derive(Clone)]
struct Clients {
    sdk: Client,
    bedrock: Bedrock,
    unwatched: Bedrock,
}

/// The configuration of the SDK's client.
async fn loaded(url: &str) -> aws_config::SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("BENCH", "bench", None, None, "bench"))
        .load()
        .await
}

async fn clients(url: &str) -> Result<Clients, Failure> {
    let loaded = loaded(url).await;
    let bedrock = Bedrock::builder().sdk_config(loaded.clone()).build().await?;
    let unwatched = bedrock.first_event_timeout(None).idle_timeout(None);
    Ok(Clients { sdk: Client::new(&loaded), bedrock, unwatched })
}

/// Makes the workload's calls `times` over, in spawned tasks.
async fn calls(
    clients: &Clients,
    workload: &'static Workload,
    side: Side,
    times: usize,
) -> Result<usize, Failure> {
    let at_once = match workload.kind {
        Kind::Whole => 1,
        Kind::Stream { at_once, .. } => at_once,
    };
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let clients = clients.clone();
        tasks.spawn(async move {
            let mut length = 0;
            for _ in 0..times {
                length += match side {
                    Side::Sdk => by_sdk(&clients.sdk, workload).await?,
                    Side::Crate => by_crate(&clients.bedrock, workload).await?,
                    Side::Unwatched => by_crate(&clients.unwatched, workload).await?,
                };
            }
            Ok::<_, Failure>(length)
        });
    }
    let mut length = 0;
    while let Some(done) = tasks.join_next().await {
        length += done??;
    }
    Ok(length)
}

fn client(url: &str, names: &[String]) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let clients = runtime.block_on(clients(url))?;
    for workload in workloads() {
        if !(names.is_empty() || names.iter().any(|name| name == workload.name)) {
            continue;
        }
        let workload: &'static Workload = Box::leak(Box::new(workload));
        let expected = runtime.block_on(calls(&clients, workload, Side::Sdk, 1))?;
        let got = runtime.block_on(calls(&clients, workload, Side::Crate, 1))?;
        if expected != got {
            return Err(format!("{}: {expected} bytes by the SDK, {got} by this crate", workload.name).into());
        }
        let round = |side, times| -> Result<Duration, Failure> {
            let start = ProcessTime::now();
            runtime.block_on(calls(&clients, workload, side, times))?;
            Ok(start.elapsed())
        };
        let mut times = 1;
        while round(Side::Sdk, times)? < ROUND {
            times *= 2;
        }
        let compare = |what: &str, side, to| -> Result<(), Failure> {
            let (median, spread) = ratio(|| round(to, times), || round(side, times))?;
            println!("{} {what} {median:.2}   ({ROUNDS} rounds of {times}; {spread})", workload.name);
            Ok(())
        };
        eprintln!("{}: a request of {} bytes", workload.name, workload.body.len());
        compare("cpu ratio", Side::Crate, Side::Sdk)?;
        if workload.name == "W3" {
            compare("cpu ratio with and without clocks", Side::Crate, Side::Unwatched)?;
        }
        allocations(url, workload)?;
    }
    Ok(())
}

/// The median of alternating rounds' ratios, the second side over the first, and the least and the most.
fn ratio(
    first: impl Fn() -> Result<Duration, Failure>,
    second: impl Fn() -> Result<Duration, Failure>,
) -> Result<(f64, String), Failure> {
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let first = first()?;
        ratios.push(second()?.as_secs_f64() / first.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    Ok((ratios[ROUNDS / 2], format!("{:.2} to {:.2}", ratios[0], ratios[ROUNDS - 1])))
}

/// From the start of a process to its first answer, ours over the SDK's: the time that passes, and the
/// processes do nothing else.
fn cold_start(program: &std::path::Path, url: &str) -> Result<(), Failure> {
    let start = |side: &str| -> Result<Duration, Failure> {
        let begin = std::time::Instant::now();
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program).args(["--first-call", url, side]);
        let status = command.status()?;
        if status.success() { Ok(begin.elapsed()) } else { Err("a first call failed".into()) }
    };
    let (median, spread) = ratio(|| start("sdk"), || start("crate"))?;
    println!("cold start ratio {median:.2}   ({ROUNDS} processes each; {spread})");
    Ok(())
}

/// The whole life of a process that makes one call, with a client made as most are.
#[tokio::main(flavor = "current_thread")]
async fn first_call(url: &str, sdk: bool) -> Result<(), Failure> {
    let workload = small("W1", "W1: what is the capital of France?", Kind::Whole);
    let length = if sdk {
        by_sdk(&Client::new(&loaded(url).await), &workload).await?
    } else {
        let builder = Bedrock::builder().region("us-east-1").endpoint_url(url);
        by_crate(&builder.credentials("BENCH", "bench", None).build().await?, &workload).await?
    };
    std::hint::black_box(length);
    Ok(())
}

/// What a handle for another region costs.
#[tokio::main(flavor = "current_thread")]
async fn region_handle() -> Result<(), Failure> {
    const HANDLES: u32 = 1_000_000;
    let builder = Bedrock::builder().region("us-east-1").endpoint_url("http://127.0.0.1:9");
    let bedrock = builder.credentials("BENCH", "bench", None).build().await?;
    let start = ProcessTime::now();
    for _ in 0..HANDLES {
        std::hint::black_box(bedrock.region(std::hint::black_box("eu-central-1")));
    }
    println!("a region handle costs {} ns", (start.elapsed() / HANDLES).as_nanos());
    Ok(())
}

/// Counts allocations in a runtime of one thread, since they are counted by thread.
fn allocations(url: &str, workload: &'static Workload) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clients = runtime.block_on(clients(url))?;
    let mut counts = Vec::new();
    for side in [Side::Sdk, Side::Crate] {
        runtime.block_on(calls(&clients, workload, side, 2))?;
        let mut result = Ok(0);
        let counted =
            allocation_counter::measure(|| result = runtime.block_on(calls(&clients, workload, side, 4)));
        result?;
        counts.push(counted.count_total / 4);
    }
    match workload.kind {
        Kind::Whole => println!("{} allocations per call: {} (SDK {})", workload.name, counts[1], counts[0]),
        Kind::Stream { at_once, events } => println!(
            "{} allocations per event: {:.1} (SDK {:.1})",
            workload.name,
            counts[1] as f64 / (at_once * events) as f64,
            counts[0] as f64 / (at_once * events) as f64
        ),
    }
    Ok(())
}

/// Sends the image once and tells the peak of resident memory.
#[tokio::main(flavor = "current_thread")]
async fn memory(url: &str) -> Result<(), Failure> {
    let body = std::env::temp_dir().join(format!("bedrock-chat-w5-{}.json", std::process::id()));
    // Made by another process, so that making it does not count.
    let made = Command::new(std::env::current_exe()?).arg("--memory-body").arg(&body).status()?;
    if !made.success() {
        return Err("the request could not be made".into());
    }
    let clients = clients(url).await?;
    let before = resident()?;
    let bytes = std::fs::read(&body)?;
    std::fs::remove_file(&body)?;
    let request = ChatRequest::from_slice(&bytes)?;
    drop(bytes);
    let completion = clients.bedrock.chat(&request).await?;
    std::hint::black_box(serde_json::to_vec(&completion)?);
    println!("W5 peak memory {:.1} MB   ({before:.1} MB before the request)", resident()?);
    Ok(())
}

/// The peak of this process's resident memory so far, in megabytes of 1,000,000 bytes.
fn resident() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no VmHWM")?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}
