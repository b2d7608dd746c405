//! A complete agent: it reads and adds up numbers with two tools until the model is done.
//!
//!     cargo run --example agent_loop
//!     cargo run --example agent_loop -- --live us.amazon.nova-lite-v1:0

use bedrock_chat::openai::{ChatRequest, FinishReason, Message, Tool, ToolCall};
use bedrock_chat::sim::{Answer, Script, Simulator, When};
use bedrock_chat::{Bedrock, Callbacks, ErrorKind, Json};
use serde::Deserialize;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How often a call is tried again when the service says that it may help.
const TRIES: u32 = 4;
/// An agent that does not come to an end is stopped.
const MAX_STEPS: usize = 10;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let live = arguments.next().as_deref() == Some("--live");
    let model = arguments.next().unwrap_or_else(|| "us.amazon.nova-lite-v1:0".to_owned());
    // The simulator stops when it is dropped.
    let simulator = simulator().await?;
    let bedrock = if live { Bedrock::from_env().await? } else { simulator.bedrock().await? };

    let mut request = ChatRequest::new(model)
        .system("You answer questions about the ledger. Use the tools.")
        .user("What do we owe the baker and the smith together?")
        .tool(Tool::function(
            "read_ledger",
            "What we owe one creditor, in euros",
            Json::parse(
                r#"{"type":"object","properties":{"creditor":{"type":"string"}},"required":["creditor"]}"#,
            )?,
        ))
        .tool(Tool::function(
            "add",
            "The sum of numbers",
            Json::parse(
                r#"{"type":"object","properties":{"numbers":{"type":"array","items":{"type":"number"}}},"required":["numbers"]}"#,
            )?,
        ));

    for _ in 0..MAX_STEPS {
        let completion = ask(&bedrock, &request).await?;
        let Some(choice) = completion.choices.into_iter().next() else {
            return Err("the model gave no answer".into());
        };
        let calls = choice.message.tool_calls.clone().unwrap_or_default();
        let text = choice.message.content.clone().unwrap_or_default();
        // The answer becomes part of the history as it is, reasoning and signatures included.
        request.messages.push(choice.message.into());
        match choice.finish_reason {
            Some(FinishReason::ToolCalls) => {}
            Some(FinishReason::Length) => return Err("the answer was cut: raise max_tokens".into()),
            _ => {
                println!("{text}");
                return Ok(());
            }
        }
        for call in calls {
            let result = run(&call).unwrap_or_else(|error| format!("error: {error}"));
            println!("{}({}) = {result}", call.name(), call.arguments());
            request.messages.push(Message::tool(call.id, result));
        }
    }
    Err("the agent did not come to an end".into())
}

/// Sends the conversation; waits and tries again where that may help.
async fn ask(
    bedrock: &Bedrock,
    request: &ChatRequest,
) -> Result<bedrock_chat::openai::ChatCompletion, bedrock_chat::Error> {
    /// This agent only wants the whole answer; streaming keeps it from waiting for ever.
    struct Quiet;
    impl Callbacks for Quiet {}

    let mut tries = 1;
    loop {
        let outcome = match bedrock.chat_stream(request).await {
            Ok(stream) => stream.drive(&mut Quiet).await,
            Err(error) => Err(error),
        };
        match outcome {
            Err(error) if error.is_retryable() && tries < TRIES => {
                let pause = error.retry_after().unwrap_or(std::time::Duration::from_secs(1 << tries));
                eprintln!("{error}: trying again in {pause:?}");
                tokio::time::sleep(pause).await;
                tries += 1;
            }
            Err(error) if error.kind() == ErrorKind::ContextOverflow => {
                eprintln!("the conversation is too long; a real agent would summarise it now");
                return Err(error);
            }
            outcome => return outcome,
        }
    }
}

/// Runs one of the two tools. Its failures are for the model to read.
fn run(call: &ToolCall) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct ReadLedger {
        creditor: String,
    }
    #[derive(Deserialize)]
    struct Add {
        numbers: Vec<f64>,
    }
    match call.name() {
        "read_ledger" => {
            let arguments: ReadLedger = serde_json::from_str(call.arguments())?;
            match arguments.creditor.to_lowercase().as_str() {
                "baker" => Ok("12.50".into()),
                "smith" => Ok("30".into()),
                other => Err(format!("there is no creditor {other}").into()),
            }
        }
        "add" => {
            let arguments: Add = serde_json::from_str(call.arguments())?;
            Ok(arguments.numbers.iter().sum::<f64>().to_string())
        }
        other => Err(format!("there is no tool {other}").into()),
    }
}

/// A Bedrock on this machine that plays the model's part.
async fn simulator() -> std::io::Result<Simulator> {
    let script = Script::new()
        .on(
            When::user_says("together"),
            Answer::text("Let me look them up.")
                .then_call("read_ledger", r#"{"creditor":"baker"}"#)
                .then_call("read_ledger", r#"{"creditor":"smith"}"#),
        )
        .on(When::tool_result("12.50"), Answer::call("add", r#"{"numbers":[12.5,30]}"#))
        .on(When::tool_result("42.5"), Answer::text("We owe them 42.50 euros together."));
    Simulator::builder().script(script).start().await
}
