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

    /// Adds blocks behind those of its content.
    pub(super) fn add(&mut self, blocks: Vec<ContentBlock<'a>>) {
        self.content = joined(std::mem::take(&mut self.content), blocks);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty() && self.content.is_empty()
    }
}

/// The blocks of both lists, in this order; mostly one of them is empty.
pub(super) fn joined<'a>(
    mut first: Vec<ContentBlock<'a>>,
    mut second: Vec<ContentBlock<'a>>,
) -> Vec<ContentBlock<'a>> {
    if first.is_empty() {
        return second;
    }
    first.append(&mut second);
    first
}

/// The turn that a message of this role belongs to: the last, or a new one.
pub(super) fn turn_of<'t, 'a>(role: Role, turns: &'t mut Vec<Turn<'a>>, message: usize) -> &'t mut Turn<'a> {
    let last = turns.len();
    if turns.last().is_some_and(|turn| turn.role == role) {
        return &mut turns[last - 1];
    }
    turns.push(Turn { role, ..Turn::user(message) });
    &mut turns[last]
}
