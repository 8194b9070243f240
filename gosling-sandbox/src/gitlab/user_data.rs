//! What a machine makes of its user-data: cloud-init's part in the coming up of a runner, as far as a runner needs it.
//!
//! Every way in which a real machine would stay silent is an error here, with the reason that its log would give.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Where units of the machine's own are.
const UNITS: &str = "/etc/systemd/system/";
/// Where gitlab-runner looks for its configuration.
const CONFIG: &str = "/etc/gitlab-runner/config.toml";
/// What gitlab-runner can run jobs with.
const EXECUTORS: [&str; 10] = [
    "docker",
    "docker+machine",
    "docker-autoscaler",
    "instance",
    "kubernetes",
    "shell",
    "ssh",
    "virtualbox",
    "parallels",
    "custom",
];
/// No file that a runner needs is larger: what unpacks to more is no configuration.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A `config.toml`, as far as it decides which jobs are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Config {
    /// How many jobs run at once, over all runners.
    #[serde(default = "one")]
    pub(super) concurrent: usize,
    #[serde(default)]
    pub(super) runners: Vec<Entry>,
    /// Whether a shutdown of the machine waits until the jobs have ended: gitlab-runner's unit stops it by SIGQUIT, and
    /// leaves it the time.
    #[serde(skip)]
    pub(super) drains: bool,
}

/// One `[[runners]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    pub(super) token: String,
    #[serde(default)]
    executor: String,
    /// How many jobs this one runs at once; 0 is any number.
    #[serde(default)]
    pub(super) limit: usize,
    docker: Option<Docker>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Docker {
    #[serde(default)]
    image: String,
}

const fn one() -> usize {
    1
}

/// The keys of a `#cloud-config` that matter here.
#[derive(Debug, Default, Deserialize)]
struct CloudConfig {
    #[serde(default)]
    write_files: Option<Vec<WriteFile>>,
    #[serde(default)]
    packages: Option<Vec<Package>>,
    #[serde(default)]
    bootcmd: Option<Vec<Command>>,
    #[serde(default)]
    runcmd: Option<Vec<Command>>,
}

