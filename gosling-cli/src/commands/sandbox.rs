//! `gosling sandbox`

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use gosling_sandbox::{Fault, Options, Running, Sandbox, WorldFile};

use crate::output::{self, Kind};
use crate::terminal::Exit;
use crate::{Failure, Host};
use fly_workspace::LIMIT;
use gosling_deploy::identity;
use gosling_deploy::read_named;

/// Run a simulated Proxmox VE, GitLab and Vault to try a Nest on
///
/// They answer the real protocols over HTTPS. A Nest that `gosling init` starts on Proxmox VE
/// runs against them unchanged, once the printed `export` lines are in the shell, and so does any other that names
/// env://PROXMOX_TOKEN and env://GITLAB_TOKEN and has its projects among 1, 17, 41, 42, 51 and 52; --world gives it
/// others.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling sandbox --env-file sandbox.env &     then: . ./sandbox.env && gosling plan
  gosling sandbox --world two-nodes.json       another world
  gosling sandbox --faults lost-answers.json   a world in which things go wrong

GET /_sandbox/ledger says what was asked and what was made.")]
pub(crate) struct SandboxArgs {
    /// The address to listen on; port 0 is any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Write the `export` lines here too, when it is ready
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// The seed of random values: the same seed gives the same tokens
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// A JSON list of faults to inject
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Delay every answer by so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// A JSON file of the simulated nodes, storages, templates, projects and groups
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
}

pub(crate) fn cmd_sandbox(host: &mut Host, args: &SandboxArgs) -> Result<Exit, Failure> {
    if let Some(path) = &args.env_file {
        output::may_write(host, path, Kind::Variables, None)?;
    }
    let faults: Vec<Fault> = read(host, args.faults.as_deref())?.unwrap_or_default();
    let world: WorldFile = read(host, args.world.as_deref())?.unwrap_or_default();
    let options = Options {
        listen: args.listen,
        seed: args.seed,
        latency: Duration::from_millis(args.latency),
        faults,
        world,
        ..Options::default()
    };
    crate::terminal::block_on(async {
        let running = Sandbox::start(options).await;
        let running = running.map_err(|error| Failure::wrong_use(error.to_string()))?;
        let files = SandboxFiles::write(&running)?;
        // A Nest that `gosling init` starts is encrypted for the user's own identity: that one counts here too.
        let own = identity::own_recipient(&host.environment)?;
        if let Some((_, Some(path))) = &own {
            host.say(format_args!("wrote {}, {}", path.display(), identity::WORDS))?;
        }
        let mut variables = files.environment(&running);
        if own.is_some() {
            variables.retain(|(name, _)| name != identity::VARIABLE);
        }
        let exports = exports(&variables);
        if let Some(path) = &args.env_file {
            output::write(host, path, Kind::Variables, None, exports.as_bytes())?;
        }
        if host.asked.json {
            let variables: std::collections::BTreeMap<_, _> = variables.iter().cloned().collect();
            host.document(serde_json::json!({ "url": running.url(), "environment": variables }))?;
        } else {
            host.out.write_all(exports.as_bytes())?;
        }
        host.out.flush()?;
        host.say(format_args!(
            "the sandbox answers at {}; Ctrl-C ends it",
            running.url()
        ))?;
        crate::terminal::stopped().await?;
        running.stop().await;
        Ok(Exit::Clean)
    })
}

/// The files that a sandbox's clients need, in a folder that goes with it.
pub(crate) struct SandboxFiles {
    folder: tempfile::TempDir,
}

impl SandboxFiles {
    /// Writes the CA and a new age identity.
    pub(crate) fn write(running: &Running) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("gosling-sandbox-").tempdir()?;
        let files = Self { folder };
        let (identity, _) = gosling_providers::keys::generate_identity();
        for (path, text) in [
            (files.ca(), running.ca_pem()),
            (files.identity(), identity.expose()),
        ] {
            gosling_engine::durable::replace(&path, text.as_bytes())
                .map_err(Failure::file("write", &path))?;
        }
        Ok(files)
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn identity(&self) -> PathBuf {
        self.folder.path().join("identity.txt")
    }

    /// What a client's environment needs.
    pub(crate) fn environment(&self, running: &Running) -> Vec<(String, String)> {
        let mut variables = running.exports();
        variables.retain(|(name, _)| name != "GOSLING_CA_FILE");
        variables.push(("GOSLING_CA_FILE".to_owned(), self.ca().display().to_string()));
        variables.push((
            identity::VARIABLE.to_owned(),
            self.identity().display().to_string(),
        ));
        variables
    }
}

/// Variables as lines for a shell.
fn exports(variables: &[(String, String)]) -> String {
    let mut lines = String::new();
    for (name, value) in variables {
        let value = gosling_resource::Escape::Shell.write(value);
        let _ = writeln!(lines, "export {name}='{value}'");
    }
    lines
}

/// A JSON file.
fn read<T: serde::de::DeserializeOwned>(host: &Host, path: Option<&Path>) -> Result<Option<T>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let path = host.path(path);
    let bytes = read_named(&path, LIMIT)?;
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|error| {
        Failure::wrong_use(format!("{}: {error}", path.display()))
            .hint("the page docs/sandbox.md of gosling's repository shows one")
    })
}
