//! The formats of a firewall rule's values, and the names that they may hold.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::proxmox::formats::Format;
use crate::proxmox::schema::matches;

pub(in crate::proxmox) const ADDRESS: &Format = &Format {
    name: "pve-fw-addr-spec",
    check: |text| or_nothing(text, |text| addresses(text).map(|_| ())),
};
pub(in crate::proxmox) const FROM_PORT: &Format = &Format {
    name: "pve-fw-sport-spec",
    check: |text| or_nothing(text, |text| ports(text, &[])),
};
pub(in crate::proxmox) const TO_PORT: &Format = &Format {
    name: "pve-fw-dport-spec",
    check: |text| or_nothing(text, |text| ports(text, ICMP_TYPES)),
};
pub(in crate::proxmox) const ICMP_TYPE: &Format = &Format {
    name: "pve-fw-icmp-type-spec",
    check: |text| or_nothing(text, |text| known(text, ICMP_TYPES, "icmp-type")),
};
pub(in crate::proxmox) const PROTOCOL: &Format = &Format {
    name: "pve-fw-protocol-spec",
    check: |text| or_nothing(text, |text| known(text, PROTOCOLS, "protocol")),
};

/// An empty text takes a value away: it is right in every format of a rule.
fn or_nothing(text: &str, check: fn(&str) -> Result<(), String>) -> Result<(), String> {
    if text.is_empty() { Ok(()) } else { check(text) }
}

/// A name of a list, or a number of one byte.
fn known(text: &str, names: &[&str], kind: &str) -> Result<(), String> {
    match names.contains(&text) || text.parse::<u8>().is_ok() {
        true => Ok(()),
        false => Err(format!("unknown {kind} '{text}'")),
    }
}

/// What the addresses of a rule are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Addresses {
    /// Of this IP version.
    Numbers(u8),
    /// The alias of this name.
    Alias(String),
    /// The IP set of this name.
    Set(String),
}

/// Reads addresses: `10.0.0.0/8,10.1.2.3`, `10.0.0.1-10.0.0.9`, `alias`, `+ipset`.
pub(super) fn addresses(text: &str) -> Result<Addresses, String> {
    if let Some(set) = text.strip_prefix('+') {
        return Ok(Addresses::Set(set.to_owned()));
    }
    if matches("(?:dc/|guest/)?[A-Za-z][A-Za-z0-9_-]+", text) {
        return Ok(Addresses::Alias(text.to_owned()));
    }
    let elements: Vec<_> = text.split(',').collect();
    if elements.iter().any(|element| element.is_empty()) {
        return Err("extraneous commas in list".to_owned());
    }
    let mut version = None;
    for element in &elements {
        let own = version_of(element)?;
        if version.is_some_and(|version| version != own) {
            return Err("detected mixed ipv4/ipv6 address list".to_owned());
        }
        version = Some(own);
    }
    if elements.len() > 1 && elements.iter().any(|element| element.contains('-')) {
        return Err("you can't use a range in a list".to_owned());
    }
    version
        .map(Addresses::Numbers)
        .ok_or_else(|| format!("invalid IP address: {text}"))
}

