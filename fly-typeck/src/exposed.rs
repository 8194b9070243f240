//! Secrets in plain sight: where in a file one may stand by mistake, and what may be said of such a place.
//!
//! This is the one rule for all outputs. It goes by what is written, so that it also holds for a file that cannot be
//! read to its end: in the place of a secret everything is hidden that is not the address of a secret or a reference,
//! and elsewhere whatever looks like a token.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use fly_syntax::tree::{Block, Body, Entry, Expr, ExprKind, Ident, ObjectKey, Template, TemplatePart};
use fly_syntax::{SourceFile, Span, SyntaxTree};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::expr::ROOTS;
use crate::functions;
use crate::problems::suggest;
use crate::schema::{BlockSchema, Rest, top_level};
use fly_domain::{Scheme, SecretUri, token_in};

/// So many slips may lie between a name and that of a secret which it was meant to be.
const SLIPS: usize = 2;

/// So many bytes of a line are looked at for the name that stands before a value.
const BEFORE: usize = 200;

/// So many lines below the name of a secret may have its value.
const LINES: usize = 20;

/// What people call secrets, whatever the schema says.
const EVERYDAY: [&str; 8] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "api_key",
    "private_key",
    "secret_key",
];

/// Names of attributes that hold a secret: those of the schema, and what people call their own.
static NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let mut names = BTreeSet::from(EVERYDAY);
    let mut seen = BTreeSet::new();
    let mut open: Vec<&'static BlockSchema> = top_level().iter().map(|top| (top.schema)()).collect();
    while let Some(schema) = open.pop() {
        if !seen.insert(std::ptr::from_ref(schema) as usize) {
            continue;
        }
        let secrets = schema
            .attributes
            .iter()
            .filter(|attribute| attribute.ty.holds_secret());
        names.extend(secrets.map(|attribute| attribute.name));
        open.extend(schema.blocks.iter().map(|child| (child.schema)()));
        open.extend(schema.all_variants().map(|(_, variant)| variant));
        if let Rest::Blocks(any) = &schema.rest {
            open.push(any());
        }
    }
    names
});

/// What the Nest says of the names in its files.
#[derive(Debug, Default)]
pub struct Names {
    /// Variables and locals: a bare word that is one of them lacks its `var.` and is no secret.
    declared: FxHashSet<SmolStr>,
    /// Variables of another type than a secret's: what a file of values gives them may be seen.
    plain: FxHashSet<SmolStr>,
}

impl Names {
    /// The names that the trees of a Nest declare.
    #[must_use]
    pub fn declared_in(trees: &[SyntaxTree]) -> Self {
        let mut names = Self::default();
        for block in trees.iter().flat_map(|tree| tree.body.blocks()) {
            match block.kind.name.as_str() {
                "locals" => names
                    .declared
                    .extend(block.body.attributes().map(|local| local.name.name.clone())),
                "variable" => {
                    let Some(name) = block.labels.first().and_then(|label| label.text.literal()) else {
                        continue;
                    };
                    if !is_secret_variable(block) {
                        names.plain.insert(name.clone());
                    }
                    names.declared.insert(name);
                }
                _ => {}
            }
        }
        names
    }
}

/// The places of a file whose text may be a secret, in order and apart from each other.
#[must_use]
pub fn exposed(source: &SourceFile, tree: &SyntaxTree, names: &Names) -> Vec<Span> {
    let mut search = Search::new(source, names);
    let of_values = !source.path.ends_with(".fly");
    search.body(&tree.body, |search, name| {
        of_values && !search.names.plain.contains(name) || search.names_secret(name)
    });
    while let Some(block) = search.blocks.pop() {
        let secret_type = block.kind.name == "variable" && is_secret_variable(block);
        // `token { ... }` was meant to be an attribute, and so was `export TOKEN { ... }`.
        let bare = block.labels.iter().map(|label| source.slice(label.span));
        let meant = std::iter::once(block.kind.name.as_str())
            .chain(bare.filter(|label| !label.starts_with('"')))
            .any(|name| search.names_secret(name));
        search.body(&block.body, |search, name| {
            meant || search.names_secret(name) || secret_type && name == "default"
        });
        for label in &block.labels {
            search.tokens(&label.text);
        }
    }
    while let Some((expr, secret)) = search.values.pop() {
        search.broken |= match expr.kind {
            ExprKind::Broken => true,
            // Its line left it open.
            ExprKind::String(_) => !source.slice(expr.span).ends_with('"'),
            _ => false,
        };
        if secret {
            search.secret(expr);
        } else {
            search.plain(expr);
        }
    }
    for comment in &tree.comments {
        search.token(source.slice(comment.span), comment.span);
    }
    if search.broken {
        search.lines_below_a_name();
    }
    apart(search.hidden)
}

