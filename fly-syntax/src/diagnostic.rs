//! Problems as data: what happened, where, why, and what to do. Rendering is the CLI's.

use crate::source::Span;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The Nest cannot be used.
    Error,
    /// The Nest works; something in it should be better.
    Warning,
}

/// A kind of problem: its code and its page under `gosling explain CODE`.
///
/// Each kind is a constant in a file of its own, beside the functions that make its problems.
/// The two examples are run by tests: `wrong` must report this code and nothing else, `right`
/// nothing at all. An example is the text of `Lib/example.fly`, or several files, each headed by
/// a line `-- path --`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// `FLY` and three digits; the first digit is the family.
    pub code: &'static str,
    /// The kind in a few words, for lists.
    pub title: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// Why this is a problem and how people get there, in Markdown.
    pub explanation: &'static str,
    /// A Nest that has this problem.
    pub wrong: &'static str,
    /// The same Nest, repaired.
    pub right: &'static str,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub kind: &'static Kind,
    /// One line: what is wrong, with the names in it.
    pub message: String,
    /// The place a person would point to.
    pub span: Span,
    /// A few words under the place; empty where the message says it all.
    pub note: String,
    /// Other places: "first defined here", "required by this".
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// Edits that would repair it, best first.
    pub suggestions: Vec<Suggestion>,
}

/// Another place that a problem is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What this place has to do with the problem.
    pub message: String,
}

/// A way out that an editor or `gosling fix` can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What it does: "write `memory`".
    pub message: String,
    /// Replacements, none overlapping another.
    pub edits: Vec<Edit>,
    /// Whether `gosling fix` may apply it without asking.
    pub certain: bool,
}

/// The text of `span` is replaced; an empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

impl Problem {
    /// A problem of `kind` at `span`.
    #[must_use]
    pub fn new(kind: &'static Kind, span: Span, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            span,
            note: String::new(),
            labels: Vec::new(),
            help: None,
            suggestions: Vec::new(),
        }
    }

    /// With words under its place.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// With one more place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With an edit that `gosling fix` may make.
    #[must_use]
    pub fn fix(self, message: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.suggest(message, span, text, true)
    }

    /// With an edit that a person should look at first.
    #[must_use]
    pub fn maybe(self, message: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.suggest(message, span, text, false)
    }

    fn suggest(
        mut self,
        message: impl Into<String>,
        span: Span,
        text: impl Into<String>,
        certain: bool,
    ) -> Self {
        self.suggestions.push(Suggestion {
            message: message.into(),
            edits: vec![Edit {
                span,
                text: text.into(),
            }],
            certain,
        });
        self
    }

    /// Error or warning.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.kind.severity
    }
}
