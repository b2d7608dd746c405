//! One SDK client per region, each with connections of its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{Config, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;

use super::builder::Explicit;

/// The clients that were needed so far.
#[derive(Debug)]
pub(super) struct Regions {
    config: SdkConfig,
    explicit: Explicit,
    clients: Mutex<BTreeMap<String, Client>>,
}

impl Regions {
    pub(super) fn new(config: SdkConfig, explicit: Explicit) -> Self {
        Regions { config, explicit, clients: Mutex::new(BTreeMap::new()) }
    }

    /// The region's client, made at the first call. Making one takes some 70 microseconds and no
    /// I/O, so that others may wait for the lock.
    pub(super) fn client(&self, region: &str) -> Client {
        let mut clients = self.lock();
        match clients.get(region) {
            Some(client) => client.clone(),
            None => {
                let client = self.make(region);
                clients.insert(region.to_owned(), client.clone());
                client
            }
        }
    }

    pub(super) fn invalidate(&self, region: &str) -> bool {
        self.lock().remove(region).is_some()
    }

    pub(super) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Client>> {
        // A map of clients has no half-done state.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, region: &str) -> Client {
        let mut config = aws_sdk_bedrockruntime::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            // The SDK's would break off after 5 seconds, and then repeat a call that was billed
            // already; the watchdog sees to it instead.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let scheme = match self.explicit {
            Explicit::No => None,
            Explicit::KeyPair => Some("sigv4"),
            Explicit::ApiKey => Some("httpBearerAuth"),
        };
        if let Some(scheme) = scheme {
            config = config.auth_scheme_preference([AuthSchemeId::from(scheme)]);
        }
        let config: Config = config.build();
        Client::from_conf(config)
    }
}
