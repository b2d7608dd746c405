//! Credentials that are missing, slow, rotated or expired; regions and clients under many calls at once.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim::{Answer, Auth, Fault, Script, Simulator, When};
use bedrock_chat::{Bedrock, ErrorKind, RegionSource};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const MODEL: &str = "us.amazon.nova-lite-v1:0";

fn request() -> ChatRequest {
    ChatRequest::new(MODEL).user("Hi")
}

/// A provider whose key pair changes whenever it is asked.
#[derive(Debug, Clone, Default)]
struct Rotating(Arc<AtomicUsize>);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let turn = self.0.fetch_add(1, Ordering::SeqCst);
        future::ProvideCredentials::ready(Ok(Credentials::new(
            format!("KEY{turn}"),
            "secret",
            None,
            None,
            "test",
        )))
    }
}

async fn rotating(url: &str, provider: &Rotating) -> Bedrock {
    let config = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(provider.clone()))
        .build();
    Bedrock::builder().sdk_config(config).build().await.unwrap()
}

fn only(key: &str) -> Auth {
    Auth::Signed { access_key_id: key.to_owned(), secret_access_key: "secret".to_owned() }
}

#[tokio::test]
async fn rotated_credentials_are_loaded_anew_once() {
    // The service knows the second key pair alone: the first was rotated away.
    let simulator = Simulator::builder().auth(only("KEY1")).start().await.unwrap();
    let provider = Rotating::default();
    let bedrock = rotating(&simulator.url(), &provider).await;
    bedrock.chat(&request()).await.unwrap();
    bedrock.chat(&request()).await.unwrap();
    assert_eq!(provider.0.load(Ordering::SeqCst), 2, "credentials are kept where they are good");
    // It knows none that will come: one repeat and no more.
    let simulator = Simulator::builder().auth(only("KEY9")).start().await.unwrap();
    let provider = Rotating::default();
    let error = rotating(&simulator.url(), &provider).await.chat(&request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(provider.0.load(Ordering::SeqCst), 2);
    assert_eq!(simulator.received().len(), 2);
}

#[tokio::test]
async fn expired_credentials_are_loaded_anew_in_a_stream_too() {
    let expired = Fault::Refused {
        status: 403,
        code: "ExpiredTokenException".into(),
        message: "The security token included in the request is expired".into(),
    };
    let first = AtomicUsize::new(0);
    let script =
        Script::new().on_with(When::always(), move |_, _| match first.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::text("").with_fault(expired.clone()),
            _ => Answer::text("Paris."),
        });
    let simulator = Simulator::builder().script(script).start().await.unwrap();
    let bedrock = rotating(&simulator.url(), &Rotating::default()).await;
    let stream = bedrock.chat_stream(&request()).await.unwrap();
    assert_eq!(stream.completion().await.unwrap().text(), "Paris.");
    // A key pair that was given by hand has no other: it is not sent twice.
    let simulator = Simulator::builder().auth(only("KEY9")).start().await.unwrap();
    let by_hand = Bedrock::builder().region("us-east-1").endpoint_url(simulator.url());
    let by_hand = by_hand.credentials("KEY0", "secret", None).build().await.unwrap();
    assert_eq!(by_hand.chat(&request()).await.unwrap_err().kind(), ErrorKind::Credentials);
    assert_eq!(simulator.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_first_calls_load_credentials_once_and_lose_nothing_to_evictions() {
    let simulator = Simulator::start().await.unwrap();
    let provider = Rotating::default();
    let bedrock = rotating(&simulator.url(), &provider).await;
    let calls = |bedrock: &Bedrock, count: usize| {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..count {
            let bedrock = bedrock.clone();
            running.spawn(async move { bedrock.chat(&request()).await.map(drop) });
        }
        running
    };
    for outcome in calls(&bedrock, 200).join_all().await {
        outcome.unwrap();
    }
    assert_eq!(provider.0.load(Ordering::SeqCst), 1);
    // Evicted again and again while calls are under way.
    let mut running = calls(&bedrock, 200);
    while let Some(outcome) = running.join_next().await {
        outcome.unwrap().unwrap();
        bedrock.invalidate("us-east-1");
        bedrock.reset();
    }
    assert_eq!(simulator.received().len(), 400);
    assert_eq!(provider.0.load(Ordering::SeqCst), 1, "all clients share the credentials");
}

/// Runs this test again, alone, in a process with another environment: variables are of the process.
fn again(test: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).env_clear();
    for kept in ["PATH", "HOME", "LLVM_PROFILE_FILE"] {
        command.envs(std::env::var(kept).map(|value| (kept, value)));
    }
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
#[ignore = "run by other tests, in environments of their own"]
fn say() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut builder = Bedrock::builder();
        if let Ok(profile) = std::env::var("SAY_PROFILE") {
            builder = builder.profile(profile);
        }
        let url = std::env::var("SAY_URL").unwrap_or("http://127.0.0.1:9".to_owned());
        let bedrock = builder.endpoint_url(url).build().await.unwrap();
        println!("region {} from {}", bedrock.region_name(), bedrock.region_source());
        println!("credentials from {}", bedrock.credentials_source().unwrap());
        let start = std::time::Instant::now();
        println!("has credentials: {}", bedrock.has_credentials().await);
        let first = start.elapsed();
        println!("again: {}", bedrock.has_credentials().await);
        let second = start.elapsed() - first;
        println!("the second time took less than a quarter of the first: {}", second * 4 < first);
        if std::env::var_os("CALL").is_some() {
            match bedrock.chat(&request()).await {
                Ok(_) => println!("called"),
                Err(error) => println!("{}: {error}", error.kind()),
            }
        }
    });
}

