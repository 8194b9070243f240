//! What gosling knows of what it made.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;

use gosling_resource::{Address, Origin, Properties, Resource, Resources, Rollout, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use thiserror::Error;

use crate::journal::{Entry, Seen, Stage};
use crate::operation::{Operation, Verb};
use crate::provider::{Marked, Observed};
use crate::stamp::{self, StampError, Stamped};
use crate::store::Holder;
use crate::wrong_secret::why_unread;

/// The version of the saved form.
const VERSION: u32 = 1;

/// Everything that was made and not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Tells this state from that of every other Nest; made with the first save.
    pub lineage: String,
    /// The name of its Nest; empty in states of before this was kept, and gets its value when one of those is read.
    pub nest: String,
    /// How often it was saved.
    pub serial: u64,
    /// The lock under which it was last saved.
    pub epoch: u64,
    /// Who saved it, and doing what; `None` in states of before this was kept.
    pub written: Option<Written>,
    /// Whether a run was under way when it was saved: what else that run did is in the journal.
    pub under_way: bool,
    /// By address.
    pub resources: BTreeMap<Address, Held>,
}

/// Who saved a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// When its lock was taken, as RFC 3339 in UTC.
    pub since: String,
    /// `user@host`.
    pub by: String,
    /// What they did: `gosling apply`.
    pub command: String,
}

impl From<&Holder> for Written {
    fn from(holder: &Holder) -> Self {
        Self {
            since: holder.since.clone(),
            by: format!("{}@{}", holder.user, holder.host),
            command: holder.command.clone(),
        }
    }
}

/// A resource that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its kind.
    pub kind: SmolStr,
    /// Who made it.
    pub provider: SmolStr,
    /// What the API calls it.
    pub id: String,
    /// What it has carried since it was made; empty for what was imported.
    pub marker: String,
    /// What it is like: as asked for, and where the API tells, as it was last seen.
    pub properties: Properties,
    /// Those of the properties whose values other resources gave, as they were asked for: with the outputs in them.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub given: Properties,
    /// What others may refer to.
    pub outputs: Properties,
    /// What must not go before it.
    pub depends_on: BTreeSet<Address>,
    /// For a machine of a pool, how the pool is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Where it was asked for.
    pub origin: Option<Origin>,
    /// Whether somebody gave it another address by hand, and no apply has followed: what was only put into it when it
    /// was made stays as it is then, as with a `moved` block.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renamed: bool,
}

impl Held {
    /// What it is known by, whatever its address and its properties.
    pub(crate) fn identity(&self) -> (&str, &str, &str) {
        (&self.provider, &self.kind, &self.id)
    }

    /// Gives the resources that it needs their new addresses.
    pub(crate) fn rename_needs(&mut self, renamed: impl Fn(&Address) -> Address) {
        self.depends_on = self.depends_on.iter().map(&renamed).collect();
        for value in self.given.values_mut() {
            rename_in(value, &renamed);
        }
    }

    /// Forgets that it needs this one, whose value stays with it.
    fn forget_need(&mut self, address: &Address) {
        self.depends_on.remove(address);
        self.given.retain(|_, value| !value.outputs().contains(&address));
    }
}

fn rename_in(value: &mut Value, renamed: &impl Fn(&Address) -> Address) {
    match value {
        Value::Output(output) => output.of = renamed(&output.of),
        Value::List(values) => values.iter_mut().for_each(|value| rename_in(value, renamed)),
        Value::Map(values) => values.values_mut().for_each(|value| rename_in(value, renamed)),
        _ => {}
    }
}

/// The saved form. Versions and members that this program does not know are refused, never guessed at.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved<'s> {
    version: u32,
    lineage: Cow<'s, str>,
    #[serde(default)]
    nest: Cow<'s, str>,
    serial: u64,
    epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written: Option<Cow<'s, Written>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    under_way: bool,
    resources: Cow<'s, BTreeMap<Address, Held>>,
    /// Put in by the stamp.
    #[serde(default, skip_serializing)]
    digest: Option<String>,
}

impl Stamped for Saved<'_> {
    fn names_digest(&self) -> bool {
        self.digest.is_some()
    }
}

