//! What an egg asks of GitLab: a runner record, and webhooks.

use std::collections::{BTreeMap, BTreeSet};

use fly_typeck::schema::egg::Gitlab;
use gosling_resource::{Address, Malformed, Origin, Resource, SecretUri, Value};
use smol_str::SmolStr;

use crate::connections::api_token;
use crate::error::{LowerError, Reason};
use crate::source::{Owner, Repo, Source};
use crate::{Lowering, names};

/// The path at which MotherGoose hears from GitLab.
const WEBHOOKS: &str = "/webhooks/gitlab";
/// The longest maintenance note that leaves room for the engine's own line, in characters.
const NOTE: usize = 900;
/// GitLab takes no shorter `maximum_timeout`, in seconds.
const SHORTEST_TIMEOUT: i64 = 600;

impl Lowering<'_> {
    /// The runner record of an egg, or of one of a bucket's repositories.
    pub(crate) fn runner(
        &self,
        owner: &Owner<'_>,
        repo: &Repo<'_>,
        gitlab: &Gitlab,
    ) -> Result<Resource, LowerError> {
        let runner = &owner.pool.runner;
        let timeout = seconds(runner.maximum_timeout);
        if timeout < SHORTEST_TIMEOUT {
            let reason = Reason::ShortTimeout {
                block: owner.address(),
                seconds: timeout,
            };
            return Err(self.error(owner, reason, &["runner", "maximum_timeout"]));
        }
        let (scope, id_name, id) = match (gitlab.project_id, gitlab.group_id) {
            (Some(id), _) => ("project", "project_id", id),
            (None, Some(id)) => ("group", "group_id", id),
            (None, None) => return Err(self.internal(owner, "neither project_id nor group_id")),
        };
        let tags: Vec<String> = runner.tags.iter().map(ToString::to_string).collect();
        let access_level = if runner.protected {
            "ref_protected"
        } else {
            "not_protected"
        };
        let properties = BTreeMap::from([
            ("server".into(), Value::from(gitlab.server.as_str())),
            ("scope".into(), scope.into()),
            (id_name.into(), id.into()),
            ("description".into(), self.title(owner, repo).into()),
            ("tags".into(), tags.into()),
            ("run_untagged".into(), runner.run_untagged.into()),
            ("locked".into(), runner.locked.into()),
            ("access_level".into(), access_level.into()),
            ("maximum_timeout".into(), timeout.into()),
            ("paused".into(), runner.paused.into()),
            ("maintenance_note".into(), self.note(owner).into()),
            (
                "token_secret".into(),
                self.token_secret(owner, repo, gitlab)?.into(),
            ),
            ("api_token".into(), api_token(self.source, gitlab).into()),
        ]);
        let mut origins = BTreeMap::new();
        for (name, path) in [
            ("tags", "tags"),
            ("run_untagged", "run_untagged"),
            ("locked", "locked"),
            ("access_level", "protected"),
            ("maximum_timeout", "maximum_timeout"),
            ("paused", "paused"),
        ] {
            note_origin(&mut origins, name, owner.written(self.source, &["runner", path]));
        }
        for (name, attribute) in [
            ("server", "server"),
            (id_name, id_name),
            ("token_secret", "token_secret"),
            ("api_token", "api_token"),
        ] {
            note_origin(&mut origins, name, repo.written(self.source, attribute));
        }
        Ok(Resource {
            address: runner_address(owner, repo),
            kind: "gitlab_runner".into(),
            provider: gitlab.server.as_str().into(),
            properties,
            depends_on: BTreeSet::new(),
            rollout: None,
            origin: owner.origin.clone(),
            origins,
        })
    }

    /// A webhook for each project, where there is an address to report to. A group's projects are asked for anew at
    /// each plan; hooks of the group itself would need GitLab Premium.
    pub(crate) fn hooks(
        &self,
        owner: &Owner<'_>,
        repo: &Repo<'_>,
        gitlab: &Gitlab,
    ) -> Result<Vec<Resource>, LowerError> {
        let Some(url) = hook_address(self.source, gitlab, owner.label) else {
            return Ok(Vec::new());
        };
        let server = gitlab.server.as_str();
        let projects = match (gitlab.project_id, gitlab.group_id) {
            (Some(project), _) => vec![project],
            (None, Some(group)) => {
                let known = self.facts.group_projects.get(&(server.to_owned(), group));
                known.cloned().ok_or_else(|| LowerError {
                    reason: Reason::UnknownGroup {
                        block: owner.address(),
                        group,
                        server: server.to_owned(),
                    },
                    origin: repo.written(self.source, "group_id"),
                })?
            }
            (None, None) => Vec::new(),
        };
        let projects: BTreeSet<i64> = projects.into_iter().collect();
        projects
            .into_iter()
            .map(|project| self.hook(owner, repo, gitlab, &url, project))
            .collect()
    }

    fn hook(
        &self,
        owner: &Owner<'_>,
        repo: &Repo<'_>,
        gitlab: &Gitlab,
        url: &str,
        project: i64,
    ) -> Result<Resource, LowerError> {
        let generated = gitlab.webhook_secret.is_none();
        let place = match &gitlab.webhook_secret {
            Some(given) => given.clone(),
            None => self.default_place(owner, repo, gitlab, "webhook-secret", "its webhooks' secret")?,
        };
        let events: Vec<String> = gitlab
            .events
            .iter()
            .map(|event| event.word().to_owned())
            .collect();
        let title = self.title(owner, repo);
        let description = format!("Sends events of {title} to MotherGoose. {}", self.note(owner));
        let properties = BTreeMap::from([
            ("server".into(), Value::from(gitlab.server.as_str())),
            ("project_id".into(), project.into()),
            ("url".into(), url.into()),
            ("events".into(), events.into()),
            ("secret".into(), place.into()),
            ("generate_secret".into(), generated.into()),
            ("name".into(), format!("gosling {title}").into()),
            ("description".into(), description.into()),
            ("enable_ssl_verification".into(), true.into()),
            ("api_token".into(), api_token(self.source, gitlab).into()),
        ]);
        let mut origins = BTreeMap::new();
        let id = if gitlab.project_id.is_some() {
            "project_id"
        } else {
            "group_id"
        };
        for (name, attribute) in [
            ("server", "server"),
            ("project_id", id),
            ("url", "webhook_url"),
            ("events", "events"),
            ("secret", "webhook_secret"),
            ("api_token", "api_token"),
        ] {
            note_origin(&mut origins, name, repo.written(self.source, attribute));
        }
        let address = Address::new(owner.kind, owner.label, "hook");
        Ok(Resource {
            // Two repositories of a bucket may have one number, on two servers.
            address: match repo.name {
                Some(name) => address.keyed(format!("{name}:{project}")),
                None => address.keyed(project),
            },
            kind: "gitlab_hook".into(),
            provider: gitlab.server.as_str().into(),
            properties,
            depends_on: BTreeSet::new(),
            rollout: None,
            origin: repo.origin.clone(),
            origins,
        })
    }

    /// Where the runner's token is kept.
    pub(crate) fn token_secret(
        &self,
        owner: &Owner<'_>,
        repo: &Repo<'_>,
        gitlab: &Gitlab,
    ) -> Result<SecretUri, LowerError> {
        match &gitlab.token_secret {
            Some(given) => Ok(given.clone()),
            None => self.default_place(owner, repo, gitlab, "runner-token", "its runner's token"),
        }
    }

    fn default_place(
        &self,
        owner: &Owner<'_>,
        repo: &Repo<'_>,
        gitlab: &Gitlab,
        key: &str,
        what: &'static str,
    ) -> Result<SecretUri, LowerError> {
        let names: Vec<&str> = [Some(owner.label), repo.name].into_iter().flatten().collect();
        let place = names::default_place(self.default_secrets, gitlab.server.as_str(), &names, key);
        let block = owner.address();
        let reason = match place {
            Ok(Some(place)) => return Ok(place),
            Ok(None) => Reason::ReadOnlySecrets { block, what },
            Err(Malformed { reason, .. }) => Reason::NoPlaceForSecret { block, what, reason },
        };
        let origin = repo.origin.clone();
        Err(LowerError { reason, origin })
    }

    /// `lab/app`, and `lab/web/docs` for a repository of a bucket.
    fn title(&self, owner: &Owner<'_>, repo: &Repo<'_>) -> String {
        let name = repo.name.map(|name| format!("/{name}")).unwrap_or_default();
        format!("{}/{}{name}", self.nest, owner.label)
    }

    /// For whoever finds it in GitLab. It names the file and no line, so that it stays the same while lines move.
    fn note(&self, owner: &Owner<'_>) -> String {
        let file = owner.origin.as_ref().map(|origin| format!(" ({})", origin.file));
        let note = format!(
            "Kept by gosling for {} of the Nest {}{}. Change it there: what is changed here is put back.",
            owner.address(),
            self.nest,
            file.unwrap_or_default()
        );
        note.chars().take(NOTE).collect()
    }
}

