//! What the token needs for the values of a call, beside what the call itself takes.

use super::answer::Failure;
use super::drives::{Drive, is_drive};
use super::guests::{Guest, Kind};
use super::nets::is_net;
use super::storage::Volume;
use super::{Ask, Proxmox};

/// Who may set a configuration's value.
enum Setter {
    /// A token with any of these privileges.
    Any(&'static [&'static str]),
    Root,
    /// Root, because the value names a device of the node.
    RootForDevices,
}

use Setter::{Any, Root, RootForDevices};

/// Who may set a value that is no drive.
fn setter(kind: Kind, key: &str, value: &str) -> Setter {
    let family = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    match (kind, family) {
        (_, "cores" | "cpulimit" | "cpuunits")
        | (Kind::Qemu, "cpu" | "numa" | "smp" | "sockets" | "vcpus") => Any(&["VM.Config.CPU"]),
        (_, "memory") | (Kind::Qemu, "balloon" | "shares" | "allow-ksm") | (Kind::Lxc, "swap") => {
            Any(&["VM.Config.Memory"])
        }
        (_, "net") | (Kind::Lxc, "nameserver" | "searchdomain" | "hostname") => Any(&["VM.Config.Network"]),
        (Kind::Qemu, "serial") if value == "socket" => Any(&["VM.Config.HWType"]),
        (Kind::Qemu, "usb") if value.to_lowercase().contains("spice") || value.contains("mapping=") => {
            Any(&["VM.Config.HWType"])
        }
        (Kind::Qemu, "hostpci") if value.contains("mapping=") => Any(&["VM.Config.HWType"]),
        (Kind::Qemu, "serial" | "usb" | "hostpci") => RootForDevices,
        (
            Kind::Qemu,
            "acpi" | "audio" | "hotplug" | "kvm" | "machine" | "rng" | "scsihw" | "smbios" | "tablet" | "vga"
            | "watchdog",
        ) => Any(&["VM.Config.HWType"]),
        (Kind::Qemu, "boot" | "bootdisk" | "unused" | "virtiofs" | "vmstatestorage") => {
            Any(&["VM.Config.Disk"])
        }
        (Kind::Qemu, "freeze") => Any(&["VM.PowerMgmt"]),
        (
            Kind::Qemu,
            "cicustom" | "cipassword" | "citype" | "ciupgrade" | "ciuser" | "nameserver" | "searchdomain"
            | "sshkeys" | "ipconfig",
        ) => Any(&["VM.Config.Cloudinit", "VM.Config.Network"]),
        (
            Kind::Qemu,
            "agent" | "autostart" | "bios" | "description" | "keyboard" | "localtime" | "migrate_downtime"
            | "migrate_speed" | "name" | "onboot" | "ostype" | "protection" | "reboot" | "spice_enhancements"
            | "startdate" | "startup" | "tags" | "tdf" | "template",
        ) => Any(&["VM.Config.Options"]),
        (Kind::Qemu, _) | (Kind::Lxc, "hookscript" | "debug" | "dev" | "lock") => Root,
        (Kind::Lxc, _) => Any(&["VM.Config.Options"]),
    }
}

