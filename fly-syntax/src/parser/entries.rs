//! Bodies, blocks and attributes.

use pest::Parser as _;
use pest::iterators::Pairs;

use super::{Builder, Grammar, Node, Rule};
use crate::number;
use crate::problems;
use crate::source::Span;
use crate::tree::{
    Attribute, Block, Body, Broken, Entry, Expr, ExprKind, Ident, Label, Template, TemplatePart,
};

impl Builder<'_> {
    pub(super) fn body(&mut self, nodes: Pairs<'_, Rule>) -> Body {
        let mut entries = Vec::new();
        for node in nodes {
            entries.extend(self.entry(node));
        }
        entries.shrink_to_fit();
        Body { entries }
    }

    fn entry(&mut self, node: Node<'_>) -> Option<Entry> {
        Some(match node.as_rule() {
            Rule::attribute => Entry::Attribute(self.attribute(node)?),
            Rule::block | Rule::unquoted_label | Rule::split_block => Entry::Block(self.block(node)?),
            Rule::nameless => {
                let span = self.span(&node);
                let open = Span {
                    end: span.start + 1,
                    ..span
                };
                self.problems.push(problems::nameless_block::problem(open));
                Entry::Broken(Broken { span, name: None })
            }
            Rule::headless => self.headless(node)?,
            Rule::missing_equals => self.missing_equals(node)?,
            Rule::missing_value => {
                let mut inner = node.into_inner();
                let name = self.ident(&inner.next()?);
                let equals = self.span(&inner.next()?);
                self.problems
                    .push(problems::missing_value::problem(equals, &name.name));
                Entry::Attribute(broken_attribute(name, equals))
            }
            Rule::late_value => {
                let mut inner = node.into_inner();
                let name = self.ident(&inner.next()?);
                let equals = self.span(&inner.next()?);
                let value = self.expression(inner.next()?);
                let gap = equals.at_end().to(Span {
                    end: value.span.start,
                    ..value.span
                });
                let blank = self.is_blank(gap);
                self.problems.push(problems::missing_value::late(
                    equals,
                    &name.name,
                    blank.then_some(gap),
                ));
                Entry::Attribute(Attribute { name, value })
            }
            Rule::broken_value => {
                let mut inner = node.into_inner();
                let name = self.ident(&inner.next()?);
                let rest = inner.next()?;
                let span = self.span(&rest);
                self.broken_expression(&rest);
                Entry::Attribute(broken_attribute(name, span))
            }
            Rule::broken_line => {
                let span = self.span(&node);
                let text = node.as_str().trim_end();
                let name = first_name(text).map(|length| Ident {
                    name: text[..length].into(),
                    span: self.place(node.as_span().start(), node.as_span().start() + length),
                });
                if let Some(name) = &name
                    && name.name.len() == text.len()
                {
                    let wanted =
                        format!("write `{text} = ...` for an attribute, or `{text} {{ ... }}` for a block");
                    self.problems
                        .push(problems::unexpected::problem(name.span, text, &wanted));
                } else {
                    let (at, skipped) = name
                        .as_ref()
                        .map_or((span.start, 0), |name| (name.span.end, name.name.len()));
                    self.unexpected(at as usize, &text[skipped..]);
                }
                Entry::Broken(Broken { span, name })
            }
            _ => return None,
        })
    }

    fn attribute(&mut self, node: Node<'_>) -> Option<Attribute> {
        let mut inner = node.into_inner();
        let name = self.ident(&inner.next()?);
        let before = self.problems.len();
        let value = self.expression(inner.next()?);
        let Some(more) = inner.next() else {
            return Some(Attribute { name, value });
        };
        let span = self.span(&more);
        match more.as_rule() {
            Rule::sign => {
                self.problems.push(problems::left_over::sign(span, more.as_str()));
                Some(Attribute { name, value })
            }
            Rule::split => {
                self.problems.truncate(before);
                let whole = value.span.to(span);
                let operator = more.into_inner().next()?;
                let sign = self.span(&operator);
                self.problems
                    .push(problems::unexpected::split(sign, operator.as_str(), whole));
                Some(broken_attribute(name, whole))
            }
            _ => {
                self.left_over(&more, value.span);
                Some(broken_attribute(name, value.span.to(span)))
            }
        }
    }

    /// What stands behind a value and does not belong to it.
    pub(super) fn left_over(&mut self, rest: &Node<'_>, value: Span) {
        let found = rest.as_str().trim_end();
        let start = rest.as_span().start();
        let span = self.place(start, start + found.len());
        if self.unit_apart(value, found, span) {
            return;
        }
        match found.chars().next() {
            // What could go on as an expression and does not is broken in itself.
            Some('+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '&' | '|' | '?' | '.') => {
                self.broken_rest(rest);
            }
            _ => self.problems.push(problems::left_over::problem(
                span,
                found,
                self.source.slice(value),
            )),
        }
    }

    fn block(&mut self, node: Node<'_>) -> Option<Block> {
        let mut kind = None;
        let mut labels = Vec::new();
        let mut open = None;
        let mut close = None;
        let mut entries = Vec::new();
        let late = node.as_rule() == Rule::split_block;
        self.blocks += 1;
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::name if kind.is_none() => kind = Some(self.ident(&part)),
                Rule::label | Rule::bare_label => labels.extend(self.label(part)),
                Rule::open => open = Some(self.span(&part)),
                Rule::close => close = Some(self.span(&part)),
                _ => entries.extend(self.entry(part)),
            }
        }
        self.blocks -= 1;
        let (kind, open) = (kind?, open?);
        if late {
            let header = labels.last().map_or(kind.span, |label: &Label| label.span);
            let gap = header.at_end().to(Span {
                end: open.start,
                ..open
            });
            let blank = self.is_blank(gap);
            self.problems.push(problems::missing_body::late(
                open,
                &kind.name,
                blank.then_some(gap),
            ));
        }
        let header = labels
            .last()
            .map_or(kind.span, |label: &Label| kind.span.to(label.span));
        self.check_labels(&kind, &labels);
        labels.shrink_to_fit();
        entries.shrink_to_fit();
        Some(Block {
            kind,
            labels,
            body: Body { entries },
            header,
            open,
            close: close.unwrap_or(open.at_end()),
        })
    }

    fn label(&mut self, node: Node<'_>) -> Option<Label> {
        let span = self.span(&node);
        let inner = node.into_inner().next()?;
        let text = match inner.as_rule() {
            Rule::text => self.template(inner.into_inner()),
            _ => {
                let text = inner.as_str();
                self.problems.push(problems::unquoted_label::problem(span, text));
                Template {
                    parts: vec![TemplatePart::Literal {
                        text: text.into(),
                        span,
                    }],
                }
            }
        };
        Some(Label { text, span })
    }

    /// Labels are `[A-Za-z0-9][A-Za-z0-9_-]*`. Those that name something of the language may begin as names do.
    fn check_labels(&mut self, kind: &Ident, labels: &[Label]) {
        let named = matches!(kind.name.as_str(), "variable" | "locals" | "preset");
        for label in labels {
            let Some(text) = label.text.literal() else {
                continue;
            };
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let begins = |c: char| c.is_ascii_alphanumeric() || (named && c == '_');
            let reported = self
                .problems
                .last()
                .is_some_and(|problem| problem.span == label.span);
            let sound = text.starts_with(begins) && text.chars().all(allowed);
            if !reported && !sound {
                self.problems
                    .push(problems::bad_label::problem(label.span, &text));
            }
        }
    }

    fn headless(&mut self, node: Node<'_>) -> Option<Entry> {
        let text = node.as_str().trim_end();
        let start = node.as_span().start();
        let span = self.place(start, start + text.len());
        let mut inner = node.into_inner();
        let name = self.ident(&inner.next()?);
        // Inside a block, a name and one text are far more often an attribute than a block's header.
        if self.blocks > 0
            && let (Some(label), None) = (inner.next(), inner.next())
        {
            let label = self.span(&label);
            let between = Span {
                start: name.span.end,
                end: label.start,
                ..label
            };
            self.problems.push(problems::missing_equals::problem(
                name.span, &name.name, between, "",
            ));
            return Some(Entry::Attribute(broken_attribute(name, label)));
        }
        self.problems
            .push(problems::missing_body::problem(span, &name.name));
        Some(Entry::Broken(Broken {
            span,
            name: Some(name),
        }))
    }

    fn missing_equals(&mut self, node: Node<'_>) -> Option<Entry> {
        let mut inner = node.into_inner();
        let name = self.ident(&inner.next()?);
        let sign = inner.next()?.as_str();
        let before = self.problems.len();
        let value = self.expression(inner.next()?);
        self.problems.truncate(before);
        let between = Span {
            start: name.span.end,
            end: value.span.start,
            ..name.span
        };
        self.problems.push(problems::missing_equals::problem(
            name.span, &name.name, between, sign,
        ));
        Some(Entry::Attribute(broken_attribute(name, value.span)))
    }

    /// Finds the place in a value at which it stops making sense.
    pub(super) fn broken_expression(&mut self, node: &Node<'_>) {
        let text = node.as_str();
        let start = node.as_span().start();
        let before = self.problems.len();
        // A value on its own, so that the furthest failure is the value's.
        match Grammar::parse(Rule::only_expression, text) {
            Err(error) => self.explain(&error, start),
            Ok(mut pairs) => {
                self.first_expression(pairs.next());
                if self.problems.len() == before {
                    let at = self.place(start, start + text.trim_end().len());
                    let rest = self.source.slice(at).to_owned();
                    self.problems.push(problems::left_over::problem(at, &rest, ""));
                }
            }
        }
    }

    /// The same for what follows a value that could be read.
    pub(super) fn broken_rest(&mut self, rest: &Node<'_>) {
        let text = rest.as_str();
        let operator = text.chars().take_while(|c| "+-*/%<>=&|?.".contains(*c)).count();
        let at = self.place(rest.as_span().start(), rest.as_span().start());
        let known = matches!(
            &text[..operator],
            "+" | "-" | "*" | "/" | "%" | "<" | "<=" | ">" | ">=" | "==" | "!=" | "&&" | "||" | "?" | "."
        );
        if known {
            // The operator is fine; what is missing or wrong stands behind it.
            self.unexpected(at.start as usize + operator, &text[operator..]);
        } else {
            self.unexpected(at.start as usize, text);
        }
    }
}

impl Builder<'_> {
    /// Reports a unit that has a blank before it: `20 GiB`. Whether it is one.
    pub(super) fn unit_apart(&mut self, value: Span, found: &str, at: Span) -> bool {
        let gap = value.at_end().to(at.at_start());
        let whole = number::with_unit(self.source.slice(value), found);
        let Some(whole) = whole.filter(|_| gap.start < gap.end && self.is_blank(gap)) else {
            return false;
        };
        self.problems
            .push(problems::left_over::unit(at, found, gap, &whole));
        true
    }

    /// Whether only white space stands there: an edit may take it away.
    fn is_blank(&self, gap: Span) -> bool {
        self.source.slice(gap).trim().is_empty()
    }
}

fn broken_attribute(name: Ident, span: Span) -> Attribute {
    let kind = ExprKind::Broken;
    Attribute {
        name,
        value: Expr { kind, span },
    }
}

fn first_name(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if !(first.is_ascii_alphabetic() || first == '_') {
        return None;
    }
    Some(
        text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(text.len()),
    )
}
