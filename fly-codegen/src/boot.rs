//! What a machine reads when it boots: cloud-init's user-data, with gitlab-runner's config.toml in it.

use fly_typeck::schema::PlainOrSecret;
use fly_typeck::schema::egg::{Executor, Gitlab};
use gosling_resource::{Address, Escape, Template};
use serde::Serialize;

use crate::connections::uri;
use crate::emit::{Marks, is_clean, render};
use crate::gitlab::token_secret;
use crate::lower::Owner;
use crate::{LowerError, Source};

const CONFIG: &str = include_str!("templates/config.toml.hbs");
const FIRST_BOOT: &str = include_str!("templates/first-boot.sh.hbs");
const USER_DATA: &str = include_str!("templates/user-data.yaml.hbs");

#[derive(Serialize)]
struct Config {
    concurrent: i64,
    listen: String,
    runners: Vec<Runner>,
}

#[derive(Serialize)]
struct Runner {
    name: String,
    url: String,
    token: String,
    executor: &'static str,
    limit: i64,
    request_concurrency: i64,
    environment: Vec<String>,
    docker: bool,
    image: String,
    privileged: bool,
    cache: Option<Cache>,
}

#[derive(Serialize, Clone)]
struct Cache {
    address: String,
    bucket: String,
    region: String,
    access_key: String,
    secret_key: String,
}

#[derive(Serialize)]
struct FirstBoot {
    docker: bool,
    package: String,
}

#[derive(Serialize)]
struct UserData<'a> {
    hostname: &'a str,
    config: String,
    first_boot: String,
}

/// The user-data of a machine of this pool. Secrets stand in it as places, and are put in when the machine is made.
pub(crate) fn user_data(
    source: &Source<'_>,
    owner: &Owner<'_>,
    runners: &[(Address, &Gitlab, Option<&str>)],
    hostname: &str,
    listen: Option<&str>,
) -> Result<Template, LowerError> {
    let runner = &owner.pool.runner;
    let docker = runner.executor == Executor::Docker;
    let mut marks = Marks::default();
    let mut environment = Vec::new();
    for (name, value) in owner
        .pool
        .environment
        .iter()
        .flat_map(|environment| &environment.variables)
    {
        let value = match value {
            PlainOrSecret::Plain(text) => text.to_string(),
            PlainOrSecret::Secret(secret) => marks.mark(uri(secret)),
        };
        environment.push((name.to_string(), value));
    }
    let written = owner
        .pool
        .environment
        .iter()
        .flat_map(|environment| &environment.variables);
    for (name, value) in written {
        let plain = match value {
            PlainOrSecret::Plain(text) => is_clean(text),
            PlainOrSecret::Secret(_) => true,
        };
        if !plain || !is_clean(name) {
            return Err(LowerError::PrivateUse {
                owner: owner.name(),
                what: format!("environment.{name}"),
                origin: owner.origin.clone(),
            });
        }
    }
    let cache = cache(source, &mut marks);
    let entries = runners
        .iter()
        .map(|(_, gitlab, repo)| Runner {
            name: hostname.to_owned(),
            url: gitlab.server.base_url(),
            token: marks.mark(token_secret(source, owner, *repo, gitlab)),
            executor: if docker { "docker" } else { "shell" },
            limit: runner.concurrent,
            request_concurrency: runner.request_concurrency,
            environment: environment
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            docker,
            image: runner.image.to_string(),
            privileged: runner.privileged,
            cache: cache.clone(),
        })
        .collect();
    let config = Config {
        concurrent: runner.concurrent,
        listen: listen.map_or_else(|| "127.0.0.1:9252".to_owned(), with_port),
        runners: entries,
    };
    let first_boot = FirstBoot {
        docker,
        package: match &runner.version {
            Some(version) => format!("gitlab-runner={version}-*"),
            None => "gitlab-runner".to_owned(),
        },
    };
    let own = LowerError::Own;
    let data = UserData {
        hostname,
        config: render(CONFIG, &config).map_err(own)?,
        first_boot: render(FIRST_BOOT, &first_boot).map_err(own)?,
    };
    let text = render(USER_DATA, &data).map_err(own)?;
    Ok(marks.template(&text, &[Escape::Toml, Escape::Yaml]))
}

/// Where metrics are told; an IPv6 address stands in brackets.
fn with_port(address: &str) -> String {
    if address.contains(':') {
        format!("[{address}]:9252")
    } else {
        format!("{address}:9252")
    }
}

/// The cache that the Nest's rift offers, where it is one that gitlab-runner can use by itself: S3.
fn cache(source: &Source<'_>, marks: &mut Marks) -> Option<Cache> {
    let storage = source.nest.rift.as_ref()?.storage.as_ref()?;
    let endpoint = storage.endpoint.as_ref()?.to_string();
    let address = endpoint
        .split_once("://")
        .map_or(endpoint.as_str(), |(_, rest)| rest);
    Some(Cache {
        address: address.trim_end_matches('/').to_owned(),
        bucket: storage.name.as_ref()?.to_string(),
        region: storage
            .region
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        access_key: storage.access_key.as_ref()?.to_string(),
        secret_key: marks.mark(uri(storage.secret_key.as_ref()?)),
    })
}
