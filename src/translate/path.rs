//! Where in the request something is, written only when it is told.

use std::fmt;

/// A path into the request, such as `messages[3].content[1].image_url.url`, as a chain on the
/// stack: nothing is written until an error or a note needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Member(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    pub(super) fn root(member: &'p str) -> Self {
        Path { parent: None, step: Step::Member(member) }
    }

    pub(super) fn member(&'p self, member: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Member(member) }
    }

    pub(super) fn index(&'p self, index: usize) -> Path<'p> {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
            if let Step::Member(_) = self.step {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Member(member) => f.write_str(member),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}
