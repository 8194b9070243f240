//! From a Nest and its state to a plan; only reads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use fly_codegen::{Facts, Question, Source};
use gosling_engine::journal::Entry;
use gosling_engine::{Bound, DiffError, Plan, PlanOptions, State, recover};
use gosling_resource::Resources;

use crate::failure::Failure;
use crate::reporter::Reporter;
use crate::secrets::nest_name;
use crate::session::Session;
use crate::text::counted;
use fly_workspace::Workspace;

/// How many calls that only look are under way at once.
const AT_ONCE: usize = 10;

/// Everything that a Nest without errors asks for, as far as that is known without asking anybody: a group has no
/// projects here.
///
/// # Errors
/// Why the Nest cannot be lowered.
pub fn wanted_unasked(workspace: &Workspace) -> Result<Resources, Failure> {
    let checked = &workspace.nest;
    let nest = checked
        .checked
        .nest()
        .ok_or_else(|| Failure::new("the Nest cannot be read"))?;
    let source = Source {
        nest: &nest,
        blocks: &checked.checked.blocks,
        files: &checked.files,
    };
    let name = nest_name(&workspace.root, &fly_codegen::connections(&source));
    fly_codegen::lower_unasked(&source, Some(name)).map_err(|errors| lower_failure(&errors))
}

impl Session {
    /// What the Nest says and only a server would carry out, of which there is none in this release.
    pub fn without_effect(&self) -> Option<String> {
        let file = |span: fly_syntax::Span| {
            let file = self.checked.files.files.get(usize::try_from(span.file.0).ok()?)?;
            Some(file.path.to_string())
        };
        let mut parts = Vec::new();
        if let Some(uglyfox) = &self.nest.uglyfox {
            let mut conditions = uglyfox.runners_condition.iter();
            let written = [
                ("policies", uglyfox.policies.is_some()),
                ("nadir", conditions.any(|condition| condition.nadir.is_some())),
            ];
            let written = written.iter().filter(|(_, is_written)| *is_written);
            let more: String = written.map(|(name, _)| format!(", `{name}`")).collect();
            let place = file(uglyfox.span).unwrap_or_default();
            parts.push(format!("`pruning`{more} and `max_count` in {place}"));
        }
        if let Some(job) = self.nest.jobs.first() {
            let place = file(job.span).unwrap_or_default();
            parts.push(match self.nest.jobs.len() {
                1 => format!("the job in {place}"),
                jobs => format!("the {jobs} jobs in {place} and next to it"),
            });
        }
        (!parts.is_empty()).then(|| {
            format!(
                "note: no server runs this Nest; until one does, {} have no effect",
                parts.join(", and ")
            )
        })
    }

    /// Everything that the Nest asks for. Asks GitLab which projects a group has; one whose projects cannot be listed
    /// has none here, and stands in [`Session::unlisted`].
    pub async fn wanted(&mut self) -> Result<Resources, Failure> {
        if self.facts.is_none() {
            let facts = self.ask().await?;
            self.facts = Some(facts);
        }
        let facts = self.facts.as_ref().map(|(facts, _)| facts.clone());
        let resources = fly_codegen::lower(&self.source(), &facts.unwrap_or_default())
            .map_err(|errors| lower_failure(&errors))?;
        resources.check().map_err(Failure::from_error)?;
        Ok(resources)
    }

    /// The same for whoever needs all of it.
    ///
    /// # Errors
    /// Why the projects of a group could not be listed.
    pub async fn all_wanted(&mut self) -> Result<Resources, Failure> {
        let wanted = self.wanted().await?;
        match self.unlisted().first() {
            None => Ok(wanted),
            Some(unlisted) => Err(unlisted.failure()),
        }
    }

    /// The groups that the Nest serves and whose projects could not be listed, once it was asked for all that it wants.
    pub fn unlisted(&self) -> &[Unlisted] {
        self.facts.as_ref().map_or(&[], |(_, unlisted)| unlisted)
    }

