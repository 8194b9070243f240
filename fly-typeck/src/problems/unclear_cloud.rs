//! FLY714: which cloud is not said.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

/// Which cloud is not said.
pub(crate) static KIND: Kind = Kind {
    code: "FLY714",
    title: "which cloud is not said",
    severity: Severity::Error,
    explanation: r#"`mothergoose` takes the Nest's only cloud provider by itself. With none, or with two, it has to be said in its
`cloud` block: a server in the wrong cloud is not found out by reading.
"#,
    wrong: r#"-- nest.fly --
provider "yandex" {}
provider "aws" {}
-- MG/config.fly --
mothergoose {
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
    right: r#"-- nest.fly --
provider "yandex" {}
provider "aws" {}
-- MG/config.fly --
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

/// `providers` are those of the Nest that could be meant.
pub(crate) fn problem(header: Span, providers: &[&str]) -> Problem {
    let message = if providers.is_empty() {
        "`mothergoose` does not say which cloud it is in, and the Nest has no cloud provider".to_owned()
    } else {
        format!("`mothergoose` does not say which cloud it is in: {}", words::quoted(providers, "or"))
    };
    let provider = providers.first().unwrap_or(&"yandex");
    Problem::new(&KIND, header, message)
        .note("has no `cloud`")
        .help(format!("add `cloud {{ provider = \"{provider}\" }}`"))
}
