//! What the types of a Nest cannot say and the world cannot do.

use gosling_resource::{Origin, ResourcesError};
use thiserror::Error;

/// Why a Nest cannot be lowered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LowerError {
    /// A cloud that this release does not reach.
    #[error("`{owner}` runs on {cloud}, which this release cannot reach yet")]
    NoSuchCloud {
        /// The block: `egg.app`.
        owner: String,
        /// `aws`, `yandex`.
        cloud: String,
        /// Where.
        origin: Option<Origin>,
    },
    /// GitHub.
    #[error("`{owner}` serves GitHub, which this release cannot reach yet")]
    Github {
        /// The block.
        owner: String,
        /// Where.
        origin: Option<Origin>,
    },
    /// A container on Proxmox VE.
    #[error(
        "`{owner}` is a container: Proxmox VE's API alone cannot give one its runner's configuration, because containers have no cloud-init and nothing can be written into them"
    )]
    Container {
        /// The block.
        owner: String,
        /// Where.
        origin: Option<Origin>,
    },
    /// More machines than addresses.
    #[error("`{owner}` has {machines} machines and {addresses} addresses")]
    TooFewAddresses {
        /// The block.
        owner: String,
        /// How many machines.
        machines: i64,
        /// How many addresses.
        addresses: usize,
        /// Where.
        origin: Option<Origin>,
    },
    /// More machines than VMIDs.
    #[error("`{owner}` has {machines} machines, and `vmid_range` has room for {room}")]
    TooFewIds {
        /// The block.
        owner: String,
        /// How many machines.
        machines: i64,
        /// How many VMIDs.
        room: i64,
        /// Where.
        origin: Option<Origin>,
    },
    /// A character that stands for a secret inside gosling.
    #[error(
        "`{owner}`: {what} holds a character of Unicode's private use, which a runner's configuration cannot"
    )]
    PrivateUse {
        /// The block.
        owner: String,
        /// What holds it.
        what: String,
        /// Where.
        origin: Option<Origin>,
    },
    /// A mistake of gosling's own.
    #[error("a mistake of gosling's own: {0}")]
    Own(String),
}

impl LowerError {
    /// Where it was written.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::NoSuchCloud { origin, .. }
            | Self::Github { origin, .. }
            | Self::Container { origin, .. }
            | Self::TooFewAddresses { origin, .. }
            | Self::TooFewIds { origin, .. }
            | Self::PrivateUse { origin, .. } => origin.as_ref(),
            Self::Own(_) => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchCloud { .. } | Self::Github { .. } => {
                Some("Proxmox VE and GitLab are what apply can reach; docs/tasks.md says what comes next")
            }
            Self::Container { .. } => Some("write `type = \"vm\"`, with a template of a cloud image"),
            Self::TooFewAddresses { .. } => Some("add addresses, or write `address = \"dhcp\"`"),
            Self::TooFewIds { .. } => Some("widen `vmid_range`, or lower `apex.min_count`"),
            Self::PrivateUse { .. } => Some("leave the character out"),
            Self::Own(_) => None,
        }
    }
}

impl From<ResourcesError> for LowerError {
    fn from(error: ResourcesError) -> Self {
        Self::Own(error.to_string())
    }
}
