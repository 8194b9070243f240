//! FLY705: one egg in two conditions.

use fly_syntax::{Kind, Problem, Severity, Span};

/// One egg in two conditions.
pub(crate) static KIND: Kind = Kind {
    code: "FLY705",
    title: "one egg in two conditions",
    severity: Severity::Error,
    explanation: r#"A `runners_condition` decides how many runners its eggs have. An egg in two of them would get two numbers,
and UglyFox would start and stop its runners in turn.
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
      idle_timeout = 30m
    }
  }
  runners_condition "nightly" {
    eggs_entities = ["api"]
    apex {
      max_count = 1
    }
    nadir {
      max_count = 1
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

pub(crate) fn problem(at: Span, entity: &str, first: Span) -> Problem {
    Problem::new(&KIND, at, format!("`{entity}` is in two conditions"))
        .note(format!("`{entity}` again"))
        .label(first, format!("`{entity}` is here already"))
        .help("take it out of one of them")
}
