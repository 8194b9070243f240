//! `gosling eval`

use std::io::Write;

use clap::Args;
use fly_syntax::{FileId, Problem, Severity, SourceFile};

use crate::render::{self, Part, Report, counted, value::pretty};
use crate::terminal::show_problems;
use crate::terminal::{Context, Exit};
use crate::terminal::{Target, VariableArgs};
use crate::{Failure, Host};
use fly_workspace::{CheckedNest, check_files, check_root};

/// Print the evaluated Nest, a part of it, or any expression in its scope
///
/// A secret is printed as the place where it is kept. Durations and sizes are printed as text and as a number.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling eval                                  the whole Nest
  gosling eval egg.api.resources                a part of it
  gosling eval 'egg[\"site-docs\"].runner.tags'   a name that is not a plain word
  gosling eval 'length(eggs)'                   an expression
  gosling eval --json | jq .egg                 for programs
  gosling eval -C examples/proxmox-lab          another Nest
  echo '4GiB / 2' | gosling eval -              an expression from standard input")]
pub(crate) struct EvalArgs {
    /// An address (egg.api.resources) or an expression; - reads one from standard input
    #[arg(allow_hyphen_values = true)]
    expression: Option<String>,
    #[command(flatten)]
    variables: VariableArgs,
}

pub(crate) fn cmd_eval(host: &mut Host, context: Context, args: &EvalArgs) -> Result<Exit, Failure> {
    let variables = args.variables.variables(host)?;
    let var_files = args.variables.files(host)?;
    let expression = match args.expression.as_deref() {
        Some("-") => Some(
            String::from_utf8_lossy(&crate::terminal::standard_input(host)?)
                .trim()
                .to_owned(),
        ),
        expression => expression.map(str::to_owned),
    };
    let (target, nest) = match Target::around(host) {
        Ok(target) => {
            let nest = check_root(&target.root, &var_files, &variables);
            (target, nest)
        }
        // An expression that needs no Nest is evaluated anywhere.
        Err(_) if expression.is_some() && host.asked.nest.is_none() => {
            let nothing = check_files(fly_workspace::one_file("nothing.fly", ""), &variables);
            (Target::nowhere(host), nothing)
        }
        Err(failure) => return Err(failure),
    };
    let errors = nest
        .problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Error)
        .count();

    let value = match &expression {
        None if errors > 0 => {
            let problems = nest
                .problems
                .iter()
                .filter(|problem| problem.severity() == Severity::Error);
            let report = Report {
                problems: problems.collect(),
                ..target.report(host, &nest)
            };
            show_problems(host, context, report)?;
            return Ok(Exit::Problems);
        }
        None => fly_typeck::nest_value(&nest.checked.blocks),
        Some(text) => {
            let id = FileId(u32::try_from(nest.files.files.len()).unwrap_or(u32::MAX));
            let file = SourceFile::new(id, EXPRESSION, address(text));
            let (expression, problems) = fly_syntax::parse_expression(&file);
            let evaluated = if problems.is_empty() {
                let evaluated = fly_typeck::evaluate(&nest.files, &nest.trees, &variables, &expression);
                let sound = evaluated
                    .problems
                    .iter()
                    .all(|problem| problem.severity() != Severity::Error);
                evaluated.value.filter(|_| sound).ok_or(evaluated.problems)
            } else {
                Err(problems)
            };
            match evaluated {
                Ok(value) => value,
                Err(problems) => {
                    show(host, context, &target, &nest, file, &problems)?;
                    return Ok(Exit::Problems);
                }
            }
        }
    };
    if errors > 0 {
        host.say(format_args!(
            "the Nest has {}; `gosling validate` shows them",
            counted(errors, "error")
        ))?;
    }
    let text = if host.asked.json {
        render::json_text(&fly_typeck::json::json(&value))
    } else {
        pretty(&value)
    };
    writeln!(host.out, "{text}")?;
    Ok(Exit::Clean)
}

/// What the expression is called where a file has its path.
const EXPRESSION: &str = "<expression>";

/// `egg.site-docs.runner` is what people type for `egg["site-docs"].runner`; as it stands it would be a subtraction
/// of an egg, which nobody means.
fn address(text: &str) -> String {
    for kind in ["egg", "eggsbucket", "job", "preset"] {
        let Some(rest) = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let label: String = rest
            .chars()
            .take_while(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_'))
            .collect();
        let after = &rest[label.len()..];
        if label.contains('-') && (after.is_empty() || after.starts_with(['.', '['])) {
            return format!("{kind}[\"{label}\"]{after}");
        }
    }
    text.to_owned()
}

/// The problems of the expression, its text shown as one more file.
fn show(
    host: &mut Host,
    context: Context,
    target: &Target,
    nest: &CheckedNest,
    file: SourceFile,
    problems: &[Problem],
) -> Result<(), Failure> {
    let mut files = nest.files.files.clone();
    files.push(file);
    // What the expression needs may be what is wrong with the Nest.
    let wrong = nest
        .problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Error);
    let own = !problems.is_empty();
    let problems = if own {
        problems.iter().collect()
    } else {
        wrong.collect()
    };
    let part = own.then(|| Part {
        paths: vec![EXPRESSION.to_owned()],
        errors_elsewhere: 0,
    });
    let report = Report {
        files: &files,
        part,
        problems,
        ..target.report(host, nest)
    };
    show_problems(host, context, report)
}
