//! FLY603: a label other than its folder or file.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A label other than its folder or file.
pub(crate) static KIND: Kind = Kind {
    code: "FLY603",
    title: "a label other than its folder or file",
    severity: Severity::Error,
    explanation: r#"An egg in `Eggs/api/` is `egg "api"`, a job in `Jobs/nightly.fly` is `job "nightly"`: one name, so that nobody
has to search. With `for_each` the label starts with it: `"api-${each.key}"`.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/api/config.fly --
egg "backend" {
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

/// `wanted` is the name of the folder or file.
pub(crate) fn problem(label_span: Span, label: &str, wanted: &str, for_each: bool) -> Problem {
    if for_each {
        return Problem::new(&KIND, label_span, format!("`{label}` stands under the name `{wanted}`"))
            .note(format!("must start with `{wanted}-`"))
            .help(format!("write `\"{wanted}-${{each.key}}\"`, or rename the folder or file"));
    }
    Problem::new(&KIND, label_span, format!("`{label}` stands under the name `{wanted}`"))
        .note(format!("must be `{wanted}`"))
        .help(format!("write `\"{wanted}\"`, or rename the folder or file to `{label}`"))
        .fix(format!("write `\"{wanted}\"`"), label_span, format!("\"{wanted}\""))
}
