//! `bedrock-chat models`: what can be called in a region.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use bedrock_chat::Model;
use clap::Args;
use serde_json::{Value, json};

use super::connection::Connection;
use super::{Outcome, line};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// Only the models of this provider, such as anthropic.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Write one JSON array.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
pub async fn run(arguments: Arguments) -> Outcome {
    let connected = arguments.connection.open().await?;
    let list = connected.bedrock.models(arguments.provider.as_deref()).await;
    let mut out = BufWriter::new(io::stdout().lock());
    if arguments.json {
        line(&mut out, &list.models.iter().map(as_json).collect::<Vec<Value>>())?;
    } else {
        table(&mut out, &list.models)?;
    }
    out.flush()?;
    for failure in &list.failures {
        writeln!(io::stderr(), "bedrock-chat: {failure}")?;
    }
    Ok(if list.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a model is known to do, in words.
fn abilities(model: &Model) -> Vec<&'static str> {
    let known = &model.abilities;
    [
        ("tools", known.tools),
        ("images", known.images),
        ("documents", known.documents),
        ("reasoning", known.reasoning),
        ("caching", known.prompt_caching),
        ("schema", known.structured_output),
    ]
    .into_iter()
    .filter_map(|(name, known)| (known == Some(true)).then_some(name))
    .collect()
}

fn as_json(model: &Model) -> Value {
    json!({
        "id": model.id,
        "name": model.name,
        "provider": model.provider,
        "base": model.base,
        "contextWindow": model.context_window,
        "maxOutputTokens": model.abilities.max_output_tokens,
        "abilities": abilities(model),
    })
}

fn table(out: &mut impl Write, models: &[Model]) -> io::Result<()> {
    let head = ["ID", "NAME", "CONTEXT", "OUTPUT", "KNOWN TO TAKE"].map(str::to_owned);
    let rows = models.iter().map(|model| {
        let output = model.abilities.max_output_tokens.map_or("?".to_owned(), |tokens| tokens.to_string());
        [
            model.id.clone(),
            model.name.clone(),
            model.context_window.to_string(),
            output,
            abilities(model).join(" "),
        ]
    });
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    for [id, name, context, output, known] in &rows {
        let text = format!(
            "{id:<0$}  {name:<1$}  {context:>2$}  {output:>3$}  {known}",
            widths[0], widths[1], widths[2], widths[3]
        );
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}
