//! `https://gitlab.example.com/hooks`

use smol_str::SmolStr;

use super::{Malformed, host};

/// An absolute `http` or `https` address. Kept as written.
///
/// Checked by hand: the `url` crate rewrites what it reads and brings Unicode tables that a host written in ASCII does
/// not need, and a general URI parser accepts what is a mistake here (no host, user names, other schemes).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url(SmolStr);

kept_text!(Url);

impl Url {
    /// Reads `https://host[:port][/path][?query]`. The host may be a name of one label, as inside a cluster.
    ///
    /// # Errors
    /// Why it is not one. The reason never holds a user name or a password.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(
                Malformed::new("it has no scheme; an address starts with `https://`")
                    .with_suggestion(format!("https://{text}")),
            );
        };
        if scheme != "http" && scheme != "https" {
            return Err(Malformed::new("its scheme must be `https` or `http`")
                .with_suggestion(format!("{}://{rest}", scheme.to_ascii_lowercase())));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if let Some((_, host)) = authority.rsplit_once('@') {
            return Err(
                Malformed::new("it has a user name; credentials are secrets of their own")
                    .with_suggestion(format!("{scheme}://{host}{tail}")),
            );
        }
        let (host, port) = host::split_port(authority);
        host::check_host(host).map_err(|malformed| match malformed.suggestion {
            Some(better) => {
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                Malformed::new(malformed.reason).with_suggestion(format!("{scheme}://{better}{port}{tail}"))
            }
            None => malformed,
        })?;
        port.map(host::parse_port).transpose()?;
        check_tail(tail).map_err(|malformed| {
            malformed.with_suggestion(format!("{scheme}://{authority}{}", tail.replace(' ', "%20")))
        })?;
        Ok(Self(text.into()))
    }

    /// The host, an IPv6 address in its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.0.split('/').nth(2).unwrap_or_default();
        let authority = authority.split(['?', '#']).next().unwrap_or(authority);
        host::split_port(authority).0
    }
}

/// The text without the user name and password of the address that it is, however wrong; `None` where it has none.
pub fn without_credentials(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may hold a slash that ought to have been escaped; a path seldom holds an `@`.
    let at = rest[..end].rfind('@').or_else(|| rest.rfind('@'))?;
    Some(format!("{scheme}://...{}", &rest[at..]))
}

/// Whether path, query and fragment hold only what an address may hold.
fn check_tail(tail: &str) -> Result<(), Malformed> {
    let bytes = tail.as_bytes();
    for (at, c) in tail.char_indices() {
        match c {
            '%' => {
                let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
                if digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Malformed::new(
                        "a `%` is followed by two hexadecimal digits; itself it is `%25`",
                    ));
                }
            }
            ' ' => return Err(Malformed::new("it has a space; write `%20`")),
            c if !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c) => {
                return Err(Malformed::new(format!(
                    "it has the character {c:?}, which must be percent-encoded"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_addresses_and_keeps_them() {
        for (text, host) in [
            ("https://gitlab.example.com", "gitlab.example.com"),
            ("https://pve.lab:8006/api2/json", "pve.lab"),
            ("http://gitlab", "gitlab"),
            ("http://10.0.0.5:80/", "10.0.0.5"),
            ("http://[fd00::1]:8200/v1?x=a%20b#top", "[fd00::1]"),
            ("https://a.b?x=/y:1", "a.b"),
        ] {
            accepts(Url::parse, &[(text, text)]);
            assert_eq!(
                Url::parse(text).map(|url| url.host().to_owned()),
                Ok(host.to_owned())
            );
        }
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            Url::parse,
            &[
                ("", "no scheme", None),
                (
                    "gitlab.example.com/x",
                    "no scheme",
                    Some("https://gitlab.example.com/x"),
                ),
                ("HTTPS://a.com", "scheme must be", Some("https://a.com")),
                ("ftp://a.com", "scheme must be", None),
                ("https://", "empty", None),
                ("https:///path", "empty", None),
                (
                    "https://user:hunter2@a.com/x",
                    "credentials are secrets",
                    Some("https://a.com/x"),
                ),
                ("https://a.com:0", "port", None),
                ("https://a.com:99999", "port", None),
                ("https://a.com:", "port", None),
                ("https://a.com:+80", "port", None),
                ("https://fd00::1/x", "brackets", Some("https://[fd00::1]/x")),
                ("https://[fd00::1", "brackets", None),
                ("https://a_b.com:80/x", "underscore", Some("https://a-b.com:80/x")),
                ("https://a.com/x y", "space", Some("https://a.com/x%20y")),
                ("https://a.com/%zz", "hexadecimal", None),
                ("https://a.com/%4", "hexadecimal", None),
                ("https://a.com/{id}", "'{'", None),
                ("https://a.com/é", "percent-encoded", None),
                ("https://a.com\n", "white space", Some("https://a.com")),
                ("https://256.1.1.1", "not a number", None),
            ],
        );
    }

    #[test]
    fn credentials_are_left_out_of_what_is_shown() {
        for (text, shown) in [
            ("https://user:hunter2@a.com/x", Some("https://...@a.com/x")),
            ("ftp://hunter2@a.com", Some("ftp://...@a.com")),
            ("https://user:hun/ter2@a.com", Some("https://...@a.com")),
            ("https://a.com/x", None),
            ("user@a.com", None),
        ] {
            assert_eq!(without_credentials(text).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn a_reason_holds_no_password() {
        let malformed =
            Url::parse("https://user:hunter2@a.com/x y").map_err(|malformed| malformed.to_string());
        assert_eq!(
            malformed,
            Err("it has a user name; credentials are secrets of their own".to_owned())
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Url::parse, &text)?;
        }
    }
}
