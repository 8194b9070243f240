//! FLY904: a service account may do more than it needs.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

/// A service account may do more than it needs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY904",
    title: "a service account may do more than it needs",
    severity: Severity::Warning,
    explanation: r#"Anyone who takes over an account can do everything that it may do. These roles go beyond what the Nest's own use of the
account needs; the smallest set is printed. Keep more only where something outside this Nest uses the account
too.
"#,
    wrong: r#"-- MG/config.fly --
mothergoose {
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  service_accounts {
    app {
      name = "mg-app-account"
      roles = ["ydb.editor", "admin"]
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
  service_accounts {
    app {
      name = "mg-app-account"
      roles = ["ydb.editor"]
    }
  }
}
"#,
};

/// `smallest` is the list as it would be written.
pub(crate) fn problem(at: Span, extra: &[&str], smallest: &str) -> Problem {
    let verb = if extra.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} more than this account needs", words::quoted(extra, "and"));
    Problem::new(&KIND, at, message)
        .note("wider than needed")
        .help(format!("the smallest set is `{smallest}`"))
        .maybe(format!("write `{smallest}`"), at, smallest)
}