/// Why a state cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StateError {
    /// It is no state.
    #[error("this is not a gosling state file: {0}")]
    Malformed(String),
    /// It is not what was saved.
    #[error("the state is damaged: its text does not have the digest that it was saved with")]
    Damaged,
    /// Two Nests keep their states in one place, or a Nest has a new name.
    #[error("the state is that of the Nest `{theirs}`, and this is the Nest `{ours}`")]
    AnotherNest {
        /// Whose state it is.
        theirs: String,
        /// Who reads it.
        ours: String,
    },
    /// A later gosling wrote it.
    #[error("the state has version {0}, and this gosling knows only version {VERSION}: use a newer one")]
    Newer(u32),
    /// Something in it cannot be. It is a mistake of gosling's own.
    #[error("the state does not hold together: {0}")]
    Broken(String),
}

impl StateError {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> Option<String> {
        match self {
            Self::Malformed(_) | Self::Damaged => Some(
                "`gosling state history` lists the states that are kept, and `gosling state repair` continues from the \
                 latest of them"
                    .to_owned(),
            ),
            Self::AnotherNest { theirs, .. } => Some(format!(
                "give this Nest a place of its own in its `state` block; or, if it is the same Nest and was renamed or \
                 its folder was, `nest {{ name = \"{theirs}\" }}` says so"
            )),
            Self::Newer(_) | Self::Broken(_) => None,
        }
    }
}

