//! `gosling init`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use fly_syntax::Severity;
use serde_json::json;

use super::add::formatted;
use crate::fly_text::{fill, quoted};
use crate::questions::{Question, Questions, one_of, text};
use crate::render::counted;
use crate::terminal::lexical;
use crate::terminal::{Exit, VariableArgs};
use crate::{Failure, Host, write};
use fly_workspace::check_root;
use fly_workspace::relative;
use gosling_deploy::identity;

/// Start a Nest: every folder with a working file in it
///
/// Never overwrites a file: it keeps what is there and says so. If the kept files and the new ones do not validate
/// together, the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling init                              here, asking
  gosling init lab --provider proxmox       in a new folder
  gosling init --name infra --yes           with defaults for the rest")]
pub(crate) struct InitArgs {
    /// The folder, created if it does not exist [default: that of -C, or the current one]
    dir: Option<PathBuf>,
    /// The Nest's name [default: the folder's name]
    #[arg(long)]
    name: Option<String>,
    /// Where the machines of the runners live
    #[arg(long, value_parser = PROVIDERS)]
    provider: Option<String>,
    /// Take the defaults, ask nothing
    #[arg(long, short, alias = "auto-approve")]
    yes: bool,
}

const PROVIDERS: [&str; 3] = ["proxmox", "aws", "yandex"];

/// All answers about a new Nest.
#[derive(Debug)]
struct Answers {
    name: String,
    provider: String,
    /// Who can open what the Nest keeps in `store://`: `age1...`.
    recipient: Option<String>,
}

pub(crate) fn cmd_init(host: &mut Host, args: InitArgs) -> Result<Exit, Failure> {
    let root = lexical(&args.dir.map_or_else(|| host.nest(), |dir| host.path(dir)));
    if root.exists() && !root.is_dir() {
        return Err(Failure::wrong_use(format!("{} is a file", root.display())));
    }
    let folder = root
        .file_name()
        .map_or_else(|| "nest".to_owned(), |name| name.to_string_lossy().into_owned());
    let mut questions = Questions::new(host, args.yes);
    let question = Question {
        option: "--name",
        words: "Name of the Nest",
        given: args.name,
        default: Some(&folder),
        secret: false,
    };
    let name = questions.ask(question, text)?.unwrap_or_default();
    let question = Question {
        option: "--provider",
        words: "Where the runners' machines live: proxmox, aws or yandex",
        given: args.provider,
        // Where a Nest lives is nothing to guess behind somebody's back: only `--yes` allows that.
        default: (args.yes || questions.can_ask()).then_some("proxmox"),
        secret: false,
    };
    let provider = questions.ask(question, one_of(&PROVIDERS))?.unwrap_or_default();
    questions.finish()?;

    let here = lexical(&host.environment.folder);
    let shown = if root.starts_with(&here) {
        relative(&here, &root)
    } else {
        root.display().to_string()
    };
    let prefix = if shown.is_empty() { shown } else { shown + "/" };
    let (recipient, identity_file) = match identity::own_recipient(&host.environment)? {
        Some((recipient, identity_file)) => (Some(recipient), identity_file),
        None => (None, None),
    };
    let answers = Answers {
        name,
        provider,
        recipient,
    };
    let mut files = Vec::new();
    for (path, text) in answers.files() {
        let place = root.join(path);
        let written = write::create(&place, &text).map_err(Failure::file("write", &place))?;
        files.push(json!({ "path": format!("{prefix}{path}"), "written": written }));
        if host.asked.json {
            continue;
        }
        if written {
            writeln!(host.out, "wrote {prefix}{path}")?;
        } else {
            writeln!(host.out, "kept  {prefix}{path}, which was there already")?;
        }
    }
    if host.asked.json {
        host.document(json!({ "files": files, "identity": identity_file }))?;
    } else if let Some(file) = identity_file {
        writeln!(host.out, "wrote {}, {}", file.display(), identity::WORDS)?;
    }
    let target = prefix.trim_end_matches('/');
    let validate = ["gosling validate", target].join(" ");
    let validate = validate.trim_end();
    // What was there already may not fit to what was written.
    let checked = check_root(&root, &[], &VariableArgs::default().variables(host)?);
    let errors = checked
        .problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Error);
    match errors.count() {
        0 => {
            if answers.provider != "proxmox" {
                host.say(format_args!(
                    "note: this release checks a Nest on {} in full, but `gosling plan` and `gosling apply` refuse it: \
                     they create machines on Proxmox VE only",
                    answers.provider
                ))?;
            }
            host.say(format_args!(
                "next: replace what says example.com, then `{validate}`"
            ))?;
            Ok(Exit::Clean)
        }
        count => {
            let errors = counted(count, "error");
            host.say(format_args!(
                "the Nest has {errors}, with what was there already: `{validate}` shows them"
            ))?;
            Ok(Exit::Problems)
        }
    }
}

