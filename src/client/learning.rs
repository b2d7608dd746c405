//! What the service was seen to refuse, by model, for the life of a client.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::models::{Lesson, Lessons};

/// How many models are remembered; the one that was learned about first goes first.
const MOST_MODELS: usize = 256;

/// What was learned so far.
#[derive(Debug, Default)]
pub(super) struct Learned {
    models: Mutex<VecDeque<Known>>,
}

#[derive(Debug)]
struct Known {
    model: String,
    lessons: Lessons,
    context_window: Option<u64>,
    is_by_profile: bool,
}

impl Learned {
    /// What was learned about a model.
    pub(super) fn lessons(&self, model: &str) -> Lessons {
        self.lock()
            .iter()
            .find(|known| known.model == model)
            .map(|known| known.lessons.clone())
            .unwrap_or_default()
    }

    /// How many tokens a request may have, where the service said so.
    pub(super) fn context_window(&self, model: &str) -> Option<u64> {
        self.lock().iter().find(|known| known.model == model).and_then(|known| known.context_window)
    }

    /// Remembers a lesson that is about the model.
    pub(super) fn remember(&self, model: &str, lesson: Lesson) {
        if lesson.is_lasting() {
            self.with(model, |known| {
                known.lessons.add(lesson);
            });
        }
    }

    /// Remembers a limit that an overflow names.
    pub(super) fn limit(&self, model: &str, error: &Error) {
        if let (ErrorKind::ContextOverflow, Some(limit)) = (error.kind(), error.token_limit()) {
            self.with(model, |known| known.context_window = Some(limit));
        }
    }

    /// Whether the model is called by an inference profile alone.
    pub(super) fn is_by_profile(&self, model: &str) -> bool {
        self.lock().iter().any(|known| known.model == model && known.is_by_profile)
    }

    /// Remembers that it is.
    pub(super) fn by_profile(&self, model: &str) {
        self.with(model, |known| known.is_by_profile = true);
    }

    fn with(&self, model: &str, change: impl FnOnce(&mut Known)) {
        let mut models = self.lock();
        let index = models.iter().position(|known| known.model == model).unwrap_or_else(|| {
            if models.len() == MOST_MODELS {
                models.pop_front();
            }
            models.push_back(Known {
                model: model.to_owned(),
                lessons: Lessons::default(),
                context_window: None,
                is_by_profile: false,
            });
            models.len() - 1
        });
        change(&mut models[index]);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Known>> {
        // What is remembered has no half-done state.
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a failure teaches about the model: a refused feature, or the most tokens of an answer.
pub(super) fn lesson(error: &Error) -> Option<Lesson> {
    if let Some(most) = error.max_tokens_limit() {
        return Some(Lesson::MaxOutput(most));
    }
    // Only the service teaches: what was refused here has no status.
    error.status().and_then(|_| Lesson::of(error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let learned = Learned::default();
        for number in 0..1000 {
            learned.remember(&format!("model-{number}"), Lesson::NoCaching);
        }
        assert_eq!(learned.lock().len(), MOST_MODELS);
        assert!(learned.lessons("model-0").is_empty());
        assert!(!learned.lessons("model-999").is_empty());
    }

    #[test]
    fn what_is_about_one_request_is_not_remembered() {
        let learned = Learned::default();
        learned.remember("model", Lesson::NoStrictTools);
        assert!(learned.lessons("model").is_empty());
    }
}
