//! Which Bedrock the commands talk to.

use bedrock_chat::sim::Simulator;
use bedrock_chat::{Bedrock, Builder};
use clap::Args;

#[derive(Debug, Args)]
pub struct Connection {
    /// The region; otherwise AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile of the shared AWS files; otherwise AWS_PROFILE.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Where the service is, for calls and for lists.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Talk to a simulator in this process: no account is needed.
    #[arg(long, conflicts_with_all = ["profile", "endpoint_url"])]
    pub sim: bool,
}

/// A client, and the simulator that it talks to, which ends with it.
pub struct Connected {
    pub bedrock: Bedrock,
    /// The address of the calls where it was given.
    pub endpoint_url: Option<String>,
    _simulator: Option<Simulator>,
}

impl Connection {
    pub async fn open(self) -> Result<Connected, Box<dyn std::error::Error + Send + Sync>> {
        let with = |builder: Builder, url: &str| builder.endpoint_url(url).control_endpoint_url(url);
        let mut builder = Bedrock::builder();
        if let Some(region) = self.region {
            builder = builder.region(region);
        }
        if let Some(profile) = self.profile {
            builder = builder.profile(profile);
        }
        let simulator = match self.sim {
            true => Some(Simulator::start().await?),
            false => None,
        };
        let mut endpoint_url = self.endpoint_url;
        if let Some(simulator) = &simulator {
            builder = builder.credentials("SIMULATED", "simulated", None);
            endpoint_url = Some(simulator.url());
        }
        if let Some(url) = &endpoint_url {
            builder = with(builder, url);
        }
        Ok(Connected { bedrock: builder.build().await?, endpoint_url, _simulator: simulator })
    }
}
