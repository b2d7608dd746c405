//! The translation: pure functions between OpenAI's vocabulary and Converse's.
//!
//! [`request`] turns a Chat Completions request into the body of Converse, borrowing from it.
//! [`Fold`] turns the events of an answer into chunks and, at the end, a completion; [`reply`] runs
//! a whole reply through the same fold. Nothing here does I/O, looks at a clock or draws a random
//! number: the same input gives the same bytes, in every process.
//!
//! Every member of a request is sent, adjusted with a note ([`Adjustment`]), or refused with an
//! error that names it.

mod adjustment;
mod answer_form;
mod blank;
mod blocks;
mod cache;
mod calls;
mod choice;
mod content;
mod flaw;
mod fold;
mod heading;
mod instructions;
mod media;
mod messages;
mod names;
mod options;
mod own;
mod own_parts;
mod pairing;
mod parameters;
mod parse;
mod path;
mod reasoning;
mod replay;
mod reply;
mod request;
mod schema;
mod speaker;
mod stop_reason;
mod stream;
mod strict;
mod tools;
mod translation;
mod turn;
mod usage;

pub use adjustment::{Action, Adjustment};
pub use fold::Fold;
pub use heading::Heading;
pub use options::{CachePolicy, LateSystem, Options, SpeakerNames, Strictness};
pub(crate) use reply::reply_as_stream;
pub use reply::{reply, reply_from_slice};
pub(crate) use request::request_as;
pub use request::{Translated, request};
pub use stream::StreamDecoder;
