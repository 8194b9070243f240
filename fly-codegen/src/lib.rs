//! A typed Nest in, the resources that it asks for out. Pure: what must be asked of others first comes as [`Facts`].

mod boot;
mod connections;
mod emit;
mod error;
mod gitlab;
mod lower;
mod origins;
mod proxmox;

use std::collections::BTreeMap;

use fly_typeck::NestFiles;
use fly_typeck::checked::CheckedBlock;
use fly_typeck::nest::Nest;
use gosling_resource::{Origin, SecretUri};

pub use connections::{AppRole, Connections, GitlabServer, ProxmoxCluster, VaultServer, connections};
pub use error::LowerError;
pub use lower::{lower, questions};

/// A checked Nest.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// In types.
    pub nest: &'a Nest,
    /// The same as blocks, which know where everything was written.
    pub blocks: &'a [CheckedBlock],
    /// The files that places lie in.
    pub files: &'a NestFiles,
}

/// What must be asked before a Nest can be lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which projects a GitLab group has.
    GroupProjects {
        /// The server, as the Nest names it.
        server: String,
        /// The group.
        group_id: i64,
        /// Where the token that may ask is kept.
        api_token: SecretUri,
        /// Who wants to know.
        origin: Option<Origin>,
    },
}

/// The answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The projects of each group, by server and group.
    pub group_projects: BTreeMap<(String, i64), Vec<i64>>,
}
