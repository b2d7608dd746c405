//! The models of a region: listed, filtered, kept for an hour, each list failing alone; and the model
//! behind an application inference profile.

use std::time::Duration;

use bedrock_chat::models::ModelKind;
use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Auth, Operation, Received, Simulator};
use bedrock_chat::{Bedrock, ErrorKind};

fn counted(simulator: &Simulator, operation: Operation) -> usize {
    simulator.received().iter().filter(|call: &&Received| call.operation == operation).count()
}

#[tokio::test]
async fn models_that_answer_in_text_are_listed_global_ones_first() {
    let auth = Auth::Signed { access_key_id: "AKID".into(), secret_access_key: "secret".into() };
    let simulator = Simulator::builder().auth(auth).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let list = bedrock.models(None).await;
    assert!(list.failures.is_empty(), "{:?}", list.failures);
    let ids: Vec<&str> = list.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "meta.llama3-3-70b-instruct-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
            "amazon.nova-lite-v1:0",
            "amazon.nova-micro-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.meta.llama3-3-70b-instruct-v1:0",
            "us.amazon.nova-lite-v1:0",
        ]
    );
    let application = &list.models[3];
    assert_eq!(
        (application.kind, application.provider.as_str()),
        (ModelKind::ApplicationInferenceProfile, "anthropic")
    );
    assert_eq!(
        (application.context_window, application.abilities.max_output_tokens),
        (200_000, Some(64_000))
    );
    assert_eq!(
        bedrock.model_ids(Some("Meta")).await,
        ["meta.llama3-3-70b-instruct-v1:0", "us.meta.llama3-3-70b-instruct-v1:0"]
    );
    assert!(bedrock.model_ids(Some("nobody")).await.is_empty());
    // The profiles came in pages of three, of two kinds; and everything once.
    assert_eq!(counted(&simulator, Operation::ListFoundationModels), 1);
    assert_eq!(counted(&simulator, Operation::ListInferenceProfiles), 3);
}

#[tokio::test]
async fn lists_are_kept_for_an_hour_by_region_and_asked_for_once_by_many() {
    let simulator = Simulator::start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let together = futures_util::future::join_all((0..20).map(|_| bedrock.models(None))).await;
    assert!(together.iter().all(|list| list.models.len() == 9));
    assert_eq!(counted(&simulator, Operation::ListFoundationModels), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3599)).await;
    tokio::time::resume();
    bedrock.models(None).await;
    assert_eq!(counted(&simulator, Operation::ListFoundationModels), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    bedrock.models(None).await;
    assert_eq!(counted(&simulator, Operation::ListFoundationModels), 2);
    let there = bedrock.region("eu-west-1").models(None).await;
    assert!(there.models.iter().any(|model| model.id.starts_with("arn:aws:bedrock:eu-west-1:")), "{there:?}");
    assert_eq!(counted(&simulator, Operation::ListFoundationModels), 3);
}

#[tokio::test]
async fn each_list_fails_alone_and_says_so() {
    let denied = Answer::failure(
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/a is not authorized to perform: bedrock:ListInferenceProfiles",
    );
    let simulator =
        Simulator::builder().refuse(Operation::ListInferenceProfiles, denied).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let list = bedrock.models(None).await;
    assert_eq!(list.models.len(), 4);
    assert_eq!(list.failures.len(), 1);
    assert_eq!(list.failures[0].kind(), ErrorKind::AccessDenied, "{}", list.failures[0]);
    assert_eq!(list.failures[0].region(), Some("us-east-1"));
    // The list that came is kept, the one that failed is asked for again.
    bedrock.models(None).await;
    assert_eq!(counted(&simulator, Operation::ListFoundationModels), 1);
    assert_eq!(counted(&simulator, Operation::ListInferenceProfiles), 2);
}

#[tokio::test]
async fn an_old_list_is_better_than_none() {
    let served = Auth::Signed { access_key_id: "A".into(), secret_access_key: "a".into() };
    let simulator = Simulator::builder().auth(served).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    assert_eq!(bedrock.models(None).await.models.len(), 9);
    simulator.rotate(Auth::Signed { access_key_id: "B".into(), secret_access_key: "b".into() });
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3601)).await;
    tokio::time::resume();
    let list = bedrock.models(None).await;
    assert_eq!((list.models.len(), list.failures.len()), (9, 2));
    assert!(list.failures.iter().all(|error| error.kind() == ErrorKind::Credentials), "{:?}", list.failures);
}

#[tokio::test]
async fn the_control_plane_is_not_guessed_from_the_endpoint_of_the_calls() {
    let simulator = Simulator::start().await.unwrap();
    let builder = Bedrock::builder().region("us-east-1").credentials("A", "b", None);
    let bedrock = builder.endpoint_url(simulator.url()).build().await.unwrap();
    let list = bedrock.models(None).await;
    assert!(list.models.is_empty());
    assert!(list.failures[0].to_string().contains("control_endpoint_url"), "{}", list.failures[0]);
    assert!(simulator.received().is_empty());
}

#[tokio::test]
async fn the_model_behind_an_application_profile_gives_its_rules() {
    let simulator = Simulator::start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3d4e5f6";
    let request = |arn: &str| {
        let mut request = ChatRequest::new(arn).user("Hi");
        request.reasoning_effort = Some("low".to_owned());
        request
    };
    for _ in 0..2 {
        bedrock.chat(&request(arn)).await.unwrap();
    }
    let calls = simulator.received();
    // Asked for once, in the region of the ARN; and Claude's form of reasoning was sent.
    assert_eq!(counted(&simulator, Operation::GetInferenceProfile), 1);
    let authorization = calls[0].headers.iter().find(|(name, _)| name == "authorization").unwrap();
    assert!(authorization.1.contains("/eu-west-1/bedrock/"), "{}", authorization.1);
    assert_eq!(calls[1].model_id, arn);
    assert!(calls[1].json()["additionalModelRequestFields"]["thinking"].is_object(), "{}", calls[1].json());
    // One that is not to be had is called all the same.
    let gone = arn.replace("a1b2c3d4e5f6", "gone");
    for _ in 0..2 {
        bedrock.chat(&request(&gone)).await.unwrap();
    }
    assert_eq!(counted(&simulator, Operation::GetInferenceProfile), 2);
}

#[tokio::test]
async fn a_control_plane_that_hangs_holds_a_call_for_ten_seconds_and_no_longer() {
    let never =
        Answer::failure(500, "InternalServerException", "never sent").after(Duration::from_secs(3600));
    let simulator = Simulator::builder().refuse(Operation::GetInferenceProfile, never).start().await.unwrap();
    let bedrock = simulator.bedrock().await.unwrap();
    let call = tokio::spawn(async move {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6";
        bedrock.chat(&ChatRequest::new(arn).user("Hi")).await.map(drop)
    });
    while counted(&simulator, Operation::GetInferenceProfile) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(9)).await;
    tokio::time::resume();
    assert_eq!(counted(&simulator, Operation::Converse), 0);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    call.await.unwrap().unwrap();
    assert_eq!(counted(&simulator, Operation::Converse), 1);
}
