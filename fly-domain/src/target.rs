//! `inventory.internal:443`, `https://npm.internal/-/whoami NPM_TOKEN`

use smol_str::SmolStr;

use super::{Malformed, Url, host};

/// What a job must be able to reach: `db.internal:5432`, `tls://ldap.internal:636`, or an address of https or http,
/// after which may stand the name of the environment variable with the credentials for it.
///
/// Several of them stand in one variable of a job, with commas between, so none has a comma in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target(SmolStr);

kept_text!(Target);

/// What an address may begin with, and the port that it means where it names none.
const SCHEMES: [(&str, Option<u16>); 3] = [("https", Some(443)), ("http", Some(80)), ("tls", None)];

impl Target {
    /// Reads `host:port`, `tls://host:port` or `https://host[:port][/path] [VARIABLE]`. White space around and between
    /// does not count.
    ///
    /// # Errors
    /// Why it is none of them. Neither a reason nor a suggestion holds a user name, a password or what stands in the
    /// variable's place.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        let mut words = text.split_whitespace();
        let (address, variable) = (words.next().unwrap_or_default(), words.next());
        let hidden = |reason: &str| Malformed::new(reason).shown(format!("{} ...", harmless(address)));
        if words.next().is_some() {
            return Err(hidden("after the address stands one name at most"));
        }
        if variable.is_some_and(|name| !is_variable(name)) {
            return Err(hidden(
                "after the address stands the name of the environment variable with the credentials, never they themselves",
            ));
        }
        let (scheme, rest) = match address.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, address),
        };
        check(scheme, rest, address).map_err(|malformed| match (&malformed.suggestion, variable) {
            (Some(better), Some(name)) => {
                let better = format!("{better} {name}");
                malformed.with_suggestion(better)
            }
            _ => malformed,
        })?;
        Ok(Self(match variable {
            None => address.into(),
            Some(_) if !matches!(scheme, Some("https" | "http")) => {
                let reason = "only an address of https or http is asked with credentials";
                return Err(Malformed::new(reason).with_suggestion(address));
            }
            Some(name) => format!("{address} {name}").into(),
        }))
    }

    /// What is reached, without the variable.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// The environment variable with the credentials.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        self.0.split(' ').nth(1)
    }

    fn scheme(&self) -> Option<&str> {
        self.address().split_once("://").map(|(scheme, _)| scheme)
    }

    /// Host and port as written, and what stands after them.
    fn parts(&self) -> (&str, &str) {
        let rest = self.address().split_once("://").map(|(_, rest)| rest);
        split_tail(rest.unwrap_or_else(|| self.address()))
    }

    /// The host, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = host::split_port(self.parts().0).0;
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port; where an address names none, that of its scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        let written = host::split_port(self.parts().0).1;
        let usual = || SCHEMES.iter().find(|(name, _)| Some(*name) == self.scheme())?.1;
        // It was checked by `parse`; 0 is no port and never seen.
        written
            .and_then(|port| host::parse_port(port).ok())
            .or_else(usual)
            .unwrap_or_default()
    }

    /// Whether TLS is spoken there: with `https://` and `tls://`, and on port 443.
    #[must_use]
    pub fn tls(&self) -> bool {
        match self.scheme() {
            Some(scheme) => scheme != "http",
            None => self.port() == 443,
        }
    }

    /// What is asked for, where the target is an address of https or http: `/`, `/-/whoami?x=1`.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        matches!(self.scheme(), Some("https" | "http")).then(|| {
            let tail = self.parts().1.split('#').next().unwrap_or_default();
            match tail.starts_with('/') {
                true => tail.to_owned(),
                false => format!("/{tail}"),
            }
        })
    }
}

/// Whether what is reached can be: `rest` is the address after its scheme.
fn check(scheme: Option<&str>, rest: &str, address: &str) -> Result<(), Malformed> {
    let (authority, tail) = split_tail(rest);
    if let Some((_, host)) = authority.rsplit_once('@') {
        let scheme = scheme.map(|scheme| format!("{scheme}://")).unwrap_or_default();
        return Err(Malformed::new(
            "it has a user name; after the address may stand the variable with credentials",
        )
        .shown(harmless(address))
        .with_suggestion(format!("{scheme}{host}{tail}")));
    }
    match scheme {
        Some("https" | "http") => {
            Url::parse(address)?;
            match tail.chars().find(|letter| matches!(letter, ',' | '$')) {
                Some(letter) => Err(Malformed::new(format!(
                    "it has a `{letter}`, which means something in a job's variable"
                ))
                .with_suggestion(address.replace(',', "%2C").replace('$', "%24"))),
                None => Ok(()),
            }
        }
        Some("tls") | None if !tail.is_empty() => {
            let reason = "it has a path: only an address of https or http has one";
            Err(Malformed::new(reason).with_suggestion(format!("https://{rest}")))
        }
        Some("tls") => host_and_port(rest).map_err(|malformed| match &malformed.suggestion {
            Some(better) => {
                let better = format!("tls://{better}");
                malformed.with_suggestion(better)
            }
            None => malformed,
        }),
        None => host_and_port(rest),
        Some(other) => {
            let known = other.to_ascii_lowercase();
            let better = match SCHEMES.iter().any(|(name, _)| *name == known) {
                true => format!("{known}://{rest}"),
                false => authority.to_owned(),
            };
            Err(Malformed::new("its scheme is not `https`, `http` or `tls`").with_suggestion(better))
        }
    }
}

