//! Whom to call: the clusters, the servers and the places of secrets that a Nest names.

use std::collections::BTreeMap;

use fly_typeck::schema::Server;
use fly_typeck::schema::egg::Gitlab;
use fly_typeck::schema::provider::GitlabProvider;
use gosling_resource::{Origin, SecretUri};

use crate::source::Source;

/// Everything that a Nest's resources need to be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connections {
    /// The Nest's own name, where it has one.
    pub nest_name: Option<String>,
    /// The Proxmox VE clusters, by the order of their blocks.
    pub proxmoxes: Vec<ProxmoxCluster>,
    /// The GitLab servers of eggs and of provider blocks, by their names.
    pub gitlabs: Vec<GitlabServer>,
    /// Where `vault://` secrets are.
    pub vault: Option<VaultServer>,
    /// The age public keys that `store://` secrets are encrypted to.
    pub recipients: Vec<String>,
}

/// A Proxmox VE cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxmoxCluster {
    /// The provider's name, by which resources name it: `proxmox`, `proxmox.lab`.
    pub label: String,
    /// The address of a node, with its port.
    pub endpoint: String,
    /// The API token's id: `user@realm!name`.
    pub token_id: String,
    /// Where the API token's secret is kept.
    pub token: SecretUri,
    /// The certificate authority in PEM, as a path in the Nest.
    pub ca_file: Option<String>,
    /// The SHA-256 fingerprint of the certificate that is trusted without an authority.
    pub fingerprint: Option<String>,
    /// Whether the certificate is not checked at all.
    pub insecure: bool,
    /// Whether `http://` is allowed to another machine.
    pub insecure_http: bool,
    /// Where the block is.
    pub origin: Option<Origin>,
}

/// A GitLab server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitlabServer {
    /// The server as written, by which resources name it as their provider.
    pub server: String,
    /// Its address without a slash at its end.
    pub base_url: String,
    /// Where the token is kept for calls that have none of their own.
    pub token: SecretUri,
    /// The certificate authority in PEM, as a path in the Nest.
    pub ca_file: Option<String>,
    /// Whether the certificate is not checked at all.
    pub insecure: bool,
    /// Whether `http://` is allowed to another machine.
    pub insecure_http: bool,
    /// Where the server is named first.
    pub origin: Option<Origin>,
}

/// A Vault or OpenBao server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultServer {
    /// Its address.
    pub address: String,
    /// How to log in.
    pub login: VaultLogin,
    /// Where the KV engine is mounted.
    pub mount: String,
    /// The namespace, in Vault Enterprise and OpenBao.
    pub namespace: Option<String>,
    /// The certificate authority in PEM, as a path in the Nest.
    pub ca_file: Option<String>,
    /// Whether `http://` is allowed to another machine.
    pub insecure_http: bool,
    /// Where the block is.
    pub origin: Option<Origin>,
}

/// How to log in to Vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLogin {
    /// With a token.
    Token(SecretUri),
    /// As a machine.
    Approle {
        /// The role's id, which is no secret.
        role_id: String,
        /// Where the role's secret id is kept.
        secret_id: SecretUri,
    },
}