impl State {
    /// Reads the saved form.
    ///
    /// # Errors
    /// Where it is none, or a later one, or not as it was saved.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let saved = stamp::read::<Saved<'_>>(bytes).map_err(|error| match error {
            StampError::Damaged => StateError::Damaged,
            StampError::Malformed(why) => unreadable(bytes, why),
        })?;
        // A state that names its Nest was saved with a digest: somebody took it out.
        if !saved.nest.is_empty() && !saved.names_digest() {
            return Err(StateError::Damaged);
        }
        Self::from_saved(saved)
    }

    /// Reads the saved form after somebody may have edited it: its digest is that of before.
    ///
    /// # Errors
    /// Where it is none, or a later one.
    pub fn from_edited(bytes: &[u8]) -> Result<Self, StateError> {
        let malformed = |error| unreadable(bytes, why_unread(bytes, &error));
        let saved = serde_json::from_slice(bytes).map_err(malformed)?;
        Self::from_saved(saved)
    }

    fn from_saved(saved: Saved<'_>) -> Result<Self, StateError> {
        if saved.version != VERSION {
            return Err(StateError::Newer(saved.version));
        }
        let state = Self {
            lineage: saved.lineage.into_owned(),
            nest: saved.nest.into_owned(),
            serial: saved.serial,
            epoch: saved.epoch,
            written: saved.written.map(Cow::into_owned),
            under_way: saved.under_way,
            resources: saved.resources.into_owned(),
        };
        state.verify()?;
        Ok(state)
    }

    /// This state as that of a Nest. One of before Nests were named in states takes the name.
    ///
    /// # Errors
    /// [`StateError::AnotherNest`].
    pub fn of_nest(mut self, nest: &str) -> Result<Self, StateError> {
        if self.nest.is_empty() {
            nest.clone_into(&mut self.nest);
        }
        match self.nest == nest {
            true => Ok(self),
            false => Err(StateError::AnotherNest {
                theirs: self.nest,
                ours: nest.to_owned(),
            }),
        }
    }

    /// What is saved of it.
    fn saved(&self) -> Saved<'_> {
        Saved {
            version: VERSION,
            lineage: Cow::Borrowed(&self.lineage),
            nest: Cow::Borrowed(&self.nest),
            serial: self.serial,
            epoch: self.epoch,
            written: self.written.as_ref().map(Cow::Borrowed),
            under_way: self.under_way,
            resources: Cow::Borrowed(&self.resources),
            digest: None,
        }
    }

    /// The saved form: JSON with a digest of itself, the same state always the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Maps with text keys and plain values: there is nothing in it that JSON cannot hold.
        stamp::stamp(&serde_json::to_vec_pretty(&self.saved()).unwrap_or_default())
    }

    /// A digest of everything in it but who saved it and when in a run: two states with the same digest hold the same.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_of(&Saved {
            epoch: 0,
            written: None,
            under_way: false,
            ..self.saved()
        })
    }

    /// Holds after any crash:
    /// 1. every resource has an id;
    /// 2. no two resources of one provider and kind have the same id;
    /// 3. nothing depends on itself, directly or by others;
    /// 4. a marker names one resource, but for copies that are about to be deleted.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn verify(&self) -> Result<(), StateError> {
        let broken = |words: String| Err(StateError::Broken(words));
        let mut ids = HashSet::new();
        let mut markers = HashSet::new();
        for (address, held) in &self.resources {
            if held.id.is_empty() {
                return broken(format!("1: {address} has no id"));
            }
            if !ids.insert((&held.provider, &held.kind, &held.id)) {
                return broken(format!("2: {} {} stands in it twice", held.kind, held.id));
            }
            if !held.marker.is_empty() && !address.is_copy() && !markers.insert(&held.marker) {
                return broken(format!("4: the marker {} stands in it twice", held.marker));
            }
        }
        let needs = |address: &&Address| match self.resources.get(*address) {
            Some(held) => held.depends_on.iter().collect(),
            None => Vec::new(),
        };
        match crate::graph::cycle(self.resources.keys(), needs) {
            Some(address) => broken(format!("3: {address} depends on itself")),
            None => Ok(()),
        }
    }

    /// Takes in something that somebody else made and a Nest asks for from now on. It has no marker that could be looked
    /// for; what the API does not tell is taken to be as the Nest says.
    pub fn import(&mut self, resource: &Resource, observed: Observed) {
        let mut properties = crate::apply::with_outputs(&resource.properties, self);
        properties.retain(|_, value| value.outputs().is_empty());
        properties.extend(observed.properties);
        let given = self.given_to(resource);
        let needs = resource.needs().into_iter();
        let depends_on = needs.filter(|need| self.resources.contains_key(need)).collect();
        let held = Held {
            kind: resource.kind.clone(),
            provider: resource.provider.clone(),
            id: observed.id,
            marker: String::new(),
            properties,
            given,
            outputs: observed.outputs,
            depends_on,
            rollout: resource.rollout,
            origin: resource.origin.clone(),
            renamed: false,
        };
        self.resources.insert(resource.address.clone(), held);
    }

    /// Those of a resource's properties that resources of the state give.
    fn given_to(&self, resource: &Resource) -> Properties {
        let given = resource.properties.iter().filter(|(_, value)| {
            let outputs = value.outputs();
            !outputs.is_empty() && outputs.iter().all(|of| self.resources.contains_key(of))
        });
        given.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Lets what is in the state and needs this resource need it again: with `state rm` it was forgotten that it does.
    /// Gives back what needs it.
    pub fn restore_needs(&mut self, wanted: &Resources, address: &Address) -> Vec<Address> {
        let mut needed_by = Vec::new();
        for other in wanted.iter().filter(|other| other.needs().contains(address)) {
            let given = self.given_to(other);
            if let Some(held) = self.resources.get_mut(&other.address) {
                held.depends_on.insert(address.clone());
                held.given = given;
                needed_by.push(other.address.clone());
            }
        }
        needed_by
    }

    /// Takes in something that gosling made for the Nest and that the state does not know. What the API does not tell is
    /// taken to be as the Nest says.
    pub fn adopt(&mut self, resource: &Resource, marker: &str, observed: Observed) {
        self.import(resource, observed);
        if let Some(held) = self.resources.get_mut(&resource.address) {
            marker.clone_into(&mut held.marker);
        }
    }

    /// Takes in something that gosling made for the Nest, which asks for it no more: so that it can be deleted.
    pub fn adopt_unasked(&mut self, address: Address, provider: &str, marked: &Marked) {
        let held = Held {
            kind: marked.kind.into(),
            provider: provider.into(),
            id: marked.id.clone(),
            marker: marked.marker.clone(),
            properties: marked.properties.clone(),
            given: Properties::new(),
            outputs: Properties::new(),
            depends_on: BTreeSet::new(),
            rollout: None,
            origin: None,
            renamed: false,
        };
        self.resources.insert(address, held);
    }

    /// Where something is in the state, by what the API calls it.
    #[must_use]
    pub fn address_of(&self, provider: &str, kind: &str, id: &str) -> Option<&Address> {
        let mut all = self.resources.iter();
        let found = all.find(|(_, held)| held.identity() == (provider, kind, id));
        found.map(|(address, _)| address)
    }

    /// Gives a resource another address, wherever it is named. What it was made as stays in its marker.
    pub fn rename(&mut self, from: &Address, to: &Address) {
        let Some(mut resource) = self.resources.remove(from) else {
            return;
        };
        resource.renamed = true;
        self.resources.insert(to.clone(), resource);
        for held in self.resources.values_mut() {
            held.rename_needs(|address| if address == from { to } else { address }.clone());
        }
    }

    /// Forgets a resource, which stays where it is.
    pub fn forget(&mut self, address: &Address) {
        self.resources.remove(address);
        for held in self.resources.values_mut() {
            held.forget_need(address);
        }
    }
}

