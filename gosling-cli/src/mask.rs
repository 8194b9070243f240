//! Hides what may be a secret in text that is shown without having been checked: a diff of `fmt`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use fly_syntax::tree::{Block, Body, Expr, ExprKind, ObjectKey, Template, TemplatePart};
use fly_syntax::{FileId, SourceFile};
use fly_typeck::domain::{Scheme, SecretUri};
use fly_typeck::schema::{BlockSchema, Rest, top_level};
use fly_typeck::types::Type;

use crate::render::MASK;

/// So many slips may lie between a name and that of a secret which it was meant to be.
const SLIPS: usize = 2;

/// Every attribute that the schema knows as a secret: `token`, `webhook_secret`.
static NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&'static BlockSchema> = top_level().iter().map(|top| (top.schema)()).collect();
    while let Some(schema) = open.pop() {
        if !seen.insert(std::ptr::from_ref(schema) as usize) {
            continue;
        }
        let secrets = schema
            .attributes
            .iter()
            .filter(|attribute| is_secret(&attribute.ty));
        names.extend(secrets.map(|attribute| attribute.name));
        open.extend(schema.blocks.iter().map(|child| (child.schema)()));
        open.extend(schema.all_variants().map(|(_, variant)| variant));
        if let Rest::Blocks(any) = &schema.rest {
            open.push(any());
        }
    }
    names
});

fn is_secret(ty: &Type) -> bool {
    match ty {
        Type::Secret => true,
        Type::List(inner) | Type::Set(inner) | Type::Map(inner) => is_secret(inner),
        _ => false,
    }
}

/// Whether a name is that of a secret, or was meant to be: `token`, `tokne`, `GITLAB_TOKEN`.
fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    NAMES.iter().any(|secret| {
        let last_words = name
            .strip_suffix(secret)
            .is_some_and(|before| before.is_empty() || before.ends_with('_'));
        last_words || strsim::osa_distance(secret, &name) <= SLIPS.min(secret.len() / 3)
    })
}

/// A text of Fly, and where in it secrets may stand in plain.
pub(crate) struct Masked<'t> {
    text: &'t str,
    /// In order.
    hidden: Vec<Range<usize>>,
}

impl<'t> Masked<'t> {
    /// Looks for secrets in a file. At top level only a file of values has attributes: any of them may be one.
    pub(crate) fn new(text: &'t str) -> Self {
        let parsed = fly_syntax::parse(&SourceFile::new(FileId(0), "", text));
        let mut search = Search::default();
        search.body(&parsed.tree.body, |_| true);
        while let Some(block) = search.blocks.pop() {
            let secret_type = block.kind.name == "variable" && is_secret_variable(block);
            search.body(&block.body, |name| {
                names_secret(name) || (secret_type && name == "default")
            });
        }
        while let Some((expr, secret)) = search.values.pop() {
            search.value(expr, secret);
        }
        let mut hidden = search.hidden;
        hidden.sort_by_key(|range| range.start);
        Self { text, hidden }
    }

    /// A line, or any other part that ends where a line does, as it may be shown. Indents and line breaks stay.
    pub(crate) fn part(&self, part: Range<usize>) -> String {
        let mut shown = String::new();
        let mut at = part.start;
        for hidden in &self.hidden {
            let range = hidden.start.max(at)..hidden.end.min(part.end);
            let Some(inside) = self.text.get(range.clone()) else {
                continue;
            };
            let start = range.start + (inside.len() - inside.trim_start().len());
            let end = start + inside.trim().len();
            if start < end {
                shown.push_str(self.text.get(at..start).unwrap_or_default());
                shown.push_str(MASK);
                at = end;
            }
        }
        shown.push_str(self.text.get(at..part.end).unwrap_or_default());
        shown
    }
}

/// `type = secret`, alone or inside another type.
fn is_secret_variable(block: &Block) -> bool {
    let mut open: Vec<&Expr> = block
        .body
        .attributes()
        .filter(|attribute| attribute.name.name == "type")
        .map(|attribute| &attribute.value)
        .collect();
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Name(name) if name == "secret" => return true,
            _ => open.extend(parts(expr)),
        }
    }
    false
}

/// What is still to be looked at: lists instead of recursion, for files of any depth.
#[derive(Default)]
struct Search<'t> {
    blocks: Vec<&'t Block>,
    values: Vec<(&'t Expr, bool)>,
    hidden: Vec<Range<usize>>,
}

impl<'t> Search<'t> {
    fn body(&mut self, body: &'t Body, secret: impl Fn(&str) -> bool) {
        self.blocks.extend(body.blocks());
        let attributes = body.attributes();
        self.values
            .extend(attributes.map(|attribute| (&attribute.value, secret(&attribute.name.name))));
    }

    fn value(&mut self, expr: &'t Expr, secret: bool) {
        if let ExprKind::Object(entries) = &expr.kind {
            for entry in entries {
                let key = match &entry.key {
                    ObjectKey::Name(ident) => Some(ident.name.clone()),
                    ObjectKey::String(template, _) => template.literal(),
                };
                let secret = secret || key.is_some_and(|key| names_secret(&key));
                self.values.push((&entry.value, secret));
            }
            return;
        }
        if secret {
            match &expr.kind {
                ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity(_) => {
                    self.hidden.push(expr.span.range());
                }
                ExprKind::String(template) => self.text(template),
                ExprKind::Heredoc(heredoc) => self.text(&heredoc.text),
                _ => {}
            }
        }
        self.values
            .extend(parts(expr).into_iter().map(|part| (part, secret)));
    }

