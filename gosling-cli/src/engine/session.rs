//! A Nest made ready for the engine: checked, lowered, with its providers, its secrets and its state.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fly_codegen::{Connections, Facts, GitlabServer, Question, Source};
use fly_syntax::Severity;
use fly_typeck::nest::Nest;
use gosling_engine::journal::Entry;
use gosling_engine::store::Locked;
use gosling_engine::{
    Applied, Bound, JournalWriter, Plan, Providers, Run, RunError, State, Stop, Wishes, recover,
};
use gosling_providers::gitlab::{Gitlab, GitlabSettings};
use gosling_providers::http::Endpoint;
use gosling_providers::proxmox::{Proxmox, ProxmoxSettings};
use gosling_providers::secrets::Backends;
use gosling_resource::{Resources, SecretUri, Value};
use tokio::sync::watch;

use super::Progress;
use super::endpoints::{authority, endpoint};
use super::secrets::{backends, nest_file, nest_name};
use super::state_at::{Reading, StateAt};
use crate::check::{CheckedNest, check_root};
use crate::commands::{Context, Target, VariableArgs};
use crate::render::{self, Format, Report};
use crate::{Failure, Host};

/// How many calls that only look are under way at once.
const AT_ONCE: usize = 10;

/// Which Nest, with which variables.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EngineArgs {
    /// The Nest, otherwise the one around the current folder
    #[arg(long, value_name = "DIR")]
    nest: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
}

/// A Nest without errors, and the values that its variables were given.
type Sound = (Target, CheckedNest, Vec<(String, String)>);

impl EngineArgs {
    pub(crate) fn target(&self, host: &Host) -> Result<Target, Failure> {
        let target = match &self.nest {
            Some(nest) => Target::find(host, std::slice::from_ref(nest))?.into_iter().next(),
            None => Some(Target::around(host)?),
        };
        target.ok_or_else(|| Failure::wrong_use("no Nest is given"))
    }

    /// The checked Nest; its problems are shown, and `None` is given back, where it has errors.
    fn check(&self, host: &mut Host, context: Context) -> Result<Option<Sound>, Failure> {
        let target = self.target(host)?;
        let variables = self.variables.variables(host)?;
        let files = self.variables.files(host)?;
        let nest = check_root(&target.root, &files, &variables);
        let is_error = |severity| severity == Severity::Error;
        if nest.problems.iter().any(|problem| is_error(problem.severity())) {
            let problems = nest
                .problems
                .iter()
                .filter(|problem| is_error(problem.severity()));
            let report = Report {
                problems: problems.collect(),
                ..target.report(host, &nest)
            };
            render::write(Format::Human, &[report], context.err, &mut host.err)?;
            return Ok(None);
        }
        let given = variables
            .given
            .iter()
            .map(|given| (given.name.to_string(), given.text.clone()));
        Ok(Some((target, nest, given.collect())))
    }
}

/// How many at once, and how long a stop may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempo {
    /// Operations under way at once.
    pub(crate) parallelism: usize,
    /// What is under way may take so long after a first stop.
    pub(crate) grace: Duration,
}

/// An engine's error as the command line says it.
pub(crate) fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::wrong_use(error.to_string())
}

/// A failed call with its way out.
pub(crate) fn call_failure(error: &gosling_engine::CallError) -> Failure {
    let failure = Failure::wrong_use(error.to_string());
    match error.way_out() {
        Some(help) => failure.hint(help),
        None => failure,
    }
}

fn run_failure(error: RunError) -> Failure {
    let help = match &error {
        RunError::Stopped => return Failure::Interrupted(error.to_string()),
        RunError::StillOpen { error, .. } | RunError::Unreadable { error, .. } => {
            error.way_out().map(str::to_owned)
        }
        _ => None,
    };
    let failure = Failure::wrong_use(error.to_string());
    match help {
        Some(help) => failure.hint(help),
        None => failure,
    }
}

/// A Nest made ready.
pub(crate) struct Session {
    checked: CheckedNest,
    pub(super) nest: Nest,
    name: String,
    pub(super) providers: Providers,
    gitlabs: BTreeMap<String, Arc<Gitlab>>,
    proxmoxes: BTreeMap<String, Arc<Proxmox>>,
    pub(crate) secrets: Backends,
    pub(crate) at: StateAt,
    /// Where the tokens are that its providers are called with.
    tokens: Vec<SecretUri>,
    nest_digest: String,
    variables_digest: String,
    /// Where a plan is wanted even if nobody answers: the groups whose projects could not be asked for.
    pub(super) unasked: Option<Vec<i64>>,
    /// The state and what is open, as they were looked at first: a plan begins with them.
    peeked: Option<(State, Vec<Entry>)>,
}

