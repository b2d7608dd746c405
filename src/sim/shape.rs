//! Checks a JSON value against a shape of AWS's service model, with the texts of AWS's own
//! validation.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::Mutex;

use regex::Regex;
use serde_json::Value;

/// A shape of the service model.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Text of so many characters, of a pattern.
    Text { min: usize, max: usize, pattern: Option<&'static str> },
    /// One of these words.
    Enum(&'static [&'static str]),
    /// A whole number of at least this.
    Integer(i64),
    /// A number between these.
    Float(f64, f64),
    /// true or false.
    Boolean,
    /// Base64 of at least one byte.
    Blob,
    /// Free JSON.
    Document,
    /// So many of one shape.
    List(&'static Shape, usize, usize),
    /// So many pairs of text and a shape.
    Map(&'static Shape, &'static Shape, usize, usize),
    /// Members, of which some are required.
    Structure(&'static [Member]),
    /// Exactly one of these members.
    Union(&'static [Member]),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: &'static Shape,
}

pub(super) const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, required: true, shape }
}

pub(super) const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, required: false, shape }
}

/// What a value violates.
#[derive(Debug, Default)]
pub(super) struct Violations {
    /// Constraints, in AWS's words.
    pub(super) constraints: Vec<String>,
    /// Values of the wrong type: these are refused before the constraints are looked at.
    pub(super) types: Vec<String>,
}

impl Violations {
    fn constraint(&mut self, value: &str, path: &str, constraint: &str) {
        self.constraints
            .push(format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}"));
    }

    fn mistyped(&mut self, value: &Value, path: &str, wanted: &str) {
        let given = match value {
            Value::Null => "NULL_VALUE",
            Value::Bool(_) => "TRUE_VALUE",
            Value::Number(_) => "NUMBER_VALUE",
            Value::String(_) => "STRING_VALUE",
            Value::Array(_) => "START_ARRAY",
            Value::Object(_) => "START_OBJECT",
        };
        self.types.push(format!("{given} cannot be converted to {wanted} at {path}"));
    }

    /// Checks `value`, which stands at `path`.
    pub(super) fn check(&mut self, shape: &Shape, value: &Value, path: &str) {
        match (shape, value) {
            (Shape::Document, _) => {}
            (Shape::Text { min, max, pattern }, Value::String(text)) => {
                self.text(text, *min, *max, *pattern, path);
            }
            (Shape::Enum(words), Value::String(word)) => {
                if !words.contains(&word.as_str()) {
                    let words = words.join(", ");
                    self.constraint(
                        &format!("'{word}'"),
                        path,
                        &format!("Member must satisfy enum value set: [{words}]"),
                    );
                }
            }
            (Shape::Integer(min), Value::Number(number)) if number.is_i64() || number.is_u64() => {
                if number.as_i64().is_some_and(|number| number < *min) {
                    self.constraint(
                        &format!("'{number}'"),
                        path,
                        &format!("Member must have value greater than or equal to {min}"),
                    );
                }
            }
            (Shape::Float(min, max), Value::Number(number)) => {
                let value = number.as_f64().unwrap_or(f64::NAN);
                let bound = match value {
                    value if value > *max => format!("less than or equal to {max}"),
                    value if value < *min => format!("greater than or equal to {min}"),
                    _ => return,
                };
                self.constraint(&format!("'{number}'"), path, &format!("Member must have value {bound}"));
            }
            (Shape::Boolean, Value::Bool(_)) => {}
            (Shape::Blob, Value::String(text)) => {
                if base64_simd::STANDARD.check(text.as_bytes()).is_err() {
                    self.mistyped(value, path, "Blob");
                } else if text.is_empty() {
                    self.constraint("''", path, "Member must have length greater than or equal to 1");
                }
            }
            (Shape::List(shape, min, max), Value::Array(items)) => {
                self.length(items.len(), *min, *max, path);
                for (index, item) in (1..).zip(items) {
                    self.check(shape, item, &format!("{path}.{index}.member"));
                }
            }
            (Shape::Map(keys, values, min, max), Value::Object(map)) => {
                self.length(map.len(), *min, *max, path);
                for (key, item) in map {
                    self.check(keys, &Value::String(key.clone()), path);
                    self.check(values, item, &format!("{path}.{key}.member"));
                }
            }
            (Shape::Structure(members), Value::Object(map)) => {
                for member in *members {
                    let path = join(path, member.name);
                    match map.get(member.name) {
                        Some(Value::Null) | None if member.required => {
                            self.constraint("null", &path, "Member must not be null");
                        }
                        Some(Value::Null) | None => {}
                        Some(item) => self.check(member.shape, item, &path),
                    }
                }
            }
            (Shape::Union(members), Value::Object(map)) => {
                let given: Vec<&Member> = members
                    .iter()
                    .filter(|member| map.get(member.name).is_some_and(|item| !item.is_null()))
                    .collect();
                match given.as_slice() {
                    [member] => self.check(member.shape, &map[member.name], &join(path, member.name)),
                    [] => self.types.push(format!("no member of the union is set at {path}")),
                    _ => self.types.push(format!("more than one member of the union is set at {path}")),
                }
            }
            (shape, value) => self.mistyped(value, path, shape.name()),
        }
    }

    fn text(&mut self, text: &str, min: usize, max: usize, pattern: Option<&'static str>, path: &str) {
        let length = text.chars().count();
        let value = format!("'{}'", text.chars().take(200).collect::<String>());
        if length < min {
            self.constraint(&value, path, &format!("Member must have length greater than or equal to {min}"));
        }
        if length > max {
            self.constraint(&value, path, &format!("Member must have length less than or equal to {max}"));
        }
        if let Some(pattern) = pattern
            && !matches(pattern, text)
        {
            self.constraint(
                &value,
                path,
                &format!("Member must satisfy regular expression pattern: {pattern}"),
            );
        }
    }

    fn length(&mut self, length: usize, min: usize, max: usize, path: &str) {
        let bound = match length {
            length if length < min => format!("greater than or equal to {min}"),
            length if length > max => format!("less than or equal to {max}"),
            _ => return,
        };
        self.constraint(&format!("'[{length} items]'"), path, &format!("Member must have length {bound}"));
    }
}

impl Shape {
    fn name(&self) -> &'static str {
        match self {
            Shape::Text { .. } | Shape::Enum(_) => "String",
            Shape::Integer(_) => "Integer",
            Shape::Float(..) => "Float",
            Shape::Boolean => "Boolean",
            Shape::Blob => "Blob",
            Shape::Document => "Document",
            Shape::List(..) => "List",
            Shape::Map(..) => "Map",
            Shape::Structure(_) => "Structure",
            Shape::Union(_) => "Union",
        }
    }
}

fn join(path: &str, member: &str) -> String {
    match path {
        "" => member.to_owned(),
        path => format!("{path}.{member}"),
    }
}

fn matches(pattern: &'static str, text: &str) -> bool {
    static PATTERNS: LazyLock<Mutex<BTreeMap<&'static str, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut patterns = PATTERNS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    patterns
        .entry(pattern)
        .or_insert_with(|| Regex::new(&format!("^(?:{pattern})$")).ok())
        .as_ref()
        .is_some_and(|regex| regex.is_match(text))
}
