//! Tool names and call ids that the service takes.
//!
//! "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+", at most 64 characters; and Nova
//! writes broken calls of tools with a hyphen in their name. A name outside is sent as one that is
//! taken, with a digest of the original behind it: two names never meet, the same name is the same
//! in every turn and process, and answers are mapped back.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

use crate::json::Str;

/// The most characters of a name or an id.
const LONGEST: usize = 64;
/// The characters of a digest and the `_` before it.
const DIGEST: usize = 17;

/// The tool names of one request that were sent as others.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    hyphens: bool,
    mapped: Vec<(String, String)>,
}

impl Names {
    /// No names yet; `hyphens` says whether the model takes them.
    pub(super) fn new(hyphens: bool) -> Self {
        Names { hyphens, mapped: Vec::new() }
    }

    /// The name to send; remembered where it is another.
    pub(super) fn send<'a>(&mut self, name: &'a str) -> Str<'a> {
        let hyphens = self.hyphens;
        match taken(name, |byte| byte == b'_' || (hyphens && byte == b'-')) {
            Cow::Borrowed(name) => name.into(),
            Cow::Owned(sent) => {
                if !self.mapped.iter().any(|(known, _)| *known == sent) {
                    self.mapped.push((sent.clone(), name.to_owned()));
                }
                sent.into()
            }
        }
    }

    /// Sent name and original of each that differs.
    pub(super) fn into_mapped(self) -> Vec<(String, String)> {
        self.mapped
    }
}

/// Whether the service takes the name as it is.
pub(super) fn is_tool_name(name: &str) -> bool {
    matches!(taken(name, |byte| matches!(byte, b'_' | b'-')), Cow::Borrowed(_))
}

/// An id to send.
pub(super) fn id(id: &str) -> Cow<'_, str> {
    taken(id, |byte| matches!(byte, b'_' | b'-' | b'.' | b':'))
}

fn taken(text: &str, marks: impl Fn(u8) -> bool) -> Cow<'_, str> {
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || marks(byte);
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_taken) {
        return Cow::Borrowed(text);
    }
    let mut sent: String = text
        .chars()
        .take(LONGEST - DIGEST)
        .map(|c| if u8::try_from(c).is_ok_and(is_taken) { c } else { '_' })
        .collect();
    // Writing to a string never fails.
    let _ = write!(sent, "_{:016x}", digest(text.as_bytes()));
    Cow::Owned(sent)
}

/// FNV-1a, 64 bits: the same in every process and version.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The ids of a conversation's calls: made up where they are missing, told apart where they meet.
#[derive(Debug, Default)]
pub(super) struct Ids {
    sent: HashSet<String>,
    /// Calls that have no result yet, in their order.
    open: Vec<Open>,
}

/// A call that has no result yet.
#[derive(Debug)]
struct Open {
    /// The caller's id.
    given: String,
    /// The id that was sent, where it is another.
    sent: Option<String>,
}

impl Ids {
    /// The id of a call.
    pub(super) fn call<'a>(&mut self, given: &'a str) -> Str<'a> {
        let number = self.sent.len();
        let mut sent = match given.trim() {
            "" => Cow::Owned(format!("call_{number}")),
            _ => id(given),
        };
        if self.sent.contains(&*sent) {
            sent = Cow::Owned(format!("call_{number}_{:016x}", digest(given.as_bytes())));
        }
        self.sent.insert(sent.clone().into_owned());
        let other = matches!(sent, Cow::Owned(_)).then(|| sent.clone().into_owned());
        self.open.push(Open { given: given.to_owned(), sent: other });
        sent.into()
    }

    /// The id of a result: that of the latest open call of this id; of the first open call where
    /// the result names none.
    pub(super) fn result<'a>(&mut self, given: &'a str) -> Str<'a> {
        let position = match given.trim() {
            "" => (!self.open.is_empty()).then_some(0),
            // Of two calls with one id, the first result answers the first.
            _ => self.open.iter().position(|call| call.given == given),
        };
        match position {
            Some(position) => self.open.remove(position).sent.map_or(given.into(), Into::into),
            None if given.trim().is_empty() => "unknown".into(),
            None => id(given).into(),
        }
    }

    /// A turn of the assistant begins: calls that are still open stay without a result.
    pub(super) fn forget_open(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_name_is_sent_as_one_that_is_taken_and_none_meet(names in proptest::collection::hash_set("\\PC{0,80}|[a-z._-]{0,70}", 0..20)) {
            let mut map = Names::new(false);
            let sent: Vec<String> = names.iter().map(|name| map.send(name).into_owned()).collect();
            let unique: std::collections::HashSet<&String> = sent.iter().collect();
            prop_assert_eq!(unique.len(), names.len());
            for name in &sent {
                prop_assert!((1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{}", name);
            }
            for (name, original) in map.into_mapped() {
                prop_assert!(names.contains(&original) && sent.contains(&name));
            }
        }
    }

    #[test]
    fn a_name_that_is_taken_stays_as_it_is() {
        assert_eq!(&*Names::new(true).send("get-weather_2"), "get-weather_2");
        assert_ne!(&*Names::new(false).send("get-weather_2"), "get-weather_2");
        assert_eq!(id("toolu_01:a.b-c"), "toolu_01:a.b-c");
    }

    #[test]
    fn results_find_their_calls_whatever_the_ids() {
        let mut ids = Ids::default();
        let calls: Vec<String> =
            ["same", "same", "", "with space"].iter().map(|id| ids.call(id).into_owned()).collect();
        assert_eq!(calls[0], "same");
        assert_ne!(calls[0], calls[1]);
        let results: Vec<String> =
            ["same", "with space", "same", ""].iter().map(|id| ids.result(id).into_owned()).collect();
        assert_eq!(results, [&*calls[0], &calls[3], &calls[1], &calls[2]]);
        assert_eq!(&*ids.result("stray"), "stray");
    }
}