impl Session {
    /// Checks the Nest and makes ready all that it names; calls nobody. `None`: it has problems, which were shown.
    pub(crate) fn open(
        host: &mut Host,
        context: Context,
        args: &EngineArgs,
    ) -> Result<Option<Self>, Failure> {
        let Some((target, checked, given)) = args.check(host, context)? else {
            return Ok(None);
        };
        let at = crate::commands::block_on(StateAt::of(host, &target, &checked, Reading::AsSaid))?;
        let nest = checked
            .checked
            .nest()
            .ok_or_else(|| Failure::wrong_use("the Nest cannot be read"))?;
        let connections = fly_codegen::connections(&Source {
            nest: &nest,
            blocks: &checked.checked.blocks,
            files: &checked.files,
        });
        let name = nest_name(&target, &connections);
        let secrets = backends(host, &target, &connections, Some(Arc::clone(&at.store)))?;
        let mut connections = connections;
        let peeked = crate::commands::block_on(at.peek())?;
        add_servers(&mut connections, &peeked.0);
        let (gitlabs, proxmoxes) = worlds(host, &target, &connections)?;
        let mut providers = Providers::new();
        for (label, gitlab) in &gitlabs {
            providers.insert(
                label.into(),
                Arc::clone(gitlab) as Arc<dyn gosling_engine::Provider>,
            );
        }
        for (label, proxmox) in &proxmoxes {
            providers.insert(
                label.into(),
                Arc::clone(proxmox) as Arc<dyn gosling_engine::Provider>,
            );
        }
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
            unasked: None,
            tokens: connections
                .proxmoxes
                .iter()
                .map(|cluster| cluster.token.clone())
                .chain(connections.gitlabs.iter().map(|server| server.token.clone()))
                .collect(),
            checked,
            nest,
            name,
            providers,
            gitlabs,
            proxmoxes,
            secrets,
            at,
            peeked: Some(peeked),
        }))
    }

    fn source(&self) -> Source<'_> {
        Source {
            nest: &self.nest,
            blocks: &self.checked.checked.blocks,
            files: &self.checked.files,
        }
    }

    /// Everything that the Nest asks for. Asks GitLab which projects a group has.
    pub(crate) async fn wanted(&mut self) -> Result<Resources, Failure> {
        let mut facts = Facts {
            folder: Some(self.name.clone()),
            ..Facts::default()
        };
        for question in fly_codegen::questions(&self.source()) {
            match question {
                Question::GroupProjects {
                    server,
                    group_id,
                    api_token,
                    origin,
                } => {
                    let gitlab = self.gitlab(&server)?.with_token(&api_token);
                    let projects = gitlab.group_projects(&self.context(), group_id).await;
                    if projects.is_err()
                        && let Some(unasked) = &mut self.unasked
                    {
                        unasked.push(group_id);
                        facts.group_projects.insert((server, group_id), Vec::new());
                        continue;
                    }
                    let projects = projects.map_err(|error| match &origin {
                        Some(origin) => call_failure(&error).at(origin),
                        None => call_failure(&error),
                    })?;
                    let ids = projects.iter().map(|project| project.id).collect();
                    facts.group_projects.insert((server, group_id), ids);
                }
            }
        }
        let resources =
            fly_codegen::lower(&self.source(), &facts).map_err(|errors| lower_failure(&errors))?;
        resources.check().map_err(failure)?;
        Ok(resources)
    }

    /// The GitLab server of this name.
    pub(crate) fn gitlab(&self, server: &str) -> Result<Arc<Gitlab>, Failure> {
        let gitlab = self.gitlabs.get(server).cloned();
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
    pub(crate) async fn named_secrets(&mut self) -> Result<Vec<SecretUri>, Failure> {
        let wanted = self.wanted().await?;
        let all = wanted
            .iter()
            .flat_map(|resource| resource.properties.values().flat_map(Value::secrets));
        let mut all: std::collections::BTreeSet<_> = all.cloned().collect();
        all.extend(self.tokens.iter().cloned());
        Ok(all.into_iter().collect())
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
        check.map_or(Duration::from_secs(120), |check| {
            Duration::from_millis(check.online_within.as_millis())
        })
    }

    /// The Proxmox cluster of this label.
    pub(crate) fn proxmox(&self, label: &str) -> Option<Arc<Proxmox>> {
        self.proxmoxes.get(label).cloned()
    }

    fn run<'a>(
        &'a self,
        locked: &'a dyn Locked,
        progress: &'a Progress,
        tempo: Tempo,
        stop: watch::Receiver<Stop>,
    ) -> Run<'a> {
        Run {
            nest: &self.name,
            providers: &self.providers,
            secrets: &self.secrets,
            events: progress,
            journal: JournalWriter::new(locked),
            parallelism: tempo.parallelism,
            grace: tempo.grace,
            stop,
        }
    }

    /// Settles what earlier runs left open. Returns the state and how many operations that were.
    pub(crate) async fn settle(
        &self,
        locked: &dyn Locked,
        progress: &Progress,
        tempo: Tempo,
        stop: watch::Receiver<Stop>,
    ) -> Result<(State, usize), Failure> {
        let snapshot = locked.load().await.map_err(failure)?;
        let run = self.run(locked, progress, tempo, stop);
        let recovered = recover::recover(&run, &snapshot).await;
        if let Err(RunError::Stopped) = recovered {
            let snapshot = locked.load().await.map_err(failure)?;
            let (_, open) = recover::read(&snapshot).map_err(failure)?;
            for entry in open {
                let (verb, address) = (entry.operation.verb, entry.operation.address);
                progress.say(format!("open: the {verb} of {address} is not settled yet"));
            }
        }
        recovered.map_err(|error| {
            let origin = match &error {
                RunError::StillOpen { address, .. } => self.origin_of(address),
                _ => None,
            };
            match origin {
                Some(origin) => run_failure(error).at(&origin),
                None => run_failure(error),
            }
        })
    }

    /// Where the Nest asks for a resource, as far as that is known without asking anybody.
    fn origin_of(&self, address: &gosling_resource::Address) -> Option<gosling_resource::Origin> {
        let wanted = fly_codegen::lower(&self.source(), &Facts::default()).ok()?;
        wanted.get(address)?.origin.clone()
    }

    /// A plan from what is there; only reads.
    pub(crate) async fn plan(
        &mut self,
        progress: &Progress,
        wishes: &Wishes,
        refresh: bool,
    ) -> Result<Plan, Failure> {
        let (state, open) = match self.peeked.take() {
            Some(peeked) => peeked,
            None => self.at.peek().await?,
        };
        if !state.resources.is_empty() && refresh {
            progress.say(format!("looking at {} resources", state.resources.len()));
        }
        self.plan_from(&state, recover::shown(&open), wishes, refresh)
            .await
    }

    /// A plan from this state.
    pub(crate) async fn plan_from(
        &mut self,
        state: &State,
        open: Vec<gosling_engine::OpenIntent>,
        wishes: &Wishes,
        refresh: bool,
    ) -> Result<Plan, Failure> {
        let wanted = if wishes.destroy {
            Resources::default()
        } else {
            self.wanted().await?
        };
        self.plan_for(&wanted, state, open, wishes, refresh).await
    }

    /// What is there of this state, and what of it is otherwise; only reads.
    pub(crate) async fn look(
        &self,
        state: &State,
        wishes: &Wishes,
    ) -> Result<(State, Vec<gosling_engine::Drift>), Failure> {
        let asked = |address: &gosling_resource::Address| {
            wishes.targets.is_empty() || wishes.targets.iter().any(|target| address.is_within(target))
        };
        let looked = gosling_engine::refresh(state, &self.providers, &self.secrets, AT_ONCE, asked).await;
        looked.map_err(run_failure)
    }

    /// A plan from this state to what is wanted, whoever wants it.
    pub(crate) async fn plan_for(
        &self,
        wanted: &Resources,
        state: &State,
        open: Vec<gosling_engine::OpenIntent>,
        wishes: &Wishes,
        refresh: bool,
    ) -> Result<Plan, Failure> {
        let (now, drift) = if refresh {
            let (now, drift) = self.look(state, wishes).await?;
            (Cow::Owned(now), drift)
        } else {
            (Cow::Borrowed(state), Vec::new())
        };
        let kind = |name: &str| self.kind(name);
        let (changes, state_digest) = rayon::join(
            || gosling_engine::diff(wanted, &now, kind, wishes),
            || state.digest(),
        );
        Ok(Plan {
            format: gosling_engine::plan::FORMAT,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            state_digest,
            nest_digest: self.nest_digest.clone(),
            variables_digest: self.variables_digest.clone(),
            accounts: self.accounts(),
            targets: wishes.targets.clone(),
            destroy: wishes.destroy,
            changes: changes.map_err(failure)?,
            drift,
            open,
        })
    }

    fn accounts(&self) -> BTreeMap<String, String> {
        let accounts = self
            .providers
            .iter()
            .map(|(label, provider)| (label.to_string(), provider.account()));
        accounts.collect()
    }

    /// Whether a saved plan may be applied here and now.
    pub(crate) fn may_apply(&self, plan: &Plan, state: &State) -> Result<(), Failure> {
        let accounts = self.accounts();
        let now = Bound {
            tool: env!("CARGO_PKG_VERSION"),
            state,
            nest_digest: &self.nest_digest,
            variables_digest: &self.variables_digest,
            accounts: &accounts,
        };
        plan.check(&now)
            .map_err(|error| failure(error).hint("`gosling plan -o FILE` makes a new one"))
    }

    /// Carries out a plan.
    pub(crate) async fn apply(
        &self,
        locked: &dyn Locked,
        plan: &Plan,
        state: State,
        progress: &Progress,
        tempo: Tempo,
        stop: watch::Receiver<Stop>,
    ) -> Result<Applied, Failure> {
        let run = self.run(locked, progress, tempo, stop);
        gosling_engine::apply(&run, plan, state)
            .await
            .map_err(run_failure)
    }
}

