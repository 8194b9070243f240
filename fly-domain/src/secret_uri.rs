//! `vault://ci/gitlab/token`

use std::str::FromStr;

use smol_str::SmolStr;

use super::Malformed;

/// Where a secret is kept: `yc-lockbox://{secret-id}/{key}`, `aws-sm://{secret-name}/{key}`, `vault://{path}/{key}`,
/// `store://{path}/{key}`, `env://{NAME}`; each may carry `?version=`. Kept as written.
///
/// Only the text is held, checked once and cut again by the accessors: a large Nest has tens of thousands of these.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "SmolStr", into = "SmolStr"))]
pub struct SecretUri(SmolStr);

kept_text!(SecretUri);

/// Who keeps a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretBackend {
    /// `yc-lockbox`: Yandex Lockbox.
    YcLockbox,
    /// `aws-sm`: AWS Secrets Manager.
    AwsSm,
    /// `vault`: HashiCorp Vault or OpenBao.
    Vault,
    /// `env`: the environment of the run.
    Env,
    /// `store`: an encrypted file beside the state.
    Store,
}

/// What a text starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// A secret scheme.
    Known(SecretBackend),
    /// Another word and `://`, such as `https` or the misspelt `vualt`.
    Unknown(String),
    /// No word and `://`.
    None,
}

impl SecretBackend {
    /// Every backend.
    pub const ALL: [Self; 5] = [Self::YcLockbox, Self::AwsSm, Self::Vault, Self::Env, Self::Store];

    /// Its scheme, without `://`.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::YcLockbox => "yc-lockbox",
            Self::AwsSm => "aws-sm",
            Self::Vault => "vault",
            Self::Env => "env",
            Self::Store => "store",
        }
    }

    /// How a URI of it is built.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::YcLockbox => "yc-lockbox://{secret-id}/{key}",
            Self::AwsSm => "aws-sm://{secret-name}/{key}",
            Self::Vault => "vault://{path}/{key}",
            Self::Env => "env://{NAME}",
            Self::Store => "store://{path}/{key}",
        }
    }

    /// The backend with exactly this scheme.
    #[must_use]
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|backend| backend.scheme() == scheme)
    }

    /// The backend whose scheme is nearest to a misspelt one, where one is near.
    pub fn near(scheme: &str) -> Option<Self> {
        let lower = scheme.to_ascii_lowercase().replace('_', "-");
        let distance = |backend: &Self| strsim::damerau_levenshtein(backend.scheme(), &lower);
        let nearest = Self::ALL.into_iter().min_by_key(distance)?;
        // One slip in three letters is still the same word; more is another word.
        (distance(&nearest) <= nearest.scheme().len() / 3).then_some(nearest)
    }

    /// The path and the key of what follows the scheme. A Lockbox id has no `/`, its keys may; elsewhere the last
    /// segment is the key.
    fn cut(self, place: &str) -> (&str, Option<&str>) {
        let cut = match self {
            Self::Env => None,
            Self::YcLockbox => place.split_once('/'),
            Self::AwsSm | Self::Vault | Self::Store => place.rsplit_once('/'),
        };
        cut.map_or((place, None), |(path, key)| (path, Some(key)))
    }
}

impl SecretUri {
    /// Where GitLab's token is kept for which a Nest names no place.
    pub const GITLAB_TOKEN: Self = Self(SmolStr::new_static("env://GITLAB_TOKEN"));
    /// Where Vault's token is kept for which a Nest names no place.
    pub const VAULT_TOKEN: Self = Self(SmolStr::new_static("env://VAULT_TOKEN"));

    /// Reads a URI. Reason and suggestion never hold the text, which may be the secret itself; at most its scheme.
    ///
    /// # Errors
    /// Why it is not one. A suggestion is the start of a URI only: `vault://`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// What `text` starts with, without a look at the rest.
    #[must_use]
    pub fn scheme_of(text: &str) -> Scheme {
        let Some((scheme, _)) = text.split_once("://") else {
            return Scheme::None;
        };
        if let Some(backend) = SecretBackend::of_scheme(scheme) {
            return Scheme::Known(backend);
        }
        let wordly = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(wordly) {
            Scheme::Unknown(scheme.to_owned())
        } else {
            Scheme::None
        }
    }

    /// Who keeps it.
    #[must_use]
    pub fn backend(&self) -> SecretBackend {
        // `parse` let only known schemes in; the default is never taken.
        match Self::scheme_of(&self.0) {
            Scheme::Known(backend) => backend,
            Scheme::Unknown(_) | Scheme::None => SecretBackend::Store,
        }
    }

    /// The secret's id, name or path in its backend; for `env` the variable's name.
    #[must_use]
    pub fn path(&self) -> &str {
        self.backend().cut(self.place()).0
    }

