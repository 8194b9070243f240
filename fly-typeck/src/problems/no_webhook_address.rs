//! FLY902: nowhere for webhooks to go.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Nowhere for webhooks to go.
pub(crate) static KIND: Kind = Kind {
    code: "FLY902",
    title: "nowhere for webhooks to go",
    severity: Severity::Warning,
    explanation: r#"A server starts runners when GitLab reports a push or a job through a webhook. The address of the webhook is the egg's
`webhook_url`, or else the one of the Nest's `mothergoose`. Other eggs of this Nest have an address, and this one has
none: no webhook is created for it, and it keeps the runners that `gosling apply` creates. If you mean that, write
`events = []`. In a Nest without any address no egg needs one, and nothing is said.
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
    tags = ["web"]
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
    tags = ["web"]
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 43
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

pub(crate) fn problem(at: Span, egg: &str) -> Problem {
    Problem::new(&KIND, at, format!("no webhook is created for `{egg}`: it has no address for one"))
        .note("has no `webhook_url`")
        .help(
            "add `webhook_url = \"https://...\"`, or describe the server in MG/config.fly; if this egg needs no webhook, write `events = []`",
        )
}
