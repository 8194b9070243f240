//! FLY209: an optional value that is read but not set.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY209",
    title: "an optional value that is read but not set",
    severity: Severity::Error,
    explanation: r#"There is no null in Fly. An optional attribute that was left out has no value, and so it cannot be read. Set it where
the block is written, or say what to take instead: `coalesce(first, otherwise)` does.
"#,
    wrong: r#"-- Eggs/api/config.fly --
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
-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
locals {
  version = egg.api.runner.version
}
"#,
    right: r#"-- Eggs/api/config.fly --
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
    version = "17.5.0"
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
-- nest.fly --
provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
locals {
  version = egg.api.runner.version
}
"#,
};

/// An element of a list of eggs does not set what is read of each: `of` is the element, "egg `api`", `written` the path
/// as it is written, `e.gitlab.group_id`.
pub(crate) fn of_element(at: Span, written: &str, name: &str, of: &str, declared: Option<Span>) -> Problem {
    let problem = Problem::new(&KIND, at, format!("`{name}` of {of} is not set"))
        .note("left out there, so there is nothing to read")
        .help(format!("set `{name}` there, or say what to take instead: `coalesce({written}, ...)`"));
    match declared {
        Some(declared) => problem.label(declared, format!("`{name}` could be set here")),
        None => problem,
    }
}

/// `declared` is where it could be set.
pub(crate) fn problem(at: Span, path: &str, declared: Span) -> Problem {
    let name = path.rsplit('.').next().unwrap_or(path);
    let problem = Problem::new(&KIND, at, format!("`{path}` is not set"))
        .note("left out, so there is nothing to read")
        .help(format!("set `{name}` there, or say what to take instead: `coalesce({path}, ...)`"));
    if at.contains(declared) { problem } else { problem.label(declared, format!("`{name}` could be set here")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn shows_where_it_could_be_set() {
        let problem = problem(here(90, 112), "egg.api.runner.version", here(40, 46));
        assert_eq!(problem.message, "`egg.api.runner.version` is not set");
        assert_eq!(
            problem.help.as_deref(),
            Some("set `version` there, or say what to take instead: `coalesce(egg.api.runner.version, ...)`")
        );
        assert_eq!(problem.labels[0].message, "`version` could be set here");
    }

    #[test]
    fn no_place_is_shown_twice() {
        assert_eq!(problem(here(90, 112), "e.resources.zone", here(90, 101)).labels, []);
    }
}
