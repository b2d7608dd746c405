//! Schemas of tools, byte for byte where the service takes them, and repaired where it does not.
//!
//! The top level must be an object: "The value at toolConfig.tools.28.toolSpec.inputSchema.json.type must
//! be one of the following: object." What is repaired is the top level alone, each time with a note;
//! everything below stays the caller's text.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::adjustment::Notes;
use super::path::Path;
use crate::error::Error;
use crate::json::{Json, Members, Raw};

/// A schema for a tool without arguments.
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;
/// A schema without arguments.
pub(super) fn no_arguments<'a>() -> Raw<'a> {
    Raw::parse(NO_ARGUMENTS).unwrap_or_default()
}

/// The schema as the service takes it.
pub(super) fn input_schema<'a>(schema: &'a Json, at: &Path<'_>, notes: &mut Notes) -> Result<Raw<'a>, Error> {
    let text = schema.get();
    if is_sound(text) {
        return Ok(schema.raw());
    }
    match text {
        "null" => return Ok(no_arguments()),
        "true" | "{}" => {
            notes.changed(at, "allows anything: an object without properties is sent")?;
            return Ok(no_arguments());
        }
        _ => {}
    }
    let members: Members = schema
        .read()
        .map_err(|_| Error::invalid(at.to_string(), "is not a JSON schema: give an object of type object"))?;
    repaired(schema, &members, at, notes)
}

/// What may need a repair, anyOf, oneOf and allOf by their common end. Made once: forty schemas are
/// searched at every turn.
static SUSPECT: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| [r#""$schema""#, r#""$id""#, r#"Of""#, "null"].map(Finder::new));

/// Whether the schema begins as most do, and has none of the words that may need a repair; it need
/// not be read then.
fn is_sound(text: &str) -> bool {
    let begins = ["{", r#""type""#, ":", r#""object""#]
        .iter()
        .try_fold(text, |left, token| left.trim_start().strip_prefix(token));
    begins.is_some() && !SUSPECT.iter().any(|word| word.find(text.as_bytes()).is_some())
}

fn repaired<'a>(
    schema: &'a Json,
    members: &Members,
    at: &Path<'_>,
    notes: &mut Notes,
) -> Result<Raw<'a>, Error> {
    let mut sent = Members::default();
    let mut reasons: Vec<&str> = Vec::new();
    let mut properties = Cow::Borrowed(r#"{}"#);
    let branches: Vec<&Json> =
        ["allOf", "anyOf", "oneOf"].iter().filter_map(|name| members.get(name)).collect();
    if !branches.is_empty() {
        properties = Cow::Owned(merged_properties(members, &branches));
    }
    match members.get("type").map(Json::get) {
        Some(r#""object""#) => {}
        Some(kind) if kind.starts_with('[') && kind.contains(r#""object""#) => {
            reasons.push("its type is object alone");
        }
        None | Some("null") => reasons.push("its type is said to be object"),
        Some(_) => {
            return Err(Error::invalid(
                at.member("type").to_string(),
                "must be object: the arguments of a tool are an object",
            ));
        }
    }
    if members.get("type").is_none() {
        sent.push("type", Json::from(serde_json::Value::from("object")));
    }
    for (name, value) in members.iter() {
        match name {
            "type" => sent.push(name, Json::from(serde_json::Value::from("object"))),
            "$schema" | "$id" => reasons.push("$schema and $id go"),
            "allOf" | "anyOf" | "oneOf" => {
                reasons.push("allOf, anyOf and oneOf at the top go, their properties stay")
            }
            "properties" if value.is_null() || !branches.is_empty() => {
                if value.is_null() {
                    reasons.push("its properties are none");
                }
                sent.push(name, Json::parse(properties.as_ref()).unwrap_or_default());
            }
            _ => sent.push(name, value.clone()),
        }
    }
    if members.get("properties").is_none() && !branches.is_empty() {
        sent.push("properties", Json::parse(properties.as_ref()).unwrap_or_default());
    }
    if reasons.is_empty() {
        return Ok(schema.raw());
    }
    reasons.dedup();
    notes.changed(at, &format!("the service takes an object at the top alone: {}", reasons.join("; ")))?;
    Ok(Json::of(&sent).unwrap_or_default().into())
}

/// The properties of a schema and of the branches at its top.
fn merged_properties(members: &Members, branches: &[&Json]) -> String {
    let mut merged = Members::default();
    let mut add = |schema: &Members| {
        let properties = schema.get("properties").and_then(|properties| properties.read::<Members>().ok());
        for (name, value) in properties.iter().flat_map(Members::iter) {
            if merged.get(name).is_none() {
                merged.push(name, value.clone());
            }
        }
    };
    add(members);
    for branch in branches.iter().filter_map(|list| list.read::<Vec<Members>>().ok()).flatten() {
        add(&branch);
    }
    serde_json::to_string(&merged).unwrap_or_default()
}