#[derive(Debug, Deserialize)]
struct WriteFile {
    path: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    encoding: String,
    /// cloud-init makes a file 0644 unless it is told otherwise.
    #[serde(default)]
    permissions: Option<String>,
    #[serde(default)]
    append: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Command {
    Shell(String),
    Words(Vec<serde_norway::Value>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Package {
    Name(String),
    Version(Vec<String>),
}

/// A file as it lies on the machine in the end.
struct File {
    path: String,
    permissions: Option<String>,
    content: Vec<u8>,
}

/// Everything that the parts of user-data amount to.
#[derive(Default)]
struct Machine {
    files: Vec<File>,
    packages: Vec<String>,
    commands: Vec<String>,
}

/// The configuration with which gitlab-runner starts on a machine with this user-data, or why it does not.
pub(super) fn read(user_data: Option<&[u8]>) -> Result<Config, String> {
    let user_data = user_data.ok_or("no user-data: no drive with a NoCloud image is attached")?;
    let mut machine = Machine::default();
    machine.take(user_data)?;
    let file = machine.files.iter().rev().find(|file| file.path == CONFIG);
    let file = file.ok_or_else(|| format!("the user-data writes no {CONFIG}"))?;
    let permissions = file.permissions.as_deref().unwrap_or("0644");
    if permissions.trim_start_matches(['0', 'o']) != "600" {
        return Err(format!(
            "{CONFIG} holds a token and has the permissions {permissions}, not 0600"
        ));
    }
    let text =
        std::str::from_utf8(&file.content).map_err(|error| format!("{CONFIG} is not text: {error}"))?;
    let mut config: Config =
        toml::from_str(text).map_err(|error| format!("{CONFIG} is not valid: {}", error.message()))?;
    config.check()?;
    config.drains = machine.drains();
    if machine.starts() {
        Ok(config)
    } else {
        Err("nothing starts gitlab-runner: no command of the user-data does, and no package of it is installed".into())
    }
}

/// Whether a machine with this user-data calls itself at GitLab by its instance: it writes `s_` and the first twelve
/// letters of the `instance-id` for gitlab-runner.
pub(super) fn is_named_by_instance(user_data: &[u8]) -> bool {
    let mut machine = Machine::default();
    if machine.take(user_data).is_err() {
        return false;
    }
    let scripts = machine
        .files
        .iter()
        .map(|file| String::from_utf8_lossy(&file.content));
    let commands = machine.commands.iter().map(|command| command.as_str().into());
    let writes =
        |line: &str| line.contains("'s_%.12s'") && line.contains("/etc/gitlab-runner/.runner_system_id");
    scripts.chain(commands).any(|text| text.lines().any(writes))
}

impl Config {
    fn check(&self) -> Result<(), String> {
        if self.runners.is_empty() {
            return Err(format!("{CONFIG} has no [[runners]]"));
        }
        if self.concurrent == 0 {
            return Err(format!("{CONFIG}: concurrent = 0 runs no job"));
        }
        for entry in &self.runners {
            let name = &entry.name;
            if !entry.url.starts_with("http://") && !entry.url.starts_with("https://") {
                return Err(format!("{CONFIG}: the runner `{name}` has no url"));
            }
            if entry.token.is_empty() {
                return Err(format!("{CONFIG}: the runner `{name}` has no token"));
            }
            if !EXECUTORS.contains(&entry.executor.as_str()) {
                return Err(format!(
                    "{CONFIG}: the runner `{name}` has the executor `{}`",
                    entry.executor
                ));
            }
            let docker = entry.executor.starts_with("docker");
            if docker && entry.docker.as_ref().is_none_or(|docker| docker.image.is_empty()) {
                return Err(format!("{CONFIG}: the runner `{name}` has no docker image"));
            }
        }
        Ok(())
    }
}

impl Machine {
    /// Takes one document: a cloud-config, a script, or several of them in a MIME envelope, packed or not.
    fn take(&mut self, document: &[u8]) -> Result<(), String> {
        let unpacked;
        let document = match document {
            [0x1f, 0x8b, ..] => {
                unpacked = unzip(document, "the user-data")?;
                &unpacked
            }
            document => document,
        };
        let text =
            std::str::from_utf8(document).map_err(|error| format!("the user-data is not text: {error}"))?;
        if text.starts_with("#cloud-config") {
            self.cloud_config(text)
        } else if text.starts_with("#!") {
            self.commands.push(text.to_owned());
            Ok(())
        } else if text.starts_with("Content-Type: multipart/") || text.starts_with("MIME-Version:") {
            parts(text)?.iter().try_for_each(|part| match part.as_str() {
                part if part.starts_with("#cloud-config") => self.cloud_config(part),
                part => {
                    self.commands.push(part.to_owned());
                    Ok(())
                }
            })
        } else {
            let line = text.lines().next().unwrap_or_default();
            Err(format!(
                "the user-data begins with `{line}`, which cloud-init does not know"
            ))
        }
    }

    fn cloud_config(&mut self, text: &str) -> Result<(), String> {
        let config: CloudConfig = serde_norway::from_str(text)
            .map_err(|error| format!("the cloud-config is not valid: {error}"))?;
        for file in config.write_files.unwrap_or_default() {
            let content = file.decode()?;
            let there = self.files.iter_mut().rev().find(|there| there.path == file.path);
            match there {
                Some(there) if file.append => there.content.extend(content),
                _ => self.files.push(File {
                    path: file.path,
                    permissions: file.permissions,
                    content,
                }),
            }
        }
        for package in config.packages.unwrap_or_default() {
            self.packages.push(match package {
                Package::Name(name) => name,
                Package::Version(words) => words.into_iter().next().unwrap_or_default(),
            });
        }
        let commands = [config.bootcmd, config.runcmd].into_iter().flatten().flatten();
        self.commands.extend(commands.map(|command| command.line()));
        Ok(())
    }

    /// Whether a stop of gitlab-runner's unit waits for its jobs.
    fn drains(&self) -> bool {
        let parts = self.files.iter().filter(|file| {
            let unit = file.path.strip_prefix(UNITS).unwrap_or_default();
            unit == "gitlab-runner.service" || unit.starts_with("gitlab-runner.service.d/")
        });
        let text: String = parts.map(|file| String::from_utf8_lossy(&file.content)).collect();
        let set = |setting: &str| text.lines().any(|line| line.trim() == setting);
        set("KillSignal=SIGQUIT") && text.contains("TimeoutStopSec=")
    }

    /// Whether something brings gitlab-runner up: its package, a command, or a file that a command runs.
    fn starts(&self) -> bool {
        if self.packages.iter().any(|package| package == "gitlab-runner") {
            return true;
        }
        let mut scripts: Vec<String> = self.commands.clone();
        // A script may run another: as many steps as there are files reach them all.
        for _ in 0..self.files.len() {
            let run = |file: &&File| {
                scripts
                    .iter()
                    .any(|script| script.contains(&file.path) || started(script, &file.path))
            };
            let found: Vec<_> = self.files.iter().filter(run).collect();
            let found = found
                .into_iter()
                .map(|file| String::from_utf8_lossy(&file.content).into_owned());
            let new: Vec<_> = found.filter(|text| !scripts.contains(text)).collect();
            if new.is_empty() {
                break;
            }
            scripts.extend(new);
        }
        scripts
            .iter()
            .flat_map(|script| script.lines())
            .any(|line| self.brings_up(line))
    }

    fn brings_up(&self, line: &str) -> bool {
        let words: Vec<_> = line
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'', ';']))
            .collect();
        let has = |word: &str| words.contains(&word);
        let unit = |word: &&str| self.is_runner(word.trim_end_matches(".service"));
        let systemctl = has("systemctl") && (has("start") || has("restart") || has("--now"));
        let service = has("service") && (has("start") || has("restart"));
        let itself = words
            .iter()
            .position(|word| word.rsplit('/').next() == Some("gitlab-runner"));
        let subcommand = itself.and_then(|at| words.get(at + 1)).copied();
        let direct =
            matches!(subcommand, Some("run" | "start" | "restart")) && !line.trim_start().starts_with('#');
        ((systemctl || service) && words.iter().any(unit)) || direct
    }

