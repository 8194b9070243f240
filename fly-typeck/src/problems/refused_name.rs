//! FLY314: a name that the cloud refuses.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

pub(crate) static KIND: Kind = Kind {
    code: "FLY314",
    title: "a name that the cloud refuses",
    severity: Severity::Error,
    explanation: r#"Clouds have rules of their own for the names of what they hold: how long they are, which characters they take. A name
that breaks them would be refused at the moment it is made, after other things were made already. The message says the
rule.
"#,
    wrong: r#"-- MG/config.fly --
mothergoose {
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  storage {
    cache {
      name = "Nest_Cache"
    }
  }
}
"#,
    right: r#"-- MG/config.fly --
mothergoose {
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  storage {
    cache {
      name = "nest-cache"
    }
  }
}
"#,
};

/// `what` is what the name is for, `rule` what the cloud wants: "3 to 63 small letters, digits and `-`".
pub(crate) fn problem(at: Span, name: &str, what: &str, rule: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{}` cannot be the name of {what}", words::shown(name)))
        .note("refused by the cloud")
        .help(format!("the rule is: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn says_the_rule() {
        let problem = problem(here(0, 8), "My_Nest", "a bucket", "3 to 63 small letters, digits and `-`");
        assert_eq!(problem.message, "`My_Nest` cannot be the name of a bucket");
        assert_eq!(
            problem.help.as_deref(),
            Some("the rule is: 3 to 63 small letters, digits and `-`")
        );
    }
}
