//! Every call that is simulated: its path, its parameters, the privilege that it takes, and who answers it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::answer::Answer;
use super::parameters as p;
use super::schema::Parameter;
use super::{Ask, Proxmox};
use crate::ledger::Ledger;

type Handler = fn(&mut Proxmox, &Ask, &mut Ledger) -> Answer;

/// A call of the API.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// As the API's documentation writes it: `/nodes/{node}/qemu/{vmid}/config`.
    pub(super) path: &'static str,
    pub(super) parameters: &'static [&'static [Parameter]],
    /// Any of these is needed; empty where any user may, or where the handler knows better.
    pub(super) privileges: &'static [&'static str],
    pub(super) handler: Handler,
}

impl Route {
    /// What the variables of the path are in this path, if it is one of this route.
    pub(super) fn variables(&self, parts: &[String]) -> Option<BTreeMap<&'static str, String>> {
        let mut variables = BTreeMap::new();
        let mut parts = parts.iter();
        for name in self.path.split('/').skip(1) {
            let part = parts.next()?;
            match name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                // A volume's name has slashes of its own.
                Some("volume") => {
                    let rest = parts
                        .by_ref()
                        .fold(part.clone(), |whole, part| format!("{whole}/{part}"));
                    variables.insert("volume", rest);
                }
                Some(name) => {
                    variables.insert(name, part.clone());
                }
                None if name == part => {}
                None => return None,
            }
        }
        parts.next().is_none().then_some(variables)
    }
}

const fn route(
    method: &'static str,
    path: &'static str,
    parameters: &'static [&'static [Parameter]],
    privileges: &'static [&'static str],
    handler: Handler,
) -> Route {
    Route {
        method,
        path,
        parameters,
        privileges,
        handler,
    }
}

/// Any of these is enough to ask for a change; each value then takes its own.
const CHANGE_MACHINE: &[&str] = &[
    "VM.Config.Disk",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.HWType",
    "VM.Config.Options",
    "VM.Config.Cloudinit",
];
const CHANGE_CONTAINER: &[&str] = &[
    "VM.Config.Disk",
    "VM.Config.CPU",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
];
/// The first one is that of version 8, the others are those of version 9.
const AGENT: &[&str] = &["VM.Monitor", "VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"];

const AGENT_FILES: &[&str] = &[
    "VM.Monitor",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.Unrestricted",
];

