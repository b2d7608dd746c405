//! `bedrock-chat chat`: a conversation in the terminal.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use bedrock_chat::openai::{ChatRequest, Message};
use bedrock_chat::{Bedrock, CancellationToken, ErrorKind};
use clap::Args;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::ctrl_c;

use super::Outcome;
use super::connection::Connection;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The model, such as us.amazon.nova-lite-v1:0.
    model: String,
    #[command(flatten)]
    connection: Connection,
    /// Instructions for the model.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// How much the model reasons: low, medium, high.
    #[arg(long, value_name = "EFFORT")]
    effort: Option<String>,
}

/// How the terminal is written to.
struct Terminal {
    /// Whether somebody is looking: prompts and dimmed text are for them.
    is_watched: bool,
}

impl Terminal {
    fn prompt(&self) -> io::Result<()> {
        if self.is_watched { self.write("> ") } else { Ok(()) }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// What is not the answer itself; nobody reads it from a pipe.
    fn dimmed(&self, text: &str) -> io::Result<()> {
        if self.is_watched { self.write(&format!("\x1b[2m{text}\x1b[22m")) } else { Ok(()) }
    }
}

#[tokio::main]
pub async fn run(arguments: Arguments) -> Outcome {
    let connected = arguments.connection.open().await?;
    let terminal = Terminal { is_watched: io::stdout().is_terminal() && io::stdin().is_terminal() };
    let mut request = ChatRequest::new(arguments.model);
    request.messages.extend(arguments.system.map(Message::system));
    request.reasoning_effort = arguments.effort;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut is_well = true;
    terminal.dimmed("Ctrl-C stops an answer, Ctrl-D ends.\n")?;
    loop {
        terminal.prompt()?;
        let line = tokio::select! {
            line = lines.next_line() => line?,
            _ = ctrl_c() => {
                terminal.write("\n")?;
                continue;
            }
        };
        let Some(line) = line else { break };
        if line.trim().is_empty() {
            continue;
        }
        let asked = request.messages.len();
        request.messages.push(Message::user(line));
        match answer(&connected.bedrock, &request, &terminal).await? {
            Some(message) => request.messages.push(message),
            // The question may be asked again.
            None => {
                is_well = false;
                request.messages.truncate(asked);
            }
        }
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks and shows the answer as it comes; none where nothing came that could be kept.
async fn answer(
    bedrock: &Bedrock,
    request: &ChatRequest,
    terminal: &Terminal,
) -> io::Result<Option<Message>> {
    let token = CancellationToken::new();
    let bedrock = bedrock.cancelled_by(token.clone());
    let mut stopping = std::pin::pin!(ctrl_c());
    let mut opening = std::pin::pin!(bedrock.chat_stream(request));
    let opened = loop {
        tokio::select! {
            opened = &mut opening => break opened,
            _ = &mut stopping, if !token.is_cancelled() => token.cancel(),
        }
    };
    let failed = match opened {
        Err(error) => error,
        Ok(mut stream) => loop {
            let chunk = tokio::select! {
                chunk = stream.next() => chunk,
                _ = &mut stopping, if !token.is_cancelled() => {
                    token.cancel();
                    continue;
                }
            };
            match chunk {
                Some(Ok(chunk)) => {
                    for choice in &chunk.choices {
                        terminal.dimmed(choice.delta.reasoning_content.as_deref().unwrap_or_default())?;
                        terminal.write(choice.delta.content.as_deref().unwrap_or_default())?;
                    }
                }
                Some(Err(error)) => break error,
                None => match stream.completion().await {
                    Ok(completion) => {
                        terminal.write("\n")?;
                        return Ok(completion.choices.into_iter().next().map(|choice| choice.message.into()));
                    }
                    Err(error) => break error,
                },
            }
        },
    };
    terminal.write("\n")?;
    if failed.kind() == ErrorKind::Interrupted {
        terminal.dimmed("(stopped)\n")?;
    } else {
        writeln!(io::stderr(), "bedrock-chat: {failed}")?;
    }
    let partial = failed.partial().map(|partial| partial.text()).unwrap_or_default();
    // What was said stays in the conversation, where there is something to stay.
    Ok((!partial.trim().is_empty()).then(|| Message::assistant(partial)))
}
