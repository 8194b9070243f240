//! `provider`: how something outside the Nest is reached.

use smol_str::SmolStr;

use super::cloud::{AwsCloud, ProxmoxCloud, YandexCloud};
use super::{Rule, Server};
use crate::block;
use fly_domain::{NestPath, SecretUri, Url};

block! {
    /// How a cloud, a code server or a secret store is reached. The first label says which it is: `proxmox`, `aws`,
    /// `yandex`, `gitlab`, `github` or `vault`; a second one names it where there are several of a kind:
    /// `provider "proxmox" "dc2"`.
    pub struct Provider("provider") {
        attributes {}
        labels ["type", "[name]"]
        variants by label {
            "proxmox" => proxmox: ProxmoxProvider,
            "aws" => aws: AwsProvider,
            "yandex" => yandex: YandexProvider,
            "gitlab" => gitlab: GitlabProvider,
            "github" => github: GithubProvider,
            "vault" => vault: VaultProvider,
        }
    }
}

impl Provider {
    /// Which it is: `proxmox` of `proxmox.dc2`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.label
            .split_once('.')
            .map_or(self.label.as_str(), |(kind, _)| kind)
    }
}

block! {
    /// A Proxmox VE cluster. The attributes of a `cloud` block for Proxmox can be set here too, as defaults for every
    /// machine.
    pub struct ProxmoxProvider("provider") {
        attributes {
            /// The address of any node of the cluster, with its port: `https://pve.example.com:8006`.
            endpoint: Url;
            /// The API token's id, as `user@realm!name`.
            token_id: SmolStr;
            /// The API token's secret. `docs/guides/proxmox-and-gitlab.md` lists the privileges it needs.
            token: SecretUri;
            /// The certificate authority of the cluster in PEM, as a file of the Nest. Without it, those of the system.
            ca_file: Option<NestPath>;
            /// The SHA-256 fingerprint of the node's certificate, as Proxmox VE shows it: trusted without an authority.
            fingerprint: Option<SmolStr>;
            /// Whether the certificate is not checked at all. Anyone on the network path can then read the token.
            insecure: bool = "false";
            /// Whether `http://` is allowed to another machine: anyone on the network path can then read the
            /// token.
            insecure_http: bool = "false";
            /// The resource pool that machines are put in, where their `cloud` block names none.
            pool: Option<SmolStr>;
        }
        defaults [ProxmoxCloud]
    }
}

block! {
    /// AWS. Not needed where the machine has its own credentials. The attributes of a `cloud` block for AWS can be set here
    /// too, as defaults for every machine.
    pub struct AwsProvider("provider") {
        attributes {
            /// The region of machines whose `cloud` block names none: `eu-central-1`.
            region: Option<SmolStr>;
            /// The availability zone of machines whose `cloud` block names none: `eu-central-1a`.
            zone: Option<SmolStr>;
            /// The id of an access key. Without it, the credentials of the machine are used.
            access_key: Option<SmolStr>;
            /// The secret half of that key.
            secret_key: Option<SecretUri>;
            /// The ARN of a role to assume first.
            assume_role: Option<SmolStr>;
            /// The address of the API where it is not AWS's own, as in tests.
            endpoint: Option<Url>;
        }
        defaults [AwsCloud]
    }
}

block! {
    /// Yandex Cloud. Not needed where the machine has its own service account. The attributes of a `cloud` block for Yandex
    /// Cloud can be set here too, as defaults for every machine.
    pub struct YandexProvider("provider") {
        attributes {
            /// The region of machines whose `cloud` block names none: `ru-central1`.
            region: Option<SmolStr>;
            /// The availability zone of machines whose `cloud` block names none: `ru-central1-a`.
            zone: Option<SmolStr>;
            /// The authorized key of a service account, in JSON. Without it, the machine's own service account is used.
            service_account_key: Option<SecretUri>;
            /// An IAM or OAuth token instead of a key.
            token: Option<SecretUri>;
            /// The cloud that the folders are in.
            cloud_id: Option<SmolStr>;
            /// The address of the API where it is not `api.cloud.yandex.net:443`, as in tests.
            endpoint: Option<SmolStr>;
        }
        rules [Rule::AtMostOne(&["service_account_key", "token"])]
        defaults [YandexCloud]
    }
}

block! {
    /// A GitLab server: its token is used for every egg of that server that has no token.
    pub struct GitlabProvider("provider") {
        attributes {
            /// The GitLab server, by its host or its address.
            server: Server;
            /// A token for GitLab's API, with the scopes `create_runner` and, for webhooks, `api`.
            token: SecretUri;
            /// The certificate authority of the server in PEM, as a file of the Nest. Without it, those of the system.
            ca_file: Option<NestPath>;
            /// Whether the certificate is not checked at all. Anyone on the network path can then read the token.
            insecure: bool = "false";
            /// Whether `http://` is allowed to another machine: anyone on the network path can then read the
            /// token.
            insecure_http: bool = "false";
        }
    }
}

block! {
    /// GitHub, or a GitHub Enterprise server.
    pub struct GithubProvider("provider") {
        attributes {
            /// The GitHub server.
            server: Server = "\"github.com\"";
            /// A token for GitHub's API: fine-grained, with write access to self-hosted runners.
            token: SecretUri;
            /// The certificate authority of the server in PEM, as a file of the Nest. Without it, those of the system.
            ca_file: Option<NestPath>;
        }
    }
}

block! {
    /// HashiCorp Vault or OpenBao: where `vault://` secrets are read.
    pub struct VaultProvider("provider") {
        attributes {
            /// The server's address: `https://vault.example.com:8200`.
            address: Url;
            /// A token. Without it and without `approle`, `env://VAULT_TOKEN`.
            token: Option<SecretUri>;
            /// Where the KV engine (version 2) is mounted.
            mount: SmolStr = "\"secret\"";
            /// The namespace, in Vault Enterprise and OpenBao.
            namespace: Option<SmolStr>;
            /// The certificate authority of the server in PEM, as a file of the Nest. Without it, those of the system.
            ca_file: Option<NestPath>;
            /// Whether `http://` is allowed to another machine: anyone on the network path can then read the
            /// token.
            insecure_http: bool = "false";
        }
        blocks {
            approle: Option<Approle>;
        }
        rules [Rule::AtMostOne(&["token", "approle"])]
    }
}

block! {
    /// Logs in by AppRole, which suits machines better than a token that ends.
    pub struct Approle("approle") {
        attributes {
            /// The role's id.
            role_id: SmolStr;
            /// The role's secret id.
            secret_id: SecretUri;
        }
    }
}
