//! FLY707: a serverless job that may run too long.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A serverless job that may run too long.
pub(crate) static KIND: Kind = Kind {
    code: "FLY707",
    title: "a serverless job that may run too long",
    severity: Severity::Error,
    explanation: r#"The clouds end a serverless job after an hour, whatever the runner's own limit is. A longer `maximum_timeout` would
promise jobs something that they do not get. Longer jobs need a `vm`.
"#,
    wrong: r#"-- Eggs/api/config.fly --
egg "api" {
  type = "serverless"
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
  runner {
    tags = ["docker"]
    maximum_timeout = 2h
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
    right: r#"-- Eggs/api/config.fly --
egg "api" {
  type = "serverless"
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
  runner {
    tags = ["docker"]
    maximum_timeout = 1h
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

pub(crate) fn problem(at: Span, value: &str, type_at: Span) -> Problem {
    Problem::new(&KIND, at, format!("a serverless job runs for at most 60m, not {value}"))
        .note("at most 60m")
        .label(type_at, "serverless is chosen here")
        .help("shorten `maximum_timeout` to `60m`, or write `type = \"vm\"`")
}
