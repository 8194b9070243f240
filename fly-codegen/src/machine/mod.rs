//! What a machine is set up with: cloud-init's user-data with gitlab-runner's configuration in it.

mod render;
mod text;

use fly_domain::{Cidr, Target};
use fly_typeck::schema::PlainOrSecret;
use fly_typeck::schema::egg::{Executor, Metrics, Pool};
use fly_typeck::schema::rift::{Rift, RiftBackend};
use gosling_resource::{SecretUri, Template};
use serde::Serialize;
use smol_str::SmolStr;

use self::render::{File, render};
use self::text::{Reserved, SecretsOfText, Text};
use crate::names;

/// The port that gitlab-runner tells its metrics at.
const METRICS: u16 = 9252;
/// Where objects are kept when no address is written.
const AWS_S3: &str = "s3.amazonaws.com";

/// The script that gives a grown disk to the file system on it.
const GROW: &str = include_str!("../templates/grow.sh");

/// A machine to be set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine<'a> {
    /// Its host name.
    pub(crate) name: &'a str,
    /// The Nest's name.
    pub(crate) nest: &'a str,
    /// What it is like.
    pub(crate) pool: &'a Pool,
    /// What its gitlab-runner works for.
    pub(crate) entries: &'a [Entry],
    /// The address that it is handed out; without one it asks DHCP.
    pub(crate) address: Option<Cidr>,
    /// The gateway, with an address that is handed out.
    pub(crate) gateway: Option<&'a str>,
    /// The name servers; without any, those of DHCP or of the image.
    pub(crate) dns: &'a [SmolStr],
    /// The Nest's artifact cache.
    pub(crate) rift: Option<&'a Rift>,
}

/// A `[[runners]]` of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The repository, in a bucket of several.
    pub(crate) repo: Option<String>,
    /// The server's address.
    pub(crate) url: String,
    /// Where the runner's token is kept.
    pub(crate) token: SecretUri,
    /// Who signed the server's certificate, where that is nobody whom everybody trusts.
    pub(crate) authority: Option<Authority>,
}

/// A certificate authority, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority(pub(crate) String);

/// Why a machine's files cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MachineError {
    /// A value has a character in it that stands for secrets.
    Reserved,
    /// A mistake in a template.
    Template(String),
}

impl From<Reserved> for MachineError {
    fn from(_: Reserved) -> Self {
        Self::Reserved
    }
}

impl From<String> for MachineError {
    fn from(what: String) -> Self {
        Self::Template(what)
    }
}

/// The values of `config.toml`.
#[derive(Debug, Serialize)]
struct Config {
    concurrent: i64,
    listen_address: Option<Text>,
    runners: Vec<ConfigRunner>,
}

#[derive(Debug, Serialize)]
struct ConfigRunner {
    name: Text,
    url: Text,
    token: Text,
    executor: &'static str,
    limit: i64,
    request_concurrency: i64,
    tls_ca_file: Option<String>,
    environment: Vec<Text>,
    docker: Option<Docker>,
    cache: Option<Cache>,
}

#[derive(Debug, Clone, Serialize)]
struct Docker {
    image: Text,
    privileged: bool,
    volumes: &'static [&'static str],
}

#[derive(Debug, Clone, Serialize)]
struct Cache {
    path: String,
    server: Text,
    bucket: Text,
    region: Option<Text>,
    insecure: bool,
    key: Option<CacheKey>,
}

#[derive(Debug, Clone, Serialize)]
struct CacheKey {
    id: Text,
    secret: Text,
}

/// The values of the script and of the unit.
#[derive(Debug, Serialize)]
struct Setup {
    version: String,
    docker: bool,
}

/// The values of the cloud-config.
#[derive(Debug, Serialize)]
struct UserData {
    name: Text,
    config: Text,
    authorities: Vec<AuthorityFile>,
    pin: Option<String>,
    unit: Text,
    shell: bool,
    grow: Text,
    first_boot: Text,
}

#[derive(Debug, Serialize)]
struct AuthorityFile {
    path: String,
    pem: Text,
}