/// What lowering could not do, all of it at once.
fn lower_failure(errors: &[fly_codegen::LowerError]) -> Failure {
    let lines = errors.iter().map(|error| match error.origin() {
        Some(origin) => format!("{origin}: {error}"),
        None => error.to_string(),
    });
    let lines: Vec<String> = lines.collect();
    let help: Vec<String> = errors
        .iter()
        .filter_map(|error| error.help().map(str::to_owned))
        .collect();
    let failure = Failure::wrong_use(lines.join("\n"));
    match help.first() {
        Some(help) => failure.hint(help.clone()),
        None => failure,
    }
}

/// Servers that the Nest names no more, but that still have something of ours by what the state knows.
fn add_servers(connections: &mut Connections, state: &State) {
    let known = |connections: &Connections, name: &str| {
        connections.gitlabs.iter().any(|server| server.server == name)
    };
    for held in state
        .resources
        .values()
        .filter(|held| held.kind.starts_with("gitlab_"))
    {
        let token = held.properties.get("api_token").and_then(Value::as_secret);
        if let Some(token) = token
            && !known(connections, &held.provider)
        {
            let server = held.provider.to_string();
            connections.gitlabs.push(GitlabServer {
                base_url: if server.contains("://") {
                    server.clone()
                } else {
                    format!("https://{server}")
                },
                server,
                token: token.clone(),
                ca_file: None,
                insecure: false,
                origin: None,
            });
        }
    }
}

