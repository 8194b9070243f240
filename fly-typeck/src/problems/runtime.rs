//! FLY905: a function where a container is meant.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A function where a container is meant.
pub(crate) static KIND: Kind = Kind {
    code: "FLY905",
    title: "a function where a container is meant",
    severity: Severity::Warning,
    explanation: r#"The server's roles run as containers, from an `image`. `runtime` makes a function of one, as older Nests have
it: it still works, but starts slower, is bounded by the cloud's limits for functions, and cannot be run at
home. `auth_function` is a function by nature.
"#,
    wrong: r#"-- MG/config.fly --
mothergoose {
  cloud {
    provider = "yandex"
    zone = "ru-central1-a"
  }
  fastapi_app {
    name = "mg-app"
    image = "registry.example.com/mg/app:1.4.0"
  }
  celery_workers {
    name = "mg-workers"
    runtime = "python312"
  }
  message_queues {
    tasks {
      name = "mg-tasks"
      visibility_timeout = 60s
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
  fastapi_app {
    name = "mg-app"
    image = "registry.example.com/mg/app:1.4.0"
  }
  celery_workers {
    name = "mg-workers"
    image = "registry.example.com/mg/workers:1.4.0"
  }
  message_queues {
    tasks {
      name = "mg-tasks"
      visibility_timeout = 60s
    }
  }
}
"#,
};

pub(crate) fn problem(at: Span) -> Problem {
    Problem::new(&KIND, at, "this role runs as a function; a container is meant")
        .note("kept for existing Nests")
        .help("write `image = \"registry/name:tag\"` instead of `runtime`")
}
