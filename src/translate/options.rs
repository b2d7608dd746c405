//! How a request is translated.

use std::collections::BTreeMap;

use crate::models::Lessons;
use crate::openai::BedrockRequest;

/// How a request is translated.
///
/// ```
/// use bedrock_chat::translate::{Options, Strictness};
///
/// let mut options = Options::default();
/// options.strictness = Strictness::Strict;
/// let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6";
/// options.base_models.insert(profile.to_owned(), "anthropic.claude-sonnet-4-6".to_owned());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// What happens to members that Bedrock cannot take.
    pub strictness: Strictness,
    /// Where instructions go that come after the conversation began.
    pub late_system: LateSystem,
    /// What becomes of the `name` of a message.
    pub names: SpeakerNames,
    /// Who places prompt cache points.
    pub cache: CachePolicy,
    /// The foundation models behind opaque ids, such as the ARN of an application inference profile:
    /// the rules of the one are kept for the other.
    pub base_models: BTreeMap<String, String>,
    /// Defaults of the request's member `bedrock`, each replaced by the request's own.
    pub bedrock: BedrockRequest,
    /// What the service was seen to refuse of the request's model, besides what the catalogue knows.
    pub lessons: Lessons,
}

/// What happens to members that Bedrock cannot take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strictness {
    /// They are left out or changed, each with an [`Adjustment`](super::Adjustment).
    #[default]
    Adjust,
    /// The request is refused with an error of kind `unsupported`.
    Strict,
}

/// Where instructions go that come after the conversation began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LateSystem {
    /// They stay where they are, as a `<system>…</system>` text in the user's turn: the cached prefix
    /// before them stays the same.
    #[default]
    InPlace,
    /// They go to `system[]`, in front of all turns: every later turn is cached anew.
    Hoist,
}

/// What becomes of the `name` of a message. Converse has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpeakerNames {
    /// It is left out, with an [`Adjustment`](super::Adjustment).
    #[default]
    Note,
    /// It comes before the message's text, as in `Ada: Good morning`.
    Prefix,
}

/// Who places prompt cache points, for the models that take them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CachePolicy {
    /// The caller, with `cache_control`.
    #[default]
    Asked,
    /// The crate: behind the tools, behind the instructions, and behind the last two turns of the
    /// user. A request that has a `cache_control` of its own is left alone.
    Auto,
}
