//! FLY710: a runner may idle longer than it may live.

use fly_syntax::{Kind, Problem, Severity, Span};

use fly_domain::Duration;

/// A runner may idle longer than it may live.
pub(crate) static KIND: Kind = Kind {
    code: "FLY710",
    title: "a runner may idle longer than it may live",
    severity: Severity::Error,
    explanation: r#"A runner is removed when it has idled for `idle_timeout`, and when it is older than `max_age`. Where the first
is longer than the second it never takes effect.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/api/config.fly --
egg "api" {
  type = "vm"
  cloud {
    provider = "proxmox"
    template = "debian-12"
  }
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
  runner {
    tags = ["docker"]
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
-- UF/config.fly --
uglyfox {
  pruning {
    failed_threshold = 3
    max_age = 24h
  }
  runners_condition "default" {
    eggs_entities = ["api"]
    apex {
      min_count = 1
      max_count = 4
    }
    nadir {
      max_count = 2
      idle_timeout = 48h
    }
  }
}
"#,
    right: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/api/config.fly --
egg "api" {
  type = "vm"
  cloud {
    provider = "proxmox"
    template = "debian-12"
  }
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
  runner {
    tags = ["docker"]
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
-- UF/config.fly --
uglyfox {
  pruning {
    failed_threshold = 3
    max_age = 24h
  }
  runners_condition "default" {
    eggs_entities = ["api"]
    apex {
      min_count = 1
      max_count = 4
    }
    nadir {
      max_count = 2
      idle_timeout = 30m
    }
  }
}
"#,
};

/// Timeouts that are shown, before "and so many more".
const SHOWN: usize = 3;

/// `idles` are the timeouts that are longer than `max_age`, which stands at `at`: one age too short is one mistake,
/// however many runners it cuts off.
pub(crate) fn problem(at: Span, age: &str, idles: &[(Duration, Span)]) -> Problem {
    let longest = idles.iter().map(|(idle, _)| *idle).max().unwrap_or_default();
    let message = format!("a runner may idle for {longest} but lives for {age} at most");
    let problem = Problem::new(&KIND, at, message).note(format!("removed after {age} anyway"));
    let problem = idles.iter().enumerate().take(SHOWN).fold(problem, |problem, (index, (idle, span))| {
        let more = idles.len().saturating_sub(SHOWN);
        problem.label(*span, match more {
            more if more > 0 && index + 1 == SHOWN => format!("{idle} is never reached, nor in {more} more places"),
            _ => format!("{idle} is never reached"),
        })
    });
    problem.help("shorten `idle_timeout` or raise `max_age`")
}
