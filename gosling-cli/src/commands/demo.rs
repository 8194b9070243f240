//! `gosling demo`

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::Args;
use gosling_engine::fence::Unfenced;
use gosling_providers::http::{Body, Client, Endpoint, Method, Request};
use gosling_resource::Secret;
use gosling_sandbox::{Options, Sandbox, WorldFile};

use super::sandbox::SandboxFiles;
use crate::terminal::{Context, Exit};
use crate::{Failure, Host};

/// Run the full demo: a Nest, a plan, runners that come online, drift, and nothing left behind
///
/// Works in a temporary folder and against simulated services on this machine. It reads and changes nothing of yours.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling demo
  gosling demo --keep    keeps the folder with its Nest and its state")]
pub(crate) struct DemoArgs {
    /// Keep the folder
    #[arg(long)]
    keep: bool,
}

/// What the demo shows, in order: words, and the command.
const STEPS: [(&str, &[&str]); 9] = [
    (
        "A new Nest: every folder with a working file in it.",
        &["init", ".", "--name", "demo", "--provider", "proxmox", "--yes"],
    ),
    (
        "Mistakes are reported here, before anything is changed.",
        &["validate"],
    ),
    ("What would be created.", &["plan"]),
    (
        "Create it. If this is killed at any moment, the next run continues.",
        &["apply", "--yes"],
    ),
    ("The runner is online and takes jobs.", &["status"]),
    ("A pipeline lands on it.", &["smoke", "hello"]),
    ("Once more: nothing to do.", &["apply", "--yes"]),
    (
        "Somebody changed the machine by hand. gosling sees it...",
        &["refresh"],
    ),
    ("...and everything can be deleted again.", &["destroy", "--yes"]),
];

pub(crate) fn cmd_demo(host: &mut Host, _: Context, args: &DemoArgs) -> Result<Exit, Failure> {
    if host.asked.json {
        return Err(Failure::wrong_use("the demo is for people: it has no JSON form"));
    }
    let folder = tempfile::Builder::new().prefix("gosling-demo-").tempdir()?;
    let world: WorldFile =
        serde_json::from_str(WORLD).map_err(|error| Failure::wrong_use(error.to_string()))?;
    let runtime = crate::terminal::runtime()?;
    let running = runtime.block_on(Sandbox::start(Options {
        world,
        ..Options::default()
    }));
    let running = running.map_err(|error| Failure::wrong_use(error.to_string()))?;
    let files = SandboxFiles::write(&running)?;
    let mut variables: BTreeMap<String, String> = files.environment(&running).into_iter().collect();
    for name in ["HOME", "USER", "TERM", "LANG", "LC_ALL", "NO_COLOR"] {
        if let Some(value) = host.environment.variables.get(name) {
            variables.insert(name.to_owned(), value.clone());
        }
    }
    host.say(format_args!(
        "The demo runs in {} against simulated services at {}.",
        folder.path().display(),
        running.url()
    ))?;
    let demo = gosling_deploy::Environment {
        variables,
        folder: folder.path().to_owned(),
    };
    let real = std::mem::replace(&mut host.environment, demo);
    let shown = show(host, runtime);
    host.environment = real;
    let exit = shown?;
    let left = running
        .ledger()
        .objects()
        .iter()
        .filter(|object| object.created.is_some() && object.deleted.is_none() && object.kind != "secret")
        .count();
    host.say(format_args!(
        "\nLeft behind: {left} objects. Calls made: {}.",
        running.calls()
    ))?;
    runtime.block_on(running.stop());
    if args.keep {
        let kept = folder.keep();
        host.say(format_args!("The Nest is in {}.", kept.display()))?;
    }
    Ok(if left == 0 { exit } else { Exit::Problems })
}

fn show(host: &mut Host, runtime: &tokio::runtime::Runtime) -> Result<Exit, Failure> {
    for (words, command) in STEPS {
        host.say(format_args!("\n# {words}\n$ gosling {}", command.join(" ")))?;
        if command == ["refresh"] {
            runtime.block_on(drift(host))?;
        }
        let args = std::iter::once("gosling")
            .chain(command.iter().copied())
            .map(OsString::from);
        let code = super::run(args, host);
        if code != 0 {
            return Err(Failure::wrong_use(format!(
                "`gosling {}` ended with {code}",
                command.join(" ")
            )));
        }
    }
    Ok(Exit::Clean)
}

/// Another hand gives the demo's machine other tags, through the same API. (More memory would wait for a restart.)
async fn drift(host: &Host) -> Result<(), Failure> {
    let args = crate::terminal::EngineArgs::default();
    let at = gosling_deploy::StateLocation::find(&host.environment, &args.workspace(host)?).await?;
    let (state, _) = at.peek().await?;
    let Some((_, machine)) = state.resources.iter().find(|(_, held)| held.kind == "proxmox_vm") else {
        return Err(Failure::wrong_use("the demo made no machine"));
    };
    let variable = |name: &str| host.environment.variables.get(name).cloned().unwrap_or_default();
    let endpoint = Endpoint {
        extra_ca: Some(std::fs::read(variable("GOSLING_CA_FILE"))?),
        ..Endpoint::new(variable("GOSLING_ENDPOINT_PROXMOX"))
    };
    let (node, vmid) = machine.id.split_once('/').unwrap_or_default();
    let token = Secret::new(format!(
        "PVEAPIToken=someone@pve!else={}",
        variable("PROXMOX_TOKEN")
    ));
    let request = Request::new(Method::Put, format!("/api2/json/nodes/{node}/qemu/{vmid}/config"))
        .header("authorization", token)
        .body(Body::Form(vec![("tags".to_owned(), "by-hand".to_owned())]));
    let sent = async { Client::new(&endpoint)?.send(&request, &Unfenced).await };
    let answer = sent.await.map_err(crate::terminal::failure)?;
    if answer.is_success() {
        Ok(())
    } else {
        Err(Failure::wrong_use(
            "the demo's machine could not be changed by hand",
        ))
    }
}

/// The default world with the project that a new Nest's egg names.
const WORLD: &str = r#"{
  "proxmox": { "auth_delay_ms": 0 },
  "gitlab": { "projects": [{ "id": 1, "path": "demo/hello", "ci_tags": ["docker"] }] }
}"#;
