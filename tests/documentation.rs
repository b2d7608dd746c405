//! `docs/translation.md` is what the crate does: every member that it knows has a row, and what is
//! adjusted and refused is what the fixtures have. `BLESS=1 cargo test --test documentation` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use bedrock_chat::openai::{
    BedrockRequest, ChatRequest, FunctionCall, FunctionDefinition, ImageUrl, Message, Part, StreamOptions,
    ThinkingBlock, Tool, ToolCall,
};
use serde_json::Value;

const HEAD: &str = "# What becomes of each member of a request

Made from the fixtures by `BLESS=1 cargo test --test documentation`, and checked by `cargo test`: a member
that the crate knows and this table does not have fails the tests, and so does a note or a refusal of the
fixtures that is not here. `[]` stands for any place in a list. A member that is not in the table is left
out with a note.

Every adjustment is in the answer, under `bedrock.adjustments`; every refusal is an error that names the
member, before anything is sent.

";

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn known() -> BTreeSet<String> {
    let all: [(&str, &[&str]); 11] = [
        ("", ChatRequest::MEMBERS),
        ("bedrock.", BedrockRequest::MEMBERS),
        ("stream_options.", StreamOptions::MEMBERS),
        ("messages[].", Message::MEMBERS),
        ("messages[].content[].", Part::MEMBERS),
        ("messages[].content[].image_url.", ImageUrl::MEMBERS),
        ("messages[].tool_calls[].", ToolCall::MEMBERS),
        ("messages[].tool_calls[].function.", FunctionCall::MEMBERS),
        ("messages[].thinking_blocks[].", ThinkingBlock::MEMBERS),
        ("tools[].", Tool::MEMBERS),
        ("tools[].function.", FunctionDefinition::MEMBERS),
    ];
    all.iter()
        .flat_map(|(prefix, members)| members.iter().map(move |member| format!("{prefix}{member}")))
        .collect()
}

/// A field without its places in lists.
fn general(field: &str) -> String {
    let mut general = String::new();
    let mut in_place = false;
    for c in field.chars() {
        match c {
            '[' => in_place = true,
            ']' => {
                in_place = false;
                general.push_str("[]");
            }
            _ if !in_place => general.push(c),
            _ => {}
        }
    }
    general
}

/// The row that a field belongs to: its own, or that of the member it is inside.
fn row<'r>(field: &str, rows: &'r [(String, String)]) -> Option<&'r str> {
    let holds = |row: &str| {
        field.strip_prefix(row).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    rows.iter().map(|(row, _)| row.as_str()).filter(|row| holds(row)).max_by_key(|row| row.len())
}

/// A reason without what is of the one case.
fn plain(reason: &str) -> String {
    let reason = reason.split(" at line ").next().unwrap_or_default();
    reason.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn the_table_says_what_the_crate_does() {
    let table = fs::read_to_string(path("docs/sent_as.tsv")).unwrap();
    let rows: Vec<(String, String)> = table
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').unwrap_or_else(|| panic!("no tab: {line}")))
        .map(|(member, sent)| (member.to_owned(), sent.to_owned()))
        .collect();
    let missing: Vec<String> =
        known().into_iter().filter(|member| !rows.iter().any(|(row, _)| row == member)).collect();
    assert!(missing.is_empty(), "docs/sent_as.tsv has no row for {missing:?}");

    let mut adjusted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut refused = adjusted.clone();
    for case in fs::read_dir(path("fixtures/requests")).unwrap() {
        let case = case.unwrap().path();
        let read = |name: &str| -> Option<Value> {
            serde_json::from_str(&fs::read_to_string(case.join(name)).ok()?).unwrap()
        };
        let text = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().to_owned();
        for note in read("adjustments.json").as_ref().and_then(Value::as_array).into_iter().flatten() {
            // What is not known has no row.
            if let Some(row) = row(&general(&text(note, "field")), &rows) {
                let said = format!("{}: {}", text(note, "action"), plain(&text(note, "reason")));
                adjusted.entry(row.to_owned()).or_default().insert(said);
            }
        }
        if let Some(error) = read("error.json") {
            let field = general(&text(&error, "field"));
            let row = row(&field, &rows).unwrap_or_else(|| panic!("no row for {field}, refused"));
            refused.entry(row.to_owned()).or_default().insert(plain(&text(&error, "message")));
        }
    }
    let list = |reasons: Option<&BTreeSet<String>>| {
        reasons.map(|reasons| reasons.iter().cloned().collect::<Vec<_>>().join("<br>")).unwrap_or_default()
    };
    let mut page = HEAD.to_owned() + "| member | sent as | adjusted | refused |\n|---|---|---|---|\n";
    for (member, sent) in &rows {
        let (adjusted, refused) = (list(adjusted.get(member)), list(refused.get(member)));
        writeln!(page, "| `{member}` | {sent} | {adjusted} | {refused} |").unwrap();
    }
    let file = path("docs/translation.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap();
    assert!(committed == page, "docs/translation.md is not what the fixtures say: BLESS=1 writes it");
}
