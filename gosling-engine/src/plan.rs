//! What apply will do, decided to the last detail.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use gosling_resource::{Address, Origin, Properties, Rollout, Value};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

use crate::journal::Entry;
use crate::operation::Operation;
use crate::rollout::PoolRollout;
use crate::state::{State, digest_of};
use crate::wrong_secret::why_unread;

/// The version of the saved form; see docs/plan-format.md.
pub const FORMAT: u32 = 1;

/// What apply will do, and to what it is bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this form.
    pub format: u32,
    /// The gosling that made it.
    pub tool: String,
    /// The state that it was made for.
    pub lineage: String,
    /// How often that had been saved.
    pub serial: u64,
    /// What it held.
    pub state_digest: String,
    /// A digest of the Nest's files.
    pub nest_digest: String,
    /// A digest of the values of its variables.
    pub variables_digest: String,
    /// Every provider that is called, and who it is.
    pub accounts: BTreeMap<String, String>,
    /// What it was narrowed to; empty: everything.
    pub targets: Vec<String>,
    /// Whether it destroys all there is.
    pub destroy: bool,
    /// One for each resource, in the order of addresses, those that stay as they are too.
    pub changes: Vec<Change>,
    /// What was found to be different from what the state held.
    pub drift: Vec<Drift>,
    /// Operations of earlier runs whose outcome is open. Apply settles them first; those that cannot be settled stay
    /// open, and their resources are left as they are, with what needs them.
    pub open: Vec<OpenIntent>,
    /// What stays as it is although it is not as the Nest asks for, or was changed outside gosling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
    /// What could not be read: it stays as it is, and so does what needs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
    /// The resources of which the state has other dependencies noted than they have: applying the plan corrects that,
    /// also where it changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
}

/// A resource about which the state is not up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Which.
    pub address: Address,
    /// What the state has otherwise: `dependencies`, `names`, `rollout`.
    pub what: Vec<String>,
}

/// What a person should know of a resource, and what applying the plan does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Of which resource.
    pub address: Address,
    /// What it is about: the name of an attribute, or `protection`, `pending`.
    pub attribute: SmolStr,
    /// What is so, without the address: `is on pve3, which is not among ...`.
    pub message: String,
    /// Whether replacing the resource makes it as the Nest asks for.
    pub replace: bool,
    /// What to do about it, where that is something else than to replace it.
    pub help: Option<String>,
    /// Where the Nest asks for it.
    pub origin: Option<Origin>,
}

/// A resource that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Which.
    pub address: Address,
    /// Where it was asked for.
    pub origin: Option<Origin>,
    /// Why.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub address: Address,
    /// Of which kind.
    pub kind: SmolStr,
    /// At which provider.
    pub provider: SmolStr,
    /// What is done.
    pub action: Action,
    /// The address it had before.
    pub moved_from: Option<Address>,
    /// Whether it got its address by hand since the last apply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renamed: bool,
    /// For a replacement, what forces it: names of attributes, or words. For a change in place, the attributes for which
    /// it is restarted.
    pub because: Vec<String>,
    /// Every attribute that becomes different.
    pub attributes: Vec<AttributeChange>,
    /// The id of what is there.
    pub id: Option<String>,
    /// The marker of what is there.
    pub marker: Option<String>,
    /// What it is like now.
    pub prior: Properties,
    /// What it is to be like; outputs of resources that are made first stand in it as such.
    pub properties: Properties,
    /// Those of the properties whose values other resources give, with the outputs in them.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub given: Properties,
    /// What must be there before it.
    pub needs: BTreeSet<Address>,
    /// For a machine of a pool, how the pool is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Whether the change, made in place, cuts it off from the network where it is wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconnects: bool,
    /// Where it is asked for; for a deletion, where it was.
    pub origin: Option<Origin>,
    /// The resource that could not be read, or of which an operation is open, where that is why nothing is done with this
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Address>,
    /// The address under which what is there is kept, to be deleted when it can be reached, while another takes its
    /// place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<Address>,
    /// What the API calls something that was imported and has no marker: gosling deletes only what it made. It is left
    /// where it is, and the state forgets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_outside: Option<String>,
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and made anew.
    Replace,
    /// It is deleted.
    Delete,
    /// It stays as it is; with `moved_from` it only gets another address.
    NoOp,
}

