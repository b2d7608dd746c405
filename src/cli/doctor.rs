//! `bedrock-chat doctor`: whether calls would go through from here, and what to do where not.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use bedrock_chat::credentials::Source;
use bedrock_chat::openai::ChatRequest;
use bedrock_chat::{Bedrock, Error};
use clap::Args;

use super::Outcome;
use super::connection::Connection;

/// How long the endpoint may take to be reached.
const REACHED: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// Ask this model for one token, too: it is billed.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

/// What a check found: how it is, or what is wrong and what to do.
type Found = Result<String, String>;

#[tokio::main]
pub async fn run(arguments: Arguments) -> Outcome {
    let connected = arguments.connection.open().await?;
    let bedrock = connected.bedrock;
    let mut report = Report { is_well: true };
    let region = format!("{} ({})", bedrock.region_name(), bedrock.region_source());
    report.line("region", Ok(region))?;
    report.line("credentials", credentials(&bedrock).await)?;
    report.line("signed by", Ok(signed_by(&bedrock).to_owned()))?;
    report.line("endpoint", reached(&bedrock, connected.endpoint_url.as_deref()).await)?;
    report.line("models", listed(&bedrock).await)?;
    if let Some(model) = arguments.model {
        report.line("a call", called(&bedrock, &model).await)?;
    }
    Ok(if report.is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Report {
    is_well: bool,
}

impl Report {
    fn line(&mut self, what: &str, found: Found) -> io::Result<()> {
        let (word, text) = match &found {
            Ok(text) => ("ok  ", text),
            Err(text) => ("FAIL", text),
        };
        self.is_well &= found.is_ok();
        writeln!(io::stdout(), "{word}  {what:<11}  {text}")
    }
}

async fn credentials(bedrock: &Bedrock) -> Found {
    let source = bedrock.credentials_source();
    let told = source.map_or("given by hand".to_owned(), Source::to_string);
    if bedrock.has_credentials().await {
        return Ok(told);
    }
    let advice = source.map(Source::advice).unwrap_or_default();
    Err(format!("none come from {told}: {advice}"))
}

fn signed_by(bedrock: &Bedrock) -> &'static str {
    match bedrock.credentials_source() {
        Some(Source::BearerToken) => "an API key (bearer)",
        _ => "SigV4",
    }
}

async fn reached(bedrock: &Bedrock, url: Option<&str>) -> Found {
    let variable = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
    let url = url
        .map(str::to_owned)
        .or_else(|| variable("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"))
        .or_else(|| variable("AWS_ENDPOINT_URL"))
        .unwrap_or_else(|| format!("https://bedrock-runtime.{}.amazonaws.com", bedrock.region_name()));
    let place = place_of(&url).ok_or_else(|| format!("{url} is no address: give http(s)://host[:port]"))?;
    match tokio::time::timeout(REACHED, tokio::net::TcpStream::connect(&place)).await {
        Ok(Ok(_)) => Ok(url),
        Ok(Err(error)) => Err(format!("{url}: {error}: check the network, proxies and the region")),
        Err(_) => {
            Err(format!("{url}: nothing for {} seconds: check the network and proxies", REACHED.as_secs()))
        }
    }
}

/// Host and port of an address.
fn place_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let place = rest.split('/').next().filter(|place| !place.is_empty())?;
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match (has_port, scheme) {
        (true, _) => Some(place.to_owned()),
        (false, "http") => Some(format!("{place}:80")),
        (false, _) => Some(format!("{place}:443")),
    }
}

async fn listed(bedrock: &Bedrock) -> Found {
    let list = bedrock.models(None).await;
    match list.failures.first() {
        None => Ok(format!("{} listed", list.models.len())),
        Some(failure) => Err(failure.to_string()),
    }
}

async fn called(bedrock: &Bedrock, model: &str) -> Found {
    let mut request = ChatRequest::new(model).user("Say yes.");
    request.max_completion_tokens = Some(1);
    match bedrock.chat(&request).await {
        Ok(completion) => {
            let tokens = completion.usage.map(|usage| usage.total_tokens).unwrap_or_default();
            Ok(format!("{model} answered, {tokens} tokens"))
        }
        Err(error) => Err(Error::to_string(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (url, place) in [
            (
                "https://bedrock-runtime.us-east-1.amazonaws.com",
                Some("bedrock-runtime.us-east-1.amazonaws.com:443"),
            ),
            ("http://127.0.0.1:8080/base", Some("127.0.0.1:8080")),
            ("http://[::1]:80", Some("[::1]:80")),
            ("http://host", Some("host:80")),
            ("host:80", None),
            ("https:///", None),
        ] {
            assert_eq!(place_of(url).as_deref(), place, "{url}");
        }
    }
}
