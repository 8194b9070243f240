//! `vault://ci`

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use super::secret_uri::{backend_and_rest, check_parts};
use super::{Malformed, SecretBackend, SecretUri};

/// A folder of secrets of one backend: `vault://ci`, and `store://` for all there are. It is not a [`SecretUri`]: it has
/// no key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretPrefix {
    backend: SecretBackend,
    /// Without `/` at its ends.
    folder: SmolStr,
}

impl SecretPrefix {
    /// All secrets of a backend.
    #[must_use]
    pub const fn all(backend: SecretBackend) -> Self {
        Self {
            backend,
            folder: SmolStr::new_static(""),
        }
    }

    /// Reads a prefix. As in [`SecretUri::parse`], a reason never holds the text.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (backend, folder) = backend_and_rest(text)?;
        let folder = folder.trim_matches('/');
        if folder.is_empty() || folder == "*" {
            return Ok(Self::all(backend));
        }
        let wrong = |what: &str| {
            let scheme = backend.scheme();
            Malformed::new(format!(
                "{what}; a folder of secrets is written {scheme}://{{path}}"
            ))
        };
        if super::token_in(folder).is_some() {
            return Err(wrong("it holds a token itself, not the place where one is kept"));
        }
        if folder.contains('?') {
            return Err(wrong("it has a `?`, and a folder has no version"));
        }
        check_parts(folder).map_err(wrong)?;
        Ok(Self {
            backend,
            folder: folder.into(),
        })
    }

    /// Who keeps the secrets.
    #[must_use]
    pub const fn backend(&self) -> SecretBackend {
        self.backend
    }

    /// Their folder; empty for all there are.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Whether the place of a secret of this backend is inside. Only whole parts count: `app` is no folder of `apple/key`.
    #[must_use]
    pub fn holds(&self, place: &str) -> bool {
        let inside = |rest: &str| self.folder.is_empty() || rest.is_empty() || rest.starts_with('/');
        place.strip_prefix(self.folder.as_str()).is_some_and(inside)
    }

    /// The secret at a place of this backend.
    ///
    /// # Errors
    /// Why no URI can name the place.
    pub fn uri_of(&self, place: &str) -> Result<SecretUri, Malformed> {
        SecretUri::parse(&format!("{}://{place}", self.backend.scheme()))
    }
}

impl fmt::Display for SecretPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.backend.scheme(), self.folder)
    }
}

impl FromStr for SecretPrefix {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_a_folder_and_all_there_are() {
        for (text, shown, folder) in [
            ("store://", "store://", ""),
            ("store:///", "store://", ""),
            ("vault://*", "vault://", ""),
            ("vault://ci", "vault://ci", "ci"),
            ("vault://ci/gitlab/", "vault://ci/gitlab", "ci/gitlab"),
        ] {
            let prefix = SecretPrefix::parse(text).unwrap();
            assert_eq!((prefix.to_string().as_str(), prefix.folder()), (shown, folder));
            assert_eq!(SecretPrefix::parse(shown), Ok(prefix));
        }
    }

    #[test]
    fn only_whole_parts_are_inside() {
        let prefix = SecretPrefix::parse("store://app").unwrap();
        let places = ["app/key", "app", "apple/key", "my/app"];
        assert_eq!(
            places.map(|place| prefix.holds(place)),
            [true, true, false, false]
        );
        assert!(SecretPrefix::all(SecretBackend::Store).holds("apple/key"));
    }

    #[test]
    fn says_what_is_wrong_without_the_text() {
        for (text, words) in [
            ("", "does not say where"),
            ("hunter2", "does not say where"),
            ("vualt://hunter2", "`vualt://` is not a place"),
            ("store://hunter2?version=1", "no version"),
            ("store://hunter2//key", "empty part"),
            ("store://../hunter2", "`..`"),
            ("store://hunter2 x", "no secret's name"),
        ] {
            let said = SecretPrefix::parse(text).unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
