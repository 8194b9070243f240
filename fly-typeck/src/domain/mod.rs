//! The words of the field as types: each is parsed once, at the edge, and valid from then on.

/// Why a text is not of the form that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, as the end of "`x` is not a url: ...".
    pub reason: String,
    /// What to write instead, where that is known.
    pub suggestion: Option<String>,
}

impl Malformed {
    /// With a reason only.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            suggestion: None,
        }
    }
}
