//! Drives of guests: what a configuration says about them, and the volumes behind them.

use super::Proxmox;
use super::answer::Failure;
use super::guests::Kind;
use super::schema::matches;
use super::storage::Volume;

pub(super) const GIB: u64 = 1 << 30;
/// The size of a drive with cloud-init's data.
const CLOUD_INIT: u64 = 4 << 20;

/// A value like `local-lvm:vm-101-disk-0,discard=on,size=8G`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drive {
    /// The volume, or what asks for one: `local-lvm:8`, `none`.
    pub(super) volume: String,
    pub(super) options: Vec<(String, String)>,
}

impl Drive {
    pub(super) fn parse(value: &str) -> Self {
        let mut volume = String::new();
        let mut options = Vec::new();
        for part in value.split(',').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("file" | "volume", name)) => name.clone_into(&mut volume),
                Some((key, value)) if !key.contains(':') => options.push((key.to_owned(), value.to_owned())),
                _ => part.clone_into(&mut volume),
            }
        }
        Self { volume, options }
    }

    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let mut options = self.options.iter();
        options
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.options.retain(|(key, _)| key != name);
        self.options.push((name.to_owned(), value));
    }

    pub(super) fn is_cdrom(&self) -> bool {
        self.option("media") == Some("cdrom")
    }

    /// Whether it is, or asks for, the drive that Proxmox VE writes cloud-init's data to.
    pub(super) fn is_cloud_init(&self) -> bool {
        let name = self.volume.split(':').nth(1).unwrap_or_default();
        matches(r"vm-\d+-cloudinit|cloudinit", name)
    }

    /// The size in GiB, where it asks for a new volume: `local-lvm:8`.
    pub(super) fn asked(&self) -> Option<f64> {
        let (_, size) = self.volume.split_once(':')?;
        matches(r"\d+(?:\.\d+)?", size)
            .then(|| size.parse().ok())
            .flatten()
    }

    pub(super) fn is_new(&self) -> bool {
        self.asked().is_some()
    }

    /// Bytes; 0 where the configuration does not say.
    pub(super) fn size(&self) -> u64 {
        self.option("size").and_then(bytes).unwrap_or(0)
    }

    pub(super) fn text(&self) -> String {
        let options = self.options.iter().map(|(key, value)| format!(",{key}={value}"));
        options.fold(self.volume.clone(), |text, option| text + &option)
    }
}

/// Whether a configuration's key names a drive.
pub(super) fn is_drive(kind: Kind, key: &str) -> bool {
    let families: &[&str] = match kind {
        Kind::Qemu => &["ide", "sata", "scsi", "virtio", "efidisk", "tpmstate"],
        Kind::Lxc => &["mp"],
    };
    let numbered = |family: &&str| {
        let number = key.strip_prefix(*family);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    (kind == Kind::Lxc && key == "rootfs") || families.iter().any(numbered)
}

/// `8G`, `512M`, `1.5T`, or plain bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 'K') => (&text[..at], 1 << 10),
        (at, 'M') => (&text[..at], 1 << 20),
        (at, 'G') => (&text[..at], GIB),
        (at, 'T') => (&text[..at], 1 << 40),
        _ => (text, 1),
    };
    match number.split_once('.') {
        None => number.parse::<u64>().ok()?.checked_mul(unit),
        Some((whole, part)) => {
            let digits = u32::try_from(part.len()).ok()?;
            let part = part.parse::<u64>().ok()?.checked_mul(unit)? / 10_u64.checked_pow(digits)?;
            whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(part)
        }
    }
}

/// The shortest way to write a size.
pub(super) fn size_text(bytes: u64) -> String {
    let units = [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')];
    let fits = units
        .iter()
        .find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1_u64 << shift));
    fits.map_or_else(
        || bytes.to_string(),
        |(shift, unit)| format!("{}{unit}", bytes >> shift),
    )
}