    /// Which entry of the secret; none for `env`, whose secrets have one value.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.backend().cut(self.place()).1
    }

    /// Which version, where not the newest.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        cut_query(&self.0).1?.strip_prefix("version=")
    }

    /// What stands between scheme and query: path and key.
    #[must_use]
    pub fn place(&self) -> &str {
        let after = self.0.split_once("://").map_or("", |(_, after)| after);
        cut_query(after).0
    }
}

impl FromStr for SecretUri {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text)
    }
}

impl TryFrom<SmolStr> for SecretUri {
    type Error = Malformed;

    fn try_from(text: SmolStr) -> Result<Self, Malformed> {
        check(&text)?;
        Ok(Self(text))
    }
}

impl From<SecretUri> for SmolStr {
    fn from(uri: SecretUri) -> Self {
        uri.0
    }
}

const STARTS: &str = "it starts with yc-lockbox://, aws-sm://, vault://, env:// or store://";

/// Whether a text is a URI, and why not.
fn check(text: &str) -> Result<(), Malformed> {
    let (backend, rest) = backend_and_rest(text)?;
    let (place, query) = cut_query(rest);
    match query.map(|query| query.strip_prefix("version=")) {
        None => {}
        Some(Some(version)) if is_version(version) => {}
        Some(Some(_)) => {
            return Err(Malformed::new(
                "its version must be letters, digits, `.`, `_` and `-`, and not empty",
            ));
        }
        Some(None) => return Err(Malformed::new("after its `?` only `version=` may follow")),
    }
    check_place(backend, place)
}

/// The backend that a text starts with, and what follows its scheme.
pub(crate) fn backend_and_rest(text: &str) -> Result<(SecretBackend, &str), Malformed> {
    match SecretUri::scheme_of(text) {
        Scheme::Known(backend) => Ok((backend, &text[backend.scheme().len() + "://".len()..])),
        Scheme::Unknown(scheme) => Err(unknown(&scheme)),
        Scheme::None => Err(Malformed::new(format!(
            "it does not say where the secret is kept; {STARTS}"
        ))),
    }
}

fn cut_query(text: &str) -> (&str, Option<&str>) {
    text.split_once('?')
        .map_or((text, None), |(place, query)| (place, Some(query)))
}

