//! Why a run, or a look at what it needs, ended without its result.

use std::io;
use std::path::{Path, PathBuf};

use gosling_engine::audit::AuditError;
use gosling_engine::store::StoreError;
use gosling_engine::{CallError, RunError};

/// Why a run ended early. Problems in a Nest are not failures: the compiler reports them.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something cannot be done.
    #[error("{message}")]
    Refused {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read`, `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody stopped it.
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    /// Something cannot be done, and there is nothing to advise.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Refused {
            message: message.into(),
            help: None,
        }
    }

    /// An error of a layer below, in its own words.
    pub fn from_error(error: impl std::fmt::Display) -> Self {
        Self::new(error.to_string())
    }

    /// With what to do about it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        self.help_if_any(Some(help))
    }

    /// With what to do about it, where that is known.
    #[must_use]
    pub fn help_if_any(self, help: Option<impl Into<String>>) -> Self {
        match (self, help) {
            (Self::Refused { message, .. }, Some(help)) => Self::Refused {
                message,
                help: Some(help.into()),
            },
            (other, _) => other,
        }
    }

    /// With the place in the Nest that asked for it.
    #[must_use]
    pub fn at(self, origin: &gosling_resource::Origin) -> Self {
        match self {
            Self::Refused { message, help } => Self::Refused {
                message: format!("{origin}: {message}"),
                help,
            },
            other => other,
        }
    }

    /// Returns true if somebody stopped the run.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted(_))
    }

    /// A closure for `map_err` on reading or writing `path`.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        Self::from_error(error).help_if_any(error.way_out())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Self::from_error(&error).help_if_any(error.way_out())
    }
}

impl From<&CallError> for Failure {
    fn from(error: &CallError) -> Self {
        Self::from_error(error).help_if_any(error.way_out())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::from(&error)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let help = match &error {
            RunError::Store(error) => return Self::from(error),
            RunError::Stopped => return Self::Interrupted(error.to_string()),
            RunError::State(error) => error.way_out(),
            RunError::Journal(error) => error.way_out().map(str::to_owned),
            RunError::OtherPlace(error) | RunError::Unreadable { error, .. } => {
                error.way_out().map(str::to_owned)
            }
            _ => None,
        };
        Self::from_error(error).help_if_any(help)
    }
}
