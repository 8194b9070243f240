//! How a call or a task went wrong.

use gosling_engine::CallError;

/// What went wrong, and what may be believed of the world after it.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was done: nothing was sent, or it was refused before it began.
    Refused,
    /// It began and died of an error that Proxmox VE told us. It is over; what it left behind can be looked up.
    Died,
    /// Nobody knows, and it may still be going on.
    Unknown,
}

impl Trouble {
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    pub(super) fn died(message: impl Into<String>) -> Self {
        Self::new(Kind::Died, message)
    }

    pub(super) fn unknown(message: impl Into<String>) -> Self {
        Self::new(Kind::Unknown, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
        }
    }

    /// The same with a way out, unless it has a better one.
    pub(super) fn help(mut self, way_out: impl Into<String>) -> Self {
        self.help.get_or_insert_with(|| way_out.into());
        self
    }

    /// The same with what was being done before it.
    pub(super) fn during(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Whether somebody else held a lock for too long: the same call may work later, and this one did nothing.
    pub(super) fn is_lock(&self) -> bool {
        self.kind == Kind::Died
            && ["can't lock file", "got lock request timeout"]
                .iter()
                .any(|words| self.message.contains(words))
    }

    /// Whether the guest is not there. Proxmox VE has no 404 for that.
    pub(super) fn is_missing(&self) -> bool {
        self.kind == Kind::Died && self.message.contains("does not exist")
    }

    /// As the failure of calls that only read: nothing was changed, whatever went wrong.
    pub(super) fn harmless(self) -> CallError {
        CallError::Failed {
            message: self.message,
            help: self.help,
        }
    }
}

impl From<Trouble> for CallError {
    fn from(trouble: Trouble) -> Self {
        let Trouble { kind, message, help } = trouble;
        match kind {
            Kind::Refused => Self::Failed { message, help },
            Kind::Died | Kind::Unknown => Self::Unknown { message, help },
        }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failed { message, help } => Self {
                kind: Kind::Refused,
                message,
                help,
            },
            CallError::Unknown { message, help } => Self {
                kind: Kind::Unknown,
                message,
                help,
            },
        }
    }
}
