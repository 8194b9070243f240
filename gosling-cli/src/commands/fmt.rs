//! `gosling fmt`

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use fly_syntax::{FileId, SourceFile};
use rayon::prelude::*;
use serde_json::json;
use similar::ChangeTag;

use crate::render::counted;
use crate::terminal::{Context, Exit};
use crate::terminal::{Target, lexical};
use crate::{Failure, Host, write};
use fly_workspace::Masked;
use fly_workspace::{fly_files, read_bounded, refusal_message};

/// Rewrite Fly files in canonical form
///
/// Without PATHS, formats every file of the Nest around the current folder. Prints the files that it changes, and leaves
/// a file with syntax problems as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling fmt                        the whole Nest
  gosling fmt Eggs/api/config.fly    one file
  gosling fmt --check --diff         for CI: show what would change, change nothing
  gosling fmt --stdin < config.fly   for editors

Exit code: 0 done (with --check: nothing to do), 1 --check found something or a file has syntax problems, 2 wrong use.")]
pub(crate) struct FmtArgs {
    /// Files or folders; - is --stdin
    paths: Vec<PathBuf>,
    /// Change nothing; exit 1 where something would change
    #[arg(long)]
    check: bool,
    /// Show the changes as a diff
    #[arg(long)]
    diff: bool,
    /// Read a file from standard input, write it to standard output
    #[arg(long, conflicts_with = "paths")]
    stdin: bool,
}

/// What became of a file.
enum Outcome {
    Same,
    Changed { old: String, new: String },
    Unreadable(String),
    Broken { count: usize, first: String },
}

pub(crate) fn cmd_fmt(host: &mut Host, context: Context, args: &FmtArgs) -> Result<Exit, Failure> {
    if args.stdin || args.paths == [PathBuf::from("-")] {
        return format_stdin(host, context, args);
    }
    let files = files(host, &args.paths)?;
    let outcomes: Vec<Outcome> = files.par_iter().map(|path| format_file(path)).collect();
    let mut exit = Exit::Clean;
    let mut listed = Vec::new();
    for (path, outcome) in files.iter().zip(outcomes) {
        let name = path
            .strip_prefix(&host.environment.folder)
            .unwrap_or(path)
            .display()
            .to_string();
        listed.push(json!({ "path": name, "outcome": outcome.word(args.check) }));
        match outcome {
            Outcome::Same => {}
            Outcome::Changed { old, new } => {
                if args.check {
                    exit = Exit::Problems;
                } else {
                    write::replace(path, &new).map_err(Failure::file("write", path))?;
                }
                if !host.asked.json {
                    show_change(host, context, args, &name, &old, &new)?;
                }
            }
            broken => {
                exit = Exit::Problems;
                complain(host, &name, &broken)?;
            }
        }
    }
    if host.asked.json {
        host.document(json!({ "files": listed }))?;
    }
    Ok(exit)
}

impl Outcome {
    /// What became of the file, for programs.
    fn word(&self, check: bool) -> &'static str {
        match self {
            Self::Same => "unchanged",
            Self::Changed { .. } if check => "would_change",
            Self::Changed { .. } => "changed",
            Self::Unreadable(_) => "unreadable",
            Self::Broken { .. } => "syntax_problems",
        }
    }
}

fn format_stdin(host: &mut Host, context: Context, args: &FmtArgs) -> Result<Exit, Failure> {
    let bytes = crate::terminal::standard_input(host)?;
    match format_bytes("<stdin>", bytes.clone()) {
        Outcome::Changed { old, new } if args.check || args.diff => {
            show_change(host, context, args, "<stdin>", &old, &new)?;
            Ok(if args.check { Exit::Problems } else { Exit::Clean })
        }
        Outcome::Changed { new: text, .. } => {
            host.out.write_all(text.as_bytes())?;
            Ok(Exit::Clean)
        }
        Outcome::Same => {
            // An editor puts what comes out in place of what went in.
            if !args.check && !args.diff {
                host.out.write_all(&bytes)?;
            }
            Ok(Exit::Clean)
        }
        broken => {
            complain(host, "<stdin>", &broken)?;
            Ok(Exit::Problems)
        }
    }
}

