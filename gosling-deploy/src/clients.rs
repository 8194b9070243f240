//! A client for each service that a Nest names, and that something of ours still lies on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fly_codegen::{Connections, GitlabServer};
use gosling_engine::{Provider, Providers, State};
use gosling_providers::gitlab::{Gitlab, GitlabSettings};
use gosling_providers::http::{Endpoint, Notices};
use gosling_providers::proxmox::{Proxmox, ProxmoxSettings};
use gosling_resource::Value;

use crate::endpoints::{authority, endpoint, one_for_each};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::secrets::nest_file;

/// The clients, by what the Nest calls the services.
pub(crate) struct Clients {
    /// By the server as written.
    pub(crate) gitlabs: BTreeMap<String, Arc<Gitlab>>,
    /// By the label of the provider: `proxmox.lab`.
    pub(crate) proxmoxes: BTreeMap<String, Arc<Proxmox>>,
    /// Where they say that they wait for a service.
    pub(crate) notices: Notices,
}

impl Clients {
    /// For each service; calls nobody.
    pub(crate) fn of(
        environment: &Environment,
        root: &Path,
        connections: &Connections,
    ) -> Result<Self, Failure> {
        let extra = authority(environment)?;
        let notices = Notices::default();
        let mut gitlabs = BTreeMap::new();
        for server in &connections.gitlabs {
            let base = endpoint(environment, "gitlab", &server.server);
            let settings = GitlabSettings {
                server: server.server.clone(),
                endpoint: Endpoint {
                    ca_pem: nest_file(root, server.ca_file.as_deref())?,
                    extra_ca: extra.clone(),
                    insecure: server.insecure,
                    insecure_http: server.insecure_http,
                    notices: notices.clone(),
                    ..Endpoint::new(base.unwrap_or_else(|| server.base_url.clone()))
                },
                token: server.token.clone(),
            };
            let gitlab = Gitlab::new(settings)?;
            gitlabs.insert(server.server.clone(), Arc::new(gitlab));
        }
        let names = connections
            .proxmoxes
            .iter()
            .map(|cluster| cluster_name(&cluster.label));
        one_for_each(environment, "proxmox", &names.collect::<Vec<_>>())?;
        let mut proxmoxes = BTreeMap::new();
        for cluster in &connections.proxmoxes {
            let base = endpoint(environment, "proxmox", cluster_name(&cluster.label));
            let settings = ProxmoxSettings {
                name: cluster.label.clone(),
                endpoint: Endpoint {
                    ca_pem: nest_file(root, cluster.ca_file.as_deref())?,
                    extra_ca: extra.clone(),
                    insecure: cluster.insecure,
                    insecure_http: cluster.insecure_http,
                    fingerprint: cluster.fingerprint.clone(),
                    notices: notices.clone(),
                    ..Endpoint::new(base.unwrap_or_else(|| cluster.endpoint.clone()))
                },
                token_id: cluster.token_id.clone(),
                token: cluster.token.clone(),
            };
            let proxmox = Proxmox::new(settings)?;
            proxmoxes.insert(cluster.label.clone(), Arc::new(proxmox));
        }
        Ok(Self {
            gitlabs,
            proxmoxes,
            notices,
        })
    }

    /// All of them, as the engine calls them.
    pub(crate) fn providers(&self) -> Providers {
        let gitlabs = self.gitlabs.iter();
        let gitlabs = gitlabs.map(|(label, gitlab)| (label.into(), Arc::clone(gitlab) as Arc<dyn Provider>));
        let proxmoxes = self.proxmoxes.iter();
        let proxmoxes =
            proxmoxes.map(|(label, proxmox)| (label.into(), Arc::clone(proxmox) as Arc<dyn Provider>));
        gitlabs.chain(proxmoxes).collect()
    }
}

/// `lab` of `proxmox.lab`; empty for `proxmox` alone.
fn cluster_name(label: &str) -> &str {
    label.split_once('.').map_or("", |(_, name)| name)
}

/// Servers that the Nest names no more, but that still have something of ours by what the state knows.
pub(crate) fn add_servers(connections: &mut Connections, state: &State) {
    let known = |connections: &Connections, name: &str| {
        connections.gitlabs.iter().any(|server| server.server == name)
    };
    for held in state
        .resources
        .values()
        .filter(|held| held.kind.starts_with("gitlab_"))
    {
        let token = held.properties.get("api_token").and_then(Value::as_secret);
        if let Some(token) = token
            && !known(connections, &held.provider)
        {
            let server = held.provider.to_string();
            connections.gitlabs.push(GitlabServer {
                base_url: if server.contains("://") {
                    server.clone()
                } else {
                    format!("https://{server}")
                },
                server,
                token: token.clone(),
                ca_file: None,
                insecure: false,
                insecure_http: false,
                origin: None,
            });
        }
    }
}