    /// Everything but the address of a secret is hidden.
    fn text(&mut self, template: &Template) {
        let address = match template.literal() {
            Some(text) => SecretUri::parse(&text).is_ok(),
            None => matches!(SecretUri::scheme_of(template.literal_start()), Scheme::Known(_)),
        };
        if address {
            return;
        }
        for part in &template.parts {
            if let TemplatePart::Literal { span, .. } = part {
                self.hidden.push(span.range());
            }
        }
    }
}

/// The values inside a value; those of an object have keys and are not among them.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Quantity(_)
        | ExprKind::Name(_)
        | ExprKind::Broken => Vec::new(),
        ExprKind::String(template) => inserted(template),
        ExprKind::Heredoc(heredoc) => inserted(&heredoc.text),
        ExprKind::List(items) | ExprKind::Call(_, items) => items.iter().collect(),
        ExprKind::Object(entries) => entries.iter().map(|entry| &entry.value).collect(),
        ExprKind::Attribute(inner, _) | ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => vec![inner],
        ExprKind::Index(base, index) => vec![base, index],
        ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
        ExprKind::Conditional(choice) => vec![&choice.condition, &choice.then, &choice.otherwise],
        ExprKind::ForList(all) => [&all.collection, &all.value]
            .into_iter()
            .chain(&all.condition)
            .collect(),
        ExprKind::ForObject(all) => [&all.collection, &all.new_key, &all.new_value]
            .into_iter()
            .chain(&all.condition)
            .collect(),
    }
}

/// What a text inserts.
fn inserted(template: &Template) -> Vec<&Expr> {
    let parts = template.parts.iter().filter_map(|part| match part {
        TemplatePart::Interpolation { expr, .. } => Some(expr),
        TemplatePart::Literal { .. } => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        Masked::new(text).part(0..text.len())
    }

    #[test]
    fn what_may_be_a_secret_is_hidden() {
        for (text, shown) in [
            ("token = \"hunter2\"", "token = \"***MASKED***\""),
            ("tken= \"hunter2\" # old", "tken= \"***MASKED***\" # old"),
            ("GITLAB_TOKEN = \"hunter2\"", "GITLAB_TOKEN = \"***MASKED***\""),
            ("token = 12345", "token = ***MASKED***"),
            (
                "token = \"a${var.x}b\"",
                "token = \"***MASKED***${var.x}***MASKED***\"",
            ),
            (
                "token = yes ? \"hunter2\" : null",
                "token = yes ? \"***MASKED***\" : null",
            ),
            (
                "x = { token = \"hunter2\", a = \"b\" }",
                "x = { token = \"***MASKED***\", a = \"b\" }",
            ),
            (
                "secret_key = <<EOT\n  hunter\n\n  two\nEOT",
                "secret_key = <<EOT\n  ***MASKED***\nEOT",
            ),
            ("token = \"vault://hunter2\"", "token = \"***MASKED***\""),
            (
                "token = \"vault://ci/gitlab/token\"",
                "token = \"vault://ci/gitlab/token\"",
            ),
            (
                "token = \"vault://ci/${var.x}\"",
                "token = \"vault://ci/${var.x}\"",
            ),
            ("token = var.token", "token = var.token"),
            ("token_id = \"root@pam!ci\"", "token_id = \"root@pam!ci\""),
            ("tags = [\"linux\"]", "tags = [\"linux\"]"),
        ] {
            let block = |text: &str| format!("egg \"a\" {{ b {{\n{text}\n}}\n}}\n");
            assert_eq!(masked(&block(text)), block(shown));
        }
    }

    #[test]
    fn every_line_of_a_long_secret_is_hidden() {
        let text = "a {\n  secret_key = <<-EOT\n    hunter\n\n    two\n  EOT\n}\n";
        let masked = Masked::new(text);
        let mut at = 0;
        let lines = text.split_inclusive('\n').map(|line| {
            at += line.len();
            masked.part(at - line.len()..at)
        });
        let shown = "a {\n  secret_key = <<-EOT\n    ***MASKED***\n\n    ***MASKED***\n  EOT\n}\n";
        assert_eq!(lines.collect::<String>(), shown);
    }

    #[test]
    fn any_value_of_a_file_of_values_and_of_a_secret_variable_is_hidden() {
        assert_eq!(
            masked("a = \"hunter2\"\nb = 4GiB\nc = \"env://X\"\n"),
            "a = \"***MASKED***\"\nb = ***MASKED***\nc = \"env://X\"\n"
        );
        assert_eq!(
            masked("variable \"a\" {\n  type = list(secret)\n  default = [\"hunter2\"]\n}\n"),
            "variable \"a\" {\n  type = list(secret)\n  default = [\"***MASKED***\"]\n}\n"
        );
    }
}
