//! Every request of the fixtures, for one model of each family, against the simulator's checks: it is
//! translated into a body that the service takes, or refused before it is sent.

use std::path::Path;

use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Script, Simulator, When};

#[tokio::test]
async fn every_fixture_is_taken_for_every_family_or_refused_by_name() {
    let script = Script::new().on(When::always(), Answer::text("ok"));
    let simulator = Simulator::builder().script(script).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let models = std::fs::read_to_string(fixtures.join("models.txt")).unwrap();
    let (mut sent, mut failures) = (0, Vec::new());
    for case in std::fs::read_dir(fixtures.join("requests")).unwrap() {
        let case = case.unwrap().path();
        let body = std::fs::read(case.join("openai.json")).unwrap();
        let Ok(mut request) = ChatRequest::from_slice(&body) else {
            continue;
        };
        for model in models.lines() {
            request.model = model.to_owned();
            match bedrock.chat(&request).await {
                Ok(_) => sent += 1,
                Err(error) if error.status().is_none() && error.field().is_some() => {}
                Err(error) => failures.push(format!("{} for {model}: {error}", case.display())),
            }
        }
    }
    assert!(failures.is_empty(), "{} refused\n{}", failures.len(), failures.join("\n"));
    assert!(sent > 2000, "only {sent} were sent");
}
