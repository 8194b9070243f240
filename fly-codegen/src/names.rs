//! How things are called where the Nest's own names do not fit.

use gosling_resource::{Malformed, SecretUri};

/// The longest label of a host name.
const LABEL: usize = 63;

/// Small letters, digits and `-`, at most 63, no `-` at either end. What does not fit becomes `-`.
pub(crate) fn dns_label(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '-',
        })
        .collect();
    let kept = kept.trim_matches('-');
    kept.get(..LABEL.min(kept.len()))
        .unwrap_or_default()
        .trim_end_matches('-')
        .to_owned()
}

/// The name of the machine with this number in a pool. Where it is too long, the middle is cut and not the number.
pub(crate) fn machine(nest: &str, owner: &str, number: usize) -> String {
    let end = format!("-{number}");
    let start = dns_label(&format!("{nest}-{owner}"));
    let start = start
        .get(..(LABEL - end.len()).min(start.len()))
        .unwrap_or_default();
    format!("{}{end}", start.trim_end_matches('-'))
}

/// A tag as Proxmox VE takes one: small letters, digits, `_`, `-`, `+` and `.`, no mark first.
pub(crate) fn proxmox_tag(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9' | '_' | '-' | '+' | '.') => letter,
            _ => '-',
        })
        .collect();
    kept.trim_start_matches(['-', '+', '.']).to_owned()
}

/// A server as a part of a secret's path: `gitlab.example.com`, `gitlab.lab-8080`.
fn server_segment(server: &str) -> String {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let kept: String = rest
        .trim_end_matches('/')
        .chars()
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => letter,
            _ => '-',
        })
        .collect();
    kept
}

/// `store://gitlab/gitlab.example.com/app/runner-token`: where a secret goes for which the Nest names no place. `None`
/// where nothing can be written, in the environment.
///
/// # Errors
/// Why the names make no URI.
pub(crate) fn default_place(
    scheme: &str,
    server: &str,
    owner: &[&str],
    key: &str,
) -> Result<Option<SecretUri>, Malformed> {
    if scheme == "env" {
        return Ok(None);
    }
    let (server, owner) = (server_segment(server), owner.join("/"));
    SecretUri::parse(&format!("{scheme}://gitlab/{server}/{owner}/{key}")).map(Some)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_host_name() {
        assert_eq!(machine("proxmox-lab", "app", 0), "proxmox-lab-app-0");
        assert_eq!(machine("Büro & Co.", "app", 12), "b-ro---co--app-12");
        let long = machine(&"n".repeat(80), "app", 999);
        assert_eq!((long.len(), long.ends_with("n-999")), (63, true));
    }

    #[test]
    fn a_tag_is_one_that_proxmox_takes() {
        assert_eq!(proxmox_tag("My Nest+1"), "my-nest+1");
        assert_eq!(proxmox_tag("-.x"), "x");
    }

    #[test]
    fn a_secret_has_a_place_of_its_own() {
        let place = |server| {
            default_place("store", server, &["app"], "runner-token")
                .unwrap()
                .unwrap()
                .to_string()
        };
        assert_eq!(place("gitlab.lab"), "store://gitlab/gitlab.lab/app/runner-token");
        assert_eq!(
            place("http://gitlab.lab:8080/"),
            "store://gitlab/gitlab.lab-8080/app/runner-token"
        );
        assert_eq!(default_place("env", "gitlab.lab", &["app"], "x"), Ok(None));
        let refused = default_place("store", "gitlab.lab", &["glpat-0123456789abcdefghij"], "x").unwrap_err();
        assert!(refused.reason.contains("a token itself"), "{refused}");
        assert!(!refused.reason.contains("glpat"), "{refused}");
    }
}
