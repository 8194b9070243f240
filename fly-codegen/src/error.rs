//! What lowering could not do, and the way out.

use gosling_resource::Origin;
use thiserror::Error;

/// Something that the Nest asks for and lowering cannot turn into resources, with its place in the Nest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct LowerError {
    /// What is wrong.
    pub reason: Reason,
    /// Where it is written.
    pub origin: Option<Origin>,
}

impl LowerError {
    /// Where it is written.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        self.reason.help()
    }
}

/// Why something cannot be lowered. `block` is the egg or eggsbucket as an address: `egg.app`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// A cloud that comes later.
    #[error("{block} is on {cloud}, which this release does not support yet")]
    Cloud {
        /// Which block.
        block: String,
        /// `AWS`, `Yandex Cloud`.
        cloud: &'static str,
    },
    /// A code server that comes later.
    #[error("{block} works for {server}, and this release does not support GitHub yet")]
    Github {
        /// Which block.
        block: String,
        /// The server as written.
        server: String,
    },
    /// LXC, which takes no configuration by API.
    #[error(
        "{block} is a container, and a container cannot be given its runner's configuration through Proxmox VE's API alone (no cloud-init, no file upload into it)"
    )]
    Container {
        /// Which block.
        block: String,
    },
    /// `nodes = []`.
    #[error("{block} names no node that its machines may be on")]
    NoNodes {
        /// Which block.
        block: String,
    },
    /// Fewer addresses than machines.
    #[error("{block} has {wanted} machines and {given} addresses to hand out")]
    Addresses {
        /// Which block.
        block: String,
        /// How many machines there are.
        wanted: usize,
        /// How many addresses there are.
        given: usize,
    },
    /// One address for two machines.
    #[error("the address {address} would belong to {first} and to {second}")]
    SameAddress {
        /// The address.
        address: String,
        /// A machine.
        first: String,
        /// Another.
        second: String,
    },
    /// A range of numbers that is used up.
    #[error(
        "the range {range} of {provider} has {size} numbers, and up to {block} there are {wanted} machines to be numbered in it"
    )]
    Range {
        /// Which block takes more than is left.
        block: String,
        /// The provider whose numbers they are.
        provider: String,
        /// The range as written.
        range: String,
        /// How many numbers it has.
        size: u64,
        /// How many machines want one.
        wanted: u64,
    },
    /// Two machines with one name.
    #[error("{first} and {second} would both be called `{name}`")]
    SameName {
        /// The name.
        name: String,
        /// A machine.
        first: String,
        /// Another.
        second: String,
    },
    /// Secrets would have to be written where nothing can be written.
    #[error("{block} needs a place for {what}, and environment variables can only be read")]
    ReadOnlySecrets {
        /// Which block.
        block: String,
        /// What is to be kept: `its runner's token`.
        what: &'static str,
    },
    /// The names of a block and its server make no URI of a secret.
    #[error("{block} needs a place for {what}, and its names make no secret's URI: {reason}")]
    NoPlaceForSecret {
        /// Which block.
        block: String,
        /// What is to be kept: `its runner's token`.
        what: &'static str,
        /// What is wrong with the URI.
        reason: String,
    },
    /// A group whose projects nobody asked for.
    #[error("{block} reports the jobs of group {group} on {server}, whose projects are not known")]
    UnknownGroup {
        /// Which block.
        block: String,
        /// The group.
        group: i64,
        /// The server as written.
        server: String,
    },
    /// Less than GitLab allows.
    #[error("{block} has a maximum_timeout of {seconds} s, and GitLab takes no runner with less than 600 s")]
    ShortTimeout {
        /// Which block.
        block: String,
        /// What is written.
        seconds: i64,
    },
    /// A file of the Nest that cannot be read.
    #[error("{path} cannot be read: {why}")]
    File {
        /// Its path in the Nest.
        path: String,
        /// Why.
        why: String,
    },
    /// Text with the characters that stand for secrets while a file is put together.
    #[error(
        "{block} has a text with a private-use character (U+F0000 or U+F0001), which cannot be kept apart from a secret"
    )]
    ReservedCharacter {
        /// Which block.
        block: String,
    },
    /// A mistake of gosling's own.
    #[error("{block}: {what}; this is a mistake in gosling, please report it")]
    Internal {
        /// Which block.
        block: String,
        /// What went wrong.
        what: String,
    },
}

impl Reason {
    /// What to do about it.
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Cloud { .. } => {
                "this release makes machines on Proxmox VE; AWS and Yandex Cloud come in a later one"
            }
            Self::Github { .. } => "this release makes runners on GitLab; GitHub comes in a later one",
            Self::Container { .. } => "use type = \"vm\"",
            Self::NoNodes { .. } => "name the nodes, or leave `nodes` out: then all that are online are used",
            Self::Addresses { .. } => {
                "add addresses, lower min_count in its runners_condition, or use address = \"dhcp\""
            }
            Self::SameAddress { .. } => "give each egg addresses of its own",
            Self::Range { .. } => "widen vmid_range, or give some eggs a range of their own",
            Self::SameName { .. } => {
                "a machine's name has at most 63 characters: shorten the name of the Nest or of the egg"
            }
            Self::ReadOnlySecrets { .. } => {
                "name the place (token_secret, webhook_secret), or set default_secrets to \"store\" or \"vault\" in the nest block"
            }
            Self::NoPlaceForSecret { .. } => "name the place: token_secret, webhook_secret",
            Self::UnknownGroup { .. } => "plan again where GitLab can be reached",
            Self::ShortTimeout { .. } => {
                "use maximum_timeout = 10m or more; a job's own `timeout` may be shorter"
            }
            Self::File { .. } => "the path is relative to the Nest's root",
            Self::ReservedCharacter { .. } => "remove the character",
            Self::Internal { .. } => return None,
        })
    }
}
