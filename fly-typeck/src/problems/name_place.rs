//! Where a name is written, so that a suggestion writes another one in the same place.

use fly_syntax::Span;

use super::suggest::Nearest;

/// The place of a name that a problem is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NamePlace {
    /// Between quotes: `"dc2"`, `egg["api"]`. Any name can stand there.
    Text(Span),
    /// As a key of an object: `zone`, `"web-front"`. The span has the quotes.
    Key(Span),
    /// Behind a dot that touches it: `.api`. The span has the dot.
    Field(Span),
    /// As several steps: `.proxmox.dc2`. The span begins with the first dot.
    Path(Span),
}

impl NamePlace {
    /// The edit that writes `name` there; a provider's name has two parts, `type.name`.
    fn edit(self, name: &str) -> (Span, String) {
        match self {
            Self::Text(span) => (span, name.to_owned()),
            Self::Key(span) if is_identifier(name) => (span, name.to_owned()),
            Self::Key(span) => (span, format!("\"{name}\"")),
            Self::Field(span) if is_identifier(name) => {
                let start = (span.start + 1).min(span.end);
                (Span { start, ..span }, name.to_owned())
            }
            Self::Field(span) | Self::Path(span) => (span, name.split('.').map(step).collect()),
        }
    }
}

/// A step of a path to this name: `.api`, or `["web-front"]`, since a name behind a dot has no hyphens.
pub(crate) fn step(name: &str) -> String {
    if is_identifier(name) {
        format!(".{name}")
    } else {
        format!("[\"{name}\"]")
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.bytes();
    let first = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    first && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

/// The problem with an edit for each of the nearest names, and with a question or `otherwise` as its help.
pub(crate) fn offer(
    problem: fly_syntax::Problem,
    place: NamePlace,
    nearest: &Nearest<'_>,
    otherwise: impl FnOnce() -> String,
) -> fly_syntax::Problem {
    let problem = problem.help(nearest.question().unwrap_or_else(otherwise));
    nearest.names.iter().fold(problem, |problem, name| {
        let (span, text) = place.edit(name);
        let message = format!("write `{}`", text.strip_prefix('.').unwrap_or(&text));
        if nearest.certain {
            problem.fix(message, span, text)
        } else {
            problem.maybe(message, span, text)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn a_name_is_written_as_its_place_takes_it() {
        let text = NamePlace::Text(here(1, 4));
        let (field, path) = (NamePlace::Field(here(3, 9)), NamePlace::Path(here(3, 9)));
        assert_eq!(text.edit("web-front").1, "web-front");
        assert_eq!(field.edit("web"), (here(4, 9), "web".to_owned()));
        assert_eq!(
            field.edit("web-front"),
            (here(3, 9), "[\"web-front\"]".to_owned())
        );
        assert_eq!(path.edit("proxmox").1, ".proxmox");
        assert_eq!(path.edit("proxmox.dc-2").1, ".proxmox[\"dc-2\"]");
        assert_eq!(path.edit("2web").1, "[\"2web\"]");
    }
}
