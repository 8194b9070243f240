//! FLY601: a block in the wrong folder.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

/// A block in the wrong folder.
pub(crate) static KIND: Kind = Kind {
    code: "FLY601",
    title: "a block in the wrong folder",
    severity: Severity::Error,
    explanation: r#"Where a block stands says what it is: eggs in `Eggs/<name>/config.fly`, jobs in `Jobs/<name>.fly`, `uglyfox`
in `UF/config.fly`, `mothergoose` in `MG/config.fly`, `rift` in `RF/config.fly`, providers and the rest in
`nest.fly`. So things are easy to find in a large Nest. `variable`, `locals`, `preset`,
`check` and `moved` may stand anywhere.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Lib/api.fly --
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

/// `belongs` is the path of the file where it would be right.
pub(crate) fn problem(header: Span, kind: &str, path: &str, belongs: &str) -> Problem {
    Problem::new(&KIND, header, format!("{} cannot stand in {path}", words::a(&format!("`{kind}`"))))
        .note(format!("belongs in {belongs}"))
        .help(format!("move it to {belongs}"))
}
