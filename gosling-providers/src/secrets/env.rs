//! `env://NAME`: what the process was started with. It is only read.

use std::collections::BTreeMap;

use gosling_engine::SecretError;
use gosling_resource::{Secret, SecretUri};

use super::refused;

/// Environment variables that hold secrets, as the caller took them from its own environment.
#[derive(Debug, Default)]
pub(super) struct Env(pub(super) BTreeMap<String, Secret>);

impl Env {
    pub(super) fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        let name = uri.place();
        if uri.version().is_some() {
            return Err(refused(
                uri,
                "an environment variable has no versions: leave `?version=` out",
            ));
        }
        match self.0.get(name) {
            Some(value) if value.expose().is_empty() => Err(refused(
                uri,
                format!("the environment variable {name} is set, but empty"),
            )),
            Some(value) => Ok(value.clone()),
            None => Err(SecretError::Missing(uri.clone())),
        }
    }

    /// Why nothing can be written there.
    pub(super) fn read_only(uri: &SecretUri) -> SecretError {
        refused(
            uri,
            "the environment can only be read: keep what gosling writes in store:// or vault://",
        )
    }
}
