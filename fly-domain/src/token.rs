//! Texts that look like a token itself, wherever they stand.

use std::ops::Range;

/// How tokens begin that are known by their beginning.
const STARTS: [&str; 24] = [
    "glpat-",
    "glrt-",
    "glrtr-",
    "gldt-",
    "glcbt-",
    "glptt-",
    "glft-",
    "glsoat-",
    "glagent-",
    "gloas-",
    "glimt-",
    "glffct-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "hvs.",
    "hvb.",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "ASIA",
];

/// Texts that are a secret in themselves.
const PARTS: [&str; 3] = ["AGE-SECRET-KEY-", "PRIVATE KEY-----", "PVEAPIToken="];

/// What every token has in it that is known by its form, but those of Proxmox VE.
pub const TOKEN_STARTS: [&str; STARTS.len() + PARTS.len()] = {
    let mut all = [""; STARTS.len() + PARTS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < STARTS.len() {
            STARTS[at]
        } else {
            PARTS[at - STARTS.len()]
        };
        at += 1;
    }
    all
};

/// A token has at least so many letters and digits behind its beginning.
const LEAST: usize = 4;

/// Where the first token stands in `text`, as far as one is known by its form: `glpat-...`, `root@pam!ci=...`. Up to
/// the end of the text where nothing tells its end.
#[must_use]
pub fn token_in(text: &str) -> Option<Range<usize>> {
    let known = STARTS.iter().find_map(|start| {
        text.match_indices(start).find_map(|(at, _)| {
            let before = text[..at].chars().next_back();
            let free = before.is_none_or(|before| !before.is_ascii_alphanumeric());
            let body = body(&text[at + start.len()..])?;
            free.then_some(at..at + start.len() + body.len())
        })
    });
    let part = || PARTS.iter().find_map(|part| Some(text.find(part)?..text.len()));
    known.or_else(part).or_else(|| token_of_proxmox(text))
}

/// What follows the beginning of a token: letters and digits, not only small letters as in a word.
fn body(rest: &str) -> Option<&str> {
    let length = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let body = &rest[..length.count()];
    let mixed = body
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    (body.len() >= LEAST && mixed).then_some(body)
}

/// The secret in `user@realm!name=secret`, as Proxmox VE's own documentation writes a token in one.
fn token_of_proxmox(text: &str) -> Option<Range<usize>> {
    let (user, rest) = text.split_once('!')?;
    let (name, secret) = rest.split_once('=')?;
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let found = user.contains('@')
        && !name.is_empty()
        && name.chars().all(word)
        && !secret.is_empty()
        && !secret.starts_with('=');
    found.then_some(text.len() - secret.len()..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_by_their_form() {
        for token in [
            "glpat-SECRETx",
            "env://glpat-abcdefgh1234",
            "x ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "AKIAIOSFODNN7EXAMPLE",
            "user@pve!ci=12345678-1234-1234-1234-123456789abc",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "AGE-SECRET-KEY-1QQQ",
        ] {
            assert!(token_in(token).is_some(), "{token}");
        }
        for other in [
            "store://gitlab/glpat-token",
            "vault://ci/gitlab/token",
            "gosling@pve!ci",
            "a@b!c == d",
            "AKIA",
            "xghp_16C7e42F292c",
            "mail me@example.com! x = y",
        ] {
            assert!(token_in(other).is_none(), "{other}");
        }
    }
}
