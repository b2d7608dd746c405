//! What is known about models, as data: the parts of an id, and the catalogue of abilities.
//!
//! The catalogue is a hint and never the last word: a model that it does not list is taken to be
//! able to do everything, and the service decides.

mod catalog;
mod id;
mod learned;
mod traits;

pub use catalog::{Abilities, DEFAULT_CONTEXT_WINDOW, abilities, context_window};
pub use id::{ModelId, ModelKind};
pub use learned::{Lesson, Lessons};
pub use traits::{BesideResults, Choices, Family, Knob, ResultDocuments, TopK, Traits, traits};
