//! FLY202: a preset that the Nest does not declare.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::name_place::{self, NamePlace};
use super::names::Names;
use super::words;

pub(crate) static KIND: Kind = Kind {
    code: "FLY202",
    title: "a preset that the Nest does not declare",
    severity: Severity::Error,
    explanation: r#"`use = preset.small` builds a block on what the preset says, so the preset has to exist: in `nest.fly`, in `Lib/`, or
in any other file of the Nest. Until it is found, nothing is said about what the block lacks, since the preset may
bring it. Write the preset's name as it is declared, or declare it.
"#,
    wrong: r#"preset "small" {
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
}
preset "small-docker" {
  use = preset.smal
  runner {
    tags = ["docker"]
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
}
preset "small-docker" {
  use = preset.small
  runner {
    tags = ["docker"]
  }
}
"#,
};

pub(crate) fn problem(name_span: Span, place: NamePlace, name: &str, names: &Names) -> Problem {
    let problem =
        Problem::new(&KIND, name_span, format!("there is no preset `{name}`")).note("not declared in this Nest");
    let otherwise = match names.all() {
        [] => format!("the Nest declares no presets yet; write `preset \"{name}\" {{ ... }}` in Lib/ or nest.fly"),
        [only] => format!("the Nest's only preset is {}", words::listed(&[only])),
        names => format!("the Nest's presets are {}", words::listed(names)),
    };
    name_place::offer(problem, place, &names.nearest(name), || otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn the_preset_that_was_meant_is_offered_or_all_are_named() {
        let slip = problem(here(1, 5), NamePlace::Field(here(0, 5)), "smal", &Names::of(&["small", "large"]));
        assert_eq!(slip.message, "there is no preset `smal`");
        assert_eq!(slip.suggestions[0].edits[0].text, "small");
        let help = |names: &[&str]| problem(here(0, 6), NamePlace::Text(here(0, 6)), "docker", &Names::of(names)).help.unwrap_or_default();
        assert_eq!(help(&["small", "large"]), "the Nest's presets are `small` and `large`");
        assert_eq!(help(&["vm"]), "the Nest's only preset is `vm`");
        assert!(help(&[]).contains("`preset \"docker\" { ... }`"));
    }
}
