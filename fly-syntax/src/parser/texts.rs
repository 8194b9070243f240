//! Texts: escapes, interpolations, heredocs.

use pest::iterators::Pairs;
use smol_str::SmolStr;

use super::{Builder, Node, Rule};
use crate::problems;
use crate::source::Span;
use crate::tree::{Expr, ExprKind, Heredoc, Template, TemplatePart};

impl Builder<'_> {
    /// A text without escapes and interpolations; `span` has the quotes.
    pub(super) fn plain_text(&self, text: &str, span: Span) -> Expr {
        let parts = if text.is_empty() {
            Vec::new()
        } else {
            // A text that is not closed has no quote behind it.
            let start = span.start + 1;
            let length = u32::try_from(text.len()).unwrap_or(0);
            let inside = Span {
                start,
                end: (start + length).min(span.end),
                ..span
            };
            // Exactly one: nearly all memory of a tree is in its texts.
            vec![TemplatePart::Literal {
                text: SmolStr::new(text),
                span: inside,
            }]
        };
        let kind = ExprKind::String(Template { parts });
        Expr { kind, span }
    }

    /// The parts of a text or a heredoc; neighbouring pieces of plain text become one.
    pub(super) fn template(&mut self, nodes: Pairs<'_, Rule>) -> Template {
        let mut parts: Vec<TemplatePart> = Vec::new();
        let mut plain = String::new();
        let mut plain_span: Option<Span> = None;
        for node in nodes {
            let span = self.span(&node);
            match node.as_rule() {
                Rule::chunk | Rule::heredoc_text | Rule::template_text | Rule::heredoc_newline => {
                    let text = node.as_str();
                    let text = text.strip_suffix('\r').unwrap_or(text);
                    plain.push_str(text);
                }
                Rule::dollar | Rule::template_dollar => plain.push_str("${"),
                Rule::escape => self.escape(node.as_str(), span, &mut plain),
                Rule::interpolation => {
                    flush(&mut parts, &mut plain, &mut plain_span);
                    let expr = self.interpolation(node, span);
                    parts.push(TemplatePart::Interpolation { expr, span });
                    continue;
                }
                _ => continue,
            }
            plain_span = Some(plain_span.map_or(span, |before| before.to(span)));
        }
        flush(&mut parts, &mut plain, &mut plain_span);
        parts.shrink_to_fit();
        Template { parts }
    }

    fn interpolation(&mut self, node: Node<'_>, span: Span) -> Expr {
        self.bracketed(node, span)
            .unwrap_or_else(|| super::expressions::broken(span))
    }

    fn escape(&mut self, escape: &str, span: Span, plain: &mut String) {
        let resolved = match escape {
            "\\n" => Some('\n'),
            "\\t" => Some('\t'),
            "\\\"" => Some('"'),
            "\\\\" => Some('\\'),
            _ => escape
                .strip_prefix("\\u{")
                .and_then(|rest| rest.strip_suffix('}'))
                .filter(|digits| digits.len() <= 6 && !digits.starts_with('+'))
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32),
        };
        match resolved {
            Some(character) => plain.push(character),
            None => self.problems.push(problems::bad_escape::problem(span, escape)),
        }
    }

    pub(super) fn heredoc(&mut self, node: Node<'_>) -> ExprKind {
        let mut terminator = SmolStr::default();
        let mut stripped = false;
        let mut parts = Vec::new();
        let inner = node.into_inner();
        for part in inner.clone() {
            if part.as_rule() == Rule::heredoc_start {
                for word in part.into_inner() {
                    match word.as_rule() {
                        Rule::heredoc_strip => stripped = true,
                        _ => terminator = word.as_str().into(),
                    }
                }
            }
        }
        let text = self.template(inner);
        parts.extend(text.parts);
        if stripped {
            strip(&mut parts);
        }
        ExprKind::Heredoc(Heredoc {
            terminator,
            stripped,
            text: Template { parts },
        })
    }
}

fn flush(parts: &mut Vec<TemplatePart>, plain: &mut String, span: &mut Option<Span>) {
    if let Some(span) = span.take()
        && !plain.is_empty()
    {
        let text = SmolStr::new(&*plain);
        parts.push(TemplatePart::Literal { text, span });
    }
    plain.clear();
}

/// Takes the smallest indent of the lines away from all of them; lines with nothing on them do not count.
fn strip(parts: &mut [TemplatePart]) {
    let mut smallest = usize::MAX;
    let mut fresh = true;
    for part in &*parts {
        match part {
            TemplatePart::Literal { text, .. } => {
                for line in text.split_inclusive('\n') {
                    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
                    let empty = line.ends_with('\n') && line.trim_ascii().is_empty();
                    if fresh && !empty {
                        smallest = smallest.min(indent);
                    }
                    fresh = line.ends_with('\n');
                }
            }
            TemplatePart::Interpolation { .. } => {
                if fresh {
                    smallest = 0;
                }
                fresh = false;
            }
        }
    }
    if smallest == usize::MAX {
        smallest = 0;
    }
    let mut fresh = true;
    for part in parts {
        match part {
            TemplatePart::Literal { text, .. } => {
                let mut kept = String::with_capacity(text.len());
                for line in text.split_inclusive('\n') {
                    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
                    let cut = if fresh { indent.min(smallest) } else { 0 };
                    kept.push_str(&line[cut..]);
                    fresh = line.ends_with('\n');
                }
                *text = SmolStr::new(kept);
            }
            TemplatePart::Interpolation { .. } => fresh = false,
        }
    }
}
