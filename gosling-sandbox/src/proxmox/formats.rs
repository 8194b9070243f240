//! The formats of values that Proxmox VE knows by name: an address, a volume, a list of tags.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::given::words;
use super::schema::matches;

/// A format with a name. The check says what is wrong in Proxmox VE's words.
#[derive(Debug)]
pub(super) struct Format {
    /// Its name in the API's own description.
    #[cfg_attr(not(test), expect(dead_code, reason = "the contract test compares it"))]
    pub(super) name: &'static str,
    pub(super) check: fn(&str) -> Result<(), String>,
}

macro_rules! formats {
    ($($constant:ident = $name:literal, $check:expr;)*) => {
        $(pub(super) const $constant: &Format = &Format { name: $name, check: $check };)*
    };
}

formats! {
    ADDRESS_LIST = "address-list", |list| each(list, address);
    BRIDGE = "pve-bridge-id", |name| like(name, r"[-_.\w\d]+", "invalid bridge ID");
    CIDR_NETWORK = "CIDR", cidr;
    CONFIG_ID = "pve-configid", config_id;
    CONFIG_ID_LIST = "pve-configid-list", |list| each(list, config_id);
    CPU_SET = "pve-cpuset", |set| like(set, r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", "invalid CPU set");
    DEVICE = "pve-lxc-dev-string", device;
    DISK_SIZE = "disk-size", |size| like(size, r"\d+(?:\.\d+)?[KMGT]?", "value does not look like a valid disk size");
    DNS_NAME = "dns-name", dns_name;
    DNS_NAME_LIST = "dns-name-list", |list| each(list, dns_name);
    HOTPLUG = "pve-hotplug-features", hotplug;
    INTERFACE = "pve-iface", |name| like(name, r"[a-zA-Z][a-zA-Z0-9_]{1,20}(?:[:.]\d+)?", "invalid network interface name");
    IPV4 = "ipv4", ipv4;
    IPV4_CONFIG = "pve-ipv4-config", ipv4_config;
    IPV6 = "ipv6", ipv6;
    IPV6_CONFIG = "pve-ipv6-config", ipv6_config;
    LXC_ADDRESS_LIST = "lxc-ip-with-ll-iface-list", |list| each(list, lxc_address);
    MAC = "mac-addr", |text| like(text, "(?i)[a-f0-9][02468ace](?::[a-f0-9]{2}){5}", "value does not look like a valid unicast MAC address");
    MOUNT = "pve-lxc-mp-string", mount;
    NODE = "pve-node", |name| like(name, "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?", "value does not look like a valid node name");
    POOL = "pve-poolid", |name| like(name, "[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+){0,2}", "value does not look like a valid pool name");
    STARTUP = "pve-startup-order", startup;
    STORAGE = "pve-storage-id", storage;
    STORAGE_LIST = "pve-storage-id-list", |list| each(list, storage);
    STORAGE_CONTENT = "pve-storage-content", storage_content;
    STORAGE_CONTENT_LIST = "pve-storage-content-list", |list| each(list, storage_content);
    STORAGE_PAIR_LIST = "storage-pair-list", |list| each(list, storage_pair);
    TAG_LIST = "pve-tag-list", |list| each(list, tag);
    TASK_STATUS_LIST = "pve-task-status-type-list", |list| each(list, task_status);
    TIME_ZONE = "pve-ct-timezone", |zone| like(zone, "[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", "invalid time zone");
    URL_ENCODED = "urlencoded", url_encoded;
    VMID_LIST = "pve-vmid-list", |list| each(list, vmid);
    VOLUME = "pve-volume-id", volume;
    VOLUME_OR_ABSOLUTE_PATH = "pve-volume-id-or-absolute-path", volume_or_path;
    VOLUME_OR_PATH = "pve-volume-id-or-qm-path", |text| match text {
        "none" | "cdrom" => Ok(()),
        text => volume_or_path(text),
    };
}

fn each(list: &str, check: fn(&str) -> Result<(), String>) -> Result<(), String> {
    words(list).try_for_each(check)
}

fn like(text: &str, pattern: &'static str, complaint: &str) -> Result<(), String> {
    unless(matches(pattern, text), || format!("{complaint}: {text}"))
}

fn unless(fine: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if fine { Ok(()) } else { Err(complaint()) }
}

fn dns_name(name: &str) -> Result<(), String> {
    const NAME: &str =
        "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\\.)*[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
    unless(matches(NAME, name), || {
        format!("value '{name}' does not look like a valid DNS name")
    })
}

fn ipv4(text: &str) -> Result<(), String> {
    unless(text.parse::<Ipv4Addr>().is_ok(), || {
        format!("value '{text}' does not look like a valid IPv4 address")
    })
}

fn ipv6(text: &str) -> Result<(), String> {
    unless(text.parse::<Ipv6Addr>().is_ok(), || {
        format!("value '{text}' does not look like a valid IPv6 address")
    })
}

/// An address by number or by name.
fn address(text: &str) -> Result<(), String> {
    unless(text.parse::<IpAddr>().is_ok() || dns_name(text).is_ok(), || {
        format!("value does not look like a valid address: {text}")
    })
}

/// An address by number; that of a link may name its interface.
fn lxc_address(text: &str) -> Result<(), String> {
    let link = |text: &str| {
        let (number, interface) = text.split_once('%')?;
        let local = number.parse::<Ipv6Addr>().ok()?.segments()[0] & 0xffc0 == 0xfe80;
        (local && !interface.is_empty()).then_some(())
    };
    unless(
        text == "host" || text.parse::<IpAddr>().is_ok() || link(text).is_some(),
        || format!("value does not look like a valid IP address: {text}"),
    )
}

/// Whether a text is `ADDRESS/BITS`: the masks of whole networks are refused.
fn network<A: std::str::FromStr>(text: &str, most: u32) -> bool {
    let parts = text.split_once('/');
    parts.is_some_and(|(address, bits)| {
        address.parse::<A>().is_ok() && bits.parse().is_ok_and(|bits: u32| bits > 7 && bits <= most)
    })
}

fn cidr(text: &str) -> Result<(), String> {
    unless(
        network::<Ipv4Addr>(text, 32) || network::<Ipv6Addr>(text, 128),
        || format!("value '{text}' does not look like a valid CIDR network"),
    )
}

fn ipv4_config(text: &str) -> Result<(), String> {
    let fine = matches!(text, "dhcp" | "manual") || network::<Ipv4Addr>(text, 32);
    unless(fine, || {
        format!("value does not look like a valid ipv4 network configuration: {text}")
    })
}

fn ipv6_config(text: &str) -> Result<(), String> {
    let fine = matches!(text, "auto" | "dhcp" | "manual") || network::<Ipv6Addr>(text, 128);
    unless(fine, || {
        format!("value does not look like a valid ipv6 network configuration: {text}")
    })
}

fn config_id(text: &str) -> Result<(), String> {
    unless(matches("[a-zA-Z][a-zA-Z0-9_-]+", text), || {
        format!("invalid configuration ID '{text}'")
    })
}

fn vmid(text: &str) -> Result<(), String> {
    unless(matches("[1-9][0-9]{2,8}", text), || {
        format!("value '{text}' does not look like a valid VM ID")
    })
}

fn storage(text: &str) -> Result<(), String> {
    unless(matches("[a-zA-Z][a-zA-Z0-9._-]*[a-zA-Z0-9]", text), || {
        format!("storage ID '{text}' contains illegal characters")
    })
}

/// `STORAGE`, `FROM:TO`, or `1` for every storage as it is.
fn storage_pair(text: &str) -> Result<(), String> {
    match text.split_once(':') {
        Some((from, to)) => storage(from).and_then(|()| storage(to)),
        None if text == "1" => Ok(()),
        None => storage(text),
    }
}

fn storage_content(text: &str) -> Result<(), String> {
    const KINDS: [&str; 8] = [
        "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none",
    ];
    unless(KINDS.contains(&text), || format!("invalid content type '{text}'"))
}

fn tag(text: &str) -> Result<(), String> {
    unless(matches("[a-zA-Z0-9_][a-zA-Z0-9_+.-]*", text), || {
        format!("invalid characters in tag: {text}")
    })
}

fn task_status(text: &str) -> Result<(), String> {
    unless(matches!(text, "ok" | "error" | "warning" | "unknown"), || {
        format!("invalid task status: {text}")
    })
}

fn volume(text: &str) -> Result<(), String> {
    unless(matches("[a-zA-Z][a-zA-Z0-9._-]*[a-zA-Z0-9]:.+", text), || {
        format!("unable to parse volume ID '{text}'")
    })
}

fn volume_or_path(text: &str) -> Result<(), String> {
    if text.starts_with('/') {
        Ok(())
    } else {
        volume(text)
    }
}

/// Text that its sender has percent-encoded once more.
fn url_encoded(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()%".contains(&byte);
    unless(text.bytes().all(plain), || {
        format!("invalid urlencoded string: {text}")
    })
}

fn hotplug(text: &str) -> Result<(), String> {
    const FEATURES: [&str; 6] = ["network", "disk", "cpu", "memory", "usb", "cloudinit"];
    let fine = matches!(text, "0" | "1") || words(text).all(|word| FEATURES.contains(&word));
    unless(fine, || "unable to parse hotplug option".to_owned())
}

fn startup(text: &str) -> Result<(), String> {
    let fine = text
        .split(',')
        .all(|part| matches(r"(?:order=)?\d+|up=\d+|down=\d+", part));
    unless(fine, || "unable to parse startup options".to_owned())
}

/// A path or a volume that does not lead out of where it is.
fn mount(text: &str) -> Result<(), String> {
    let leaves = text.split('/').any(|part| matches!(part, "." | ".."));
    unless(!leaves || !text.contains('/'), || {
        format!("{text} contains illegal character sequences")
    })
}

fn device(text: &str) -> Result<(), String> {
    unless(text.starts_with("/dev/"), || {
        format!("{text} is not a path under /dev")
    })?;
    mount(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_takes_what_is_right_and_refuses_what_is_not() {
        let cases: [(&Format, &[&str], &[&str]); 18] = [
            (ADDRESS_LIST, &["10.0.0.1, fd00::1;dns.lan"], &["-x", "a_b"]),
            (
                CIDR_NETWORK,
                &["10.0.0.0/8", "fd00::/64"],
                &["10.0.0.0", "10.0.0.0/33"],
            ),
            (CONFIG_ID_LIST, &["net0,scsi1", ""], &["0net", "a"]),
            (CPU_SET, &["0,5,8-11"], &["0-", "a"]),
            (DEVICE, &["/dev/kvm"], &["/etc", "/dev/../etc"]),
            (DISK_SIZE, &["8G", "1.5T", "512"], &["8X", "+1G"]),
            (DNS_NAME, &["a", "a-1.b"], &["a_b", "-a", "a..b"]),
            (HOTPLUG, &["0", "network,disk"], &["disks", "2"]),
            (IPV4_CONFIG, &["dhcp", "10.0.0.2/24"], &["10.0.0.2", "auto"]),
            (IPV6_CONFIG, &["auto", "fd00::2/64"], &["fd00::2", "10.0.0.2/24"]),
            (
                LXC_ADDRESS_LIST,
                &["10.0.0.1 fe80::1%eth0"],
                &["dns.lan", "fd00::1%eth0"],
            ),
            (MAC, &["BC:24:11:00:00:01"], &["NOTAMAC", "BD:24:11:00:00:01"]),
            (MOUNT, &["/mnt/a", "local-lvm:8"], &["/mnt/../etc"]),
            (STARTUP, &["1", "order=1,up=2,down=3"], &["first", "up=x"]),
            (STORAGE_PAIR_LIST, &["1", "a-1:b-2,c-3"], &["9x", "a-1:"]),
            (TAG_LIST, &[";Tag1;", "a+b_c.d"], &["-a", "a/b"]),
            (URL_ENCODED, &["ssh-ed25519%20AAAA"], &["ssh-ed25519 AAAA"]),
            (
                VOLUME_OR_PATH,
                &["none", "cdrom", "/a.iso", "local:iso/a.iso"],
                &["8", ":x"],
            ),
        ];
        for (format, fine, wrong) in cases {
            for text in fine {
                assert_eq!((format.check)(text), Ok(()), "{} {text}", format.name);
            }
            for text in wrong {
                assert!((format.check)(text).is_err(), "{} {text}", format.name);
            }
        }
    }
}
