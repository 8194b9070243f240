//! A plan as a person reads it: grouped by egg, each resource with what changes and where that is written.

use std::fmt::Write as _;
use std::io::{self, Write};

use gosling_engine::{Action, AttributeChange, Change, Counts, Plan};
use gosling_resource::{Address, Origin, Part, Value};

use super::{Look, Unit, template};

/// The longest value that is shown whole.
const LONGEST: usize = 60;

/// Writes a plan.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(plan: &Plan, look: Look, out: &mut dyn Write) -> io::Result<()> {
    for open in &plan.open {
        let heard = open
            .heard
            .as_deref()
            .map(|heard| format!(": {heard}"))
            .unwrap_or_default();
        writeln!(
            out,
            "{} an earlier run's {} of {} has not ended{heard}; apply settles it first",
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
    unreadable(plan, out)?;
    let mut block = String::new();
    // Machines of a pool mostly have one and the same difference.
    let mut shown_before = None;
    for change in &plan.changes {
        if change.action == Action::NoOp && change.moved_from.is_none() {
            continue;
        }
        if change.address.block() != block {
            if !block.is_empty() {
                writeln!(out)?;
            }
            block = change.address.block();
            writeln!(out, "{block}")?;
        }
        one(plan, change, look, &mut shown_before, out)?;
    }
    if !block.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(plan))
}

/// What could not be read, and what is left as it is because of it.
fn unreadable(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    if plan.unreadable.is_empty() {
        return Ok(());
    }
    writeln!(out, "Left as it is:\n")?;
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
            writeln!(out, "  {} is left as it is because of {because}", change.address)?;
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
    if counts == Counts::default() {
        let why = match plan.destroy {
            true => "nothing that this Nest created is left",
            false => "what is there is what the Nest asks for",
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
    change: &Change,
    look: Look,
    shown_before: &mut Shown,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (sign, words) = match change.action {
        Action::Create => ('+', "is created".to_owned()),
        Action::Update if change.because.is_empty() => ('~', "is changed in place".to_owned()),
        Action::Update => (
            '~',
            format!(
                "is changed in place and restarted, because of {}",
                change.because.join(", ")
            ),
        ),
        Action::Replace => (
            '±',
            format!("is made anew, because of {}", change.because.join(", ")),
        ),
        Action::Delete => ('-', format!("is deleted{}", why_deleted(plan, change))),
        Action::NoOp => ('>', "stays as it is".to_owned()),
    };
    let mut head = format!(
        "  {} {} ({}) {words}",
        paint(look, sign),
        change.address,
        change.kind
    );
    if let Some(from) = &change.moved_from {
        let _ = write!(head, "; it was {from}");
    }
    if let Some(id) = &change.id {
        let _ = write!(head, "  [{id}]");
    }
    writeln!(out, "{head}{}", place(change.origin.as_ref()))?;
    if change.action == Action::Delete {
        return Ok(());
    }
    let longest = change
        .attributes
        .iter()
        .map(|attribute| attribute.name.len())
        .max();
    for attribute in &change.attributes {
        if change.action == Action::Create && attribute.after == Value::Null {
            continue;
        }
        let unit = super::unit(&change.kind, &attribute.name);
        line(attribute, unit, change.action, longest.unwrap_or(0), out)?;
        let (Value::Template(before), Value::Template(after)) = (&attribute.before, &attribute.after) else {
            continue;
        };
        let lines = template::differences(before, after);
        match shown_before {
            Some((at, before)) if *before == lines && at.block() == change.address.block() => {
                writeln!(out, "        the same lines as in {at}")?;
            }
            _ => {
                for line in &lines {
                    writeln!(out, "        {line}")?;
                }
                *shown_before = Some((change.address.clone(), lines));
            }
        }
    }
    Ok(())
}

/// Why a resource is deleted, where that is not said by the plan as a whole.
fn why_deleted(plan: &Plan, change: &Change) -> String {
    if let Some(new) = &change.moved_from {
        return format!(", once {new} is online");
    }
    if plan.destroy {
        return String::new();
    }
    let block = change.address.block();
    let of_block = |other: &&Change| other.address.block() == block && other.action != Action::Delete;
    let left = plan.changes.iter().filter(of_block);
    if left.clone().next().is_none() {
        return format!(", because the Nest has no {block} any more");
    }
    match left.filter(|other| other.kind == change.kind).count() {
        machines if change.rollout.is_some() => format!(", because `min_count` of {block} is {machines} now"),
        _ => String::new(),
    }
}

fn line(
    attribute: &AttributeChange,
    unit: Unit,
    action: Action,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let after = shown(&attribute.after, unit);
    let text = if action == Action::Create {
        after
    } else {
        let before = shown(&attribute.before, unit);
        if before == after {
            format!("{before} is changed")
        } else {
            format!("{before} -> {after}")
        }
    };
    let name = &attribute.name;
    writeln!(
        out,
        "      {name:width$}  {text}{}",
        place(attribute.origin.as_ref())
    )
}

fn place(origin: Option<&Origin>) -> String {
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
