//! Why the answer ended.

use crate::converse::StopReason;
use crate::openai::FinishReason;

/// What a stop reason means for the caller.
pub(super) enum Ending {
    /// The answer is complete, with this reason.
    Finished(FinishReason),
    /// The reason is one that this version does not know; the answer is taken as complete.
    Unrecognised,
    /// The model wrote something that cannot be used.
    Malformed,
}

/// The finish reason of a stop reason. A tool call for the client wins over the end of the turn:
/// models were seen to end with `end_turn` after one.
pub(super) fn ending(stop: &StopReason, calls_tools: bool) -> Ending {
    let done = if calls_tools { FinishReason::ToolCalls } else { FinishReason::Stop };
    Ending::Finished(match stop {
        // Without a call for the client, the tool was the form of the answer, or the service ran it.
        StopReason::EndTurn | StopReason::StopSequence | StopReason::ToolUse => done,
        StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => FinishReason::Length,
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => FinishReason::ContentFilter,
        StopReason::MalformedModelOutput | StopReason::MalformedToolUse => {
            return Ending::Malformed;
        }
        StopReason::Other(_) => return Ending::Unrecognised,
    })
}
