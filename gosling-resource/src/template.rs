//! Text with secrets in it, which are put in at the moment of use.

use fly_domain::SecretUri;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::secret::Secret;

/// A text made of literal parts and of secrets that are not known yet. It is what a plan and a state may hold of a
/// cloud-init file or a config.toml.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Template {
    /// In order.
    pub parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text as it will be.
    Text(SmolStr),
    /// The value of a secret, escaped for where it stands.
    Secret {
        /// Where it is kept.
        uri: SecretUri,
        /// From the innermost to the outermost: a secret in a TOML string inside a YAML string is `[Toml, Yaml]`.
        escapes: Vec<Escape>,
    },
}

/// How text is written so that it cannot end the string it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escape {
    /// Inside a basic (`"`) string of TOML 1.0.
    Toml,
    /// Inside a double-quoted scalar of YAML 1.2.
    Yaml,
    /// Inside a single-quoted (`'`) word of a POSIX shell.
    Shell,
}

impl Escape {
    /// The text as it is written inside such a string; the quotes around it are the caller's.
    #[must_use]
    pub fn write(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 2);
        self.write_to(&mut out, text);
        out
    }

    /// The same, put after what is there.
    pub fn write_to(self, out: &mut String, text: &str) {
        let mut rest = text;
        // Whole runs of letters that stay as they are, for almost all do.
        while let Some((at, letter)) = rest.char_indices().find(|(_, letter)| self.changes(*letter)) {
            let (same, from) = rest.split_at(at);
            out.push_str(same);
            rest = &from[letter.len_utf8()..];
            match letter {
                '\'' => out.push_str("'\\''"),
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                letter => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            }
        }
        out.push_str(rest);
    }

    /// Whether this letter cannot stand inside such a string as it is.
    const fn changes(self, letter: char) -> bool {
        match self {
            Self::Shell => letter == '\'',
            // What neither format allows: controls, and for YAML line separators, the BOM and what is no character.
            Self::Toml | Self::Yaml => matches!(
                letter,
                '"' | '\\' | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
                    | '\u{fffe}' | '\u{ffff}'
            ),
        }
    }
}

impl Template {
    /// A text without secrets.
    #[must_use]
    pub fn text(text: impl Into<SmolStr>) -> Self {
        Self {
            parts: vec![Part::Text(text.into())],
        }
    }

    /// Every secret that is needed, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretUri> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Secret { uri, .. } => Some(uri),
        })
    }

    /// The text with the secrets in it. `value` gives each one's value.
    ///
    /// # Errors
    /// Whatever `value` says.
    pub fn fill<E>(&self, mut value: impl FnMut(&SecretUri) -> Result<Secret, E>) -> Result<Secret, E> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Secret { uri, escapes } => {
                    let secret = value(uri)?;
                    let mut written = secret.expose().to_owned();
                    for escape in escapes {
                        written = escape.write(&written);
                    }
                    text.push_str(&written);
                }
            }
        }
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_the_string_it_stands_in() {
        assert_eq!(Escape::Toml.write("a\"\nb = 1 \\"), "a\\\"\\nb = 1 \\\\");
        assert_eq!(
            Escape::Yaml.write("x\": {\u{7}\u{2028}\u{ffff}"),
            "x\\\": {\\u0007\\u2028\\uffff"
        );
        assert_eq!(Escape::Shell.write("$(id) 'x'"), "$(id) '\\''x'\\''");
    }

    #[test]
    fn secrets_are_put_in_escaped_from_the_inside_out() {
        let uri: SecretUri = "env://T".parse().unwrap();
        let template = Template {
            parts: vec![
                Part::Text("token = \"".into()),
                Part::Secret {
                    uri: uri.clone(),
                    escapes: vec![Escape::Toml, Escape::Yaml],
                },
                Part::Text("\"".into()),
            ],
        };
        let filled = template
            .fill(|_| Ok::<_, ()>(Secret::new("a\"b".into())))
            .unwrap();
        assert_eq!(filled.expose(), "token = \"a\\\\\\\"b\"");
        assert_eq!(template.secrets().collect::<Vec<_>>(), [&uri]);
    }
}
