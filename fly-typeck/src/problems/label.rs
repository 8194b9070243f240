//! FLY313: a label that cannot be a name.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

pub(crate) static KIND: Kind = Kind {
    code: "FLY313",
    title: "a label that cannot be a name",
    severity: Severity::Error,
    explanation: r#"A label names machines, folders and addresses, so it is made of letters without accents, digits, `-` and `_`, with a
letter or a digit first. With `for_each` the label is put together from `each.key`, and every key must fit.
"#,
    wrong: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/site/config.fly --
egg "site-${each.key}" {
  for_each = { "blue.1" = 101 }
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
    right: r#"-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
-- Eggs/site/config.fly --
egg "site-${each.key}" {
  for_each = { blue = 101 }
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

/// `reason` is what is wrong with it: "it is empty".
pub(crate) fn problem(at: Span, label: &str, reason: &str) -> Problem {
    let what = if label.is_empty() { "this label".to_owned() } else { format!("`{}`", words::shown(label)) };
    Problem::new(&KIND, at, format!("{what} cannot be a label: {reason}"))
        .note("not a name")
        .help("a label is made of a to z, 0 to 9 and `-`, and starts with a letter or a digit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn says_what_a_label_is_made_of() {
        let named = problem(here(4, 10), "Blue", "it has the letter `B`");
        assert_eq!(named.message, "`Blue` cannot be a label: it has the letter `B`");
        let empty = problem(here(4, 6), "", "it is empty");
        assert_eq!(empty.message, "this label cannot be a label: it is empty");
        assert_eq!(
            empty.help.as_deref(),
            Some("a label is made of a to z, 0 to 9 and `-`, and starts with a letter or a digit")
        );
    }
}
