//! A Nest made ready for the engine: checked, lowered, with its providers, its secrets and its state.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fly_codegen::{Facts, Source};
use fly_syntax::Severity;
use fly_typeck::nest::Nest;
use gosling_engine::journal::Entry;
use gosling_engine::preflight::written_by_apply;
use gosling_engine::{Providers, State};
use gosling_providers::gitlab::Gitlab;
use gosling_providers::proxmox::Proxmox;
use gosling_providers::secrets::Backends;
use gosling_resource::{SecretUri, Value};

use super::Progress;
use super::planning::Unlisted;
use crate::commands::{Context, Target, VariableArgs};
use crate::render::{self, Format, Report};
use crate::{Failure, Host};
use fly_workspace::Workspace;
use gosling_deploy::secrets::{backends, nest_name};
use gosling_deploy::{Clients, StateLocation, add_servers};

/// Which Nest, with which variables.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EngineArgs {
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
}

/// A Nest without errors, and the values that its variables were given.
pub(super) type Sound = (Workspace, Vec<(String, String)>);

impl EngineArgs {
    pub(crate) fn target(&self, host: &Host) -> Result<Target, Failure> {
        Target::around(host)
    }

    /// The Nest as it is on disk, whatever its problems are.
    pub(crate) fn workspace(&self, host: &Host) -> Result<Workspace, Failure> {
        let variables = self.variables.variables(host)?;
        let files = self.variables.files(host)?;
        Ok(Workspace::open(self.target(host)?.root, &files, &variables))
    }

    /// The checked Nest; its problems are shown, and `None` is given back, where it has errors.
    pub(super) fn check(&self, host: &mut Host, context: Context) -> Result<Option<Sound>, Failure> {
        let target = self.target(host)?;
        let variables = self.variables.variables(host)?;
        let files = self.variables.files(host)?;
        let workspace = Workspace::open(target.root.clone(), &files, &variables);
        let nest = &workspace.nest;
        let is_error = |severity| severity == Severity::Error;
        if nest.problems.iter().any(|problem| is_error(problem.severity())) {
            let problems = nest
                .problems
                .iter()
                .filter(|problem| is_error(problem.severity()));
            let report = Report {
                problems: problems.collect(),
                ..target.report(host, nest)
            };
            show_problems(host, context, report)?;
            return Ok(None);
        }
        let given = variables
            .given
            .iter()
            .map(|given| (given.name.to_string(), given.text.clone()));
        Ok(Some((workspace, given.collect())))
    }
}

/// Shows the problems that keep a Nest from being used: on standard error, or as the one document.
pub(crate) fn show_problems(host: &mut Host, context: Context, report: Report) -> Result<(), Failure> {
    if host.asked.json {
        render::write(Format::Json, &[report], context.out, &mut host.out)?;
        return Ok(());
    }
    let more = render::more(std::slice::from_ref(&report));
    render::write(Format::Human, &[report], context.err, &mut host.err)?;
    if let Some(more) = more {
        host.say(more)?;
    }
    Ok(())
}

/// An engine's error as the command line says it.
pub(crate) fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::wrong_use(error.to_string())
}

/// A secret that a Nest names.
pub(crate) struct NamedSecret {
    /// Its place.
    pub(crate) uri: SecretUri,
    /// Whether the next apply writes it, because what it belongs to has not been created yet.
    pub(crate) to_come: bool,
}

/// A Nest made ready.
pub(crate) struct Session {
    pub(super) checked: fly_workspace::CheckedNest,
    pub(super) nest: Nest,
    pub(super) name: String,
    pub(super) providers: Providers,
    /// The services that the Nest itself names; the others have something of the state.
    pub(super) labels: BTreeSet<String>,
    clients: Clients,
    pub(crate) secrets: Backends,
    pub(crate) at: StateLocation,
    /// Where the token is that each of its providers is called with.
    pub(super) tokens: Vec<(String, SecretUri)>,
    pub(super) nest_digest: String,
    pub(super) variables_digest: String,
    /// What was asked of the outside so that the Nest could be lowered, and the groups that could not be asked for.
    pub(super) facts: Option<(Facts, Vec<Unlisted>)>,
    /// Whether a plan is wanted even if nobody answers.
    pub(super) even_unasked: bool,
    /// Whether what would be deleted and cannot be read is set aside, to be deleted when it can be reached.
    pub(crate) set_aside: bool,
    /// The state and what is open, as they were looked at first: a plan begins with them.
    pub(super) peeked: Option<(State, Vec<Entry>)>,
}

impl Session {
    /// Checks the Nest and makes ready all that it names; calls nobody. `None`: it has problems, which were shown.
    pub(crate) fn open(
        host: &mut Host,
        context: Context,
        args: &EngineArgs,
    ) -> Result<Option<Self>, Failure> {
        let Some((workspace, given)) = args.check(host, context)? else {
            return Ok(None);
        };
        let at = crate::commands::runtime()?.block_on(StateLocation::find(&host.environment, &workspace))?;
        let checked = &workspace.nest;
        let nest = checked
            .checked
            .nest()
            .ok_or_else(|| Failure::wrong_use("the Nest cannot be read"))?;
        let connections = fly_codegen::connections(&Source {
            nest: &nest,
            blocks: &checked.checked.blocks,
            files: &checked.files,
        });
        let name = nest_name(&workspace.root, &connections);
        let secrets = backends(
            &host.environment,
            &workspace.root,
            &connections,
            Some(Arc::clone(&at.store)),
        )?;
        let mut connections = connections;
        let peeked = crate::commands::runtime()?.block_on(at.peek())?;
        let servers = connections.gitlabs.iter().map(|server| server.server.clone());
        let clusters = connections.proxmoxes.iter().map(|cluster| cluster.label.clone());
        let labels = servers.chain(clusters).collect();
        add_servers(&mut connections, &peeked.0);
        let clients = Clients::of(&host.environment, &workspace.root, &connections)?;
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
        Ok(Some(Self {
            nest_digest: gosling_engine::state::digest(&texts),
            variables_digest: gosling_engine::state::digest(&given),
            facts: None,
            even_unasked: false,
            labels,
            set_aside: false,
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
        }))
    }

