//! An egg's machines on Proxmox VE.

use std::collections::BTreeSet;

use fly_typeck::schema::cloud::{Addressing, Firewall, FirewallPolicy, ProxmoxCloud, Template as From};
use fly_typeck::schema::egg::Gitlab;
use gosling_resource::{Address, Properties, Resource, Template, Value};

use crate::boot;
use crate::gitlab::nest_name;
use crate::lower::Owner;
use crate::{LowerError, Source};

const MIB: u64 = 1 << 20;

/// A virtual machine for each that is to be active.
pub(crate) fn machines(
    source: &Source<'_>,
    owner: &Owner<'_>,
    runners: &[(Address, &Gitlab, Option<&str>)],
) -> Result<Vec<Resource>, LowerError> {
    let Some(cloud) = &owner.pool.cloud.proxmox else {
        return Err(LowerError::Own(format!(
            "{} has no Proxmox settings",
            owner.name()
        )));
    };
    let count = count(source, owner.label);
    let room = room(&cloud.vmid_range);
    if count > room {
        return Err(LowerError::TooFewIds {
            owner: owner.name(),
            machines: count,
            room,
            origin: owner.origin.clone(),
        });
    }
    if let Addressing::List(addresses) = &cloud.address
        && i64::try_from(addresses.len()).unwrap_or(i64::MAX) < count
    {
        return Err(LowerError::TooFewAddresses {
            owner: owner.name(),
            machines: count,
            addresses: addresses.len(),
            origin: owner.origin.clone(),
        });
    }
    (0..count)
        .map(|index| machine(source, owner, cloud, runners, index))
        .collect()
}

/// How many machines are to be active: `apex.min_count` of the condition that names the egg, else one.
fn count(source: &Source<'_>, label: &str) -> i64 {
    let conditions = source
        .nest
        .uglyfox
        .iter()
        .flat_map(|uglyfox| &uglyfox.runners_condition);
    let mut own = conditions.filter(|condition| {
        condition
            .eggs_entities
            .iter()
            .any(|entity| entity.to_string() == label)
    });
    own.next().map_or(1, |condition| condition.apex.min_count)
}

/// How many VMIDs a range has; the checker has looked at its form.
fn room(range: &str) -> i64 {
    let bounds = range.split_once('-').and_then(|(first, last)| {
        Some((
            first.trim().parse::<i64>().ok()?,
            last.trim().parse::<i64>().ok()?,
        ))
    });
    bounds.map_or(0, |(first, last)| last - first + 1)
}

fn machine(
    source: &Source<'_>,
    owner: &Owner<'_>,
    cloud: &ProxmoxCloud,
    runners: &[(Address, &Gitlab, Option<&str>)],
    index: i64,
) -> Result<Resource, LowerError> {
    let nest = nest_name(source);
    let name = host_name(&nest, owner.label, index);
    let resources = &owner.pool.resources;
    let mebibytes = |bytes: u64| i64::try_from(bytes.div_ceil(MIB)).unwrap_or(i64::MAX);
    let template = cloud
        .template
        .as_ref()
        .map_or(Value::Null, |template| match template {
            From::Name(name) => name.to_string().into(),
            From::Id(id) => (*id).into(),
        });
    let address = match &cloud.address {
        Addressing::Dhcp => None,
        Addressing::List(addresses) => usize::try_from(index)
            .ok()
            .and_then(|index| addresses.get(index))
            .copied(),
    };
    let text = |value: &Option<smol_str::SmolStr>| Value::from(value.as_ref().map(ToString::to_string));
    let texts = |values: &Option<Vec<smol_str::SmolStr>>| {
        let texts: Vec<String> = values.iter().flatten().map(ToString::to_string).collect();
        texts
    };
    let listen = address.map(|address| address.address().to_string());
    let user_data = boot::user_data(source, owner, runners, &name, listen.as_deref())?;
    let network = network(
        address.map(|address| address.to_string()),
        cloud.gateway.as_deref(),
        &texts(&cloud.dns),
    );
    let runner = match runners {
        [(address, ..)] => output(address),
        many => Value::List(many.iter().map(|(address, ..)| output(address)).collect()),
    };
    let tags: BTreeSet<String> = ["gosling", &nest, owner.label].into_iter().map(tag).collect();
    let properties = Properties::from([
        ("name".to_owned(), name.into()),
        ("nodes".to_owned(), texts(&cloud.nodes).into()),
        ("vmid_range".to_owned(), cloud.vmid_range.to_string().into()),
        ("template".to_owned(), template),
        ("image".to_owned(), text(&cloud.image)),
        ("storage".to_owned(), cloud.storage.to_string().into()),
        ("iso_storage".to_owned(), cloud.iso_storage.to_string().into()),
        ("bridge".to_owned(), cloud.bridge.to_string().into()),
        ("vlan".to_owned(), cloud.vlan.into()),
        ("pool".to_owned(), text(&cloud.pool)),
        ("cpu_type".to_owned(), text(&cloud.cpu_type)),
        ("cpu".to_owned(), resources.cpu.into()),
        ("memory".to_owned(), mebibytes(resources.memory.as_bytes()).into()),
        ("disk".to_owned(), mebibytes(resources.disk.as_bytes()).into()),
        ("tags".to_owned(), tags.into_iter().collect::<Vec<_>>().into()),
        (
            "firewall".to_owned(),
            cloud.firewall.as_ref().map_or(Value::Null, firewall),
        ),
        // A machine that somebody turned off is turned on again.
        ("started".to_owned(), true.into()),
        ("user_data".to_owned(), user_data.into()),
        ("network_config".to_owned(), Template::text(network).into()),
        ("runner".to_owned(), runner),
    ]);
    let origins = source.origins(
        owner.block,
        &[
            ("template", "cloud.template"),
            ("image", "cloud.image"),
            ("storage", "cloud.storage"),
            ("bridge", "cloud.bridge"),
            ("vlan", "cloud.vlan"),
            ("pool", "cloud.pool"),
            ("cpu_type", "cloud.cpu_type"),
            ("firewall", "cloud.firewall"),
            ("nodes", "cloud.nodes"),
            ("vmid_range", "cloud.vmid_range"),
            ("network_config", "cloud.address"),
            ("cpu", "resources.cpu"),
            ("memory", "resources.memory"),
            ("disk", "resources.disk"),
            ("user_data", "runner"),
        ],
    );
    let cloud_block = owner.block.and_then(|block| block.block("cloud"));
    Ok(Resource {
        address: Address::new(owner.kind, owner.label, "vm").keyed(index),
        kind: "proxmox_vm".to_owned(),
        provider: owner.pool.cloud.provider.to_string(),
        properties,
        depends_on: runners.iter().map(|(address, ..)| address.clone()).collect(),
        origin: cloud_block
            .and_then(|block| source.origin(block.header))
            .or_else(|| owner.origin.clone()),
        origins,
    })
}

