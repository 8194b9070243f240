//! `gosling add`

mod egg;
mod facts;
mod job;
mod machine;

use std::io::Write;

use clap::{Args, Subcommand};
use fly_syntax::{FileId, Severity, SourceFile};

use super::{Context, Exit};
use crate::questions::label;
use crate::render::Report;
use crate::terminal::Target;
use crate::terminal::show_problems;
use crate::{Failure, Host, write};
use fly_workspace::check_files;

/// Add an egg, an eggsbucket or a job to a Nest
///
/// On a terminal, asks for what the options do not say. Writes a formatted file, and only if the Nest is valid with it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling add egg api
  gosling add egg api --use vm --server gitlab.example.com --project-id 42
  gosling add eggsbucket libraries --use vm --repo core=gitlab.example.com/12
  gosling add job nightly --schedule '15 1 * * *' --script 'make nightly' --tags docker")]
pub(crate) struct AddArgs {
    #[command(subcommand)]
    what: What,
    /// Ask nothing: take the defaults for what the options do not say
    #[arg(long, short, global = true)]
    yes: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    Egg(egg::EggArgs),
    Eggsbucket(egg::EggsbucketArgs),
    Job(job::JobArgs),
}

pub(crate) fn cmd_add(host: &mut Host, context: Context, args: AddArgs) -> Result<Exit, Failure> {
    let target = Target::around(host)?;
    let yes = args.yes;
    match args.what {
        What::Egg(args) => {
            let path = free(&target, &args.name, |name| format!("Eggs/{name}/config.fly"))?;
            let text = egg::answers(host, &target, args, yes)?.text();
            add(host, context, &target, &path, &text)
        }
        What::Eggsbucket(args) => {
            let path = free(&target, &args.name, |name| format!("Eggs/{name}/config.fly"))?;
            let text = egg::bucket_answers(host, &target, args, yes)?.text();
            add(host, context, &target, &path, &text)
        }
        What::Job(args) => {
            let path = free(&target, &args.name, |name| format!("Jobs/{name}.fly"))?;
            let text = job::answers(host, args, yes)?.text();
            add(host, context, &target, &path, &text)
        }
    }
}

/// The path for `name`, where nothing is yet: asked before the questions, so that no answer is given in vain.
fn free(target: &Target, name: &str, path: impl Fn(&str) -> String) -> Result<String, Failure> {
    let name = label(name).map_err(|why| Failure::wrong_use(format!("`{name}`: {why}")))?;
    let path = path(&name);
    if target.root.join(&path).symlink_metadata().is_ok() {
        return Err(taken(&path));
    }
    Ok(path)
}

fn taken(path: &str) -> Failure {
    Failure::wrong_use(format!("{path} is there already")).hint("edit it, or choose another name")
}

/// Writes the file, formatted, where the Nest is sound with it.
fn add(host: &mut Host, context: Context, target: &Target, path: &str, text: &str) -> Result<Exit, Failure> {
    let text = formatted(path, text);
    let mut files = fly_workspace::load(&target.root, &[]);
    let id = FileId(u32::try_from(files.files.len()).unwrap_or(u32::MAX));
    files.files.push(SourceFile::new(id, path, text.as_str()));
    files
        .folders
        .extend(path.rfind('/').and_then(|at| path.get(..at)).map(str::to_owned));
    files.folders.sort();
    files.folders.dedup();
    let variables = crate::terminal::VariableArgs::default().variables(host)?;
    let checked = check_files(files, &variables);
    let only = Target {
        root: target.root.clone(),
        only: [path.to_owned()].into(),
    };
    let wrong = |problem: &&fly_syntax::Problem| {
        problem.severity() == Severity::Error && only.touches(problem, &checked.files.files)
    };
    let problems: Vec<_> = checked.problems.iter().filter(wrong).collect();
    if !problems.is_empty() {
        let report = Report {
            problems,
            ..only.report(host, &checked)
        };
        show_problems(host, context, report)?;
        host.say(format_args!("{path} was not written: it would not validate"))?;
        return Ok(Exit::Problems);
    }
    let place = target.root.join(path);
    if !write::create(&place, &text).map_err(Failure::file("write", &place))? {
        return Err(taken(path));
    }
    let shown = format!("{}{path}", target.way_from_folder(host));
    if host.asked.json {
        host.document(serde_json::json!({ "path": shown }))?;
    } else {
        writeln!(host.out, "{shown}")?;
    }
    Ok(Exit::Clean)
}

/// The text in canonical form. A text that cannot be formatted stays as it is: checking it says why.
pub(crate) fn formatted(path: &str, text: &str) -> String {
    let file = SourceFile::new(FileId(0), path, text);
    let parsed = fly_syntax::parse(&file);
    fly_syntax::format(&file, &parsed.tree).unwrap_or_else(|_| text.to_owned())
}
