//! A Nest made ready for the engine: checked, lowered, with its providers, its secrets and its state.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fly_codegen::{Facts, Source};
use fly_typeck::nest::Nest;
use gosling_engine::journal::Entry;
use gosling_engine::preflight::written_by_apply;
use gosling_engine::{Providers, State};
use gosling_providers::gitlab::Gitlab;
use gosling_providers::http::Notices;
use gosling_providers::proxmox::Proxmox;
use gosling_providers::secrets::Backends;
use gosling_resource::{Address, SecretBackend, SecretPrefix, SecretUri, Value};

use crate::clients::{Clients, add_servers};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::planning::Unlisted;
use crate::secrets::{backends, nest_name};
use crate::state_location::StateLocation;
use fly_workspace::Workspace;

/// A secret that a Nest names.
pub struct NamedSecret {
    /// Its place.
    pub uri: SecretUri,
    /// Whether the next apply writes it, because what it belongs to has not been created yet.
    pub to_come: bool,
}

/// A Nest made ready.
pub struct Session {
    pub(crate) checked: fly_workspace::CheckedNest,
    pub(crate) nest: Nest,
    pub(crate) name: String,
    pub(crate) providers: Providers,
    /// The services that the Nest itself names; the others have something of the state.
    pub(crate) labels: BTreeSet<String>,
    clients: Clients,
    /// Where its secrets are.
    pub secrets: Backends,
    /// Where its state is.
    pub at: StateLocation,
    /// Where the token is that each of its providers is called with.
    pub(crate) tokens: Vec<(String, SecretUri)>,
    pub(crate) nest_digest: String,
    pub(crate) variables_digest: String,
    /// What was asked of the outside so that the Nest could be lowered, and the groups that could not be asked for.
    pub(crate) facts: Option<(Facts, Vec<Unlisted>)>,
    /// Whether a plan is wanted even if nobody answers.
    pub(crate) even_unasked: bool,
    /// Whether what would be deleted and cannot be read is set aside, to be deleted when it can be reached.
    pub set_aside: bool,
    /// The machines of which GitLab has heard since this run changed them.
    pub(crate) heard: Mutex<BTreeSet<Address>>,
    /// The state and what is open, as they were looked at first: a plan begins with them.
    pub(crate) peeked: Option<(State, Vec<Entry>)>,
}

impl Session {
    /// Makes ready all that a Nest without errors names, with the values that its variables were given. Calls nobody but
    /// the state's store.
    ///
    /// # Errors
    /// Where something that the Nest names cannot be used, or the state cannot be read.
    pub async fn open(
        environment: &Environment,
        workspace: Workspace,
        given: &[(String, String)],
    ) -> Result<Self, Failure> {
        let at = StateLocation::find(environment, &workspace).await?;
        let checked = &workspace.nest;
        let nest = checked
            .checked
            .nest()
            .ok_or_else(|| Failure::new("the Nest cannot be read"))?;
        let connections = fly_codegen::connections(&Source {
            nest: &nest,
            blocks: &checked.checked.blocks,
            files: &checked.files,
        });
        let name = nest_name(&workspace.root, &connections);
        let secrets = backends(
            environment,
            &workspace.root,
            &connections,
            Some(Arc::clone(&at.store)),
        )?;
        let mut connections = connections;
        let peeked = at.peek().await?;
        let servers = connections.gitlabs.iter().map(|server| server.server.clone());
        let clusters = connections.proxmoxes.iter().map(|cluster| cluster.label.clone());
        let labels = servers.chain(clusters).collect();
        add_servers(&mut connections, &peeked.0);
        let clients = Clients::of(environment, &workspace.root, &connections)?;
        let mut texts = Vec::new();
        for file in &checked.files.files {
            for part in [file.path.as_bytes(), &[0], file.bytes(), &[0]] {
                texts.extend_from_slice(part);
            }
        }
        let given: Vec<u8> = given
            .iter()
            .flat_map(|(name, text)| format!("{name}={text}\0").into_bytes())
            .collect();
        Ok(Self {
            nest_digest: gosling_engine::state::digest(&texts),
            variables_digest: gosling_engine::state::digest(&given),
            facts: None,
            even_unasked: false,
            labels,
            set_aside: false,
            heard: Mutex::default(),
            tokens: connections
                .proxmoxes
                .iter()
                .map(|cluster| (cluster.label.clone(), cluster.token.clone()))
                .chain(
                    connections
                        .gitlabs
                        .iter()
                        .map(|server| (server.server.clone(), server.token.clone())),
                )
                .collect(),
            nest,
            checked: workspace.nest,
            name,
            providers: clients.providers(),
            clients,
            secrets,
            at,
            peeked: Some(peeked),
        })
    }