/// Where the texts of a file hold what looks like a token, comments aside.
pub(crate) fn tokens(source: &SourceFile, tree: &SyntaxTree) -> Vec<Span> {
    let may_hold = MAY_HOLD_TOKEN.as_ref();
    if may_hold.is_some_and(|pattern| !pattern.is_match(source.text())) {
        return Vec::new();
    }
    let names = Names::default();
    let mut search = Search::new(source, &names);
    let mut bodies = vec![&tree.body];
    while let Some(body) = bodies.pop() {
        bodies.extend(body.blocks().map(|block| &block.body));
        let mut open: Vec<&Expr> = body.attributes().map(|attribute| &attribute.value).collect();
        while let Some(expr) = open.pop() {
            match &expr.kind {
                ExprKind::String(template) => search.tokens(template),
                ExprKind::Heredoc(heredoc) => search.tokens(&heredoc.text),
                ExprKind::Object(entries) => open.extend(entries.iter().map(|entry| &entry.value)),
                _ => {}
            }
            open.extend(parts(expr));
        }
    }
    apart(search.hidden)
}

/// Most files hold nothing that could be a token, and are not searched for one.
static MAY_HOLD_TOKEN: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
    let starts = fly_domain::TOKEN_STARTS.iter().map(|start| regex::escape(start));
    let starts: Vec<String> = starts.collect();
    // A token of Proxmox VE: `root@pam!ci=...`.
    let pattern = format!("{}|![A-Za-z0-9._-]+=", starts.join("|"));
    regex::Regex::new(&pattern).ok()
});

/// Spans in order, those that touch as one.
pub(crate) fn apart(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| span.start < span.end);
    spans.sort_by_key(|span| (span.file, span.start, span.end));
    let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if last.file == span.file && span.start <= last.end => {
                last.end = last.end.max(span.end);
            }
            _ => apart.push(span),
        }
    }
    apart
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
            ExprKind::Object(entries) => open.extend(entries.iter().map(|entry| &entry.value)),
            _ => open.extend(parts(expr)),
        }
    }
    false
}

/// What is still to be looked at: lists instead of recursion, for files of any depth.
struct Search<'t> {
    source: &'t SourceFile,
    names: &'t Names,
    /// Whether a name is that of a secret: the same names come again and again.
    known: FxHashMap<SmolStr, bool>,
    blocks: Vec<&'t Block>,
    values: Vec<(&'t Expr, bool)>,
    /// Whether some of the file could not be read.
    broken: bool,
    hidden: Vec<Span>,
}

impl<'t> Search<'t> {
    fn new(source: &'t SourceFile, names: &'t Names) -> Self {
        Self {
            source,
            names,
            known: FxHashMap::default(),
            blocks: Vec::new(),
            values: Vec::new(),
            broken: false,
            hidden: Vec::new(),
        }
    }

    /// Whether a name is that of a secret, or was meant to be: `token`, `tokne`, `GITLAB_TOKEN`.
    fn names_secret(&mut self, name: &str) -> bool {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let lower = name.to_ascii_lowercase().replace('-', "_");
        let secret = lower.len() <= 100
            && NAMES.iter().any(|secret| {
                let last_words = lower
                    .strip_suffix(secret)
                    .is_some_and(|before| before.is_empty() || before.ends_with('_'));
                last_words || strsim::osa_distance(secret, &lower) <= SLIPS.min(secret.len() / 3)
            });
        self.known.insert(SmolStr::new(name), secret);
        secret
    }

