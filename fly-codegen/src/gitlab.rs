//! An egg at GitLab: one runner record, and a webhook for each project.

use std::collections::BTreeSet;

use fly_typeck::checked::CheckedBlock;
use fly_typeck::schema::egg::{Gitlab, HookEvent};
use fly_typeck::schema::nest::SecretStore;
use gosling_resource::{Address, Properties, Resource, SecretUri};

use crate::connections::{place, token, uri};
use crate::lower::Owner;
use crate::{Facts, Source};

/// The runner record: one for all machines of the pool.
pub(crate) fn runner(
    source: &Source<'_>,
    owner: &Owner<'_>,
    repo: Option<&str>,
    gitlab: &Gitlab,
    block: Option<&CheckedBlock>,
) -> Resource {
    let runner = &owner.pool.runner;
    let (scope, group, project) = match (gitlab.project_id, gitlab.group_id) {
        (_, Some(group)) => ("group", Some(group), None),
        (project, None) => ("project", None, project),
    };
    let nest = nest_name(source);
    let written = owner.origin.as_ref().map(ToString::to_string).unwrap_or_default();
    let access = if runner.protected {
        "ref_protected"
    } else {
        "not_protected"
    };
    let tags: Vec<String> = runner.tags.iter().map(ToString::to_string).collect();
    let seconds = i64::try_from(runner.maximum_timeout.as_millis() / 1000).unwrap_or(i64::MAX);
    let properties = Properties::from([
        ("server".to_owned(), gitlab.server.to_string().into()),
        ("scope".to_owned(), scope.into()),
        ("project_id".to_owned(), project.into()),
        ("group_id".to_owned(), group.into()),
        ("description".to_owned(), format!("{nest}/{}", owner.label).into()),
        ("tags".to_owned(), tags.into()),
        ("run_untagged".to_owned(), runner.run_untagged.into()),
        ("locked".to_owned(), runner.locked.into()),
        ("access_level".to_owned(), access.into()),
        ("maximum_timeout".to_owned(), seconds.into()),
        ("paused".to_owned(), runner.paused.into()),
        (
            "maintenance_note".to_owned(),
            format!(
                "Made by gosling for {} of the Nest {nest} ({written}). Changes by hand are undone.",
                owner.name()
            )
            .into(),
        ),
        (
            "token_secret".to_owned(),
            token_secret(source, owner, repo, gitlab).into(),
        ),
        ("api_token".to_owned(), token(source, gitlab).into()),
    ]);
    let mut origins = source.origins(
        owner.block,
        &[
            ("tags", "runner.tags"),
            ("run_untagged", "runner.run_untagged"),
            ("locked", "runner.locked"),
            ("access_level", "runner.protected"),
            ("maximum_timeout", "runner.maximum_timeout"),
            ("paused", "runner.paused"),
        ],
    );
    origins.extend(source.origins(
        block,
        &[
            ("server", "server"),
            ("project_id", "project_id"),
            ("group_id", "group_id"),
            ("token_secret", "token_secret"),
            ("api_token", "api_token"),
        ],
    ));
    Resource {
        address: keyed(Address::new(owner.kind, owner.label, "runner"), repo),
        kind: "gitlab_runner".to_owned(),
        provider: gitlab.server.to_string(),
        properties,
        depends_on: BTreeSet::new(),
        origin: block
            .and_then(|block| source.origin(block.header))
            .or_else(|| owner.origin.clone()),
        origins,
    }
}

