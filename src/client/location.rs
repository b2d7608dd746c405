//! Which region a client is in, and who said so.

use std::fmt;

use aws_config::meta::region::ProvideRegion;

/// The region where nothing names one.
const DEFAULT_REGION: &str = "us-east-1";

/// Who named the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegionSource {
    /// The caller.
    Explicit,
    /// `AWS_REGION`.
    AwsRegion,
    /// `AWS_DEFAULT_REGION`.
    AwsDefaultRegion,
    /// The profile.
    Profile,
    /// Nobody: it is us-east-1.
    Default,
}

impl fmt::Display for RegionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RegionSource::Explicit => "set by the caller",
            RegionSource::AwsRegion => "AWS_REGION",
            RegionSource::AwsDefaultRegion => "AWS_DEFAULT_REGION",
            RegionSource::Profile => "the profile",
            RegionSource::Default => "the default",
        })
    }
}

/// The region that the environment names. The SDK's own chain would go on to ask the instance's
/// metadata, which takes seconds where there are none.
pub(super) async fn of_environment(profile: Option<&str>) -> (String, RegionSource) {
    if let Some(named) = of_variables(|name| std::env::var(name).ok()) {
        return named;
    }
    let mut provider = aws_config::profile::region::Builder::default();
    if let Some(profile) = profile {
        provider = provider.profile_name(profile);
    }
    match provider.build().region().await {
        Some(region) => (region.to_string(), RegionSource::Profile),
        None => (DEFAULT_REGION.to_owned(), RegionSource::Default),
    }
}

fn of_variables(variable: impl Fn(&str) -> Option<String>) -> Option<(String, RegionSource)> {
    [("AWS_REGION", RegionSource::AwsRegion), ("AWS_DEFAULT_REGION", RegionSource::AwsDefaultRegion)]
        .into_iter()
        .find_map(|(name, source)| {
            let region = variable(name).filter(|region| !region.trim().is_empty())?;
            Some((region, source))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_in_order_and_blank_ones_are_none() {
        let named = |region: &str, default: &str| {
            of_variables(|name| match name {
                "AWS_REGION" => Some(region.to_owned()),
                "AWS_DEFAULT_REGION" => Some(default.to_owned()),
                _ => None,
            })
        };
        assert_eq!(named("eu-west-1", "us-west-2"), Some(("eu-west-1".into(), RegionSource::AwsRegion)));
        assert_eq!(named(" ", "us-west-2"), Some(("us-west-2".into(), RegionSource::AwsDefaultRegion)));
        assert_eq!(named("", ""), None);
    }
}
