//! FLY214: a reference that cannot be used in this place.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY214",
    title: "a reference that cannot be used in this place",
    severity: Severity::Error,
    explanation: r#"Some values are needed before others are known. A variable's default is found before anything else, so it cannot refer
to locals, eggs or other variables; the lists `eggs`, `eggsbuckets` and `jobs` are complete only when every egg is, so
an egg, an eggsbucket or a job cannot be made from them. Put the value in a `locals` block, or write it out.
"#,
    wrong: r#"locals {
  region = "eu-north-1"
}
variable "zone" {
  type = string
  default = "${local.region}a"
}
"#,
    right: r#"locals {
  zone = "${var.region}a"
}
variable "region" {
  type = string
  default = "eu-north-1"
}
"#,
};

/// `place` is what the reference cannot be part of.
pub(crate) fn problem(at: Span, what: &str, place: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{what}` cannot be used in {place}"))
        .note("not known yet at this point")
        .help("write the value out here, or put what is made from it in a `locals` block")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_the_reference_and_the_place() {
        let problem = problem(here(0, 12), "local.region", "a variable's default");
        assert_eq!(problem.message, "`local.region` cannot be used in a variable's default");
        assert_eq!(problem.note, "not known yet at this point");
    }
}
