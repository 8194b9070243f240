//! What is there now. Only reads.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use gosling_resource::{Address, Properties, Value};

use crate::plan::{AttributeChange, Drift, Unreadable};
use crate::provider::{CallError, Context, Known, Notes, Observed, Presence, Provider, Secrets};
use crate::run::{Providers, RunError, kind_of};
use crate::state::{Held, State};

/// What was found of a state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// The state as it really is, as far as it could be read.
    pub now: State,
    /// What is different from what it held.
    pub drift: Vec<Drift>,
    /// What could not be read: it stands in `now` as the state held it, and is never taken for gone.
    pub unreadable: Vec<Unreadable>,
}

/// Reads every resource of the state that `wanted` accepts, so many at once at each provider.
///
/// # Errors
/// Where the Nest no longer has a resource's provider, or something has lost its marker.
pub async fn refresh(
    state: &State,
    providers: &Providers,
    secrets: &dyn Secrets,
    parallelism: usize,
    wanted: impl Fn(&Address) -> bool,
) -> Result<Looked, RunError> {
    let (looked, lost) = look(state, providers, secrets, parallelism, wanted).await?;
    match lost {
        Some(lost) => Err(lost),
        None => Ok(looked),
    }
}

/// The same for whoever does nothing around what is there: what has lost its marker counts as what could not be read, and
/// the first of it is given back as well.
///
/// # Errors
/// Where the Nest no longer has a resource's provider.
pub async fn look(
    state: &State,
    providers: &Providers,
    secrets: &dyn Secrets,
    parallelism: usize,
    wanted: impl Fn(&Address) -> bool,
) -> Result<(Looked, Option<RunError>), RunError> {
    let mut asked: BTreeMap<&str, Vec<(&Address, &Held)>> = BTreeMap::new();
    for (address, held) in state.resources.iter().filter(|(address, _)| wanted(address)) {
        asked.entry(&held.provider).or_default().push((address, held));
    }
    let reads = asked
        .into_values()
        .map(|resources| read_all(resources, providers, secrets, parallelism));
    let mut observed: BTreeMap<&Address, Result<Option<Observed>, CallError>> = BTreeMap::new();
    let mut lost = None;
    for (seen, first) in try_join_all(reads).await? {
        observed.extend(seen);
        lost = lost.or(first);
    }
    let mut now = state.clone();
    let mut drift = Vec::new();
    let mut unreadable = Vec::new();
    for (address, observed) in observed {
        match observed {
            Err(error) => unreadable.push(Unreadable {
                address: address.clone(),
                origin: state.resources.get(address).and_then(|held| held.origin.clone()),
                message: error.to_string(),
                help: error.way_out().map(str::to_owned),
            }),
            Ok(None) => {
                now.resources.remove(address);
                drift.push(Drift {
                    address: address.clone(),
                    gone: true,
                    attributes: Vec::new(),
                });
            }
            Ok(Some(observed)) => {
                let Some(held) = now.resources.get_mut(address) else {
                    continue;
                };
                let kind = kind_of(providers, &held.kind);
                let mut attributes = differences(&held.properties, &observed.properties);
                for difference in &mut attributes {
                    // A state holds what is usual only where it is otherwise.
                    let attribute = kind.and_then(|kind| kind.attribute(&difference.name));
                    if let Some(attribute) = attribute {
                        difference.before = attribute.value_in(&held.properties);
                    }
                }
                // What no service tells was not changed at one: a secret has a newer version, which the plan gives on.
                let is_told = |name: &str| {
                    let attribute = kind.and_then(|kind| kind.attribute(name));
                    attribute.is_none_or(|attribute| attribute.observed)
                };
                attributes
                    .retain(|difference| difference.before != difference.after && is_told(&difference.name));
                held.properties.extend(observed.properties);
                held.outputs.extend(observed.outputs);
                if !attributes.is_empty() {
                    drift.push(Drift {
                        address: address.clone(),
                        gone: false,
                        attributes,
                    });
                }
            }
        }
    }
    let looked = Looked {
        now,
        drift,
        unreadable,
    };
    Ok((looked, lost))
}

/// What was found at one provider, and the first that has lost its marker.
type Found<'s> = (
    Vec<(&'s Address, Result<Option<Observed>, CallError>)>,
    Option<RunError>,
);

/// Reads all resources of one provider.
async fn read_all<'s>(
    resources: Vec<(&'s Address, &'s Held)>,
    providers: &Providers,
    secrets: &dyn Secrets,
    parallelism: usize,
) -> Result<Found<'s>, RunError> {
    let Some((address, held)) = resources.first() else {
        return Ok((Vec::new(), None));
    };
    let provider = provider_of(address, held, providers)?;
    let cx = Context::reading(secrets);
    let asked: Vec<Known<'_>> = resources.iter().map(|(_, held)| known(held)).collect();
    let found = provider.read_all(&cx, &asked, parallelism).await;
    let mut seen = Vec::with_capacity(resources.len());
    let mut lost = None;
    for ((address, held), found) in resources.into_iter().zip(found) {
        let has_lost = matches!(found, Ok(Presence::NotOurs(_)));
        let found = found.and_then(Presence::decided);
        // Somebody took the marker away: a person has to look before anything is done around it.
        if let (Err(error), true, None) = (&found, has_lost, &lost) {
            let help = format!(
                "`--target` with other addresses leaves {address} out until then; {}",
                error.way_out().unwrap_or_default()
            );
            lost = Some(unreadable(address, held, error.clone().help(help)));
        }
        seen.push((address, found));
    }
    Ok((seen, lost))
}

fn provider_of<'p>(
    address: &Address,
    held: &Held,
    providers: &'p Providers,
) -> Result<&'p dyn Provider, RunError> {
    let provider = providers.get(&held.provider).map(|provider| &**provider);
    provider.ok_or_else(|| RunError::NoProvider {
        address: Box::new(address.clone()),
        provider: held.provider.clone(),
    })
}

pub(crate) fn known(held: &Held) -> Known<'_> {
    Known {
        kind: &held.kind,
        id: &held.id,
        marker: &held.marker,
        properties: &held.properties,
        outputs: &held.outputs,
    }
}

fn unreadable(address: &Address, held: &Held, error: CallError) -> RunError {
    RunError::Unreadable {
        address: Box::new(address.clone()),
        origin: held.origin.clone(),
        error: Box::new(error),
    }
}

/// Reads one resource.
pub(crate) async fn read(
    address: &Address,
    held: &Held,
    providers: &Providers,
    secrets: &dyn Secrets,
) -> Result<Option<Observed>, RunError> {
    let cx = Context::reading(secrets);
    let read = provider_of(address, held, providers)?
        .read(&cx, &known(held))
        .await;
    read.and_then(Presence::decided)
        .map_err(|error| unreadable(address, held, error))
}

/// The observed attributes that differ from what was held.
pub(crate) fn differences(held: &Properties, observed: &Properties) -> Vec<AttributeChange> {
    let differing = observed.iter().filter_map(|(name, after)| {
        let before = held.get(name).unwrap_or(&Value::Null);
        (before != after).then(|| AttributeChange {
            name: name.clone(),
            before: before.clone(),
            after: after.clone(),
            origin: None,
        })
    });
    differing.collect()
}

/// For calls that note nothing: reading.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

#[async_trait::async_trait]
impl Notes for Silent {
    async fn refer(&self, _: &str, _: &str) -> Result<(), CallError> {
        Ok(())
    }

    fn progress(&self, _: &str, _: &str) {}
}