#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    route("GET", "/version", &[], &[], Proxmox::version),
    route("GET", "/cluster/resources", &[p::RESOURCES], &[], Proxmox::resources),
    route("GET", "/cluster/nextid", &[p::NEXTID], &[], Proxmox::next_id),
    route("GET", "/cluster/tasks", &[], &[], Proxmox::cluster_tasks),
    route("GET", "/cluster/status", &[], &["Sys.Audit"], Proxmox::cluster_status),
    route("GET", "/nodes", &[], &[], Proxmox::list_nodes),
    route("GET", "/nodes/{node}/version", &[], &[], Proxmox::version),
    route("GET", "/nodes/{node}/status", &[], &["Sys.Audit"], Proxmox::node_status),
    route("GET", "/nodes/{node}/certificates/info", &[], &[], Proxmox::certificates),
    route("GET", "/nodes/{node}/network", &[p::NETWORKS], &[], Proxmox::networks),
    route("GET", "/nodes/{node}/tasks", &[p::TASKS], &[], Proxmox::node_tasks),
    route("GET", "/nodes/{node}/tasks/{upid}/status", &[], &[], Proxmox::task_status),
    route("GET", "/nodes/{node}/tasks/{upid}/log", &[p::TASK_LOG], &[], Proxmox::task_log),
    route("GET", "/pools", &[p::POOLS], &[], Proxmox::list_pools),
    route("GET", "/pools/{poolid}", &[p::POOL], &["Pool.Audit"], Proxmox::pool),
    route("POST", "/pools", &[p::CREATE_POOL], &["Pool.Allocate"], Proxmox::create_pool),
    route("PUT", "/pools", &[p::NAMED_POOL, p::CHANGE_POOL], &["Pool.Allocate"], Proxmox::change_pool),
    route("PUT", "/pools/{poolid}", &[p::CHANGE_POOL], &["Pool.Allocate"], Proxmox::change_pool),
    route("DELETE", "/pools", &[p::NAMED_POOL], &["Pool.Allocate"], Proxmox::delete_pool),
    route("DELETE", "/pools/{poolid}", &[], &["Pool.Allocate"], Proxmox::delete_pool),
    route("GET", "/access/permissions", &[p::PERMISSIONS], &[], Proxmox::permissions),
    route("GET", "/access/users/{userid}/token/{tokenid}", &[], &[], Proxmox::token),
    route("GET", "/access/roles", &[], &[], Proxmox::roles),
    route("GET", "/access/roles/{roleid}", &[], &[], Proxmox::role),
    route("GET", "/storage", &[p::STORAGES], &[], Proxmox::all_storages),
    route("GET", "/storage/{storage}", &[], &["Datastore.Allocate"], Proxmox::storage_config),
    route("GET", "/nodes/{node}/storage", &[p::NODE_STORAGES], &[], Proxmox::node_storages),
    route("GET", "/nodes/{node}/storage/{storage}/status", &[], &["Datastore.Audit", "Datastore.AllocateSpace"], Proxmox::storage_status),
    route("GET", "/nodes/{node}/storage/{storage}/content", &[p::CONTENT], &["Datastore.Audit", "Datastore.AllocateSpace"], Proxmox::content),
    route("GET", "/nodes/{node}/storage/{storage}/content/{volume}", &[], &[], Proxmox::volume_info),
    route("DELETE", "/nodes/{node}/storage/{storage}/content/{volume}", &[p::DELETE_CONTENT], &[], Proxmox::delete_volume),
    route("POST", "/nodes/{node}/storage/{storage}/upload", &[p::UPLOAD], &["Datastore.AllocateTemplate"], Proxmox::upload),
    route("POST", "/nodes/{node}/storage/{storage}/download-url", &[p::DOWNLOAD], &["Datastore.AllocateTemplate"], Proxmox::download),
    route("GET", "/nodes/{node}/query-url-metadata", &[p::QUERY_URL], &[], Proxmox::query_url),
    // Virtual machines.
    route("GET", "/nodes/{node}/qemu", &[p::LIST_MACHINES], &[], Proxmox::list_guests),
    route("POST", "/nodes/{node}/qemu", &[p::MACHINE, p::CREATE_MACHINE], &[], Proxmox::create_machine),
    route("DELETE", "/nodes/{node}/qemu/{vmid}", &[p::DESTROY, p::SKIPLOCK], &["VM.Allocate"], Proxmox::destroy),
    route("GET", "/nodes/{node}/qemu/{vmid}/config", &[p::READ_CONFIG], &["VM.Audit"], Proxmox::config),
    route("GET", "/nodes/{node}/qemu/{vmid}/pending", &[], &["VM.Audit"], Proxmox::pending),
    route("PUT", "/nodes/{node}/qemu/{vmid}/config", &[p::MACHINE, p::CHANGE, p::CHANGE_MACHINE], CHANGE_MACHINE, Proxmox::change_machine),
    route("POST", "/nodes/{node}/qemu/{vmid}/config", &[p::MACHINE, p::CHANGE, p::CHANGE_MACHINE, p::CHANGE_MACHINE_LATER], CHANGE_MACHINE, Proxmox::change_machine_later),
    route("GET", "/nodes/{node}/qemu/{vmid}/cloudinit", &[], &["VM.Audit"], Proxmox::cloud_init),
    route("PUT", "/nodes/{node}/qemu/{vmid}/cloudinit", &[], &["VM.Config.Cloudinit"], Proxmox::write_cloud_init),
    route("POST", "/nodes/{node}/qemu/{vmid}/clone", &[p::CLONE, p::CLONE_MACHINE], &["VM.Clone"], Proxmox::clone_guest),
    route("PUT", "/nodes/{node}/qemu/{vmid}/resize", &[p::RESIZE, p::SKIPLOCK], &["VM.Config.Disk"], Proxmox::resize),
    route("GET", "/nodes/{node}/qemu/{vmid}/status/current", &[], &["VM.Audit"], Proxmox::status),
    route("POST", "/nodes/{node}/qemu/{vmid}/status/start", &[p::SKIPLOCK, p::START_MACHINE], &["VM.PowerMgmt"], Proxmox::start),
    route("POST", "/nodes/{node}/qemu/{vmid}/status/stop", &[p::STOP, p::SKIPLOCK, p::STOP_MACHINE], &["VM.PowerMgmt"], Proxmox::stop),
    route("POST", "/nodes/{node}/qemu/{vmid}/status/shutdown", &[p::SHUTDOWN, p::SKIPLOCK, p::SHUTDOWN_MACHINE], &["VM.PowerMgmt"], Proxmox::shutdown),
    route("POST", "/nodes/{node}/qemu/{vmid}/status/reboot", &[p::REBOOT], &["VM.PowerMgmt"], Proxmox::reboot),
    route("POST", "/nodes/{node}/qemu/{vmid}/template", &[p::TEMPLATE_MACHINE], &["VM.Allocate"], Proxmox::template),
    route("POST", "/nodes/{node}/qemu/{vmid}/agent/ping", &[], AGENT, Proxmox::agent_ping),
    route("GET", "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces", &[], AGENT, Proxmox::agent_interfaces),
    route("GET", "/nodes/{node}/qemu/{vmid}/agent/file-read", &[p::FILE_READ], AGENT_FILES, Proxmox::agent_file_read),
    // Containers.
    route("GET", "/nodes/{node}/lxc", &[], &[], Proxmox::list_guests),
    route("POST", "/nodes/{node}/lxc", &[p::CONTAINER, p::CREATE_CONTAINER], &[], Proxmox::create_container),
    route("DELETE", "/nodes/{node}/lxc/{vmid}", &[p::DESTROY, p::FORCE], &["VM.Allocate"], Proxmox::destroy),
    route("GET", "/nodes/{node}/lxc/{vmid}/config", &[p::READ_CONFIG], &["VM.Audit"], Proxmox::config),
    route("GET", "/nodes/{node}/lxc/{vmid}/pending", &[], &["VM.Audit"], Proxmox::pending),
    route("PUT", "/nodes/{node}/lxc/{vmid}/config", &[p::CONTAINER, p::CHANGE], CHANGE_CONTAINER, Proxmox::change_container),
    route("POST", "/nodes/{node}/lxc/{vmid}/clone", &[p::CLONE, p::CLONE_CONTAINER], &["VM.Clone"], Proxmox::clone_guest),
    route("PUT", "/nodes/{node}/lxc/{vmid}/resize", &[p::RESIZE_CONTAINER], &["VM.Config.Disk"], Proxmox::resize),
    route("GET", "/nodes/{node}/lxc/{vmid}/status/current", &[], &["VM.Audit"], Proxmox::status),
    route("POST", "/nodes/{node}/lxc/{vmid}/status/start", &[p::SKIPLOCK, p::START_CONTAINER], &["VM.PowerMgmt"], Proxmox::start),
    route("POST", "/nodes/{node}/lxc/{vmid}/status/stop", &[p::STOP, p::SKIPLOCK], &["VM.PowerMgmt"], Proxmox::stop),
    route("POST", "/nodes/{node}/lxc/{vmid}/status/shutdown", &[p::SHUTDOWN], &["VM.PowerMgmt"], Proxmox::shutdown),
    route("POST", "/nodes/{node}/lxc/{vmid}/status/reboot", &[p::REBOOT], &["VM.PowerMgmt"], Proxmox::reboot),
    route("POST", "/nodes/{node}/lxc/{vmid}/template", &[p::NOTHING], &["VM.Allocate"], Proxmox::template),
    route("GET", "/nodes/{node}/lxc/{vmid}/interfaces", &[], &["VM.Audit"], Proxmox::interfaces),
    // The firewall of either.
    route("GET", "/nodes/{node}/qemu/{vmid}/firewall/rules", &[], &["VM.Audit"], Proxmox::rules),
    route("GET", "/nodes/{node}/lxc/{vmid}/firewall/rules", &[], &["VM.Audit"], Proxmox::rules),
    route("POST", "/nodes/{node}/qemu/{vmid}/firewall/rules", &[p::RULE, p::CREATE_RULE], &["VM.Config.Network"], Proxmox::create_rule),
    route("POST", "/nodes/{node}/lxc/{vmid}/firewall/rules", &[p::RULE, p::CREATE_RULE], &["VM.Config.Network"], Proxmox::create_rule),
    route("GET", "/nodes/{node}/qemu/{vmid}/firewall/rules/{pos}", &[], &["VM.Audit"], Proxmox::rule),
    route("GET", "/nodes/{node}/lxc/{vmid}/firewall/rules/{pos}", &[], &["VM.Audit"], Proxmox::rule),
    route("PUT", "/nodes/{node}/qemu/{vmid}/firewall/rules/{pos}", &[p::RULE, p::CHANGE_RULE], &["VM.Config.Network"], Proxmox::change_rule),
    route("PUT", "/nodes/{node}/lxc/{vmid}/firewall/rules/{pos}", &[p::RULE, p::CHANGE_RULE], &["VM.Config.Network"], Proxmox::change_rule),
    route("DELETE", "/nodes/{node}/qemu/{vmid}/firewall/rules/{pos}", &[p::DELETE_RULE], &["VM.Config.Network"], Proxmox::delete_rule),
    route("DELETE", "/nodes/{node}/lxc/{vmid}/firewall/rules/{pos}", &[p::DELETE_RULE], &["VM.Config.Network"], Proxmox::delete_rule),
    route("GET", "/nodes/{node}/qemu/{vmid}/firewall/options", &[], &["VM.Audit"], Proxmox::firewall_options),
    route("GET", "/nodes/{node}/lxc/{vmid}/firewall/options", &[], &["VM.Audit"], Proxmox::firewall_options),
    route("PUT", "/nodes/{node}/qemu/{vmid}/firewall/options", &[p::FIREWALL_OPTIONS], &["VM.Config.Network"], Proxmox::change_firewall_options),
    route("PUT", "/nodes/{node}/lxc/{vmid}/firewall/options", &[p::FIREWALL_OPTIONS], &["VM.Config.Network"], Proxmox::change_firewall_options),
];

/// The names under a path that is the beginning of others, as an index lists them; `None` where there are none.
pub(super) fn children(parts: &[String]) -> Option<Value> {
    let depth = parts.len();
    let under = ROUTES.iter().filter_map(|route| {
        let names: Vec<_> = route.path.split('/').skip(1).collect();
        let fits = |(name, part): (&&str, &String)| name.starts_with('{') || *name == part.as_str();
        let above = names.len() > depth && names.iter().zip(parts).all(fits);
        above.then(|| names[depth])
    });
    let names: BTreeSet<_> = under.filter(|name| !name.starts_with('{')).collect();
    let children = names.iter().map(|name| json!({"name": name, "subdir": name}));
    (!names.is_empty()).then(|| children.collect())
}
