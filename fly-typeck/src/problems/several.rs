//! FLY609: several in one file.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Several in one file.
pub(crate) static KIND: Kind = Kind {
    code: "FLY609",
    title: "several in one file",
    severity: Severity::Error,
    explanation: r#"One file holds one egg or one job, named like its folder or file. Two in one could not both be, and the second
would be found by nobody. For several that are alike, `for_each` makes one of each entry.
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
egg "web" {
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
    project_id = 43
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
-- Eggs/web/config.fly --
egg "web" {
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
    project_id = 43
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

pub(crate) fn problem(header: Span, first: Span, path: &str, kind: &str) -> Problem {
    let place = if kind == "job" { "Jobs/<name>.fly" } else { "Eggs/<name>/config.fly" };
    Problem::new(&KIND, header, format!("{path} holds more than one block that belongs to it alone"))
        .note(format!("one `{kind}` too many"))
        .label(first, "the first is here")
        .help(format!("move it to {place} under its own name; for several that are alike use `for_each`"))
}
