//! FLY718: a new machine would have the address of the one that it replaces.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A new machine would have the address of the one that it replaces.
pub(crate) static KIND: Kind = Kind {
    code: "FLY718",
    title: "a new machine would have the address of the one that it replaces",
    severity: Severity::Error,
    explanation: r#"With `create_before_delete`, the new machine is online before the old one is deleted. Where machines get their
addresses from a list, each has its own, and the two would have the same for as long as both are there.
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
    address = ["10.0.8.10/24"]
    gateway = "10.0.8.1"
  }
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
  runner {
    tags = ["docker"]
  }
  rollout {
    create_before_delete = true
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
  }
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
  runner {
    tags = ["docker"]
  }
  rollout {
    create_before_delete = true
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

/// `addresses` is where the list is, `at` where the new machine is wanted first.
pub(crate) fn problem(at: Span, addresses: Span) -> Problem {
    Problem::new(&KIND, at, "a new machine would have the address of the one that it replaces")
        .note("both are there for a while")
        .label(addresses, "each machine has an address of its own")
        .help("leave `create_before_delete` out, or let machines get their addresses by DHCP")
}
