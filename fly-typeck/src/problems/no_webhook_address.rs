//! FLY902: nowhere for webhooks to go.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Nowhere for webhooks to go.
pub(crate) static KIND: Kind = Kind {
    code: "FLY902",
    title: "nowhere for webhooks to go",
    severity: Severity::Warning,
    explanation: r#"Runners are started when GitLab tells of a push or a job, through a webhook. Its address is the egg's
`webhook_url`, or else the one of the Nest's `mothergoose`. This egg has neither, so no webhook is made, and
there are as many of its runners as `gosling apply` makes. Where that is meant, say so: `events = []`.
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

pub(crate) fn problem(at: Span, egg: &str) -> Problem {
    Problem::new(&KIND, at, format!("no webhook will be made for `{egg}`: there is no address for it"))
        .note("has no `webhook_url`")
        .help(
            "add `webhook_url = \"https://...\"`, or describe the server in MG/config.fly; where nobody is to be told, say `events = []`",
        )
}
