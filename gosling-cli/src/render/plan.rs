//! A plan as a person reads it: grouped by egg, each resource with what changes and where that is written.

use std::fmt::Write as _;
use std::io::{self, Write};

use gosling_engine::{Action, AttributeChange, Change, Counts, Plan};
use gosling_resource::{Origin, Part, Value};

use super::{Look, Unit};

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
    let mut block = String::new();
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
        one(change, look, out)?;
    }
    if !block.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(plan))
}

/// `Plan: 3 to create, 1 to change, none to replace, 2 to delete.`
#[must_use]
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts();
    if counts == Counts::default() {
        let why = match plan.destroy {
            true => "nothing that this Nest created is left",
            false => "what is there is what the Nest asks for",
        };
        return format!("No changes: {why}.");
    }
    let mut parts = vec![
        format!("{} to create", counts.create),
        format!("{} to change", counts.update),
        format!("{} to replace", counts.replace),
        format!("{} to delete", counts.delete),
    ];
    if counts.moved > 0 {
        parts.push(format!("{} to rename", counts.moved));
    }
    format!("Plan: {}.", parts.join(", "))
}

fn one(change: &Change, look: Look, out: &mut dyn Write) -> io::Result<()> {
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
        Action::Delete => ('-', "is deleted".to_owned()),
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
    }
    Ok(())
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
            format!("{before} -> another one")
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
