//! FLY712: a queue shows a message again while it is worked on.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A queue shows a message again while it is worked on.
pub(crate) static KIND: Kind = Kind {
    code: "FLY712",
    title: "a queue shows a message again while it is worked on",
    severity: Severity::Error,
    explanation: r#"A queue hides a message for `visibility_timeout` while a worker has it, and then hands it to the next. Where
the worker may take longer than that, two of them do the same work. The timeout of the queue has to be at
least that of its reader.
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
    image = "registry.example.com/mg/workers:1.4.0"
    timeout = 10m
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
    timeout = 10m
  }
  message_queues {
    tasks {
      name = "mg-tasks"
      visibility_timeout = 10m
    }
  }
}
"#,
};

/// `role` reads the queue and may take `timeout` for a message.
pub(crate) fn problem(at: Span, visibility: &str, role: &str, timeout: &str, timeout_at: Span) -> Problem {
    let message = format!("a message is hidden for {visibility}, but `{role}` may work on it for {timeout}");
    Problem::new(&KIND, at, message)
        .note("shorter than its reader's timeout")
        .label(timeout_at, format!("`{role}` may take {timeout}"))
        .help(format!("write `visibility_timeout = {timeout}` or more"))
}