/// The values of the network configuration.
#[derive(Debug, Serialize)]
struct Network {
    address: Option<String>,
    anywhere: &'static str,
    gateway: Option<Text>,
    dns: Vec<Text>,
}

/// cloud-init's user-data, with the places of the secrets in it.
///
/// # Errors
/// A value has a reserved character in it.
pub(crate) fn user_data(machine: &Machine<'_>) -> Result<Template, MachineError> {
    let mut secrets = SecretsOfText::default();
    let mut authorities: Vec<&Authority> = Vec::new();
    let config = config(machine, &mut secrets, &mut authorities)?;
    let version = machine.pool.runner.version.as_ref().map(ToString::to_string);
    let setup = Setup {
        version: version.clone().unwrap_or_default(),
        docker: machine.pool.runner.executor == Executor::Docker,
    };
    let files = authorities.iter().enumerate().map(|(number, Authority(pem))| {
        Ok(AuthorityFile {
            path: authority_path(number),
            pem: Text::plain(pem.as_str())?,
        })
    });
    let values = UserData {
        name: Text::plain(machine.name)?,
        config: render(File::Config, &config)?,
        authorities: files.collect::<Result<_, Reserved>>()?,
        pin: version.map(|version| pin(&version)),
        unit: render(File::Unit, &setup)?,
        shell: machine.pool.runner.executor == Executor::Shell,
        grow: Text::plain(GROW)?,
        first_boot: render(File::FirstBoot, &setup)?,
    };
    Ok(secrets.template(&render(File::UserData, &values)?))
}

/// cloud-init's network configuration. `None` leaves it to cloud-init, which asks DHCP on the first card whatever that
/// is called.
///
/// # Errors
/// A value has a reserved character in it.
pub(crate) fn network_config(machine: &Machine<'_>) -> Result<Option<Template>, MachineError> {
    if machine.address.is_none() && machine.dns.is_empty() {
        return Ok(None);
    }
    let dns = machine.dns.iter().map(|server| Text::plain(server.as_str()));
    let gateway = machine.address.and(machine.gateway);
    let values = Network {
        address: machine.address.map(|address| address.to_string()),
        anywhere: match machine.address {
            Some(address) if address.address().is_ipv6() => "::/0",
            _ => "0.0.0.0/0",
        },
        gateway: gateway.map(Text::plain).transpose()?,
        dns: dns.collect::<Result<_, Reserved>>()?,
    };
    let text = render(File::Network, &values)?;
    Ok(Some(SecretsOfText::default().template(&text)))
}

fn config<'a>(
    machine: &Machine<'a>,
    secrets: &mut SecretsOfText,
    authorities: &mut Vec<&'a Authority>,
) -> Result<Config, MachineError> {
    let runner = &machine.pool.runner;
    let docker = match runner.executor {
        Executor::Shell => None,
        Executor::Docker => Some(Docker {
            image: Text::plain(runner.image.as_str())?,
            privileged: runner.privileged,
            // Docker-in-Docker hands its certificates from the service to the job by the second.
            volumes: if runner.privileged {
                &["/cache", "/certs/client"]
            } else {
                &["/cache"]
            },
        }),
    };
    let environment = environment(machine, secrets)?;
    let cache = cache(machine, secrets)?;
    let mut runners = Vec::with_capacity(machine.entries.len());
    for entry in machine.entries {
        let tls_ca_file = entry.authority.as_ref().map(|authority| {
            let known = authorities.iter().position(|known| *known == authority);
            authority_path(known.unwrap_or_else(|| {
                authorities.push(authority);
                authorities.len() - 1
            }))
        });
        let name = match &entry.repo {
            Some(repo) => format!("{} {repo}", machine.name),
            None => machine.name.to_owned(),
        };
        runners.push(ConfigRunner {
            name: Text::plain(name)?,
            url: Text::plain(entry.url.as_str())?,
            token: secrets.placeholder(entry.token.clone()),
            executor: runner.executor.word(),
            limit: runner.concurrent,
            request_concurrency: runner.request_concurrency,
            tls_ca_file,
            environment: environment.clone(),
            docker: docker.clone(),
            cache: cache.clone(),
        });
    }
    Ok(Config {
        concurrent: runner.concurrent,
        listen_address: listen_address(runner.metrics, machine.address)
            .map(Text::plain)
            .transpose()?,
        runners,
    })
}