/// The files below `paths`, in order, each once.
fn files(host: &Host, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let paths = match paths {
        [] => vec![Target::around(host)?.root],
        paths => paths.iter().map(|path| lexical(&host.path(path))).collect(),
    };
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            files.extend(fly_files(&path));
            if files.len() == before {
                return Err(Failure::wrong_use(format!(
                    "{}: no .fly or .flyvars file in this folder",
                    path.display()
                )));
            }
        } else if path.is_file() {
            files.push(path);
        } else {
            let name = path
                .strip_prefix(&host.environment.folder)
                .unwrap_or(&path)
                .display()
                .to_string();
            return Err(Failure::wrong_use(format!("{name}: no such file or folder")));
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn format_file(path: &Path) -> Outcome {
    match read_bounded(path) {
        Ok(bytes) => format_bytes(&path.to_string_lossy(), bytes),
        Err(refusal) => Outcome::Unreadable(refusal_message(&refusal)),
    }
}

fn format_bytes(name: &str, bytes: Vec<u8>) -> Outcome {
    let file = SourceFile::from_bytes(FileId(0), name, bytes);
    let mut parsed = fly_syntax::parse(&file);
    let exposed = match parsed.problems.is_empty() {
        true => Vec::new(),
        false => fly_typeck::exposed(&file, &parsed.tree, &fly_typeck::Names::default()),
    };
    fly_typeck::withhold(&mut parsed.problems, std::slice::from_ref(&file), &exposed);
    if let Some(first) = parsed.problems.first() {
        let place = file.position(first.span.start);
        let first = format!("line {}, column {}: {}", place.line, place.column, first.message);
        return Outcome::Broken {
            count: parsed.problems.len(),
            first,
        };
    }
    match fly_syntax::format(&file, &parsed.tree) {
        Ok(new) if new == file.text() => Outcome::Same,
        Ok(new) => Outcome::Changed {
            old: file.text().to_owned(),
            new,
        },
        Err(refused) => Outcome::Unreadable(refused.to_string()),
    }
}

fn show_change(
    host: &mut Host,
    context: Context,
    args: &FmtArgs,
    name: &str,
    old: &str,
    new: &str,
) -> Result<(), Failure> {
    if !args.diff {
        writeln!(host.out, "{name}")?;
        return Ok(());
    }
    writeln!(host.out, "--- a/{name}\n+++ b/{name}")?;
    // What differs is found in the text as it is; what is shown of it holds no secret.
    let diff = similar::TextDiff::from_lines(old, new);
    let (old, new) = (
        Lines::new(old, diff.iter_old_slices()),
        Lines::new(new, diff.iter_new_slices()),
    );
    for hunk in diff.unified_diff().iter_hunks() {
        show_line(host, context, "36", &hunk.header().to_string())?;
        for change in hunk.iter_changes() {
            let (line, color) = match change.tag() {
                ChangeTag::Delete => (old.shown(change.old_index()), "31"),
                ChangeTag::Insert => (new.shown(change.new_index()), "32"),
                ChangeTag::Equal => (new.shown(change.new_index()), ""),
            };
            show_line(host, context, color, &format!("{}{line}", change.tag()))?;
            if change.missing_newline() {
                writeln!(host.out, "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

/// The lines of a text, as they may be shown.
struct Lines<'t> {
    text: Masked<'t>,
    places: Vec<Range<usize>>,
}

impl<'t> Lines<'t> {
    fn new<'l>(text: &'t str, lines: impl Iterator<Item = &'l str>) -> Self {
        let mut end = 0;
        let places = lines.map(|line| {
            end += line.len();
            end - line.len()..end
        });
        Self {
            places: places.collect(),
            text: Masked::new(text),
        }
    }

    fn shown(&self, index: Option<usize>) -> String {
        let place = index.and_then(|index| self.places.get(index));
        place.map_or_else(String::new, |place| self.text.part(place.clone()))
    }
}

fn show_line(host: &mut Host, context: Context, color: &str, line: &str) -> Result<(), Failure> {
    let line = line.trim_end_matches('\n');
    if context.out.color && !color.is_empty() {
        writeln!(host.out, "\u{1b}[{color}m{line}\u{1b}[0m")?;
    } else {
        writeln!(host.out, "{line}")?;
    }
    Ok(())
}

fn complain(host: &mut Host, name: &str, outcome: &Outcome) -> Result<(), Failure> {
    match outcome {
        Outcome::Broken { count, first } => {
            let count = counted(*count, "syntax problem");
            host.say(format_args!(
                "{name}: left as it is, {count}; the first at {first}"
            ))?;
        }
        Outcome::Unreadable(reason) => host.say(format_args!("{name}: left as it is: {reason}"))?,
        Outcome::Same | Outcome::Changed { .. } => {}
    }
    Ok(())
}
