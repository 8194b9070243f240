//! Where the values of secrets are: one backend for each scheme.

mod env;
mod store;
mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use async_trait::async_trait;
use gosling_engine::{Fence, SecretError, Secrets};
use gosling_resource::{Malformed, Secret, SecretBackend, SecretPrefix, SecretUri};

use self::env::Env;
use self::store::Store;
use self::vault::Vault;

/// How many secrets are asked about at once.
const AT_ONCE: usize = 10;

pub use self::store::StoreSettings;
pub use self::vault::{Approle, VaultLogin, VaultSettings};

/// What the backends need to know. A scheme whose settings are missing is refused when it is used, not before.
#[derive(Debug, Default)]
pub struct BackendSettings {
    /// The environment: every variable that an `env://` may name.
    pub env: BTreeMap<String, Secret>,
    /// Where `store://` is.
    pub store: Option<StoreSettings>,
    /// The server of `vault://`.
    pub vault: Option<VaultSettings>,
}

/// Every backend there is.
#[derive(Debug)]
pub struct Backends {
    env: Env,
    store: Option<Store>,
    vault: Option<Vault>,
}

/// What may be said of a secret without saying it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// Whether there is a value.
    pub present: bool,
    /// Which version it is, where the backend counts.
    pub version: Option<String>,
    /// When it was written, as RFC 3339 in UTC, where the backend knows.
    pub updated: Option<String>,
    /// When it ends, as RFC 3339, where the backend knows of an end.
    pub expires: Option<String>,
}

/// What a folder of secrets holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The secrets, in order.
    pub uris: Vec<SecretUri>,
    /// Places that no secret's URI can name, and why: a key with a space in Vault.
    pub nameless: Vec<(String, Malformed)>,
}

impl Backends {
    /// The backends with these settings. Nothing is opened and nobody is called yet.
    ///
    /// # Errors
    /// Where the settings of Vault cannot be used: an address or a certificate that is none.
    pub fn new(settings: BackendSettings) -> Result<Self, gosling_engine::CallError> {
        Ok(Self {
            env: Env(settings.env),
            store: settings.store.map(Store::new),
            vault: settings.vault.map(Vault::new).transpose()?,
        })
    }

    /// What is known of a secret beside its value.
    ///
    /// # Errors
    /// Where the backend cannot be asked. A secret that is not there is no error.
    pub async fn describe(&self, uri: &SecretUri) -> Result<Description, SecretError> {
        match uri.backend() {
            SecretBackend::Env => match self.env.read(uri) {
                Ok(_) => Ok(Description {
                    present: true,
                    ..Description::default()
                }),
                Err(SecretError::Missing(_)) => Ok(Description::default()),
                Err(error) => Err(error),
            },
            SecretBackend::Store => self.store(uri)?.describe(uri).await,
            SecretBackend::Vault => self.vault(uri)?.describe(uri, self).await,
            backend @ (SecretBackend::YcLockbox | SecretBackend::AwsSm) => Err(not_yet(uri, backend)),
        }
    }

    /// All secrets under a folder such as `store://gitlab`, or all there are. `store://` and `vault://` can tell; what a
    /// place of Vault holds under its keys counts one by one.
    ///
    /// # Errors
    /// Where the backend cannot be asked, or has no list.
    pub async fn list(&self, under: &SecretPrefix) -> Result<Listing, SecretError> {
        let places = match under.backend() {
            SecretBackend::Store => self.store(under)?.list(under).await?,
            SecretBackend::Vault => self.vault(under)?.list(under, self).await?,
            SecretBackend::Env => return Err(refused(under, "the environment is not listed")),
            backend @ (SecretBackend::YcLockbox | SecretBackend::AwsSm) => {
                return Err(not_yet(under, backend));
            }
        };
        let mut listing = Listing::default();
        for place in places {
            match under.uri_of(&place) {
                Ok(uri) => listing.uris.push(uri),
                Err(why) => listing.nameless.push((place, why)),
            }
        }
        listing.uris.sort();
        Ok(listing)
    }

    /// Takes a secret away.
    ///
    /// # Errors
    /// [`SecretError::Missing`] where there is none; why it is still there.
    pub async fn remove(&self, uri: &SecretUri, fence: &dyn Fence) -> Result<(), SecretError> {
        if uri.version().is_some() {
            return Err(refused(uri, "a version is only read: leave `?version=` out"));
        }
        match uri.backend() {
            SecretBackend::Env => Err(Env::read_only(uri)),
            SecretBackend::Store => self.store(uri)?.remove(uri, fence).await,
            SecretBackend::Vault => self.vault(uri)?.remove(uri, fence, self).await,
            backend @ (SecretBackend::YcLockbox | SecretBackend::AwsSm) => Err(not_yet(uri, backend)),
        }
    }

