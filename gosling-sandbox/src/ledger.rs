//! Everything that was ever asked and ever made: the judge of every test. It knows nothing that a client could not
//! find out, and forgets nothing that a client could.

use serde::{Deserialize, Serialize};

/// Which simulated API an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorldName {
    /// Proxmox VE, under `/api2/json`.
    Proxmox,
    /// GitLab, under `/api/v4`.
    Gitlab,
    /// Vault, under `/v1`.
    Vault,
}

/// Something a call made: a virtual machine, a container, an uploaded file, a runner, a hook, a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Object {
    /// Where it was made.
    pub world: WorldName,
    /// `vm`, `container`, `volume`, `firewall_rule`, `runner`, `hook`, `secret`...
    pub kind: String,
    /// What the API calls it: `101`, `local:iso/x.iso`, `7`.
    pub id: String,
    /// Its name or description, as last written.
    pub name: String,
    /// The whole text in which a client would put its marker (a description, a maintenance note), as it was when the
    /// object was made; empty where there is none.
    pub marker: String,
    /// The number of the call that made it; null for what was there from the beginning.
    pub created: Option<u64>,
    /// The number of the call that deleted it; null while it is there.
    pub deleted: Option<u64>,
}

/// One call that reached a world, executed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Calls are numbered from 1, over all worlds.
    pub n: u64,
    /// Which world it went to.
    pub world: WorldName,
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as it was sent but for tokens: `/api/v4/runners?token=...`.
    pub path: String,
    /// The status that the client was sent, 0 when it was sent none.
    pub status: u16,
    /// Whether the call changed anything.
    pub changes: bool,
}

/// A job that ended because the machine under it was turned off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KilledJob {
    /// Its number in GitLab.
    pub job: u64,
    /// The machine: `qemu/101`.
    pub machine: String,
}

/// All objects and calls since the sandbox began. `GET /_sandbox/ledger` is its JSON form.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ledger {
    objects: Vec<Object>,
    calls: Vec<Made>,
    killed_jobs: Vec<KilledJob>,
}

impl Ledger {
    /// A call begins: its number. It is not known yet what comes of it.
    pub(crate) fn begin(&mut self, world: WorldName, method: &str, path: &str) -> u64 {
        let n = self.calls.len() as u64 + 1;
        self.calls.push(Made {
            n,
            world,
            method: method.to_owned(),
            path: without_secrets(path),
            status: 0,
            changes: false,
        });
        n
    }

    /// What the client of a call was sent; 0 when its connection was cut.
    pub(crate) fn answered(&mut self, n: u64, status: u16) {
        if let Some(call) = self.call(n) {
            call.status = status;
        }
    }

    /// A call changed something.
    pub(crate) fn changed(&mut self, n: u64) {
        if let Some(call) = self.call(n) {
            call.changes = true;
        }
    }

    /// Something was made by call `n`, or was there from the beginning.
    pub(crate) fn created(
        &mut self,
        n: Option<u64>,
        world: WorldName,
        kind: &str,
        id: &str,
        name: &str,
        marker: &str,
    ) {
        if let Some(n) = n {
            self.changed(n);
        }
        self.objects.push(Object {
            world,
            kind: kind.to_owned(),
            id: id.to_owned(),
            name: name.to_owned(),
            marker: marker.to_owned(),
            created: n,
            deleted: None,
        });
    }

    /// Something that is there got another name.
    pub(crate) fn renamed(&mut self, n: u64, world: WorldName, kind: &str, id: &str, name: &str) {
        self.changed(n);
        if let Some(object) = self.alive(world, kind, id) {
            object.name = name.to_owned();
        }
    }

    /// Something was deleted by call `n`.
    pub(crate) fn deleted(&mut self, n: u64, world: WorldName, kind: &str, id: &str) {
        self.changed(n);
        if let Some(object) = self.alive(world, kind, id) {
            object.deleted = Some(n);
        }
    }

    /// A job ended because its machine was turned off.
    pub(crate) fn killed(&mut self, job: u64, machine: &str) {
        self.killed_jobs.push(KilledJob {
            job,
            machine: machine.to_owned(),
        });
    }

    /// The jobs that ended because the machines under them were turned off.
    #[must_use]
    pub fn killed_jobs(&self) -> &[KilledJob] {
        &self.killed_jobs
    }

    /// What was ever made, in the order of its making.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Every call, in the order of its arrival.
    #[must_use]
    pub fn calls(&self) -> &[Made] {
        &self.calls
    }

    fn call(&mut self, n: u64) -> Option<&mut Made> {
        let index = usize::try_from(n).ok()?.checked_sub(1)?;
        self.calls.get_mut(index)
    }

    /// An id may be used again after its object was deleted: the last one is the one that is there.
    fn alive(&mut self, world: WorldName, kind: &str, id: &str) -> Option<&mut Object> {
        self.objects.iter_mut().rev().find(|object| {
            object.world == world && object.kind == kind && object.id == id && object.deleted.is_none()
        })
    }
}

/// A path whose query tells no token.
fn without_secrets(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key, _)) if key.ends_with("token") => format!("{key}=..."),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}
