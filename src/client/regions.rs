//! One SDK client per region, each with connections of its own.

use std::sync::{Mutex, PoisonError};
#[cfg(feature = "discovery")]
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_sdk_bedrockruntime::Client;
#[cfg(feature = "discovery")]
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::config::{
    Config, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;

use super::retries::Retries;
#[cfg(feature = "discovery")]
use crate::error::Error;

/// How many regions are kept; the one that was made first goes first.
const MOST_REGIONS: usize = 64;

/// How long an operation of the control plane may take, its repeats included: calls may wait for it.
#[cfg(feature = "discovery")]
const LISTED: Duration = Duration::from_secs(10);

/// Which credentials were given by hand: they win over an API key in the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Explicit {
    /// None: the environment decides.
    #[default]
    No,
    /// A key pair.
    KeyPair,
    /// A Bedrock API key.
    ApiKey,
}

impl Explicit {
    /// The scheme that wins.
    fn scheme(self) -> Option<AuthSchemeId> {
        match self {
            Explicit::No => None,
            Explicit::KeyPair => Some(AuthSchemeId::from("sigv4")),
            Explicit::ApiKey => Some(AuthSchemeId::from("httpBearerAuth")),
        }
    }
}

/// The clients that were needed so far.
#[derive(Debug)]
pub(super) struct Regions {
    explicit: Explicit,
    retries: Retries,
    #[cfg(feature = "discovery")]
    control: ControlEndpoint,
    made: Mutex<Made>,
}

/// Where the control plane is.
#[cfg(feature = "discovery")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum ControlEndpoint {
    /// Where the configuration says, or AWS.
    #[default]
    Configured,
    /// Here.
    At(String),
    /// Not known: only the endpoint of the calls was given.
    Unknown,
}

#[derive(Debug)]
struct Made {
    config: SdkConfig,
    #[cfg(feature = "discovery")]
    controls: Vec<(String, aws_sdk_bedrock::Client)>,
    clients: Vec<(String, Regional)>,
    count: u64,
}

/// The client of a region, and which of its clients it is: one that was evicted has another number
/// than the one made after it.
#[derive(Debug, Clone)]
pub(super) struct Regional {
    pub(super) client: Client,
    pub(super) number: u64,
}

impl Made {
    /// Forgets all clients.
    fn clear(&mut self) {
        self.clients.clear();
        #[cfg(feature = "discovery")]
        self.controls.clear();
    }
}

impl Regions {
    pub(super) fn new(config: SdkConfig, explicit: Explicit, retries: Retries) -> Self {
        let made = Made {
            config,
            #[cfg(feature = "discovery")]
            controls: Vec::new(),
            clients: Vec::new(),
            count: 0,
        };
        Regions {
            explicit,
            retries,
            #[cfg(feature = "discovery")]
            control: ControlEndpoint::default(),
            made: Mutex::new(made),
        }
    }

    /// The region's client, made at the first call. Making one takes some 70 microseconds and no
    /// I/O, so that others may wait for the lock.
    pub(super) fn client(&self, region: &str) -> Regional {
        let mut made = self.lock();
        if let Some((_, regional)) = made.clients.iter().find(|(name, _)| name == region) {
            return regional.clone();
        }
        if made.clients.len() == MOST_REGIONS {
            made.clients.remove(0);
        }
        made.count += 1;
        let regional = Regional { client: self.make(&made.config, region), number: made.count };
        made.clients.push((region.to_owned(), regional.clone()));
        regional
    }

    pub(super) fn invalidate(&self, region: &str) -> bool {
        let mut made = self.lock();
        let before = made.clients.len();
        made.clients.retain(|(name, _)| name != region);
        #[cfg(feature = "discovery")]
        made.controls.retain(|(name, _)| name != region);
        made.clients.len() < before
    }

