//! Schemas of strict tools: what the service refuses in them goes, and the rest stays byte for byte.
//!
//! Strict tools take a part of JSON schema: no bounds of numbers, lengths and lists, no `contains`, no
//! patterns that look around or back, at most 20 strict tools with 24 optional properties in all ("Too
//! many strict tools (22)", "too many optional parameters (25)").

use crate::json::{Json, Members, Raw};

/// The most strict tools that the service takes.
const MOST_TOOLS: usize = 20;
/// The most optional properties that all strict tools may have.
const MOST_OPTIONAL: usize = 24;
/// How deep schemas are looked at; what lies deeper is left to the service.
const MOST_DEPTH: usize = 64;

/// A schema as strict tools may have it.
#[derive(Debug)]
pub(super) struct Strict {
    /// The schema without what is refused; none where nothing is.
    pub(super) schema: Option<Json>,
    /// How many of its properties may be absent.
    optional: usize,
}

/// Takes out of a schema what strict tools must not have.
pub(super) fn strict(schema: &Raw<'_>) -> Strict {
    let mut optional = 0;
    let schema = reduced(schema.get(), 0, &mut optional).and_then(|text| Json::parse(text).ok());
    Strict { schema, optional }
}

/// What strict tools there were so far.
#[derive(Debug, Default)]
pub(super) struct Budget {
    tools: usize,
    optional: usize,
}

impl Budget {
    /// Whether one more strict tool is taken.
    pub(super) fn takes(&mut self, tool: &Strict) -> bool {
        let fits = self.tools < MOST_TOOLS && self.optional + tool.optional <= MOST_OPTIONAL;
        if fits {
            self.tools += 1;
            self.optional += tool.optional;
        }
        fits
    }
}

fn is_refused(name: &str, value: &Json) -> bool {
    match name {
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "minLength"
        | "maxLength" | "maxItems" | "uniqueItems" | "contains" | "minContains" | "maxContains" => true,
        "minItems" => !matches!(value.get(), "0" | "1"),
        "pattern" => looks_around(value.get()),
        _ => false,
    }
}

/// Whether a pattern, as JSON text, looks ahead or behind, or back at a group.
fn looks_around(pattern: &str) -> bool {
    ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|group| pattern.contains(group))
        || pattern
            .as_bytes()
            .windows(3)
            .any(|bytes| bytes.starts_with(b"\\\\") && matches!(bytes[2], b'1'..=b'9'))
}

/// The schema without what is refused; none where nothing is.
fn reduced(schema: &str, depth: usize, optional: &mut usize) -> Option<String> {
    if depth > MOST_DEPTH {
        return None;
    }
    let members: Members = serde_json::from_str(schema).ok()?;
    count_optional(&members, optional);
    let mut kept = Members::default();
    let mut is_changed = false;
    for (name, value) in members.iter() {
        if is_refused(name, value) {
            is_changed = true;
            continue;
        }
        let inner = match name {
            "properties" | "$defs" | "definitions" | "patternProperties" => {
                each_member(value, depth, optional)
            }
            "items"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "anyOf"
            | "oneOf"
            | "allOf"
            | "prefixItems" => one_or_each(value, depth, optional),
            _ => None,
        };
        is_changed |= inner.is_some();
        kept.push(name, inner.unwrap_or_else(|| value.clone()));
    }
    is_changed.then(|| serde_json::to_string(&kept).unwrap_or_default())
}

fn count_optional(members: &Members, optional: &mut usize) {
    let properties = members.get("properties").and_then(|json| json.read::<Members>().ok());
    let required: Vec<String> = members.get("required").and_then(|json| json.read().ok()).unwrap_or_default();
    let is_optional = |(name, _): &(&str, &Json)| !required.iter().any(|required| required == name);
    *optional += properties.iter().flat_map(Members::iter).filter(is_optional).count();
}

/// An object whose members are schemas.
fn each_member(schemas: &Json, depth: usize, optional: &mut usize) -> Option<Json> {
    let members: Members = schemas.read().ok()?;
    let mut kept = Members::default();
    let mut is_changed = false;
    for (name, value) in members.iter() {
        let inner = reduced(value.get(), depth + 1, optional);
        is_changed |= inner.is_some();
        kept.push(name, inner.and_then(|text| Json::parse(text).ok()).unwrap_or_else(|| value.clone()));
    }
    is_changed.then(|| Json::of(&kept).unwrap_or_default())
}

/// A schema, or a list of schemas.
fn one_or_each(schemas: &Json, depth: usize, optional: &mut usize) -> Option<Json> {
    let Ok(list) = schemas.read::<Vec<Json>>() else {
        return reduced(schemas.get(), depth + 1, optional).and_then(|text| Json::parse(text).ok());
    };
    let mut is_changed = false;
    let kept: Vec<Json> = list
        .into_iter()
        .map(|schema| match reduced(schema.get(), depth + 1, optional) {
            Some(text) => {
                is_changed = true;
                Json::parse(text).unwrap_or_default()
            }
            None => schema,
        })
        .collect();
    is_changed.then(|| Json::of(&kept).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced_to(schema: &str) -> Option<String> {
        strict(&Raw::parse(schema).unwrap()).schema.map(|schema| schema.get().to_owned())
    }

    #[test]
    fn what_is_taken_stays_to_the_byte() {
        for schema in [
            r#"{"type":"object", "properties":{"minimum":{"type":"integer","enum":[1.0,1e3]}},"required":["minimum"]}"#,
            r#"{"type":"array","items":{"type":"string","pattern":"^(?:a|b)\\d+$"},"minItems":1}"#,
        ] {
            assert_eq!(reduced_to(schema), None, "{schema}");
        }
    }

    #[test]
    fn what_is_refused_goes_wherever_it_is() {
        for (schema, kept) in [
            (
                r#"{"properties":{"n":{"type":"integer","minimum":1,"default":1.0}}}"#,
                r#"{"properties":{"n":{"type":"integer","default":1.0}}}"#,
            ),
            (r#"{"items":[{"maxItems":3},{"minItems":2}]}"#, r#"{"items":[{},{}]}"#),
            (
                r#"{"$defs":{"a":{"anyOf":[{"type":"string","pattern":"(?!x)"},{"pattern":"(a)\\1"}]}}}"#,
                r#"{"$defs":{"a":{"anyOf":[{"type":"string"},{}]}}}"#,
            ),
        ] {
            assert_eq!(reduced_to(schema).as_deref(), Some(kept), "{schema}");
        }
    }

    #[test]
    fn a_schema_of_any_depth_is_looked_at_without_harm() {
        let deep = format!("{}{}", r#"{"items":"#.repeat(100_000), "1".to_owned() + &"}".repeat(100_000));
        assert_eq!(reduced_to(&deep), None);
    }

    #[test]
    fn optional_properties_have_a_budget() {
        let properties: Vec<String> = (0..13).map(|n| format!(r#""p{n}":{{}}"#)).collect();
        let schema = format!(r#"{{"properties":{{{}}},"required":["p0"]}}"#, properties.join(","));
        let tool = strict(&Raw::parse(&schema).unwrap());
        let mut budget = Budget::default();
        assert!(budget.takes(&tool) && budget.takes(&tool) && !budget.takes(&tool));
    }
}
