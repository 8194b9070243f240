//! FLY207: a variable that nobody gave a value.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY207",
    title: "a variable that nobody gave a value",
    severity: Severity::Error,
    explanation: r#"A variable without a `default` must be given: in a `.flyvars` file (`nest.flyvars` is read by itself, others with
`--var-file`), as `GOSLING_VAR_<name>` in the environment, or with `--var name=value`. A default makes the variable
optional.
"#,
    wrong: r#"variable "region" {
  type = string
}
"#,
    right: r#"variable "region" {
  type = string
  default = "eu-north-1"
}
"#,
};

pub(crate) fn problem(header: Span, name: &str) -> Problem {
    Problem::new(&KIND, header, format!("the variable `{name}` has no value"))
        .note("no default, and nothing given")
        .help(format!(
            "give it a `default`, write `{name} = ...` in nest.flyvars, set GOSLING_VAR_{name}, or pass `--var {name}=...`"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_every_way_to_give_a_value() {
        let problem = problem(here(0, 17), "region");
        assert_eq!(problem.message, "the variable `region` has no value");
        let help = problem.help.unwrap_or_default();
        for way in ["`default`", "nest.flyvars", "GOSLING_VAR_region", "`--var region=...`"] {
            assert_eq!((way, help.contains(way)), (way, true));
        }
    }
}
