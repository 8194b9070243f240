//! `registry.example.com:5000/team/builder:1.2`

use smol_str::SmolStr;

use super::Malformed;

/// A reference to a container image: `[registry/]path[:tag][@digest]`. Kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Image(SmolStr);

kept_text!(Image);

/// A reference cut at its marks, nothing checked.
struct Parts<'a> {
    registry: Option<&'a str>,
    path: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        // The first part is a registry only where it cannot be a folder of the default registry.
        let (registry, name) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), rest),
            _ => (None, name),
        };
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (name, None),
        };
        Self {
            registry,
            path,
            tag,
            digest,
        }
    }
}

impl Image {
    /// Reads a reference by the grammar of the distribution project, which every registry follows.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() {
            return Err(Malformed::new("it is empty"));
        }
        if text.contains(char::is_whitespace) {
            return Err(Malformed::new("it has white space").with_suggestion(text.trim().to_owned()));
        }
        if let Some((_, rest)) = text.split_once("://") {
            return Err(
                Malformed::new("it has a scheme; an image starts with its registry or its path")
                    .with_suggestion(rest.to_owned()),
            );
        }
        let Parts {
            registry,
            path,
            tag,
            digest,
        } = Parts::of(text);
        registry.map(check_registry).transpose()?;
        check_path(path).map_err(|malformed| {
            let at = path.as_ptr() as usize - text.as_ptr() as usize;
            let lower = format!(
                "{}{}{}",
                &text[..at],
                path.to_ascii_lowercase(),
                &text[at + path.len()..]
            );
            if lower == text {
                malformed
            } else {
                malformed.with_suggestion(lower)
            }
        })?;
        if registry.map_or(0, |registry| registry.len() + 1) + path.len() > 255 {
            return Err(Malformed::new(
                "its registry and path together have at most 255 characters",
            ));
        }
        tag.map(check_tag).transpose()?;
        digest.map(check_digest).transpose()?;
        Ok(Self(text.into()))
    }

    /// `registry.example.com:5000`, where it is named.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        Parts::of(&self.0).registry
    }

    /// `team/builder`
    #[must_use]
    pub fn path(&self) -> &str {
        Parts::of(&self.0).path
    }

    /// `1.2`, where it is named.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        Parts::of(&self.0).tag
    }

    /// `sha256:...`, where it is named.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        Parts::of(&self.0).digest
    }
}

fn check_registry(registry: &str) -> Result<(), Malformed> {
    let (host, port) = super::host::split_port(registry);
    super::host::check_host(host)
        .map_err(|malformed| Malformed::new(format!("its registry: {}", malformed.reason)))?;
    port.map(super::host::parse_port).transpose()?;
    Ok(())
}

fn check_path(path: &str) -> Result<(), Malformed> {
    for part in path.split('/') {
        if part.is_empty() {
            return Err(Malformed::new("it has an empty part in its path"));
        }
        if part.contains(|c: char| c.is_ascii_uppercase()) {
            return Err(Malformed::new("its path must be in lower case"));
        }
        if let Some(stray) = part
            .chars()
            .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-'))
        {
            return Err(Malformed::new(format!(
                "its path has letters, digits and `.`, `_`, `-` between them, not {stray:?}"
            )));
        }
        let alphanumeric = |c: char| c.is_ascii_alphanumeric();
        let edges = part.starts_with(alphanumeric) && part.ends_with(alphanumeric);
        if !edges || !part.split(alphanumeric).all(is_separator) {
            return Err(Malformed::new(
                "each part of its path starts and ends with a letter or digit, and between them stands one `.`, one or \
                 two `_`, or hyphens",
            ));
        }
    }
    Ok(())
}

/// What may stand between the letters and digits of a path; nothing, between two of them.
fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