/// Where the Nest says that its services are, and how to log in there. Nothing is looked up.
#[must_use]
pub fn connections(source: &Source<'_>) -> Connections {
    let settings = source.nest.settings.as_ref();
    let secrets = settings.and_then(|settings| settings.secrets.as_ref());
    Connections {
        nest_name: settings
            .and_then(|settings| settings.name.as_ref())
            .map(ToString::to_string),
        proxmoxes: proxmoxes(source),
        gitlabs: gitlabs(source),
        vault: vault(source),
        recipients: secrets
            .map(|secrets| secrets.recipients.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
    }
}

fn proxmoxes(source: &Source<'_>) -> Vec<ProxmoxCluster> {
    let providers = source.nest.providers.iter();
    let proxmoxes = providers.filter_map(|provider| Some((provider, provider.proxmox.as_ref()?)));
    proxmoxes
        .map(|(provider, proxmox)| ProxmoxCluster {
            label: provider.label.to_string(),
            endpoint: proxmox.endpoint.as_str().to_owned(),
            token_id: proxmox.token_id.to_string(),
            token: proxmox.token.clone(),
            ca_file: proxmox.ca_file.as_ref().map(|path| path.as_str().to_owned()),
            fingerprint: proxmox.fingerprint.as_ref().map(ToString::to_string),
            insecure: proxmox.insecure,
            insecure_http: proxmox.insecure_http,
            origin: source.origin(provider.span),
        })
        .collect()
}

/// One for each way in which a server is written, so that every resource finds its own. Those of provider blocks are
/// there too where no egg is left on them: what an egg has left behind must still be found.
fn gitlabs(source: &Source<'_>) -> Vec<GitlabServer> {
    let mut found: BTreeMap<String, GitlabServer> = BTreeMap::new();
    let mut add = |server: &Server, own: Option<SecretUri>, origin: Option<Origin>| {
        let provider = gitlab_provider(source, server);
        let of_server = provider.map(|provider| provider.token.clone());
        let token = of_server.or(own).unwrap_or(SecretUri::GITLAB_TOKEN);
        found.entry(server.as_str().to_owned()).or_insert(GitlabServer {
            server: server.as_str().to_owned(),
            base_url: server.base_url(),
            token,
            ca_file: provider
                .and_then(|provider| provider.ca_file.as_ref())
                .map(|path| path.as_str().to_owned()),
            insecure: provider.is_some_and(|provider| provider.insecure),
            insecure_http: provider.is_some_and(|provider| provider.insecure_http),
            origin,
        });
    };
    for owner in source.owners() {
        for repo in &owner.repos {
            if let Some(gitlab) = repo.gitlab() {
                let own = gitlab.api_token.clone();
                add(
                    &gitlab.server,
                    own,
                    repo.written(source, "server").or_else(|| repo.origin.clone()),
                );
            }
        }
    }
    for provider in &source.nest.providers {
        if let Some(gitlab) = &provider.gitlab {
            add(&gitlab.server, None, source.origin(provider.span));
        }
    }
    found.into_values().collect()
}

fn vault(source: &Source<'_>) -> Option<VaultServer> {
    let mut providers = source.nest.providers.iter();
    let (provider, vault) = providers.find_map(|provider| Some((provider, provider.vault.as_ref()?)))?;
    let login = match (&vault.token, &vault.approle) {
        (_, Some(approle)) => VaultLogin::Approle {
            role_id: approle.role_id.to_string(),
            secret_id: approle.secret_id.clone(),
        },
        (Some(token), None) => VaultLogin::Token(token.clone()),
        (None, None) => VaultLogin::Token(SecretUri::VAULT_TOKEN),
    };
    Some(VaultServer {
        address: vault.address.as_str().trim_end_matches('/').to_owned(),
        login,
        mount: vault.mount.to_string(),
        namespace: vault.namespace.as_ref().map(ToString::to_string),
        ca_file: vault.ca_file.as_ref().map(|path| path.as_str().to_owned()),
        insecure_http: vault.insecure_http,
        origin: source.origin(provider.span),
    })
}

/// The `provider "gitlab"` of a server, however each of them writes it.
pub(crate) fn gitlab_provider<'a>(source: &Source<'a>, server: &Server) -> Option<&'a GitlabProvider> {
    let providers = source.nest.providers.iter();
    let base_url = server.base_url();
    providers
        .filter_map(|provider| provider.gitlab.as_ref())
        .find(|provider| provider.server.base_url() == base_url)
}

/// The token for the calls of an egg: its own, else its server's, else that of the environment.
pub(crate) fn api_token(source: &Source<'_>, gitlab: &Gitlab) -> SecretUri {
    let own = gitlab.api_token.clone();
    let of_server = || Some(gitlab_provider(source, &gitlab.server)?.token.clone());
    own.or_else(of_server).unwrap_or(SecretUri::GITLAB_TOKEN)
}