fn files(config: &str, credentials: &str) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["config", "credentials"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&paths[0], config).unwrap();
    std::fs::write(&paths[1], credentials).unwrap();
    let [config, credentials] = paths;
    (folder, config, credentials)
}

#[test]
fn the_environment_and_the_files_say_region_and_credentials() {
    let (_folder, config, credentials) = files(
        "[default]\nregion = eu-west-3\n[profile work]\nregion = ap-south-1\n\
         [profile process]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"b\"}'\n",
        "[default]\naws_access_key_id = A\naws_secret_access_key = b\n\
         [work]\naws_access_key_id = C\naws_secret_access_key = d\n",
    );
    let base = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
    ];
    let keys = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "b")];
    for (more, region, source) in [
        (vec![], "eu-west-3 from the profile", "the default profile"),
        (vec![("AWS_PROFILE", "work")], "ap-south-1 from the profile", "the profile work"),
        (vec![("AWS_PROFILE", "process")], "us-east-1 from the default", "the profile process"),
        (
            vec![("AWS_DEFAULT_REGION", "us-west-2"), keys[0], keys[1]],
            "us-west-2 from AWS_DEFAULT_REGION",
            "a key pair",
        ),
        (
            vec![("AWS_REGION", "us-east-2"), ("AWS_DEFAULT_REGION", "us-west-2")],
            "us-east-2 from AWS_REGION",
            "the default profile",
        ),
        (
            vec![("AWS_BEARER_TOKEN_BEDROCK", "key"), ("AWS_PROFILE", "work")],
            "ap-south-1",
            "a Bedrock API key",
        ),
    ] {
        let said = again("say", &[&base[..], &more].concat());
        assert!(said.contains(&format!("region {region}")), "{more:?}: {said}");
        assert!(said.contains(&format!("credentials from {source}")), "{more:?}: {said}");
        assert!(said.contains("has credentials: true"), "{more:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_the_caller_names_wins_over_a_key_pair_of_the_environment() {
    let (_folder, config, credentials) =
        files("", "[work]\naws_access_key_id = WORK\naws_secret_access_key = d\n");
    let simulator = Simulator::start().await.unwrap();
    let url = simulator.url();
    let base = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
        ("AWS_ACCESS_KEY_ID", "OTHER"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("SAY_PROFILE", "work"),
        ("SAY_URL", url.as_str()),
        ("CALL", "1"),
    ];
    for (more, source, sent) in [
        (&[][..], "the profile work", "Credential=WORK/"),
        (&[("AWS_BEARER_TOKEN_BEDROCK", "key")], "a Bedrock API key", "Bearer key"),
    ] {
        let said = again("say", &[&base[..], more].concat());
        assert!(said.contains(&format!("credentials from {source}")) && said.contains("called"), "{said}");
        let call = simulator.received().pop().unwrap();
        let (_, authorization) = call.headers.iter().find(|(name, _)| name == "authorization").unwrap();
        assert!(authorization.contains(sent), "{authorization}");
    }
}

#[test]
fn missing_credentials_are_named_as_such_with_what_to_do() {
    let (_folder, config, credentials) = files("", "");
    let base = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
        ("CALL", "1"),
    ];
    let said = again("say", &base);
    assert!(said.contains("has credentials: false"), "{said}");
    assert!(
        said.contains("credentials: credentials: ") && said.contains("set AWS_BEARER_TOKEN_BEDROCK"),
        "{said}"
    );
    let said = again("say", &[&base[..], &[("AWS_PROFILE", "gone")]].concat());
    assert!(
        said.contains("credentials: credentials: ") && said.contains("aws sso login --profile gone"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_without_metadata_is_waited_for_once() {
    let (_folder, config, credentials) = files("", "");
    // Silent: it takes the connection and says nothing. Refusing: there is nobody.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            let (mut socket, _) = silent.accept().await.unwrap();
            let _ = socket.read(&mut [0; 1024]).await;
            kept.push(socket);
        }
    });
    let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, is_slow) in [(silent_url, true), (format!("http://{refusing}"), false)] {
        let said = again(
            "say",
            &[
                ("AWS_CONFIG_FILE", &config),
                ("AWS_SHARED_CREDENTIALS_FILE", &credentials),
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
                ("CALL", "1"),
            ],
        );
        assert!(said.contains("has credentials: false\nagain: false\n"), "{url}: {said}");
        assert!(!is_slow || said.contains("a quarter of the first: true"), "{url}: {said}");
        assert!(said.contains("credentials: credentials: "), "{url}: {said}");
    }
}

