//! Privileges, roles and pools.

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
    "Pool.Allocate",
    "Pool.Audit",
    "SDN.Allocate",
    "SDN.Audit",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Audit",
    "Sys.Modify",
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

    /// Gives the token other privileges.
    pub(crate) fn allow(&mut self, privileges: Option<Vec<String>>) {
        self.world.privileges = privileges;
    }

    /// The token's privileges, as far as this version knows them.
    pub(super) fn privileges(&self) -> Vec<String> {
        let held = |name: &&str| match &self.world.privileges {
            Some(held) => held.iter().any(|held| held == name),
            None => true,
        };
        self.known_privileges().filter(held).map(str::to_owned).collect()
    }

    pub(super) fn permissions(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let held = self
            .privileges()
            .into_iter()
            .map(|privilege| (privilege, json!(1)));
        let held = Value::Object(held.collect::<Map<_, _>>());
        if let Some(path) = ask.given.text("path") {
            return Ok(json!({path: held}).into());
        }
        let places = ["/", "/access", "/nodes", "/pool", "/sdn", "/storage", "/vms"];
        let places = places.map(|place| (place.to_owned(), held.clone()));
        Ok(Value::Object(places.into_iter().collect()).into())
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

    pub(super) fn list_pools(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        if let Some(pool) = ask.given.text("poolid") {
            let members = self.members(pool)?;
            return Ok(json!([{"poolid": pool, "members": members}]).into());
        }
        let pools = self.world.pools.iter().map(|pool| json!({"poolid": pool}));
        Ok(pools.collect::<Value>().into())
    }

    pub(super) fn pool(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let members = self.members(ask.variable("poolid"))?;
        Ok(json!({"members": members}).into())
    }

    fn members(&self, pool: &str) -> Result<Vec<Value>, Failure> {
        self.there_is_pool(pool)?;
        let guests = self
            .guests
            .iter()
            .filter(|(_, guest)| guest.pool.as_deref() == Some(pool));
        Ok(guests.map(|(vmid, guest)| self.resource(*vmid, guest)).collect())
    }

    pub(super) fn there_is_pool(&self, pool: &str) -> Result<(), Failure> {
        if self.world.pools.iter().any(|name| name == pool) {
            Ok(())
        } else {
            Failure::die(format!("pool '{pool}' does not exist"))
        }
    }
}
