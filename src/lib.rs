//! bedrock-chat
#![forbid(unsafe_code)]
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
pub use client::{Bedrock, Builder, CallbackResult, Callbacks, ChatStream};
pub use error::{Classified, Error, ErrorKind, classify};
pub use json::{Json, Members, Raw, Str};
