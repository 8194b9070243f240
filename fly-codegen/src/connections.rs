//! How the services that a Nest names are reached. Plain words: whoever calls makes clients of them.

use std::collections::BTreeMap;

use fly_typeck::schema::egg::Gitlab;
use gosling_resource::SecretUri;

use crate::Source;

/// Every service of a Nest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connections {
    /// The Nest's name, where it has one.
    pub nest_name: Option<String>,
    /// Who can open what `store://` holds: `age1...`.
    pub recipients: Vec<String>,
    /// The Proxmox clusters.
    pub proxmoxes: Vec<ProxmoxCluster>,
    /// The GitLab servers that eggs name.
    pub gitlabs: Vec<GitlabServer>,
    /// Vault, where the Nest has it.
    pub vault: Option<VaultServer>,
}

/// A Proxmox cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxmoxCluster {
    /// `proxmox` or `proxmox.lab`.
    pub label: String,
    /// `https://pve.example.com:8006`
    pub endpoint: String,
    /// `gosling@pve!ci`
    pub token_id: String,
    /// Where the token's secret is.
    pub token: SecretUri,
    /// A file of the Nest with the authorities to believe.
    pub ca_file: Option<String>,
    /// The one certificate to believe.
    pub fingerprint: Option<String>,
    /// Believe any certificate.
    pub insecure: bool,
}

/// A GitLab server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitlabServer {
    /// As the Nest names it.
    pub server: String,
    /// `https://gitlab.example.com`
    pub base_url: String,
    /// Where the token for its API is.
    pub token: SecretUri,
    /// A file of the Nest with the authorities to believe.
    pub ca_file: Option<String>,
    /// Believe any certificate.
    pub insecure: bool,
}

/// Vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultServer {
    /// `https://vault.example.com:8200`
    pub address: String,
    /// Where its token is.
    pub token: Option<SecretUri>,
    /// A role to log in with.
    pub approle: Option<AppRole>,
    /// Where the KV engine is mounted.
    pub mount: String,
    /// Vault Enterprise's namespace.
    pub namespace: Option<String>,
}

/// A role of Vault's AppRole login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRole {
    /// Its id.
    pub role_id: String,
    /// Where its secret id is.
    pub secret_id: SecretUri,
}

/// A place of the language as a place of the engine. Both have checked the same text.
pub(crate) fn uri(uri: &fly_typeck::domain::SecretUri) -> SecretUri {
    place(&uri.to_string())
}

/// A place that is written here.
pub(crate) fn place(text: &str) -> SecretUri {
    text.parse().unwrap_or_else(|_| SecretUri::env("GITLAB_TOKEN"))
}

/// The services of a Nest.
#[must_use]
pub fn connections(source: &Source<'_>) -> Connections {
    let nest = source.nest;
    let settings = nest.settings.as_ref();
    let recipients = settings
        .and_then(|settings| settings.secrets.as_ref())
        .map(|secrets| &secrets.recipients);
    let mut connections = Connections {
        nest_name: settings
            .and_then(|settings| settings.name.as_ref())
            .map(ToString::to_string),
        recipients: recipients
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect(),
        ..Connections::default()
    };
    for provider in &nest.providers {
        if let Some(proxmox) = &provider.proxmox {
            connections.proxmoxes.push(ProxmoxCluster {
                label: provider.label.to_string(),
                endpoint: proxmox.endpoint.to_string(),
                token_id: proxmox.token_id.to_string(),
                token: uri(&proxmox.token),
                ca_file: proxmox.ca_file.as_ref().map(ToString::to_string),
                fingerprint: proxmox.fingerprint.as_ref().map(ToString::to_string),
                insecure: proxmox.insecure,
            });
        }
        if let Some(vault) = &provider.vault {
            connections.vault = Some(VaultServer {
                address: vault.address.to_string(),
                token: vault.token.as_ref().map(uri),
                approle: vault.approle.as_ref().map(|role| AppRole {
                    role_id: role.role_id.to_string(),
                    secret_id: uri(&role.secret_id),
                }),
                mount: vault.mount.to_string(),
                namespace: vault.namespace.as_ref().map(ToString::to_string),
            });
        }
    }
    let mut servers: BTreeMap<String, GitlabServer> = BTreeMap::new();
    for gitlab in gitlabs(source) {
        let server = gitlab.server.to_string();
        servers.entry(server.clone()).or_insert_with(|| {
            let provider = provider_of(source, &gitlab.server.base_url());
            GitlabServer {
                server,
                base_url: gitlab.server.base_url(),
                token: token(source, gitlab),
                ca_file: provider
                    .and_then(|provider| provider.ca_file.as_ref())
                    .map(ToString::to_string),
                insecure: provider.is_some_and(|provider| provider.insecure),
            }
        });
    }
    connections.gitlabs = servers.into_values().collect();
    connections
}

/// Every `gitlab` block of the Nest.
fn gitlabs<'a>(source: &Source<'a>) -> impl Iterator<Item = &'a Gitlab> {
    let nest = source.nest;
    let eggs = nest.eggs.iter().filter_map(|egg| egg.gitlab.as_ref());
    let repos = nest
        .eggsbuckets
        .iter()
        .flat_map(|bucket| &bucket.repositories.repo);
    eggs.chain(repos.filter_map(|repo| repo.gitlab.as_ref()))
}

fn provider_of<'a>(
    source: &Source<'a>,
    base: &str,
) -> Option<&'a fly_typeck::schema::provider::GitlabProvider> {
    let providers = source
        .nest
        .providers
        .iter()
        .filter_map(|provider| provider.gitlab.as_ref());
    providers
        .into_iter()
        .find(|provider| provider.server.base_url() == base)
}

/// Where the token for a server's API is: the egg's own, else the provider's, else `env://GITLAB_TOKEN`.
pub(crate) fn token(source: &Source<'_>, gitlab: &Gitlab) -> SecretUri {
    let provider = provider_of(source, &gitlab.server.base_url());
    let own = gitlab
        .api_token
        .as_ref()
        .or(provider.map(|provider| &provider.token));
    own.map_or_else(|| SecretUri::env("GITLAB_TOKEN"), uri)
}
