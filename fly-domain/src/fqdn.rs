//! `gitlab.example.com`

use smol_str::SmolStr;

use super::{Malformed, host};

/// The full name of a host, without scheme, port or path: `gitlab.example.com`, or `localhost`. Kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fqdn(SmolStr);

kept_text!(Fqdn);

impl Fqdn {
    /// Reads the name of a host: at least two labels, or `localhost`. A label alone is more often a slip than a host
    /// that can be reached from a runner; an address is written where a url is accepted.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        let suggest = |reason: &str, text: &str| Err(Malformed::new(reason).with_suggestion(text.to_owned()));
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
            return suggest("it has a scheme: write only the host", host);
        }
        if let Some((host, _)) = text.split_once(['/', '?', '#']) {
            return suggest("it has a path: write only the host", host);
        }
        if let Some((_, host)) = text.split_once('@') {
            return suggest("it has a user name: write only the host", host);
        }
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Err(Malformed::new("it is an address, not a name"));
        }
        if let Some((host, _)) = text.split_once(':') {
            return suggest("it has a port: write only the host", host);
        }
        host::check_name(text)?;
        if !text.contains('.') && text != "localhost" {
            return Err(Malformed::new(
                "it has no dot: write the full name, such as `gitlab.example.com`",
            ));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_names() {
        accepts(
            Fqdn::parse,
            &[
                ("gitlab.example.com", "gitlab.example.com"),
                ("GitLab.Example.com", "GitLab.Example.com"),
                ("localhost", "localhost"),
                ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
                ("1.a-b.io", "1.a-b.io"),
            ],
        );
    }

    #[test]
    fn says_what_to_write_instead() {
        let long_label = format!("{}.com", "a".repeat(64));
        let long_name = format!("{}com", "abcdefg.".repeat(32));
        refuses(
            Fqdn::parse,
            &[
                ("", "empty", None),
                (
                    "https://gitlab.example.com/",
                    "has a scheme: write only the host",
                    Some("gitlab.example.com"),
                ),
                ("https://", "has a scheme", None),
                (
                    "gitlab.example.com:8443",
                    "has a port",
                    Some("gitlab.example.com"),
                ),
                (
                    "gitlab.example.com/group",
                    "has a path",
                    Some("gitlab.example.com"),
                ),
                (
                    "git@gitlab.example.com",
                    "has a user name",
                    Some("gitlab.example.com"),
                ),
                ("gitlab", "no dot", None),
                ("gitlab.example.com.", "empty part", Some("gitlab.example.com")),
                ("gitlab..com", "empty part", None),
                ("git_lab.example.com", "underscore", Some("git-lab.example.com")),
                (" gitlab.example.com", "white space", Some("gitlab.example.com")),
                ("-a.com", "hyphen", None),
                ("a-.com", "hyphen", None),
                ("*.example.com", "wildcard", None),
                ("пример.рф", "ASCII", None),
                ("a,b.com", "','", None),
                ("10.0.0.5", "an address", None),
                ("fd00::1", "an address", None),
                ("300.1.1.1", "not a number", None),
                (&long_label, "63", None),
                (&long_name, "253", None),
            ],
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Fqdn::parse, &text)?;
        }
    }
}
