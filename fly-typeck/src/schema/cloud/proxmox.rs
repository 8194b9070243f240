//! What Proxmox VE needs to know of a machine.

use smol_str::SmolStr;

use crate::schema::{Rule, Typed};
use crate::types::{Type, Words};
use crate::value::Value;
use crate::{block, words};
use fly_domain::{Cidr, FirewallRule, VmidRange};

block! {
    /// Machines on Proxmox VE. Needs its `provider "proxmox"` block, which says where the cluster is.
    pub struct ProxmoxCloud("cloud") {
        attributes {
            /// The template that machines are cloned from: its name, or its number (VMID).
            template: Option<Template>;
            /// The image that machines are made of: a volume such as
            /// `local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst` for a container, or the address of a cloud image
            /// (qcow2, raw, vmdk) for a virtual machine.
            image: Option<SmolStr>;
            /// The nodes of the cluster on which machines may be made. Without it, all that are online.
            nodes: Option<Vec<SmolStr>>;
            /// The storage for disks.
            storage: SmolStr = "\"local-lvm\"";
            /// The storage for ISO images and uploads; its content types must include `iso`.
            iso_storage: SmolStr = "\"local\"";
            /// The bridge that the network card is attached to.
            bridge: SmolStr = "\"vmbr0\"";
            /// The VLAN tag of the network card. Without it, untagged.
            vlan: Option<i64>, range("1", "4094");
            /// The resource pool that machines are put in. Without it, that of the provider, or none.
            pool: Option<SmolStr>;
            /// The numbers (VMIDs) that machines may get, as `first-last`. Keep them for gosling alone: Proxmox VE
            /// reserves none.
            vmid_range: VmidRange = "\"5000-5999\"";
            /// The emulated processor, as Proxmox VE calls it: `host`, `x86-64-v2-AES`. Without it, the template's, or
            /// the cluster's default.
            cpu_type: Option<SmolStr>;
            /// How machines get their addresses: `"dhcp"`, or a list of addresses with their prefixes to hand out:
            /// `["10.0.8.10/24", "10.0.8.11/24"]`.
            address: Addressing = "\"dhcp\"";
            /// The gateway, where addresses are handed out by list.
            gateway: Option<SmolStr>;
            /// The name servers. Without it, those of DHCP or of the node.
            dns: Option<Vec<SmolStr>>;
        }
        blocks {
            firewall: Option<Firewall>;
        }
        rules [Rule::ExactlyOne(&["template", "image"])]
    }
}

words! {
    /// What happens to packets that no rule is about.
    pub enum FirewallPolicy("firewall policy") {
        /// They are thrown away silently.
        Drop = "drop",
        /// They are refused, and the sender gets an answer.
        Reject = "reject",
        /// They come through.
        Accept = "accept",
    }
}

block! {
    /// Proxmox VE's own firewall in front of each machine. Without this block it is off.
    pub struct Firewall("firewall") {
        attributes {
            /// What happens to incoming packets that `allow` does not name.
            policy_in: FirewallPolicy = "\"drop\"";
            /// Who may come in: a network, and after a space a protocol and ports where not all are meant:
            /// `"10.0.0.0/8 tcp/22"`, `"192.168.0.7 udp/53,60:70"`, `"10.0.0.0/8 icmp"`.
            allow: Vec<FirewallRule> = "[]";
        }
    }
}

/// What a Proxmox machine is cloned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// The template of this name.
    Name(SmolStr),
    /// The template of this number.
    Id(i64),
}

impl Typed for Template {
    fn ty() -> Type {
        Type::union([Type::String, Type::Int])
    }
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) => Some(Self::Name(name.clone())),
            Value::Int(id) => Some(Self::Id(*id)),
            _ => None,
        }
    }
}

/// How Proxmox machines get their addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressing {
    /// By DHCP.
    Dhcp,
    /// From this list, each to one machine.
    List(Vec<Cidr>),
}

/// The only word among the ways to get an address.
static DHCP: Words = Words {
    what: "addressing",
    words: &[("dhcp", "The network's DHCP server hands out addresses.")],
};

impl Typed for Addressing {
    fn ty() -> Type {
        Type::union([Type::Words(&DHCP), Vec::<Cidr>::ty()])
    }
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::List(_) => Vec::<Cidr>::read(value).map(Self::List),
            _ => (value.as_str()? == "dhcp").then_some(Self::Dhcp),
        }
    }
}
