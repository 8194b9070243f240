//! A plan as a person reads it: grouped by egg, each resource with what changes and where that is written.

use std::fmt::Write as _;
use std::io::{self, Write};

use gosling_engine::{Action, Change, Counts, Plan};
use gosling_resource::{Address, Origin, Part, Value};

use super::alike::Entry;
use super::{Look, Unit, counted, remarks};

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Equal changes of one egg once.
    #[default]
    Summary,
    /// Each change by itself.
    Full,
}

/// So many resources are named about which the state is not up to date.
const CORRECTED: usize = 3;
/// The longest value that is shown whole.
const LONGEST: usize = 60;

/// Writes a plan that leads to what a Nest asks for.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(plan: &Plan, look: Look, detail: Detail, out: &mut dyn Write) -> io::Result<()> {
    write_for(plan, Goal::Nest, look, detail, out)
}

/// Writes a plan that leads back to the earlier state of this serial.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_back(
    plan: &Plan,
    serial: u64,
    look: Look,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_for(plan, Goal::Earlier(serial), look, detail, out)
}

/// What a plan leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// What the Nest asks for now.
    Nest,
    /// What the state of this serial had, whatever the Nest asks for now.
    Earlier(u64),
}

fn write_for(plan: &Plan, goal: Goal, look: Look, detail: Detail, out: &mut dyn Write) -> io::Result<()> {
    for open in &plan.open {
        let heard = open
            .heard
            .as_deref()
            .map(|heard| format!(": {heard}"))
            .unwrap_or_default();
        writeln!(
            out,
            "{} an earlier run's {} of {} has not ended{heard}; it is left out until apply has recovered it",
            paint(look, '!'),
            open.verb,
            open.address
        )?;
    }
    if !plan.open.is_empty() {
        writeln!(out)?;
    }
    if !plan.drift.is_empty() {
        writeln!(out, "Changed outside gosling since the last run:\n")?;
        for drift in &plan.drift {
            if drift.gone {
                let forgotten = plan.forgotten().any(|address| *address == drift.address);
                let then = if forgotten { "; apply forgets it" } else { "" };
                writeln!(out, "  {} is gone{then}", drift.address)?;
            }
            for attribute in &drift.attributes {
                let kind = plan.changes.iter().find(|change| change.address == drift.address);
                let unit = kind.map_or(Unit::One, |change| super::unit(&change.kind, &attribute.name));
                let (before, after) = (shown(&attribute.before, unit), shown(&attribute.after, unit));
                writeln!(out, "  {} {}: {before} -> {after}", drift.address, attribute.name)?;
            }
        }
        writeln!(out)?;
    }
    remarks::write(plan, out)?;
    unreadable(plan, out)?;
    left_outside(plan, out)?;
    let shown = plan
        .changes
        .iter()
        .filter(|change| change.action != Action::NoOp || change.moved_from.is_some());
    let entries = Entry::of(shown, detail);
    let mut block = String::new();
    // Machines of a pool mostly have one and the same difference.
    let mut shown_before = None;
    for entry in &entries {
        let first = entry.first();
        if first.address.block() != block {
            if !block.is_empty() {
                writeln!(out)?;
            }
            block = first.address.block();
            writeln!(out, "{block}")?;
        }
        one(plan, goal, entry, look, &mut shown_before, out)?;
    }
    if !block.is_empty() {
        writeln!(out)?;
    }
    if entries.iter().any(|entry| entry.changes.len() > 1) {
        writeln!(
            out,
            "Equal changes are shown once; `--full` shows each by itself."
        )?;
    }
    if !plan.corrections.is_empty() {
        let count = counted(plan.corrections.len(), "resource");
        let named = plan.corrections.iter().take(CORRECTED);
        let named = named.map(|one| format!("{} ({})", one.address, one.what.join(", ")));
        let more = match plan.corrections.len().saturating_sub(CORRECTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(
            out,
            "Apply corrects the state, which is not up to date about {count}: {}{more}.",
            named.collect::<Vec<_>>().join(", ")
        )?;
    }
    writeln!(out, "{}", summary(plan))
}

/// What was imported and is not deleted.
fn left_outside(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    if plan.left_outside().next().is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "Left outside, because gosling did not make it; apply forgets it:\n"
    )?;
    for (change, id) in plan.left_outside() {
        writeln!(out, "  {} ({})  [{id}]", change.address, change.kind)?;
    }
    writeln!(out)
}

