//! FLY704: a minimum above its maximum.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A minimum above its maximum.
pub(crate) static KIND: Kind = Kind {
    code: "FLY704",
    title: "a minimum above its maximum",
    severity: Severity::Error,
    explanation: r#"No number is at least the one and at most the other. The two are mostly swapped, or one was changed without
the other.
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
      min_count = 5
      max_count = 4
    }
    nadir {
      max_count = 2
      idle_timeout = 30m
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

/// `min` and `max` are as they could be written: `min_count = 5`.
pub(crate) fn problem(at: Span, min: &str, max: &str, max_at: Span) -> Problem {
    Problem::new(&KIND, at, format!("`{min}` is above `{max}`"))
        .note("the minimum")
        .label(max_at, "the maximum")
        .help("lower the minimum or raise the maximum")
}
