//! FLY504: a plain text where a secret belongs.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;
use fly_domain::SecretBackend;

/// A plain text where a secret belongs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY504",
    title: "a plain text where a secret belongs",
    severity: Severity::Error,
    explanation: r#"A token in a file is a token in the repository's history, in every clone and in every backup. Here only the
address of a secret may stand. With nothing else at hand, `gosling secret set` keeps it in gosling's own
encrypted store, and the address is `store://{path}/{key}`.

What was written is masked in all output. If it was a real token, and the file was committed, replace the
token.
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
    api_token = "not-a-real-token"
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
    api_token = "store://gitlab/api-token"
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

/// The text itself is never taken, so that it cannot be shown.
pub(crate) fn problem(at: Span) -> Problem {
    let forms: Vec<&str> = SecretBackend::ALL.iter().map(|backend| backend.form()).collect();
    Problem::new(&KIND, at, "a plain text stands where a secret belongs")
        .note("write where the secret is kept, not the secret")
        .help(format!(
            "an address is one of {}; `store://` is gosling's own and needs no server. If this was a real secret, replace it",
            words::quoted(&forms, "or")
        ))
}

/// An age identity: what opens secrets, and is kept out of the Nest.
pub(crate) fn identity(at: Span) -> Problem {
    Problem::new(&KIND, at, "an age identity stands in the Nest")
        .note("this is the private half")
        .help(
            "a recipient is its public half, `age1...`, which `age-keygen -y FILE` shows. Everything that was encrypted for \
             this identity can be opened by anyone who reads the Nest: if it was committed, replace it",
        )
}

/// A `token_id` with the secret of the token behind it.
pub(crate) fn in_token_id(at: Span) -> Problem {
    Problem::new(&KIND, at, "the secret of a token stands behind its id")
        .note("an id is `user@realm!name`, without `=`")
        .help("write the id alone, and where the secret is kept into `token`; a secret that was committed is to be replaced")
}
