//! The syntax tree: what a file says, with the place of everything in it.
//!
//! The tree owns no text of its own beyond names and string contents; comments and blank lines
//! stay in the source, and [`SyntaxTree::comments`] says where.

use smol_str::SmolStr;

use crate::source::Span;

/// A whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntaxTree {
    /// What stands at top level.
    pub body: Body,
    /// Every comment of the file, in order.
    pub comments: Vec<Comment>,
    /// The whole file.
    pub span: Span,
    /// Whether any syntax problem was found; such a file is not formatted.
    pub broken: bool,
}

/// A comment, without the line break that ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    /// From its first mark to its last character.
    pub span: Span,
    /// How it is written.
    pub style: CommentStyle,
}

/// How a comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentStyle {
    /// `# text`
    Hash,
    /// `// text`
    Slashes,
    /// `/// text`: documentation of the entry that follows.
    Doc,
    /// `/* text */`
    Block,
}

/// What stands between the braces of a block, or at top level of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Body {
    /// In the order of the source.
    pub entries: Vec<Entry>,
}

impl Body {
    /// The attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Attribute(attribute) => Some(attribute),
            _ => None,
        })
    }

    /// The blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Block(block) => Some(block),
            _ => None,
        })
    }

    /// Whether part of the body could not be read, so that nothing in it can be called missing.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Broken(_)))
    }
}

/// One thing in a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// `name = value`
    Attribute(Attribute),
    /// `kind "label" { ... }`
    Block(Block),
    /// Text that could not be read; its problem is reported already.
    Broken(Broken),
}

/// Text that could not be read as an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// The unreadable text.
    pub span: Span,
    /// The name it starts with, where it does: that name counts as present.
    pub name: Option<Ident>,
}

/// A name and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name.
    pub name: SmolStr,
    /// Where.
    pub span: Span,
}

/// `name = value`
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// What is set.
    pub name: Ident,
    /// To what; [`ExprKind::Broken`] where the value could not be read.
    pub value: Expr,
}

impl Attribute {
    /// From the name to the end of the value.
    #[must_use]
    pub fn span(&self) -> Span {
        self.name.span.to(self.value.span)
    }
}

/// `kind "label" { ... }`
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `egg`, `runner`.
    pub kind: Ident,
    /// Mostly none or one; a `provider` may have two.
    pub labels: Vec<Label>,
    /// What is inside.
    pub body: Body,
    /// The kind and the labels, without the brace.
    pub header: Span,
    /// The opening brace.
    pub open: Span,
    /// The closing brace; an empty span where it is missing, which is reported already.
    pub close: Span,
}

impl Block {
    /// From the kind to the closing brace.
    #[must_use]
    pub fn span(&self) -> Span {
        self.header.to(self.close)
    }
}