fn output(of: &Address) -> Value {
    Value::Output {
        of: of.clone(),
        name: "id".to_owned(),
    }
}

/// A DNS label of at most 63 letters: `lab-app-0`.
fn host_name(nest: &str, label: &str, index: i64) -> String {
    let plain: String = format!("{nest}-{label}")
        .to_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let end = format!("-{index}");
    let start: String = plain.trim_matches('-').chars().take(63 - end.len()).collect();
    format!("{}{end}", start.trim_end_matches('-'))
}

/// A tag as Proxmox VE takes it: lower-case letters, digits, `_`, `-`, `+` and `.`.
fn tag(text: &str) -> String {
    let letters = text.to_lowercase();
    letters
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '.') {
                letter
            } else {
                '-'
            }
        })
        .collect()
}

fn firewall(firewall: &Firewall) -> Value {
    let policy = match firewall.policy_in {
        FirewallPolicy::Drop => "DROP",
        FirewallPolicy::Reject => "REJECT",
        FirewallPolicy::Accept => "ACCEPT",
    };
    let allow: Vec<String> = firewall.allow.iter().map(ToString::to_string).collect();
    Value::Map(
        [
            ("policy_in".to_owned(), policy.into()),
            ("allow".to_owned(), allow.into()),
        ]
        .into(),
    )
}

/// `network-config` of cloud-init, version 2. Addresses are checked: nothing in them needs quoting beyond quotes.
fn network(address: Option<String>, gateway: Option<&str>, dns: &[String]) -> String {
    let mut text = String::from("version: 2\nethernets:\n  primary:\n    match:\n      name: \"e*\"\n");
    match address {
        None => text.push_str("    dhcp4: true\n"),
        Some(address) => {
            text.push_str(&format!("    addresses: [{}]\n", quoted(&address)));
            if let Some(gateway) = gateway {
                text.push_str(&format!(
                    "    routes:\n      - to: default\n        via: {}\n",
                    quoted(gateway)
                ));
            }
        }
    }
    if !dns.is_empty() {
        let servers: Vec<String> = dns.iter().map(|server| quoted(server)).collect();
        text.push_str(&format!(
            "    nameservers:\n      addresses: [{}]\n",
            servers.join(", ")
        ));
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", gosling_resource::Escape::Yaml.write(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_dns_labels() {
        assert_eq!(host_name("lab", "app", 0), "lab-app-0");
        assert_eq!(host_name("Mein Nest", "site_docs", 12), "mein-nest-site-docs-12");
        assert_eq!(host_name(&"n".repeat(80), "x", 3).len(), 63);
    }

    #[test]
    fn ranges_have_room() {
        assert_eq!((room("5000-5999"), room("7-7")), (1000, 1));
    }
}
