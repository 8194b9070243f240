//! FLY506: a secret in an unknown backend.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

/// A secret in an unknown backend.
pub(crate) static KIND: Kind = Kind {
    code: "FLY506",
    title: "a secret in an unknown backend",
    severity: Severity::Error,
    explanation: r#"The word before `://` names the backend that keeps the secret, exactly as it is spelt: `yc-lockbox`, `aws-sm`,
`vault`, `env` or `store`. Another word is a misspelt one, or a backend that gosling cannot read.
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
    api_token = "vualt://ci/gitlab/token"
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
    api_token = "vault://ci/gitlab/token"
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

/// `scheme_at` is where the scheme alone is written.
pub(crate) fn problem(at: Span, scheme: &str, schemes: &[&str], scheme_at: Option<Span>) -> Problem {
    let problem = Problem::new(&KIND, at, format!("`{scheme}` is no backend for secrets"));
    let all = || format!("secrets are kept in {}", words::quoted(schemes, "or"));
    match scheme_at {
        Some(at) => suggest::did_you_mean(problem, at, scheme, schemes, all),
        None => problem.help(all()),
    }
}
