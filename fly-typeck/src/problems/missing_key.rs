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
    Problem::new(&KIND, at, format!("the map has no key `{}`", words::shown(key)))
        .note("no such key")
        .help(format!("{has} where a key may be missing, `lookup(map, key, otherwise)` says what to take instead"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn the_help_says_which_keys_there_are_and_how_to_do_without() {
        let help = |key, keys: &[&str]| problem(here(0, 5), key, keys).help.unwrap_or_default();
        let lookup = "where a key may be missing, `lookup(map, key, otherwise)` says what to take instead";
        assert_eq!(help("smal", &["small", "large"]), format!("did you mean `small`? {lookup}"));
        assert_eq!(help("medium", &["a", "b"]), format!("its keys are `a` and `b`; {lookup}"));
        assert_eq!(help("medium", &[]), format!("the map is empty; {lookup}"));
    }
}
