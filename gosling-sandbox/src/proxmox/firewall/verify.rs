//! What Proxmox VE demands of a rule as a whole.

use std::collections::BTreeMap;

use super::formats::{Addresses, MACROS, WITH_PORTS, addresses};

/// Checks the values of a guest's rule and writes a macro's name as it is written. `Err` has the names that are wrong,
/// with complaints.
pub(super) fn verify(values: &mut BTreeMap<String, String>) -> Result<(), BTreeMap<String, String>> {
    let mut errors = BTreeMap::new();
    let mut complain = |name: &str, complaint: String| {
        errors.entry(name.to_owned()).or_insert(complaint);
    };
    if let Some(name) = values.get_mut("macro") {
        match MACROS.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            Some(known) => (*known).clone_into(name),
            None => complain("macro", format!("unknown macro '{name}'")),
        }
    }
    let get = |name: &str| values.get(name).map(String::as_str);
    let action = get("action").unwrap_or_default();
    match get("type") {
        Some("in" | "out") => {
            if !matches!(action, "ACCEPT" | "DROP" | "REJECT") {
                complain("action", format!("unknown action '{action}'"));
            }
        }
        Some("group") => {}
        Some("forward") => complain("type", "rule type 'forward' is not allowed for guests".to_owned()),
        _ => complain("type", "missing property".to_owned()),
    }
    if let Some(interface) = get("iface")
        && !super::is_net(interface)
    {
        complain("iface", "invalid interface name".to_owned());
    }
    for ports in ["dport", "sport"] {
        match (get(ports), get("proto")) {
            (None, _) => {}
            (Some(_), None) => complain(
                "proto",
                format!("missing property - '{ports}' requires this property"),
            ),
            (Some(_), Some(protocol)) => {
                let icmp = ports == "dport" && matches!(protocol, "icmp" | "icmpv6" | "ipv6-icmp");
                if !WITH_PORTS.contains(&protocol) && !icmp {
                    complain(ports, format!("protocol '{protocol}' does not support ports"));
                }
            }
        }
    }
    if let Some(kind) = get("icmp-type")
        && !matches!(get("proto"), Some("icmp" | "icmpv6" | "ipv6-icmp"))
    {
        complain(
            "icmp-type",
            format!("'{kind}' is only allowed with proto icmp or icmpv6"),
        );
    }
    for name in ["source", "dest"] {
        match get(name).map(addresses) {
            // No call of the sandbox makes aliases or sets.
            Some(Ok(Addresses::Alias(alias))) => complain(name, format!("no such alias '{alias}'")),
            Some(Ok(Addresses::Set(set))) => complain(name, format!("no such ipset '{set}'")),
            Some(Ok(Addresses::Numbers(_))) | None => {}
            Some(Err(complaint)) => complain(name, complaint),
        }
    }
    match (version(values, "source"), version(values, "dest")) {
        (Some(source), Some(dest)) if source != dest => {
            complain("dest", "detected mixed ipv4/ipv6 addresses in rule".to_owned())
        }
        _ => {}
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The IP version of a rule's addresses, where it has any.
pub(super) fn version(values: &BTreeMap<String, String>, name: &str) -> Option<u8> {
    match addresses(values.get(name)?) {
        Ok(Addresses::Numbers(version)) => Some(version),
        _ => None,
    }
}