impl Proxmox {
    /// Makes what a configuration's value asks for, and gives the value that the configuration is to hold.
    pub(super) fn place(
        &mut self,
        kind: Kind,
        vmid: u32,
        node: &str,
        value: &str,
    ) -> Result<String, Failure> {
        let mut drive = Drive::parse(value);
        if matches!(drive.volume.as_str(), "none" | "cdrom") {
            return Ok(drive.text());
        }
        let volume = drive.volume.clone();
        let Some((storage, rest)) = volume.split_once(':') else {
            if kind == Kind::Lxc && drive.volume.starts_with('/') {
                return Err(Failure::Forbidden(
                    "mount point type bind is only allowed for root@pam".to_owned(),
                ));
            }
            return Failure::die(format!("unable to parse volume ID '{}'", drive.volume));
        };
        let content = content_of(kind);
        if let Some(gib) = drive.asked() {
            let mut size = bytes(&format!("{gib}G")).unwrap_or(0);
            if let Some(source) = drive.option("import-from").map(str::to_owned) {
                size = match self.volume(node, &source) {
                    Some(image) => size.max(image.size.max(GIB)),
                    None => return Failure::die(format!("volume '{source}' does not exist")),
                };
                drive.options.retain(|(key, _)| key != "import-from");
            }
            drive.volume = self.allocate(vmid, node, storage, content, size)?;
            drive.set("size", size_text(size));
            return Ok(drive.text());
        }
        if rest == "cloudinit" {
            drive.volume = self.allocate_cloud_init(vmid, node, storage)?;
            drive.options.retain(|(key, _)| key != "format");
            drive.set("media", "cdrom".to_owned());
            return Ok(drive.text());
        }
        self.storage(storage)?;
        match self.volume(node, &drive.volume) {
            Some(volume) => {
                let size = size_text(volume.size);
                drive.set("size", size);
                Ok(drive.text())
            }
            None => Failure::die(format!("volume '{}' does not exist", drive.volume)),
        }
    }

    /// A new, empty volume for cloud-init's data: its id.
    pub(super) fn allocate_cloud_init(
        &mut self,
        vmid: u32,
        node: &str,
        storage: &str,
    ) -> Result<String, Failure> {
        let name = format!("vm-{vmid}-cloudinit");
        self.allocate_named(vmid, node, storage, "images", CLOUD_INIT, &name)
    }

    /// A new, empty volume for a guest: its id.
    pub(super) fn allocate(
        &mut self,
        vmid: u32,
        node: &str,
        storage: &str,
        content: &str,
        size: u64,
    ) -> Result<String, Failure> {
        let taken = |name: &str| self.volume(node, &format!("{storage}:{name}")).is_some();
        let name = (0..)
            .map(|number| format!("vm-{vmid}-disk-{number}"))
            .find(|name| !taken(name));
        self.allocate_named(vmid, node, storage, content, size, &name.unwrap_or_default())
    }

    fn allocate_named(
        &mut self,
        vmid: u32,
        node: &str,
        storage: &str,
        content: &str,
        size: u64,
        name: &str,
    ) -> Result<String, Failure> {
        let found = self.storage(storage)?;
        if !found.content.iter().any(|word| word == content) {
            return Failure::die(format!(
                "storage '{storage}' does not support content-type '{content}'"
            ));
        }
        let shared = found.shared;
        let volid = format!("{storage}:{name}");
        if self.volume(node, &volid).is_some() {
            return Failure::die(format!(
                "lvcreate 'pve/{name}' error: Logical Volume \"{name}\" already exists"
            ));
        }
        let free = self.free(node, storage);
        if size > free {
            return Failure::die(format!(
                "lvcreate 'pve/{name}' error: not enough free space on storage '{storage}': {} wanted, {} free",
                size_text(size),
                size_text(free)
            ));
        }
        self.volumes.push(Volume {
            node: (!shared).then(|| node.to_owned()),
            storage: storage.to_owned(),
            name: name.to_owned(),
            content: content.to_owned(),
            size,
            vmid: Some(vmid),
            data: Vec::new(),
        });
        Ok(volid)
    }
}

/// What the disks of a guest are on a storage.
pub(super) const fn content_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Qemu => "images",
        Kind::Lxc => "rootdir",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_drive_is_written_as_it_was_read() {
        let text = "local-lvm:vm-101-disk-0,discard=on,size=8G";
        let drive = Drive::parse(text);
        assert_eq!(
            (drive.volume.as_str(), drive.size()),
            ("local-lvm:vm-101-disk-0", 8 * GIB)
        );
        assert_eq!(drive.text(), text);
        assert!(Drive::parse("file=local:iso/a.iso,media=cdrom").is_cdrom());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("1.5G"), Some(3 * GIB / 2));
        assert_eq!(bytes("20G"), Some(20 * GIB));
        assert_eq!(bytes("x"), None);
        assert_eq!(size_text(20 * GIB), "20G");
        assert_eq!(size_text(3 * GIB / 2), "1536M");
        assert_eq!(size_text(0), "0");
    }

    #[test]
    fn a_controller_is_no_drive() {
        assert!(is_drive(Kind::Qemu, "scsi0"));
        assert!(!is_drive(Kind::Qemu, "scsihw"));
        assert!(is_drive(Kind::Lxc, "rootfs"));
    }
}
