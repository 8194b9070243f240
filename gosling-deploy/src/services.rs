//! States that are kept by a service: what the Nest leaves out of its `state` block, and with what the service is
//! called.

use std::num::NonZero;
use std::path::Path;
use std::time::Duration;

use fly_codegen::{Connections, Source, VaultLogin};
use fly_typeck::nest::Nest;
use fly_typeck::schema::provider::{AwsProvider, GitlabProvider, Provider};
use fly_typeck::schema::state::{GitlabState, S3State, State};
use gosling_engine::{RemoteStore, Secrets};
use gosling_providers::http::Endpoint;
use gosling_providers::state::{GitlabStateSettings, S3Keys, S3Settings};
use gosling_resource::{Secret, SecretBackend, SecretUri};

use crate::endpoints::{authority, endpoint};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::secrets::{backends, nest_file, nest_name};
use fly_workspace::Workspace;

/// Yandex Object Storage, which a Nest with nothing but a `provider "yandex"` means.
const YANDEX: &str = "https://storage.yandexcloud.net";

/// A Nest whose state is kept by a service.
struct Kept<'a> {
    environment: &'a Environment,
    root: &'a Path,
    nest: &'a Nest,
    connections: &'a Connections,
    retention: usize,
}

/// The store at the service that the `state` block names.
pub(crate) async fn service(
    environment: &Environment,
    workspace: &Workspace,
) -> Result<RemoteStore, Failure> {
    let checked = &workspace.nest;
    let nest = checked.checked.nest().ok_or_else(|| {
        Failure::new("the Nest has problems, so it is not known how to reach its state")
            .help("`gosling validate` shows them")
    })?;
    let nameless = || Failure::new("the `state` block names no service");
    let state = nest.state.as_ref().ok_or_else(nameless)?;
    let connections = fly_codegen::connections(&Source {
        nest: &nest,
        blocks: &checked.checked.blocks,
        files: &checked.files,
    });
    let kept = Kept {
        environment,
        root: &workspace.root,
        nest: &nest,
        connections: &connections,
        retention: usize::try_from(state.retention).unwrap_or(usize::MAX),
    };
    let store = match state {
        State { s3: Some(s3), .. } => kept.s3(s3).await?,
        State {
            gitlab: Some(gitlab), ..
        } => kept.gitlab(gitlab).await?,
        _ => return Err(nameless()),
    };
    Ok(match lease(environment)? {
        Some(lease) => store.with_lease(lease),
        None => store,
    })
}

/// How long a lock relies on a confirmation, where that is not the usual time: `GOSLING_LEASE_MS`.
fn lease(environment: &Environment) -> Result<Option<Duration>, Failure> {
    const NAME: &str = "GOSLING_LEASE_MS";
    let set = environment.variables.get(NAME);
    let milliseconds = set.map(|text| text.trim().parse::<NonZero<u64>>());
    let milliseconds = milliseconds.transpose().map_err(|_| {
        Failure::new(format!("{NAME} is not a number of milliseconds from 1"))
            .help("without it, a lock is confirmed every 10 s")
    })?;
    Ok(milliseconds.map(|milliseconds| Duration::from_millis(milliseconds.get())))
}

