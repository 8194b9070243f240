//! What is wanted, as lowering hands it to the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

use crate::address::Address;
use crate::rollout::Rollout;
use crate::value::Value;

/// The properties of a resource by name.
pub type Properties = BTreeMap<SmolStr, Value>;

/// Where in a Nest something was written: `Eggs/api/config.fly:12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The file, relative to the Nest's root.
    pub file: SmolStr,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One thing that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name.
    pub address: Address,
    /// What it is: `gitlab_runner`, `proxmox_vm`.
    pub kind: SmolStr,
    /// Who makes it: the label of a `provider` block, `proxmox` or `proxmox.lab`; for GitLab the server's name.
    pub provider: SmolStr,
    /// What it is to be like. What is not named is left to the API.
    pub properties: Properties,
    /// What must be there before it, and goes after it, beside what its properties refer to.
    pub depends_on: BTreeSet<Address>,
    /// For a machine of a pool, how the pool is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Where it was asked for.
    pub origin: Option<Origin>,
    /// Where each property was written, where it was.
    pub origins: BTreeMap<SmolStr, Origin>,
}

impl Resource {
    /// Everything that must be there before it: what it names, and what its properties refer to.
    #[must_use]
    pub fn needs(&self) -> BTreeSet<Address> {
        let outputs = self.properties.values().flat_map(Value::outputs).cloned();
        outputs.chain(self.depends_on.iter().cloned()).collect()
    }
}

/// Everything that is wanted, by address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resources {
    resources: BTreeMap<Address, Resource>,
    /// Resources that have another address now: what was at the first is at the second. Blocks, or single resources.
    pub moved: Vec<(String, String)>,
}

/// Why resources do not fit together. Each is a mistake of the lowering, never of a person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResourcesError {
    /// Two with one address.
    #[error("two resources are called {0}")]
    Twice(Address),
    /// A reference to nothing.
    #[error("{from} needs {to}, which is not among the resources")]
    Unknown {
        /// Who refers.
        from: Box<Address>,
        /// To what.
        to: Box<Address>,
    },
}

impl Resources {
    /// Adds one.
    ///
    /// # Errors
    /// Where there is one of this address already.
    pub fn add(&mut self, resource: Resource) -> Result<(), ResourcesError> {
        let address = resource.address.clone();
        if self.resources.contains_key(&address) {
            return Err(ResourcesError::Twice(address));
        }
        self.resources.insert(address, resource);
        Ok(())
    }

    /// Looks whether every reference leads somewhere.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), ResourcesError> {
        for resource in self.resources.values() {
            for to in resource.needs() {
                if !self.resources.contains_key(&to) {
                    let (from, to) = (Box::new(resource.address.clone()), Box::new(to));
                    return Err(ResourcesError::Unknown { from, to });
                }
            }
        }
        Ok(())
    }

    /// The one of this address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        self.resources.get(address)
    }

    /// All, in the order of their addresses.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}