fn check_tag(tag: &str) -> Result<(), Malformed> {
    let wordly = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if tag.starts_with(wordly) && tag.len() <= 128 && tag.chars().all(|c| wordly(c) || matches!(c, '.' | '-'))
    {
        return Ok(());
    }
    Err(Malformed::new(
        "its tag has 1 to 128 letters, digits, `_`, `.`, `-`, and starts with none of the last two",
    ))
}

fn check_digest(digest: &str) -> Result<(), Malformed> {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return Err(Malformed::new(
            "its digest is an algorithm and a number, as in `sha256:...`",
        ));
    };
    let named = algorithm.split(['-', '_', '+', '.']).all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if !named {
        return Err(Malformed::new(
            "its digest starts with an algorithm, as in `sha256:...`",
        ));
    }
    let length = match algorithm {
        "sha256" => 64..=64,
        "sha512" => 128..=128,
        _ => 32..=1024,
    };
    if !length.contains(&hex.len()) || !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        let least = length.start();
        return Err(Malformed::new(format!(
            "its digest has {least} hexadecimal digits in lower case after `{algorithm}:`"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{holds, refuses, texts};

    #[test]
    fn reads_references() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        let with_digest = format!("alpine@{digest}");
        let with_all = format!("localhost:5000/a/b:v1@{digest}");
        for (text, registry, path, tag, in_digest) in [
            ("alpine", None, "alpine", None, None),
            ("alpine:3", None, "alpine", Some("3"), None),
            ("library/alpine:3.20", None, "library/alpine", Some("3.20"), None),
            (
                "registry.example.com:5000/team/builder:1.2",
                Some("registry.example.com:5000"),
                "team/builder",
                Some("1.2"),
                None,
            ),
            (
                "ghcr.io/owner/my__image.x-y--z",
                Some("ghcr.io"),
                "owner/my__image.x-y--z",
                None,
                None,
            ),
            (
                "cr.yandex/crp1/app:Latest_1",
                Some("cr.yandex"),
                "crp1/app",
                Some("Latest_1"),
                None,
            ),
            ("[fd00::1]:5000/app", Some("[fd00::1]:5000"), "app", None, None),
            (&with_digest, None, "alpine", None, Some(digest.as_str())),
            (
                &with_all,
                Some("localhost:5000"),
                "a/b",
                Some("v1"),
                Some(digest.as_str()),
            ),
        ] {
            let image = Image::parse(text).unwrap();
            assert_eq!(
                (image.registry(), image.path(), image.tag(), image.digest()),
                (registry, path, tag, in_digest),
                "{text}"
            );
            assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn says_what_to_write_instead() {
        let long = "a".repeat(256);
        let long_tag = format!("a:{}", "t".repeat(129));
        refuses(
            Image::parse,
            &[
                ("", "empty", None),
                ("Alpine:3", "lower case", Some("alpine:3")),
                ("ghcr.io/Owner/App:V1", "lower case", Some("ghcr.io/owner/app:V1")),
                ("docker://alpine:3", "scheme", Some("alpine:3")),
                ("alpine :3", "white space", None),
                ("alpine:3 ", "white space", Some("alpine:3")),
                ("alpine:", "tag", None),
                ("alpine:-x", "tag", None),
                (&long_tag, "tag", None),
                (&long, "255", None),
                ("/alpine", "empty part", None),
                ("a//b", "empty part", None),
                ("a/", "empty part", None),
                ("-alpine", "starts and ends", None),
                ("alpine-", "starts and ends", None),
                ("a..b", "starts and ends", None),
                ("a___b", "starts and ends", None),
                ("a_-b", "starts and ends", None),
                ("al+pine", "'+'", None),
                ("reg_istry.io/a", "its registry", None),
                ("a.io:99999/a", "port", None),
                ("alpine@sha256", "digest", None),
                ("alpine@sha256:abc", "64 hexadecimal", None),
                ("alpine@:abc", "algorithm", None),
            ],
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Image::parse, &text)?;
        }
    }
}
