//! Where credentials come from, told without asking anyone, and a chain that does not stall.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_sdk_bedrockruntime::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};

/// Where the credentials of a call come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A Bedrock API key, in `AWS_BEARER_TOKEN_BEDROCK`.
    BearerToken,
    /// A key pair, in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    KeyPair,
    /// The profile that `AWS_PROFILE` names: keys, SSO, a role to assume or a process to run.
    Profile(String),
    /// The container's credentials endpoint, in `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or
    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    Container,
    /// A web identity token, in `AWS_WEB_IDENTITY_TOKEN_FILE`.
    WebIdentity,
    /// None of these: the SDK's chain looks on, at the profile `default` and the instance's metadata.
    Chain,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::BearerToken => f.write_str("a Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)"),
            Source::KeyPair => f.write_str("a key pair (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"),
            Source::Profile(name) => write!(f, "the profile {name} (AWS_PROFILE)"),
            Source::Container => f.write_str("the container's credentials endpoint"),
            Source::WebIdentity => f.write_str("a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)"),
            Source::Chain => f.write_str("the default profile or the instance's metadata"),
        }
    }
}

impl Source {
    /// What to do when it gives none.
    pub fn advice(&self) -> String {
        match self {
            Source::BearerToken => "make a new API key in the Bedrock console".to_owned(),
            Source::KeyPair => "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, of temporary credentials, AWS_SESSION_TOKEN anew".to_owned(),
            Source::Profile(name) => format!("run `aws sso login --profile {name}`, or correct the profile"),
            Source::Container => "check the task's role".to_owned(),
            Source::WebIdentity => "check the token's file and the role in AWS_ROLE_ARN".to_owned(),
            Source::Chain => {
                "set AWS_BEARER_TOKEN_BEDROCK, or a key pair, or AWS_PROFILE (and run `aws sso login`)".to_owned()
            }
        }
    }
}

/// Where the process's environment says that credentials come from. Nothing is read but the variables.
///
/// ```
/// use bedrock_chat::credentials;
///
/// println!("credentials: {}", credentials::source());
/// ```
pub fn source() -> Source {
    source_in(|name| std::env::var(name).ok())
}

/// The same for another environment.
///
/// ```
/// use std::collections::HashMap;
/// use bedrock_chat::credentials::{self, Source};
///
/// let environment = HashMap::from([("AWS_PROFILE", "work")]);
/// let source = credentials::source_in(|name| environment.get(name).map(|value| value.to_string()));
/// assert_eq!(source, Source::Profile("work".to_owned()));
/// ```
pub fn source_in(variable: impl Fn(&str) -> Option<String>) -> Source {
    let given = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    if given("AWS_BEARER_TOKEN_BEDROCK").is_some() {
        Source::BearerToken
    } else if given("AWS_ACCESS_KEY_ID").is_some() && given("AWS_SECRET_ACCESS_KEY").is_some() {
        Source::KeyPair
    } else if let Some(name) = given("AWS_PROFILE") {
        Source::Profile(name)
    } else if given("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some()
        || given("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some()
    {
        Source::Container
    } else if given("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
        Source::WebIdentity
    } else {
        Source::Chain
    }
}

/// How long the chain may take, unless it is set.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long a failure of the chain is remembered: it is told again without another wait.
const REMEMBERED: Duration = Duration::from_secs(10);

/// A chain behind a deadline.
#[derive(Debug)]
pub(super) struct Bounded {
    chain: SharedCredentialsProvider,
    patience: Duration,
    failure: Mutex<Option<(Instant, String)>>,
}

impl Bounded {
    pub(super) fn new(chain: SharedCredentialsProvider, patience: Duration) -> Self {
        Bounded { chain, patience, failure: Mutex::default() }
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<(Instant, String)>> {
        // A text has no half-done state.
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let remembered = self.failure().clone();
        if let Some((at, text)) = remembered
            && at.elapsed() < REMEMBERED
        {
            return Err(CredentialsError::not_loaded(text));
        }
        let loaded = tokio::time::timeout(self.patience, self.chain.provide_credentials()).await;
        let error = match loaded {
            Ok(Ok(credentials)) => return Ok(credentials),
            Ok(Err(error)) => super::failure::chain(&error),
            Err(_) => format!("no credentials came for {}", super::body::spoken(self.patience)),
        };
        *self.failure() = Some((Instant::now(), error.clone()));
        Err(CredentialsError::not_loaded(error))
    }
}

impl ProvideCredentials for Bounded {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

/// A failure of credentials, with what to do where they come from.
pub(super) fn advised(error: Error, source: &Source) -> Error {
    match error.kind() {
        ErrorKind::Credentials => error.with_advice(format!("they come from {source}: {}", source.advice())),
        _ => error,
    }
}

/// Whether new credentials may cure the failure: those that were sent are expired or were replaced.
pub(super) fn may_be_renewed(error: &Error) -> bool {
    error.kind() == ErrorKind::Credentials
        && error.code().is_some_and(|code| {
            ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"]
                .iter()
                .any(|name| code.trim_end_matches(':').starts_with(name))
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn sources_are_looked_for_in_the_order_of_the_chain() {
        let all = [
            ("AWS_BEARER_TOKEN_BEDROCK", Source::BearerToken),
            ("AWS_ACCESS_KEY_ID", Source::KeyPair),
            ("AWS_PROFILE", Source::Profile("set".into())),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Source::Container),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Source::Container),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", Source::WebIdentity),
        ];
        for first in 0..=all.len() {
            // All from here on are set, and the second half of the key pair.
            let is_set = |name: &str| {
                name == "AWS_SECRET_ACCESS_KEY" || all[first..].iter().any(|(set, _)| *set == name)
            };
            let expected = all.get(first).map_or(Source::Chain, |(_, source)| source.clone());
            assert_eq!(source_in(|name| is_set(name).then(|| "set".to_owned())), expected);
        }
        let only = |wanted: &'static str, value: &'static str| {
            source_in(move |name| (name == wanted).then(|| value.to_owned()))
        };
        assert_eq!(only("AWS_ACCESS_KEY_ID", "half a pair"), Source::Chain);
        assert_eq!(only("AWS_PROFILE", " "), Source::Chain);
    }

    #[derive(Debug)]
    struct Silent(Arc<AtomicUsize>);

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::SeqCst);
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_chain_costs_its_deadline_once_in_a_while() {
        let asked = Arc::new(AtomicUsize::new(0));
        let chain = SharedCredentialsProvider::new(Silent(asked.clone()));
        let bounded = Bounded::new(chain, PATIENCE);
        let start = Instant::now();
        for _ in 0..3 {
            let error = bounded.load().await.unwrap_err();
            assert!(super::super::failure::chain(&error).contains("for 2 seconds"), "{error:?}");
        }
        assert_eq!((start.elapsed(), asked.load(Ordering::SeqCst)), (PATIENCE, 1));
        tokio::time::advance(REMEMBERED).await;
        bounded.load().await.unwrap_err();
        assert_eq!((start.elapsed(), asked.load(Ordering::SeqCst)), (PATIENCE * 2 + REMEMBERED, 2));
    }
}