/// Why bytes are no saved form. Of another version only that much can be read.
fn unreadable(bytes: &[u8], why: String) -> StateError {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    match serde_json::from_slice(bytes) {
        Ok(Version { version }) if version != VERSION => StateError::Newer(version),
        _ => StateError::Malformed(why),
    }
}

/// A state that takes in outcomes, and finds by its id what an outcome puts an end to.
#[derive(Debug)]
pub(crate) struct Intake {
    /// The state with all that was taken in.
    pub(crate) state: State,
    /// Where a provider, a kind and an id were last seen. What a place holds now is looked up there.
    places: HashMap<(SmolStr, SmolStr, String), Address>,
}

impl Intake {
    /// Into this state.
    pub(crate) fn of(state: State) -> Self {
        let places = state.resources.iter();
        let places = places.map(|(address, held)| (place(held), address.clone()));
        Self {
            places: places.collect(),
            state,
        }
    }

    /// Takes in what a journal says has been done. Doing it twice changes nothing.
    pub(crate) fn replay(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Stage::Done(seen) = &entry.stage {
                self.done(&entry.operation, &entry.depends_on, seen.as_ref());
            }
        }
    }

    /// Takes in the outcome of one operation.
    pub(crate) fn done(&mut self, operation: &Operation, depends_on: &[String], seen: Option<&Seen>) {
        let resources = &mut self.state.resources;
        match (operation.verb, seen) {
            (Verb::Delete, _) => {
                // A number may have come back and be another's by now: the marker tells.
                let same = |held: &Held| {
                    operation.id.as_deref() == Some(held.id.as_str()) && operation.marker == held.marker
                };
                if resources.get(&operation.address).is_some_and(same) {
                    resources.remove(&operation.address);
                }
            }
            (Verb::Create | Verb::Update, None) => {}
            (Verb::Create | Verb::Update, Some(seen)) => {
                let mut properties = operation.properties.clone();
                properties.extend(seen.properties.clone());
                let origin = resources
                    .get(&operation.address)
                    .and_then(|held| held.origin.clone());
                let held = Held {
                    kind: operation.kind.clone(),
                    provider: operation.provider.clone(),
                    id: seen.id.clone(),
                    marker: operation.marker.clone(),
                    properties,
                    given: operation.given.clone(),
                    outputs: seen.outputs.clone(),
                    depends_on: depends_on.iter().filter_map(|text| text.parse().ok()).collect(),
                    rollout: operation.rollout,
                    origin,
                    renamed: false,
                };
                // An API gives an id that is in use to nobody else: whoever had this one is gone.
                let had = self.places.insert(place(&held), operation.address.clone());
                if let Some(had) = had {
                    let gone = |other: &Held| other.marker != held.marker && place(other) == place(&held);
                    if resources.get(&had).is_some_and(gone) {
                        resources.remove(&had);
                    }
                }
                resources.insert(operation.address.clone(), held);
            }
        }
    }
}

/// What tells a resource from every other in the world.
fn place(held: &Held) -> (SmolStr, SmolStr, String) {
    (held.provider.clone(), held.kind.clone(), held.id.clone())
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// SHA-256 of a value's JSON in hexadecimal, without having all of that in memory.
pub(crate) fn digest_of(value: &impl Serialize) -> String {
    let mut hashing = io::BufWriter::with_capacity(1 << 16, Hashing(Sha256::new()));
    // Maps with text keys and plain values: there is nothing that JSON cannot hold, and hashing does not fail.
    let written = serde_json::to_writer(&mut hashing, value).map_err(io::Error::from);
    match written.and_then(|()| Ok(hashing.into_inner()?)) {
        Ok(Hashing(hash)) => hexadecimal(&hash.finalize()),
        Err(_) => String::new(),
    }
}

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