    /// Forgets a client that failed, unless it was replaced already: of many calls that fail at once,
    /// one evicts.
    pub(super) fn evict(&self, region: &str, number: u64) -> bool {
        let mut made = self.lock();
        let before = made.clients.len();
        made.clients.retain(|(name, regional)| name != region || regional.number != number);
        made.clients.len() < before
    }

    #[cfg(feature = "discovery")]
    pub(super) fn with_control(mut self, control: ControlEndpoint) -> Self {
        self.control = control;
        self
    }

    /// The region's client of the control plane, made at the first call.
    #[cfg(feature = "discovery")]
    pub(super) fn control(&self, region: &str) -> Result<aws_sdk_bedrock::Client, Error> {
        if self.control == ControlEndpoint::Unknown {
            return Err(super::discovery::no_endpoint());
        }
        let mut made = self.lock();
        if let Some((_, client)) = made.controls.iter().find(|(name, _)| name == region) {
            return Ok(client.clone());
        }
        if made.controls.len() == MOST_REGIONS {
            made.controls.remove(0);
        }
        let timeouts = made.config.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        let mut config = aws_sdk_bedrock::config::Builder::from(&made.config)
            .region(Region::new(region.to_owned()))
            .timeout_config(timeouts.operation_timeout(LISTED).build());
        if let ControlEndpoint::At(url) = &self.control {
            config = config.endpoint_url(url);
        }
        if let Some(scheme) = self.explicit.scheme() {
            config = config.auth_scheme_preference([scheme]);
        }
        let client = aws_sdk_bedrock::Client::from_conf(config.build());
        made.controls.push((region.to_owned(), client.clone()));
        Ok(client)
    }

    /// Forgets the credentials that were loaded, and the clients that use them, unless the client of
    /// this number was replaced already. Keys that were given by hand stay; whether others may come.
    pub(super) fn renew(&self, region: &str, number: u64) -> bool {
        if self.explicit != Explicit::No {
            return false;
        }
        let mut made = self.lock();
        if made.clients.iter().any(|(name, regional)| name == region && regional.number == number) {
            let fresh = made.config.clone().into_builder().identity_cache(IdentityCache::lazy().build());
            made.config = fresh.build();
            made.clear();
        }
        true
    }

    /// What gives the credentials.
    pub(super) fn credentials(&self) -> Option<SharedCredentialsProvider> {
        self.lock().config.credentials_provider()
    }

    pub(super) fn is_api_key(&self) -> bool {
        self.explicit == Explicit::ApiKey
    }

    pub(super) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Made> {
        // A list of clients has no half-done state.
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, config: &SdkConfig, region: &str) -> Client {
        let mut config = aws_sdk_bedrockruntime::config::Builder::from(config)
            .region(Region::new(region.to_owned()))
            .retry_classifier(self.retries)
            // The SDK's would break off after 5 seconds, and then repeat a call that was billed
            // already; the watchdog sees to it instead.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(scheme) = self.explicit.scheme() {
            config = config.auth_scheme_preference([scheme]);
        }
        let config: Config = config.build();
        Client::from_conf(config)
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    #[test]
    fn many_first_calls_make_one_client_and_its_failure_one_more() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let regions = Regions::new(config, Explicit::No, Retries { service_timeouts: true });
        let numbers = || -> Vec<u64> {
            std::thread::scope(|scope| {
                let calls: Vec<_> =
                    (0..200).map(|_| scope.spawn(|| regions.client("us-east-1").number)).collect();
                calls.into_iter().map(|call| call.join().unwrap()).collect()
            })
        };
        assert!(numbers().iter().all(|number| *number == 1));
        assert!(regions.evict("us-east-1", 1) && !regions.evict("us-east-1", 1));
        assert!(numbers().iter().all(|number| *number == 2));
        assert_eq!(regions.client("eu-west-1").number, 3);
        for region in 0..1000 {
            regions.client(&format!("region-{region}"));
        }
        assert_eq!(regions.lock().clients.len(), MOST_REGIONS);
    }
}
