//! FLY708: two eggs that take each other's jobs.

use fly_syntax::{Kind, Problem, Severity, Span};

/// Two eggs that take each other's jobs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY708",
    title: "two eggs that take each other's jobs",
    severity: Severity::Error,
    explanation: r#"GitLab and GitHub hand a job to whichever runner has its tags. Two eggs for one project with the same tags get
each other's jobs, and which machine a job runs on is chance. Give one of them a tag of its own, and name it
in the jobs meant for it.
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
    tags = ["docker", "web"]
  }
  gitlab {
    server = "gitlab.example.com"
    project_id = 42
    webhook_url = "https://mg.example.com/hooks"
  }
}
"#,
};

/// `project` is in words: `project 42 on gitlab.example.com`.
pub(crate) fn problem(later: Span, first: Span, later_name: &str, first_name: &str, project: &str) -> Problem {
    let message = format!("`{later_name}` and `{first_name}` serve {project} with the same tags");
    Problem::new(&KIND, later, message)
        .note("takes the jobs of the other")
        .label(first, format!("`{first_name}` is here"))
        .help("give one of the two a tag of its own")
}
