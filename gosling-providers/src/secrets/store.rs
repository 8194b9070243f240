//! `store://path/key`: an age-encrypted file beside the state, gosling's own.
//!
//! Inside it is JSON: each place with its value, how often it was written and when. It is always written whole, and
//! only over the version that was read: of two writers at once, the second reads again and loses nothing.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gosling_engine::store::{self, Beside, StoreError, Version};
use gosling_engine::{Fence, SecretError, calendar};
use gosling_resource::{Secret, SecretPrefix, SecretUri};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{Description, damaged, refused, unreachable};
use crate::keys::{KeyError, Keys};

/// The format that is written. Another one is refused.
const FORMAT: u32 = 1;
/// How often a write begins anew because somebody else's came first.
const ATTEMPTS: u32 = 100;
/// The longest pause before it does.
const PAUSE: Duration = Duration::from_millis(40);

/// Beside which state `store://` is, and for whom.
#[derive(Clone)]
pub struct StoreSettings {
    /// The store of the state. Nothing need be there yet.
    pub beside: Arc<dyn store::Store>,
    /// Who can open what is written, and what opens it.
    pub keys: Keys,
}

impl std::fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreSettings")
            .field("beside", &self.beside.place())
            .field("keys", &self.keys)
            .finish()
    }
}

/// The backend. Its clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Store {
    settings: Arc<StoreSettings>,
    /// Writers of one process wait for each other; those of others are met by the version.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: u32,
    secrets: BTreeMap<String, Entry>,
}

