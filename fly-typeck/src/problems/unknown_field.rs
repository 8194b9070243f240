//! FLY210: a field that the value does not have.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::name_place::{self, NamePlace};
use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY210",
    title: "a field that the value does not have",
    severity: Severity::Error,
    explanation: r#"A path such as `egg.api.runner.tags` or `local.site.zone` walks into a value field by field, and every field is known
from the schema or from the object that was written. This one is not there. Write the field as it is called.
"#,
    wrong: r#"locals {
  site = { zone = "a", size = 2 }
  zone = local.site.zome
}
"#,
    right: r#"locals {
  site = { zone = "a", size = 2 }
  zone = local.site.zone
}
"#,
};

/// `of` is what it should be a field of: "egg `api`", "the object", "a value of type int".
pub(crate) fn problem(name_span: Span, place: NamePlace, name: &str, of: &str, names: &[&str]) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("{of} has no field `{name}`")).note("no such field");
    let otherwise = match names {
        [] => format!("{of} has no fields at all"),
        names => format!("its fields are {}", words::listed(names)),
    };
    name_place::offer(problem, place, &suggest::nearest(name, names), || otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn the_field_that_was_meant_is_offered_or_all_are_named() {
        let help = |name, names: &[&str]| problem(here(0, 4), NamePlace::Key(here(0, 4)), name, "the object", names).help.unwrap_or_default();
        assert_eq!(problem(here(0, 4), NamePlace::Key(here(0, 4)), "zome", "the object", &[]).message, "the object has no field `zome`");
        assert_eq!(help("zome", &["zone", "size"]), "did you mean `zone`?");
        assert_eq!(help("colour", &["zone", "size"]), "its fields are `zone` and `size`");
        assert_eq!(help("colour", &[]), "the object has no fields at all");
    }
}
