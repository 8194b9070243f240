//! Values: operators by their binding, brackets, comprehensions, names and numbers.

use pest::iterators::Pairs;

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
        // A chain of operators is as deep a tree as it is long, and stands on top of what is around it.
        let infixes = node.clone().into_inner();
        let operators = infixes.filter(|part| part.as_rule() == Rule::infix);
        let length = operators.clone().count();
        if self.chained + length > MOST_NESTING {
            let at = operators.last().map_or(whole, |last| self.span(&last));
            self.problems
                .push(problems::too_deep::problem(at, "operators", MOST_NESTING));
            return broken(whole);
        }
        self.chained += length;
        let value = self.chain_of(node, whole);
        self.chained -= length;
        value
    }

    /// Operands with operators between them, and the conditional that they may be the condition of.
    fn chain_of(&mut self, node: Node<'_>, whole: Span) -> Expr {
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
                    let question = self.span(&part);
                    let condition = self.fold(operands, &operators, whole);
                    return self.conditional(condition, question, inner, whole);
                }
                _ => {}
            }
        }
        self.fold(operands, &operators, whole)
    }

    fn conditional(
        &mut self,
        condition: Expr,
        question: Span,
        mut branches: Pairs<'_, Rule>,
        whole: Span,
    ) -> Expr {
        let Some(then) = branches.next().map(|then| self.expression(then)) else {
            return broken(whole);
        };
        let otherwise = match branches.next() {
            Some(late) if late.as_rule() == Rule::late_else => {
                self.problems
                    .push(problems::unexpected::split(question, "?", whole));
                late.into_inner().next()
            }
            Some(otherwise) => Some(otherwise),
            None => {
                self.problems
                    .push(problems::unexpected::no_else(question, then.span));
                None
            }
        };
        let Some(otherwise) = otherwise.map(|otherwise| self.expression(otherwise)) else {
            return broken(whole);
        };
        let span = condition.span.to(otherwise.span);
        let kind = ExprKind::Conditional(Box::new(Conditional {
            condition,
            then,
            otherwise,
        }));
        Expr { kind, span }
    }

    /// A flat list of operands and operators as a tree, tighter operators deeper.
    fn fold(&mut self, operands: Vec<Expr>, operators: &[(BinaryOperator, Span)], whole: Span) -> Expr {
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
        // Prefixes and steps nest around what they stand at, as operators do.
        let parts = node.clone().into_inner();
        let (mut prefixes, mut steps) = (0, 0);
        for part in parts {
            match part.as_rule() {
                Rule::prefix => prefixes += 1,
                Rule::field | Rule::index => steps += 1,
                _ => {}
            }
        }
        if self.chained + prefixes + steps > MOST_NESTING {
            let what = if steps > prefixes {
                "steps of a path"
            } else {
                "operators"
            };
            self.problems
                .push(problems::too_deep::problem(whole, what, MOST_NESTING));
            return broken(whole);
        }
        self.chained += prefixes + steps;
        let value = self.operand_of(node, whole);
        self.chained -= prefixes + steps;
        value
    }

    fn operand_of(&mut self, node: Node<'_>, whole: Span) -> Expr {
        let mut prefixes: Vec<(UnaryOperator, Span)> = Vec::new();
        let mut value: Option<Expr> = None;
        for part in node.into_inner() {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::prefix if part.as_str() == "!" => prefixes.push((UnaryOperator::Not, span)),
                Rule::prefix => prefixes.push((UnaryOperator::Negate, span)),
                Rule::field => {
                    let Some((base, name)) = value.take().zip(part.into_inner().next()) else {
                        return broken(whole);
                    };
                    let span = base.span.to(span);
                    let kind = ExprKind::Attribute(Box::new(base), self.ident(&name));
                    value = Some(Expr { kind, span });
                }
                Rule::index => {
                    let Some(base) = value.take() else {
                        return broken(whole);
                    };
                    let span = base.span.to(span);
                    value = Some(match self.bracketed(part, span) {
                        Some(index) => Expr {
                            kind: ExprKind::Index(Box::new(base), Box::new(index)),
                            span,
                        },
                        None => broken(span),
                    });
                }
                _ => value = Some(self.primary(part)),
            }
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

    /// The one value in brackets; `None` where there is none, or more than one, which is reported.
    pub(super) fn bracketed(&mut self, node: Node<'_>, span: Span) -> Option<Expr> {
        let mut inner = node.into_inner();
        let Some(first) = inner.next() else {
            let end = span.end.saturating_sub(1) as usize;
            self.unexpected(end, "");
            return None;
        };
        if !matches!(first.as_rule(), Rule::nested) {
            self.misplaced(&first);
            return None;
        }
        let value = self.expression(first);
        match inner.next() {
            None => Some(value),
            Some(rest) => {
                self.misplaced(&rest);
                None
            }
        }
    }

    /// Reports what does not fit into its brackets.
    fn misplaced(&mut self, rest: &Node<'_>) {
        let text = rest.as_str();
        let operators = text.chars().take_while(|c| "+-*/%<>=&|?.".contains(*c)).count();
        if operators > 0 && text.trim_end() != "*" {
            self.broken_rest(rest);
        } else {
            let at = self.place(rest.as_span().start(), rest.as_span().start());
            self.unexpected(at.start as usize, text);
        }
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
            Rule::paren => match self.bracketed(node, span) {
                Some(inner) => ExprKind::Paren(Box::new(inner)),
                None => ExprKind::Broken,
            },
            Rule::list => ExprKind::List(self.items(node, "elements")),
            Rule::object => ExprKind::Object(self.object(node)),
            Rule::for_list | Rule::for_object => return self.comprehension(node),
            Rule::single_quoted => {
                self.problems
                    .push(problems::single_quotes::problem(span, node.as_str()));
                ExprKind::Broken
            }
            _ => ExprKind::Broken,
        };
        Expr { kind, span }
    }

    fn number(&mut self, token: &str, span: Span) -> ExprKind {
        let (reason, likely) = match number::read(token) {
            Ok(kind) => return kind,
            Err(NotANumber::Unit { unit, likely }) => (format!("there is no unit `{unit}`"), likely),
            Err(NotANumber::Exponent { likely }) => ("numbers have no exponent".to_owned(), likely),
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
                    if !comma
                        && let Some(last) = items.last_mut()
                        && self.unit_apart(last.span, part.as_str().trim_end(), span)
                    {
                        last.kind = ExprKind::Broken;
                        continue;
                    }
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
                        self.misplaced(&part);
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
            if !comma
                && let Some(last) = entries.last_mut()
                && self.unit_apart(last.value.span, part.as_str().trim_end(), span)
            {
                last.value.kind = ExprKind::Broken;
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
                self.misplaced(&part);
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
        let Some(mut next) = inner.next() else {
            let wanted = format!("an entry of an object is `{word} = value`");
            self.problems
                .push(problems::unexpected::problem(key_span, &word, &wanted));
            return Some(ObjectEntry {
                key,
                value: broken(key_span.at_end()),
            });
        };
        if next.as_rule() == Rule::broken_pair {
            let span = self.span(&next);
            self.misplaced(&next);
            return Some(ObjectEntry {
                key,
                value: broken(span),
            });
        }
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
        let before = self.problems.len();
        let mut whole = true;
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.ident(&part)),
                Rule::for_condition => {
                    condition = part.into_inner().next().map(|inner| self.expression(inner))
                }
                Rule::list_rest | Rule::brace_rest => whole = false,
                _ => parts.push(self.expression(part)),
            }
        }
        let wanted = if object { 3 } else { 2 };
        if !whole || parts.len() != wanted || names.is_empty() {
            self.problems.truncate(before);
            self.problems.push(problems::broken_for::problem(span, object));
            return broken(span);
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