    /// Asks what must be known before the Nest can be lowered.
    async fn ask(&self) -> Result<(Facts, Vec<Unlisted>), Failure> {
        let mut facts = Facts {
            folder: Some(self.name.clone()),
            ..Facts::default()
        };
        let mut unlisted = Vec::new();
        for question in fly_codegen::questions(&self.source()) {
            let Question::GroupProjects {
                server,
                group_id,
                api_token,
                origin,
                blocks,
            } = question;
            let gitlab = self.gitlab(&server)?.with_token(&api_token);
            let projects = gitlab.group_projects(&self.context(), group_id).await;
            let ids = match projects {
                Ok(projects) => projects.iter().map(|project| project.id).collect(),
                Err(error) => {
                    unlisted.push(Unlisted {
                        group: group_id,
                        blocks,
                        origin,
                        error,
                    });
                    Vec::new()
                }
            };
            facts.group_projects.insert((server, group_id), ids);
        }
        Ok((facts, unlisted))
    }

    /// What the Nest asks for, as far as that is known without asking anybody. What cannot be lowered asks for nothing.
    pub(crate) fn wanted_without_asking(&self) -> Resources {
        fly_codegen::lower_unasked(&self.source(), Some(self.name.clone())).unwrap_or_default()
    }

    /// The resources that the Nest asks for and their kinds, as far as that is known without asking anybody.
    pub fn asked_for(&self) -> Vec<(gosling_resource::Address, &'static str)> {
        let wanted = self.wanted_without_asking();
        let known = wanted.iter().filter_map(|resource| {
            let kind = self.kind(&resource.kind)?;
            Some((resource.address.clone(), kind.name))
        });
        known.collect()
    }

    /// A plan from what is there; only reads.
    pub async fn plan(
        &mut self,
        reporter: &dyn Reporter,
        options: &PlanOptions,
        refresh: bool,
    ) -> Result<Plan, Failure> {
        let (state, open) = match self.peeked.take() {
            Some(peeked) => peeked,
            None => self.at.peek().await?,
        };
        let state = self.with_new_names(state).await?;
        if !state.resources.is_empty() && refresh {
            reporter.say(format!("reading {}", counted(state.resources.len(), "resource")));
        }
        self.plan_from(&state, &open, options, refresh).await
    }

    /// A plan from this state, around the operations that are open.
    pub async fn plan_from(
        &mut self,
        state: &State,
        open: &[Entry],
        options: &PlanOptions,
        refresh: bool,
    ) -> Result<Plan, Failure> {
        let (wanted, asked) = if options.destroy {
            (Resources::default(), Asked::Otherwise)
        } else {
            (self.wanted().await?, Asked::Nest)
        };
        self.plan_for(&wanted, asked, state, open, options, refresh).await
    }

    /// What is there of this state, and what of it is otherwise; only reads. What an operation is open on is as nobody
    /// knows.
    pub async fn look(
        &self,
        state: &State,
        open: &[Entry],
        options: &PlanOptions,
    ) -> Result<gosling_engine::Looked, Failure> {
        let asked = |address: &gosling_resource::Address| {
            let is_open = open.iter().any(|entry| entry.operation.address == *address);
            address.is_among(&options.targets) && !is_open
        };
        let looked = gosling_engine::refresh(state, &self.providers, &self.secrets, AT_ONCE, asked).await;
        looked.map_err(Failure::from)
    }

    /// What is there of those resources of a state that `asked` accepts, for a command that changes nothing.
    pub async fn glance(
        &self,
        state: &State,
        asked: impl Fn(&gosling_resource::Address) -> bool,
    ) -> Result<gosling_engine::Looked, Failure> {
        let looked =
            gosling_engine::refresh::look(state, &self.providers, &self.secrets, AT_ONCE, asked).await;
        looked.map(|(looked, _)| looked).map_err(Failure::from)
    }