    fn store(&self, place: impl Display) -> Result<&Store, SecretError> {
        let help =
            "there is no secret store here: run `gosling init`, or name its recipients in `nest { secrets }`";
        self.store.as_ref().ok_or_else(|| refused(place, help))
    }

    fn vault(&self, place: impl Display) -> Result<&Vault, SecretError> {
        let help = "no Vault is configured: add a `provider \"vault\"` block with its address";
        self.vault.as_ref().ok_or_else(|| refused(place, help))
    }

    /// The value with which Vault is logged in to: it cannot come out of Vault itself.
    async fn credential(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        match uri.backend() {
            SecretBackend::Env => self.env.read(uri),
            SecretBackend::Store => self.store(uri)?.read(uri).await,
            SecretBackend::Vault => Err(refused(
                uri,
                "the credentials for Vault cannot be kept in Vault: use env:// or store://",
            )),
            backend @ (SecretBackend::YcLockbox | SecretBackend::AwsSm) => Err(not_yet(uri, backend)),
        }
    }
}

#[async_trait]
impl Secrets for Backends {
    async fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        match uri.backend() {
            SecretBackend::Env => self.env.read(uri),
            SecretBackend::Store => self.store(uri)?.read(uri).await,
            SecretBackend::Vault => self.vault(uri)?.read(uri, self).await,
            backend @ (SecretBackend::YcLockbox | SecretBackend::AwsSm) => Err(not_yet(uri, backend)),
        }
    }

    async fn write(&self, uri: &SecretUri, value: &Secret, fence: &dyn Fence) -> Result<(), SecretError> {
        if uri.version().is_some() {
            return Err(refused(uri, "a version is only read: leave `?version=` out"));
        }
        match uri.backend() {
            SecretBackend::Env => Err(Env::read_only(uri)),
            SecretBackend::Store => self.store(uri)?.write(uri, value, fence).await,
            SecretBackend::Vault => self.vault(uri)?.write(uri, value, fence, self).await,
            backend @ (SecretBackend::YcLockbox | SecretBackend::AwsSm) => Err(not_yet(uri, backend)),
        }
    }

    async fn writable(&self, uri: &SecretUri) -> Result<(), SecretError> {
        if uri.version().is_some() {
            return Err(refused(uri, "a version is only read: leave `?version=` out"));
        }
        match uri.backend() {
            SecretBackend::Env => Err(Env::read_only(uri)),
            SecretBackend::Store => self.store(uri)?.writable(uri).await,
            SecretBackend::Vault => self.vault(uri)?.writable(uri, self).await,
            backend @ (SecretBackend::YcLockbox | SecretBackend::AwsSm) => Err(not_yet(uri, backend)),
        }
    }

    async fn versions(&self, uris: &BTreeSet<SecretUri>) -> BTreeMap<SecretUri, String> {
        let (stored, others): (Vec<_>, Vec<_>) =
            uris.iter().partition(|uri| uri.backend() == SecretBackend::Store);
        let mut versions = match (&self.store, stored.first()) {
            (Some(store), Some(_)) => store.versions(&stored).await.unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        let others = others
            .into_iter()
            .filter(|uri| uri.backend() == SecretBackend::Vault);
        let looks = others.map(|uri| async move {
            let version = self.describe(uri).await.ok().and_then(|known| known.version);
            Ok::<_, ()>(version.map(|version| (uri.clone(), version)))
        });
        let looked = gosling_engine::in_order(looks, AT_ONCE).await;
        versions.extend(looked.unwrap_or_default().into_iter().flatten());
        versions
    }

    async fn expires(&self, uri: &SecretUri) -> Result<Option<String>, SecretError> {
        Ok(self.describe(uri).await?.expires)
    }
}

fn refused(place: impl Display, why: impl Into<String>) -> SecretError {
    SecretError::Refused {
        place: place.to_string(),
        why: why.into(),
    }
}

fn damaged(place: impl Display, why: impl Into<String>) -> SecretError {
    SecretError::Damaged {
        place: place.to_string(),
        why: why.into(),
    }
}

fn unreachable(place: impl Display, why: impl Into<String>) -> SecretError {
    SecretError::Unreachable {
        place: place.to_string(),
        why: why.into(),
    }
}

fn not_yet(place: impl Display, backend: SecretBackend) -> SecretError {
    let scheme = backend.scheme();
    refused(
        place,
        format!("{scheme}:// is not in this release: use store://, vault:// or env://"),
    )
}
