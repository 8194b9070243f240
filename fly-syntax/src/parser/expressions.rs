//! Values: operators by their binding, brackets, comprehensions, names and numbers.

use super::{Builder, Node, Rule};
use crate::number::{self, NotANumber};
use crate::problems;
use crate::scan::MOST_NESTING;
use crate::source::Span;
use crate::tree::{
    Binary, BinaryOperator, Conditional, Expr, ExprKind, ForList, ForObject, Ident, ObjectEntry, ObjectKey,
    UnaryOperator,
};

/// The names and the collection of a `for`.
type Intro = (Option<Ident>, Ident, Expr);

impl Builder<'_> {
    /// The expression of `only_expression`.
    pub(super) fn first_expression(&mut self, node: Option<Node<'_>>) -> Option<Expr> {
        let inner = node?.into_inner().next()?;
        Some(self.expression(inner))
    }

    pub(super) fn expression(&mut self, node: Node<'_>) -> Expr {
        let mut parts = node.clone().into_inner();
        if let (Some(only), None) = (parts.next(), parts.next()) {
            return self.operand(only);
        }
        let whole = self.span(&node);
        let mut operands: Vec<Expr> = Vec::new();
        let mut operators: Vec<(BinaryOperator, Span)> = Vec::new();
        let mut inner = node.into_inner();
        while let Some(part) = inner.next() {
            match part.as_rule() {
                Rule::operand => operands.push(self.operand(part)),
                Rule::infix => {
                    let span = self.span(&part);
                    operators.push((operator(part.as_str()), span));
                }
                Rule::question => {
                    let condition = self.fold(operands, &operators, whole);
                    let (Some(then), Some(otherwise)) = (inner.next(), inner.next()) else {
                        return broken(whole);
                    };
                    let conditional = Conditional {
                        condition,
                        then: self.expression(then),
                        otherwise: self.expression(otherwise),
                    };
                    let span = conditional.condition.span.to(conditional.otherwise.span);
                    let kind = ExprKind::Conditional(Box::new(conditional));
                    return Expr { kind, span };
                }
                _ => {}
            }
        }
        self.fold(operands, &operators, whole)
    }

    /// A flat list of operands and operators as a tree, tighter operators deeper.
    fn fold(&mut self, operands: Vec<Expr>, operators: &[(BinaryOperator, Span)], whole: Span) -> Expr {
        if operators.len() > MOST_NESTING {
            let at = operators[MOST_NESTING].1;
            self.problems
                .push(problems::too_deep::problem(at, "operators", MOST_NESTING));
            return broken(whole);
        }
        let mut operands = operands.into_iter();
        let Some(first) = operands.next() else {
            return broken(whole);
        };
        let mut values = vec![first];
        let mut waiting: Vec<(BinaryOperator, Span)> = Vec::new();
        for (operator, operand) in operators.iter().zip(operands) {
            while let Some(before) = waiting.last()
                && before.0.precedence() >= operator.0.precedence()
            {
                self.chain(*before, *operator);
                reduce(&mut values, &mut waiting);
            }
            waiting.push(*operator);
            values.push(operand);
        }
        while !waiting.is_empty() {
            reduce(&mut values, &mut waiting);
        }
        values.pop().unwrap_or_else(|| broken(whole))
    }

    fn chain(&mut self, first: (BinaryOperator, Span), second: (BinaryOperator, Span)) {
        let compares = |operator: BinaryOperator| matches!(operator.precedence(), 3 | 4);
        if compares(first.0) && compares(second.0) {
            self.problems
                .push(problems::chained_comparison::problem(second.1, first.1));
        }
    }

    fn operand(&mut self, node: Node<'_>) -> Expr {
        let whole = self.span(&node);
        let mut prefixes: Vec<(UnaryOperator, Span)> = Vec::new();
        let mut value: Option<Expr> = None;
        let mut steps = 0;
        for part in node.into_inner() {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::prefix if part.as_str() == "!" => prefixes.push((UnaryOperator::Not, span)),
                Rule::prefix => prefixes.push((UnaryOperator::Negate, span)),
                Rule::field | Rule::index => {
                    steps += 1;
                    if steps > MOST_NESTING {
                        continue;
                    }
                    let Some(base) = value.take() else {
                        return broken(whole);
                    };
                    let span = base.span.to(span);
                    let rule = part.as_rule();
                    let Some(inner) = part.into_inner().next() else {
                        return broken(whole);
                    };
                    let kind = if rule == Rule::field {
                        ExprKind::Attribute(Box::new(base), self.ident(&inner))
                    } else {
                        let index = self.expression(inner);
                        ExprKind::Index(Box::new(base), Box::new(index))
                    };
                    value = Some(Expr { kind, span });
                }
                _ => value = Some(self.primary(part)),
            }
        }
        if steps > MOST_NESTING || prefixes.len() > MOST_NESTING {
            let what = if steps > MOST_NESTING {
                "steps of a path"
            } else {
                "operators"
            };
            self.problems
                .push(problems::too_deep::problem(whole, what, MOST_NESTING));
            return broken(whole);
        }
        let value = value.unwrap_or_else(|| broken(whole));
        prefixes
            .into_iter()
            .rev()
            .fold(value, |value, (operator, span)| Expr {
                span: span.to(value.span),
                kind: ExprKind::Unary(operator, Box::new(value)),
            })
    }

    /// A number or a call in a predicate.
    pub(super) fn primary_of(&mut self, node: Node<'_>) -> Expr {
        self.primary(node)
    }

    fn primary(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let kind = match node.as_rule() {
            Rule::single_quoted if self.single_quotes => {
                let text = node.as_str();
                return self.plain_text(&text[1..text.len() - 1], span);
            }
            Rule::plain_text => {
                let text = node.as_str();
                let text = &text[1..text.len() - 1];
                return self.plain_text(text, span);
            }
            Rule::text => ExprKind::String(self.template(node.into_inner())),
            Rule::heredoc => self.heredoc(node),
            Rule::number => self.number(node.as_str(), span),
            Rule::word => match node.as_str() {
                "true" => ExprKind::Bool(true),
                "false" => ExprKind::Bool(false),
                name => ExprKind::Name(name.into()),
            },
            Rule::call => return self.call(node),
            Rule::paren => match node.into_inner().next() {
                Some(inner) => ExprKind::Paren(Box::new(self.expression(inner))),
                None => ExprKind::Broken,
            },
            Rule::list => ExprKind::List(self.items(node, "elements")),
            Rule::object => ExprKind::Object(self.object(node)),
            Rule::for_list | Rule::for_object => return self.comprehension(node),
            Rule::broken_for => {
                let object = node.as_str().starts_with('{');
                self.problems.push(problems::broken_for::problem(span, object));
                ExprKind::Broken
            }
            Rule::single_quoted => {
                self.problems
                    .push(problems::single_quotes::problem(span, node.as_str()));
                ExprKind::Broken
            }
            Rule::broken_paren => {
                let text = node.as_str();
                self.broken_inside(&text[1..text.len() - 1], node.as_span().start() + 1);
                ExprKind::Broken
            }
            _ => ExprKind::Broken,
        };
        Expr { kind, span }
    }

    /// Finds what is wrong with a piece of text that should be one expression.
    pub(super) fn broken_inside(&mut self, text: &str, start: usize) {
        use pest::Parser as _;
        let before = self.problems.len();
        match super::Grammar::parse(Rule::only_expression, text) {
            Err(error) => self.explain(&error, start),
            Ok(_) => {
                let at = self.place(start, start + text.len());
                self.unexpected(at.start as usize, text);
            }
        }
        self.problems.truncate(before + 1);
    }

    fn number(&mut self, token: &str, span: Span) -> ExprKind {
        let (reason, likely) = match number::read(token) {
            Ok(kind) => return kind,
            Err(NotANumber::Unit { unit, likely }) => (format!("there is no unit `{unit}`"), likely),
            Err(NotANumber::TooLarge) => ("it is too large".to_owned(), Vec::new()),
            Err(NotANumber::Order) => (
                "the parts of a duration go from large to small".to_owned(),
                Vec::new(),
            ),
            Err(NotANumber::Fraction) => (
                "it is not a whole number of its smallest unit".to_owned(),
                Vec::new(),
            ),
            Err(NotANumber::Form) => ("it has too many points or underscores".to_owned(), Vec::new()),
        };
        self.problems
            .push(problems::bad_number::problem(span, token, &reason, &likely));
        ExprKind::Broken
    }

    fn call(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let Some(name) = node.clone().into_inner().next().map(|name| self.ident(&name)) else {
            return broken(span);
        };
        let kind = ExprKind::Call(name, self.items(node, "arguments"));
        Expr { kind, span }
    }

    /// The elements of a list or the arguments of a call, with the commas looked after.
    fn items(&mut self, node: Node<'_>, what: &str) -> Vec<Expr> {
        let mut items: Vec<Expr> = Vec::new();
        let mut comma = true;
        for part in node.into_inner() {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::name => continue,
                Rule::comma => {
                    if comma {
                        self.problems.push(problems::missing_comma::extra(span));
                    }
                    comma = true;
                    continue;
                }
                rule => {
                    if !comma && let Some(last) = items.last() {
                        let between = Span {
                            start: last.span.end,
                            end: span.start,
                            ..span
                        };
                        let certain = between.start < between.end && self.quotes_pair_up(between);
                        self.problems
                            .push(problems::missing_comma::problem(between, what, certain));
                    }
                    comma = false;
                    if rule == Rule::nested {
                        items.push(self.expression(part));
                    } else {
                        self.broken_inside(part.as_str(), part.as_span().start());
                        items.push(broken(span));
                    }
                }
            }
        }
        items.shrink_to_fit();
        items
    }

    /// Whether the lines of a place have an even number of quotes: one too many makes texts of what stands between them.
    fn quotes_pair_up(&self, at: Span) -> bool {
        let text = self.source.text();
        let (before, after) = (text.get(..at.start as usize), text.get(at.end as usize..));
        let start = before
            .and_then(|before| before.rsplit('\n').next())
            .unwrap_or_default();
        let end = after
            .and_then(|after| after.split('\n').next())
            .unwrap_or_default();
        let quotes = |text: &str| text.bytes().filter(|byte| *byte == b'"').count();
        (quotes(start) + quotes(self.source.slice(at)) + quotes(end)).is_multiple_of(2)
    }

    fn object(&mut self, node: Node<'_>) -> Vec<ObjectEntry> {
        let mut entries: Vec<ObjectEntry> = Vec::new();
        let mut comma = true;
        for part in node.into_inner() {
            let span = self.span(&part);
            if part.as_rule() == Rule::comma {
                if comma {
                    self.problems.push(problems::missing_comma::extra(span));
                }
                comma = true;
                continue;
            }
            if !comma && let Some(last) = entries.last() {
                let between = Span {
                    start: last.value.span.end,
                    end: span.start,
                    ..span
                };
                if !self.source.slice(between).contains('\n') {
                    self.problems
                        .push(problems::missing_comma::problem(between, "entries", true));
                }
            }
            comma = false;
            if part.as_rule() == Rule::broken_pair {
                let text = part.as_str().trim_end();
                let skipped = text
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(text.len());
                if skipped == text.len() {
                    let wanted = format!("an entry of an object is `{text} = value`");
                    let at = Span {
                        end: span.start + u32::try_from(text.len()).unwrap_or(0),
                        ..span
                    };
                    self.problems
                        .push(problems::unexpected::problem(at, text, &wanted));
                } else {
                    self.unexpected(span.start as usize + skipped, &text[skipped..]);
                }
                continue;
            }
            entries.extend(self.object_entry(part));
        }
        entries
    }

    fn object_entry(&mut self, node: Node<'_>) -> Option<ObjectEntry> {
        let mut inner = node.into_inner();
        let key_node = inner.next()?;
        let key_span = self.span(&key_node);
        let word = key_node.as_str().to_owned();
        let key = match key_node.as_rule() {
            Rule::name => ObjectKey::Name(self.ident(&key_node)),
            _ => ObjectKey::String(self.template(key_node.into_inner()), key_span),
        };
        let mut next = inner.next()?;
        if next.as_rule() == Rule::colon {
            let sign = next.as_str();
            next = inner.next()?;
            let between = Span {
                start: key_span.end,
                end: self.span(&next).start,
                ..key_span
            };
            self.problems
                .push(problems::missing_equals::problem(key_span, &word, between, sign));
        }
        let value = self.expression(next);
        Some(ObjectEntry { key, value })
    }

    fn comprehension(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(&node);
        let object = node.as_rule() == Rule::for_object;
        let mut names: Vec<Ident> = Vec::new();
        let mut parts: Vec<Expr> = Vec::new();
        let mut condition = None;
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.ident(&part)),
                Rule::for_condition => {
                    condition = part.into_inner().next().map(|inner| self.expression(inner))
                }
                _ => parts.push(self.expression(part)),
            }
        }
        let intro = |names: Vec<Ident>, collection: Expr| -> Option<Intro> {
            let mut names = names.into_iter();
            match (names.next(), names.next()) {
                (Some(item), None) => Some((None, item, collection)),
                (Some(key), Some(item)) => Some((Some(key), item, collection)),
                _ => None,
            }
        };
        let mut parts = parts.into_iter();
        let Some((key, item, collection)) = parts.next().and_then(|collection| intro(names, collection))
        else {
            return broken(span);
        };
        let kind = match (object, parts.next(), parts.next()) {
            (false, Some(value), None) => ExprKind::ForList(Box::new(ForList {
                key,
                item,
                collection,
                value,
                condition,
            })),
            (true, Some(new_key), Some(new_value)) => ExprKind::ForObject(Box::new(ForObject {
                key,
                item,
                collection,
                new_key,
                new_value,
                condition,
            })),
            _ => ExprKind::Broken,
        };
        Expr { kind, span }
    }
}

pub(super) fn broken(span: Span) -> Expr {
    let kind = ExprKind::Broken;
    Expr { kind, span }
}

pub(super) fn binary(operator: (BinaryOperator, Span), left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    let (operator, operator_span) = operator;
    let kind = ExprKind::Binary(Box::new(Binary {
        operator,
        operator_span,
        left,
        right,
    }));
    Expr { kind, span }
}

fn reduce(values: &mut Vec<Expr>, waiting: &mut Vec<(BinaryOperator, Span)>) {
    if let (Some(operator), Some(right), Some(left)) = (waiting.pop(), values.pop(), values.pop()) {
        values.push(binary(operator, left, right));
    }
}

pub(super) fn operator(symbol: &str) -> BinaryOperator {
    use BinaryOperator as Op;
    match symbol {
        "||" => Op::Or,
        "&&" => Op::And,
        "==" => Op::Equal,
        "!=" => Op::NotEqual,
        "<" => Op::Less,
        "<=" => Op::LessOrEqual,
        ">" => Op::Greater,
        ">=" => Op::GreaterOrEqual,
        "+" => Op::Add,
        "-" => Op::Subtract,
        "*" => Op::Multiply,
        "/" => Op::Divide,
        _ => Op::Modulo,
    }
}
