//! FLY715: a range that holds nothing.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A range that holds nothing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY715",
    title: "a range that holds nothing",
    severity: Severity::Error,
    explanation: r#"A range is written from its smallest to its largest: `"5000-5999"`. The other way round it holds nothing, and
no machine would find a free number in it.
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
    vmid_range = "5999-5000"
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
    vmid_range = "5000-5999"
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

/// `reason` says what is wrong with `text`.
pub(crate) fn problem(at: Span, text: &str, reason: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{text}` is no usable range: {reason}"))
        .help("write the smallest and the largest with a `-` between them: `5000-5999`")
}
