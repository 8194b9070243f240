//! A generated Nest of any size: for benchmarks, and to try the compiler on more than anybody writes by hand.
//!
//! It is made of the ordinary: presets, variables, locals, references between eggs, secrets, tags and a policy.
//! It has no problem and no lint, and the same size always gives the same text.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// How many eggs share one `runners_condition`.
const GROUP: usize = 100;

/// The sizes of machines, each a preset.
const SIZES: [(&str, u32, u32); 3] = [("small", 1, 2), ("medium", 2, 4), ("large", 8, 16)];

/// What a Nest asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many eggs it has: each asks for a runner record and a webhook.
    pub eggs: usize,
    /// How many machines each egg always has.
    pub machines: usize,
    /// Where its secrets are: in Vault, or in `store://` and the environment.
    pub vault: bool,
}

impl Shape {
    /// Eggs whose machines come with their jobs, and whose secrets are in Vault.
    #[must_use]
    pub const fn of(eggs: usize) -> Self {
        Self {
            eggs,
            machines: 0,
            vault: true,
        }
    }

    /// How many resources it asks for.
    #[must_use]
    pub const fn resources(self) -> usize {
        self.eggs * (2 + self.machines)
    }
}

/// Every file of a Nest of this many eggs: its path, with `/` between names, and its text.
pub fn files(eggs: usize) -> impl Iterator<Item = (String, String)> {
    shaped(Shape::of(eggs))
}

/// Every file of a Nest of this shape.
pub fn shaped(shape: Shape) -> impl Iterator<Item = (String, String)> {
    let shared = [
        ("nest.fly".to_owned(), NEST.to_owned()),
        ("Lib/presets.fly".to_owned(), presets()),
        ("UF/config.fly".to_owned(), uglyfox(shape)),
    ];
    let each =
        (0..shape.eggs).map(move |index| (format!("Eggs/{}/config.fly", label(index)), egg(index, shape)));
    shared.into_iter().chain(each)
}

/// Writes [`shaped`] under a folder, which is made where it is missing; files of a larger Nest are not taken away.
///
/// # Errors
/// What the operating system says.
pub fn write(shape: Shape, folder: &Path) -> io::Result<()> {
    for (path, text) in shaped(shape) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

fn label(index: usize) -> String {
    format!("svc-{index:05}")
}

const NEST: &str = r#"nest {
  name = "bench"
}

variable "region" {
  type = string
  default = "dc1"
  description = "Where the runners are"
}

variable "gitlab_server" {
  type = fqdn
  default = "gitlab.example.com"
}

locals {
  common_tags = ["docker", "linux"]
  bucket = "s3://cache-${var.region}"
}

provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}

provider "vault" {
  address = "https://vault.example.com:8200"
  token = "env://VAULT_TOKEN"
}
"#;

fn presets() -> String {
    let mut text = String::from(
        r#"preset "base" {
  type = "vm"

  cloud {
    provider = "proxmox"
    template = "debian-12-cloud"
    vmid_range = "100000-999999"
  }

  gitlab {
    server = var.gitlab_server
    webhook_url = "https://goose.example.com/webhooks/gitlab"
  }
}
"#,
    );
    for (name, cpu, memory) in SIZES {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            r#"
preset "{name}" {{
  use = preset.base

  resources {{
    cpu = {cpu}
    memory = {memory}GiB
    disk = 20GiB
  }}
}}
"#
        );
    }
    text
}

/// The project of GitLab that an egg is for.
#[must_use]
pub const fn project(index: usize) -> usize {
    100_000 + index
}

fn egg(index: usize, shape: Shape) -> String {
    let Shape { eggs, vault, .. } = shape;
    let name = label(index);
    let (token, password) = if vault {
        (
            format!("vault://gitlab/{name}/runner-token"),
            format!("vault://db/{name}/password"),
        )
    } else {
        (
            format!("store://gitlab/{name}"),
            "env://DATABASE_PASSWORD".to_owned(),
        )
    };
    let neighbour = label(if index == 0 { eggs - 1 } else { index - 1 });
    // A lone egg has no neighbour, and an egg that refers to itself is a cycle for some attributes.
    let peers = if eggs > 1 {
        format!("egg[\"{neighbour}\"].runner.concurrent")
    } else {
        "1".to_owned()
    };
    let (size, ..) = SIZES[index % SIZES.len()];
    let disk = 20 + index % 7 * 10;
    let concurrent = 1 + index % 4;
    let project = project(index);
    format!(
        r#"/// Builds and tests the service {name}.
egg "{name}" {{
  use = preset.{size}

  resources {{
    disk = {disk}GiB
  }}

  runner {{
    tags = concat(local.common_tags, ["{name}"])
    concurrent = {concurrent}
    request_concurrency = {peers}
  }}

  gitlab {{
    project_id = {project}
    token_secret = "{token}"
  }}

  environment {{
    REGION = var.region
    CACHE = "${{local.bucket}}/{name}"
    DATABASE_PASSWORD = "{password}"
  }}
}}
"#
    )
}

fn uglyfox(shape: Shape) -> String {
    let Shape { eggs, machines, .. } = shape;
    let mut text = String::from("uglyfox {\n  pruning {\n    failed_threshold = 3\n    max_age = 24h\n  }\n");
    for (group, start) in (0..eggs).step_by(GROUP).enumerate() {
        let _ = write!(
            text,
            "\n  runners_condition \"group-{group:04}\" {{\n    eggs_entities = [\n"
        );
        for index in start..eggs.min(start + GROUP) {
            let _ = writeln!(text, "      \"{}\",", label(index));
        }
        let up = match machines {
            0 => String::new(),
            machines => format!("      min_count = {machines}\n"),
        };
        let _ = write!(text, "    ]\n\n    apex {{\n{up}      max_count = 10\n    }}\n");
        text.push_str("\n    nadir {\n      max_count = 2\n      idle_timeout = 30m\n    }\n  }\n");
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nest_has_its_eggs_and_what_they_share() {
        let paths: Vec<String> = files(3).map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "nest.fly",
                "Lib/presets.fly",
                "UF/config.fly",
                "Eggs/svc-00000/config.fly",
                "Eggs/svc-00001/config.fly",
                "Eggs/svc-00002/config.fly"
            ]
        );
    }

    #[test]
    fn an_egg_has_about_25_lines() {
        let lines: Vec<usize> = files(10).skip(3).map(|(_, text)| text.lines().count()).collect();
        assert_eq!(lines, [25; 10]);
    }

    #[test]
    fn the_same_size_gives_the_same_text() {
        assert!(files(150).eq(files(150)));
    }

    #[test]
    fn every_egg_is_in_one_condition() {
        let (_, text) = files(250).nth(2).into_iter().next().unwrap_or_default();
        assert_eq!(text.matches("\"svc-").count(), 250);
        assert_eq!(text.matches("runners_condition").count(), 3);
    }
}
