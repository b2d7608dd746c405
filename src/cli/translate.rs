//! `bedrock-chat translate`: the translation alone, for looking at and for scripts.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use bedrock_chat::openai::ChatRequest;
use bedrock_chat::translate::{self, Adjustment, Heading, Options, StreamDecoder};
use bedrock_chat::{Error, Json};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Outcome, input, line};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// An OpenAI request into the body of Converse.
    Request {
        /// Take each line as a request, and answer each with a line.
        #[arg(long)]
        lines: bool,
        /// The request; standard input where none is named.
        file: Option<PathBuf>,
    },
    /// A reply of Converse into a completion.
    Reply(Answer),
    /// The bytes of a ConverseStream body into chunks, one a line.
    Stream(Answer),
}

#[derive(Debug, Args)]
pub struct Answer {
    /// The model that the answer names.
    #[arg(long, value_name = "ID", default_value = "bedrock")]
    model: String,
    /// The answer; standard input where none is named.
    file: Option<PathBuf>,
}

pub fn run(command: Command) -> Outcome {
    let mut out = BufWriter::new(io::stdout().lock());
    let code = match command {
        Command::Request { lines: false, file } => request(&input(file)?, &mut out)?,
        Command::Request { lines: true, file } => {
            let all = input(file)?;
            for body in all.split(|byte| *byte == b'\n').filter(|body| !body.is_empty()) {
                // A refused line is answered, too.
                request(body, &mut out)?;
            }
            ExitCode::SUCCESS
        }
        Command::Reply(answer) => {
            let bytes = input(answer.file)?;
            reply(&bytes, heading(&answer.model), &mut out)?
        }
        Command::Stream(answer) => {
            let bytes = input(answer.file)?;
            stream(&bytes, heading(&answer.model), &mut out)?
        }
    };
    out.flush()?;
    Ok(code)
}

/// Ends the output with the error, as OpenAI would send it.
fn refused(error: &Error, out: &mut impl Write) -> Outcome {
    line(out, &error.to_openai())?;
    out.flush()?;
    Ok(ExitCode::FAILURE)
}

fn request(body: &[u8], out: &mut impl Write) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Translated<'a> {
        model_id: &'a str,
        stream: bool,
        body: Json,
        adjustments: &'a [Adjustment],
    }
    let request = match ChatRequest::from_slice(body) {
        Ok(request) => request,
        Err(error) => return refused(&error, out),
    };
    match translate::request(&request, &Options::default()) {
        Err(error) => refused(&error, out),
        Ok(translated) => {
            let body = Json::parse(String::from_utf8(translated.to_bytes())?)?;
            line(
                out,
                &Translated {
                    model_id: translated.model_id,
                    stream: translated.stream,
                    body,
                    adjustments: &translated.adjustments,
                },
            )?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn reply(body: &[u8], heading: Heading, out: &mut impl Write) -> Outcome {
    match translate::reply_from_slice(body, heading) {
        Ok(completion) => {
            line(out, &completion)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refused(&error, out),
    }
}

fn stream(bytes: &[u8], mut heading: Heading, out: &mut impl Write) -> Outcome {
    heading.include_usage = true;
    let mut decoder = StreamDecoder::new(heading);
    decoder.push(bytes);
    loop {
        match decoder.next_chunk() {
            Ok(Some(chunk)) => line(out, &chunk)?,
            Ok(None) => break,
            Err(error) => return refused(&error, out),
        }
    }
    match decoder.end() {
        Ok(chunk) => {
            if let Some(chunk) = chunk {
                line(out, &chunk)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refused(&error, out),
    }
}

fn heading(model: &str) -> Heading {
    // A clock before 1970 is no reason to fail.
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Heading::new("chatcmpl-bedrock", created, model)
}
