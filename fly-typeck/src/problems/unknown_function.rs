//! FLY203: a function that Fly does not have.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY203",
    title: "a function that Fly does not have",
    severity: Severity::Error,
    explanation: r#"Fly has a small, fixed set of functions, and a Nest cannot add to it. The name is misspelt, or it is known from another
language: Terraform's `tonumber`, for instance, has no place where every value has a type. The language reference lists
all functions with their arguments.
"#,
    wrong: r#"locals {
  name = lowr("API")
}
"#,
    right: r#"locals {
  name = lower("API")
}
"#,
};

pub(crate) fn problem(name_span: Span, name: &str, names: &[&str]) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("there is no function `{name}`")).note("unknown function");
    if let Some(way) = instead(name) {
        return problem.help(way);
    }
    let otherwise = format!("the functions are {}", words::quoted(names, "and"));
    suggest::did_you_mean(problem, name_span, name, names, || otherwise)
}

/// What Fly has in place of a function that people know from Terraform.
fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "tostring" => "a value becomes text where it is inserted: `\"${value}\"`",
        "tonumber" | "tobool" => "every value has a type already: write the number or `true` without quotes",
        "tolist" | "toset" | "tomap" => {
            "a list stands where a set is wanted, an object where a map is: leave the call out, or use `distinct(...)`"
        }
        "try" | "can" => "use `lookup(map, key, default)` for an entry, or `coalesce(value, default)` for an attribute",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn the_function_that_was_meant_is_offered() {
        let slip = problem(here(0, 4), "lowr", &["lower", "upper", "length"]);
        assert_eq!(slip.message, "there is no function `lowr`");
        assert_eq!((slip.suggestions[0].edits[0].text.as_str(), slip.suggestions[0].certain), ("lower", true));
        let foreign = problem(here(0, 3), "len", &["lower", "upper", "length"]);
        assert_eq!(foreign.help.as_deref(), Some("did you mean `length`?"));
        assert!(!foreign.suggestions[0].certain);
    }
}
