//! `gosling validate`

use std::path::PathBuf;

use clap::Args;
use fly_syntax::Severity;

use crate::render::{self, Format};
use crate::terminal::{Context, Exit};
use crate::terminal::{Target, VariableArgs};
use crate::{Failure, Host};
use fly_workspace::{CheckedNest, check_files, check_root};

/// Check a Nest and report every problem in it
///
/// Without PATHS, checks the Nest around the current folder. A folder stands for the Nest it belongs to. Given files or
/// folders inside a Nest, it checks the whole Nest and shows the problems that concern them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling validate                             the Nest you are in
  gosling validate examples/proxmox-lab        another Nest
  gosling validate Eggs/api/config.fly         the problems of one file, as pre-commit asks
  gosling validate --deny-warnings             fail on warnings, too
  gosling validate --var region=ru-central1-b  with a value for a variable
  gosling validate --format gitlab > code-quality.json
  gosling validate - < config.fly              one file by itself, for editors

Exit code: 0 no errors, 1 errors (or warnings under --deny-warnings), 2 wrong use.")]
pub(crate) struct ValidateArgs {
    /// Files, folders or Nests; - checks the one file on standard input by itself
    paths: Vec<PathBuf>,
    /// How to write the problems; --json is --format json
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Fail on warnings, too
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    variables: VariableArgs,
}

pub(crate) fn cmd_validate(host: &mut Host, context: Context, args: &ValidateArgs) -> Result<Exit, Failure> {
    let variables = args.variables.variables(host)?;
    let var_files = args.variables.files(host)?;
    let format = if host.asked.json {
        Format::Json
    } else {
        args.format
    };
    let (targets, nests): (Vec<Target>, Vec<CheckedNest>) = if args.paths == [PathBuf::from("-")] {
        let text = crate::terminal::standard_input(host)?;
        let alone = fly_workspace::one_file("Lib/stdin.fly", &String::from_utf8_lossy(&text));
        (vec![Target::nowhere(host)], vec![check_files(alone, &variables)])
    } else {
        let targets = Target::find(host, &args.paths)?;
        let nests = targets
            .iter()
            .map(|target| check_root(&target.root, &var_files, &variables));
        let nests = nests.collect();
        (targets, nests)
    };
    for (target, nest) in targets.iter().zip(&nests) {
        for path in target.not_read(&nest.files) {
            host.say(format_args!(
                "{path} is not part of the Nest: ignored by .gitignore, hidden, or no Fly file"
            ))?;
        }
    }
    let reports: Vec<_> = targets
        .iter()
        .zip(&nests)
        .map(|(target, nest)| target.report(host, nest))
        .collect();
    render::write(format, &reports, context.out, &mut host.out)?;
    if let Some(more) = render::more(&reports).filter(|_| format == Format::Human) {
        host.say(more)?;
    }
    let denied = if args.deny_warnings {
        Severity::Warning
    } else {
        Severity::Error
    };
    let failed = reports
        .iter()
        .flat_map(|report| &report.problems)
        .any(|problem| problem.severity() <= denied);
    let exit = if failed { Exit::Problems } else { Exit::Clean };
    drop(reports);
    // The process ends soon: giving the memory of a large Nest back piece by piece would only take time.
    nests.into_iter().for_each(std::mem::forget);
    Ok(exit)
}
