//! Proxmox VE: virtual machines, through its API alone.

mod api;
mod booted;
mod cluster;
#[cfg(test)]
mod contract;
mod files;
mod firewall;
mod identity;
mod making;
mod networks;
mod placing;
mod power;
mod preflight;
mod privileges;
mod reached;
mod remarks;
mod removing;
mod role;
mod search;
mod seed;
mod shaping;
mod sign;
mod trouble;
mod wanted;
mod work;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use gosling_engine::{
    Action, CallError, Change, Context, Doubt, Finding, Held, Known, Observed, Operation, Presence, Provider,
    Remark, Search, Searched, each, marker,
};
use gosling_resource::{Address, Kind, Properties, Secret, SecretUri, Value};
use tokio::sync::OnceCell;

use self::api::Api;
use self::cluster::{Cluster, Guest};
use self::making::Making;
use self::placing::{parts, place};
use self::power::Off;
use self::reached::Reached;
use self::removing::remove;
use self::sign::Sign;
use self::trouble::{Kind as Went, Trouble};
use self::wanted::Wanted;
use self::work::{Found, Limits, Work, path};
use crate::http::{Client, Endpoint};

pub use self::wanted::PROXMOX_VM;

/// A `provider "proxmox"` block.
#[derive(Debug, Clone)]
pub struct ProxmoxSettings {
    /// How the provider is called: `proxmox`, `proxmox.lab`.
    pub name: String,
    /// Where the cluster's API is, and whose certificate is believed there.
    pub endpoint: Endpoint,
    /// The API token's id: `gosling@pve!ci`.
    pub token_id: String,
    /// Where the API token's secret is.
    pub token: SecretUri,
}

/// A cluster of Proxmox VE, seen with one API token.
#[derive(Debug)]
pub struct Proxmox {
    settings: ProxmoxSettings,
    client: Client,
    limits: Limits,
    /// What tells the cluster from every other, once that was asked.
    identity: OnceCell<String>,
    /// Whether it is the right one whatever it says.
    accepted: AtomicBool,
    /// Which nodes have answered.
    reached: Reached,
}

/// How a machine is at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineState {
    /// Whether it runs.
    pub running: bool,
    /// Since when.
    pub uptime: Duration,
    /// Whether its guest agent answers; false also while it boots.
    pub agent: bool,
    /// The addresses that its guest agent tells, without those that mean only itself.
    pub addresses: Vec<String>,
    /// Why a plan would not take it for the machine that the state knows: its notes have lost the marker.
    pub doubt: Option<Doubt>,
}

impl Proxmox {
    /// Makes ready, and calls nobody.
    ///
    /// # Errors
    /// [`CallError::Failed`] where the endpoint is no address, or a certificate or fingerprint cannot be read.
    pub fn new(settings: ProxmoxSettings) -> Result<Self, CallError> {
        let client = Client::new(&settings.endpoint)?;
        Ok(Self {
            settings,
            client,
            limits: Limits::default(),
            identity: OnceCell::new(),
            accepted: AtomicBool::new(false),
            reached: Reached::default(),
        })
    }

