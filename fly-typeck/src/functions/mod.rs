//! The functions of the language, as one table: what each takes, gives, means, and an example of it.
//!
//! Pure and bounded: no function reads anything but files of the Nest, and no result is larger than [`MOST_BYTES`] or
//! [`MOST_ELEMENTS`].

mod arguments;
mod encoding;
mod files;
mod format;
mod lists;
mod maps;
mod network;
mod numbers;
mod order;
mod questions;
mod shapes;
mod strings;
#[cfg(test)]
mod testing;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use smol_str::SmolStr;

use crate::files::{ReadError, ReadFile};
use crate::types::Type;
use crate::value::Value;

/// The longest text that a function gives, in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// The most elements or entries that a function gives.
pub const MOST_ELEMENTS: usize = 65_536;

/// Files that the examples of `file` and `templatefile` read: path and text.
pub const EXAMPLE_FILES: &[(&str, &str)] = &[
    ("scripts/hello.sh", "echo hello\n"),
    ("scripts/greet.tpl", "echo ${name}\n"),
];

/// A function of the language.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// As it is called.
    pub name: &'static str,
    /// What it takes and gives: `contains(list(T), T) -> bool`.
    pub signature: &'static str,
    /// What it does, in Markdown.
    pub doc: &'static str,
    /// A call and its result: `contains(["a"], "a")  # => true`.
    pub example: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// Whether secrets inside its arguments are only passed along, neither read nor compared.
    pub carries_secrets: bool,
    /// The type of its result. The number of arguments is one that `arity` allows.
    pub check: fn(&[Type]) -> Result<Type, Mismatch>,
    /// Its result. The arguments are of types that `check` accepts.
    pub call: fn(&[Value], &Context<'_>) -> Result<Value, CallError>,
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arity {
    /// At least so many.
    pub min: usize,
    /// At most so many, where there is a limit.
    pub max: Option<usize>,
}

impl Arity {
    const fn exactly(count: usize) -> Self {
        Self {
            min: count,
            max: Some(count),
        }
    }

    const fn between(min: usize, max: usize) -> Self {
        Self { min, max: Some(max) }
    }

    const fn at_least(min: usize) -> Self {
        Self { min, max: None }
    }

    /// Whether so many arguments may be given.
    #[must_use]
    pub fn allows(self, count: usize) -> bool {
        count >= self.min && self.max.is_none_or(|max| count <= max)
    }
}

/// An argument is of the wrong type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which argument; the first is 0.
    pub argument: usize,
    /// What belongs there, as the end of "argument 2 must be ...": "a list or a set".
    pub expected: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argument {} must be {}", self.argument + 1, self.expected)
    }
}

/// Why a call has no result, though its arguments are of the right types. Arguments are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No result for these values.
    #[error("{reason}")]
    Impossible {
        /// Which argument is to blame, where it is one.
        argument: Option<usize>,
        /// Why, as a clause: "the list is empty".
        reason: String,
    },
    /// A secret where its text would be read or compared.
    #[error("a secret is passed along, never read or compared")]
    Secret {
        /// Which argument.
        argument: usize,
    },
    /// A template that is filled in for itself, perhaps by way of others.
    #[error("templates need each other in a circle: `{steps}`")]
    Circle {
        /// The places of the calls, and the file that is reached again.
        steps: String,
    },
    /// The path leads out of the Nest.
    #[error("`{path}` leads out of the Nest")]
    OutsideNest {
        /// As it was given.
        path: String,
    },
    /// There is no such file.
    #[error("there is no file `{path}` in the Nest")]
    Missing {
        /// Relative to the root of the Nest.
        path: String,
    },
    /// The file is larger than is read.
    #[error("`{path}` has {bytes} bytes, more than is read")]
    TooLarge {
        /// Relative to the root of the Nest.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// The file is not UTF-8 text.
    #[error("`{path}` is not UTF-8 text")]
    NotText {
        /// Relative to the root of the Nest.
        path: String,
    },
    /// The operating system did not let the file be read.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// Relative to the root of the Nest.
        path: String,
        /// In its words.
        reason: String,
    },
}

