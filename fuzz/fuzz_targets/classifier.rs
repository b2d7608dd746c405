//! What the service says of a failure: three lines, of code, status and text. No panic, and rules that
//! hold for every text.
#![no_main]

use bedrock_chat::{ErrorKind, classify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let mut lines = data.splitn(3, '\n');
    let code = lines.next().filter(|code| !code.is_empty());
    let status = lines.next().and_then(|status| status.parse().ok());
    let text = lines.next().unwrap_or_default();
    let found = classify(code, status, text);
    assert!(!found.advice.is_empty());
    // A throttle by name is never an overflow.
    if code == Some("ThrottlingException") {
        assert_ne!(found.kind, ErrorKind::ContextOverflow, "{text}");
    }
    // The spelling of letters is no matter.
    assert_eq!(classify(code, status, &text.to_ascii_uppercase()).kind, found.kind, "{text}");
});
