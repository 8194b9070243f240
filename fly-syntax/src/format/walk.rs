//! The order of the tokens of a tree, told once for the formatter and for the printer.

use std::borrow::Cow;

use super::layout::{Gap, Layout, Shape, Trivia, Wrap};
use crate::source::Span;
use crate::tree::{
    Binary, BinaryOperator, Block, Body, Entry, Expr, ExprKind, ForList, ForObject, Heredoc, Ident,
    ObjectEntry, ObjectKey, Template, UnaryOperator,
};

/// Where the words of the tokens come from: a source file, or the tree alone.
pub(crate) trait Origin<'t> {
    /// What stands before the next token; it is passed over.
    fn trivia(&mut self) -> Trivia<'t>;
    /// Whether the next token is a comma. What stands before it is still to be asked for.
    fn comma_follows(&mut self) -> bool;
    /// Whether a comment that runs to the end of its line stands before the next token; known
    /// once [`Self::comma_follows`] was asked.
    fn line_ends(&self) -> bool;
    /// Passes over a punctuation mark or keyword.
    fn mark(&mut self, mark: &'static str);
    /// The text of a token that has a text of its own; it is passed over.
    fn leaf(&mut self, span: Span, leaf: Leaf<'t>) -> Cow<'t, str>;
    /// Whether parentheses must be added where the tree needs them and has none.
    fn adds_parens(&self) -> bool;
}

/// A token that has a text of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leaf<'t> {
    /// A name.
    Name(&'t str),
    /// `true`, a number.
    Literal(&'t ExprKind),
    /// A string in its quotes.
    String(&'t Template),
    /// A heredoc, to the end of its terminator.
    Heredoc(&'t Heredoc),
}

/// Brings the tokens of a tree into a [`Layout`].
pub(crate) struct Walk<'t, O> {
    origin: O,
    layout: Layout<'t>,
}

impl<'t, O: Origin<'t>> Walk<'t, O> {
    /// The text of a whole file.
    pub(crate) fn file(origin: O, wrap: Wrap, body: &'t Body) -> String {
        Self::write(origin, wrap, |walk| walk.entries(body))
    }

    /// The text of a value, with a line break at its end.
    pub(crate) fn value(origin: O, wrap: Wrap, expr: &'t Expr) -> String {
        Self::write(origin, wrap, |walk| walk.expr(expr))
    }

    fn write(origin: O, wrap: Wrap, tell: impl FnOnce(&mut Self)) -> String {
        let mut walk = Self {
            origin,
            layout: Layout::new(wrap),
        };
        walk.layout.open(Shape::File);
        tell(&mut walk);
        walk.layout.close();
        walk.layout.render()
    }

    fn gap(&mut self, gap: Gap) {
        let trivia = self.origin.trivia();
        self.layout.gap(gap, trivia);
    }

    fn mark(&mut self, mark: &'static str) {
        self.origin.mark(mark);
        self.layout.token(Cow::Borrowed(mark));
    }

    fn leaf(&mut self, span: Span, leaf: Leaf<'t>) {
        let text = self.origin.leaf(span, leaf);
        self.layout.token(text);
    }

    fn name(&mut self, ident: &'t Ident) {
        self.leaf(ident.span, Leaf::Name(&ident.name));
    }

    /// A mark with one space on both sides, where the author may have broken the line.
    fn infix(&mut self, mark: &'static str) {
        self.gap(Gap::Bend);
        self.mark(mark);
        self.gap(Gap::Bend);
    }

    fn entries(&mut self, body: &'t Body) {
        if body.entries.is_empty() {
            return self.gap(Gap::Only);
        }
        if body.entries.len() > 1 {
            self.layout.break_group();
        }
        for (position, entry) in body.entries.iter().enumerate() {
            self.gap(if position == 0 { Gap::First } else { Gap::Item });
            match entry {
                Entry::Attribute(attribute) => {
                    self.name(&attribute.name);
                    self.equals();
                    self.expr(&attribute.value);
                }
                Entry::Block(block) => self.block(block),
                Entry::Broken(_) => {}
            }
        }
        self.gap(Gap::Last);
    }

    fn equals(&mut self) {
        self.gap(Gap::Space);
        self.mark("=");
        self.gap(Gap::Space);
    }

    fn block(&mut self, block: &'t Block) {
        self.name(&block.kind);
        for label in &block.labels {
            self.gap(Gap::Space);
            self.leaf(label.span, Leaf::String(&label.text));
        }
        self.gap(Gap::Space);
        self.layout.open(Shape::Block);
        self.mark("{");
        self.entries(&block.body);
        self.mark("}");
        self.layout.close();
    }

    fn expr(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Bool(_) | ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity(_) => {
                self.leaf(expr.span, Leaf::Literal(&expr.kind));
            }
            ExprKind::Name(name) => self.leaf(expr.span, Leaf::Name(name)),
            ExprKind::String(template) => self.leaf(expr.span, Leaf::String(template)),
            ExprKind::Heredoc(heredoc) => {
                let text = self.origin.leaf(expr.span, Leaf::Heredoc(heredoc));
                if text.starts_with('"') {
                    self.layout.token(text);
                } else {
                    self.layout.heredoc(text);
                }
            }
            ExprKind::List(items) => self.bracket(Shape::List, ["[", "]"], items, Self::expr),
            ExprKind::Object(entries) => self.bracket(Shape::Object, ["{", "}"], entries, Self::object_entry),
            ExprKind::Call(function, arguments) => {
                self.name(function);
                self.gap(Gap::Tight);
                self.bracket(Shape::Call, ["(", ")"], arguments, Self::expr);
            }
            ExprKind::Paren(inner) => self.paren(inner),
            ExprKind::Attribute(..) | ExprKind::Index(..) => self.postfix(expr),
            ExprKind::Unary(..) => self.unary(expr),
            ExprKind::Binary(binary) => self.binary(binary),
            ExprKind::Conditional(_) => self.conditional(expr),
            ExprKind::ForList(list) => self.for_list(list),
            ExprKind::ForObject(object) => self.for_object(object),
            ExprKind::Broken => {}
        }
    }

    /// Elements between brackets, with commas between them.
    fn bracket<T>(
        &mut self,
        shape: Shape,
        marks: [&'static str; 2],
        items: &'t [T],
        tell: impl Fn(&mut Self, &'t T),
    ) {
        self.layout.open(shape);
        self.mark(marks[0]);
        if items.is_empty() {
            self.gap(Gap::Only);
        }
        for (position, item) in items.iter().enumerate() {
            self.gap(if position == 0 { Gap::First } else { Gap::Item });
            tell(self, item);
            self.comma(position + 1 == items.len());
        }
        if !items.is_empty() {
            self.gap(Gap::Last);
        }
        self.mark(marks[1]);
        self.layout.close();
    }

    /// The comma behind an element, whether it is written in the source or not. It goes before a
    /// comment that would hide it.
    fn comma(&mut self, last: bool) {
        let written = self.origin.comma_follows();
        if written && !self.origin.line_ends() {
            self.gap(Gap::Tight);
        }
        if written {
            self.origin.mark(",");
        }
        self.layout.comma(last);
    }

    fn object_entry(&mut self, entry: &'t ObjectEntry) {
        match &entry.key {
            ObjectKey::Name(name) => self.name(name),
            ObjectKey::String(template, span) => self.leaf(*span, Leaf::String(template)),
        }
        self.equals();
        self.expr(&entry.value);
    }

    fn paren(&mut self, inner: &'t Expr) {
        self.layout.open(Shape::Paren);
        self.mark("(");
        self.gap(Gap::First);
        self.expr(inner);
        self.gap(Gap::Last);
        self.mark(")");
        self.layout.close();
    }

    /// An operand, in parentheses where it would be read otherwise without. Nothing but brackets
    /// lets an expression go on behind a heredoc.
    fn operand(&mut self, expr: &'t Expr, loose: bool) {
        let heredoc = matches!(expr.kind, ExprKind::Heredoc(_));
        if (loose || heredoc) && self.origin.adds_parens() {
            self.paren(expr);
        } else {
            self.expr(expr);
        }
    }

    /// `a.b[c].d`, however long, without recursion along the chain.
    fn postfix(&mut self, expr: &'t Expr) {
        let mut steps = Vec::new();
        let mut base = expr;
        while let ExprKind::Attribute(inner, _) | ExprKind::Index(inner, _) = &base.kind {
            steps.push(base);
            base = inner;
        }
        let plain = matches!(
            base.kind,
            ExprKind::Name(_) | ExprKind::Call(..) | ExprKind::Paren(_)
        );
        self.operand(base, !plain);
        for step in steps.into_iter().rev() {
            self.gap(Gap::Tight);
            match &step.kind {
                ExprKind::Attribute(_, name) => {
                    self.mark(".");
                    self.gap(Gap::Tight);
                    self.name(name);
                }
                ExprKind::Index(_, index) => {
                    self.layout.open(Shape::Index);
                    self.mark("[");
                    self.gap(Gap::First);
                    self.expr(index);
                    self.gap(Gap::Last);
                    self.mark("]");
                    self.layout.close();
                }
                _ => {}
            }
        }
    }

    fn unary(&mut self, expr: &'t Expr) {
        let mut operand = expr;
        while let ExprKind::Unary(operator, inner) = &operand.kind {
            self.mark(match operator {
                UnaryOperator::Not => "!",
                UnaryOperator::Negate => "-",
            });
            self.gap(Gap::Tight);
            operand = inner;
        }
        self.operand(operand, is_infix(operand));
    }

    /// `a + b + c`, however long, without recursion along the chain.
    fn binary(&mut self, binary: &'t Binary) {
        let mut chain = vec![binary];
        let mut first = &binary.left;
        let mut above = binary.operator;
        while let ExprKind::Binary(left) = &first.kind
            && !(self.origin.adds_parens() && is_loose(first, above, Side::Left))
        {
            chain.push(left);
            first = &left.left;
            above = left.operator;
        }
        self.operand(first, is_loose(first, above, Side::Left));
        for step in chain.into_iter().rev() {
            self.infix(step.operator.symbol());
            self.operand(&step.right, is_loose(&step.right, step.operator, Side::Right));
        }
    }

    fn conditional(&mut self, expr: &'t Expr) {
        let mut rest = expr;
        while let ExprKind::Conditional(conditional) = &rest.kind {
            self.operand(&conditional.condition, is_conditional(&conditional.condition));
            self.infix("?");
            self.operand(&conditional.then, is_conditional(&conditional.then));
            self.infix(":");
            rest = &conditional.otherwise;
        }
        self.expr(rest);
    }

    fn for_list(&mut self, list: &'t ForList) {
        self.layout.open(Shape::Comprehension);
        self.mark("[");
        self.for_head(list.key.as_ref(), &list.item, &list.collection);
        self.expr(&list.value);
        self.for_tail(list.condition.as_ref());
        self.mark("]");
        self.layout.close();
    }

    fn for_object(&mut self, object: &'t ForObject) {
        self.layout.open(Shape::ObjectComprehension);
        self.mark("{");
        self.for_head(object.key.as_ref(), &object.item, &object.collection);
        self.expr(&object.new_key);
        self.infix("=>");
        self.expr(&object.new_value);
        self.for_tail(object.condition.as_ref());
        self.mark("}");
        self.layout.close();
    }

    fn for_head(&mut self, key: Option<&'t Ident>, item: &'t Ident, collection: &'t Expr) {
        self.gap(Gap::First);
        self.mark("for");
        self.gap(Gap::Space);
        if let Some(key) = key {
            self.name(key);
            self.gap(Gap::Tight);
            self.mark(",");
            self.gap(Gap::Space);
        }
        self.name(item);
        self.gap(Gap::Space);
        self.mark("in");
        self.gap(Gap::Space);
        self.operand(collection, is_conditional(collection));
        self.infix(":");
    }

    fn for_tail(&mut self, condition: Option<&'t Expr>) {
        if let Some(condition) = condition {
            self.gap(Gap::Bend);
            self.mark("if");
            self.gap(Gap::Space);
            self.expr(condition);
        }
        self.gap(Gap::Last);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn is_conditional(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Conditional(_))
}

fn is_infix(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Conditional(_) | ExprKind::Binary(_))
}

fn is_comparison(operator: BinaryOperator) -> bool {
    matches!(operator.precedence(), 3 | 4)
}

/// Whether `expr` needs parentheses beside `operator`: what binds less, what would be taken by
/// the other side, and comparisons, which do not chain.
fn is_loose(expr: &Expr, operator: BinaryOperator, side: Side) -> bool {
    match &expr.kind {
        ExprKind::Conditional(_) => true,
        ExprKind::Binary(inner) => {
            let (inner, outer) = (inner.operator, operator);
            inner.precedence() < outer.precedence()
                || (inner.precedence() == outer.precedence() && side == Side::Right)
                || (is_comparison(inner) && is_comparison(outer))
        }
        _ => false,
    }
}
