//! `bedrock-chat explain`: the classifier.

use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

use bedrock_chat::classify;
use clap::Args;
use serde::Serialize;

use super::{Outcome, line};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The exception's name, such as ThrottlingException.
    #[arg(long, value_name = "EXCEPTION")]
    code: Option<String>,
    /// The HTTP status.
    #[arg(long, value_name = "N")]
    status: Option<u16>,
    /// Read lines of exception, HTTP status and message, parted by tabs, and write one kind a line.
    #[arg(long, conflicts_with_all = ["code", "status", "text"])]
    tsv: bool,
    /// The message.
    #[arg(required_unless_present = "tsv")]
    text: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    kind: &'static str,
    retryable: bool,
    advice: &'static str,
    http_status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens_limit: Option<u64>,
}

pub fn run(arguments: Arguments) -> Outcome {
    let mut out = BufWriter::new(io::stdout().lock());
    if arguments.tsv {
        for row in io::stdin().lock().lines() {
            let row = row?;
            let mut cells = row.splitn(3, '\t');
            let code = cells.next().filter(|code| !code.is_empty());
            // "400/402" and "200 in-stream" say the status first.
            let status = cells.next().and_then(|status| {
                let digits = status.split(|c: char| !c.is_ascii_digit()).next()?;
                digits.parse().ok()
            });
            let text = cells.next().unwrap_or_default();
            writeln!(out, "{}", classify(code, status, text).kind)?;
        }
    } else {
        let text = arguments.text.unwrap_or_default();
        let found = classify(arguments.code.as_deref(), arguments.status, &text);
        line(
            &mut out,
            &Explained {
                kind: found.kind.as_str(),
                retryable: found.kind.is_retryable(),
                advice: found.advice,
                http_status: found.kind.http_status(),
                tokens_used: found.tokens_used,
                token_limit: found.token_limit,
                max_tokens_limit: found.max_tokens_limit,
            },
        )?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
