//! FLY404: something required is missing.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;
use fly_domain::TextForm;
use crate::schema::AttributeSchema;
use crate::types::Type;

/// Something required is missing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY404",
    title: "something required is missing",
    severity: Severity::Error,
    explanation: r#"Some attributes and blocks have no sensible default: how large a machine is, which runner tags it serves,
which project it is for. They must be given, in the block itself or in a preset that it uses. All that a block
lacks is reported at once, with lines to paste.
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

/// What a block lacks.
#[derive(Debug, Clone)]
pub(crate) enum Missing {
    /// An attribute.
    Attribute(&'static AttributeSchema),
    /// A block.
    Block(&'static str),
    /// One of these attributes or blocks.
    OneOf(&'static [&'static str]),
}

impl Missing {
    /// An attribute.
    pub(crate) fn attribute(schema: &'static AttributeSchema) -> Self {
        Self::Attribute(schema)
    }

    /// A block.
    pub(crate) fn block(name: &'static str) -> Self {
        Self::Block(name)
    }

    /// One of several.
    pub(crate) fn one_of(names: &'static [&'static str]) -> Self {
        Self::OneOf(names)
    }

    /// The names that would mend it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let (one, several): (Option<&'static str>, &'static [&'static str]) = match self {
            Self::Attribute(schema) => (Some(schema.name), &[]),
            Self::Block(name) => (Some(name), &[]),
            Self::OneOf(names) => (None, names),
        };
        one.into_iter().chain(several.iter().copied())
    }

    /// As part of a sentence.
    fn words(&self) -> String {
        match self {
            Self::Attribute(schema) => format!("`{}`", schema.name),
            Self::Block(name) => format!("the block `{name}`"),
            Self::OneOf(names) => format!("one of {}", words::quoted(names, "and")),
        }
    }

    /// A line to paste.
    fn line(&self) -> String {
        match self {
            Self::Attribute(AttributeSchema { name, ty, .. }) => format!("  {name} = {}  # {ty}", example(ty)),
            Self::Block(name) => format!("  {name} {{ ... }}"),
            Self::OneOf(names @ ["gitlab", ..]) => format!(
                "  {} {{ ... }}  # or {}",
                names[0],
                words::quoted(names.get(1..).unwrap_or_default(), "or")
            ),
            Self::OneOf(names) => format!("  {} = ...  # or {}", names.first().unwrap_or(&""), {
                words::quoted(names.get(1..).unwrap_or_default(), "or")
            }),
        }
    }
}

/// A value of the type, to be replaced by whoever pastes it.
fn example(ty: &Type) -> String {
    let value = match ty {
        Type::Bool => "false",
        Type::Int => "1",
        Type::Float => "1.0",
        Type::Duration => "10m",
        Type::Size => "4GiB",
        Type::Percent => "80%",
        Type::Text(TextForm::Cron) => "\"0 3 * * *\"",
        Type::Secret => "\"store://path/key\"",
        Type::List(_) | Type::Set(_) => "[\"...\"]",
        Type::Map(_) | Type::Object(_) => "{ ... }",
        Type::Words(words) => return format!("\"{}\"", words.names().next().unwrap_or_default()),
        _ => "\"...\"",
    };
    value.to_owned()
}

/// One problem with all that is missing. `block` is the block in words, with its backticks; `presets` are those that
/// hold some of it.
pub(crate) fn problem(header: Span, block: &str, missing: &[Missing], presets: &[&str]) -> Problem {
    let parts: Vec<String> = missing.iter().map(Missing::words).collect();
    let lines: Vec<String> = missing.iter().map(Missing::line).collect();
    let mut help = format!("add to it:\n{}", lines.join("\n"));
    if let Some(preset) = presets.first() {
        let can = if presets.len() == 1 { "holds" } else { "hold" };
        let names = words::quoted(presets, "and");
        let noun = if presets.len() == 1 { "preset" } else { "presets" };
        help.push_str(&format!("\n{noun} {names} {can} some of it: `use = preset.{preset}`"));
    }
    Problem::new(&KIND, header, format!("{block} lacks {}", words::list(&parts, "and"))).help(help)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use fly_syntax::FileId;

    use super::*;
    use crate::schema::Block;
    use crate::schema::egg::Egg;

    #[test]
    fn names_all_that_is_missing_at_once() {
        let missing = [
            Missing::attribute(Egg::schema().attribute("type").unwrap()),
            Missing::block("runner"),
            Missing::one_of(&["project_id", "group_id"]),
        ];
        let problem = problem(Span::new(FileId(0), 0..9), "egg `api`", &missing, &["small"]);
        assert_eq!(
            problem.message,
            "egg `api` lacks `type`, the block `runner`, and one of `project_id` and `group_id`"
        );
        assert_eq!(
            problem.help.as_deref(),
            Some(
                "add to it:\n  type = \"vm\"  # vm|container|serverless\n  runner { ... }\n  project_id = ...  # or `group_id`\n\
                 preset `small` holds some of it: `use = preset.small`"
            )
        );
        let names: Vec<&str> = missing.iter().flat_map(Missing::names).collect();
        assert_eq!(names, ["type", "runner", "project_id", "group_id"]);
    }
}