/// `egg.app.runner`, `eggsbucket.web.runner[docs]`
pub(crate) fn runner_address(owner: &Owner<'_>, repo: &Repo<'_>) -> Address {
    let address = Address::new(owner.kind, owner.label, "runner");
    match repo.name {
        Some(name) => address.keyed(name),
        None => address,
    }
}

/// Where webhooks go: to the address that is written, else to MotherGoose's; nowhere if nothing is to be reported. The
/// egg's name is in it, so that the webhook can be found again.
pub(crate) fn hook_address(source: &Source<'_>, gitlab: &Gitlab, owner: &str) -> Option<String> {
    if gitlab.events.is_empty() {
        return None;
    }
    let mothergoose = || {
        let gateway = source.nest.mothergoose.as_ref()?.api_gateway.as_ref()?;
        Some(format!("https://{}{WEBHOOKS}", gateway.domain.as_ref()?.as_str()))
    };
    let written = gitlab.webhook_url.as_ref().map(|url| url.as_str().to_owned());
    let url = written.or_else(mothergoose)?;
    let (address, fragment) = match url.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (url.as_str(), String::new()),
    };
    let mark = if address.contains('?') { '&' } else { '?' };
    Some(format!("{address}{mark}egg={owner}{fragment}"))
}

pub(crate) fn note_origin(origins: &mut BTreeMap<SmolStr, Origin>, name: &str, origin: Option<Origin>) {
    if let Some(origin) = origin {
        origins.insert(name.into(), origin);
    }
}

/// Whole seconds, a part of one counted as one.
fn seconds(duration: fly_domain::Duration) -> i64 {
    i64::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(i64::MAX)
}
