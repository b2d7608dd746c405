//! One chat, one stream, one tool round trip, against the embedded simulator:
//!
//!     cargo run --example quickstart
//!
//! and against your AWS account, with the credentials and the region that the AWS command line
//! would use (any model that you have access to):
//!
//!     cargo run --example quickstart -- --live us.amazon.nova-lite-v1:0

use std::io::Write;

use bedrock_chat::openai::{ChatRequest, Message, Tool};
use bedrock_chat::sim::{Answer, Script, Simulator, When};
use bedrock_chat::{Bedrock, CallbackResult, Callbacks, Json};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let live = arguments.next().as_deref() == Some("--live");
    let model = arguments.next().unwrap_or_else(|| "us.amazon.nova-lite-v1:0".to_owned());

    let simulator = simulator().await?;
    let bedrock = if live {
        println!("Using AWS, with the credentials of your environment. Model: {model}\n");
        Bedrock::from_env().await?
    } else {
        println!("Using the embedded simulator at {} (there is no model in it).\n", simulator.url());
        simulator.bedrock().await?
    };

    println!("1. A chat: an OpenAI request in, an OpenAI completion out.");
    let request =
        ChatRequest::new(&model).system("Answer in one sentence.").user("What is the capital of France?");
    let completion = bedrock.chat(&request).await?;
    println!("   {}", completion.text());
    if let Some(usage) = &completion.usage {
        println!("   ({} tokens in, {} out)\n", usage.prompt_tokens, usage.completion_tokens);
    }

    println!("2. A stream: the text as it comes.");
    print!("   ");
    let request = ChatRequest::new(&model).user("Tell me about rivers.");
    let completion = bedrock.chat_stream(&request).await?.drive(&mut Print).await?;
    println!(
        "\n   (finish_reason: {})\n",
        completion.finish_reason().map_or("none", |reason| reason.as_str())
    );

    println!("3. A tool: the model calls it, we run it, the model answers with what it said.");
    let schema =
        Json::parse(r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#)?;
    let mut request = ChatRequest::new(&model)
        .tool(Tool::function("get_weather", "The weather in a city", schema))
        .user("What is the weather in Paris?");
    let completion = bedrock.chat(&request).await?;
    for choice in completion.choices {
        request.messages.push(choice.message.clone().into());
        for call in choice.message.tool_calls.iter().flatten() {
            println!("   the model calls {}({})", call.name(), call.arguments());
            request.messages.push(Message::tool(&call.id, "18 degrees and light rain"));
        }
    }
    let completion = bedrock.chat(&request).await?;
    println!("   {}", completion.text());

    if !live {
        println!(
            "\nThe simulator received {} requests. The last, as Bedrock gets it:",
            simulator.received().len()
        );
        if let Some(last) = simulator.received().last() {
            println!("   POST /model/{}/converse", last.model_id);
            println!("   {}", String::from_utf8_lossy(&last.body));
        }
    }
    Ok(())
}

/// Prints text as it comes.
struct Print;

impl Callbacks for Print {
    fn on_text_delta(&mut self, text: &str) -> CallbackResult {
        print!("{text}");
        Ok(std::io::stdout().flush()?)
    }
}

/// A Bedrock on this machine, with answers for this example.
async fn simulator() -> std::io::Result<Simulator> {
    let script = Script::new()
        .on(When::user_says("capital of France"), Answer::text("The capital of France is Paris."))
        .on(
            When::user_says("rivers"),
            Answer::text("A river begins as a spring or as melting ice, and ends in a sea or a lake.")
                .paced(std::time::Duration::from_millis(40)),
        )
        .on(When::tool_result("light rain"), Answer::text("It is 18 degrees in Paris, with light rain."));
    Simulator::builder().script(script).start().await
}
