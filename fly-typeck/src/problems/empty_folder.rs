//! FLY602: a place for something that is not there.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A place for something that is not there.
pub(crate) static KIND: Kind = Kind {
    code: "FLY602",
    title: "a place for something that is not there",
    severity: Severity::Error,
    explanation: r#"A folder in `Eggs/` is there for the egg in its `config.fly`, and a file in `Jobs/` for its job. Where there
is none, it was deleted only in part, is not written yet, or bears another name: a machine that nobody manages
may stand behind it.
"#,
    wrong: r#"-- Eggs/api/config.fly --
# Moved to the other Nest.
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

/// `path` is a folder in `Eggs/`, or the file that should hold something.
pub(crate) fn problem(at: Span, path: &str) -> Problem {
    let job = path.starts_with("Jobs/");
    if path.ends_with(".fly") {
        let what = if job { "no job" } else { "no egg" };
        let write = if job { "job" } else { "egg" };
        Problem::new(&KIND, at, format!("{path} holds {what}"))
            .help(format!("write `{write} \"name\" {{ ... }}` in it, or delete {path}"))
    } else {
        Problem::new(&KIND, at, format!("the folder {path} has no config.fly"))
            .help(format!("write the egg in {path}/config.fly, or delete the folder"))
    }
}
