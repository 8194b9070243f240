//! What a host may be called: the one rule for `fqdn`, `url` and `target`.

use std::net::{IpAddr, Ipv6Addr};

use super::Malformed;

/// Whether `text` is a host name of labels with dots between. A suggestion is a guess at a better host.
pub(crate) fn check_name(text: &str) -> Result<(), Malformed> {
    if text.is_empty() {
        return Err(Malformed::new("the host is empty"));
    }
    if text.len() > 253 {
        return Err(Malformed::new("a host name has at most 253 characters"));
    }
    if let Some(stray) = text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.'))
    {
        return Err(stray_character(text, stray));
    }
    for label in text.split('.') {
        if label.is_empty() {
            let trimmed = text.trim_matches('.').to_owned();
            return Err(
                Malformed::new("a host name has no empty part between its dots").with_suggestion(trimmed)
            );
        }
        if label.len() > 63 {
            return Err(Malformed::new(
                "each part of a host name has at most 63 characters",
            ));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(Malformed::new(
                "no part of a host name starts or ends with a hyphen",
            ));
        }
    }
    let last = text.rsplit('.').next().unwrap_or(text);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::new("the last part of a host name is not a number"));
    }
    Ok(())
}

fn stray_character(text: &str, stray: char) -> Malformed {
    match stray {
        '_' => Malformed::new("a host name has no underscore").with_suggestion(text.replace('_', "-")),
        '*' => Malformed::new("a wildcard is not one host"),
        c if c.is_whitespace() => {
            Malformed::new("a host name has no white space").with_suggestion(text.trim())
        }
        c if !c.is_ascii() => Malformed::new("a host name is written in ASCII; other letters as `xn--...`"),
        c => Malformed::new(format!("a host name has letters, digits, `-` and `.`, not {c:?}")),
    }
}

/// Whether `text` is a host name, an IPv4 address or an IPv6 address in brackets.
pub(crate) fn check_host(text: &str) -> Result<(), Malformed> {
    if let Some(inside) = text.strip_prefix('[') {
        let address = inside
            .strip_suffix(']')
            .and_then(|inside| inside.parse::<Ipv6Addr>().ok());
        return match address {
            Some(_) => Ok(()),
            None => Err(Malformed::new(
                "an IPv6 address stands in brackets, as in `[fd00::1]`",
            )),
        };
    }
    match text.parse() {
        Ok(IpAddr::V4(_)) => Ok(()),
        Ok(IpAddr::V6(_)) => {
            Err(Malformed::new("an IPv6 address stands in brackets").with_suggestion(format!("[{text}]")))
        }
        Err(_) => check_name(text),
    }
}

/// The host and the port of `host:port`, as written; the port is none where there is no colon.
/// Colons inside brackets, or more than one without them, belong to an IPv6 address.
pub fn split_port(text: &str) -> (&str, Option<&str>) {
    let after_brackets = text.rfind(']').map_or(0, |at| at + 1);
    match text[after_brackets..].find(':') {
        Some(at) if after_brackets > 0 || text.matches(':').count() == 1 => {
            let at = after_brackets + at;
            (&text[..at], Some(&text[at + 1..]))
        }
        _ => (text, None),
    }
}

/// A port from 1 to 65535.
pub(crate) fn parse_port(text: &str) -> Result<u16, Malformed> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(Malformed::new("a port is a number from 1 to 65535")),
    }
}
