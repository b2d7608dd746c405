//! OpenAI Chat Completions on Amazon Bedrock.
//!
//! Agents speak OpenAI's chat format; Bedrock's own API for Claude, Nova, Llama, Mistral and the
//! rest is Converse. This crate stands between: a [`ChatRequest`](openai::ChatRequest) goes in, a
//! [`ChatCompletion`](openai::ChatCompletion) or a [`ChatStream`] of chunks comes out, and the AWS
//! SDK does what is AWS's (credentials, endpoint, signature, retries, connections).
//!
//! * Nothing that is sent vanishes: every member is sent, adjusted with a note
//!   ([`translate::Adjustment`]), or refused with an error that names it.
//! * Nothing that is received is a guess: an answer is complete only when the service said so;
//!   everything else is an [`Error`] that carries what had arrived.
//! * The same request is the same bytes, in every process, so that prompt caching works.
//!
//! ```no_run
//! # async fn run() -> Result<(), bedrock_chat::Error> {
//! use bedrock_chat::{Bedrock, openai::ChatRequest};
//!
//! let bedrock = Bedrock::from_env().await?;
//! let request = ChatRequest::from_slice(
//!     br#"{"model": "us.amazon.nova-lite-v1:0",
//!          "messages": [{"role": "user", "content": "What is the capital of France?"}]}"#,
//! )?;
//! let completion = bedrock.chat(&request).await?;
//! println!("{}", serde_json::to_string(&completion).unwrap());
//! # Ok(())
//! # }
//! ```
//!
//! # The parts
//!
//! ```text
//!    OpenAI JSON or a typed ChatRequest
//!             │
//!   openai    │  the caller's vocabulary: request, completion, chunk, error
//!             ▼
//!  translate  │  pure functions: no I/O, no clock, no randomness
//!             ▼
//!   client    │  the AWS SDK; our bytes go out, the raw bytes come back
//!             ▼
//!  converse   │  Bedrock's vocabulary: request, reply, event, frame
//!             ▼
//!  translate  │  one fold: events to chunks, and a whole reply likewise
//!             ▼
//!    ChatCompletion, or ChatStream
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | (none) | the library |
//! | `sim` | the `sim` module: a local Bedrock for tests and first runs |
//! | `discovery` | `Bedrock::models`, and the models behind application inference profiles |
//! | `cli` | the program `bedrock-chat`: translate, explain, models, doctor, chat, sim |

#![forbid(unsafe_code)]
#![deny(missing_docs, rustdoc::broken_intra_doc_links)]

mod client;
pub mod converse;
mod error;
mod json;
pub mod models;
pub mod openai;
#[cfg(feature = "sim")]
pub mod sim;
pub mod translate;
mod vocabulary;
mod writing;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use aws_sdk_bedrockruntime::config::retry::RetryConfig;
pub use client::{
    AsyncCallbacks, Bedrock, Builder, CallbackResult, Callbacks, ChatStream, FetchMedia, Fetched, Fetching,
    RegionSource, StreamingFallback, credentials,
};
#[cfg(feature = "discovery")]
pub use client::{Model, ModelList};
pub use error::{Classified, Error, ErrorKind, classify};
pub use json::{Json, Members, Raw, Str};
pub use tokio_util::sync::CancellationToken;
