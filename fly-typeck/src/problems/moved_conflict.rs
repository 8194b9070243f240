//! FLY716: a `moved` block that contradicts the Nest or another one.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A `moved` block that contradicts the Nest or another one.
pub(crate) static KIND: Kind = Kind {
    code: "FLY716",
    title: "a `moved` block that contradicts the Nest or another one",
    severity: Severity::Error,
    explanation: r#"A `moved` block renames something in the state: what was at `from` is at `to` from now on. That is possible only if
`from` is no longer declared, both are of one kind, and no other `moved` block moves the same thing elsewhere or
something else to the same place. Moves may follow each other: `a` to `b` and later `b` to `c`. Remove the block that
is no longer true.
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
    webhook_url = "https://mg.example.com/hooks"
  }
}
moved {
  from = egg.api
  to = egg.api
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
moved {
  from = egg.backend
  to = egg.api
}
"#,
};

/// How a `moved` block contradicts something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict<'c> {
    /// `from` and `to` are the same address.
    Itself(&'c str),
    /// `from` is an egg and `to` a job, say.
    Kinds(&'c str, &'c str),
    /// `from` is still declared, there.
    StillDeclared(&'c str, Span),
    /// Another block moves the same thing, there.
    MovedTwice(&'c str, Span),
    /// Another block moves something else to the same place, there.
    SamePlace(&'c str, Span),
    /// The moves lead back to where they began.
    Circle(&'c str),
}

pub(crate) fn problem(at: Span, conflict: Conflict<'_>) -> Problem {
    let (message, note, help) = match conflict {
        Conflict::Itself(address) => (
            format!("`{address}` is moved to itself"),
            "the same as `from`",
            "write the old address in `from`, or remove the block",
        ),
        Conflict::Kinds(from, to) => (
            format!("`{from}` cannot become `{to}`: they are of different kinds"),
            "another kind than `from`",
            "a move is a new name, not a new kind: remove the block, and the old one is deleted and the new one created",
        ),
        Conflict::StillDeclared(address, _) => (
            format!("`{address}` is moved away, and is still declared"),
            "still declared",
            "remove the `moved` block, or what is still declared under the old name",
        ),
        Conflict::MovedTwice(address, _) => (
            format!("`{address}` is moved to two places"),
            "moved again here",
            "keep the block that is true",
        ),
        Conflict::SamePlace(address, _) => (
            format!("two things are moved to `{address}`"),
            "moved here as well",
            "one address has one thing: keep the block that is true",
        ),
        Conflict::Circle(address) => (
            format!("these moves lead from `{address}` back to `{address}`"),
            "leads back to its start",
            "remove the move that is no longer true",
        ),
    };
    let problem = Problem::new(&KIND, at, message).note(note).help(help);
    match conflict {
        Conflict::StillDeclared(_, declared) => problem.label(declared, "declared here"),
        Conflict::MovedTwice(_, first) | Conflict::SamePlace(_, first) => problem.label(first, "first moved here"),
        Conflict::Itself(_) | Conflict::Kinds(..) | Conflict::Circle(_) => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn the_other_place_is_shown_where_there_is_one() {
        let labels = |conflict| problem(here(20, 27), conflict).labels.len();
        assert_eq!(labels(Conflict::Itself("egg.api")), 0);
        assert_eq!(labels(Conflict::Kinds("egg.api", "job.api")), 0);
        assert_eq!(labels(Conflict::StillDeclared("egg.api", here(0, 9))), 1);
        assert_eq!(labels(Conflict::SamePlace("egg.api", here(0, 9))), 1);
        assert_eq!(
            problem(here(20, 27), Conflict::MovedTwice("egg.old", here(0, 9))).message,
            "`egg.old` is moved to two places"
        );
    }
}
