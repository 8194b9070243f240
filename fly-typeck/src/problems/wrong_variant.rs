//! FLY411: an attribute of another variant.

use fly_syntax::{Kind, Problem, Severity, Span};

/// An attribute of another variant.
pub(crate) static KIND: Kind = Kind {
    code: "FLY411",
    title: "an attribute of another variant",
    severity: Severity::Error,
    explanation: r#"What some blocks hold depends on one of their words: `cloud` on its `provider`, `provider` on its label. This
name is known, but belongs to another choice than the one made here, and would do nothing.
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
    subnet_id = "subnet-0a1b2c3d"
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

/// `chosen` is the word that decides, `belongs` the one under which `name` exists.
pub(crate) fn problem(
    name_span: Span,
    name: &str,
    block: &str,
    belongs: &str,
    chosen: &str,
    chosen_at: Option<Span>,
) -> Problem {
    let message = format!("`{name}` belongs to a `{block}` of `{belongs}`, and this one is of `{chosen}`");
    let problem = Problem::new(&KIND, name_span, message)
        .note(format!("only with `{belongs}`"))
        .help(format!("take `{name}` out, or change `{chosen}` to `{belongs}`"));
    match chosen_at {
        Some(at) => problem.label(at, format!("`{chosen}` is chosen here")),
        None => problem,
    }
}
