//! FLY215: a key that the map does not have.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY215",
    title: "a key that the map does not have",
    severity: Severity::Error,
    explanation: r#"A map holds the keys that were put into it, and this one was not. Where the key may be missing, say what to take
instead: `lookup(map, "key", otherwise)`.
"#,
    wrong: r#"locals {
  sizes = { for name in ["small", "large"] : name => length(name) }
  chosen = local.sizes["medium"]
}
"#,
    right: r#"locals {
  sizes = { for name in ["small", "large"] : name => length(name) }
  chosen = lookup(local.sizes, "medium", 4)
}
"#,
};

pub(crate) fn problem(at: Span, key: &str, keys: &[&str]) -> Problem {
    let has = match keys {
        [] => "the map is empty".to_owned(),
        keys => format!("its keys are {}", words::listed(keys)),
    };
    let has = suggest::nearest(key, keys).question().unwrap_or_else(|| format!("{has};"));
    Problem::new(&KIND, at, format!("the map has no key `{key}`"))
        .note("no such key")
        .help(format!("{has} where a key may be missing, `lookup(map, key, otherwise)` says what to take instead"))
}
