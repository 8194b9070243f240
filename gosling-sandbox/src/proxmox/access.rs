//! Privileges, roles and pools.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure};
use super::{Ask, Proxmox};
use crate::ledger::Ledger;

/// The privileges that both versions know, as far as a runner's machine needs any of them.
const PRIVILEGES: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "SDN.Allocate",
    "SDN.Audit",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Modify",
    "User.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Snapshot",
];

/// Version 9 took `VM.Monitor` apart.
const GUEST_AGENT: &[&str] = &[
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
];

impl Proxmox {
    /// Every privilege that this version knows.
    pub(super) fn known_privileges(&self) -> impl Iterator<Item = &'static str> {
        let own: &[&str] = if self.major() >= 9 {
            GUEST_AGENT
        } else {
            &["VM.Monitor"]
        };
        PRIVILEGES.iter().chain(own).copied()
    }

    /// Gives the token other privileges, everywhere.
    pub(crate) fn allow(&mut self, privileges: Option<Vec<String>>) {
        self.world.privileges = privileges;
        self.world.acl = None;
    }

    /// Gives the token other privileges, by paths.
    pub(crate) fn allow_at(&mut self, acl: BTreeMap<String, Vec<String>>) {
        self.world.acl = Some(acl);
    }

    /// The token's privileges at a place, as far as this version knows them: those of the deepest path that is said
    /// anything of, and for a machine those of its pool, too.
    pub(super) fn privileges(&self, place: &str) -> Vec<String> {
        let mut held: Option<BTreeSet<&str>> = match (&self.world.acl, &self.world.privileges) {
            (Some(acl), _) => Some(given(acl, place).collect()),
            (None, Some(held)) => Some(held.iter().map(String::as_str).collect()),
            (None, None) => None,
        };
        let vmid = place.strip_prefix("/vms/").and_then(|vmid| vmid.parse().ok());
        let guest = vmid.and_then(|vmid: u32| self.guests.get(&vmid));
        let pool = guest.and_then(|guest| guest.pool.as_deref());
        if let (Some(pool), Some(acl), Some(held)) = (pool, &self.world.acl, &mut held) {
            held.extend(given(acl, &format!("/pool/{pool}")));
        }
        let has = |name: &&str| held.as_ref().is_none_or(|held| held.contains(name));
        self.known_privileges().filter(has).map(str::to_owned).collect()
    }

    /// Whether the token has a privilege at a place.
    pub(super) fn holds(&self, place: &str, privilege: &str) -> bool {
        self.privileges(place).iter().any(|held| held == privilege)
    }

    pub(super) fn permissions(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let held = |place: &str| {
            let held = self.privileges(place).into_iter();
            Value::Object(held.map(|privilege| (privilege, json!(1))).collect::<Map<_, _>>())
        };
        if let Some(path) = ask.given.text("path") {
            return Ok(json!({path: held(path)}).into());
        }
        let usual = [
            "/",
            "/access",
            "/access/groups",
            "/nodes",
            "/pool",
            "/sdn",
            "/storage",
            "/vms",
        ];
        let mut places: BTreeSet<String> = usual.map(str::to_owned).into();
        places.extend(self.world.acl.iter().flat_map(BTreeMap::keys).cloned());
        places.extend(self.pools.keys().map(|pool| format!("/pool/{pool}")));
        let pooled = self.guests.iter().filter(|(_, guest)| guest.pool.is_some());
        places.extend(pooled.map(|(vmid, _)| format!("/vms/{vmid}")));
        let places = places.into_iter().map(|place| {
            let held = held(&place);
            (place, held)
        });
        // Where the token has nothing, nothing is said.
        let places = places.filter(|(_, held)| held.as_object().is_some_and(|held| !held.is_empty()));
        Ok(Value::Object(places.collect()).into())
    }

    /// A token is not its user: what it is told of itself, it is told as of anybody else.
    pub(super) fn token(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        if !self.holds("/access/groups", "User.Modify") {
            return Err(Failure::Forbidden("Permission check failed".to_owned()));
        }
        Ok(json!({"expire": self.world.token_expire, "privsep": 0}).into())
    }

    fn all_roles(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let known: Vec<&str> = self.known_privileges().collect();
        let only = |prefix: &str| {
            let privileges = known
                .iter()
                .copied()
                .filter(|privilege| privilege.starts_with(prefix));
            privileges.collect::<Vec<_>>()
        };
        vec![
            ("Administrator", known.clone()),
            ("NoAccess", Vec::new()),
            (
                "PVEAuditor",
                known
                    .iter()
                    .copied()
                    .filter(|name| name.ends_with(".Audit"))
                    .collect(),
            ),
            ("PVEDatastoreAdmin", only("Datastore.")),
            ("PVEPoolAdmin", only("Pool.")),
            ("PVEVMAdmin", only("VM.")),
        ]
    }

    pub(super) fn roles(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let roles = self.all_roles().into_iter();
        let roles = roles
            .map(|(name, privileges)| json!({"roleid": name, "privs": privileges.join(","), "special": 1}));
        Ok(roles.collect::<Value>().into())
    }

    pub(super) fn role(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let wanted = ask.variable("roleid");
        let role = self.all_roles().into_iter().find(|(name, _)| *name == wanted);
        let Some((_, privileges)) = role else {
            return Failure::die(format!("role '{wanted}' does not exist"));
        };
        let privileges = privileges.into_iter().map(|name| (name.to_owned(), json!(1)));
        Ok(Value::Object(privileges.collect()).into())
    }
}

/// What is given at a place, by the deepest path that leads there.
fn given<'a>(acl: &'a BTreeMap<String, Vec<String>>, place: &str) -> impl Iterator<Item = &'a str> {
    let above = |path: &str| {
        let path = path.trim_end_matches('/');
        place == path || place.starts_with(&format!("{path}/"))
    };
    let deepest = acl
        .iter()
        .filter(|(path, _)| above(path))
        .max_by_key(|(path, _)| path.len());
    deepest.into_iter().flat_map(|(_, held)| held).map(String::as_str)
}
