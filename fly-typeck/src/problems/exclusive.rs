//! FLY703: two that exclude each other.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Two that exclude each other.
pub(crate) static KIND: Kind = Kind {
    code: "FLY703",
    title: "two that exclude each other",
    severity: Severity::Error,
    explanation: r#"Some attributes answer the same question, and only one answer can hold: a runner serves the project
`project_id` or the group `group_id`, a machine is made from a `template` or an `image`.
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
    group_id = 7
    webhook_url = "https://mg.example.com/hooks"
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
"#,
};

pub(crate) fn problem(at: Span, name: &str, other: &str, other_at: Span) -> Problem {
    Problem::new(&KIND, at, format!("`{name}` and `{other}` exclude each other"))
        .note("cannot be used together with the other")
        .label(other_at, format!("`{other}` is given here"))
        .help("keep one of the two")
}