/// One secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: String,
    version: u64,
    /// RFC 3339, in UTC.
    updated: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl Store {
    pub(super) fn new(settings: StoreSettings) -> Self {
        Self {
            settings: Arc::new(settings),
            turn: Arc::default(),
        }
    }

    pub(super) async fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        self.with_entry(uri, |entry| entry.map(|entry| Secret::new(entry.value.clone())))
            .await?
            .ok_or_else(|| SecretError::Missing(uri.clone()))
    }

    pub(super) async fn describe(&self, uri: &SecretUri) -> Result<Description, SecretError> {
        let describe = |entry: Option<&Entry>| match entry {
            None => Description::default(),
            Some(entry) => Description {
                present: true,
                version: Some(entry.version.to_string()),
                updated: Some(entry.updated.clone()),
                expires: None,
            },
        };
        self.with_entry(uri, describe).await
    }

    /// The places under a folder, in order.
    pub(super) async fn list(&self, under: &SecretPrefix) -> Result<Vec<String>, SecretError> {
        let (content, _) = self.content(&under.to_string()).await?;
        let places = content.secrets.keys().filter(|place| under.holds(place));
        Ok(places.cloned().collect())
    }

    /// The versions of those that are there, with one look.
    pub(super) async fn versions(
        &self,
        uris: &[&SecretUri],
    ) -> Result<BTreeMap<SecretUri, String>, SecretError> {
        let Some(first) = uris.first() else {
            return Ok(BTreeMap::new());
        };
        let (content, _) = self.content(first.as_str()).await?;
        let versions = uris.iter().filter_map(|uri| {
            let entry = content.secrets.get(uri.place())?;
            Some(((*uri).clone(), entry.version.to_string()))
        });
        Ok(versions.collect())
    }

    /// Writes under this fence and reads back. Where somebody else wrote meanwhile, what they wrote is kept.
    pub(super) async fn write(
        &self,
        uri: &SecretUri,
        value: &Secret,
        fence: &dyn Fence,
    ) -> Result<(), SecretError> {
        let entered = |mut content: Content| {
            let before = content.secrets.get(uri.place());
            let entry = Entry {
                value: value.expose().to_owned(),
                version: before.map_or(0, |entry| entry.version) + 1,
                updated: calendar::time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            };
            content.secrets.insert(uri.place().to_owned(), entry);
            Ok(content)
        };
        self.change(uri, entered, fence).await?;
        self.confirm(uri, value).await
    }

    /// Takes a secret away.
    pub(super) async fn remove(&self, uri: &SecretUri, fence: &dyn Fence) -> Result<(), SecretError> {
        let removed = |mut content: Content| match content.secrets.remove(uri.place()) {
            Some(_) => Ok(content),
            None => Err(SecretError::Missing(uri.clone())),
        };
        self.change(uri, removed, fence).await
    }

    /// Writes the content anew, again where somebody else wrote meanwhile.
    async fn change(
        &self,
        uri: &SecretUri,
        changed: impl Fn(Content) -> Result<Content, SecretError>,
        fence: &dyn Fence,
    ) -> Result<(), SecretError> {
        let _turn = self.turn.lock().await;
        self.sound(uri)?;
        for _ in 0..ATTEMPTS {
            let (content, version) = self.content(uri.as_str()).await?;
            let sealed = self.sealed(uri, changed(content)?).await?;
            let beside = &self.settings.beside;
            match beside
                .put_beside(Beside::Secrets, version.as_ref(), &sealed, fence)
                .await
            {
                Ok(()) => return Ok(()),
                Err(StoreError::Changed(_)) => {
                    tokio::time::sleep(PAUSE.mul_f32(fastrand::f32())).await;
                }
                Err(error) => return Err(unreachable(uri, error.to_string())),
            }
        }
        let why = format!(
            "others wrote {} at the same time, {ATTEMPTS} times; try again",
            self.name()
        );
        Err(unreachable(uri, why))
    }

    /// What can be known without writing: the recipients are sound, what is there can be opened, we are among those
    /// who could open what we write, and the store takes a file.
    pub(super) async fn writable(&self, uri: &SecretUri) -> Result<(), SecretError> {
        self.sound(uri)?;
        self.content(uri.as_str()).await?;
        let writable = self.settings.beside.writable().await;
        writable.map_err(|error| match &error {
            StoreError::Io { why, .. } if is_read_only(why) => SecretError::ReadOnly {
                place: uri.to_string(),
                why: error.to_string(),
            },
            _ => unreachable(uri, error.to_string()),
        })
    }

    fn sound(&self, uri: &SecretUri) -> Result<(), SecretError> {
        let sound = self.settings.keys.sound().map(drop);
        sound.map_err(|error| refused(uri, error.to_string()))
    }

    /// The content, encrypted.
    async fn sealed(&self, uri: &SecretUri, content: Content) -> Result<Vec<u8>, SecretError> {
        let (settings, place) = (Arc::clone(&self.settings), uri.clone());
        blocking(uri.as_str(), move || {
            let text =
                serde_json::to_vec(&content).map_err(|error| unreachable(&place, error.to_string()))?;
            let sealed = settings.keys.seal(&Zeroizing::new(text));
            sealed.map_err(|error| refused(&place, error.to_string()))
        })
        .await
    }

    /// Reads back what was written.
    async fn confirm(&self, uri: &SecretUri, value: &Secret) -> Result<(), SecretError> {
        let (content, _) = self.content(uri.as_str()).await?;
        let read = content.secrets.get(uri.place()).map(|entry| entry.value.as_str());
        if read == Some(value.expose()) {
            Ok(())
        } else {
            Err(unreachable(uri, "what was written is not what is read back"))
        }
    }

    /// The content and its version; empty where there is none yet.
    async fn content(&self, at: &str) -> Result<(Content, Option<Version>), SecretError> {
        let read = self.settings.beside.beside(Beside::Secrets).await;
        let Some((sealed, version)) = read.map_err(|error| unreachable(at, error.to_string()))? else {
            let empty = Content {
                format: FORMAT,
                secrets: BTreeMap::new(),
            };
            return Ok((empty, None));
        };
        let (store, place) = (self.clone(), at.to_owned());
        let content = blocking(at, move || store.open(&place, &sealed)).await?;
        Ok((content, Some(version)))
    }

    fn open(&self, at: &str, sealed: &[u8]) -> Result<Content, SecretError> {
        let file = self.name();
        let text = self.settings.keys.open(sealed).map_err(|error| match error {
            KeyError::ForOthers { .. } => refused(at, format!("{file} {error}")),
            KeyError::Damaged(_) => damaged(at, format!("{file} {error}")),
            error => refused(at, error.to_string()),
        })?;
        let content: Content = serde_json::from_slice(&text)
            // The words of the parser could quote what they stumbled over.
            .map_err(|_| damaged(at, format!("{file} opens, but does not hold what gosling writes")))?;
        if content.format != FORMAT {
            let format = content.format;
            return Err(refused(
                at,
                format!("{file} has format {format}, of a newer gosling: use that one"),
            ));
        }
        Ok(content)
    }

    async fn with_entry<T>(
        &self,
        uri: &SecretUri,
        tell: impl FnOnce(Option<&Entry>) -> T,
    ) -> Result<T, SecretError> {
        let (content, _) = self.content(uri.as_str()).await?;
        let entry = content.secrets.get(uri.place());
        if let (Some(wanted), Some(entry)) = (uri.version(), entry)
            && wanted != entry.version.to_string()
        {
            let version = entry.version;
            return Err(refused(
                uri,
                format!("the store keeps the newest version only, which is {version}"),
            ));
        }
        Ok(tell(entry))
    }

    /// Which file it is, for people.
    fn name(&self) -> String {
        format!(
            "{} next to {}",
            Beside::Secrets.file_name(),
            self.settings.beside.place()
        )
    }
}

/// Whether a folder may only be read from here. Where apply runs, it may be another one.
fn is_read_only(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
    )
}

/// Runs what encrypts and decrypts where it holds nobody up.
async fn blocking<T: Send + 'static>(
    at: &str,
    work: impl FnOnce() -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SecretError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(unreachable(at, error.to_string())))
}
