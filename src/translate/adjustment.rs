//! What was changed on the way, as data.

use std::fmt;

use serde::Serialize;

use super::options::Strictness;
use super::path::Path;
use crate::error::Error;
use crate::json::{Json, Members};

/// One change that the translation made, so that the caller can see it.
///
/// What is only another spelling of the same (two user messages in one turn, `max_tokens` as
/// `maxTokens`) is no adjustment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Adjustment {
    /// The member of the request, or of the reply, such as `messages[3].name`.
    pub field: String,
    /// What was done.
    pub action: Action,
    /// Why.
    pub reason: String,
}

impl Adjustment {
    /// A member that was sent in another form.
    pub(crate) fn changed(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Adjustment { field: field.into(), action: Action::Changed, reason: reason.into() }
    }
}

/// What an adjustment did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// The member was not sent.
    Omitted,
    /// The member was sent with another value, or in another form.
    Changed,
    /// Something was sent that the caller did not give.
    Added,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Omitted => "omitted",
            Action::Changed => "changed",
            Action::Added => "added",
        })
    }
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.field, self.action, self.reason)
    }
}

/// Collects adjustments, or refuses them.
#[derive(Debug, Default)]
pub(super) struct Notes {
    strictness: Strictness,
    adjustments: Vec<Adjustment>,
}

impl Notes {
    pub(super) fn new(strictness: Strictness) -> Self {
        Notes { strictness, adjustments: Vec::new() }
    }

    /// The member is not sent.
    pub(super) fn omitted(&mut self, field: impl fmt::Display, reason: &str) -> Result<(), Error> {
        self.lossy(field, Action::Omitted, reason)
    }

    /// The member is sent with another value, or in another form.
    pub(super) fn changed(&mut self, field: impl fmt::Display, reason: &str) -> Result<(), Error> {
        self.lossy(field, Action::Changed, reason)
    }

    /// Something is sent that the caller did not give; nothing of the caller's is lost.
    pub(super) fn added(&mut self, field: impl fmt::Display, reason: &str) {
        self.adjustments.push(Adjustment {
            field: field.to_string(),
            action: Action::Added,
            reason: reason.to_owned(),
        });
    }

    /// Members of a form in free JSON that are not read are not sent.
    pub(super) fn unread(&mut self, form: &Json, read: &[&str], at: &Path<'_>) -> Result<(), Error> {
        let members: Members = form.read().unwrap_or_default();
        members
            .iter()
            .filter(|(name, value)| !value.is_null() && !read.contains(name))
            .try_for_each(|(name, _)| self.omitted(at.member(name), "is not a member that is known"))
    }

    /// Members that the crate does not know are not sent.
    pub(super) fn unknown(&mut self, members: &Members, at: &Path<'_>) -> Result<(), Error> {
        members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .try_for_each(|(name, _)| self.omitted(at.member(name), "is not a member that is known"))
    }

    fn lossy(&mut self, field: impl fmt::Display, action: Action, reason: &str) -> Result<(), Error> {
        match self.strictness {
            Strictness::Adjust => {
                self.adjustments.push(Adjustment {
                    field: field.to_string(),
                    action,
                    reason: reason.to_owned(),
                });
                Ok(())
            }
            Strictness::Strict => Err(Error::unsupported(
                field.to_string(),
                format!("{reason}; it would be {action}, and strict translation forbids that"),
            )),
        }
    }

    pub(super) fn into_adjustments(self) -> Vec<Adjustment> {
        self.adjustments
    }
}