type Worlds = (BTreeMap<String, Arc<Gitlab>>, BTreeMap<String, Arc<Proxmox>>);

/// A client for each service that the Nest names.
fn worlds(host: &Host, target: &Target, connections: &Connections) -> Result<Worlds, Failure> {
    let extra = authority(host)?;
    let mut gitlabs = BTreeMap::new();
    for server in &connections.gitlabs {
        let base = endpoint(host, "gitlab", &server.server);
        let settings = GitlabSettings {
            server: server.server.clone(),
            endpoint: Endpoint {
                ca_pem: nest_file(target, server.ca_file.as_deref())?,
                extra_ca: extra.clone(),
                insecure: server.insecure,
                ..Endpoint::new(base.unwrap_or_else(|| server.base_url.clone()))
            },
            token: server.token.clone(),
        };
        let gitlab = Gitlab::new(settings).map_err(|error| call_failure(&error))?;
        gitlabs.insert(server.server.clone(), Arc::new(gitlab));
    }
    let mut proxmoxes = BTreeMap::new();
    for cluster in &connections.proxmoxes {
        let name = cluster.label.split_once('.').map_or("", |(_, name)| name);
        let base = endpoint(host, "proxmox", name);
        let settings = ProxmoxSettings {
            name: cluster.label.clone(),
            endpoint: Endpoint {
                ca_pem: nest_file(target, cluster.ca_file.as_deref())?,
                extra_ca: extra.clone(),
                insecure: cluster.insecure,
                fingerprint: cluster.fingerprint.clone(),
                ..Endpoint::new(base.unwrap_or_else(|| cluster.endpoint.clone()))
            },
            token_id: cluster.token_id.clone(),
            token: cluster.token.clone(),
        };
        let proxmox = Proxmox::new(settings).map_err(|error| call_failure(&error))?;
        proxmoxes.insert(cluster.label.clone(), Arc::new(proxmox));
    }
    Ok((gitlabs, proxmoxes))
}