    /// What the Nest is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For the lowering.
    pub(crate) fn source(&self) -> Source<'_> {
        Source {
            nest: &self.nest,
            blocks: &self.checked.checked.blocks,
            files: &self.checked.files,
        }
    }

    /// The GitLab server of this name.
    pub fn gitlab(&self, server: &str) -> Result<Arc<Gitlab>, Failure> {
        let gitlab = self.clients.gitlabs.get(server).cloned();
        gitlab.ok_or_else(|| Failure::new(format!("the Nest names no GitLab server {server}")))
    }

    /// The GitLab server that a runner or a hook of the state lies on, called with the token that is its own.
    pub fn gitlab_of(&self, held: &gosling_engine::Held) -> Result<Gitlab, Failure> {
        let gitlab = self.gitlab(&held.provider)?;
        Ok(
            match held.properties.get("api_token").and_then(Value::as_secret) {
                Some(token) => gitlab.with_token(token),
                None => (*gitlab).clone(),
            },
        )
    }

    /// The kind of this name, whoever of its providers makes it.
    pub fn kind(&self, name: &str) -> Option<&'static gosling_resource::Kind> {
        gosling_engine::run::kind_of(&self.providers, name)
    }

    /// Its providers by their labels.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The provider of this label.
    pub fn provider(&self, label: &str) -> Result<Arc<dyn gosling_engine::Provider>, Failure> {
        let provider = self.providers.get(label).cloned();
        provider.ok_or_else(|| Failure::new(format!("the Nest has no provider `{label}`")))
    }

    /// Every secret that the Nest's resources name.
    pub async fn named_secrets(&mut self) -> Result<Vec<NamedSecret>, Failure> {
        let wanted = self.wanted().await?;
        let all = wanted
            .iter()
            .flat_map(|resource| resource.properties.values().flat_map(Value::secrets));
        let mut all: BTreeSet<_> = all.cloned().collect();
        all.extend(self.tokens.iter().map(|(_, uri)| uri.clone()));
        self.with_what_is_to_come(all.into_iter().collect()).await
    }

    /// For each of these places, whether the next apply writes it. Asks no service but the state's.
    pub async fn with_what_is_to_come(&self, uris: Vec<SecretUri>) -> Result<Vec<NamedSecret>, Failure> {
        let (state, _) = self.at.peek().await?;
        let wanted = self.wanted_without_asking();
        let mut to_come = BTreeSet::new();
        for resource in wanted.iter() {
            if !state.resources.contains_key(&resource.address) {
                to_come.extend(written_by_apply(&resource.properties).cloned());
            }
        }
        let named = uris.into_iter().map(|uri| NamedSecret {
            to_come: to_come.contains(&uri),
            uri,
        });
        Ok(named.collect())
    }

    /// Where its services say that they ask for a pause.
    #[must_use]
    pub fn notices(&self) -> Notices {
        self.clients.notices.clone()
    }

    /// The secrets of the store that neither the Nest nor its state names: of eggs that are gone. `named` are those that
    /// the Nest names.
    pub async fn unused_secrets(&self, named: &[NamedSecret]) -> Result<Vec<SecretUri>, Failure> {
        // Which webhooks there are is not known then, and so not which of their secrets are needed.
        if !self.unlisted().is_empty() {
            return Ok(Vec::new());
        }
        // A Nest without a store has nothing there.
        let everything = SecretPrefix::all(SecretBackend::Store);
        let Ok(kept) = self.secrets.list(&everything).await else {
            return Ok(Vec::new());
        };
        let (state, _) = self.at.peek().await?;
        let held = state.resources.values();
        let held: std::collections::BTreeSet<&SecretUri> = held
            .flat_map(|held| held.properties.values().flat_map(Value::secrets))
            .collect();
        let unused = kept
            .uris
            .into_iter()
            .filter(|uri| !named.iter().any(|named| named.uri == *uri) && !held.contains(uri));
        Ok(unused.collect())
    }

    /// How long an egg's machines may take to come online.
    pub fn online_within(&self, label: &str) -> Duration {
        let eggs = self.nest.eggs.iter().map(|egg| (&egg.label, &egg.pool));
        let buckets = self
            .nest
            .eggsbuckets
            .iter()
            .map(|bucket| (&bucket.label, &bucket.pool));
        let mut pools = eggs.chain(buckets);
        let check = pools
            .find(|(own, _)| *own == label)
            .and_then(|(_, pool)| pool.health_check.as_ref());
        check.map_or(Duration::from_secs(600), |check| {
            Duration::from_millis(check.online_within.as_millis())
        })
    }

    /// The Nest's eggs and eggsbuckets: `egg.app`.
    pub fn blocks(&self) -> Vec<String> {
        let eggs = self.nest.eggs.iter().map(|egg| format!("egg.{}", egg.label));
        let buckets = self.nest.eggsbuckets.iter();
        eggs.chain(buckets.map(|bucket| format!("eggsbucket.{}", bucket.label)))
            .collect()
    }

    /// Believes these clusters, whichever they are: what is not there is gone.
    pub fn accept_clusters(&self, labels: &[String]) -> Result<(), Failure> {
        for label in labels {
            let cluster = self.proxmox(label).ok_or_else(|| {
                let known: Vec<_> = self
                    .clients
                    .proxmoxes
                    .keys()
                    .map(|label| format!("`{label}`"))
                    .collect();
                let known = known.join(", ");
                Failure::new(format!(
                    "--accept-cluster {label}: the Nest has no such Proxmox VE provider"
                ))
                .help(format!(
                    "it has {}",
                    if known.is_empty() { "none" } else { &known }
                ))
            })?;
            cluster.accept_cluster();
        }
        Ok(())
    }

    /// The Proxmox cluster of this label.
    pub fn proxmox(&self, label: &str) -> Option<Arc<Proxmox>> {
        self.clients.proxmoxes.get(label).cloned()
    }
}
