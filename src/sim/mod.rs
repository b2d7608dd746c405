//! A local Bedrock for tests and first runs.
//!
//! It listens on loopback, speaks the real wire protocol (`POST /model/{id}/converse` and
//! `…/converse-stream` with event-stream frames), checks what the service checks and refuses with
//! the service's own texts, and answers from a [`Script`]: by rules, or by a default that answers
//! questions and calls a tool when one fits. What it received can be asked for. There is no model
//! in it.
//!
//! ```
//! use bedrock_chat::openai::ChatRequest;
//! use bedrock_chat::sim::{Answer, Script, Simulator, When};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let script = Script::new().on(When::user_says("capital of France"), Answer::text("Paris."));
//! let simulator = Simulator::builder().script(script).start().await?;
//! let bedrock = simulator.bedrock().await?;
//!
//! let request = ChatRequest::new("us.amazon.nova-lite-v1:0").user("What is the capital of France?");
//! assert_eq!(bedrock.chat(&request).await?.text(), "Paris.");
//! assert_eq!(simulator.received()[0].model_id, "us.amazon.nova-lite-v1:0");
//! # Ok(())
//! # }
//! ```

mod answer;
mod auth;
mod body;
mod check;
mod connection;
mod control;
mod fault;
mod improvise;
mod model;
mod received;
mod response;
mod rule;
mod server;
mod service;
mod shape;
mod wire;

/// Why the service would refuse this body for this model, as far as the simulator knows: the service's
/// own text.
///
/// ```
/// use serde_json::json;
///
/// let body = json!({"messages": [{"role": "user", "content": [{"text": " "}]}]});
/// let text = bedrock_chat::sim::refusal("amazon.nova-lite-v1:0", &body).unwrap();
/// assert!(text.contains("is blank"), "{text}");
/// ```
pub fn refusal(model_id: &str, body: &serde_json::Value) -> Option<String> {
    check::check(model_id, body).err().map(|refusal| refusal.message)
}

pub use answer::{Answer, Block};
pub use auth::Auth;
pub use fault::{Chaos, Fault};
pub use received::{Operation, Received};
pub use rule::{Script, When};
pub use server::{Builder, Simulator};
