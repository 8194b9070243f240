//! What the token needs for the values of a call, beside what the call itself takes.

use super::answer::Failure;
use super::drives::{Drive, is_drive};
use super::guests::{Guest, Kind};
use super::nets::is_net;
use super::{Ask, Proxmox};

/// The privileges of which any lets a configuration's value be set; `None` is for root alone.
fn for_value(kind: Kind, key: &str, value: &str) -> Option<&'static [&'static str]> {
    let family = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if is_drive(kind, key) {
        return Some(if Drive::parse(value).is_cdrom() {
            &["VM.Config.CDROM"]
        } else {
            &["VM.Config.Disk"]
        });
    }
    Some(match (kind, family) {
        (_, "cores" | "cpulimit" | "cpuunits") | (Kind::Qemu, "cpu" | "numa" | "sockets" | "vcpus") => {
            &["VM.Config.CPU"]
        }
        (_, "memory") | (Kind::Qemu, "balloon" | "shares") | (Kind::Lxc, "swap") => &["VM.Config.Memory"],
        (_, "net") | (Kind::Lxc, "nameserver" | "searchdomain" | "hostname") => &["VM.Config.Network"],
        (
            Kind::Qemu,
            "acpi" | "hotplug" | "kvm" | "machine" | "scsihw" | "smbios" | "tablet" | "vga" | "watchdog"
            | "rng" | "serial",
        ) => &["VM.Config.HWType"],
        (Kind::Qemu, "boot" | "unused") => &["VM.Config.Disk"],
        (
            Kind::Qemu,
            "cicustom" | "cipassword" | "citype" | "ciupgrade" | "ciuser" | "nameserver" | "searchdomain"
            | "sshkeys" | "ipconfig",
        ) => &["VM.Config.Cloudinit", "VM.Config.Network"],
        (Kind::Qemu, "args" | "affinity" | "hookscript" | "arch" | "hugepages" | "vmgenid") => return None,
        (Kind::Lxc, "hookscript" | "debug") => return None,
        _ => &["VM.Config.Options"],
    })
}

impl Proxmox {
    /// Fails unless the token has one of these privileges.
    pub(super) fn need(&self, place: &str, any: &[&str]) -> Result<(), Failure> {
        let held = self.privileges(place);
        if any
            .iter()
            .any(|wanted| held.iter().any(|privilege| privilege == wanted))
        {
            return Ok(());
        }
        // A version names only what it knows.
        let known: Vec<_> = any
            .iter()
            .copied()
            .filter(|name| self.known_privileges().any(|known| known == *name))
            .collect();
        Err(Failure::Forbidden(format!(
            "Permission check failed ({place}, {})",
            known.join("|")
        )))
    }

    /// What the values of a configuration take.
    pub(super) fn need_for_values(
        &self,
        ask: &Ask,
        kind: Kind,
        vmid: u32,
        control: &[&str],
    ) -> Result<(), Failure> {
        let place = format!("/vms/{vmid}");
        let deleted = ask
            .given
            .text("delete")
            .unwrap_or_default()
            .split([',', ';', ' ']);
        let deleted = deleted.filter(|key| !key.is_empty());
        let old = |key: &str| {
            self.guests
                .get(&vmid)
                .and_then(|guest| guest.get(key))
                .unwrap_or_default()
                .to_owned()
        };
        let deleted = deleted.map(|key| (key, old(key)));
        let set = ask.given.pairs().filter(|(key, _)| !control.contains(key));
        for (key, value) in set.map(|(key, value)| (key, value.to_owned())).chain(deleted) {
            match for_value(kind, key, &value) {
                Some(any) => self.need(&place, any)?,
                None => return Failure::die(format!("only root can set '{key}' config")),
            }
            if is_drive(kind, key) && !Drive::parse(&value).is_cdrom() {
                self.need_for_space(&value)?;
            }
            if is_net(key) {
                self.need_for_bridge(&old(key))?;
                self.need_for_bridge(&value)?;
            }
        }
        Ok(())
    }

    /// What a new guest takes, by its number or by its pool.
    pub(super) fn need_for_new(&self, ask: &Ask, vmid: u32) -> Result<(), Failure> {
        let place = match ask.given.text("pool") {
            Some(pool) => format!("/pool/{pool}"),
            None => format!("/vms/{vmid}"),
        };
        self.need(&place, &["VM.Allocate"])
    }

    /// What a clone takes beside `VM.Clone`.
    pub(super) fn need_for_clone(&self, ask: &Ask, source: &Guest, newid: u32) -> Result<(), Failure> {
        self.need_for_new(ask, newid)?;
        for (_, drive) in source.disks() {
            let own = drive.volume.split(':').next().unwrap_or_default();
            self.need_for_space(&format!("{}:", ask.given.text("storage").unwrap_or(own)))?;
        }
        let nets = source.config.iter().filter(|(key, _)| is_net(key));
        nets.map(|(_, value)| value)
            .try_for_each(|value| self.need_for_bridge(value))
    }

    /// What a volume on the storage of this value takes.
    pub(super) fn need_for_space(&self, value: &str) -> Result<(), Failure> {
        match Drive::parse(value).volume.split_once(':') {
            Some((storage, _)) => self.need(&format!("/storage/{storage}"), &["Datastore.AllocateSpace"]),
            None => Ok(()),
        }
    }

    /// What a network card takes: its VLAN, else the whole bridge.
    fn need_for_bridge(&self, value: &str) -> Result<(), Failure> {
        let part = |name: &str| value.split(',').find_map(|part| part.strip_prefix(name));
        let Some(bridge) = part("bridge=") else {
            return Ok(());
        };
        let place = self.network_place(bridge);
        match part("tag=") {
            Some(tag) => self.need(&format!("{place}/{tag}"), &["SDN.Use"]),
            None => self.need(&place, &["SDN.Use"]),
        }
    }

    /// The path of a bridge or a vnet.
    pub(super) fn network_place(&self, bridge: &str) -> String {
        let zone = self
            .world
            .vnets
            .get(bridge)
            .map_or("localnetwork", String::as_str);
        format!("/sdn/zones/{zone}/{bridge}")
    }
}
