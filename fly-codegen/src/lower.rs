//! Every egg and eggsbucket, one after another, each into its resources.

use fly_typeck::checked::CheckedBlock;
use fly_typeck::schema::egg::{Gitlab, MachineType, Pool};
use gosling_resource::{Origin, Resources};

use crate::connections::token;
use crate::gitlab::{hooks, runner};
use crate::proxmox::machines;
use crate::{Facts, LowerError, Question, Source};

/// An egg, or an eggsbucket: a pool of machines and the GitLab projects that it serves.
pub(crate) struct Owner<'a> {
    /// `egg` or `eggsbucket`.
    pub(crate) kind: &'static str,
    /// Its label.
    pub(crate) label: &'a str,
    /// What its machines are like.
    pub(crate) pool: &'a Pool,
    /// Each `gitlab` block; in a bucket with the repository that it stands in.
    pub(crate) gitlabs: Vec<(Option<&'a str>, &'a Gitlab, Option<&'a CheckedBlock>)>,
    /// The whole block.
    pub(crate) block: Option<&'a CheckedBlock>,
    /// Where it begins.
    pub(crate) origin: Option<Origin>,
}

impl Owner<'_> {
    /// `egg.app`
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.kind, self.label)
    }
}

/// What must be asked before this Nest can be lowered: once for each group.
#[must_use]
pub fn questions(source: &Source<'_>) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for owner in owners(source, &mut Vec::new()) {
        for (_, gitlab, block) in &owner.gitlabs {
            let Some(group_id) = gitlab.group_id else { continue };
            let server = gitlab.server.to_string();
            let known = |question: &Question| {
                let Question::GroupProjects {
                    server: other,
                    group_id: group,
                    ..
                } = question;
                *other == server && *group == group_id
            };
            if !questions.iter().any(known) {
                questions.push(Question::GroupProjects {
                    server: server.clone(),
                    group_id,
                    api_token: token(source, gitlab),
                    origin: block.and_then(|block| source.origin(block.header)),
                });
            }
        }
    }
    questions
}

/// Everything that a Nest asks for.
///
/// # Errors
/// Everything that cannot be made, at once.
pub fn lower(source: &Source<'_>, facts: &Facts) -> Result<Resources, Vec<LowerError>> {
    let mut errors = Vec::new();
    let mut resources = Resources::default();
    for owner in owners(source, &mut errors) {
        let mut made = Vec::new();
        let mut runners = Vec::new();
        for (repo, gitlab, block) in &owner.gitlabs {
            let runner = runner(source, &owner, *repo, gitlab, *block);
            runners.push((runner.address.clone(), *gitlab, *repo));
            made.push(runner);
            made.extend(hooks(source, &owner, *repo, gitlab, *block, facts));
        }
        match machines(source, &owner, &runners) {
            Ok(machines) => made.extend(machines),
            Err(error) => errors.push(error),
        }
        for resource in made {
            if let Err(error) = resources.add(resource) {
                errors.push(error.into());
            }
        }
    }
    resources.moved = source
        .nest
        .moved
        .iter()
        .map(|moved| (moved.from.to_string(), moved.to.to_string()))
        .collect();
    if errors.is_empty() {
        Ok(resources)
    } else {
        Err(errors)
    }
}

/// Every egg and bucket that can be made here; why the others cannot goes to `errors`.
fn owners<'a>(source: &Source<'a>, errors: &mut Vec<LowerError>) -> Vec<Owner<'a>> {
    let mut owners = Vec::new();
    let blocks = source.blocks;
    let find = |kind: &str, label: &str| {
        blocks
            .iter()
            .find(|block| block.name == kind && block.label() == label)
    };
    for egg in &source.nest.eggs {
        let block = find("egg", &egg.label);
        let origin = block.and_then(|block| source.origin(block.header));
        if egg.github.is_some() {
            errors.push(LowerError::Github {
                owner: format!("egg.{}", egg.label),
                origin: origin.clone(),
            });
        }
        let inner = block.and_then(|block| block.block("gitlab"));
        owners.push(Owner {
            kind: "egg",
            label: &egg.label,
            pool: &egg.pool,
            gitlabs: egg.gitlab.iter().map(|gitlab| (None, gitlab, inner)).collect(),
            block,
            origin,
        });
    }
    for bucket in &source.nest.eggsbuckets {
        let block = find("eggsbucket", &bucket.label);
        let origin = block.and_then(|block| source.origin(block.header));
        let mut gitlabs = Vec::new();
        for repo in &bucket.repositories.repo {
            if repo.github.is_some() {
                errors.push(LowerError::Github {
                    owner: format!("eggsbucket.{}", bucket.label),
                    origin: origin.clone(),
                });
            }
            let inner = block
                .and_then(|block| block.block("repositories"))
                .and_then(|block| block.blocks.iter().find(|inner| inner.label() == repo.label))
                .and_then(|repo| repo.block("gitlab"));
            gitlabs.extend(
                repo.gitlab
                    .iter()
                    .map(|gitlab| (Some(repo.label.as_str()), gitlab, inner)),
            );
        }
        owners.push(Owner {
            kind: "eggsbucket",
            label: &bucket.label,
            pool: &bucket.pool,
            gitlabs,
            block,
            origin,
        });
    }
    owners.retain(|owner| {
        let error = cannot(owner);
        let can = error.is_none();
        errors.extend(error);
        can
    });
    owners
}

/// Why this release cannot make an owner's machines.
fn cannot(owner: &Owner<'_>) -> Option<LowerError> {
    let provider = owner.pool.cloud.provider.to_string();
    let cloud = provider.split('.').next().unwrap_or_default();
    if cloud != "proxmox" {
        return Some(LowerError::NoSuchCloud {
            owner: owner.name(),
            cloud: cloud.to_owned(),
            origin: owner.origin.clone(),
        });
    }
    (owner.pool.machine == MachineType::Container).then(|| LowerError::Container {
        owner: owner.name(),
        origin: owner.origin.clone(),
    })
}