/// An attribute that becomes different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeChange {
    /// Its name.
    pub name: SmolStr,
    /// What it is.
    pub before: Value,
    /// What it will be; an output is known after apply.
    pub after: Value,
    /// Where it is written.
    pub origin: Option<Origin>,
}

/// What was found to be different from what the state held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Of which resource.
    pub address: Address,
    /// Whether it is gone.
    pub gone: bool,
    /// Attributes: as the state had them, and as they are.
    pub attributes: Vec<AttributeChange>,
}

/// An operation of an earlier run whose outcome is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIntent {
    /// Its name.
    pub op: String,
    /// `create`, `update` or `delete`.
    pub verb: String,
    /// Of which resource.
    pub address: Address,
    /// What was last heard of it.
    pub heard: Option<String>,
}

/// How many resources each action touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Made.
    pub create: usize,
    /// Changed in place.
    pub update: usize,
    /// Made anew.
    pub replace: usize,
    /// Deleted.
    pub delete: usize,
    /// Given another address.
    pub moved: usize,
}

/// Why a saved plan is not applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// It is no plan.
    #[error("this is not a gosling plan: {0}")]
    Malformed(String),
    /// Another form.
    #[error("the plan has form {0}, and this gosling knows only form {FORMAT}: plan again")]
    OtherFormat(u32),
    /// Its digest does not fit.
    #[error("the plan was changed after it was made: plan again")]
    Edited,
    /// Made by another gosling.
    #[error("the plan was made by gosling {made}, and this is {own}: plan again")]
    OtherTool {
        /// Its maker.
        made: String,
        /// This one.
        own: String,
    },
    /// Made for another Nest's state.
    #[error("the plan belongs to another state (lineage {plan}; {})", match .state.as_str() {
        "" => "there is no state here".to_owned(),
        state => format!("the one here has {state}"),
    })]
    Foreign {
        /// The plan's lineage.
        plan: String,
        /// The lineage here.
        state: String,
    },
    /// The state has moved on.
    #[error(
        "the plan is stale: it was made for serial {plan} of the state, which is now at {state}: plan again"
    )]
    Stale {
        /// The plan's serial.
        plan: u64,
        /// The serial now.
        state: u64,
    },
    /// Other operations are open.
    #[error("{0} since the plan was made: plan again")]
    OtherOpen(String),
    /// The Nest has changed.
    #[error("the Nest has changed since the plan was made: plan again")]
    OtherNest,
    /// Variables have other values.
    #[error("variables have other values than when the plan was made: plan again")]
    OtherVariables,
    /// A provider is another account.
    #[error("`{provider}` is {now}, but the plan was made for {plan}")]
    OtherAccount {
        /// Which provider.
        provider: String,
        /// As in the plan.
        plan: String,
        /// As it is.
        now: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Sealed<'p> {
    digest: String,
    /// For readers: it follows from the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rollouts: Vec<PoolRollout>,
    plan: Cow<'p, Plan>,
}

/// What a saved plan is held against.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    /// This gosling's version.
    pub tool: &'a str,
    /// The state under the lock.
    pub state: &'a State,
    /// A digest of the Nest's files now.
    pub nest_digest: &'a str,
    /// A digest of the values of its variables now.
    pub variables_digest: &'a str,
    /// Every provider and who it is.
    pub accounts: &'a BTreeMap<String, String>,
    /// The operations of earlier runs that are open still.
    pub open: &'a [Entry],
}

