//! Trees back into text, without a source: for what is generated rather than read.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::format::{Leaf, Origin, Trivia, Walk, Wrap};
use crate::source::Span;
use crate::tree::{Body, Expr, ExprKind, Heredoc, Quantity, Template, TemplatePart};

/// The canonical text of a tree: what parses to the same meaning and is formatted already.
///
/// Spans are not looked at. Parentheses are added where the tree needs them, brackets are broken
/// where a line grows beyond 100 characters. What could not be read is left out.
#[must_use]
pub fn print(body: &Body) -> String {
    Walk::file(Printer { inside_string: false }, Wrap::All, body)
}

/// A value on one line, as it is written inside `${` and `}` and wherever else no line may break.
///
/// Spans and parentheses around values are as for [`print`].
#[must_use]
pub fn print_value(expr: &Expr) -> String {
    let mut text = Walk::value(Printer { inside_string: true }, Wrap::Never, expr);
    text.truncate(text.trim_end().len());
    text
}

struct Printer {
    /// Whether a line break would end the string around.
    inside_string: bool,
}

impl<'t> Origin<'t> for Printer {
    fn trivia(&mut self) -> Trivia<'t> {
        Trivia::default()
    }

    fn comma_follows(&mut self) -> bool {
        false
    }

    fn line_ends(&self) -> bool {
        false
    }

    fn mark(&mut self, _: &'static str) {}

    fn leaf(&mut self, _: Span, leaf: Leaf<'t>) -> Cow<'t, str> {
        match leaf {
            Leaf::Name(name) => Cow::Borrowed(name),
            Leaf::Literal(literal) => Cow::Owned(number(literal)),
            Leaf::String(template) => Cow::Owned(quoted(template)),
            Leaf::Heredoc(heredoc) if self.inside_string => Cow::Owned(quoted(&heredoc.text)),
            Leaf::Heredoc(heredoc) => Cow::Owned(here(heredoc)),
        }
    }

    fn adds_parens(&self) -> bool {
        true
    }
}

fn number(literal: &ExprKind) -> String {
    match literal {
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => with_point(*value),
        ExprKind::Quantity(Quantity::Duration(milliseconds)) => duration(*milliseconds),
        ExprKind::Quantity(Quantity::Size(bytes)) => size(*bytes),
        ExprKind::Quantity(Quantity::Percent(percent)) => format!("{percent}%"),
        _ => String::new(),
    }
}

/// A float is told from an int by its point.
fn with_point(value: f64) -> String {
    let mut text = value.to_string();
    if !text.contains('.') {
        text.push_str(".0");
    }
    text
}

/// `1h30m`: each unit once, from large to small.
fn duration(milliseconds: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut rest = milliseconds;
    let mut text = String::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            let _ = write!(text, "{}{name}", rest / unit);
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// The unit that gives the smallest whole number.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 8] = [
        (1 << 40, "TiB"),
        (1_000_000_000_000, "TB"),
        (1 << 30, "GiB"),
        (1_000_000_000, "GB"),
        (1 << 20, "MiB"),
        (1_000_000, "MB"),
        (1 << 10, "KiB"),
        (1_000, "KB"),
    ];
    let unit = UNITS
        .iter()
        .find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// A string in its quotes, on one line.
fn quoted(template: &Template) -> String {
    let mut text = String::from("\"");
    for (position, part) in template.parts.iter().enumerate() {
        match part {
            TemplatePart::Literal { text: literal, .. } => {
                let (before, dollar) = match literal.strip_suffix('$') {
                    // `$` and `${` in a row would read as the escape `$${`.
                    Some(before) if is_interpolation(template.parts.get(position + 1)) => (before, "\\u{24}"),
                    _ => (literal.as_str(), ""),
                };
                escape(before, &mut text);
                text.push_str(dollar);
            }
            TemplatePart::Interpolation { expr, .. } => interpolate(expr, &mut text),
        }
    }
    text.push('"');
    text
}

fn escape(literal: &str, text: &mut String) {
    for c in literal.replace("${", "$${").chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(text, "\\u{{{:X}}}", u32::from(c));
            }
            c => text.push(c),
        }
    }
}

fn interpolate(expr: &Expr, text: &mut String) {
    let _ = write!(text, "${{{}}}", print_value(expr));
}

fn is_interpolation(part: Option<&TemplatePart>) -> bool {
    matches!(part, Some(TemplatePart::Interpolation { .. }))
}

/// A heredoc, to the end of its terminator; a string where no heredoc can say the text.
fn here(heredoc: &Heredoc) -> String {
    let parts = &heredoc.text.parts;
    let literals = || {
        parts.iter().filter_map(|part| match part {
            TemplatePart::Literal { text, .. } => Some(text.as_str()),
            TemplatePart::Interpolation { .. } => None,
        })
    };
    let whole_lines = match parts.last() {
        Some(TemplatePart::Literal { text, .. }) => text.ends_with('\n'),
        Some(TemplatePart::Interpolation { .. }) => false,
        None => true,
    };
    let sayable = whole_lines
        && literals().all(|text| !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'))
        && !parts.windows(2).any(|pair| {
            matches!(&pair[0], TemplatePart::Literal { text, .. } if text.ends_with('$'))
                && is_interpolation(pair.get(1))
        });
    if !sayable {
        return quoted(&heredoc.text);
    }
    let mut terminator = heredoc.terminator.to_string();
    while literals().any(|text| text.contains(&terminator)) {
        terminator.push('_');
    }
    let mut text = format!("<<{terminator}\n");
    for part in parts {
        match part {
            TemplatePart::Literal { text: literal, .. } => text.push_str(&literal.replace("${", "$${")),
            TemplatePart::Interpolation { expr, .. } => interpolate(expr, &mut text),
        }
    }
    text.push_str(&terminator);
    text
}
