//! FLY706: a machine that its cloud does not have.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A machine that its cloud does not have.
pub(crate) static KIND: Kind = Kind {
    code: "FLY706",
    title: "a machine that its cloud does not have",
    severity: Severity::Error,
    explanation: r#"A `container` is an LXC container, which only Proxmox runs. `serverless` is a service of the clouds, which
Proxmox does not have. A `vm` runs everywhere.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/api/config.fly --
egg "api" {
  type = "serverless"
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

/// `ty` is `container` or `serverless`.
pub(crate) fn problem(at: Span, ty: &str, provider: &str, provider_at: Span) -> Problem {
    let help = if ty == "container" {
        "containers are LXC and run on `proxmox` only: write `type = \"vm\"`, or choose `proxmox`"
    } else {
        "`serverless` needs a cloud such as `yandex` or `aws`: write `type = \"vm\"`, or choose one of them"
    };
    Problem::new(&KIND, at, format!("`{provider}` cannot run a `{ty}` machine"))
        .note(format!("not on `{provider}`"))
        .label(provider_at, format!("`{provider}` is chosen here"))
        .help(help)
}
