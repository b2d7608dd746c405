//! `bedrock-chat sim`: the simulator in the foreground.

use std::io::{self, Write};
use std::process::ExitCode;

use bedrock_chat::sim::Simulator;
use clap::Args;

use super::Outcome;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The port on 127.0.0.1; one that is free where it is 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
}

#[tokio::main]
pub async fn run(arguments: Arguments) -> Outcome {
    let simulator = Simulator::builder()
        .port(arguments.port)
        .start()
        .await
        .map_err(|error| format!("port {}: {error}", arguments.port))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", simulator.url())?;
    out.flush()?;
    drop(out);
    tokio::select! {
        () = simulator.serve() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(ExitCode::SUCCESS)
}
