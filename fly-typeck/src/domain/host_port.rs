//! `registry.example.com:5000`

use smol_str::SmolStr;

use super::{Malformed, host};

/// A host and a port to reach it at: `gitlab.example.com:443`, `10.0.0.5:22`, `[fd00::1]:22`. Kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort(SmolStr);

kept_text!(HostPort);

impl HostPort {
    /// Reads `host:port`.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        if let Some((scheme, rest)) = text.split_once("://") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let port = match (host::split_port(authority).1, scheme) {
                (None, "https") => ":443",
                (None, "http") => ":80",
                _ => "",
            };
            return Err(Malformed::new("it has a scheme: write host:port")
                .with_suggestion(format!("{authority}{port}")));
        }
        let (host, port) = host::split_port(text);
        host::check_host(host).map_err(|malformed| match (malformed.suggestion, port) {
            (Some(better), Some(port)) => {
                Malformed::new(malformed.reason).with_suggestion(format!("{better}:{port}"))
            }
            _ => Malformed::new(malformed.reason),
        })?;
        match port {
            Some(port) => host::parse_port(port)?,
            None => {
                return Err(Malformed::new(
                    "it has no port: write host:port, as in `gitlab.example.com:443`",
                ));
            }
        };
        Ok(Self(text.into()))
    }

    /// The host, an IPv6 address in its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        host::split_port(&self.0).0
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        // It was checked by `parse`; 0 is no port and never seen.
        let port = host::split_port(&self.0).1.unwrap_or_default();
        host::parse_port(port).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{holds, refuses, texts};
    use super::*;

    #[test]
    fn reads_host_and_port() {
        for (text, host, port) in [
            ("gitlab.example.com:443", "gitlab.example.com", 443),
            ("redis:6379", "redis", 6379),
            ("10.0.0.5:22", "10.0.0.5", 22),
            ("[fd00::1]:65535", "[fd00::1]", 65_535),
        ] {
            let parsed = HostPort::parse(text).map(|parsed| (parsed.host().to_owned(), parsed.port()));
            assert_eq!(parsed, Ok((host.to_owned(), port)));
        }
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            HostPort::parse,
            &[
                ("", "empty", None),
                ("gitlab.example.com", "no port", None),
                (":443", "empty", None),
                ("a.com:", "a port is", None),
                ("a.com:0", "a port is", None),
                ("a.com:65536", "a port is", None),
                ("https://a.com/x", "has a scheme", Some("a.com:443")),
                ("tcp://a.com:22", "has a scheme", Some("a.com:22")),
                ("fd00::1", "brackets", None),
                ("a b:1", "white space", None),
                ("a_b:1", "underscore", Some("a-b:1")),
            ],
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(HostPort::parse, &text)?;
        }
    }
}
