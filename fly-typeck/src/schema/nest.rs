//! `nest`: what holds for the whole Nest.

use smol_str::SmolStr;

use crate::{block, words};

words! {
    /// Where secrets are kept.
    pub enum SecretStore("place for secrets") {
        /// gosling's own: files encrypted with age, stored next to the state.
        Store = "store",
        /// HashiCorp Vault or OpenBao, reached through `provider "vault"`.
        Vault = "vault",
        /// Yandex Lockbox.
        YcLockbox = "yc-lockbox",
        /// AWS Secrets Manager.
        AwsSm = "aws-sm",
        /// Environment variables of the run, read only: for CI runs and first steps.
        Env = "env",
    }
}

block! {
    /// Settings of the whole Nest.
    pub struct NestSettings("nest") {
        attributes {
            /// The Nest's name: what its machines, queues and reports are labelled with, so that two Nests in one cloud
            /// can be distinguished. Without it, the name of the Nest's folder.
            name: Option<SmolStr>;
            /// Where gosling stores the secrets that it creates, above all runner tokens.
            default_secrets: SecretStore = "\"store\"";
            /// The gosling versions that may work on this Nest: `">= 0.1, < 0.3"`, or one version for that and later
            /// ones. Keeps a colleague's older gosling from misreading newer files.
            required_version: Option<SmolStr>;
        }
        blocks {
            secrets: Option<Secrets>;
        }
    }
}

block! {
    /// The encrypted store of `store://` secrets.
    pub struct Secrets("secrets") {
        attributes {
            /// The age public keys (`age1...`, or `ssh-ed25519 ...`) that secrets are encrypted to. Anyone with one of
            /// the private keys can read them; MotherGoose needs its own key.
            recipients: Vec<SmolStr>;
        }
    }
}