    /// A plan from this state to what is wanted, whoever wants it.
    pub(crate) async fn plan_for(
        &self,
        wanted: &Resources,
        asked: Asked,
        state: &State,
        open: &[Entry],
        options: &PlanOptions,
        refresh: bool,
    ) -> Result<Plan, Failure> {
        let (now, drift, mut unreadable) = if refresh {
            let looked = self.look(state, open, options).await?;
            (Cow::Owned(looked.now), looked.drift, looked.unreadable)
        } else {
            (Cow::Borrowed(state), Vec::new(), Vec::new())
        };
        let mut away = gosling_engine::Away {
            unreadable: unreadable.iter().map(|unread| unread.address.clone()).collect(),
            blocks: BTreeMap::new(),
            open: open.to_vec(),
            set_aside: self.set_aside,
        };
        // Who deletes everything, goes back, or wants a plan even if nobody answers, needs no list of a group's projects.
        if asked == Asked::Nest && !self.even_unasked {
            for unlisted in self.unlisted() {
                for block in &unlisted.blocks {
                    let addresses = wanted.iter().map(|resource| &resource.address);
                    let mut own = addresses
                        .chain(now.resources.keys())
                        .filter(|address| address.block() == *block);
                    if own.any(|address| address.is_among(&options.targets)) {
                        let unread = unlisted.unreadable(block)?;
                        away.blocks.insert(block.clone(), unread.address.clone());
                        unreadable.push(unread);
                    }
                }
            }
        }
        let kind = |name: &str| self.kind(name);
        let (changes, state_digest) = rayon::join(
            || gosling_engine::diff_around(wanted, &now, kind, options, &away),
            || state.digest(),
        );
        let changes = changes.map_err(|error| diff_failure(&error, wanted, state))?;
        let corrections = gosling_engine::apply::corrections(&changes, &now, kind);
        let remarks =
            gosling_engine::remarks(&changes, (state, &now), wanted, &self.providers, &options.targets);
        Ok(Plan {
            format: gosling_engine::plan::FORMAT,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            state_digest,
            nest_digest: self.nest_digest.clone(),
            variables_digest: self.variables_digest.clone(),
            accounts: self.accounts(),
            targets: options.targets.clone(),
            destroy: options.destroy,
            changes,
            drift,
            remarks,
            open: recover::shown(open),
            unreadable,
            corrections,
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
    pub fn may_apply(&self, plan: &Plan, state: &State, open: &[Entry]) -> Result<(), Failure> {
        let accounts = self.accounts();
        let now = Bound {
            tool: env!("CARGO_PKG_VERSION"),
            state,
            nest_digest: &self.nest_digest,
            variables_digest: &self.variables_digest,
            accounts: &accounts,
            open,
        };
        plan.check(&now)
            .map_err(|error| Failure::from_error(error).help("`gosling plan -o FILE` makes a new one"))
    }
}

/// Who asks for what a plan leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The Nest.
    Nest,
    /// An earlier state, or whoever deletes everything.
    Otherwise,
}

/// A group whose projects could not be listed, so that it is not known which webhooks are asked for.
pub struct Unlisted {
    /// Its number.
    pub group: i64,
    /// The eggs and eggsbuckets that serve it.
    pub blocks: Vec<String>,
    origin: Option<gosling_resource::Origin>,
    error: gosling_engine::CallError,
}

impl Unlisted {
    /// As what stops a command that needs it.
    fn failure(&self) -> Failure {
        let failure = Failure::from(&self.error);
        match &self.origin {
            Some(origin) => failure.at(origin),
            None => failure,
        }
    }

    /// `the projects of group 5 cannot be listed: ...`
    pub fn words(&self) -> String {
        format!(
            "the projects of group {} cannot be listed: {}",
            self.group, self.error
        )
    }

    /// As what a plan leaves out: the webhooks of a block, and with them the block.
    fn unreadable(&self, block: &str) -> Result<gosling_engine::Unreadable, Failure> {
        Ok(gosling_engine::Unreadable {
            address: format!("{block}.hook").parse().map_err(Failure::from_error)?,
            origin: self.origin.clone(),
            message: self.words(),
            help: self.error.way_out().map(str::to_owned),
        })
    }
}

/// Why no plan can be made; of a target that is nowhere, which one may have been meant.
fn diff_failure(error: &DiffError, wanted: &Resources, state: &State) -> Failure {
    let failure = Failure::from_error(error);
    let DiffError::NoSuchTarget(target) = error else {
        return failure;
    };
    let addresses = wanted
        .iter()
        .map(|resource| &resource.address)
        .chain(state.resources.keys());
    let names: BTreeSet<String> = addresses
        .flat_map(|address| {
            let block = address.block();
            [format!("{block}.{}", address.part), address.to_string(), block]
        })
        .collect();
    let near = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(target, &name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4);
    failure.help(match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => {
            "`gosling graph --json` lists what the Nest asks for, `gosling state list` what is in the state"
                .to_owned()
        }
    })
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
    let failure = Failure::new(lines.join("\n"));
    match help.first() {
        Some(help) => failure.help(help.clone()),
        None => failure,
    }
}
