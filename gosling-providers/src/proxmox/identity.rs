//! Which cluster answers: behind the same address may be another one, and machines that are not there are not gone then.

use gosling_engine::{CallError, Doubt, Known, Observed, Operation, Presence, marker};
use gosling_resource::Value;
use serde_json::Value as Json;

use super::Proxmox;
use super::api::Api;
use super::cluster::Cluster;
use super::trouble::Trouble;
use super::work::{Found, Work};
use crate::http::segment;

/// What a machine is given as its cluster.
pub(super) const CLUSTER: &str = "cluster";
/// The file that the certificate of a cluster's own authority lies in. It is made with the cluster, is the same on all
/// its nodes, and good for ten years; a node's own certificate may be another every two months.
const AUTHORITY: &str = "pve-root-ca.pem";

impl Proxmox {
    /// Goes on where another cluster answers than the one that the machines were made in: those that are not there are
    /// gone.
    pub fn accept_cluster(&self) {
        self.accepted.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// What tells the cluster from every other, as one of its nodes has it; `None` where nobody says.
    pub(super) async fn identity(&self, api: &Api<'_>, node: &str) -> Option<String> {
        let known = self.identity.get_or_try_init(|| async {
            let path = format!("/nodes/{}/certificates/info", segment(node));
            let certificates = api.get(&path).await.map_err(drop)?;
            authority(&certificates).ok_or(())
        });
        known.await.ok().cloned()
    }

    /// The same as any of its nodes has it.
    async fn present(&self, api: &Api<'_>) -> Result<Option<String>, CallError> {
        if let Some(known) = self.identity.get() {
            return Ok(Some(known.clone()));
        }
        let cluster = Cluster::of(api).await.map_err(Trouble::harmless)?;
        for node in &cluster.nodes {
            if let Some(known) = self.identity(api, &node.name).await {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// Whether another cluster certainly answers than the one that these machines were created in.
    pub(super) async fn is_same(&self, work: &Work<'_>, resources: &[Known<'_>]) -> Result<(), CallError> {
        let made: Vec<&str> = resources.iter().filter_map(made_in).collect();
        if made.is_empty() || self.is_accepted() {
            return Ok(());
        }
        match self.present(&work.api).await? {
            Some(now) if !made.contains(&now.as_str()) => {
                // Where a machine is, its cluster answers, whatever says so now.
                for resource in resources {
                    if matches!(super::read(work, resource, None).await, Ok(Presence::Here(_))) {
                        return Ok(());
                    }
                }
                let machines = match made.len() {
                    1 => "the machine was".to_owned(),
                    count => format!("the {count} machines were"),
                };
                Err(self.other(&format!(
                    "it is another cluster than the one that {machines} created in"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether an operation that is carried out again was begun in the cluster that answers. Where that is not known, it
    /// stays open.
    pub(super) async fn began_here(
        &self,
        work: &Work<'_>,
        operation: &Operation,
        (node, vmid): (&str, u32),
    ) -> Result<(), CallError> {
        let own = operation.place.as_ref().filter(|_| operation.again);
        let Some(own) = own.filter(|_| !self.is_accepted()) else {
            return Ok(());
        };
        let now = self.present(&work.api).await.map_err(CallError::after_changes)?;
        if now.as_ref() == Some(own) {
            return Ok(());
        }
        let found = work.find(node, vmid).await;
        let found = found.map_err(|trouble| trouble.harmless().after_changes())?;
        let carries =
            |found: &Found| marker::all_in(found.config.notes()).any(|at| at.text == operation.marker);
        if found.is_some_and(|found| carries(&found)) {
            return Ok(());
        }
        let verb = operation.verb;
        match now {
            Some(_) => Err(self.other(&format!(
                "it is another cluster than the one that the {verb} was begun in"
            ))),
            None => Err(self.other(&format!(
                "nothing says that it is the cluster that the {verb} was begun in"
            ))),
        }
        .map_err(CallError::after_changes)
    }

    fn is_accepted(&self) -> bool {
        self.accepted.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn other(&self, why: &str) -> CallError {
        CallError::failed(format!("{} answers, and {why}", self.settings.endpoint.base))
            .help(self.accepting())
    }

    /// What to do where another cluster answers.
    fn accepting(&self) -> String {
        let name = &self.settings.name;
        format!(
            "look at the `endpoint` of the provider `{name}`; if the cluster was moved or rebuilt and the machines are \
             lost, `--accept-cluster {name}` with plan, apply, destroy or refresh continues with what is there"
        )
    }

    /// Notes in which cluster a machine is, where that is known.
    pub(super) async fn say_where(&self, work: &Work<'_>, observed: &mut Observed) {
        let node = observed.id.split('/').next().unwrap_or_default();
        if let Some(cluster) = self.identity(&work.api, node).await {
            observed.outputs.insert(CLUSTER.into(), cluster.into());
        }
    }

    /// Turns `Gone` into a doubt for every machine of which nobody knows that it was made in the cluster that answers.
    pub(super) async fn doubt_gone<E: Send>(
        &self,
        api: &Api<'_>,
        node: Option<&str>,
        resources: &[Known<'_>],
        found: &mut [Result<Presence, E>],
    ) {
        let is_gone = |found: &Result<Presence, E>| matches!(found, Ok(Presence::Gone));
        if self.is_accepted() || !found.iter().any(is_gone) {
            return;
        }
        let now = match node {
            Some(node) => self.identity(api, node).await,
            None => None,
        };
        let here = resources.iter().zip(found.iter());
        let here = here.filter(|(_, found)| matches!(found, Ok(Presence::Here(_))));
        // Where a machine is, the cluster that it was made in answers, whatever says so now.
        let here: Vec<Option<&str>> = here.map(|(resource, _)| made_in(resource)).collect();
        let mut lost: Vec<(usize, bool)> = Vec::new();
        for (at, resource) in resources
            .iter()
            .enumerate()
            .filter(|(at, _)| is_gone(&found[*at]))
        {
            match (made_in(resource), now.as_deref()) {
                (Some(own), Some(now)) if own == now || here.contains(&Some(own)) => {}
                (Some(_), Some(_)) => lost.push((at, true)),
                _ if here.is_empty() => lost.push((at, false)),
                _ => {}
            }
        }
        let other = lost.iter().any(|(_, other)| *other);
        for (at, _) in &lost {
            found[*at] = Ok(Presence::NotOurs(self.doubt(lost.len(), other)));
        }
    }

    fn doubt(&self, count: usize, other: bool) -> Doubt {
        let base = &self.settings.endpoint.base;
        let (missing, machines) = match count {
            1 => ("its machine is not there".to_owned(), "machine was"),
            count => (format!("{count} machines are not there"), "machines were"),
        };
        let why = match other {
            true => format!("it is another cluster than the one that the {machines} created in"),
            false => format!("nothing says that it is the cluster that the {machines} created in"),
        };
        Doubt {
            message: format!("{base} answers, {missing}, and {why}"),
            help: self.accepting(),
        }
    }
}

/// The cluster that a machine was made in; `None` where the state is of before that was kept.
fn made_in<'k>(resource: &Known<'k>) -> Option<&'k str> {
    resource.outputs.get(CLUSTER).and_then(Value::as_text)
}

fn authority(certificates: &Json) -> Option<String> {
    let mut all = certificates.as_array().into_iter().flatten();
    let is_its = |certificate: &&Json| {
        let file = certificate.get("filename").and_then(Json::as_str);
        file.is_some_and(|file| file.ends_with(AUTHORITY))
    };
    let text = all.find(is_its)?.get("fingerprint")?.as_str()?;
    // It goes into the state: only what a fingerprint is made of, and not more of it.
    let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    (plain && !text.is_empty() && text.len() <= 128).then(|| text.to_owned())
}
