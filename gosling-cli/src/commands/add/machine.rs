//! The machine of an egg or an eggsbucket: from a preset, or written out.

use clap::Args;
use fly_domain::Size;

use super::facts::Facts;
use crate::Failure;
use crate::fly_text::{quoted, strings};
use crate::questions::{Question, Questions, list, number, one_of, refused, text};

/// What machine the runners live in.
#[derive(Debug, Args)]
pub(crate) struct MachineArgs {
    /// Take the machine from a preset: no other option about it is needed
    #[arg(long = "use", value_name = "PRESET", add = crate::commands::candidates::presets())]
    preset: Option<String>,
    /// Kind of machine: vm, container or serverless
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Cloud: proxmox, aws or yandex
    #[arg(long)]
    provider: Option<String>,
    /// Proxmox: the template to clone
    #[arg(long, conflicts_with = "image")]
    template: Option<String>,
    /// Proxmox: the image of a container
    #[arg(long)]
    image: Option<String>,
    /// AWS: the region
    #[arg(long)]
    region: Option<String>,
    /// Yandex Cloud: the zone
    #[arg(long)]
    zone: Option<String>,
    /// Processors
    #[arg(long)]
    cpu: Option<String>,
    /// Memory, as in 4GiB
    #[arg(long)]
    memory: Option<String>,
    /// Disk, as in 20GiB
    #[arg(long)]
    disk: Option<String>,
    /// Tags of the jobs it takes, separated by commas
    #[arg(long)]
    tags: Option<String>,
}

/// The answers about a machine.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    preset: Option<String>,
    kind: String,
    /// `provider = "proxmox"` and what places the machine there, in Fly.
    cloud: Vec<(&'static str, String)>,
    cpu: String,
    memory: String,
    disk: String,
    tags: Vec<String>,
}

impl MachineArgs {
    /// Asks for what is missing. Where something stays missing the machine is not whole, and the questions know.
    pub(crate) fn ask(
        self,
        questions: &mut Questions,
        facts: &Facts,
        name: &str,
    ) -> Result<Machine, Failure> {
        let mut machine = Machine {
            preset: self.preset.clone(),
            ..Machine::default()
        };
        if machine.preset.is_none() && !self.describes() && !facts.presets.is_empty() {
            let mut words: Vec<&str> = facts.presets.iter().map(String::as_str).collect();
            words.push("none");
            let preset = questions.ask(
                Question {
                    option: "--use",
                    words: &format!("Preset for the machine: {}", words.join(", ")),
                    given: None,
                    default: Some(if words.contains(&"vm") { "vm" } else { "none" }),
                    secret: false,
                },
                one_of(&words),
            )?;
            machine.preset = preset.filter(|preset| preset != "none");
        }
        match machine.preset.clone() {
            None => self.ask_machine(questions, facts, &mut machine)?,
            Some(preset) => self.override_preset(questions, &preset, &mut machine)?,
        }
        let tags = Question {
            option: "--tags",
            words: "Tags of the jobs it takes, separated by commas",
            given: self.tags,
            default: Some(name),
            secret: false,
        };
        machine.tags = questions.ask(tags, list)?.unwrap_or_default();
        Ok(machine)
    }

    /// What options say beside a preset: the size is written over the preset's, and where the machine is made is the
    /// preset's alone.
    fn override_preset(
        &self,
        questions: &mut Questions,
        preset: &str,
        machine: &mut Machine,
    ) -> Result<(), Failure> {
        let places = [
            ("--type", &self.kind),
            ("--provider", &self.provider),
            ("--template", &self.template),
            ("--image", &self.image),
            ("--region", &self.region),
            ("--zone", &self.zone),
        ];
        if let Some((option, _)) = places.iter().find(|(_, given)| given.is_some()) {
            return Err(Failure::wrong_use(format!(
                "{option} and --use: the preset `{preset}` says that already"
            ))
            .hint(
                "leave one of them out; what is special about an egg can be written into its file afterwards",
            ));
        }
        let mut ask =
            |option, given: &Option<String>, read: &dyn Fn(&str) -> Result<String, String>| match given {
                None => Ok(String::new()),
                Some(_) => {
                    let question = Question {
                        option,
                        words: option,
                        given: given.clone(),
                        default: None,
                        secret: false,
                    };
                    questions.ask(question, read).map(Option::unwrap_or_default)
                }
            };
        machine.cpu = ask("--cpu", &self.cpu, &|text| {
            number(text).map(|number| number.to_string())
        })?;
        machine.memory = ask("--memory", &self.memory, &size)?;
        machine.disk = ask("--disk", &self.disk, &size)?;
        Ok(())
    }

    /// Whether an option says how the machine is, so that no preset is meant.
    fn describes(&self) -> bool {
        let all = [
            &self.kind,
            &self.provider,
            &self.template,
            &self.image,
            &self.region,
            &self.zone,
        ];
        all.into_iter()
            .chain([&self.cpu, &self.memory, &self.disk])
            .any(Option::is_some)
    }

