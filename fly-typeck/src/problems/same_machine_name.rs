//! FLY717: two labels that become one name of machines.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Two labels that become one name of machines.
pub(crate) static KIND: Kind = Kind {
    code: "FLY717",
    title: "two labels that become one name of machines",
    severity: Severity::Error,
    explanation: r#"Machines are called by the label of their egg, and a host name has small letters, digits and `-`: capitals are lowered
and `_` becomes `-`. Two labels that differ only in that would give two machines one name. Rename one of the two.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/web-front/config.fly --
egg "web-front" {
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
    tags = ["web-front"]
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
-- Eggs/web_front/config.fly --
egg "web_front" {
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
    tags = ["web_front"]
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
-- Eggs/web-front/config.fly --
egg "web-front" {
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
    tags = ["web-front"]
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
-- Eggs/web_back/config.fly --
egg "web_back" {
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
    tags = ["web_back"]
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

/// `name` is what both labels become.
pub(crate) fn problem(at: Span, first: Span, label: &str, other: &str, name: &str) -> Problem {
    Problem::new(
        &KIND,
        at,
        format!("the machines of `{label}` and `{other}` would both be called `{name}`"),
    )
    .note("the same name in small letters and with `-`")
    .label(first, "the other one")
    .help("rename one of the two; a `moved` block keeps what it has already made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_both_labels_and_the_name() {
        let problem = problem(here(20, 27), here(0, 9), "A_b", "a-b", "a-b");
        assert_eq!(problem.message, "the machines of `A_b` and `a-b` would both be called `a-b`");
        assert_eq!(problem.labels[0].span, here(0, 9));
    }
}
