//! `store://path/key`: an age-encrypted file beside the state, gosling's own.
//!
//! Inside it is JSON: each place with its value, how often it was written and when. It is always written whole, under
//! a lock, so a process that is killed leaves the old file or the new one.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use age::{DecryptError, Decryptor, Encryptor};
use gosling_engine::SecretError;
use gosling_engine::durable::{self, FileLock};
use gosling_resource::{Secret, SecretUri};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::identity::{identities, recipients};
use super::{Description, folder, refused, unreachable};

/// The format that is written. Another one is refused.
const FORMAT: u32 = 1;
/// How long another process may hold the lock, which it needs for a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which file `store://` is, and for whom.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The file: `secrets.age` beside the state. It need not be there yet.
    pub file: PathBuf,
    /// Who can open what is written: `age1...`.
    pub recipients: Vec<String>,
    /// The text of an identity file, with which it is opened.
    pub identity: Option<Secret>,
}

/// The backend. Its clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Store(Arc<StoreSettings>);

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
        Self(Arc::new(settings))
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

    pub(super) async fn list(&self, uri: &SecretUri) -> Result<Vec<SecretUri>, SecretError> {
        let content = self.content(uri).await?;
        let folder = folder(uri);
        let places = content.secrets.keys().filter(|place| {
            let inside = |rest: &str| folder.is_empty() || rest.is_empty() || rest.starts_with('/');
            place.strip_prefix(folder).is_some_and(inside)
        });
        Ok(places
            .filter_map(|place| format!("store://{place}").parse().ok())
            .collect())
    }

    pub(super) async fn write(&self, uri: &SecretUri, value: &Secret) -> Result<(), SecretError> {
        let _lock = self.lock(uri).await?;
        let (store, place, value) = (self.clone(), uri.clone(), value.clone());
        blocking(uri, move || store.put(&place, &value)).await
    }

    /// What can be known without writing: the recipients are sound, what is there can be opened, we are among those
    /// who could open what we write, and the folder takes a file.
    pub(super) async fn writable(&self, uri: &SecretUri) -> Result<(), SecretError> {
        let (store, place) = (self.clone(), uri.clone());
        blocking(uri, move || {
            store.sound(&place)?;
            store.open(&place)?;
            let folder = store.folder();
            match std::fs::metadata(folder) {
                Ok(folder) if folder.is_dir() => {}
                Ok(_) => {
                    return Err(refused(&place, format!("{} is no folder", folder.display())));
                }
                // It is made with the state.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(store.failed(&place, &error)),
            }
            let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
            rustix::fs::access(folder, access).map_err(|error| store.failed(&place, &error.into()))
        })
        .await
    }

    /// Reads, changes and writes. The lock is held.
    fn put(&self, uri: &SecretUri, value: &Secret) -> Result<(), SecretError> {
        let sealed_for = self.sound(uri)?;
        let mut content = self.open(uri)?;
        let before = content.secrets.get(uri.place());
        let entry = Entry {
            value: value.expose().to_owned(),
            version: before.map_or(0, |entry| entry.version) + 1,
            updated: rfc3339(SystemTime::now()),
        };
        content.secrets.insert(uri.place().to_owned(), entry);
        let text = serde_json::to_vec(&content).map_err(|error| unreachable(uri, error.to_string()))?;
        let sealed = seal(&sealed_for, &Zeroizing::new(text));
        let sealed = sealed.map_err(|error| unreachable(uri, format!("cannot be encrypted: {error}")))?;
        durable::replace(&self.0.file, &sealed).map_err(|error| self.failed(uri, &error))?;
        let content = self.open(uri)?;
        let read = content.secrets.get(uri.place()).map(|entry| entry.value.as_str());
        if read == Some(value.expose()) {
            Ok(())
        } else {
            Err(unreachable(uri, "what was written is not what is read back"))
        }
    }

    /// The recipients, of whom we are one: who cannot read back what they write must not write.
    fn sound(&self, uri: &SecretUri) -> Result<Vec<age::x25519::Recipient>, SecretError> {
        let recipients = recipients(&self.0.recipients).map_err(|why| refused(uri, why))?;
        let own = self.identities(uri)?;
        let own: Vec<_> = own.iter().map(|own| own.to_public().to_string()).collect();
        if recipients
            .iter()
            .any(|recipient| own.contains(&recipient.to_string()))
        {
            return Ok(recipients);
        }
        let own = own.join(", ");
        Err(refused(
            uri,
            format!(
                "the identity in use is {own}, which is not among the recipients of `nest {{ secrets }}`: add it"
            ),
        ))
    }

    fn identities(&self, uri: &SecretUri) -> Result<Vec<age::x25519::Identity>, SecretError> {
        let help =
            "there is no age identity to open it with: run `gosling init`, or set GOSLING_AGE_IDENTITY";
        let text = self.0.identity.as_ref().ok_or_else(|| refused(uri, help))?;
        identities(text).map_err(|why| refused(uri, why))
    }

    /// The content; empty where there is no file yet.
    fn open(&self, uri: &SecretUri) -> Result<Content, SecretError> {
        let sealed = match std::fs::read(&self.0.file) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Content {
                    format: FORMAT,
                    secrets: BTreeMap::new(),
                });
            }
            Err(error) => return Err(self.failed(uri, &error)),
        };
        let own = self.identities(uri)?;
        let file = self.0.file.display();
        let text = unseal(&own, &sealed).map_err(|error| match error {
            DecryptError::NoMatchingKeys => {
                let own: Vec<_> = own.iter().map(|own| own.to_public().to_string()).collect();
                let own = own.join(", ");
                refused(
                    uri,
                    format!(
                        "{file} was encrypted for others, and the identity in use ({own}) cannot open it: set \
                         GOSLING_AGE_IDENTITY to one that can, or have one of its recipients add yours"
                    ),
                )
            }
            error => refused(uri, format!("{file} is damaged or no age file: {error}")),
        })?;
        let content: Content = serde_json::from_slice(&text)
            // The words of the parser could quote what they stumbled over.
            .map_err(|_| {
                refused(
                    uri,
                    format!("{file} opens, but does not hold what gosling writes"),
                )
            })?;
        if content.format != FORMAT {
            let format = content.format;
            return Err(refused(
                uri,
                format!("{file} has format {format}, of a newer gosling: use that one"),
            ));
        }
        Ok(content)
    }

    async fn content(&self, uri: &SecretUri) -> Result<Content, SecretError> {
        let (store, place) = (self.clone(), uri.clone());
        blocking(uri, move || store.open(&place)).await
    }

    async fn with_entry<T>(
        &self,
        uri: &SecretUri,
        tell: impl FnOnce(Option<&Entry>) -> T,
    ) -> Result<T, SecretError> {
        let content = self.content(uri).await?;
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

    /// Waits for the lock without holding up other work.
    async fn lock(&self, uri: &SecretUri) -> Result<FileLock, SecretError> {
        durable::make_folder(self.folder()).map_err(|error| self.failed(uri, &error))?;
        let mut path = self.0.file.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let pause = Duration::from_millis(10);
        for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
            match FileLock::take(&path).map_err(|error| self.failed(uri, &error))? {
                Some(lock) => return Ok(lock),
                None => tokio::time::sleep(pause).await,
            }
        }
        let path = path.display();
        Err(unreachable(uri, format!("another process keeps {path} locked")))
    }

    fn folder(&self) -> &Path {
        let folder = self.0.file.parent();
        folder
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."))
    }

    fn failed(&self, uri: &SecretUri, error: &std::io::Error) -> SecretError {
        unreachable(uri, format!("{}: {error}", self.0.file.display()))
    }
}

/// Runs what reads and writes files where it holds nobody up.
async fn blocking<T: Send + 'static>(
    uri: &SecretUri,
    work: impl FnOnce() -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SecretError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(unreachable(uri, error.to_string())))
}

fn seal(recipients: &[age::x25519::Recipient], text: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let recipients = recipients
        .iter()
        .map(|recipient| recipient as &dyn age::Recipient);
    let mut sealed = Vec::new();
    let mut writer = Encryptor::with_recipients(recipients)?.wrap_output(&mut sealed)?;
    writer.write_all(text)?;
    writer.finish()?;
    Ok(sealed)
}

fn unseal(identities: &[age::x25519::Identity], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let identities = identities.iter().map(|identity| identity as &dyn age::Identity);
    let mut reader = Decryptor::new(sealed)?.decrypt(identities)?;
    // As large as the text can be from the beginning: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut text)?;
    Ok(text)
}

/// A time as RFC 3339 in UTC, to the second.
fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March end with the leap day; 400 of them are always as long.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_everyone_writes_it() {
        let at = |seconds| rfc3339(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_798_761_599), "2026-12-31T23:59:59Z");
    }
}