/// Where gitlab-runner listens for who asks for its metrics. Beside them it tells its jobs and profiles there, to whoever
/// asks.
fn listen_address(metrics: Metrics, address: Option<Cidr>) -> Option<String> {
    let host = match (metrics, address.map(Cidr::address)) {
        (Metrics::Off, _) => return None,
        (Metrics::Local, _) => "127.0.0.1".to_owned(),
        (Metrics::Network, Some(std::net::IpAddr::V6(address))) => format!("[{address}]"),
        (Metrics::Network, Some(address)) => address.to_string(),
        // DHCP may give it any address.
        (Metrics::Network, None) => String::new(),
    };
    Some(format!("{host}:{METRICS}"))
}

/// `NAME=value`, as GitLab Runner takes it.
fn environment(machine: &Machine<'_>, secrets: &mut SecretsOfText) -> Result<Vec<Text>, MachineError> {
    let variables = machine
        .pool
        .environment
        .iter()
        .flat_map(|environment| &environment.variables);
    let mut texts = Vec::new();
    for (name, value) in variables {
        let name = Text::plain(format!("{name}="))?;
        let value = match value {
            PlainOrSecret::Plain(text) => Text::plain(text.as_str())?,
            PlainOrSecret::Secret(uri) => secrets.placeholder(uri.clone()),
        };
        texts.push(name.then(&value));
    }
    let check = machine.pool.health_check.as_ref();
    let reach = check
        .and_then(|check| check.reach.as_ref())
        .filter(|reach| !reach.is_empty());
    if let Some(reach) = reach {
        // What `gosling preflight --inside` looks at, in a job.
        let reach: Vec<&str> = reach.iter().map(Target::as_str).collect();
        texts.push(Text::plain(format!("POLAR_GOSLING_REACH={}", reach.join(",")))?);
    }
    Ok(texts)
}

/// Jobs keep their caches where Rift does, if that is a bucket.
fn cache(machine: &Machine<'_>, secrets: &mut SecretsOfText) -> Result<Option<Cache>, MachineError> {
    let Some(storage) = machine.rift.and_then(|rift| rift.storage.as_ref()) else {
        return Ok(None);
    };
    let (Some(bucket), None | Some(RiftBackend::S3)) = (&storage.name, storage.backend) else {
        return Ok(None);
    };
    let address = storage.endpoint.as_ref().map_or("", |endpoint| endpoint.as_str());
    let host = address.split_once("://").map_or(AWS_S3, |(_, host)| host);
    let host = host.split(['/', '?', '#']).next().unwrap_or(AWS_S3);
    let key = match (&storage.access_key, &storage.secret_key) {
        (Some(id), Some(uri)) => Some(CacheKey {
            id: Text::plain(id.as_str())?,
            secret: secrets.placeholder(uri.clone()),
        }),
        _ => None,
    };
    Ok(Some(Cache {
        path: names::dns_label(machine.nest),
        server: Text::plain(host)?,
        bucket: Text::plain(bucket.as_str())?,
        region: storage.region.as_deref().map(Text::plain).transpose()?,
        insecure: address.starts_with("http://"),
        key,
    }))
}

fn authority_path(number: usize) -> String {
    format!("/etc/gitlab-runner/gitlab-ca-{number}.crt")
}

/// Keeps apt to a version, of gitlab-runner and of the package that it needs in the same version.
fn pin(version: &str) -> String {
    let version = version.replace('.', "\\.");
    format!(
        "Package: gitlab-runner gitlab-runner-helper-images\nPin: version /^{version}([^0-9]|$)/\nPin-Priority: 1001\n"
    )
}