    /// Whether a unit is gitlab-runner's own, or one of ours that runs it.
    fn is_runner(&self, unit: &str) -> bool {
        let path = format!("/etc/systemd/system/{unit}.service");
        let ours = self.files.iter().rev().find(|file| file.path == path);
        match ours {
            Some(file) => String::from_utf8_lossy(&file.content).lines().any(|line| {
                let command = line.trim().strip_prefix("ExecStart=");
                command.is_some_and(|command| command.contains("gitlab-runner") && command.contains("run"))
            }),
            None => unit == "gitlab-runner",
        }
    }
}

/// Whether a script starts the unit that is written to this path.
fn started(script: &str, path: &str) -> bool {
    let Some(unit) = path.strip_prefix(UNITS) else {
        return false;
    };
    script.lines().any(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.contains(&"systemctl")
            && words.contains(&unit)
            && words
                .iter()
                .any(|word| ["start", "restart", "--now"].contains(word))
    })
}

impl WriteFile {
    fn decode(&self) -> Result<Vec<u8>, String> {
        let what = &self.path;
        let base64 = || {
            let text: String = self.content.split_whitespace().collect();
            STANDARD
                .decode(text)
                .map_err(|error| format!("{what} is not base64: {error}"))
        };
        match self.encoding.as_str() {
            "" | "text/plain" => Ok(self.content.clone().into_bytes()),
            "b64" | "base64" => base64(),
            "gz+b64" | "gz+base64" | "gzip+b64" | "gzip+base64" => unzip(&base64()?, what),
            other => Err(format!("{what} has the encoding `{other}`")),
        }
    }
}

impl Command {
    fn line(self) -> String {
        match self {
            Self::Shell(line) => line,
            Self::Words(words) => {
                let words = words.iter().map(|word| match word {
                    serde_norway::Value::String(text) => text.clone(),
                    serde_norway::Value::Number(number) => number.to_string(),
                    _ => String::new(),
                });
                words.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

fn unzip(packed: &[u8], what: &str) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(LARGEST);
    match reader.read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(error) => Err(format!("{what} cannot be unpacked: {error}")),
    }
}

/// The bodies of a MIME envelope's parts, decoded.
fn parts(text: &str) -> Result<Vec<String>, String> {
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").ok_or("the MIME envelope has no body")?;
    let boundary = head.split("boundary=").nth(1).unwrap_or_default();
    let boundary = boundary
        .split(['\n', ';'])
        .next()
        .unwrap_or_default()
        .trim_matches('"');
    if boundary.is_empty() {
        return Err("the MIME envelope has no boundary".into());
    }
    let delimiter = format!("--{boundary}");
    let mut bodies = Vec::new();
    for part in body.split(&delimiter).skip(1) {
        if part.starts_with("--") {
            break;
        }
        let part = part.strip_prefix('\n').unwrap_or(part);
        let (head, body) = part.split_once("\n\n").unwrap_or(("", part));
        if head.to_lowercase().contains("content-transfer-encoding: base64") {
            let body: String = body.split_whitespace().collect();
            let body = STANDARD
                .decode(body)
                .map_err(|error| format!("a MIME part is not base64: {error}"))?;
            bodies.push(String::from_utf8_lossy(&body).into_owned());
        } else {
            bodies.push(body.to_owned());
        }
    }
    Ok(bodies)
}