    fn body(&mut self, body: &'t Body, secret: impl Fn(&mut Self, &SmolStr) -> bool) {
        for entry in &body.entries {
            match entry {
                Entry::Attribute(attribute) => {
                    let secret = secret(self, &attribute.name.name);
                    self.values.push((&attribute.value, secret));
                }
                Entry::Block(block) => self.blocks.push(block),
                Entry::Broken(broken) => {
                    self.broken = true;
                    self.broken(broken.span);
                }
            }
        }
    }

    /// A stretch that could not be read: what stands behind the name of a secret may be one. The name may stand before
    /// the stretch, on the same line.
    fn broken(&mut self, span: Span) {
        let text = self.source.slice(span);
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let before = self.source.text().get(..span.start as usize).unwrap_or_default();
        let line = before.floor_char_boundary(before.len().saturating_sub(BEFORE));
        let mut lines = before[line..].rsplit('\n');
        let mut line = lines.next().unwrap_or_default();
        if line.trim().is_empty() {
            // The line before may have broken off behind its sign.
            let above = lines.next().unwrap_or_default().trim_end();
            line = match above
                .ends_with(|c: char| c.is_ascii_punctuation() && !matches!(c, '"' | '}' | ']' | ')'))
            {
                true => above,
                false => "",
            };
        }
        if line
            .split(|c: char| !letter(c))
            .any(|word| self.names_secret(word))
        {
            self.hide(span, 0..text.len());
            return;
        }
        let mut at = 0;
        for word in text.split(|c: char| !letter(c)) {
            let end = at + word.len();
            if !word.is_empty() && self.names_secret(word) {
                self.hide(span, end..text.len());
                return;
            }
            if token_in(word).is_some() {
                self.hide(span, at..end);
            }
            at = end + text[end..].chars().next().map_or(0, char::len_utf8);
        }
    }

    /// Hides a part of a span, without the blanks and signs around it.
    fn hide(&mut self, span: Span, part: Range<usize>) {
        let text = &self.source.slice(span)[part.clone()];
        if text.contains("<<") {
            self.broken_heredoc(span);
        }
        let sign = |c: char| c.is_whitespace() || matches!(c, '=' | ':' | '>' | '-' | ',' | ';');
        let from = part.start + (text.len() - text.trim_start_matches(sign).len());
        let to = part.start + text.trim_end().len();
        let base = span.start as usize;
        if from < to {
            self.hidden.push(Span::new(span.file, base + from..base + to));
        }
    }

    /// Of a file that could not be read, the lines below one that breaks off behind the name of a secret or inside its
    /// value: up to the next entry, or the end of the block.
    fn lines_below_a_name(&mut self) {
        let text = self.source.text();
        let (mut left, mut heredoc) = (0, false);
        let mut next = 0;
        for line in text.split_inclusive('\n') {
            let shown = line.trim();
            let start = next + (line.len() - line.trim_start().len());
            next += line.len();
            if shown.is_empty() || shown.starts_with('#') || shown.starts_with("//") {
                continue;
            }
            let ends =
                shown.starts_with('}') || !heredoc && fly_syntax::looks_like_entry(text.as_bytes(), start);
            if left > 0 && !ends {
                heredoc |= shown.contains("<<");
                left = if heredoc { LINES } else { left - 1 };
                self.hidden
                    .push(Span::new(self.source.id, start..start + shown.len()));
            } else if self.breaks_off(shown) {
                (left, heredoc) = (LINES, shown.contains("<<"));
            } else {
                left = 0;
            }
        }
    }