impl Proxmox {
    /// Fails unless the token has one of these privileges.
    pub(super) fn need(&self, place: &str, any: &[&str]) -> Result<(), Failure> {
        if any.iter().any(|wanted| self.holds(place, wanted)) {
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

    /// Fails unless the token has one of these privileges for a guest: on the pool that a new one is to be in, or on
    /// the guest itself.
    fn need_for_guest(&self, pool: Option<&str>, vmid: u32, any: &[&str]) -> Result<(), Failure> {
        let in_pool = pool.is_some_and(|pool| self.need(&format!("/pool/{pool}"), any).is_ok());
        if in_pool {
            return Ok(());
        }
        self.need(&format!("/vms/{vmid}"), any)
    }

    /// What the values of a configuration take.
    pub(super) fn need_for_values(
        &self,
        ask: &Ask,
        kind: Kind,
        vmid: u32,
        control: &[&str],
    ) -> Result<(), Failure> {
        let pool = ask.given.text("pool");
        let old = |key: &str| {
            let guest = self.guests.get(&vmid);
            guest
                .and_then(|guest| guest.get(key))
                .unwrap_or_default()
                .to_owned()
        };
        let deleted = ask.given.list("delete").map(|key| (key, old(key)));
        let set = ask.given.pairs().filter(|(key, _)| !control.contains(key));
        for (key, value) in set.map(|(key, value)| (key, value.to_owned())) {
            // A container's volume that is a path of the node is refused when it is mounted.
            let drive = Drive::parse(&value);
            if is_drive(kind, key) && (kind == Kind::Qemu || drive.volume.contains(':')) {
                self.need_for_volumes(ask, vmid, &drive)?;
            }
            if is_net(key) {
                self.need_for_bridge(&old(key))?;
                self.need_for_bridge(&value)?;
            }
            self.need_for_value(kind, pool, vmid, key, &value)?;
        }
        for (key, value) in deleted {
            if is_net(key) {
                self.need_for_bridge(&value)?;
            }
            self.need_for_value(kind, pool, vmid, key, &value)?;
        }
        Ok(())
    }

    fn need_for_value(
        &self,
        kind: Kind,
        pool: Option<&str>,
        vmid: u32,
        key: &str,
        value: &str,
    ) -> Result<(), Failure> {
        if is_drive(kind, key) {
            let drive = Drive::parse(value);
            let privilege = if drive.is_cdrom() || drive.is_cloud_init() {
                "VM.Config.CDROM"
            } else {
                "VM.Config.Disk"
            };
            return self.need_for_guest(pool, vmid, &[privilege]);
        }
        if key == "startup" {
            // The order in which guests start is the node's concern too.
            self.need("/", &["Sys.Modify"])?;
        }
        match setter(kind, key, value) {
            Any(privileges) => self.need_for_guest(pool, vmid, privileges),
            Root => Failure::die(format!("only root can set '{key}' config")),
            RootForDevices => Failure::die(format!("only root can set '{key}' config for real devices")),
        }
    }

    /// What the volumes of a drive take: room for a new one, access to one that is there.
    fn need_for_volumes(&self, ask: &Ask, vmid: u32, drive: &Drive) -> Result<(), Failure> {
        if drive.is_new() {
            self.need_for_space(&drive.volume)?;
        } else if !drive.is_cloud_init() {
            self.need_for_volume(ask.node(), Some(vmid), &drive.volume)?;
        }
        match drive.option("import-from") {
            Some(source) => self.need_for_volume(ask.node(), None, source),
            None => Ok(()),
        }
    }

    /// What access to a volume takes, for a guest or for nobody.
    pub(super) fn need_for_volume(&self, node: &str, vmid: Option<u32>, volid: &str) -> Result<(), Failure> {
        let Some((storage, name)) = volid.split_once(':') else {
            return match volid {
                "none" => Ok(()),
                "cdrom" => self.need("/", &["Sys.Console"]),
                _ => Err(Failure::Forbidden(
                    "Only root can pass arbitrary filesystem paths.".to_owned(),
                )),
            };
        };
        let place = format!("/storage/{storage}");
        if self.holds(&place, "Datastore.Allocate") {
            return Ok(());
        }
        match self.volume(node, volid).and_then(|volume: &Volume| volume.vmid) {
            Some(owner) if Some(owner) == vmid => Ok(()),
            Some(owner) => {
                self.need(&place, &["Datastore.Audit"])?;
                self.need(&format!("/vms/{owner}"), &["VM.Config.Disk"])
            }
            None if name.contains('/') => self.need(&place, &["Datastore.AllocateSpace", "Datastore.Audit"]),
            // Whether there is such a volume is found out later.
            None => Ok(()),
        }
    }

    /// What a new guest takes, on its number or on its pool. A clone's own check names the pool in the refusal.
    pub(super) fn need_for_new(&self, ask: &Ask, vmid: u32) -> Result<(), Failure> {
        let place = format!("/vms/{vmid}");
        match ask.given.text("pool") {
            Some(_) if self.holds(&place, "VM.Allocate") => Ok(()),
            Some(pool) => self.need(&format!("/pool/{pool}"), &["VM.Allocate"]),
            None => self.need(&place, &["VM.Allocate"]),
        }
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

    /// What a new volume on the storage of this value takes.
    pub(super) fn need_for_space(&self, volume: &str) -> Result<(), Failure> {
        match volume.split_once(':') {
            Some((storage, _)) => self.need(&format!("/storage/{storage}"), &["Datastore.AllocateSpace"]),
            None => Ok(()),
        }
    }

    /// What a call takes that lets a node fetch from an address, and so look into its network.
    pub(super) fn need_for_url(&self, ask: &Ask) -> Result<(), Failure> {
        let everywhere = ["Sys.Audit", "Sys.Modify"];
        if everywhere.iter().all(|privilege| self.holds("/", privilege)) {
            return Ok(());
        }
        self.need(&format!("/nodes/{}", ask.node()), &["Sys.AccessNetwork"])
    }

    /// Whether the token may see a storage in a list.
    pub(super) fn sees_storage(&self, storage: &str) -> bool {
        let place = format!("/storage/{storage}");
        ["Datastore.Audit", "Datastore.AllocateSpace"]
            .iter()
            .any(|privilege| self.holds(&place, privilege))
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
