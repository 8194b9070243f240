//! The cluster and its nodes.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::{Answer, Failure};
use super::drives::GIB;
use super::guests::Guest;
use super::{Ask, Proxmox};
use crate::ledger::Ledger;
use crate::world::NodeWorld;

impl Proxmox {
    pub(super) fn version(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let version = &self.world.version;
        let release = version
            .rsplit_once('.')
            .map_or(version.as_str(), |(release, _)| release);
        Ok(json!({"version": version, "release": release, "repoid": "5ab0b1a1e5f3a3c1"}).into())
    }

    /// What the guests that run on a node take of its memory, and what the node takes itself.
    fn memory_used(&self, node: &str) -> u64 {
        let running = self
            .guests
            .values()
            .filter(|guest| guest.node == node && guest.running.is_some());
        running.map(Guest::memory).sum::<u64>() + 4 * GIB
    }

    fn node_json(&self, node: &NodeWorld) -> Value {
        if !node.online {
            return json!({"type": "node", "id": format!("node/{}", node.name), "node": node.name, "status": "offline"});
        }
        json!({
            "type": "node",
            "id": format!("node/{}", node.name),
            "node": node.name,
            "status": "online",
            "level": "",
            "maxcpu": node.cpus,
            "cpu": 0.05,
            "maxmem": node.memory_gib * GIB,
            "mem": self.memory_used(&node.name),
            "maxdisk": 100 * GIB,
            "disk": 10 * GIB,
            "uptime": 864_000,
            "ssl_fingerprint": self.fingerprint(&node.name),
        })
    }

    /// The fingerprint of a certificate of the cluster's: that of its authority, or of a node.
    fn fingerprint(&self, whose: &str) -> String {
        let hash = Sha256::digest(format!("{}/{whose}", self.world.cluster));
        let bytes: Vec<_> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        bytes.join(":")
    }

    /// The certificates that a node has: the authority that the cluster was made with, and its own.
    pub(super) fn certificates(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let authority = "/CN=Proxmox Virtual Environment/O=PVE Cluster Manager CA";
        let certificate = |file: &str, whose: &str, subject: &str| {
            json!({
                "filename": file, "fingerprint": self.fingerprint(whose), "subject": subject, "issuer": authority,
                "public-key-type": "rsaEncryption", "public-key-bits": 2048,
            })
        };
        let node = ask.node();
        let own = format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={node}");
        Ok(json!([
            certificate("pve-root-ca.pem", "", authority),
            certificate("pve-ssl.pem", node, &own),
        ])
        .into())
    }

    pub(super) fn list_nodes(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let nodes = self.world.nodes.iter().map(|node| self.node_json(node));
        Ok(nodes.collect::<Value>().into())
    }

    pub(super) fn node_status(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let node = self.world.nodes.iter().find(|node| node.name == ask.node());
        let Some(node) = node else {
            return Failure::die(format!("no such cluster node '{}'", ask.node()));
        };
        let (total, used) = (node.memory_gib * GIB, self.memory_used(&node.name));
        let free = total.saturating_sub(used);
        let kernel = "6.8.12-1-pve";
        Ok(json!({
            "cpu": 0.05,
            "cpuinfo": {"cpus": node.cpus, "cores": node.cpus, "sockets": 1, "model": "Simulated", "hvm": "1"},
            "loadavg": ["0.10", "0.08", "0.05"],
            "memory": {"total": total, "used": used, "free": free, "available": free},
            "rootfs": {"total": 100 * GIB, "used": 10 * GIB, "free": 90 * GIB, "avail": 90 * GIB},
            "boot-info": {"mode": "efi", "secureboot": 0},
            "current-kernel": {
                "sysname": "Linux", "release": kernel, "version": "#1 SMP PREEMPT_DYNAMIC", "machine": "x86_64",
            },
            "kversion": format!("Linux {kernel}"),
            "pveversion": format!("pve-manager/{}/5ab0b1a1e5f3a3c1", self.world.version),
            "uptime": 864_000,
        })
        .into())
    }

    pub(super) fn cluster_status(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let online = self.world.nodes.iter().filter(|node| node.online).count();
        let quorate = u8::from(online * 2 > self.world.nodes.len());
        let mut all = vec![json!({
            "type": "cluster", "id": "cluster", "name": self.world.cluster, "version": 3, "quorate": quorate,
            "nodes": self.world.nodes.len(),
        })];
        all.extend(self.world.nodes.iter().zip(1..).map(|(node, id)| {
            json!({
                "type": "node", "id": format!("node/{}", node.name), "name": node.name, "nodeid": id,
                "online": u8::from(node.online), "ip": format!("192.0.2.{id}"), "local": u8::from(id == 1),
                "level": "",
            })
        }));
        Ok(Value::from(all).into())
    }