/// A scheme word is said back only where it is letters, as a slip of the hand in a scheme is.
fn unknown(scheme: &str) -> Malformed {
    let letters = scheme.len() <= 20
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let reason = if letters {
        format!("`{scheme}://` is not a place for secrets; {STARTS}")
    } else {
        format!("its scheme is not a place for secrets; {STARTS}")
    };
    match SecretBackend::near(scheme) {
        Some(near) => Malformed::new(reason).with_suggestion(format!("{}://", near.scheme())),
        None => Malformed::new(reason),
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn check_place(backend: SecretBackend, place: &str) -> Result<(), Malformed> {
    let form = backend.form();
    let wrong = |what: &str| Err(Malformed::new(format!("{what}; it is written {form}")));
    if place.is_empty() {
        return wrong("nothing follows its scheme");
    }
    if super::token_in(place).is_some() {
        return wrong("it holds a token itself, not the place where one is kept");
    }
    if backend == SecretBackend::Env {
        let named = place.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && place
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return if named {
            Ok(())
        } else {
            wrong("its name must be letters, digits and `_`, no digit first")
        };
    }
    let (path, key) = backend.cut(place);
    if path.is_empty() {
        return wrong("its path is empty");
    }
    match key {
        None => return wrong("it has no key"),
        Some("") => return wrong("its key is empty"),
        Some(_) => {}
    }
    check_parts(place).map_err(|what| Malformed::new(format!("{what}; it is written {form}")))
}

/// Whether all parts of a path are names that a backend may have, and what is wrong with them.
pub(crate) fn check_parts(path: &str) -> Result<(), &'static str> {
    if path.split('/').any(|segment| segment.is_empty()) {
        return Err("it has an empty part between two `/`");
    }
    // A path of `store` is a path of a file, and no backend has names like these.
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("no part of it is `.` or `..`");
    }
    if path.contains('#') {
        return Err("it has a `#`; the key follows a `/`");
    }
    let allowed = |c: char| c.is_alphanumeric() || "-_.~!$&'()*+,;=:@%/".contains(c);
    if !path.chars().all(allowed) {
        return Err(
            "it has a character that no secret's name has: white space, a quote, a bracket or the like",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::texts;

    #[test]
    fn reads_every_scheme() {
        use SecretBackend::{AwsSm, Env, Store, Vault, YcLockbox};
        for (text, backend, path, key, version) in [
            (
                "yc-lockbox://e6q1abc/token",
                YcLockbox,
                "e6q1abc",
                Some("token"),
                None,
            ),
            (
                "yc-lockbox://e6q1abc/tls/key.pem",
                YcLockbox,
                "e6q1abc",
                Some("tls/key.pem"),
                None,
            ),
            (
                "aws-sm://ci/gitlab/token",
                AwsSm,
                "ci/gitlab",
                Some("token"),
                None,
            ),
            (
                "aws-sm://ci+x=@1/token?version=AWSPREVIOUS",
                AwsSm,
                "ci+x=@1",
                Some("token"),
                Some("AWSPREVIOUS"),
            ),
            (
                "vault://secret/data/gitlab/token?version=3",
                Vault,
                "secret/data/gitlab",
                Some("token"),
                Some("3"),
            ),
            ("env://GITLAB_TOKEN", Env, "GITLAB_TOKEN", None, None),
            ("env://_x1?version=1", Env, "_x1", None, Some("1")),
            ("store://proxmox/token", Store, "proxmox", Some("token"), None),
        ] {
            let uri = SecretUri::parse(text).unwrap();
            assert_eq!(
                (uri.backend(), uri.path(), uri.key(), uri.version()),
                (backend, path, key, version),
                "{text}"
            );
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, words, suggestion) in [
            ("", "does not say where", None),
            ("glpat-hunter2", "does not say where", None),
            ("hunter2://x", "its scheme is not", None),
            ("vualt://ci/token", "`vualt://` is not a place", Some("vault://")),
            ("Vault://ci/token", "`Vault://` is not a place", Some("vault://")),
            ("aws_sm://ci/token", "its scheme is not", Some("aws-sm://")),
            ("awssm://ci/token", "`awssm://`", Some("aws-sm://")),
            ("yc-lokbox://ci/token", "`yc-lokbox://`", Some("yc-lockbox://")),
            ("https://ci/token", "`https://`", None),
            ("s3://ci/token", "its scheme is not", None),
            ("vault:ci/token", "does not say where", None),
            ("vault://", "nothing follows", None),
            ("vault://?version=1", "nothing follows", None),
            ("vault://token", "it has no key", None),
            ("yc-lockbox://abc", "it has no key", None),
            ("vault://ci/", "its key is empty", None),
            ("vault:///token", "its path is empty", None),
            ("vault://a//token", "empty part", None),
            ("vault:///a/token", "empty part", None),
            ("store://../../etc/passwd", "`..`", None),
            ("store://./a", "`..`", None),
            ("vault://a/b#token", "`#`", None),
            ("vault://a b/token", "no secret's name", None),
            ("vault://a/${x}", "no secret's name", None),
            ("vault://a/token?version=", "its version", None),
            ("vault://a/token?version=1 2", "its version", None),
            ("vault://a/token?ver=1", "only `version=`", None),
            ("vault://a/token?", "only `version=`", None),
            ("vault://a/token?version=1&x=2", "its version", None),
            ("env://", "nothing follows", None),
            ("env://1X", "its name must be", None),
            ("env://A-B", "its name must be", None),
            ("env://A/B", "its name must be", None),
        ] {
            let malformed = SecretUri::parse(text).unwrap_err();
            assert!(malformed.reason.contains(words), "{text:?}: {malformed:?}");
            assert_eq!(malformed.suggestion.as_deref(), suggestion, "{text:?}");
        }
    }

    #[test]
    fn tells_schemes_apart() {
        for (text, scheme) in [
            ("vault://", Scheme::Known(SecretBackend::Vault)),
            ("env://${x}", Scheme::Known(SecretBackend::Env)),
            ("s3://bucket", Scheme::Unknown("s3".to_owned())),
            ("VAULT://x", Scheme::Unknown("VAULT".to_owned())),
            ("see vault://x", Scheme::None),
            ("://x", Scheme::None),
            ("plain", Scheme::None),
            ("vault:/x", Scheme::None),
        ] {
            assert_eq!(SecretUri::scheme_of(text), scheme, "{text}");
        }
    }

    #[test]
    fn the_places_without_a_name_in_the_nest_are_uris() {
        for uri in [SecretUri::GITLAB_TOKEN, SecretUri::VAULT_TOKEN] {
            assert_eq!(SecretUri::parse(uri.as_str()), Ok(uri));
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_saved_form_is_its_text_and_is_checked_without_being_repeated() {
        let text = "\"vault://ci/gitlab/token?version=3\"";
        let uri: SecretUri = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&uri).unwrap(), text);
        let error = serde_json::from_str::<SecretUri>("\"vault://hunter2\"").unwrap_err();
        assert!(error.to_string().starts_with("it has no key"), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn a_value_stays_small() {
        assert_eq!(size_of::<SecretUri>(), 24);
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            if let Ok(uri) = SecretUri::parse(&text) {
                prop_assert_eq!(uri.to_string(), text.as_str());
                prop_assert!(text.contains(uri.path()));
                prop_assert!(text.starts_with(uri.backend().scheme()));
            }
        }

        #[test]
        fn never_repeats_a_secret(place in "[A-Z]{12}", text in "(|[a-z]{1,6}://|vault://|env://9)") {
            let malformed = SecretUri::parse(&format!("{text}{place}"));
            if let Err(malformed) = malformed {
                prop_assert!(!malformed.to_string().contains(&place));
            }
        }
    }
}
