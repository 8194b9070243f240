//! `scripts/build.sh`

use smol_str::SmolStr;

use super::Malformed;

/// A path inside the Nest, relative to its root, `/` between names: `scripts/build.sh`. Kept without `.` and `..`,
/// so that one file has one text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NestPath(SmolStr);

kept_text!(NestPath);

impl NestPath {
    /// Reads a path. Whether the file exists, and whether a link on the way leads out, is for the one who opens it.
    ///
    /// # Errors
    /// Why it is not a path inside the Nest.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    /// Whether a path leads out of the Nest: absolute, from a home folder or a drive, or by `..`.
    #[must_use]
    pub fn leaves_nest(text: &str) -> bool {
        matches!(resolve(text), Err(Outside::Absolute | Outside::Above))
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() {
            return Err(Malformed::new("it is empty"));
        }
        if text.contains(char::is_control) {
            return Err(Malformed::new("it has a control character"));
        }
        if text.contains('\\') {
            return Err(
                Malformed::new("it has a backslash; names are separated by `/` on every system")
                    .with_suggestion(text.replace('\\', "/")),
            );
        }
        match resolve(text) {
            Ok(names) => Ok(Self(names.join("/").into())),
            Err(Outside::Absolute) => Err(Malformed::new("it must be relative to the root of the Nest")),
            Err(Outside::Above) => Err(Malformed::new("it leaves the Nest")),
            Err(Outside::Root) => Err(Malformed::new("it names the Nest itself, not a file in it")),
        }
    }
}

/// Why a path names nothing in the Nest.
enum Outside {
    Absolute,
    Above,
    Root,
}

/// The names on the way from the Nest's root.
fn resolve(text: &str) -> Result<Vec<&str>, Outside> {
    if text.starts_with('/') {
        return Err(Outside::Absolute);
    }
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop().ok_or(Outside::Above)?;
            }
            name => names.push(name),
        }
    }
    match names.first() {
        None => Err(Outside::Root),
        // A home folder or a drive: not the Nest's, and no name anyone gives to a folder.
        Some(&"~") => Err(Outside::Absolute),
        Some(name) if name.as_bytes().get(1) == Some(&b':') => Err(Outside::Absolute),
        Some(_) => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_paths_inside() {
        accepts(
            NestPath::parse,
            &[
                ("scripts/build.sh", "scripts/build.sh"),
                ("./scripts//build.sh", "scripts/build.sh"),
                ("scripts/../Lib/x", "Lib/x"),
                ("certs/", "certs"),
                ("a b/é.txt", "a b/é.txt"),
                ("..a/b", "..a/b"),
            ],
        );
    }

    #[test]
    fn refuses_paths_outside() {
        refuses(
            NestPath::parse,
            &[
                ("", "empty", None),
                ("/etc/passwd", "relative", None),
                ("../x", "leaves the Nest", None),
                ("a/../../x", "leaves the Nest", None),
                ("../../etc/passwd", "leaves the Nest", None),
                ("a\\b.sh", "backslash", Some("a/b.sh")),
                ("..\\..\\x", "backslash", None),
                ("C:\\x", "backslash", None),
                ("C:/x", "relative", None),
                ("./C:/x", "relative", None),
                ("~/x", "relative", None),
                ("./~/x", "relative", None),
                ("a\0b", "control", None),
                ("a\nb", "control", None),
                (".", "itself", None),
                ("a/..", "itself", None),
            ],
        );
    }

    #[test]
    fn tells_what_leads_out() {
        for (text, leaves) in [
            ("/etc/passwd", true),
            ("../x", true),
            ("a/../../x", true),
            ("~/x", true),
            ("C:/x", true),
            ("a/../x", false),
            (".", false),
            ("", false),
        ] {
            assert_eq!(NestPath::leaves_nest(text), leaves, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(NestPath::parse, &text)?;
        }

        #[test]
        fn never_leaves(text in "[a./\\\\~]{0,12}") {
            if let Ok(path) = NestPath::parse(&text) {
                prop_assert!(!path.as_str().starts_with('/'));
                prop_assert!(path.as_str().split('/').all(|name| !matches!(name, "" | "." | "..")));
            }
        }
    }
}
