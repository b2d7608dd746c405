//! What can go wrong on the way of an answer.

use std::time::Duration;

use fastrand::Rng;

/// One thing that goes wrong with an answer. Places in a body are counted in bytes, places in a stream
/// in events; the whole body of an answer that is not streamed counts as one event.
///
/// ```
/// use bedrock_chat::sim::{Answer, Fault};
///
/// let answer = Answer::text("It breaks off in here.").with_fault(Fault::Closed { at: 300 });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call is refused: the answer is this failure.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The exception, such as `ThrottlingException`.
        code: String,
        /// The text.
        message: String,
    },
    /// An exception comes in the stream, and ends it. Only streams have exceptions: the body of another
    /// answer is broken by the bytes of one.
    Exception {
        /// The exception, in lower camel case as the service has it, such as `throttlingException`.
        kind: String,
        /// The text.
        message: String,
        /// After so many events.
        after: usize,
    },
    /// The head comes late.
    Late(Duration),
    /// Nothing more comes, for ever, and the connection stays open.
    Silent {
        /// After so many events.
        after: usize,
    },
    /// No head comes, neither to this call nor to any later one over the same connection, which stays
    /// open: a firewall has forgotten it.
    Hole,
    /// The body ends as if it were whole, before `messageStop`.
    WithoutStop,
    /// The body ends as if it were whole.
    Cut {
        /// After so many bytes.
        at: usize,
    },
    /// One bit is wrong.
    Damaged {
        /// In the byte at this place; in the last where the body is shorter.
        at: usize,
    },
    /// The connection is closed inside the body: FIN over HTTP/1.1, RST_STREAM over HTTP/2.
    Closed {
        /// After so many bytes.
        at: usize,
    },
    /// The connection is reset inside the body: RST.
    Reset {
        /// After so many bytes.
        at: usize,
    },
    /// The answer is whole, and then the connection is closed, without a word before: FIN over HTTP/1.1,
    /// GOAWAY over HTTP/2.
    ClosedIdle,
}

/// Faults at random, the same ones for the same seed.
///
/// ```
/// use bedrock_chat::sim::Chaos;
///
/// let chaos = Chaos::new(7, 0.5);
/// assert_eq!(chaos.fault(3), Chaos::new(7, 0.5).fault(3));
/// assert!((0..100).any(|number| chaos.fault(number).is_some()));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Chaos {
    seed: u64,
    share: f64,
    faults: Option<Vec<Fault>>,
}

/// How far into an answer faults come at random: so many events.
const FARTHEST_EVENT: usize = 12;
/// And so many bytes.
const FARTHEST_BYTE: usize = 1500;
/// What the service says of its troubles, in the head.
const REFUSALS: [(u16, &str, &str); 5] = [
    (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    (503, "ServiceUnavailableException", "Too many connections, please wait before trying again."),
    (
        500,
        "InternalServerException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    (408, "ModelTimeoutException", "Model has timed out in processing the request. Try your request again."),
    (
        424,
        "ModelErrorException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
];
/// And in a stream.
const EXCEPTIONS: [(&str, &str); 5] = [
    ("throttlingException", "Too many tokens, please wait before trying again."),
    (
        "modelStreamErrorException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    (
        "internalServerException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    ("serviceUnavailableException", "Bedrock is unable to process your request."),
    (
        "validationException",
        "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
    ),
];

impl Chaos {
    /// Any fault, in this share of the answers (0 to 1).
    pub fn new(seed: u64, share: f64) -> Self {
        Chaos { seed, share, faults: None }
    }

    /// One of these faults alone.
    pub fn of(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults = Some(faults.into_iter().collect());
        self
    }

    /// What goes wrong with the answer of this number, counted from 0.
    pub fn fault(&self, number: u64) -> Option<Fault> {
        // The numbers of one seed share nothing with those of the next.
        let mut random =
            Rng::with_seed(Rng::with_seed(self.seed).u64(..) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if random.f64() >= self.share {
            return None;
        }
        match &self.faults {
            Some(faults) => random.choice(faults).cloned(),
            None => Some(any(&mut random)),
        }
    }
}

fn any(random: &mut Rng) -> Fault {
    let after = random.usize(..FARTHEST_EVENT);
    let at = random.usize(..FARTHEST_BYTE);
    match random.u8(..11) {
        0 => {
            let (status, code, message) = REFUSALS[random.usize(..REFUSALS.len())];
            Fault::Refused { status, code: code.to_owned(), message: message.to_owned() }
        }
        1 => {
            let (kind, message) = EXCEPTIONS[random.usize(..EXCEPTIONS.len())];
            Fault::Exception { kind: kind.to_owned(), message: message.to_owned(), after }
        }
        2 => Fault::Late(Duration::from_millis(random.u64(1..50))),
        3 => Fault::Silent { after },
        4 => Fault::Hole,
        5 => Fault::WithoutStop,
        6 => Fault::Cut { at },
        7 => Fault::Damaged { at },
        8 => Fault::Closed { at },
        9 => Fault::Reset { at },
        _ => Fault::ClosedIdle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chaos_keeps_to_its_share_and_leaves_no_fault_out() {
        let chaos = Chaos::new(1, 0.25);
        let faults: Vec<Fault> = (0..4000).filter_map(|number| chaos.fault(number)).collect();
        assert!((800..1200).contains(&faults.len()), "{}", faults.len());
        let kinds: std::collections::HashSet<_> = faults.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 11);
        assert!(Chaos::new(1, 0.0).fault(0).is_none());
        let one = Chaos::new(1, 1.0).of([Fault::Hole]);
        assert!((0..100).all(|number| one.fault(number) == Some(Fault::Hole)));
    }
}
