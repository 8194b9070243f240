//! Why a command could not do its work.

use std::io;
use std::path::{Path, PathBuf};

/// Why a command ended before its work was done. Problems *in* a Nest are not failures: they are its output.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command was asked for something that cannot be done: exit code 2.
    #[error("{message}")]
    WrongUse {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A file could not be read or written: exit code 2.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read`, `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A person stopped it: exit code 130.
    #[error("{0}")]
    Interrupted(String),
    /// An output stream failed: exit code 2, or silently 1 where its reader went away.
    #[error("cannot write the output: {0}")]
    Stream(#[from] io::Error),
}

impl Failure {
    /// Wrong use, with nothing to advise.
    pub fn wrong_use(message: impl Into<String>) -> Self {
        Self::WrongUse {
            message: message.into(),
            hint: None,
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::WrongUse { message, .. } => Self::WrongUse {
                message,
                hint: Some(hint.into()),
            },
            other => other,
        }
    }

    /// With the place in the Nest that asked for it.
    #[must_use]
    pub fn at(self, origin: &gosling_resource::Origin) -> Self {
        match self {
            Self::WrongUse { message, hint } => Self::WrongUse {
                message: format!("{origin}: {message}"),
                hint,
            },
            other => other,
        }
    }

    /// A closure for `map_err` on reading or writing `path`.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
