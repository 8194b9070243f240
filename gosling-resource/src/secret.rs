//! Secrets: where one is kept, and the value for the moment it is needed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use thiserror::Error;
use zeroize::Zeroize;

/// Where a secret is kept, as in Fly: `vault://{path}/{key}`, `store://{path}/{key}`, `env://{NAME}`,
/// `yc-lockbox://{id}/{key}`, `aws-sm://{name}/{key}`; each may carry `?version=`. It is no secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct SecretUri(SmolStr);

/// Why a text is no place of a secret. It never holds the text, which may be the secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not the place of a secret: it should look like `vault://ci/gitlab/token`")]
pub struct SecretUriError;

impl SecretUri {
    /// A variable of the environment of the run: `env://NAME`.
    #[must_use]
    pub fn env(name: &str) -> Self {
        Self(format_smolstr!("env://{name}"))
    }

    /// `vault`, `store`, `env`...
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// What follows `://`, without the version: `ci/gitlab/token`.
    #[must_use]
    pub fn place(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split_once('?').map_or(rest, |(place, _)| place)
    }

    /// The path and the key of the place: all before the last `/`, and what follows it.
    #[must_use]
    pub fn path_and_key(&self) -> (&str, &str) {
        self.place().rsplit_once('/').unwrap_or(("", self.place()))
    }

    /// The version that is wanted, where one is written.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        let (_, query) = self.0.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix("version="))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretUri {
    type Err = SecretUriError;

    fn from_str(text: &str) -> Result<Self, SecretUriError> {
        let known = ["vault", "store", "env", "yc-lockbox", "aws-sm"];
        let uri = Self(text.into());
        let sound =
            known.contains(&uri.scheme()) && !uri.place().is_empty() && !text.contains(char::is_whitespace);
        sound.then_some(uri).ok_or(SecretUriError)
    }
}

impl TryFrom<SmolStr> for SecretUri {
    type Error = SecretUriError;
    fn try_from(text: SmolStr) -> Result<Self, SecretUriError> {
        text.parse()
    }
}

impl From<SecretUri> for SmolStr {
    fn from(uri: SecretUri) -> Self {
        uri.0
    }
}

impl fmt::Display for SecretUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret's value between its backend and the request that needs it. It cannot be printed or saved, is wiped when
/// it is dropped, and is only read where [`Secret::expose`] is written.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a value over.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself: for the body or the header of a request, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_cut_into_its_parts() {
        let uri: SecretUri = "vault://ci/gitlab/token?version=3".parse().unwrap();
        assert_eq!(
            (uri.scheme(), uri.place(), uri.version()),
            ("vault", "ci/gitlab/token", Some("3"))
        );
        assert_eq!(uri.path_and_key(), ("ci/gitlab", "token"));
        let uri: SecretUri = "env://GITLAB_TOKEN".parse().unwrap();
        assert_eq!(uri.path_and_key(), ("", "GITLAB_TOKEN"));
    }

    #[test]
    fn what_is_no_place_is_refused_without_being_repeated() {
        for text in ["hunter2", "https://example.com/x", "vualt://a/b", "env://A B"] {
            let error = text.parse::<SecretUri>().unwrap_err();
            assert!(!error.to_string().contains(text));
        }
    }

    #[test]
    fn a_value_is_never_printed() {
        assert_eq!(
            format!("{:?}", Some(Secret::new("hunter2".into()))),
            "Some((secret))"
        );
    }
}
