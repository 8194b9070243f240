//! `gosling fix`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use fly_syntax::Severity;
use serde_json::json;

use crate::render::{self, Format, counted};
use crate::terminal::{Context, Exit};
use crate::terminal::{Target, VariableArgs};
use crate::{Failure, Host, write};
use fly_workspace::check_root;

/// Apply safe automatic fixes
///
/// Applies the single certain suggestion of each problem until nothing is left to apply. A fix is kept only if no other
/// problem appears because of it. The problems that remain need you, and are shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling fix                        the Nest you are in
  gosling fix Eggs/api/config.fly    the problems of one file

Exit code: 0 no errors are left, 1 some are, 2 wrong use.")]
pub(crate) struct FixArgs {
    /// Files, folders or Nests
    paths: Vec<PathBuf>,
    #[command(flatten)]
    variables: VariableArgs,
}

pub(crate) fn cmd_fix(host: &mut Host, context: Context, args: &FixArgs) -> Result<Exit, Failure> {
    let variables = args.variables.variables(host)?;
    let var_files = args.variables.files(host)?;
    let mut exit = Exit::Clean;
    let (mut applied, mut nests) = (Vec::new(), Vec::new());
    for target in Target::find(host, &args.paths)? {
        let nest = check_root(&target.root, &var_files, &variables);
        let before = nest.files.files.clone();
        let fixed = fly_workspace::fix(nest, &variables, |problem, files| target.touches(problem, files));
        let prefix = target.way_from_folder(host);
        for (old, new) in before.iter().zip(&fixed.nest.files.files) {
            if old.text() != new.text() {
                let path = target.root.join(&*new.path);
                write::replace(&path, new.text()).map_err(Failure::file("write", &path))?;
            }
        }
        for done in &fixed.done {
            let path = before.get(done.file.0 as usize).map_or("", |file| &file.path);
            if host.asked.json {
                applied.push(json!({
                    "path": format!("{prefix}{path}"), "line": done.line, "message": done.message, "code": done.code,
                }));
                continue;
            }
            writeln!(
                host.out,
                "{prefix}{path}:{}: {} ({})",
                done.line, done.message, done.code
            )?;
        }
        match fixed.done.len() {
            0 => host.done("nothing to fix")?,
            count => host.done(format_args!("fixed {}", counted(count, "problem")))?,
        }
        if !fixed.refused.is_empty() {
            host.say(format_args!(
                "{} not applied, because another problem would appear",
                counted(fixed.refused.len(), "suggestion")
            ))?;
        }
        let report = target.report(host, &fixed.nest);
        if report.count(Severity::Error) > 0 {
            exit = Exit::Problems;
        }
        if host.asked.json {
            nests.push(json!({
                "root": target.root, "errors": report.count(Severity::Error), "warnings": report.count(Severity::Warning),
            }));
        } else if !report.problems.is_empty() {
            let more = render::more(std::slice::from_ref(&report));
            render::write(Format::Human, &[report], context.out, &mut host.out)?;
            if let Some(more) = more {
                host.say(more)?;
            }
        }
    }
    if host.asked.json {
        host.document(json!({ "fixed": applied, "left": nests }))?;
    }
    Ok(exit)
}
