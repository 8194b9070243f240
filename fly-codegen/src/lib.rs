//! A typed Nest in, the resources that it asks for out.
//!
//! [`questions`] says what must be asked of the outside first, [`lower`] makes the resources, and [`connections`] says
//! whom to call for them. All of it is pure: the same Nest and facts give the same resources on every machine.

mod allotment;
mod connections;
mod error;
mod gitlab;
mod machine;
mod names;
mod proxmox;
mod source;

use std::collections::BTreeMap;

use fly_typeck::schema::moved::Moved;
use fly_typeck::schema::nest::SecretStore;
use fly_typeck::schema::uglyfox::RunnersCondition;
use gosling_resource::{Origin, Resource, Resources, SecretUri};
use rayon::prelude::*;

pub use connections::{Connections, GitlabServer, ProxmoxCluster, VaultLogin, VaultServer, connections};
pub use error::{LowerError, Reason};
pub use source::Source;

use allotment::{Allotment, Shares};
use source::{CodeHost, Owner};

/// Something to be asked of the outside before a Nest can be lowered. The answers are [`Facts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which projects a group has, those of its subgroups too: each gets a webhook.
    GroupProjects {
        /// The GitLab server as written: the name of its connection.
        server: String,
        /// The group's number.
        group_id: i64,
        /// Where the token is kept that may ask.
        api_token: SecretUri,
        /// Where the group is named first.
        origin: Option<Origin>,
        /// The eggs and eggsbuckets that serve it: `egg.lint`.
        blocks: Vec<String>,
    },
}

/// What is known of the outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The name of the Nest's folder: the Nest's own where it names none.
    pub folder: Option<String>,
    /// The projects of each group, by the server as written and the group's number.
    pub group_projects: BTreeMap<(String, i64), Vec<i64>>,
}

/// What must be asked before [`lower`] can be called. Each thing is asked once.
#[must_use]
pub fn questions(source: &Source<'_>) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    let mut asked: BTreeMap<(String, i64), usize> = BTreeMap::new();
    for owner in source.owners() {
        for repo in &owner.repos {
            let Some(gitlab) = repo.gitlab() else { continue };
            let Some(group_id) = gitlab.group_id else { continue };
            let server = gitlab.server.as_str().to_owned();
            if gitlab::hook_address(source, gitlab, owner.label).is_none() {
                continue;
            }
            let known = asked.get(&(server.clone(), group_id)).copied();
            if let Some(Question::GroupProjects { blocks, .. }) = known.and_then(|at| questions.get_mut(at)) {
                blocks.push(owner.address());
                continue;
            }
            asked.insert((server.clone(), group_id), questions.len());
            questions.push(Question::GroupProjects {
                server,
                group_id,
                api_token: connections::api_token(source, gitlab),
                origin: repo.written(source, "group_id").or_else(|| repo.origin.clone()),
                blocks: vec![owner.address()],
            });
        }
    }
    questions
}

/// Everything that a Nest asks for, as far as that is known without asking anybody: a group has no projects here.
///
/// # Errors
/// As [`lower`].
pub fn lower_unasked(source: &Source<'_>, folder: Option<String>) -> Result<Resources, Vec<LowerError>> {
    let groups = questions(source).into_iter().map(|question| {
        let Question::GroupProjects { server, group_id, .. } = question;
        ((server, group_id), Vec::new())
    });
    let facts = Facts {
        folder,
        group_projects: groups.collect(),
    };
    lower(source, &facts)
}

/// Everything that a Nest asks for.
///
/// # Errors
/// All that cannot be done, in the order of the eggs.
pub fn lower(source: &Source<'_>, facts: &Facts) -> Result<Resources, Vec<LowerError>> {
    let lowering = Lowering {
        source,
        facts,
        nest: nest_name(source, facts),
        default_secrets: source
            .nest
            .settings
            .as_ref()
            .map_or(SecretStore::Store, |settings| settings.default_secrets)
            .word(),
        conditions: conditions(source),
    };
    let mut resources = Resources::default();
    let mut errors = Vec::new();
    let mut allotment = Allotment::default();
    let owners = source.owners();
    // Each by itself, on all cores; then, one after the other, what they share out among themselves.
    let made: Vec<_> = owners.par_iter().map(|owner| lowering.owner(owner)).collect();
    for (owner, made) in owners.iter().zip(made) {
        let granted = made.and_then(|(made, shares)| {
            let granted = lowering.grant(owner, shares, &mut allotment);
            granted.map(|()| made).map_err(|error| vec![error])
        });
        match granted {
            Ok(made) => {
                for resource in made {
                    let address = resource.address.clone();
                    if let Err(error) = resources.add(resource) {
                        errors.push(lowering.internal(owner, &format!("{address}: {error}")));
                    }
                }
            }
            // A record and its machines may fail for one reason: it is said once.
            Err(found) => found.into_iter().for_each(|error| {
                if !errors.contains(&error) {
                    errors.push(error);
                }
            }),
        }
    }
    resources.moved = moves(&source.nest.moved);
    if errors.is_empty() {
        Ok(resources)
    } else {
        Err(errors)
    }
}