    fn ask_machine(
        &self,
        questions: &mut Questions,
        facts: &Facts,
        machine: &mut Machine,
    ) -> Result<(), Failure> {
        let mut ask =
            |option, words: &str, given: &Option<String>, default: Option<&str>, read: &dyn Fn(&str) -> _| {
                let question = Question {
                    option,
                    words,
                    given: given.clone(),
                    default,
                    secret: false,
                };
                questions.ask(question, read).map(Option::unwrap_or_default)
            };
        let only_cloud = match facts.clouds.as_slice() {
            [cloud] => Some(cloud.as_str()),
            _ => None,
        };
        let clouds = ["proxmox", "aws", "yandex"];
        let provider = ask(
            "--provider",
            "Cloud: proxmox, aws or yandex",
            &self.provider,
            only_cloud,
            &one_of(&clouds),
        )?;
        // Containers are LXC, which only Proxmox has; it has nothing serverless.
        let kinds = if provider == "proxmox" {
            ["vm", "container"]
        } else {
            ["vm", "serverless"]
        };
        let words = format!("Kind of machine: {}", kinds.join(", "));
        machine.kind = ask("--type", &words, &self.kind, Some("vm"), &one_of(&kinds))?;
        let elsewhere = [
            ("--region", &self.region, "aws"),
            ("--zone", &self.zone, "yandex"),
            ("--template", &self.template, "proxmox"),
            ("--image", &self.image, "proxmox"),
        ];
        for (option, given, cloud) in elsewhere {
            if given.is_some() && !provider.is_empty() && provider != cloud {
                return Err(Failure::wrong_use(format!(
                    "{option} is for {cloud}, and the machine is on {provider}"
                ))
                .hint(format!("leave {option} out, or choose --provider {cloud}")));
            }
        }
        machine.cloud.push(("provider", quoted(&provider)));
        let (attribute, value) = match provider.as_str() {
            "aws" => (
                "region",
                ask("--region", "Region", &self.region, Some("eu-central-1"), &text)?,
            ),
            "yandex" => (
                "zone",
                ask("--zone", "Zone", &self.zone, Some("ru-central1-a"), &text)?,
            ),
            "proxmox" if self.image.is_some() || (machine.kind == "container" && self.template.is_none()) => {
                let default = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
                (
                    "image",
                    ask(
                        "--image",
                        "Image of the container",
                        &self.image,
                        Some(default),
                        &text,
                    )?,
                )
            }
            "proxmox" => {
                let words = "Template to clone";
                (
                    "template",
                    ask(
                        "--template",
                        words,
                        &self.template,
                        Some("debian-12-cloud"),
                        &text,
                    )?,
                )
            }
            // The cloud itself is missing; so far nothing can be said about a place in it.
            _ => return Ok(()),
        };
        machine.cloud.push((attribute, quoted(&value)));
        machine.cpu = ask("--cpu", "Processors", &self.cpu, Some("2"), &|text| {
            number(text).map(|n| n.to_string())
        })?;
        machine.memory = ask("--memory", "Memory", &self.memory, Some("4GiB"), &size)?;
        machine.disk = ask("--disk", "Disk", &self.disk, Some("20GiB"), &size)?;
        Ok(())
    }
}

fn size(text: &str) -> Result<String, String> {
    Size::parse(text).map(|size| size.to_string()).map_err(refused)
}

impl Machine {
    /// The attributes and blocks that describe it, in Fly.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        match &self.preset {
            Some(preset) => {
                text.push_str(&format!("  use = preset{}\n", step(preset)));
                let sizes = [("cpu", &self.cpu), ("memory", &self.memory), ("disk", &self.disk)];
                let sizes: Vec<String> = sizes
                    .iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(name, value)| format!("    {name} = {value}\n"))
                    .collect();
                if !sizes.is_empty() {
                    text.push_str(&format!("\n  resources {{\n{}  }}\n", sizes.concat()));
                }
            }
            None => {
                text.push_str(&format!("  type = {}\n\n  cloud {{\n", quoted(&self.kind)));
                for (name, value) in &self.cloud {
                    text.push_str(&format!("    {name} = {value}\n"));
                }
                text.push_str("  }\n\n  resources {\n");
                text.push_str(&format!("    cpu = {}\n    memory = {}\n", self.cpu, self.memory));
                text.push_str(&format!("    disk = {}\n  }}\n", self.disk));
            }
        }
        text.push_str(&format!(
            "\n  runner {{\n    tags = {}\n  }}\n",
            strings(&self.tags)
        ));
        text
    }
}

/// `.name`, or `["name"]` for a name that is not an identifier.
fn step(name: &str) -> String {
    let plain = name
        .chars()
        .all(|next| next.is_ascii_alphanumeric() || next == '_');
    if plain && !name.starts_with(|first: char| first.is_ascii_digit()) {
        format!(".{name}")
    } else {
        format!("[{}]", quoted(name))
    }
}