    /// How a machine is; `None` where there is none of that id, or this Nest has made another with it. An empty marker
    /// accepts any machine.
    ///
    /// # Errors
    /// Any failed call; nothing was changed.
    pub async fn machine(
        &self,
        cx: &Context<'_>,
        id: &str,
        marker: &str,
    ) -> Result<Option<MachineState>, CallError> {
        let (node, vmid) = parts(id)?;
        let work = self.work(cx, "").await?;
        let found = work.find(node, vmid).await.map_err(Trouble::harmless)?;
        let Some(found) = found else {
            return Ok(None);
        };
        let doubt = match another(&found, marker) {
            Some(Presence::NotOurs(doubt)) => Some(doubt),
            Some(_) => return Ok(None),
            None => None,
        };
        let path = path(&found.node, found.vmid);
        let status = work
            .api
            .get(&format!("{path}/status/current"))
            .await
            .map_err(Trouble::harmless)?;
        let running = status.get("status").and_then(serde_json::Value::as_str) == Some("running");
        let seconds = status
            .get("uptime")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0);
        // Whatever the agent says but "pong" is silence.
        let agent = running && work.api.ask(&format!("{path}/agent/ping")).await.is_ok();
        let addresses = match agent {
            true => booted::addresses(&work, &path).await,
            false => Vec::new(),
        };
        Ok(Some(MachineState {
            running,
            uptime: Duration::from_secs(seconds),
            agent,
            addresses,
            doubt,
        }))
    }

    async fn make(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let wanted = Wanted::of(&operation.properties)?;
        let reserved = operation.reserved.as_deref().unwrap_or_default();
        let (node, vmid) = parts(reserved)?;
        let mut work = self.work(cx, &operation.op).await?;
        self.began_here(&work, operation, (node, vmid)).await?;
        work.api.signs = vec![Sign::Marker(&operation.marker)];
        let making = Making {
            work: &work,
            operation,
            wanted: &wanted,
            node,
            vmid,
        };
        let mut made = making.make().await.map_err(CallError::from)?;
        self.say_where(&work, &mut made).await;
        Ok(made)
    }

    async fn work<'a>(&'a self, cx: &'a Context<'a>, op: &'a str) -> Result<Work<'a>, CallError> {
        let secret = cx.secrets.read(&self.settings.token).await?;
        let token_id = &self.settings.token_id;
        let header = format!("PVEAPIToken={token_id}={}", secret.expose().trim_end());
        Ok(Work {
            api: Api {
                client: &self.client,
                token_id,
                authorization: Secret::new(header),
                fence: cx.fence,
                signs: Vec::new(),
                reached: &self.reached,
            },
            limits: &self.limits,
            cx,
            op,
        })
    }
}

/// Reads a machine, with what a list says of it, where there is one.
async fn read(work: &Work<'_>, resource: &Known<'_>, listed: Option<&Guest>) -> Result<Presence, CallError> {
    let (node, vmid) = parts(resource.id)?;
    let node = listed.map_or(node, |guest| &guest.node);
    let found = work.find(node, vmid).await.map_err(Trouble::harmless)?;
    let Some(found) = found else {
        return Ok(Presence::Gone);
    };
    if let Some(presence) = another(&found, resource.marker) {
        return Ok(presence);
    }
    let mut observed = shaping::observed(work, &found, resource.properties, listed)
        .await
        .map_err(Trouble::harmless)?;
    if let Some(guest) = listed {
        observed.outputs.extend(remarks::facts(&found, guest));
    }
    Ok(Presence::Here(observed))
}

/// What became of a machine with this marker where something else has its VMID, or may have; `None`: this is the machine.
/// Without a marker to look for, as at an import, any machine will do.
fn another(found: &Found, marker: &str) -> Option<Presence> {
    if let Some(doubt) = template(found) {
        return Some(Presence::NotOurs(doubt));
    }
    if marker::is_in(found.config.notes(), marker) {
        return None;
    }
    // A VMID is one machine's alone: where gosling made another with it, the earlier one is gone.
    Some(unmarked(found, marker).map_or(Presence::Gone, Presence::NotOurs))
}

/// A template is no machine of a Nest, also where it was made of one: others are cloned from it.
fn template(found: &Found) -> Option<Doubt> {
    (found.config.get("template") == Some("1")).then(|| Doubt {
        message: format!("{} is a template, and not a machine", found.id()),
        help:
            "name a machine; where a template was made of one of this Nest's, `gosling state rm` forgets it"
                .to_owned(),
    })
}

/// What to say where the VMID of a machine of ours belongs to one without any marker, or with another Nest's.
fn unmarked(found: &Found, marker: &str) -> Option<Doubt> {
    if marker::all_in(found.config.notes()).next().is_some() {
        // Where this Nest made another machine with the number, the earlier one is gone.
        return Doubt::of_another_nest(&found.id(), found.config.notes(), marker);
    }
    let (id, name) = (found.id(), found.config.get("name").unwrap_or_default());
    Some(Doubt {
        message: format!(
            "the notes of {id} (`{name}`) no longer have the marker by which gosling recognises it"
        ),
        help: format!(
            "if it is still the same machine, put this line back into its notes: {marker}; if another machine has its \
             number now, `gosling state rm` forgets the old one"
        ),
    })
}

