//! FLY413: a template in a label.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A template in a label.
pub(crate) static KIND: Kind = Kind {
    code: "FLY413",
    title: "a template in a label",
    severity: Severity::Error,
    explanation: r#"A label is the name of one thing, so it is plain text. Only under `for_each` it holds a template, and there it
must use `each.key`: without it all that the block makes would have the same name.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/api/config.fly --
egg "api-main" {
  for_each = { blue = 101, green = 102 }
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
egg "api-${each.key}" {
  for_each = { blue = 101, green = 102 }
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
    project_id = each.value
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

/// With `needs_each` the label lacks `each.key`; without, it has a template but its block no `for_each`.
pub(crate) fn problem(label_span: Span, needs_each: bool) -> Problem {
    if needs_each {
        Problem::new(&KIND, label_span, "with `for_each`, the label must use `each.key`")
            .note("the same for every entry")
            .help("write it into the label: `\"name-${each.key}\"`")
    } else {
        Problem::new(&KIND, label_span, "a label is plain text unless its block has `for_each`")
            .note("holds a template")
            .help("write the name out, or add `for_each = { ... }` and use `each.key`")
    }
}
