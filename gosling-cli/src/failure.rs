//! Why a command could not do its work.

use std::io;
use std::path::Path;

use gosling_deploy::Failure as RunFailure;
use gosling_engine::store::StoreError;
use gosling_engine::{CallError, RunError};

/// Why a command ended before its work was done. Problems *in* a Nest are not failures: they are its output.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command was asked for something that cannot be done, or was stopped: exit code 2, or 130.
    #[error(transparent)]
    Run(#[from] RunFailure),
    /// An output stream failed: exit code 2, or silently 1 where its reader went away.
    #[error("cannot write the output: {0}")]
    Stream(#[from] io::Error),
}

impl Failure {
    /// Wrong use, with nothing to advise.
    pub fn wrong_use(message: impl Into<String>) -> Self {
        Self::Run(RunFailure::new(message))
    }

    /// A person stopped it.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::Run(RunFailure::Interrupted(message.into()))
    }

    /// Returns true if a person stopped it.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Run(failure) if failure.is_interrupted())
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Run(failure) => Self::Run(failure.help(hint)),
            other => other,
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Run(RunFailure::Refused { help, .. }) => help.as_deref(),
            _ => None,
        }
    }

    /// With the place in the Nest that asked for it.
    #[must_use]
    pub fn at(self, origin: &gosling_resource::Origin) -> Self {
        match self {
            Self::Run(failure) => Self::Run(failure.at(origin)),
            other => other,
        }
    }

    /// A closure for `map_err` on reading or writing `path`.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = RunFailure::file(action, path);
        move |source| Self::Run(file(source))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Run(error.into())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Run(error.into())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::Run(error.into())
    }
}
