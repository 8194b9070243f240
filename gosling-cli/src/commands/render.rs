//! `gosling render`

use std::io::Write;

use clap::{Args, ValueEnum};
use gosling_resource::{Resource, Resources, Value};
use serde_json::{Map, Value as Json};

use crate::render::template;
use crate::terminal::EngineArgs;
use crate::terminal::{Context, Exit};
use crate::{Failure, Host};

/// Print what a machine of an egg is set up with
///
/// Calls no service. Each secret is shown as the place where it is kept.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling render app                            all of it
  gosling render app config.toml                gitlab-runner's configuration
  gosling render app user-data --machine 2      cloud-init's user-data of the third machine
  gosling render app --json | jq -r .user_data  for programs")]
pub(crate) struct RenderArgs {
    /// The egg or eggsbucket: app, egg.app
    egg: String,
    /// One of its files; without it, all
    #[arg(value_enum)]
    file: Option<MachineFile>,
    /// Which of the egg's machines, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    machine: usize,
    /// As JSON: an object with the address and a text for each file
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// A file that a machine gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MachineFile {
    /// cloud-init's user-data, which has all the others in it but the network's
    UserData,
    /// gitlab-runner's configuration
    #[value(name = "config.toml")]
    Config,
    /// cloud-init's network configuration; without one, the image asks DHCP
    NetworkConfig,
}

impl MachineFile {
    const ALL: [Self; 3] = [Self::UserData, Self::Config, Self::NetworkConfig];

    const fn name(self) -> &'static str {
        match self {
            Self::UserData => "user-data",
            Self::Config => "config.toml",
            Self::NetworkConfig => "network-config",
        }
    }

    /// As a name in JSON.
    const fn key(self) -> &'static str {
        match self {
            Self::UserData => "user_data",
            Self::Config => "config_toml",
            Self::NetworkConfig => "network_config",
        }
    }

    /// Its text; `None` where the machine has none.
    fn text(self, machine: &Resource) -> Result<Option<String>, Failure> {
        let template = |name: &str| match machine.properties.get(name) {
            Some(Value::Template(template)) => Some(template::text(template)),
            _ => None,
        };
        match self {
            Self::UserData => Ok(template("user_data")),
            Self::NetworkConfig => Ok(template("network_config")),
            Self::Config => template("user_data").map(|text| config(&text)).transpose(),
        }
    }
}

/// gitlab-runner's configuration, out of user-data.
fn config(user_data: &str) -> Result<String, Failure> {
    let wrong = |why: String| Failure::wrong_use(format!("the machine's user-data cannot be read: {why}"));
    let read: serde_norway::Value =
        serde_norway::from_str(user_data).map_err(|error| wrong(error.to_string()))?;
    let files = read["write_files"].as_sequence().into_iter().flatten();
    let mut configs = files.filter(|file| file["path"].as_str() == Some("/etc/gitlab-runner/config.toml"));
    let config = configs.next().and_then(|file| file["content"].as_str());
    config
        .map(str::to_owned)
        .ok_or_else(|| wrong("it has no config.toml".to_owned()))
}

pub(crate) fn cmd_render(host: &mut Host, context: Context, args: &RenderArgs) -> Result<Exit, Failure> {
    let Some(wanted) = crate::terminal::wanted_unasked(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    let machine = machine(&wanted, &args.egg, args.machine)?;
    let files = match args.file {
        Some(file) => vec![file],
        None => MachineFile::ALL.to_vec(),
    };
    if args.json {
        let mut shown = Map::from_iter([("address".to_owned(), Json::String(machine.address.to_string()))]);
        for file in files {
            shown.insert(file.key().to_owned(), file.text(machine)?.into());
        }
        host.document(Json::Object(shown))?;
        return Ok(Exit::Clean);
    }
    for file in &files {
        let text = file.text(machine)?;
        if files.len() > 1 {
            writeln!(host.out, "==> {} {} <==", machine.address, file.name())?;
        }
        match text {
            Some(text) => writeln!(host.out, "{}", text.trim_end_matches('\n'))?,
            None => host.say(format_args!(
                "{} has no {}: its network asks DHCP",
                machine.address,
                file.name()
            ))?,
        }
        if files.len() > 1 {
            writeln!(host.out)?;
        }
    }
    Ok(Exit::Clean)
}

/// The machine of that number.
fn machine<'r>(wanted: &'r Resources, egg: &str, number: usize) -> Result<&'r Resource, Failure> {
    let machines = || wanted.iter().filter(|resource| resource.kind == "proxmox_vm");
    let own =
        || machines().filter(|resource| resource.address.owner == egg || resource.address.block() == egg);
    let key = number.to_string();
    if let Some(found) = own().find(|resource| resource.address.key.as_deref() == Some(key.as_str())) {
        return Ok(found);
    }
    Err(match own().count() {
        0 => {
            let mut known: Vec<String> = machines()
                .map(|resource| resource.address.owner.to_string())
                .collect();
            known.dedup();
            known.truncate(10);
            Failure::wrong_use(format!("the Nest has no egg `{egg}` with machines"))
                .hint(format!("those that have some: {}", known.join(", ")))
        }
        count => Failure::wrong_use(format!("there is no machine {number} of `{egg}`"))
            .hint(format!("`--machine` counts from 0 to {}", count - 1)),
    })
}
