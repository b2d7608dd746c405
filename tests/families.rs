//! Every request of the fixtures, for one model of each family, against the simulator's checks: it is
//! translated into a body that the service takes, or refused before it is sent.

use std::path::Path;

use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Script, Simulator, When};

const MODELS: [&str; 16] = [
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-opus-4-8",
    "us.amazon.nova-lite-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "us.meta.llama4-maverick-17b-instruct-v1:0",
    "mistral.mistral-large-3-675b-instruct",
    "openai.gpt-oss-120b-1:0",
    "openai.gpt-6-sol",
    "us.deepseek.r1-v1:0",
    "deepseek.v3.2",
    "qwen.qwen3-32b-v1:0",
    "xai.grok-4.7",
    "zai.glm-5",
    "moonshotai.kimi-k2.5",
    "writer.palmyra-x5-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
];

#[tokio::test]
async fn every_fixture_is_taken_for_every_family_or_refused_by_name() {
    let script = Script::new().on(When::always(), Answer::text("ok"));
    let simulator = Simulator::builder().script(script).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests");
    let (mut sent, mut failures) = (0, Vec::new());
    for case in std::fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let body = std::fs::read(case.join("openai.json")).unwrap();
        let Ok(mut request) = ChatRequest::from_slice(&body) else {
            continue;
        };
        for model in MODELS {
            request.model = model.to_owned();
            match bedrock.chat(&request).await {
                Ok(_) => sent += 1,
                Err(error) if error.status().is_none() && error.field().is_some() => {}
                Err(error) => failures.push(format!("{} for {model}: {error}", case.display())),
            }
        }
    }
    assert!(failures.is_empty(), "{} refused\n{}", failures.len(), failures.join("\n"));
    assert!(sent > 1500, "only {sent} were sent");
}
