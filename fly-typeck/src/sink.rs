//! Where problems go while they are found.

use fly_syntax::{Problem, Span};

/// Collects problems, and the places whose text must never be shown.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) problems: Vec<Problem>,
    pub(crate) masks: Vec<Span>,
}

impl Sink {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The text at this place may be a secret written in plain sight.
    pub(crate) fn mask(&mut self, span: Span) {
        self.masks.push(span);
    }

    pub(crate) fn append(&mut self, other: Sink) {
        self.problems.extend(other.problems);
        self.masks.extend(other.masks);
    }
}
