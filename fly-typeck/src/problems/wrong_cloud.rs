//! FLY711: something that this cloud does not have.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Something that this cloud does not have.
pub(crate) static KIND: Kind = Kind {
    code: "FLY711",
    title: "something that this cloud does not have",
    severity: Severity::Error,
    explanation: r#"The `mothergoose` block is one for both clouds, and some of it only one of them has. On the other it would do
nothing, or be something else than was meant.
"#,
    wrong: r#"-- MG/config.fly --
mothergoose {
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  database {
    type = "dynamodb"
    name = "mg-db"
  }
}
"#,
    right: r#"-- MG/config.fly --
mothergoose {
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  database {
    type = "ydb"
    name = "mg-db"
  }
}
"#,
};

/// `only` is the cloud that has it.
pub(crate) fn problem(at: Span, name: &str, only: &str, cloud: &str, hint: Option<String>) -> Problem {
    let help = hint.unwrap_or_else(|| format!("take `{name}` out, or choose `{only}` in `cloud`"));
    Problem::new(&KIND, at, format!("`{name}` exists on `{only}` only, and this is `{cloud}`"))
        .note(format!("not on `{cloud}`"))
        .help(help)
}
