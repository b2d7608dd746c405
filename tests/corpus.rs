//! Requests that nobody would write: every fixture, mutated, through the command line. Each is translated
//! into a body that the service takes, or refused with an error that names the member.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const CASES: usize = 20_000;
/// Stands for JSON that a `Value` cannot hold, or not without harm.
const DEEP: &str = "@deep@";
const SURROGATE: &str = "@surrogate@";

fn fixtures() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests");
    let mut cases: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let read = |case: std::path::PathBuf| std::fs::read(case.join("openai.json")).unwrap();
    cases.into_iter().filter_map(|case| serde_json::from_slice(&read(case)).ok()).collect()
}

/// A value out of the whole tree, at random.
fn any<'v>(value: &'v mut Value, random: &mut fastrand::Rng) -> &'v mut Value {
    let children = match &*value {
        Value::Object(members) => members.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if children == 0 || random.u8(..4) == 0 {
        return value;
    }
    let index = random.usize(..children);
    match value {
        Value::Object(members) => any(members.values_mut().nth(index).unwrap(), random),
        Value::Array(items) => any(&mut items[index], random),
        _ => unreachable!(),
    }
}

fn strange(random: &mut fastrand::Rng) -> Value {
    match random.u8(..22) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(1.5),
        4 => json!(u64::MAX),
        5 => json!(""),
        6 => json!(" \n\t "),
        7 => json!("text"),
        8 => json!([]),
        9 => json!({}),
        10 => json!([{}]),
        11 => json!({"a": [1, {"b": null}]}),
        12 => json!("x".repeat(20_000)),
        13 => json!("\u{0}\u{7f}\u{202e}\u{feff}🦀é\u{301}"),
        14 => json!(DEEP),
        15 => json!(SURROGATE),
        16 => json!("data:image/png;base64,AAAA"),
        17 => json!("s3://Bucket/key"),
        18 => json!("{\"a\": 1}"),
        19 => json!({"type": "object", "properties": null, "anyOf": [true, false]}),
        20 => json!({"type": "ephemeral", "ttl": "1h"}),
        _ => json!("a/b c.d:é".repeat(random.usize(1..20))),
    }
}

fn mutate(request: &mut Value, others: &[Value], random: &mut fastrand::Rng) {
    match random.u8(..7) {
        // A member goes.
        0 => {
            if let Value::Object(members) = any(request, random)
                && !members.is_empty()
            {
                let name = members.keys().nth(random.usize(..members.len())).unwrap().clone();
                members.shift_remove(&name);
            }
        }
        // An item comes twice, or goes, or the items change places.
        1 => {
            if let Value::Array(items) = any(request, random)
                && !items.is_empty()
            {
                let index = random.usize(..items.len());
                match random.u8(..3) {
                    0 => items.insert(index, items[index].clone()),
                    1 => drop(items.remove(index)),
                    _ => random.shuffle(items),
                }
            }
        }
        // A member comes that belongs elsewhere.
        2 => {
            let mut other = others[random.usize(..others.len())].clone();
            let part = any(&mut other, random).clone();
            if let Value::Object(members) = any(request, random) {
                let names =
                    ["content", "role", "tools", "cache_control", "bedrock", "name", "type", "unheard_of"];
                members.insert(names[random.usize(..names.len())].to_owned(), part);
            }
        }
        // A message of another request.
        3 => {
            let other = &others[random.usize(..others.len())]["messages"];
            let messages = request.get_mut("messages").and_then(Value::as_array_mut);
            if let (Some(messages), Some(others)) = (messages, other.as_array())
                && !others.is_empty()
            {
                let message = others[random.usize(..others.len())].clone();
                messages.insert(random.usize(..=messages.len()), message);
            }
        }
        _ => *any(request, random) = strange(random),
    }
}

fn corpus(seed: u64) -> Vec<String> {
    let models =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models.txt")).unwrap();
    let models: Vec<&str> = models.lines().collect();
    let fixtures = fixtures();
    let mut random = fastrand::Rng::with_seed(seed);
    let deep = "[".repeat(3_000) + &"]".repeat(3_000);
    (0..CASES)
        .map(|number| {
            let mut request = fixtures[number % fixtures.len()].clone();
            if random.bool() && request.is_object() {
                request["model"] = json!(models[random.usize(..models.len())]);
            }
            for _ in 0..random.u8(1..=3) {
                mutate(&mut request, &fixtures, &mut random);
            }
            let line = serde_json::to_string(&request).unwrap();
            line.replace(&format!("\"{DEEP}\""), &deep).replace(SURROGATE, r"\ud800")
        })
        .collect()
}

#[test]
fn no_request_is_translated_into_what_the_service_refuses() {
    // Another seed, for a longer look: SEED=7 cargo test --test corpus
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121);
    let corpus = corpus(seed);
    let mut program = Command::new(env!("CARGO_BIN_EXE_bedrock-chat"))
        .args(["translate", "request", "--lines"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = program.stdin.take().unwrap();
    let input = corpus.join("\n");
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = program.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let answers: Vec<&[u8]> =
        output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(answers.len(), CASES);

    let (mut translated, mut wrong) = (0, Vec::new());
    for (request, answer) in corpus.iter().zip(answers) {
        let shown = &request[..request.floor_char_boundary(2_000)];
        let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
            // What is deep goes out as deep as it came in, and is too deep to be looked at here.
            assert!(request.contains("[[[["), "not JSON: {shown}");
            continue;
        };
        if let Some(body) = answer.get("body") {
            translated += 1;
            if let Some(refusal) = bedrock_chat::sim::refusal(answer["modelId"].as_str().unwrap(), body) {
                wrong.push(format!("{refusal}\n  {shown}"));
            }
        } else {
            let error = &answer["error"];
            let message = error["message"].as_str().unwrap_or_default();
            let is_named = error["param"].as_str().is_some_and(|field| !field.is_empty());
            if !is_named && !message.contains("JSON") && !message.contains("object") {
                wrong.push(format!("names no member: {answer}\n  {shown}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong of {CASES}\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
    assert!(translated > CASES / 4, "only {translated} were translated");
}
