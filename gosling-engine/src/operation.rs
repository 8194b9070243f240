//! One mutation, as its intent freezes it.

use std::fmt;

use gosling_resource::{Address, Properties, Rollout};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Makes a resource.
    Create,
    /// Changes one in place.
    Update,
    /// Deletes one.
    Delete,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

/// One mutation of one resource. All of it is in the intent, so that another process can finish it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Names the operation in the journal and in markers: 16 letters of `[a-z0-9]`, never used again.
    pub op: String,
    /// What it does.
    pub verb: Verb,
    /// To which resource.
    pub address: Address,
    /// Of which kind.
    pub kind: SmolStr,
    /// At which provider.
    pub provider: SmolStr,
    /// What the resource carries from the call that makes it: `gosling:{nest}:{address}:{op of the create}`. For an
    /// update or a delete it is the marker of the resource that is there.
    pub marker: String,
    /// The id of the resource that is changed or deleted.
    pub id: Option<String>,
    /// What [`crate::Provider::reserve`] chose for a create.
    pub reserved: Option<String>,
    /// What tells the place where it is carried out from every other, where the provider says so: its cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What the resource is to be like, outputs of others filled in; for a delete, what it was like.
    pub properties: Properties,
    /// Those of the properties whose values other resources gave, as they were asked for: with the outputs in them.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub given: Properties,
    /// What it was like before an update or a delete.
    pub prior: Properties,
    /// For a machine of a pool, how the pool is changed: how long its jobs may go on when it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Whether an earlier attempt may have got anywhere.
    #[serde(default)]
    pub again: bool,
    /// The tasks that earlier attempts noted, oldest first.
    #[serde(default)]
    pub tasks: Vec<String>,
}