#[tokio::test]
async fn a_model_without_on_demand_throughput_is_called_by_its_profile_where_that_is_wanted() {
    let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let script = || {
        Script::new().on_with(When::always(), |model, _| match model.starts_with("anthropic.") {
            true => Answer::failure(
                400,
                "ValidationException",
                format!("Invocation of model ID {model} with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model."),
            ),
            false if model.contains("no-profile") => {
                Answer::failure(400, "ValidationException", "The provided model identifier is invalid.")
            }
            false => Answer::text("Paris."),
        })
    };
    for wanted in [true, false] {
        let simulator = Simulator::builder().script(script()).start().await.unwrap();
        let bedrock = Bedrock::builder()
            .region("eu-central-1")
            .endpoint_url(simulator.url())
            .credentials("A", "b", None)
            .cross_region(wanted)
            .build()
            .await
            .unwrap();
        assert_eq!(bedrock.region_source(), RegionSource::Explicit);
        let outcome = bedrock.chat(&ChatRequest::new(model).user("Hi")).await;
        if !wanted {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ModelNotFound);
            continue;
        }
        let completion = outcome.unwrap();
        let note = format!("{:?}", completion.bedrock.unwrap().adjustments);
        assert!(note.contains("eu.anthropic.claude-sonnet-4-5-20250929-v1:0"), "{note}");
        // The next call goes to the profile at once.
        bedrock.chat_stream(&ChatRequest::new(model).user("Hi")).await.unwrap().completion().await.unwrap();
        let called: Vec<String> = simulator.received().into_iter().map(|call| call.model_id).collect();
        let profile = format!("eu.{model}");
        assert_eq!(called, [model, &profile, &profile]);
        // A profile that does not answer is not remembered: the model is asked each time.
        simulator.forget();
        let gone = "anthropic.claude-of-no-profile-v1:0";
        for _ in 0..2 {
            let error = bedrock.chat(&ChatRequest::new(gone).user("Hi")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ModelNotFound, "{error}");
        }
        let called: Vec<String> = simulator.received().into_iter().map(|call| call.model_id).collect();
        assert_eq!(called, [gone, &format!("eu.{gone}"), gone, &format!("eu.{gone}")]);
    }
}

/// Answers of an instance's metadata, each after a pause.
async fn metadata(pause: Duration) -> String {
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = vec![0; 4096];
                while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                    let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    let path = request.split(' ').nth(1).unwrap_or_default();
                    let body = match path.trim_end_matches('/') {
                        "/latest/api/token" => "token",
                        "/latest/meta-data/iam/security-credentials" => "role",
                        "/latest/meta-data/iam/security-credentials/role" => {
                            r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"A","SecretAccessKey":"b","Token":"c","Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2026-01-01T00:00:00Z"}"#
                        }
                        _ => "",
                    };
                    tokio::time::sleep(pause).await;
                    let (status, length) = if body.is_empty() { (404, 0) } else { (200, body.len()) };
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\r\n"
                    );
                    let _ = socket.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await;
                }
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_answers_slowly_has_its_role() {
    let (_folder, config, credentials) = files("", "");
    let url = metadata(Duration::from_millis(100)).await;
    let said = again(
        "say",
        &[
            ("AWS_CONFIG_FILE", &config),
            ("AWS_SHARED_CREDENTIALS_FILE", &credentials),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
        ],
    );
    assert!(said.contains("credentials from the default profile or the instance's metadata"), "{said}");
    assert!(said.contains("has credentials: true\nagain: true"), "{said}");
}

/// Takes down where calls would go, and sends none.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<std::sync::Mutex<Vec<String>>>);

impl HttpConnector for Addresses {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().unwrap().push(request.uri().to_owned());
        HttpConnectorFuture::ready(Err(ConnectorError::user("not sent".into())))
    }
}

impl HttpClient for Addresses {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[tokio::test]
async fn the_endpoint_is_that_of_the_region_of_the_arn_and_of_the_configuration() {
    let arn = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0";
    for (fips, dual_stack, model, host) in [
        (false, false, MODEL, "https://bedrock-runtime.us-east-1.amazonaws.com/"),
        (false, false, arn, "https://bedrock-runtime.eu-west-1.amazonaws.com/"),
        (true, false, MODEL, "https://bedrock-runtime-fips.us-east-1.amazonaws.com/"),
        (false, true, MODEL, "https://bedrock-runtime.us-east-1.api.aws/"),
    ] {
        let addresses = Addresses::default();
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .use_fips(fips)
            .use_dual_stack(dual_stack)
            .credentials_provider(SharedCredentialsProvider::new(Rotating::default()))
            .build();
        let builder = Bedrock::builder().sdk_config(config).http_client(addresses.clone());
        let bedrock = builder.retry(bedrock_chat::RetryConfig::disabled()).build().await.unwrap();
        bedrock.chat(&ChatRequest::new(model).user("Hi")).await.unwrap_err();
        let called = addresses.0.lock().unwrap().clone();
        assert!(called[0].starts_with(host), "{called:?}");
    }
}
