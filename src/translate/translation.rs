//! What one translation carries along.

use super::adjustment::Notes;
use super::names::{Ids, Names};
use super::options::{LateSystem, Options, SpeakerNames};
use super::strict::Budget;
use crate::models::Traits;

/// The state of one translation.
#[derive(Debug)]
pub(super) struct Translation {
    /// What the model demands.
    pub(super) traits: Traits,
    /// Where instructions go that come after the conversation began.
    pub(super) late_system: LateSystem,
    /// What becomes of the names of speakers.
    pub(super) speakers: SpeakerNames,
    /// What was changed so far.
    pub(super) notes: Notes,
    /// The tool names that were sent as others.
    pub(super) names: Names,
    /// The ids of the calls so far.
    pub(super) ids: Ids,
    /// The strict tools so far.
    pub(super) strict: Budget,
    /// The names of the documents so far: each may be there once.
    pub(super) documents: Vec<String>,
}

impl Translation {
    pub(super) fn new(traits: Traits, options: &Options) -> Self {
        Translation {
            traits,
            late_system: options.late_system,
            speakers: options.names,
            notes: Notes::new(options.strictness),
            names: Names::new(traits.hyphens),
            ids: Ids::default(),
            strict: Budget::default(),
            documents: Vec::new(),
        }
    }
}