impl Kept<'_> {
    fn name(&self) -> String {
        nest_name(self.root, self.connections)
    }

    async fn s3(&self, state: &S3State) -> Result<RemoteStore, Failure> {
        let clouds = self.nest.providers.iter();
        let mut clouds = clouds.filter(|provider| matches!(provider.kind(), "aws" | "yandex"));
        let only = match (clouds.next(), clouds.next()) {
            (only, None) => only,
            _ => None,
        };
        let region_of = |provider: &Provider| {
            let aws = provider.aws.as_ref().and_then(|aws| aws.region.clone());
            aws.or_else(|| provider.yandex.as_ref()?.region.clone())
        };
        let yandex = only.is_some_and(|provider| provider.yandex.is_some());
        let address = state
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.as_str().to_owned());
        let region = state.region.clone().or_else(|| only.and_then(region_of));
        let settings = S3Settings {
            bucket: state
                .bucket
                .as_ref()
                .map_or_else(|| format!("gosling-state-{}", self.name()), ToString::to_string),
            prefix: state
                .key
                .as_ref()
                .map_or_else(|| self.name(), |key| key.trim_matches('/').to_owned()),
            region: region.map(|region| region.to_string()),
            endpoint: endpoint(self.environment, "s3", "")
                .or(address)
                .or_else(|| yandex.then(|| YANDEX.to_owned())),
            keys: self
                .s3_keys(state, only.and_then(|only| only.aws.as_ref()))
                .await?,
            path_style: state.path_style,
            kms_key_id: state.kms_key_id.as_ref().map(ToString::to_string),
            extra_ca: authority(self.environment)?,
            kept: self.retention,
        };
        gosling_providers::state::s3(settings).map_err(Failure::from)
    }

    /// The key that the block names, else the provider's, else the environment's.
    async fn s3_keys(&self, state: &S3State, aws: Option<&AwsProvider>) -> Result<S3Keys, Failure> {
        let own = (&state.access_key, &state.secret_key);
        let named = match (own, aws.map(|aws| (&aws.access_key, &aws.secret_key))) {
            ((Some(access), Some(secret)), _) | ((None, None), Some((Some(access), Some(secret)))) => {
                Some((access, secret))
            }
            ((None, None), _) => None,
            _ => {
                return Err(Failure::new("`state` names one half of an access key only")
                    .help("give `access_key` and `secret_key`, or neither"));
            }
        };
        match named {
            Some((access_key, secret_key)) => Ok(S3Keys {
                access_key: access_key.to_string(),
                secret_key: self.secret("state.secret_key", secret_key).await?,
                session_token: None,
            }),
            None => S3Keys::from_environment(|name| self.environment.variables.get(name).cloned())
                .map_err(Failure::from),
        }
    }

    async fn gitlab(&self, state: &GitlabState) -> Result<RemoteStore, Failure> {
        let mut servers = self
            .nest
            .providers
            .iter()
            .filter_map(|provider| provider.gitlab.as_ref());
        let server = match (&state.server, servers.next(), servers.next()) {
            (Some(server), ..) | (None, Some(GitlabProvider { server, .. }), None) => server,
            (None, ..) => {
                return Err(Failure::new(
                    "it is not known which GitLab server keeps the state: the Nest has not exactly one `provider \"gitlab\"`",
                )
                .help("name it: `state { server = \"gitlab.example.com\" }`"));
            }
        };
        let mut providers = self
            .nest
            .providers
            .iter()
            .filter_map(|provider| provider.gitlab.as_ref());
        let provider = providers.find(|provider| provider.server.base_url() == server.base_url());
        let token = state
            .token
            .as_ref()
            .or_else(|| provider.map(|provider| &provider.token));
        let token = token.ok_or_else(|| {
            Failure::new(format!("there is no token for the state at {}", server.as_str()))
                .help("name where it is kept: `state { token = \"env://GITLAB_TOKEN\" }`")
        })?;
        let ca_file = provider.and_then(|provider| provider.ca_file.as_ref());
        let base = endpoint(self.environment, "gitlab", server.as_str());
        let settings = GitlabStateSettings {
            endpoint: Endpoint {
                ca_pem: nest_file(self.root, ca_file.map(|path| path.as_str()))?,
                extra_ca: authority(self.environment)?,
                insecure: provider.is_some_and(|provider| provider.insecure),
                insecure_http: provider.is_some_and(|provider| provider.insecure_http),
                ..Endpoint::new(base.unwrap_or_else(|| server.base_url()))
            },
            project: state.project_id.unsigned_abs(),
            name: state
                .name
                .as_ref()
                .map_or_else(|| self.name(), ToString::to_string),
            token: self.secret("state.token", token).await?,
            kept: self.retention,
        };
        gosling_providers::state::gitlab(settings).map_err(Failure::from)
    }

    /// The value of a secret that the state is reached with. It cannot lie beside the state.
    async fn secret(&self, what: &str, uri: &SecretUri) -> Result<Secret, Failure> {
        let login = self.connections.vault.as_ref().map(|vault| match &vault.login {
            VaultLogin::Token(uri) => uri,
            VaultLogin::Approle { secret_id, .. } => secret_id,
        });
        let behind = login
            .filter(|_| uri.backend() == SecretBackend::Vault)
            .unwrap_or(uri);
        if behind.backend() == SecretBackend::Store {
            return Err(Failure::new(format!(
                "{what}: {behind} is stored next to the state and is needed to open it"
            ))
            .help("keep it in env:// or vault://"));
        }
        let outside = backends(self.environment, self.root, self.connections, None)?;
        let value = outside.read(uri).await;
        value.map_err(|error| Failure::new(format!("{what}: {error}")))
    }
}