/// The IP version of an address, a network or a range. A network's address has no bits behind its prefix.
fn version_of(text: &str) -> Result<u8, String> {
    let wrong = || format!("invalid IP address: {text}");
    let address = |text: &str| text.parse::<IpAddr>().map_err(|_| wrong());
    if let Some((first, last)) = text.split_once('-') {
        return match (address(first)?, address(last)?) {
            (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => Ok(4),
            (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => Ok(6),
            _ => Err(wrong()),
        };
    }
    let Some((network, bits)) = text.split_once('/') else {
        return Ok(if address(text)?.is_ipv4() { 4 } else { 6 });
    };
    let bits = bits.parse::<u32>().map_err(|_| wrong())?;
    let (rest, width, version) = match address(network)? {
        IpAddr::V4(address) => (u128::from(Ipv4Addr::to_bits(address)), 32_u32, 4),
        IpAddr::V6(address) => (Ipv6Addr::to_bits(address), 128, 6),
    };
    let behind = width.checked_sub(bits).ok_or_else(wrong)?;
    let mask = 1_u128.checked_shl(behind).map_or(u128::MAX, |next| next - 1);
    match rest & mask {
        0 => Ok(version),
        _ => Err(format!("invalid IP address: Invalid prefix {text}")),
    }
}

/// Checks a list of ports and ranges; some names more may stand in a port's place.
fn ports(text: &str, more: &[&str]) -> Result<(), String> {
    let mut count = 0;
    for item in text.split(',') {
        let numbers: Vec<_> = item.split(':').map(str::parse::<u32>).collect();
        count += numbers.len();
        match numbers.as_slice() {
            _ if item.is_empty() => return Err("extraneous commas in list".to_owned()),
            [Ok(port)] if *port <= 65_535 => {}
            [Ok(first), Ok(last)] if first > last => {
                return Err(format!(
                    "backwards range '{first}:{last}' not allowed, did you mean '{last}:{first}'?"
                ));
            }
            [Ok(_), Ok(last)] if *last <= 65_535 => {}
            [Err(_)] if SERVICES.contains(&item) || more.contains(&item) => {}
            _ => return Err(format!("invalid port '{item}'")),
        }
    }
    match count {
        0..=15 => Ok(()),
        _ => Err("too many entries in port list (> 15 numbers)".to_owned()),
    }
}

/// The protocols that have ports.
pub(super) const WITH_PORTS: &[&str] = &[
    "udp", "17", "udplite", "136", "tcp", "6", "dccp", "33", "sctp", "132",
];

/// The names of protocols, as `/etc/protocols` has them.
#[rustfmt::skip]
const PROTOCOLS: &[&str] = &[
    "hopopt", "icmp", "igmp", "ggp", "ipencap", "st", "tcp", "egp", "igp", "pup", "udp", "hmp", "xns-idp", "rdp",
    "iso-tp4", "dccp", "xtp", "ddp", "idpr-cmtp", "ipv6", "ipv6-route", "ipv6-frag", "idrp", "rsvp", "gre", "esp", "ah",
    "skip", "icmpv6", "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "rspf", "vmtp", "eigrp", "ospf", "ax.25", "ipip",
    "etherip", "encap", "pim", "ipcomp", "vrrp", "l2tp", "isis", "sctp", "fc", "mobility-header", "udplite",
    "mpls-in-ip", "hip", "shim6", "wesp", "rohc", "ethernet", "mptcp",
];

#[rustfmt::skip]
const ICMP_TYPES: &[&str] = &[
    "any", "address-mask-reply", "address-mask-request", "address-unreachable", "bad-header", "beyond-scope",
    "communication-prohibited", "destination-unreachable", "echo-reply", "echo-request", "failed-policy",
    "fragmentation-needed", "host-precedence-violation", "host-prohibited", "host-redirect", "host-unknown",
    "host-unreachable", "ip-header-bad", "neighbor-advertisement", "neighbor-solicitation", "neighbour-advertisement",
    "neighbour-solicitation", "network-prohibited", "network-redirect", "network-unknown", "network-unreachable",
    "no-route", "packet-too-big", "parameter-problem", "port-unreachable", "precedence-cutoff", "protocol-unreachable",
    "redirect", "reject-route", "required-option-missing", "router-advertisement", "router-solicitation",
    "source-quench", "source-route-failed", "time-exceeded", "timestamp-reply", "timestamp-request",
    "TOS-host-redirect", "TOS-host-unreachable", "TOS-network-redirect", "TOS-network-unreachable",
    "ttl-zero-during-reassembly", "ttl-zero-during-transit", "unknown-header-type", "unknown-option",
];

/// The names of ports that somebody may write, of the many in `/etc/services`.
#[rustfmt::skip]
const SERVICES: &[&str] = &[
    "tcpmux", "echo", "discard", "systat", "daytime", "netstat", "qotd", "chargen", "ftp-data", "ftp", "ssh", "telnet",
    "smtp", "time", "whois", "tacacs", "domain", "bootps", "bootpc", "tftp", "gopher", "finger", "http", "kerberos",
    "pop3", "sunrpc", "auth", "nntp", "ntp", "epmap", "netbios-ns", "netbios-dgm", "netbios-ssn", "imap2", "snmp",
    "snmp-trap", "bgp", "irc", "ldap", "https", "microsoft-ds", "kpasswd", "saft", "isakmp", "rtsp", "syslog", "printer",
    "submission", "submissions", "ldaps", "rsync", "ftps", "telnets", "imaps", "pop3s", "socks", "openvpn", "ms-sql-s",
    "nfs", "mysql", "svn", "postgresql", "sip", "xmpp-client", "amqp", "http-alt", "git", "puppet", "zabbix-agent",
    "zabbix-trapper",
];

/// The macros that there are.
#[rustfmt::skip]
pub(super) const MACROS: &[&str] = &[
    "Amanda", "Auth", "BGP", "BitTorrent", "BitTorrent32", "CVS", "Ceph", "Citrix", "DAAP", "DCC", "DHCPfwd", "DHCPv6",
    "DNS", "Distcc", "FTP", "Finger", "GNUnet", "GRE", "Git", "HKP", "HTTP", "HTTP/3", "HTTPS", "ICPV2", "ICQ", "IMAP",
    "IMAPS", "IPIP", "IPsec", "IPsecah", "IPsecnat", "IRC", "Jetdirect", "L2TP", "LDAP", "LDAPS", "MDNS", "MSNP",
    "MSSQL", "Mail", "Munin", "MySQL", "NNTP", "NNTPS", "NTP", "NeighborDiscovery", "OSPF", "OpenVPN", "PBS", "PCA",
    "PMG", "POP3", "POP3S", "PPtP", "Ping", "PostgreSQL", "Printer", "RDP", "RIP", "RNDC", "Razor", "Rdate", "Rsync",
    "SANE", "SMB", "SMBswat", "SMTP", "SMTPS", "SNMP", "SPAMD", "SPICEproxy", "SSH", "SVN", "SixXS", "Squid",
    "Submission", "Syslog", "TFTP", "Telnet", "Telnets", "Time", "Trcrt", "VNC", "VNCL", "Web", "Webcache", "Webmin",
    "Whois",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_networks_ranges_lists_and_names() {
        assert_eq!(addresses("10.0.0.0/8,10.1.2.3"), Ok(Addresses::Numbers(4)));
        assert_eq!(addresses("fd00::/64"), Ok(Addresses::Numbers(6)));
        assert_eq!(addresses("10.0.0.1-10.0.0.9"), Ok(Addresses::Numbers(4)));
        assert_eq!(
            addresses("dc/office"),
            Ok(Addresses::Alias("dc/office".to_owned()))
        );
        assert_eq!(addresses("+blocked"), Ok(Addresses::Set("blocked".to_owned())));
        for wrong in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1,",
            "10.0.0.1,fd00::1",
            "999.1.1.1",
            "10.0.0.1-10.0.0.9,10.1.1.1",
            "",
            "::/-1",
        ] {
            assert!(addresses(wrong).is_err(), "{wrong}");
        }
        assert_eq!(addresses("0.0.0.0/0"), Ok(Addresses::Numbers(4)));
        assert_eq!(addresses("::/0"), Ok(Addresses::Numbers(6)));
    }

    #[test]
    fn ports_are_numbers_ranges_and_names() {
        for fine in ["22", "80,443,8000:8100", "ssh,https"] {
            assert_eq!(ports(fine, &[]), Ok(()), "{fine}");
        }
        for wrong in [
            "65536",
            "100:1",
            "22,",
            "nothing",
            "1:2:3",
            "",
            "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
        ] {
            assert!(ports(wrong, &[]).is_err(), "{wrong}");
        }
        assert!(ports("echo-request", &[]).is_err());
        assert_eq!(ports("echo-request", ICMP_TYPES), Ok(()));
    }
}
