//! Where a Nest's secrets are.

use std::path::Path;
use std::sync::Arc;

use fly_codegen::Connections;
use gosling_engine::store::Store;
use gosling_providers::http::Endpoint;
use gosling_providers::keys::{Keys, recipients_of};
use gosling_providers::secrets::{
    Approle, BackendSettings, Backends, StoreSettings, VaultLogin, VaultSettings,
};
use gosling_resource::Secret;

use crate::endpoints::{authority, endpoint};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::file::read_named;
use fly_workspace::LIMIT;

/// The Nest's own name, else that of its folder.
pub(crate) fn nest_name(root: &Path, connections: &Connections) -> String {
    named_or_folder(root, connections.nest_name.clone())
}

/// The name that a Nest gives itself, else that of its folder.
pub(crate) fn named_or_folder(root: &Path, named: Option<String>) -> String {
    let folder = || Some(root.file_name()?.to_string_lossy().into_owned());
    named.or_else(folder).unwrap_or_else(|| "nest".to_owned())
}

/// A file of the Nest, by its checked path.
pub(crate) fn nest_file(root: &Path, path: Option<&str>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    read_named(&root.join(path), LIMIT).map(Some)
}

/// Who can open what gosling encrypts for this Nest, and what opens it here. A Nest that names nobody writes for whoever
/// runs it.
pub(crate) fn keys(environment: &Environment, recipients: &[String]) -> Result<Keys, Failure> {
    let identity = crate::identity::find(environment)?;
    let recipients = match &identity {
        Some(identity) if recipients.is_empty() => recipients_of(identity).map_err(Failure::from_error)?,
        _ => recipients.to_vec(),
    };
    Ok(Keys { recipients, identity })
}

/// Where secrets are: this process's environment, the store beside the state, and the Nest's Vault. Without a store for
/// what the state itself is reached with.
pub(crate) fn backends(
    environment: &Environment,
    root: &Path,
    connections: &Connections,
    beside: Option<Arc<dyn Store>>,
) -> Result<Backends, Failure> {
    let env = environment
        .variables
        .iter()
        .map(|(name, value)| (name.clone(), Secret::new(value.clone())));
    let store = beside.map(|beside| -> Result<_, Failure> {
        Ok(StoreSettings {
            beside,
            keys: keys(environment, &connections.recipients)?,
        })
    });
    let vault = match &connections.vault {
        Some(vault) => Some(VaultSettings {
            endpoint: Endpoint {
                ca_pem: nest_file(root, vault.ca_file.as_deref())?,
                extra_ca: authority(environment)?,
                insecure_http: vault.insecure_http,
                ..Endpoint::new(endpoint(environment, "vault", "").unwrap_or_else(|| vault.address.clone()))
            },
            login: match vault.login.clone() {
                fly_codegen::VaultLogin::Approle { role_id, secret_id } => {
                    VaultLogin::Approle(Approle { role_id, secret_id })
                }
                fly_codegen::VaultLogin::Token(token) => VaultLogin::Token(token),
            },
            mount: vault.mount.clone(),
            namespace: vault.namespace.clone(),
        }),
        None => None,
    };
    let settings = BackendSettings {
        env: env.collect(),
        store: store.transpose()?,
        vault,
    };
    Backends::new(settings).map_err(Failure::from)
}