impl CallError {
    /// No result, and no argument is to blame.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Impossible {
            argument: None,
            reason: reason.into(),
        }
    }

    /// No result because of this argument; the first is 0.
    #[must_use]
    pub fn at(argument: usize, reason: impl Into<String>) -> Self {
        Self::Impossible {
            argument: Some(argument),
            reason: reason.into(),
        }
    }

    /// Which argument is to blame, where it is one; the first is 0, and a path is always that.
    #[must_use]
    pub fn argument(&self) -> Option<usize> {
        match self {
            Self::Circle { .. } => None,
            Self::Impossible { argument, .. } => *argument,
            Self::Secret { argument } => Some(*argument),
            Self::OutsideNest { .. }
            | Self::Missing { .. }
            | Self::TooLarge { .. }
            | Self::NotText { .. }
            | Self::Unreadable { .. } => Some(0),
        }
    }

    /// The file at `path`, relative to the root of the Nest, was not read.
    #[must_use]
    pub fn from_read(path: &str, why: ReadError) -> Self {
        let path = path.to_owned();
        match why {
            ReadError::OutsideNest => Self::OutsideNest { path },
            ReadError::Missing => Self::Missing { path },
            ReadError::TooLarge(bytes) => Self::TooLarge { path, bytes },
            ReadError::NotText => Self::NotText { path },
            ReadError::Unreadable(reason) => Self::Unreadable { path, reason },
        }
    }
}

/// Fills in a template of the Nest: its path, relative to the root, and the values its `${...}` may name.
pub type Render<'a> = dyn Fn(&str, &BTreeMap<SmolStr, Value>) -> Result<String, CallError> + 'a;

/// What a call may reach besides its arguments.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The files of the Nest.
    pub files: &'a dyn ReadFile,
    /// Fills in templates.
    pub render: &'a Render<'a>,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

static ALL: LazyLock<Vec<Function>> = LazyLock::new(|| {
    [
        numbers::FUNCTIONS,
        questions::FUNCTIONS,
        lists::FUNCTIONS,
        maps::FUNCTIONS,
        strings::FUNCTIONS,
        encoding::FUNCTIONS,
        network::FUNCTIONS,
        files::FUNCTIONS,
    ]
    .concat()
});

/// Every function, related ones together.
#[must_use]
pub fn all() -> &'static [Function] {
    &ALL
}

/// The function of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().find(|function| function.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "abs ceil floor min max sum length contains keys values merge concat flatten distinct sort \
        reverse range slice lookup coalesce format join split alltrue anytrue lower upper trim replace startswith \
        endswith regex base64encode jsonencode sha256 cidrhost cidrsubnet file templatefile";

    #[test]
    fn every_function_of_the_language_is_here_once() {
        let mut wanted: Vec<&str> = NAMES.split_whitespace().collect();
        let mut found: Vec<&str> = all().iter().map(|function| function.name).collect();
        wanted.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, wanted);
        assert_eq!(find("lenght").map(|function| function.name), None);
        assert_eq!(find("length").map(|function| function.name), Some("length"));
    }

    #[test]
    fn every_function_is_described() {
        for Function {
            name,
            signature,
            doc,
            example,
            arity,
            ..
        } in all()
        {
            let call = format!("{name}(");
            assert!(
                signature.starts_with(&call) && signature.contains(") -> "),
                "{signature}"
            );
            assert!(doc.ends_with('.') && doc.len() > 20, "{name}: {doc}");
            assert!(
                example.starts_with(&call) && example.contains(")  # => "),
                "{example}"
            );
            assert!(arity.max.is_none_or(|max| max >= arity.min), "{name}");
        }
    }

    #[test]
    fn no_number_or_type_of_arguments_panics() {
        let types = [
            Type::Unknown,
            Type::Int,
            Type::String,
            Type::list(Type::Int),
            Type::Secret,
        ];
        let values = [
            Value::Int(i64::MIN),
            Value::string("a"),
            Value::list([]),
            Value::object([]),
        ];
        testing::in_context(|context| {
            for function in all() {
                for count in 0..4 {
                    for ty in &types {
                        let _ = (function.check)(&vec![ty.clone(); count]);
                    }
                    for value in &values {
                        let _ = (function.call)(&vec![value.clone(); count], context);
                    }
                }
                assert!(
                    (function.call)(&[], context).is_err(),
                    "{} without arguments",
                    function.name
                );
            }
        });
    }
}