/// What could not be read, and what is left as it is because of that, or of an operation that is open.
fn unreadable(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let needs_another = |change: &Change| {
        let because = change.left_out.as_ref();
        because.is_some_and(|because| *because != change.address)
    };
    if plan.unreadable.is_empty() && !plan.changes.iter().any(needs_another) {
        return Ok(());
    }
    writeln!(out, "Skipped:\n")?;
    let mut helps: Vec<&str> = Vec::new();
    for unread in &plan.unreadable {
        let origin = place(unread.origin.as_ref());
        writeln!(
            out,
            "  {} could not be read: {}{origin}",
            unread.address, unread.message
        )?;
        helps.extend(unread.help.as_deref());
    }
    for change in &plan.changes {
        if let Some(aside) = &change.set_aside {
            writeln!(
                out,
                "  {} is kept as {aside}, and deleted when it can be reached",
                change.address
            )?;
        } else if let Some(because) = change
            .left_out
            .as_ref()
            .filter(|because| **because != change.address)
        {
            writeln!(out, "  {} is skipped because of {because}", change.address)?;
        }
    }
    helps.sort_unstable();
    helps.dedup();
    for help in helps {
        writeln!(out, "  help: {help}")?;
    }
    writeln!(out)
}

/// `Plan: 3 to create, 1 to change, none to replace, 2 to delete.`
#[must_use]
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts();
    if counts == Counts::default() && !plan.unreadable.is_empty() {
        return "No changes to what could be read.".to_owned();
    }
    if counts == Counts::default() && !plan.open.is_empty() {
        return "No changes beyond what is open.".to_owned();
    }
    if counts == Counts::default() && plan.left_outside().next().is_some() {
        return "No changes outside: what was imported is forgotten, and stays where it is.".to_owned();
    }
    if counts == Counts::default() {
        let why = match plan.destroy {
            true => "nothing that this Nest created is left",
            false if plan.remarks.is_empty() => "everything matches the Nest",
            false => "what stands above stays as it is",
        };
        return format!("No changes: {why}.");
    }
    let mut parts = vec![
        format!("{} to create", counts.create),
        match plan.rollouts().iter().map(|pool| pool.restarted.len()).sum() {
            0 => format!("{} to change", counts.update),
            restarts => format!("{} to change ({restarts} with a restart)", counts.update),
        },
        format!("{} to replace", counts.replace),
        format!("{} to delete", counts.delete),
    ];
    if counts.moved > 0 {
        parts.push(format!("{} to rename", counts.moved));
    }
    format!("Plan: {}.", parts.join(", "))
}

/// A difference of a text, and the resource under which it was shown.
type Shown = Option<(Address, Vec<String>)>;

fn one(
    plan: &Plan,
    goal: Goal,
    entry: &Entry<'_>,
    look: Look,
    shown_before: &mut Shown,
    out: &mut dyn Write,
) -> io::Result<()> {
    let change = entry.first();
    let (is, count) = match entry.changes.len() {
        1 => ("is", change.kind.to_string()),
        many => ("are", counted(many, noun(&change.kind))),
    };
    let (sign, words) = match change.action {
        Action::Create => ('+', "created".to_owned()),
        Action::Update if change.because.is_empty() => ('~', "changed in place".to_owned()),
        Action::Update => (
            '~',
            format!(
                "changed in place and restarted, because of {}",
                change.because.join(", ")
            ),
        ),
        Action::Replace => ('±', format!("replaced, because of {}", change.because.join(", "))),
        Action::Delete => ('-', format!("deleted{}", why_deleted(plan, goal, change))),
        Action::NoOp => ('>', String::new()),
    };
    let words = match change.action {
        Action::NoOp => "stays as it is".to_owned(),
        _ => format!("{is} {words}"),
    };
    let mut head = format!("  {} {} ({count}) {words}", paint(look, sign), entry.address());
    if let Some(from) = &change.moved_from {
        let _ = write!(head, "; it was {from}");
    }
    if let Some(id) = change.id.as_ref().filter(|_| entry.changes.len() == 1) {
        let _ = write!(head, "  [{id}]");
    }
    writeln!(out, "{head}{}", place(change.origin.as_ref()))?;
    let lines = entry.lines();
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    for line in &lines {
        let name = &line.name;
        writeln!(out, "      {name:width$}  {}{}", line.text, line.place)?;
        if line.differences.is_empty() {
            continue;
        }
        match shown_before {
            Some((at, before)) if *before == line.differences && at.block() == change.address.block() => {
                writeln!(out, "        the same lines as in {at}")?;
            }
            _ => {
                for difference in &line.differences {
                    writeln!(out, "        {difference}")?;
                }
                *shown_before = Some((change.address.clone(), line.differences.clone()));
            }
        }
    }
    Ok(())
}

