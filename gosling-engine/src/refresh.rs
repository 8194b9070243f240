//! What is there now. Only reads.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use gosling_resource::{Address, Properties, Value};

use crate::plan::{AttributeChange, Drift};
use crate::provider::{Context, Known, Notes, Observed, Secrets};
use crate::run::{Providers, RunError};
use crate::state::{Held, State};

/// Reads every resource of the state that `wanted` accepts, so many at once. Returns the state as it really is and
/// what is different from what it held.
///
/// # Errors
/// Where a resource could not be read: what is not known is never taken for gone.
pub async fn refresh(
    state: &State,
    providers: &Providers,
    secrets: &dyn Secrets,
    parallelism: usize,
    wanted: impl Fn(&Address) -> bool,
) -> Result<(State, Vec<Drift>), RunError> {
    let reads =
        state
            .resources
            .iter()
            .filter(|(address, _)| wanted(address))
            .map(|(address, held)| async move {
                let observed = read(address, held, providers, secrets).await?;
                Ok::<_, RunError>((address.clone(), observed))
            });
    let observed: BTreeMap<Address, Option<Observed>> = stream::iter(reads)
        .buffer_unordered(parallelism.max(1))
        .try_collect()
        .await?;
    let mut now = state.clone();
    let mut drift = Vec::new();
    for (address, observed) in observed {
        match observed {
            None => {
                now.resources.remove(&address);
                drift.push(Drift {
                    address,
                    gone: true,
                    attributes: Vec::new(),
                });
            }
            Some(observed) => {
                let Some(held) = now.resources.get_mut(&address) else {
                    continue;
                };
                let attributes = differences(&held.properties, &observed.properties);
                held.properties.extend(observed.properties);
                held.outputs.extend(observed.outputs);
                if !attributes.is_empty() {
                    drift.push(Drift {
                        address,
                        gone: false,
                        attributes,
                    });
                }
            }
        }
    }
    Ok((now, drift))
}

/// Reads one resource.
pub(crate) async fn read(
    address: &Address,
    held: &Held,
    providers: &Providers,
    secrets: &dyn Secrets,
) -> Result<Option<Observed>, RunError> {
    let provider = providers
        .get(&held.provider)
        .ok_or_else(|| RunError::NoProvider {
            address: Box::new(address.clone()),
            provider: held.provider.clone(),
        })?;
    let cx = Context {
        secrets,
        notes: &Silent,
    };
    let known = Known {
        kind: &held.kind,
        id: &held.id,
        marker: &held.marker,
        properties: &held.properties,
    };
    provider
        .read(&cx, &known)
        .await
        .map_err(|error| RunError::Unreadable {
            address: Box::new(address.clone()),
            origin: held.origin.clone(),
            error: Box::new(error),
        })
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
    async fn refer(&self, _: &str, _: &str) -> Result<(), crate::CallError> {
        Ok(())
    }

    fn progress(&self, _: &str, _: &str) {}
}