/// What is known of a machine on a node that is away: nothing.
fn is_offline(node: &str) -> CallError {
    CallError::failed(format!("its node {node} is offline, so its state is unknown")).help(
        "what does not need it continues. `--replace ADDRESS` makes another on a node that is online, and deletes this one when its node is back; `gosling destroy --skip-unreachable` keeps it for later in the same way; `gosling state rm ADDRESS` forgets it",
    )
}

/// What to do about the create of a machine on a node that cannot be reached any more.
fn create_on_lost_node(address: &Address) -> String {
    format!(
        "is the node up? `gosling apply` recovers the create when it is; if the node is lost, `gosling state abandon '{address}'` gives it up, and the next apply chooses another node"
    )
}

static KINDS: [&Kind; 1] = [&PROXMOX_VM];

#[async_trait]
impl Provider for Proxmox {
    fn kinds(&self) -> &'static [&'static Kind] {
        &KINDS
    }

    fn account(&self) -> String {
        format!("{} as {}", self.settings.endpoint.base, self.settings.token_id)
    }

    async fn read(&self, cx: &Context<'_>, resource: &Known<'_>) -> Result<Presence, CallError> {
        read(&self.work(cx, "").await?, resource, None).await
    }

    /// The cluster's list tells on which node each machine is and whether it runs; its configuration, which holds the
    /// marker, is told by the machine alone.
    async fn read_all(
        &self,
        cx: &Context<'_>,
        resources: &[Known<'_>],
        parallelism: usize,
    ) -> Vec<Result<Presence, CallError>> {
        let none = |error: CallError| resources.iter().map(|_| Err(error.clone())).collect();
        let work = match self.work(cx, "").await {
            Ok(work) => work,
            Err(error) => return none(error),
        };
        let cluster = match resources {
            [] => Cluster::default(),
            _ => match Cluster::of(&work.api).await {
                Ok(cluster) => cluster,
                Err(trouble) => return none(trouble.harmless()),
            },
        };
        let guests: BTreeMap<u32, &Guest> = cluster.guests.iter().map(|guest| (guest.vmid, guest)).collect();
        let reads = resources.iter().map(|resource| {
            let vmid = parts(resource.id).ok().map(|(_, vmid)| vmid);
            let listed = vmid.and_then(|vmid| guests.get(&vmid).copied());
            let node = parts(resource.id).ok().map(|(node, _)| node);
            let node = listed.map(|guest| guest.node.as_str()).or(node);
            let offline = node.filter(|node| cluster.offline.iter().any(|known| known == node));
            let work = &work;
            async move {
                match offline {
                    Some(node) => Err(is_offline(node)),
                    None => read(work, resource, listed).await,
                }
            }
        });
        let mut found = each(reads, parallelism).await;
        let node = cluster.nodes.first().map(|node| node.name.as_str());
        self.doubt_gone(&work.api, node, resources, &mut found).await;
        found
    }

    async fn reserve(
        &self,
        cx: &Context<'_>,
        _: &str,
        properties: &Properties,
        taken: &[String],
    ) -> Result<Option<String>, CallError> {
        let wanted = Wanted::of(properties)?;
        let work = self.work(cx, "").await?;
        place(&work.api, &wanted, taken)
            .await
            .map(Some)
            .map_err(Trouble::harmless)
    }

    async fn place(&self, cx: &Context<'_>, at: &str) -> Option<String> {
        let (node, _) = parts(at).ok()?;
        self.identity(&self.work(cx, "").await.ok()?.api, node).await
    }

    async fn same_place(&self, cx: &Context<'_>, resources: &[Known<'_>]) -> Result<(), CallError> {
        self.is_same(&self.work(cx, "").await?, resources).await
    }

    async fn is_taken(&self, cx: &Context<'_>, operation: &Operation) -> bool {
        let look = async {
            let (node, vmid) = parts(operation.reserved.as_deref().unwrap_or_default())?;
            let work = self.work(cx, "").await?;
            work.find(node, vmid).await.map_err(Trouble::harmless)
        };
        let sign = Sign::Marker(&operation.marker);
        // Where nobody can say, the failure is told as it is.
        look.await
            .is_ok_and(|found| found.is_some_and(|found| !sign.is_on(&found.config)))
    }

    async fn create(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let made = self.make(cx, operation).await;
        made.map_err(|error| {
            let node = parts(operation.reserved.as_deref().unwrap_or_default());
            match node.is_ok_and(|(node, _)| self.reached.is_away(node)) {
                true => error.help(create_on_lost_node(&operation.address)),
                false => error,
            }
        })
    }

    async fn update(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let id = operation.id.as_deref().unwrap_or_default();
        let (node, vmid) = parts(id)?;
        let mut work = self.work(cx, &operation.op).await?;
        self.began_here(&work, operation, (node, vmid)).await?;
        // The name of an imported machine may be what changes.
        let (before, after) = (&operation.prior, &operation.properties);
        work.api.signs = [before, after]
            .map(|known| Sign::of(&operation.marker, known))
            .to_vec();
        let found = work.find_unlocked(node, vmid).await.map_err(Trouble::harmless)?;
        let found = found.filter(|found| Sign::of(&operation.marker, &operation.prior).is_on(&found.config));
        let found = found.ok_or_else(|| {
            CallError::failed(format!("{id} is gone, or another machine has its number"))
                .help("`gosling plan` sees that, and plans a new one")
        })?;
        let mut changed = false;
        let updated = shaping::update(&work, operation, &found, &mut changed).await;
        let mut updated = updated.map_err(|trouble| match (changed, trouble.kind) {
            (false, Went::Refused) => trouble.harmless(),
            _ => CallError::from(trouble).after_changes(),
        })?;
        self.say_where(&work, &mut updated).await;
        Ok(updated)
    }

    async fn delete(&self, cx: &Context<'_>, operation: &Operation) -> Result<(), CallError> {
        let id = operation.id.as_deref().unwrap_or_default();
        let (node, vmid) = parts(id)?;
        let storage = operation.properties.get("iso_storage").and_then(Value::as_text);
        let mut work = self.work(cx, &operation.op).await?;
        self.began_here(&work, operation, (node, vmid)).await?;
        work.api.signs = vec![Sign::of(&operation.marker, &operation.properties)];
        let sign = Sign::of(&operation.marker, &operation.properties);
        let found = work.find_unlocked(node, vmid).await.map_err(Trouble::harmless)?;
        let doubt = found.as_ref().and_then(|found| match sign {
            Sign::Marker(marker) if !sign.is_on(&found.config) => unmarked(found, marker),
            _ => template(found).filter(|_| sign.is_on(&found.config)),
        });
        if let Some(Doubt { message, help }) = doubt {
            return Err(CallError::failed(message).help(help));
        }
        let removed = remove(
            &work,
            found,
            (node, vmid),
            sign,
            storage.unwrap_or("local"),
            Off::by(operation),
        )
        .await;
        removed.map_err(|trouble| match trouble.kind {
            // It is still there: that was looked up.
            Went::Refused | Went::Died => trouble.harmless(),
            Went::Unknown => trouble.into(),
        })
    }

    fn remarks(&self, held: &Held, now: &Held, change: &Change) -> Vec<Remark> {
        remarks::remarks(held, now, change)
    }

    async fn marked(&self, cx: &Context<'_>, search: &Search<'_>) -> Searched {
        self.search(cx, search).await
    }

    async fn preflight(&self, cx: &Context<'_>, changes: &[&Change]) -> Vec<Finding> {
        let work = match self.work(cx, "").await {
            Ok(work) => work,
            Err(error) => return vec![preflight::no_token(error)],
        };
        let changing: Vec<&Change> = changes
            .iter()
            .copied()
            .filter(|change| change.action != Action::NoOp)
            .collect();
        let look = preflight::Look {
            proxmox: self,
            api: &work.api,
            changes: &changing,
            all: changes,
        };
        look.findings().await
    }

    async fn rights(&self, cx: &Context<'_>, changes: &[&Change]) -> String {
        let mut known = None;
        if let Ok(work) = self.work(cx, "").await {
            known = preflight::known(&work.api, changes).await;
        }
        let (major, seen) = match &known {
            Some((major, cluster, networks)) => (Some(*major), Some((cluster, networks))),
            None => (None, None),
        };
        let needs = privileges::needs(changes, seen);
        match needs.is_empty() {
            true => String::new(),
            false => role::commands(&needs, &self.settings.token_id, major),
        }
    }
}
