//! What carries this Nest's marker and is not in the state.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::journal::Entry;
use gosling_engine::{Action, Finding, Known, Marked, Observed, Plan, Presence, Search, State, Verb};
use gosling_resource::{Address, Properties, Resource, Resources};

use serde_json::{Value as Json, json};

use crate::adoption::would_be_made;
use crate::failure::Failure;
use crate::session::Session;

/// Something that was made for this Nest and is not in the state.
#[derive(Debug, Clone)]
pub struct Orphan {
    /// At which provider.
    pub provider: String,
    /// What was found.
    pub marked: Marked,
    /// The resource of the state that has the same marker: somebody copied a machine with its notes.
    pub copy_of: Option<Address>,
}

impl Orphan {
    /// `proxmox_vm pve1/5001 (app-0)`
    pub fn words(&self) -> String {
        format!("{} {} (`{}`)", self.marked.kind, self.marked.id, self.marked.name)
    }

    /// For programs.
    pub fn as_json(&self) -> Json {
        let marked = &self.marked;
        json!({
            "provider": self.provider, "kind": marked.kind, "id": marked.id, "name": marked.name,
            "address": marked.address, "marker": marked.marker, "copy_of": self.copy_of,
        })
    }

    /// Whether a person means it, by its id or by the address in its marker.
    pub fn is_named(&self, name: &str) -> bool {
        let address = self.marked.address.as_ref();
        name == self.marked.id || address.is_some_and(|address| address.to_string() == name)
    }

    /// Whether this is the number in its id: `5001` of `pve1/5001`.
    fn is_numbered(&self, name: &str) -> bool {
        let number = self.marked.id.rsplit_once('/').map(|(_, number)| number);
        self.marked.address.is_some() && number == Some(name)
    }
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Orphans {
    /// In the order of providers and ids.
    pub all: Vec<Orphan>,
    /// What operations have made so far that have not ended: apply recovers these.
    pub begun: Vec<Orphan>,
    /// Where it could not be looked, and why.
    pub unseen: Vec<String>,
}

impl Orphans {
    /// Those that a person names: by id, by address, `all`, or by the number in an id, where only one has it.
    ///
    /// # Errors
    /// Where a name is no orphan's, or the number of several.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<Orphan>, Failure> {
        let mut chosen: Vec<Orphan> = Vec::new();
        for name in names {
            let exact = |orphan: &&Orphan| name == "all" || orphan.is_named(name);
            let mut named: Vec<&Orphan> = self.all.iter().filter(exact).collect();
            if named.is_empty() && name != "all" {
                named.extend(self.all.iter().filter(|orphan| orphan.is_numbered(name)));
                let ids: Vec<&str> = named.iter().map(|orphan| orphan.marked.id.as_str()).collect();
                if ids.is_empty() {
                    return Err(Failure::new(format!("`{name}` is not an orphan of this Nest"))
                        .help("`gosling orphans` lists them, with their ids"));
                }
                if ids.len() > 1 {
                    return Err(Failure::new(format!(
                        "`{name}` is not one orphan: {} have this number",
                        ids.join(", ")
                    ))
                    .help("name one by its whole id"));
                }
            }
            for orphan in named {
                let key = |of: &Orphan| (of.provider.clone(), of.marked.kind, of.marked.id.clone());
                if !chosen.iter().any(|other| key(other) == key(orphan)) {
                    chosen.push(orphan.clone());
                }
            }
        }
        Ok(chosen)
    }
}

/// What the state knows of a resource, as far as a search needs it.
struct Placed<'a> {
    provider: &'a str,
    kind: &'a str,
    properties: &'a Properties,
}

/// Something that the state knows.
struct Stated<'a> {
    address: &'a Address,
    provider: &'a str,
    kind: &'a str,
    id: &'a str,
    marker: &'a str,
}

fn stated(state: &State) -> Vec<Stated<'_>> {
    let stated = state.resources.iter().map(|(address, held)| Stated {
        address,
        provider: &held.provider,
        kind: &held.kind,
        id: &held.id,
        marker: &held.marker,
    });
    stated.collect()
}

