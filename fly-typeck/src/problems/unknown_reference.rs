//! FLY201: a reference to something that the Nest does not declare.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::name_place::{self, NamePlace};
use super::names::Names;
use super::words;

pub(crate) static KIND: Kind = Kind {
    code: "FLY201",
    title: "a reference to something that the Nest does not declare",
    severity: Severity::Error,
    explanation: r#"A reference such as `var.region`, `egg.api` or `provider.proxmox` names something that is declared somewhere in the
Nest, in any file. Here nothing of that name is. Most often it is a slip of the pen, or the thing was renamed and this
place was missed. Write the name as it is declared, or declare it.
"#,
    wrong: r#"variable "region" {
  type = string
  default = "eu-north-1"
}
locals {
  place = var.regoin
}
"#,
    right: r#"variable "region" {
  type = string
  default = "eu-north-1"
}
locals {
  place = var.region
}
"#,
};

/// `what` is the kind of thing: "variable", "egg"; `name` is empty where the reference stops before it.
pub(crate) fn problem(at: Span, place: NamePlace, what: &str, name: &str, names: &Names) -> Problem {
    if name.is_empty() {
        let help = match names.all() {
            [] => format!("the Nest declares no {what} yet"),
            names => format!("name one of them: {}", words::listed(names)),
        };
        return Problem::new(&KIND, at, format!("this does not say which {what} it means"))
            .note(format!("the {what}'s name is missing"))
            .help(help);
    }
    let problem = Problem::new(&KIND, at, format!("there is no {what} `{name}`")).note("not declared in this Nest");
    name_place::offer(problem, place, &names.nearest(name), || declared(what, names))
}

/// The same for a name that an expression gives, so that there is no text to write another one into.
pub(crate) fn computed(at: Span, what: &str, name: &str, names: &Names) -> Problem {
    let help = names.nearest(name).question().unwrap_or_else(|| declared(what, names));
    Problem::new(&KIND, at, format!("there is no {what} `{}`", words::shown(name)))
        .note("gives a name that is not declared in this Nest")
        .help(help)
}

fn declared(what: &str, names: &Names) -> String {
    match names.all() {
        [] => format!("the Nest declares no {what} yet"),
        names => format!("the Nest declares {}", words::listed(names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn says_which_name_was_meant() {
        let problem = problem(here(0, 9), NamePlace::Field(here(3, 9)), "variable", "regoin", &Names::of(&["region", "size"]));
        assert_eq!(problem.message, "there is no variable `regoin`");
        assert_eq!(problem.help.as_deref(), Some("did you mean `region`?"));
        assert_eq!(problem.suggestions[0].edits[0].text, "region");
        assert!(problem.suggestions[0].certain);
    }

    #[test]
    fn a_reference_that_stops_short_is_asked_which() {
        let problem = problem(here(0, 3), NamePlace::Field(here(3, 3)), "variable", "", &Names::of(&["region", "size"]));
        assert_eq!(problem.message, "this does not say which variable it means");
        assert_eq!(problem.help.as_deref(), Some("name one of them: `region` and `size`"));
        assert_eq!(problem.suggestions, []);
    }
}