    /// Only what the token may plug a machine into, or look at; any VLAN of it is enough. Without a type, there are no
    /// vnets among them.
    pub(super) fn networks(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let wanted = ask.given.text("type");
        let local = matches!(wanted, None | Some("bridge" | "any_bridge" | "any_local_bridge"));
        let bridges = self.world.bridges.iter().filter(|_| local).map(|bridge| {
            json!({"iface": bridge, "type": "bridge", "active": 1, "autostart": 1, "method": "static"})
        });
        let vnets = matches!(wanted, Some("vnet" | "any_bridge"));
        let vnets = self.world.vnets.keys().filter(|_| vnets);
        let vnets = vnets.map(|vnet| json!({"iface": vnet, "type": "vnet", "active": "1", "vlanaware": 0}));
        let seen = |entry: &Value| {
            let place = self.network_place(entry["iface"].as_str().unwrap_or_default());
            let below = self.world.acl.iter().flat_map(|acl| acl.keys());
            let below = below.filter(|path| path.starts_with(&format!("{place}/")));
            std::iter::once(&place).chain(below).any(|place| {
                let held = |privilege| self.holds(place, privilege);
                held("SDN.Use") || held("SDN.Audit")
            })
        };
        Ok(bridges.chain(vnets).filter(seen).collect::<Value>().into())
    }

    /// The lowest number that nobody has. It is not reserved: who asks at the same time gets the same.
    pub(super) fn next_id(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        if let Some(wanted) = ask.given.number::<u32>("vmid") {
            return match self.guests.get(&wanted) {
                None => Ok(json!(wanted.to_string()).into()),
                Some(guest) => {
                    let words = format!("{} {wanted} already exists", guest.kind.word());
                    Err(Failure::parameter("vmid", words))
                }
            };
        }
        let free = (100_u32..).find(|vmid| !self.guests.contains_key(vmid));
        Ok(json!(free.unwrap_or_default().to_string()).into())
    }

    /// What the resources say of the storages that the token may audit, each on each node.
    pub(super) fn storage_resources(&self) -> Vec<Value> {
        let storages = self.world.storages.iter();
        let seen: Vec<_> = storages
            .filter(|storage| self.holds(&format!("/storage/{}", storage.name), "Datastore.Audit"))
            .collect();
        let nodes = self.world.nodes.iter();
        let each = nodes.flat_map(|node| seen.iter().map(move |storage| (node, storage)));
        each.map(|(node, storage)| {
            let total = storage.total_gib * GIB;
            json!({
                "type": "storage", "id": format!("storage/{}/{}", node.name, storage.name),
                "node": node.name, "storage": storage.name,
                "status": if storage.active { "available" } else { "unknown" },
                "content": storage.content.join(","), "plugintype": storage.kind,
                "shared": u8::from(storage.shared), "maxdisk": total,
                "disk": total - self.free(&node.name, &storage.name).min(total),
            })
        })
        .collect()
    }

    pub(super) fn resources(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let wanted = ask.given.text("type");
        let wants = |kind: &str| wanted.is_none_or(|wanted| wanted == kind);
        let mut all = Vec::new();
        if wants("vm") {
            all.extend(
                self.guests
                    .iter()
                    .filter(|(vmid, _)| self.holds(&format!("/vms/{vmid}"), "VM.Audit"))
                    .map(|(vmid, guest)| self.resource(*vmid, guest)),
            );
        }
        if wants("node") {
            let nodes = self.world.nodes.iter();
            let seen = nodes.filter(|node| self.holds(&format!("/nodes/{}", node.name), "Sys.Audit"));
            all.extend(seen.map(|node| self.node_json(node)));
        }
        if wants("storage") {
            all.extend(self.storage_resources());
        }
        if wanted.is_none() {
            let pools = self.pools.keys().filter(|pool| self.sees_pool(pool));
            all.extend(
                pools.map(|pool| json!({"type": "pool", "id": format!("/pool/{pool}"), "pool": pool})),
            );
        }
        Ok(Value::from(all).into())
    }
}