impl Session {
    /// Everything of this Nest that is not in the state: where the Nest asks for something, where the state has
    /// something, and where earlier states had.
    async fn orphans(
        &self,
        wanted: &Resources,
        (state, open): (&State, &[Entry]),
        earlier: &[State],
    ) -> Orphans {
        let wanted = wanted.iter().map(|resource| Placed {
            provider: &resource.provider,
            kind: &resource.kind,
            properties: &resource.properties,
        });
        let held = earlier
            .iter()
            .chain([state])
            .flat_map(|state| state.resources.values());
        let held = held.map(|held| Placed {
            provider: &held.provider,
            kind: &held.kind,
            properties: &held.properties,
        });
        let past = earlier.iter().flat_map(|state| state.resources.values());
        let past = past.map(|held| held.marker.as_str()).collect();
        let mut known = stated(state);
        // The files of what is not there yet are no leftovers either.
        known.extend(open.iter().map(|entry| Stated {
            address: &entry.operation.address,
            provider: &entry.operation.provider,
            kind: &entry.operation.kind,
            id: "",
            marker: &entry.operation.marker,
        }));
        let mut found = self.search(wanted.chain(held), &known, past, true).await;
        let is_begun = |orphan: &mut Orphan| {
            let mut open = open.iter().map(|entry| &entry.operation);
            open.any(|operation| operation.verb == Verb::Create && operation.marker == orphan.marked.marker)
        };
        found.begun = found.all.extract_if(.., is_begun).collect();
        found
    }

    /// The same with what the Nest asks for and the kept states; without a state, of the one that is saved.
    pub async fn all_orphans(&mut self, known: Option<(&State, &[Entry])>) -> Result<Orphans, Failure> {
        let (state, open) = match known {
            Some((state, open)) => (state.clone(), open.to_vec()),
            None => self.at.peek().await?,
        };
        let wanted = self.wanted().await?;
        let earlier = self.at.earlier().await?;
        let mut orphans = self.orphans(&wanted, (&state, &open), &earlier).await;
        let unlisted = self.unlisted().iter().map(crate::planning::Unlisted::words);
        orphans.unseen.extend(unlisted);
        Ok(orphans)
    }

    /// What of this Nest is where a plan would make something, and not in the state.
    pub async fn already_there(&self, plan: &Plan) -> Orphans {
        let made = plan
            .changes
            .iter()
            .filter(|change| change.action == Action::Create);
        let made = made.map(|change| Placed {
            provider: &change.provider,
            kind: &change.kind,
            properties: &change.properties,
        });
        let stated = plan.changes.iter().filter_map(|change| {
            Some(Stated {
                address: &change.address,
                provider: &change.provider,
                kind: &change.kind,
                id: change.id.as_deref()?,
                marker: change.marker.as_deref().unwrap_or_default(),
            })
        });
        self.search(made, &stated.collect::<Vec<_>>(), BTreeSet::new(), false)
            .await
    }

    /// What of this Nest is left where a plan has deleted everything, or where the Nest would have something: a run that
    /// was stopped for long may have made it meanwhile.
    pub async fn left_behind(&self, plan: &Plan, state: &State) -> Orphans {
        let asked = self.wanted_without_asking();
        let asked = asked.iter().map(|resource| Placed {
            provider: &resource.provider,
            kind: &resource.kind,
            properties: &resource.properties,
        });
        let deleted = plan.changes.iter().map(|change| Placed {
            provider: &change.provider,
            kind: &change.kind,
            properties: &change.properties,
        });
        self.search(asked.chain(deleted), &stated(state), BTreeSet::new(), false)
            .await
    }