impl Plan {
    /// How many resources each action touches, each once.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            // What waits for its successor under another address is not renamed for anybody.
            let renamed = change.moved_from.is_some() && change.successor().is_none();
            match change.action {
                // Its new name is in its marker, which is changed in place.
                Action::Update | Action::NoOp if renamed && change.because.is_empty() => counts.moved += 1,
                Action::Create => counts.create += 1,
                Action::Update => counts.update += 1,
                Action::Replace => counts.replace += 1,
                Action::Delete => counts.delete += 1,
                Action::NoOp => {}
            }
        }
        counts
    }

    /// Whether something is left as it is because it could not be read. What was set aside earlier does not count:
    /// nobody expects it to be reached soon.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.unreadable.iter().any(|unread| {
            let set_aside = |change: &Change| change.address == unread.address && change.set_aside.is_some();
            !unread.address.is_set_aside() && !self.changes.iter().any(set_aside)
        })
    }

    /// What was imported and is left where it is.
    pub fn left_outside(&self) -> impl Iterator<Item = (&Change, &str)> {
        let changes = self.changes.iter();
        changes.filter_map(|change| Some((change, change.left_outside.as_deref()?)))
    }

    /// What is gone and is not made anew: only the state still knows of it.
    pub fn forgotten(&self) -> impl Iterator<Item = &Address> {
        let gone = self
            .drift
            .iter()
            .filter(|drift| drift.gone)
            .map(|drift| &drift.address);
        // Changes stand in the order of their addresses.
        gone.filter(|address| {
            let found = self
                .changes
                .binary_search_by(|change| change.address.cmp(address));
            found.is_err()
        })
    }

    /// Whether applying it would change nothing, and settle nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.does_nothing()
    }

    /// Whether carrying it out would change nothing, the state included but for [`Plan::corrections`]. What is open is
    /// settled before that, or not.
    #[must_use]
    pub fn does_nothing(&self) -> bool {
        let set_aside = self.changes.iter().any(|change| change.set_aside.is_some());
        self.counts() == Counts::default()
            && self.forgotten().next().is_none()
            && !set_aside
            && self.left_outside().next().is_none()
    }

    /// The saved form: the same plan always the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let sealed = Sealed {
            digest: self.digest(),
            rollouts: self.rollouts(),
            plan: Cow::Borrowed(self),
        };
        let mut bytes = serde_json::to_vec_pretty(&sealed).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// A digest of everything in it.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_of(self)
    }

    /// Reads the saved form.
    ///
    /// # Errors
    /// [`PlanError::Malformed`], [`PlanError::OtherFormat`], [`PlanError::Edited`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PlanError> {
        let malformed = |error| PlanError::Malformed(why_unread(bytes, &error));
        let other = |format: u64| PlanError::OtherFormat(u32::try_from(format).unwrap_or(u32::MAX));
        let sealed: Sealed<'_> = match serde_json::from_slice(bytes) {
            Ok(sealed) => sealed,
            // Of another form only that much can be read.
            Err(error) => {
                let value: serde_json::Value = serde_json::from_slice(bytes).map_err(malformed)?;
                let format = value["plan"]["format"].as_u64();
                let format = format.filter(|format| *format != u64::from(FORMAT));
                return Err(format.map_or_else(|| malformed(error), other));
            }
        };
        if sealed.plan.format != FORMAT {
            return Err(other(sealed.plan.format.into()));
        }
        if sealed.plan.digest() != sealed.digest {
            return Err(PlanError::Edited);
        }
        Ok(sealed.plan.into_owned())
    }

    /// Looks whether it may be applied here and now.
    ///
    /// # Errors
    /// The first reason why not; nothing was called.
    pub fn check(&self, now: &Bound<'_>) -> Result<(), PlanError> {
        if self.tool != now.tool {
            return Err(PlanError::OtherTool {
                made: self.tool.clone(),
                own: now.tool.to_owned(),
            });
        }
        // A plan for a state that had never been saved is stale once it has been.
        if self.lineage != now.state.lineage && !self.lineage.is_empty() {
            return Err(PlanError::Foreign {
                plan: self.lineage.clone(),
                state: now.state.lineage.clone(),
            });
        }
        if self.serial != now.state.serial || self.state_digest != now.state.digest() {
            return Err(PlanError::Stale {
                plan: self.serial,
                state: now.state.serial,
            });
        }
        let planned = |entry: &&Entry| self.open.iter().any(|open| open.op == entry.operation.op);
        if let Some(new) = now.open.iter().find(|entry| !planned(entry)) {
            let Operation { verb, address, .. } = &new.operation;
            return Err(PlanError::OtherOpen(format!(
                "a run left a {verb} of {address} open"
            )));
        }
        if self.open.len() > now.open.len() {
            return Err(PlanError::OtherOpen(
                "operations have ended that were open".to_owned(),
            ));
        }
        if self.nest_digest != now.nest_digest {
            return Err(PlanError::OtherNest);
        }
        if self.variables_digest != now.variables_digest {
            return Err(PlanError::OtherVariables);
        }
        for (provider, account) in &self.accounts {
            let own = now.accounts.get(provider);
            if own != Some(account) {
                return Err(PlanError::OtherAccount {
                    provider: provider.clone(),
                    plan: account.clone(),
                    now: own.cloned().unwrap_or_else(|| "not in the Nest".to_owned()),
                });
            }
        }
        Ok(())
    }
}