    /// What the Nest is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For the lowering.
    pub(super) fn source(&self) -> Source<'_> {
        Source {
            nest: &self.nest,
            blocks: &self.checked.checked.blocks,
            files: &self.checked.files,
        }
    }

    /// The GitLab server of this name.
    pub(crate) fn gitlab(&self, server: &str) -> Result<Arc<Gitlab>, Failure> {
        let gitlab = self.clients.gitlabs.get(server).cloned();
        gitlab.ok_or_else(|| Failure::wrong_use(format!("the Nest names no GitLab server {server}")))
    }

    /// The GitLab server that a runner or a hook of the state lies on, called with the token that is its own.
    pub(crate) fn gitlab_of(&self, held: &gosling_engine::Held) -> Result<Gitlab, Failure> {
        let gitlab = self.gitlab(&held.provider)?;
        Ok(
            match held.properties.get("api_token").and_then(Value::as_secret) {
                Some(token) => gitlab.with_token(token),
                None => (*gitlab).clone(),
            },
        )
    }

    /// The kind of this name, whoever of its providers makes it.
    pub(crate) fn kind(&self, name: &str) -> Option<&'static gosling_resource::Kind> {
        gosling_engine::run::kind_of(&self.providers, name)
    }

    /// Its providers by their labels.
    pub(crate) fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The provider of this label.
    pub(crate) fn provider(&self, label: &str) -> Result<Arc<dyn gosling_engine::Provider>, Failure> {
        let provider = self.providers.get(label).cloned();
        provider.ok_or_else(|| Failure::wrong_use(format!("the Nest has no provider `{label}`")))
    }

    /// Every secret that the Nest's resources name.
    pub(crate) async fn named_secrets(&mut self) -> Result<Vec<NamedSecret>, Failure> {
        let wanted = self.wanted().await?;
        let all = wanted
            .iter()
            .flat_map(|resource| resource.properties.values().flat_map(Value::secrets));
        let mut all: BTreeSet<_> = all.cloned().collect();
        all.extend(self.tokens.iter().map(|(_, uri)| uri.clone()));
        self.with_what_is_to_come(all.into_iter().collect()).await
    }

    /// For each of these places, whether the next apply writes it. Asks no service but the state's.
    pub(crate) async fn with_what_is_to_come(
        &self,
        uris: Vec<SecretUri>,
    ) -> Result<Vec<NamedSecret>, Failure> {
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

    /// A progress that shows when its services ask for a pause.
    pub(crate) fn progress(&self) -> Progress {
        Progress::of(self.clients.notices.clone())
    }

    /// The secrets of the store that neither the Nest nor its state names: of eggs that are gone. `named` are those that
    /// the Nest names.
    pub(crate) async fn unused_secrets(&self, named: &[NamedSecret]) -> Result<Vec<SecretUri>, Failure> {
        let everything: SecretUri = "store://*".parse().map_err(failure)?;
        // Which webhooks there are is not known then, and so not which of their secrets are needed.
        if !self.unlisted().is_empty() {
            return Ok(Vec::new());
        }
        // A Nest without a store has nothing there.
        let Ok(kept) = self.secrets.list(&everything).await else {
            return Ok(Vec::new());
        };
        let (state, _) = self.at.peek().await?;
        let held = state.resources.values();
        let held: std::collections::BTreeSet<&SecretUri> = held
            .flat_map(|held| held.properties.values().flat_map(Value::secrets))
            .collect();
        let unused = kept
            .into_iter()
            .filter(|uri| !named.iter().any(|named| named.uri == *uri) && !held.contains(uri));
        Ok(unused.collect())
    }

    /// How long an egg's machines may take to come online.
    pub(crate) fn online_within(&self, label: &str) -> Duration {
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
    pub(crate) fn blocks(&self) -> Vec<String> {
        let eggs = self.nest.eggs.iter().map(|egg| format!("egg.{}", egg.label));
        let buckets = self.nest.eggsbuckets.iter();
        eggs.chain(buckets.map(|bucket| format!("eggsbucket.{}", bucket.label)))
            .collect()
    }

    /// Believes these clusters, whichever they are: what is not there is gone.
    pub(crate) fn accept_clusters(&self, labels: &[String]) -> Result<(), Failure> {
        for label in labels {
            let cluster = self.proxmox(label).ok_or_else(|| {
                let known: Vec<_> = self
                    .clients
                    .proxmoxes
                    .keys()
                    .map(|label| format!("`{label}`"))
                    .collect();
                let known = known.join(", ");
                Failure::wrong_use(format!(
                    "--accept-cluster {label}: the Nest has no such Proxmox VE provider"
                ))
                .hint(format!(
                    "it has {}",
                    if known.is_empty() { "none" } else { &known }
                ))
            })?;
            cluster.accept_cluster();
        }
        Ok(())
    }

    /// The Proxmox cluster of this label.
    pub(crate) fn proxmox(&self, label: &str) -> Option<Arc<Proxmox>> {
        self.clients.proxmoxes.get(label).cloned()
    }
}