impl Answers {
    /// Who can open what the Nest keeps in `store://`.
    fn secrets(&self) -> String {
        let block = self.recipient.as_deref().map(|recipient| {
            format!("\n  // Who can open what `store://` holds, with the identity that belongs to it.\n  secrets {{\n    recipients = [{}]\n  }}\n", quoted(recipient))
        });
        block.unwrap_or_default()
    }

    /// Every file of the new Nest: its path and its text.
    fn files(&self) -> Vec<(&'static str, String)> {
        macro_rules! template {
            ($name:literal) => {
                include_str!(concat!("../templates/init/", $name))
            };
        }
        let (nest, presets, mothergoose) = match self.provider.as_str() {
            "aws" => (
                template!("nest-cloud.fly"),
                template!("presets-aws.fly"),
                Some(template!("mg-aws.fly")),
            ),
            "yandex" => (
                template!("nest-cloud.fly"),
                template!("presets-yandex.fly"),
                Some(template!("mg-yandex.fly")),
            ),
            // The orchestration server lives in a cloud, and whoever runs on Proxmox may have none: nothing is asked of
            // one, and nobody is told of events.
            _ => (
                template!("nest-proxmox.fly"),
                template!("presets-proxmox.fly"),
                None,
            ),
        };
        let (events, server) = match mothergoose {
            Some(_) => ("", "| `MG/config.fly` | the orchestration server |\n"),
            None => (template!("no-events.fly"), ""),
        };
        let files = [
            ("nest.fly", nest),
            ("Lib/presets.fly", presets),
            ("Eggs/hello/config.fly", template!("egg.fly")),
            ("Jobs/prune-images.fly", template!("job.fly")),
            ("UF/config.fly", template!("uf.fly")),
            ("README.md", template!("README.md")),
            (".gitignore", template!("gitignore")),
            (".pre-commit-config.yaml", template!("pre-commit-config.yaml")),
            (".gitlab-ci.yml", template!("gitlab-ci.yml")),
        ];
        let values = [
            ("name", quoted(&self.name)),
            ("title", self.name.clone()),
            ("slug", slug(&self.name)),
            ("secrets", self.secrets()),
            ("events", events.to_owned()),
            ("server", server.to_owned()),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let files = files
            .into_iter()
            .chain(mothergoose.map(|text| ("MG/config.fly", text)));
        let filled = files.map(|(path, template)| {
            let text = fill(template, &values);
            (
                path,
                if path.ends_with(".fly") {
                    formatted(path, &text)
                } else {
                    text
                },
            )
        });
        filled.collect()
    }
}

/// A name that every cloud takes: small letters, digits and single hyphens, a letter first, not too short.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.to_lowercase().chars() {
        if character.is_ascii_lowercase() || (character.is_ascii_digit() && !slug.is_empty()) {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == 24 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug.len() {
        0 => "nest".to_owned(),
        // A cloud takes no shorter names than three letters.
        1 | 2 => format!("{slug}-nest"),
        _ => slug.to_owned(),
    }
}
