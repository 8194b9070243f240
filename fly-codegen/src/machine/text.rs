//! Text with secrets in it, while it is put together.
//!
//! A secret stands in a text as a placeholder: two private-use characters around its number. Each emitter that the
//! placeholder passes through leaves a letter in it, so that the finished text knows how the secret has to be escaped.

use gosling_resource::{Escape, Part, SecretUri, Template};
use serde::Serialize;

const OPEN: char = '\u{f0000}';
const CLOSE: char = '\u{f0001}';

/// Text that may have placeholders in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Text(String);

/// A text has a character in it that stands for secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reserved;

impl Text {
    /// Text as it is, without a secret.
    pub(crate) fn plain(text: impl Into<String>) -> Result<Self, Reserved> {
        let text = text.into();
        match text.contains([OPEN, CLOSE]) {
            true => Err(Reserved),
            false => Ok(Self(text)),
        }
    }

    /// Text that has been through [`Text::plain`] and an emitter.
    pub(crate) fn rendered(text: String) -> Self {
        Self(text)
    }

    /// One after the other.
    pub(crate) fn then(mut self, next: &Self) -> Self {
        self.0.push_str(&next.0);
        self
    }
}

/// The secrets of a text, by number.
#[derive(Debug, Default)]
pub(crate) struct SecretsOfText(Vec<SecretUri>);

impl SecretsOfText {
    /// The placeholder of a secret.
    pub(crate) fn placeholder(&mut self, uri: SecretUri) -> Text {
        let number = self.0.iter().position(|known| *known == uri).unwrap_or_else(|| {
            self.0.push(uri);
            self.0.len() - 1
        });
        Text(format!("{OPEN}{number}{CLOSE}"))
    }

    /// The finished text.
    pub(crate) fn template(&self, text: &Text) -> Template {
        let parts = pieces(&text.0).filter_map(|piece| match piece {
            Piece::Plain("") => None,
            Piece::Plain(plain) => Some(Part::Text(plain.into())),
            Piece::Secret(inside) => {
                let digits = inside.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
                let uri = self.0.get(digits.parse::<usize>().ok()?)?.clone();
                let escapes = inside.chars().filter_map(escape_of).collect();
                Some(Part::Secret { uri, escapes })
            }
        });
        let parts = parts.collect();
        Template { parts }
    }
}

enum Piece<'t> {
    Plain(&'t str),
    /// What stands between the two characters.
    Secret(&'t str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split(OPEN).enumerate().flat_map(|(index, piece)| {
        let (secret, plain) = match piece.split_once(CLOSE) {
            Some((inside, after)) if index > 0 => (Some(Piece::Secret(inside)), after),
            _ => (None, piece),
        };
        secret.into_iter().chain([Piece::Plain(plain)])
    })
}

const fn letter_of(escape: Escape) -> char {
    match escape {
        Escape::Toml => 't',
        Escape::Yaml => 'y',
        Escape::Shell => 's',
    }
}

const fn escape_of(letter: char) -> Option<Escape> {
    match letter {
        't' => Some(Escape::Toml),
        'y' => Some(Escape::Yaml),
        's' => Some(Escape::Shell),
        _ => None,
    }
}

/// Puts the text as it is written inside a string of such a format, quotes left out, after what is there. Placeholders
/// take note.
pub(crate) fn write_escaped(out: &mut String, escape: Escape, text: &str) {
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => escape.write_to(out, plain),
            Piece::Secret(inside) => {
                out.push(OPEN);
                out.push_str(inside);
                out.push(letter_of(escape));
                out.push(CLOSE);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use gosling_resource::Secret;

    use super::*;

    #[test]
    fn a_secret_knows_what_it_went_through() {
        let uri: SecretUri = "env://T".parse().unwrap();
        let mut secrets = SecretsOfText::default();
        let text = Text::plain("a\"b ")
            .unwrap()
            .then(&secrets.placeholder(uri.clone()));
        let escaped = |escape, text: &str| {
            let mut out = String::new();
            write_escaped(&mut out, escape, text);
            out
        };
        let toml = escaped(Escape::Toml, &text.0);
        let yaml = Text::rendered(escaped(Escape::Yaml, &toml));
        let template = secrets.template(&yaml);
        let escapes = vec![Escape::Toml, Escape::Yaml];
        assert_eq!(
            template.parts,
            [Part::Text("a\\\\\\\"b ".into()), Part::Secret { uri, escapes }]
        );
        let filled = template
            .fill(|_| Ok::<_, ()>(Secret::new("x\"y".into())))
            .unwrap();
        let whole = Escape::Yaml.write(&Escape::Toml.write("a\"b x\"y"));
        assert_eq!(filled.expose(), whole);
    }

    #[test]
    fn nobody_else_writes_a_placeholder() {
        assert_eq!(Text::plain("a\u{f0000}0\u{f0001}"), Err(Reserved));
        assert_eq!(Text::plain("\u{f0001}"), Err(Reserved));
    }

    #[test]
    fn a_secret_that_is_used_twice_has_one_number() {
        let uri: SecretUri = "env://T".parse().unwrap();
        let mut secrets = SecretsOfText::default();
        let twice = secrets
            .placeholder(uri.clone())
            .then(&secrets.placeholder(uri.clone()));
        assert_eq!(
            secrets.template(&twice).secrets().collect::<Vec<_>>(),
            [&uri, &uri]
        );
    }
}
