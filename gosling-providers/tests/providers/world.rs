//! A sandbox, and what a provider needs beside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gosling_engine::fence::Unfenced;
use gosling_engine::store::LocalStore;
use gosling_engine::{CallError, Context, Notes, Secrets};
use gosling_providers::http::Endpoint;
use gosling_providers::keys::{Keys, generate_identity};
use gosling_providers::secrets::{BackendSettings, Backends, StoreSettings};
use gosling_resource::{Secret, SecretUri};
use gosling_sandbox::{Fault, GitlabWorld, Options, Running, Sandbox, WorldFile};

/// The place that `text` names.
pub(crate) fn uri(text: &str) -> SecretUri {
    text.parse().unwrap()
}

/// A value.
pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A fault as a file has it.
pub(crate) fn fault(json: &serde_json::Value) -> Fault {
    serde_json::from_value(json.clone()).unwrap()
}

/// A running sandbox with a store beside it, and what was told of progress.
pub(crate) struct World {
    pub(crate) sandbox: Running,
    pub(crate) secrets: Backends,
    pub(crate) told: Told,
    env: BTreeMap<String, String>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(GitlabWorld::default()).await
    }

    pub(crate) async fn with(gitlab: GitlabWorld) -> Self {
        Self::of(WorldFile {
            gitlab,
            ..WorldFile::default()
        })
        .await
    }

    pub(crate) async fn of(world: WorldFile) -> Self {
        let options = Options {
            world,
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let env: BTreeMap<_, _> = sandbox.exports().into_iter().collect();
        let folder = tempfile::tempdir().unwrap();
        let secrets = Backends::new(BackendSettings {
            env: env
                .iter()
                .map(|(name, value)| (name.clone(), secret(value)))
                .collect(),
            store: Some(store(folder.path())),
            vault: None,
        });
        Self {
            secrets: secrets.unwrap(),
            sandbox,
            told: Told::default(),
            env,
            _folder: folder,
        }
    }

    /// Where every simulated API is.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            ca_pem: Some(self.sandbox.ca_pem().as_bytes().to_vec()),
            ..Endpoint::new(self.sandbox.url())
        }
    }

    pub(crate) fn env(&self, name: &str) -> &str {
        &self.env[name]
    }

    pub(crate) fn cx(&self) -> Context<'_> {
        Context {
            secrets: &self.secrets,
            notes: &self.told,
            fence: &Unfenced,
        }
    }

    /// The value at a place.
    pub(crate) async fn value(&self, place: &str) -> String {
        self.secrets.read(&uri(place)).await.unwrap().expose().to_owned()
    }

    /// How many calls have changed something.
    pub(crate) fn changes(&self) -> usize {
        self.sandbox
            .ledger()
            .calls()
            .iter()
            .filter(|call| call.changes)
            .count()
    }

    /// The ids of the objects of a kind that are there.
    pub(crate) fn alive(&self, kind: &str) -> Vec<String> {
        let ledger = self.sandbox.ledger();
        let alive = ledger
            .objects()
            .iter()
            .filter(|object| object.kind == kind && object.deleted.is_none());
        alive.map(|object| object.id.clone()).collect()
    }
}

/// A store with an identity of its own.
pub(crate) fn store(folder: &Path) -> StoreSettings {
    let (identity, recipient) = generate_identity();
    StoreSettings {
        beside: Arc::new(LocalStore::new(folder.to_owned(), 3)),
        keys: Keys {
            recipients: vec![recipient],
            identity: Some(identity),
        },
    }
}

/// What a provider told: words for a person, and the tasks that it noted.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<String>>, pub(crate) Mutex<Vec<String>>);

#[async_trait]
impl Notes for Told {
    async fn refer(&self, _: &str, task: &str) -> Result<(), CallError> {
        self.1.lock().unwrap().push(task.to_owned());
        Ok(())
    }

    fn progress(&self, _: &str, words: &str) {
        self.0.lock().unwrap().push(words.to_owned());
    }
}