/// A label in its quotes.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// What stands between the quotes; an interpolation only where a `for_each` allows it.
    pub text: Template,
    /// With the quotes.
    pub span: Span,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// All of it.
    pub span: Span,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `true`, `false`
    Bool(bool),
    /// `42`, `1_000`
    Int(i64),
    /// `3.14`
    Float(f64),
    /// `10m`, `1h30m`, `4GiB`, `80%`
    Quantity(Quantity),
    /// `"text ${expr}"`
    String(Template),
    /// `<<EOT ... EOT`
    Heredoc(Heredoc),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{ a = 1 }`
    Object(Vec<ObjectEntry>),
    /// `var`, `x`
    Name(SmolStr),
    /// `base.name`
    Attribute(Box<Expr>, Ident),
    /// `base[index]`
    Index(Box<Expr>, Box<Expr>),
    /// `function(arguments)`
    Call(Ident, Vec<Expr>),
    /// `!x`, `-x`
    Unary(UnaryOperator, Box<Expr>),
    /// `a + b`
    Binary(Box<Binary>),
    /// `condition ? then : otherwise`
    Conditional(Box<Conditional>),
    /// `[for x in xs : value if condition]`
    ForList(Box<ForList>),
    /// `{ for k, v in m : key => value if condition }`
    ForObject(Box<ForObject>),
    /// `( x )`
    Paren(Box<Expr>),
    /// Could not be read; its problem is reported already.
    Broken,
}

/// A number with a unit, in exact integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// Milliseconds.
    Duration(u64),
    /// Bytes.
    Size(u64),
    /// Hundredths of a whole: `80%` is 80.
    Percent(f64),
}

/// A string with its interpolations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    /// Literal text and interpolations in order; two literal parts never touch; empty for `""`.
    pub parts: Vec<TemplatePart>,
}

impl Template {
    /// The text, where there is no interpolation.
    #[must_use]
    pub fn literal(&self) -> Option<SmolStr> {
        match self.parts.as_slice() {
            [] => Some(SmolStr::default()),
            [TemplatePart::Literal { text, .. }] => Some(text.clone()),
            _ => None,
        }
    }

    /// The literal text that the string starts with; empty where it starts with an interpolation.
    #[must_use]
    pub fn literal_start(&self) -> &str {
        match self.parts.first() {
            Some(TemplatePart::Literal { text, .. }) => text,
            _ => "",
        }
    }
}

/// A piece of a string.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplatePart {
    /// Text, its escapes resolved.
    Literal {
        /// The resolved text.
        text: SmolStr,
        /// Where it is written, with its escapes.
        span: Span,
    },
    /// `${expr}`
    Interpolation {
        /// What is inserted.
        expr: Expr,
        /// With `${` and `}`.
        span: Span,
    },
}

/// `<<EOT ... EOT`
#[derive(Debug, Clone, PartialEq)]
pub struct Heredoc {
    /// The word that ends it.
    pub terminator: SmolStr,
    /// Whether it was opened by `<<-`; the parts have lost their common indent then.
    pub stripped: bool,
    /// The text; every line, the last included, ends with a line break.
    pub text: Template,
}

/// `key = value` in an object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectEntry {
    /// The key.
    pub key: ObjectKey,
    /// The value.
    pub value: Expr,
}

/// A key of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectKey {
    /// `key`
    Name(Ident),
    /// `"other-key"`, which may interpolate
    String(Template, Span),
}

impl ObjectKey {
    /// Where it is written.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Name(ident) => ident.span,
            Self::String(_, span) => *span,
        }
    }
}

/// `!` and `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// `left operator right`
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// Which.
    pub operator: BinaryOperator,
    /// Where the operator is written.
    pub operator_span: Span,
    /// What stands before it.
    pub left: Expr,
    /// What stands behind it.
    pub right: Expr,
}

/// An operator between two values, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

impl BinaryOperator {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }

    /// How tightly it binds: more is tighter.
    #[must_use]
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal | Self::NotEqual => 3,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 4,
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide | Self::Modulo => 6,
        }
    }
}

/// `condition ? then : otherwise`
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    /// What decides.
    pub condition: Expr,
    /// When it is true.
    pub then: Expr,
    /// When it is false.
    pub otherwise: Expr,
}

/// `[for x in xs : value if condition]`
#[derive(Debug, Clone, PartialEq)]
pub struct ForList {
    /// The name of the key or position, where two are given.
    pub key: Option<Ident>,
    /// The name of the element.
    pub item: Ident,
    /// What is walked.
    pub collection: Expr,
    /// What each element becomes.
    pub value: Expr,
    /// Which elements are taken.
    pub condition: Option<Expr>,
}

/// `{ for k, v in m : key => value if condition }`
#[derive(Debug, Clone, PartialEq)]
pub struct ForObject {
    /// The name of the key or position, where two are given.
    pub key: Option<Ident>,
    /// The name of the element.
    pub item: Ident,
    /// What is walked.
    pub collection: Expr,
    /// The key of each new entry.
    pub new_key: Expr,
    /// The value of each new entry.
    pub new_value: Expr,
    /// Which elements are taken.
    pub condition: Option<Expr>,
}