/// A webhook for each project, where an address for it is known.
pub(crate) fn hooks(
    source: &Source<'_>,
    owner: &Owner<'_>,
    repo: Option<&str>,
    gitlab: &Gitlab,
    block: Option<&CheckedBlock>,
    facts: &Facts,
) -> Vec<Resource> {
    let Some(address) = webhook_address(source, gitlab) else {
        return Vec::new();
    };
    let projects: Vec<i64> = match (gitlab.project_id, gitlab.group_id) {
        (Some(project), _) => vec![project],
        (None, Some(group)) => facts
            .group_projects
            .get(&(gitlab.server.to_string(), group))
            .cloned()
            .unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    let separator = if address.contains('?') { '&' } else { '?' };
    let url = format!("{address}{separator}egg={}", owner.label);
    let events: Vec<&str> = gitlab
        .events
        .iter()
        .map(|event| match event {
            HookEvent::Push => "push",
            HookEvent::MergeRequest => "merge_request",
            HookEvent::Pipeline => "pipeline",
            HookEvent::Job => "job",
        })
        .collect();
    let nest = nest_name(source);
    let secret = gitlab.webhook_secret.as_ref().map(uri);
    let generated = secret.is_none();
    let secret = secret.unwrap_or_else(|| default_place(source, owner, repo, gitlab, "webhook-secret"));
    projects
        .into_iter()
        .map(|project| {
            let properties = Properties::from([
                ("server".to_owned(), gitlab.server.to_string().into()),
                ("project_id".to_owned(), project.into()),
                ("url".to_owned(), url.clone().into()),
                ("events".to_owned(), events.clone().into()),
                ("secret".to_owned(), secret.clone().into()),
                ("generate_secret".to_owned(), generated.into()),
                (
                    "name".to_owned(),
                    format!("gosling {nest}/{}", owner.label).into(),
                ),
                (
                    "description".to_owned(),
                    format!("Tells MotherGoose of {}", owner.name()).into(),
                ),
                ("enable_ssl_verification".to_owned(), true.into()),
                ("api_token".to_owned(), token(source, gitlab).into()),
            ]);
            let key = match repo {
                Some(repo) => format!("{repo}:{project}"),
                None => project.to_string(),
            };
            Resource {
                address: Address::new(owner.kind, owner.label, "hook").keyed(key),
                kind: "gitlab_hook".to_owned(),
                provider: gitlab.server.to_string(),
                properties,
                depends_on: BTreeSet::new(),
                origin: block
                    .and_then(|block| source.origin(block.header))
                    .or_else(|| owner.origin.clone()),
                origins: source.origins(
                    block,
                    &[
                        ("url", "webhook_url"),
                        ("events", "events"),
                        ("secret", "webhook_secret"),
                        ("project_id", "project_id"),
                    ],
                ),
            }
        })
        .collect()
}

/// Where hooks lead: the egg's own address, else the one that the Nest's MotherGoose answers at.
fn webhook_address(source: &Source<'_>, gitlab: &Gitlab) -> Option<String> {
    if let Some(url) = &gitlab.webhook_url {
        return Some(url.to_string());
    }
    let gateway = source.nest.mothergoose.as_ref()?.api_gateway.as_ref()?;
    Some(format!("https://{}/webhooks/gitlab", gateway.domain.as_ref()?))
}

/// Where the runner's token is kept.
pub(crate) fn token_secret(
    source: &Source<'_>,
    owner: &Owner<'_>,
    repo: Option<&str>,
    gitlab: &Gitlab,
) -> SecretUri {
    let own = gitlab.token_secret.as_ref().map(uri);
    own.unwrap_or_else(|| default_place(source, owner, repo, gitlab, "runner-token"))
}

/// `<default_secrets>://gitlab/{server}/{egg}/{what}`
fn default_place(
    source: &Source<'_>,
    owner: &Owner<'_>,
    repo: Option<&str>,
    gitlab: &Gitlab,
    what: &str,
) -> SecretUri {
    let store = source
        .nest
        .settings
        .as_ref()
        .map_or(SecretStore::Store, |settings| settings.default_secrets);
    let scheme = match store {
        SecretStore::Store => "store",
        SecretStore::Vault => "vault",
        SecretStore::YcLockbox => "yc-lockbox",
        SecretStore::AwsSm => "aws-sm",
        SecretStore::Env => "env",
    };
    let server = gitlab.server.base_url();
    let server = server
        .split_once("://")
        .map_or(server.as_str(), |(_, rest)| rest)
        .replace('/', "-");
    let label = match repo {
        Some(repo) => format!("{}/{repo}", owner.label),
        None => owner.label.to_owned(),
    };
    place(&format!("{scheme}://gitlab/{server}/{label}/{what}"))
}

/// The Nest's name, for people.
pub(crate) fn nest_name(source: &Source<'_>) -> String {
    let name = source
        .nest
        .settings
        .as_ref()
        .and_then(|settings| settings.name.as_ref());
    name.map_or_else(|| "nest".to_owned(), ToString::to_string)
}

fn keyed(address: Address, repo: Option<&str>) -> Address {
    match repo {
        Some(repo) => address.keyed(repo),
        None => address,
    }
}
