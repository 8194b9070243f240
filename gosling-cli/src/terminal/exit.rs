//! How a command ends, and how its output looks.

use crate::render::Look;

/// How output for people looks on this host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// On standard output.
    pub(crate) out: Look,
    /// On standard error.
    pub(crate) err: Look,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, nothing wrong.
    Clean,
    /// Done, and something is wrong with the Nest.
    Problems,
    /// Not done: it was asked for something that cannot be done. For the commands of the engine: changes are pending.
    WrongUse,
    /// A person stopped it.
    Interrupted,
    /// As asked for: `--warn-exit-code`.
    Asked(u8),
}

impl Exit {
    /// Changes are pending: `plan --detailed-exitcode`.
    pub(crate) const PENDING: Self = Self::WrongUse;

    /// The process's exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Problems => 1,
            Self::WrongUse => 2,
            Self::Interrupted => 130,
            Self::Asked(code) => code,
        }
    }
}