fn host_and_port(text: &str) -> Result<(), Malformed> {
    let (host, port) = host::split_port(text);
    host::check_host(host).map_err(|malformed| match (malformed.suggestion, port) {
        (Some(better), Some(port)) => {
            Malformed::new(malformed.reason).with_suggestion(format!("{better}:{port}"))
        }
        _ => Malformed::new(malformed.reason),
    })?;
    match port {
        Some(port) => host::parse_port(port).map(drop),
        None => Err(Malformed::new(
            "it has no port: write host:port, as in `inventory.internal:443`",
        )),
    }
}

/// Host and port, and what stands after them.
fn split_tail(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// An address without what stands before an `@`.
fn harmless(address: &str) -> String {
    match (super::without_credentials(address), address.rsplit_once('@')) {
        (Some(harmless), _) => harmless,
        (None, Some((_, host))) => format!("...@{host}"),
        (None, None) => address.to_owned(),
    }
}

/// Whether an environment variable may be called so.
fn is_variable(name: &str) -> bool {
    let letters = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
    !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(letters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_what_can_be_reached() {
        for (text, host, port, tls, path, variable) in [
            ("db.internal:5432", "db.internal", 5432, false, None, None),
            (
                "inventory.internal:443",
                "inventory.internal",
                443,
                true,
                None,
                None,
            ),
            ("redis:6379", "redis", 6379, false, None, None),
            ("[fd00::1]:65535", "fd00::1", 65_535, false, None, None),
            ("tls://ldap.internal:636", "ldap.internal", 636, true, None, None),
            ("https://npm.internal", "npm.internal", 443, true, Some("/"), None),
            (
                "https://npm.internal?x=1#top",
                "npm.internal",
                443,
                true,
                Some("/?x=1"),
                None,
            ),
            (
                "https://npm.internal:8443/-/whoami NPM_TOKEN",
                "npm.internal",
                8443,
                true,
                Some("/-/whoami"),
                Some("NPM_TOKEN"),
            ),
            ("http://[fd00::1]:8080", "fd00::1", 8080, false, Some("/"), None),
            ("http://10.0.0.5/", "10.0.0.5", 80, false, Some("/"), None),
        ] {
            let read = Target::parse(text).map(|target| {
                let (host, path) = (target.host().to_owned(), target.path());
                let variable = target.variable().map(str::to_owned);
                (host, target.port(), target.tls(), path, variable)
            });
            let wanted = (
                host.to_owned(),
                port,
                tls,
                path.map(str::to_owned),
                variable.map(str::to_owned),
            );
            assert_eq!(read, Ok(wanted), "{text}");
        }
        accepts(
            Target::parse,
            &[
                (" db.internal:5432 ", "db.internal:5432"),
                ("https://a.internal/  TOKEN", "https://a.internal/ TOKEN"),
            ],
        );
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            Target::parse,
            &[
                ("", "empty", None),
                ("db.internal", "no port", None),
                (":443", "empty", None),
                ("a.com:", "a port is", None),
                ("a.com:0", "a port is", None),
                ("a.com:many", "a port is", None),
                ("a.com:65536", "a port is", None),
                ("fd00::1", "brackets", None),
                ("a_b:1", "underscore", Some("a-b:1")),
                ("tls://a_b:1", "underscore", Some("tls://a-b:1")),
                ("tls://ldap.internal", "no port", None),
                (
                    "tls://ldap.internal:636/x",
                    "a path",
                    Some("https://ldap.internal:636/x"),
                ),
                (
                    "npm.internal/-/whoami",
                    "a path",
                    Some("https://npm.internal/-/whoami"),
                ),
                ("HTTPS://a.com", "scheme", Some("https://a.com")),
                ("ftp://x:21/file", "scheme", Some("x:21")),
                ("postgres://db.internal/x", "scheme", None),
                ("https://a.com:99999", "port", None),
                ("https://a_b.com/x T", "underscore", Some("https://a-b.com/x T")),
                ("https://a.com/x?y=1,2", "a `,`", Some("https://a.com/x?y=1%2C2")),
                ("https://a.com/$x T", "a `$`", Some("https://a.com/%24x T")),
                (
                    "db.internal:5432 PGPASSWORD",
                    "only an address",
                    Some("db.internal:5432"),
                ),
                ("https://a.com/ A B", "one name", None),
                ("https://a.com/ NA-ME", "never they themselves", None),
                ("https://a.com/ 1NAME", "never they themselves", None),
                (
                    "https://x:hunter2@a.com/y T",
                    "user name",
                    Some("https://a.com/y T"),
                ),
                ("x:hunter2@a.com:443", "user name", Some("a.com:443")),
            ],
        );
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (text, shown) in [
            ("https://a.com/ glpat-hunter2", "https://a.com/ ..."),
            ("https://a.com/ A hunter2", "https://a.com/ ..."),
            ("https://x:hunter2@a.com/ glpat-hunter2", "https://...@a.com/ ..."),
            ("x:hunter2@a.com:443", "...@a.com:443"),
            ("tls://x:hunter2@a.com:636", "tls://...@a.com:636"),
        ] {
            let malformed = Target::parse(text);
            assert!(!format!("{malformed:?}").contains("hunter2"), "{malformed:?}");
            let is = malformed.err().and_then(|malformed| malformed.shown);
            assert_eq!(is.as_deref(), Some(shown), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Target::parse, &text)?;
        }

        #[test]
        fn an_address_and_a_variable_are_read_back(text in "(https?|tls|x)?(://)?[a-z.:@0-9/?,$]{0,20} ?[A-Z_0-9-]{0,5}") {
            holds(Target::parse, &text)?;
        }
    }
}
