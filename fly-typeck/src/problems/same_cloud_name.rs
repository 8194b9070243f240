//! FLY713: two things of one name in the cloud.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Two things of one name in the cloud.
pub(crate) static KIND: Kind = Kind {
    code: "FLY713",
    title: "two things of one name in the cloud",
    severity: Severity::Error,
    explanation: r#"What a cloud holds is found by its name. Two of one name would be made over each other: the second deployment
changes the first one's, and deleting one deletes both.
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
    name = "mg-app"
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

pub(crate) fn problem(later: Span, first: Span, name: &str) -> Problem {
    Problem::new(&KIND, later, format!("`{name}` is the name of two things in one cloud"))
        .note("the same name again")
        .label(first, "first used here")
        .help("give one of them another name")
}
