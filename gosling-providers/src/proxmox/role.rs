//! The least roles that a plan needs, as commands for a node.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::networks::SOME;
use super::privileges::{Need, least};

/// A role's privileges, by the places that it is given on.
type Places = BTreeMap<String, BTreeSet<&'static str>>;

fn places(needs: &[Need<'_>], major: u32) -> Places {
    let mut places = Places::new();
    for need in needs {
        let held = places.entry(need.place.grant()).or_default();
        held.insert(least(need.any, major));
    }
    // What is given on all machines, a pool need not give again.
    let everywhere = places.get("/vms").cloned().unwrap_or_default();
    for (path, held) in &mut places {
        if path.starts_with("/pool/") {
            held.retain(|privilege| !everywhere.contains(privilege));
        }
    }
    // What is given on a bridge, its VLANs have, too.
    let bridges: BTreeSet<String> = places
        .keys()
        .filter(|path| path.starts_with("/sdn/"))
        .cloned()
        .collect();
    places.retain(|path, _| {
        let above = path.rsplit_once('/').map(|(above, _)| above);
        !above.is_some_and(|above| bridges.contains(above))
    });
    places
}

/// A name that says what the role is for.
fn name(path: &str, held: &BTreeSet<&str>) -> &'static str {
    let has = |name: &str| held.contains(name);
    let mut parts = path.split('/').skip(1);
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("pool", _) => "GoslingMachines",
        ("vms", None) if held.len() == 1 && has("VM.Audit") => "GoslingLook",
        ("vms", None) => "GoslingMachines",
        ("vms", _) => "GoslingTemplate",
        ("storage", _) if has("Datastore.AllocateSpace") && has("Datastore.AllocateTemplate") => {
            "GoslingStorage"
        }
        ("storage", _) if has("Datastore.AllocateSpace") => "GoslingDisks",
        ("storage", _) => "GoslingImages",
        ("sdn", _) => "GoslingBridge",
        _ => "GoslingNodes",
    }
}

/// The commands. `major` is the cluster's version, where it is known.
pub(super) fn commands(needs: &[Need<'_>], token_id: &str, major: Option<u32>) -> String {
    let (user, token) = token_id.split_once('!').unwrap_or((token_id, "gosling"));
    let mut text = String::from("# Unless they are there:\n");
    let pools: BTreeSet<_> = needs
        .iter()
        .filter_map(|need| need.place.pool.as_deref())
        .collect();
    for pool in pools {
        let _ = writeln!(text, "pveum pool add {pool}");
    }
    let _ = writeln!(text, "pveum user add {user}");
    let _ = writeln!(text, "pveum user token add {user} {token} --privsep 0");
    let (of_8, of_9) = (places(needs, 8), places(needs, 9));
    let mut roles: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut given = Vec::new();
    text.push('\n');
    for (path, held) in match major {
        Some(9..) => &of_9,
        _ => &of_8,
    } {
        let base = name(path, held);
        // Two places of one sort may take different things.
        let numbered = (1..).map(|number| match number {
            1 => base.to_owned(),
            number => format!("{base}{number}"),
        });
        let role = numbered
            .into_iter()
            .find(|name| roles.get(name).is_none_or(|known| known == held))
            .unwrap_or_default();
        if roles.insert(role.clone(), held.clone()).is_none() {
            let line = |held: &BTreeSet<&str>| {
                let held: Vec<_> = held.iter().copied().collect();
                format!("pveum role add {role} --privs \"{}\"", held.join(" "))
            };
            let _ = writeln!(text, "{}", line(held));
            if let (None, Some(other)) = (major, of_9.get(path).filter(|other| *other != held)) {
                let _ = writeln!(
                    text,
                    "# On Proxmox VE 9, instead of the line above:\n# {}",
                    line(other)
                );
            }
        }
        given.push((path, role));
    }
    text.push('\n');
    for (path, role) in given {
        if path.contains(SOME) {
            text.push_str("# Write the vnet's zone for what is in < >; for a bridge that is no vnet, it is `localnetwork`.\n# ");
        } else if path.contains('<') {
            text.push_str("# The cluster could not be asked: write the VMID of each such template for what is in < >.\n# ");
        }
        let _ = writeln!(text, "pveum acl modify {path} --users {user} --roles {role}");
    }
    text
}