    /// Whether a line has the name of a secret, and no value or only the beginning of one.
    fn breaks_off(&mut self, line: &str) -> bool {
        let sign = |c: char| c.is_whitespace() || matches!(c, '=' | ':' | '>' | '-' | '\\' | ',' | ';');
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let quote = |c: char| matches!(c, '"' | '\'');
        let comment = ["#", "//", "/*"]
            .iter()
            .filter_map(|mark| line.find(mark))
            .filter(|at| line[..*at].matches(quote).count() % 2 == 0)
            .min();
        let code = line[..comment.unwrap_or(line.len())].trim_end_matches(sign);
        let before = match code.chars().all(|c| letter(c) || quote(c) || c.is_whitespace()) {
            true => code,
            // A text that this line leaves open.
            false if code.matches(quote).count() % 2 == 1 => code.rsplit_once(quote).unwrap_or_default().0,
            false => return false,
        };
        before
            .split(|c: char| !letter(c))
            .any(|word| !word.is_empty() && self.names_secret(word))
    }

    /// A value in the place of a secret.
    fn secret(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Bool(_) => {}
            ExprKind::Broken if self.source.slice(expr.span).contains("<<") => {
                self.broken_heredoc(expr.span);
            }
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity(_) | ExprKind::Broken => {
                self.hidden.push(expr.span);
            }
            // A word alone, or operators between words, is what a secret without quotes looks like.
            ExprKind::Name(name) if self.means_something(name) => {}
            ExprKind::Name(_) | ExprKind::Unary(..) | ExprKind::Binary(_) => self.hidden.push(expr.span),
            // An element or a field of something that is written right here: `["..."][0]`.
            ExprKind::Attribute(inner, _) if crate::expr::path(expr).is_none() => {
                self.values.push((inner, true));
            }
            ExprKind::Index(base, index) if crate::expr::path(expr).is_none() => {
                self.values.push((base, true));
                self.values.push((index, false));
            }
            ExprKind::Attribute(..) | ExprKind::Index(..) => {
                let known = crate::expr::path(expr).is_none_or(|(root, _, _)| {
                    !suggest::nearest(root, ROOTS).names.is_empty() || self.means_something(root)
                });
                if known {
                    self.values
                        .extend(parts(expr).into_iter().map(|part| (part, false)));
                } else {
                    self.hidden.push(expr.span);
                }
            }
            ExprKind::Call(name, _) if functions::find(&name.name).is_none() => {
                self.hidden.push(expr.span);
            }
            ExprKind::Object(entries) => {
                self.values
                    .extend(entries.iter().map(|entry| (&entry.value, true)));
            }
            ExprKind::Conditional(choice) => {
                self.values.push((&choice.condition, false));
                self.values.push((&choice.then, true));
                self.values.push((&choice.otherwise, true));
            }
            // The names that it binds are references inside of it.
            ExprKind::ForList(all) if is_bound(&all.value, all.key.as_ref(), &all.item) => {
                self.values.push((&all.collection, true));
            }
            ExprKind::ForObject(all) if is_bound(&all.new_value, all.key.as_ref(), &all.item) => {
                self.values.push((&all.collection, true));
            }
            ExprKind::String(template) => self.text(template),
            ExprKind::Heredoc(heredoc) => self.text(&heredoc.text),
            _ => self
                .values
                .extend(parts(expr).into_iter().map(|part| (part, true))),
        }
    }

    /// A heredoc that cannot be read may go on in any line up to the end of its block.
    fn broken_heredoc(&mut self, span: Span) {
        let text = self.source.text();
        let mut end = span.range().end;
        for line in text.get(end..).unwrap_or_default().split_inclusive('\n') {
            if line.trim_start().starts_with('}') {
                break;
            }
            end += line.len();
        }
        self.hidden.push(Span::new(span.file, span.range().start..end));
    }

    /// Whether a bare word is one of the language or of the Nest, or a slip for `null`, which has its own words.
    fn means_something(&self, name: &SmolStr) -> bool {
        ROOTS.contains(&name.as_str())
            || self.names.declared.contains(name)
            || matches!(name.as_str(), "null" | "nil" | "none" | "None" | "True" | "False")
    }

    /// A value anywhere else.
    fn plain(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Object(entries) => {
                for entry in entries {
                    if matches!(entry.value.kind, ExprKind::Broken) {
                        self.broken(entry.key.span());
                    }
                    let key = match &entry.key {
                        ObjectKey::Name(ident) => Some(ident.name.clone()),
                        ObjectKey::String(template, _) => {
                            self.tokens(template);
                            template.literal()
                        }
                    };
                    let secret = key.is_some_and(|key| self.names_secret(&key));
                    self.values.push((&entry.value, secret));
                }
                return;
            }
            ExprKind::Broken => self.broken(expr.span),
            // `token == "..."`: an attribute with a slip, or what a secret is compared with.
            ExprKind::Binary(binary) => {
                let (left, right) = (self.is_named(&binary.left), self.is_named(&binary.right));
                self.values.push((&binary.left, right));
                self.values.push((&binary.right, left));
                return;
            }
            ExprKind::Conditional(choice) => {
                let named = match &choice.condition.kind {
                    ExprKind::Binary(binary) => self.is_named(&binary.left),
                    _ => false,
                };
                self.values.push((&choice.condition, false));
                self.values.push((&choice.then, named));
                self.values.push((&choice.otherwise, named));
                return;
            }
            // `[token "..."]`: an attribute where an element belongs.
            ExprKind::List(items) | ExprKind::Call(_, items) => {
                let mut secret = false;
                for item in items {
                    self.values.push((item, secret));
                    secret = self.is_named(item);
                }
                return;
            }
            ExprKind::String(template) => self.tokens(template),
            ExprKind::Heredoc(heredoc) => self.tokens(&heredoc.text),
            _ => {}
        }
        self.values
            .extend(parts(expr).into_iter().map(|part| (part, false)));
    }

    /// Whether a value is the name of a secret: a word, a text or the end of a path.
    fn is_named(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => self.names_secret(name),
            ExprKind::Attribute(_, name) => self.names_secret(&name.name),
            ExprKind::String(text) => text.literal().is_some_and(|text| {
                let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                text.chars().all(word) && self.names_secret(&text)
            }),
            _ => false,
        }
    }

    /// Everything but the address of a secret is hidden.
    fn text(&mut self, template: &'t Template) {
        let start = template.literal_start();
        let address = match template.literal() {
            Some(text) => SecretUri::parse(&text).is_ok(),
            None => matches!(SecretUri::scheme_of(start), Scheme::Known(_)) && token_in(start).is_none(),
        };
        for part in &template.parts {
            match part {
                TemplatePart::Literal { span, .. } if !address => self.hidden.push(*span),
                TemplatePart::Literal { .. } => {}
                TemplatePart::Interpolation { expr, .. } => self.values.push((expr, !address)),
            }
        }
    }

    /// What looks like a token is hidden wherever it stands.
    fn tokens(&mut self, template: &Template) {
        for part in &template.parts {
            if let TemplatePart::Literal { text, span } = part {
                self.token(text, *span);
            }
        }
    }

    /// Hides the token in a text that stands at `span`, or all of it where the two do not run in step.
    fn token(&mut self, text: &str, span: Span) {
        let Some(token) = token_in(text) else { return };
        let start = span.start as usize;
        self.hidden.push(match text.len() == span.range().len() {
            true => Span::new(span.file, start + token.start..start + token.end),
            false => span,
        });
    }
}

/// Whether the value of a comprehension is one of the names that it binds.
fn is_bound(value: &Expr, key: Option<&Ident>, item: &Ident) -> bool {
    let bound = |name: &SmolStr| *name == item.name || key.is_some_and(|key| key.name == *name);
    crate::expr::path(value).is_some_and(|(root, _, _)| bound(root))
}

/// The values inside a value; those of an object have keys and are not among them.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Quantity(_)
        | ExprKind::Name(_)
        | ExprKind::Object(_)
        | ExprKind::Broken => Vec::new(),
        ExprKind::String(template) => inserted(template),
        ExprKind::Heredoc(heredoc) => inserted(&heredoc.text),
        ExprKind::List(items) | ExprKind::Call(_, items) => items.iter().collect(),
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
