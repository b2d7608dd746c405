//! `bedrock-chat`: the crate from a shell.

mod chat;
mod connection;
mod doctor;
mod explain;
mod models;
mod sim;
mod translate;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// OpenAI Chat Completions on Amazon Bedrock.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Translate without calling anything.
    #[command(subcommand)]
    Translate(translate::Command),
    /// Say what an error of Bedrock means and what to do.
    Explain(explain::Arguments),
    /// List the models of a region.
    Models(models::Arguments),
    /// Check whether calls would go through from here.
    Doctor(doctor::Arguments),
    /// Talk to a model in the terminal.
    Chat(chat::Arguments),
    /// Run the simulator in the foreground.
    Sim(sim::Arguments),
}

/// What a command ends with: an exit code, or a failure of reading or writing.
type Outcome = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Translate(command) => translate::run(command),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Models(arguments) => models::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Chat(arguments) => chat::run(arguments),
        Command::Sim(arguments) => sim::run(arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done where even this cannot be written.
            let _ = writeln!(io::stderr(), "bedrock-chat: {error}");
            ExitCode::from(2)
        }
    }
}

/// `bedrock-chat … | head` closes the pipe, which is no failure.
fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The file, or standard input where none is named.
fn input(file: Option<PathBuf>) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    match file {
        Some(path) if path.as_os_str() != "-" => {
            std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
        }
        _ => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            Ok(bytes)
        }
    }
}

/// Writes one line of JSON.
fn line<T: serde::Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