    async fn search<'a>(
        &self,
        places: impl Iterator<Item = Placed<'a>>,
        stated: &[Stated<'_>],
        earlier: BTreeSet<&str>,
        thorough: bool,
    ) -> Orphans {
        let mut by_provider: BTreeMap<&str, Vec<(&str, &Properties)>> = BTreeMap::new();
        for Placed {
            provider,
            kind,
            properties,
        } in places
        {
            by_provider.entry(provider).or_default().push((kind, properties));
        }
        let mut orphans = Orphans::default();
        let until = Search::end();
        for (label, places) in by_provider {
            let Some(provider) = self.providers.get(label) else {
                orphans
                    .unseen
                    .push(format!("the Nest no longer has the provider `{label}`"));
                continue;
            };
            let own = || stated.iter().filter(|stated| stated.provider == label);
            let search = Search {
                nest: &self.name,
                places,
                known: own().map(|stated| (stated.kind, stated.id)).collect(),
                markers: own()
                    .map(|stated| stated.marker)
                    .filter(|marker| !marker.is_empty())
                    .collect(),
                earlier: earlier.clone(),
                thorough,
                until,
            };
            let searched = provider.marked(&self.context(), &search).await;
            orphans.unseen.extend(searched.unseen);
            orphans.all.extend(searched.marked.into_iter().map(|marked| {
                Orphan {
                    provider: label.into(),
                    copy_of: own()
                        .find(|stated| !marked.marker.is_empty() && stated.marker == marked.marker)
                        .map(|stated| stated.address.clone()),
                    marked,
                }
            }));
        }
        orphans
            .all
            .sort_by(|one, other| (&one.provider, &one.marked.id).cmp(&(&other.provider, &other.marked.id)));
        orphans
    }

    /// What a plan would make twice fails; anything else of this Nest that is seen on the way is a warning. By provider;
    /// and where it could not be looked.
    pub async fn twice(&self, plan: &Plan) -> (Vec<(String, Finding)>, Vec<String>) {
        if !plan.changes.iter().any(|change| change.action == Action::Create) {
            return Default::default();
        }
        let orphans = self.already_there(plan).await;
        let moves = self.moves();
        let findings = orphans.all.iter().map(|orphan| {
            let finding = match would_be_made(plan, orphan, &moves) {
                Some(change) => Finding::failed(
                    change.address.to_string(),
                    format!("it already exists, as {}, and is not in the state", orphan.words()),
                    "`gosling apply --adopt` takes it over; `gosling orphans` lists such things and deletes them; without the marker in its notes, gosling ignores it",
                )
                .at(change)
                .always(),
                None => Finding::warning(
                    "orphans",
                    format!("{} carries this Nest's marker, and is not in the state", orphan.words()),
                    "`gosling orphans` lists what can be adopted or deleted",
                ),
            };
            (orphan.provider.clone(), finding)
        });
        (findings.collect(), orphans.unseen)
    }

    /// Reads something that a resource is to be from now on.
    pub async fn observe(&self, resource: &Resource, id: &str, marker: &str) -> Result<Observed, Failure> {
        let known = Known {
            kind: &resource.kind,
            id,
            marker,
            properties: &resource.properties,
            outputs: &Properties::new(),
        };
        let provider = self.provider(&resource.provider)?;
        let read = provider.read(&self.context(), &known).await;
        let observed = read.and_then(Presence::decided)?;
        observed.ok_or_else(|| Failure::new(format!("there is no {} {id}", resource.kind)))
    }

    /// What this Nest's marker says of something; `None` where it does not carry one.
    pub async fn marked(&self, resource: &Resource, id: &str) -> Option<Marked> {
        let place = Placed {
            provider: &resource.provider,
            kind: &resource.kind,
            properties: &resource.properties,
        };
        let found = self
            .search([place].into_iter(), &[], BTreeSet::new(), false)
            .await;
        let mut all = found.all.into_iter().map(|orphan| orphan.marked);
        all.find(|marked| marked.kind == resource.kind && marked.id == id)
    }
}

/// An address under which something can be deleted that the Nest does not ask for.
pub fn free_address(state: &State, orphan: &Orphan) -> Option<Address> {
    let own = orphan.marked.address.as_ref()?;
    if orphan.copy_of.is_none() && !state.resources.contains_key(own) {
        return Some(own.clone());
    }
    let other = own.of_copy(&orphan.marked.id);
    (!state.resources.contains_key(&other)).then_some(other)
}
