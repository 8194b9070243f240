//! FLY709: a schedule that never comes round.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A schedule that never comes round.
pub(crate) static KIND: Kind = Kind {
    code: "FLY709",
    title: "a schedule that never comes round",
    severity: Severity::Error,
    explanation: r#"Each field of the schedule is fine by itself, but no day has all of them: there is no 30th of February. The
job would never run, without any message.
"#,
    wrong: r#"-- Jobs/cleanup.fly --
job "cleanup" {
  schedule = "0 3 30 2 *"
  script = "./cleanup.sh"
  runner {
    type = "vm"
    tags = ["docker"]
  }
}
"#,
    right: r#"-- Jobs/cleanup.fly --
job "cleanup" {
  schedule = "0 3 28 2 *"
  script = "./cleanup.sh"
  runner {
    type = "vm"
    tags = ["docker"]
  }
}
"#,
};

pub(crate) fn problem(at: Span, cron: &str) -> Problem {
    Problem::new(&KIND, at, format!("the schedule `{cron}` never comes round"))
        .note("no such day")
        .help("the fields are minute, hour, day of the month, month and day of the week: change the day or the month")
}
