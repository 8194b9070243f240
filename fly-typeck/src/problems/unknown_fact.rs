//! FLY204: a fact that a runner does not have.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY204",
    title: "a fact that a runner does not have",
    severity: Severity::Error,
    explanation: r#"The condition of a policy rule speaks of one runner, in a fixed set of facts: `failed_count`, `age`, `idle_time`,
`state`, `cpu`, `memory`, `jobs_run`, `last_contact`, `version` and `egg`. Nothing else is known of a runner when
the rule is evaluated. Variables and locals can be used as well, as `var.x` and `local.x`.
"#,
    wrong: r#"-- UF/config.fly --
uglyfox {
  pruning {
    failed_threshold = 3
    max_age = 7d
  }
  policies {
    rule "failing" {
      condition = fail_count >= 3 && age > 1h
      action = "terminate"
    }
  }
}
"#,
    right: r#"-- UF/config.fly --
uglyfox {
  pruning {
    failed_threshold = 3
    max_age = 7d
  }
  policies {
    rule "failing" {
      condition = failed_count >= 3 && age > 1h
      action = "terminate"
    }
  }
}
"#,
};

pub(crate) fn problem(name_span: Span, name: &str, names: &[&str]) -> Problem {
    let problem =
        Problem::new(&KIND, name_span, format!("a runner has no fact `{name}`")).note("not known of a runner");
    let otherwise = format!("a condition may ask for {}", words::quoted(names, "and"));
    suggest::did_you_mean(problem, name_span, name, names, || otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn the_fact_that_was_meant_is_offered_or_all_are_named() {
        let slip = problem(here(0, 10), "fail_count", &["failed_count", "age"]);
        assert_eq!(slip.message, "a runner has no fact `fail_count`");
        assert_eq!(slip.help.as_deref(), Some("did you mean `failed_count`?"));
        assert_eq!(slip.suggestions[0].edits[0].text, "failed_count");
        let far = problem(here(0, 6), "colour", &["failed_count", "age"]);
        assert_eq!(far.help.as_deref(), Some("a condition may ask for `failed_count` and `age`"));
        assert_eq!(far.suggestions, []);
    }
}