/// What resources of a kind are, for a count of them.
fn noun(kind: &str) -> &'static str {
    match kind {
        "proxmox_vm" => "machine",
        "gitlab_hook" => "webhook",
        "gitlab_runner" => "runner",
        _ => "resource",
    }
}

/// Why a resource is deleted, where that is not said by the plan as a whole.
fn why_deleted(plan: &Plan, goal: Goal, change: &Change) -> String {
    if let Some(new) = &change.moved_from {
        return format!(", once {new} is online");
    }
    if plan.destroy {
        return String::new();
    }
    if let Goal::Earlier(serial) = goal {
        return format!(", because it is in the state and not in that of serial {serial}");
    }
    if change.address.is_set_aside() {
        return ", because it was replaced, or a destroy skipped it, while it could not be reached"
            .to_owned();
    }
    let block = change.address.block();
    let of_block = |other: &&Change| other.address.block() == block && other.action != Action::Delete;
    let left = plan.changes.iter().filter(of_block);
    if left.clone().next().is_none() {
        return format!(", because the Nest has no {block} any more");
    }
    match left.filter(|other| other.kind == change.kind).count() {
        machines if change.rollout.is_some() => format!(", because `min_count` of {block} is {machines} now"),
        _ => format!(", because {block} does not ask for it any more"),
    }
}

pub(super) fn place(origin: Option<&Origin>) -> String {
    origin.map(|origin| format!("  # {origin}")).unwrap_or_default()
}

/// A value in one line. Secrets are never in a plan; where one will be put is said.
#[must_use]
pub fn shown(value: &Value, unit: Unit) -> String {
    let text = match value {
        Value::Null => "not set".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => unit.text(*number),
        Value::Text(text) => format!("{text:?}"),
        Value::Secret(uri) => return format!("(secret {uri})"),
        Value::Output(output) => return format!("(known after apply: {} {})", output.of, output.name),
        Value::Template(template) => {
            let size: usize = template
                .parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => text.len(),
                    Part::Secret { .. } => 0,
                })
                .sum();
            let secrets = template.secrets().count();
            return match secrets {
                0 => format!("({size} bytes)"),
                1 => format!("({size} bytes and a secret)"),
                many => format!("({size} bytes and {many} secrets)"),
            };
        }
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(|value| shown(value, unit)).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Map(values) => {
            let values: Vec<String> = values
                .iter()
                .map(|(name, value)| format!("{name} = {}", shown(value, Unit::One)))
                .collect();
            format!("{{ {} }}", values.join(", "))
        }
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST - 3).collect();
    format!("{start}...")
}

fn paint(look: Look, sign: char) -> String {
    let sign = if sign == '±' && !look.unicode {
        "-/+".to_owned()
    } else {
        sign.to_string()
    };
    if !look.color {
        return sign;
    }
    let color = match sign.as_str() {
        "+" => 32,
        "-" => 31,
        "~" | "±" | "-/+" => 33,
        _ => 36,
    };
    format!("\x1b[{color}m{sign}\x1b[0m")
}