/// From each old address to the one that it has now: moves may follow each other.
#[must_use]
pub fn moves(moved: &[Moved]) -> Vec<(String, String)> {
    let next: BTreeMap<&str, &str> = moved
        .iter()
        .map(|moved| (moved.from.as_str(), moved.to.as_str()))
        .collect();
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for from in next.keys() {
        let (mut chain, mut at) = (Vec::new(), *from);
        while let Some(to) = next.get(at).filter(|_| !last.contains_key(at)) {
            // The checker refuses circles; whoever builds a Nest without it gets no loop here.
            if chain.len() > next.len() {
                break;
            }
            chain.push(at);
            at = to;
        }
        let end = last.get(at).copied().unwrap_or(at);
        last.extend(chain.into_iter().map(|from| (from, end)));
    }
    last.into_iter()
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .collect()
}

/// The first `runners_condition` that names each egg, by the egg's label.
fn conditions<'a>(source: &Source<'a>) -> BTreeMap<&'a str, &'a RunnersCondition> {
    let uglyfox = source.nest.uglyfox.iter();
    let conditions = uglyfox.flat_map(|uglyfox| &uglyfox.runners_condition);
    let mut first = BTreeMap::new();
    for condition in conditions {
        for entity in &condition.eggs_entities {
            first.entry(entity.as_str()).or_insert(condition);
        }
    }
    first
}

/// The name that a Nest gives itself, else its folder's.
fn nest_name(source: &Source<'_>, facts: &Facts) -> String {
    let named = source
        .nest
        .settings
        .as_ref()
        .and_then(|settings| settings.name.as_deref());
    named.or(facts.folder.as_deref()).unwrap_or("nest").to_owned()
}

/// What every part of the lowering looks at.
struct Lowering<'a> {
    source: &'a Source<'a>,
    facts: &'a Facts,
    nest: String,
    /// The scheme of the places for secrets that have none of their own.
    default_secrets: &'static str,
    /// How many machines an egg has: see [`conditions`].
    conditions: BTreeMap<&'a str, &'a RunnersCondition>,
}

impl Lowering<'_> {
    /// All that one egg or eggsbucket asks for.
    fn owner(&self, owner: &Owner<'_>) -> Result<(Vec<Resource>, Shares), Vec<LowerError>> {
        self.supported(owner)?;
        let mut made = Vec::new();
        let mut shares = Shares::default();
        let mut errors = Vec::new();
        let mut take = |result: Result<Vec<Resource>, LowerError>| match result {
            Ok(resources) => made.extend(resources),
            Err(error) => errors.push(error),
        };
        for repo in &owner.repos {
            let Some(gitlab) = repo.gitlab() else { continue };
            take(self.runner(owner, repo, gitlab).map(|runner| vec![runner]));
            take(self.hooks(owner, repo, gitlab));
        }
        take(self.machines(owner).map(|(machines, wanted)| {
            shares = wanted;
            machines
        }));
        if errors.is_empty() {
            Ok((made, shares))
        } else {
            Err(errors)
        }
    }

    /// Whether this release can make it at all.
    fn supported(&self, owner: &Owner<'_>) -> Result<(), Vec<LowerError>> {
        let block = || owner.address();
        let mut errors = Vec::new();
        for repo in &owner.repos {
            if let CodeHost::Github(github) = repo.host {
                let reason = Reason::Github {
                    block: block(),
                    server: github.server.as_str().to_owned(),
                };
                errors.push(LowerError {
                    reason,
                    origin: repo.origin.clone(),
                });
            }
        }
        let cloud = match owner.pool.cloud.provider.kind() {
            "proxmox" => None,
            "aws" => Some("AWS"),
            "yandex" => Some("Yandex Cloud"),
            _ => Some("another cloud"),
        };
        if let Some(cloud) = cloud {
            let reason = Reason::Cloud {
                block: block(),
                cloud,
            };
            errors.push(self.error(owner, reason, &["cloud", "provider"]));
        } else if owner.pool.machine != fly_typeck::schema::egg::MachineType::Vm {
            errors.push(self.error(owner, Reason::Container { block: block() }, &["type"]));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// An error at an attribute of the owner.
    fn error(&self, owner: &Owner<'_>, reason: Reason, path: &[&str]) -> LowerError {
        LowerError {
            reason,
            origin: owner.nearest(self.source, path),
        }
    }

    fn internal(&self, owner: &Owner<'_>, what: &str) -> LowerError {
        let reason = Reason::Internal {
            block: owner.address(),
            what: what.to_owned(),
        };
        self.error(owner, reason, &[])
    }
}
