//! One turn of a conversation in the making.

use crate::converse::{ContentBlock, Role};

/// One turn in the making.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) role: Role,
    /// Tool results, which come before the rest.
    pub(super) results: Vec<ContentBlock<'a>>,
    pub(super) content: Vec<ContentBlock<'a>>,
    /// The message that the turn began with.
    pub(super) message: usize,
}

impl<'a> Turn<'a> {
    pub(super) fn user(message: usize) -> Self {
        Turn { role: Role::User, results: Vec::new(), content: Vec::new(), message }
    }

    pub(super) fn is_user(&self) -> bool {
        self.role == Role::User
    }

    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty() && self.content.is_empty()
    }
}
