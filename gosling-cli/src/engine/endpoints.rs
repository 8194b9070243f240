//! `GOSLING_ENDPOINT_...`: a Nest's calls sent to another address without editing it, and `GOSLING_CA_FILE`.

use crate::{Failure, Host};

/// Another address for the calls to a service: `GOSLING_ENDPOINT_PROXMOX_LAB` for the provider `proxmox.lab`,
/// `GOSLING_ENDPOINT_GITLAB_GIT_EXAMPLE_COM` for the server `git.example.com`, else `GOSLING_ENDPOINT_PROXMOX` for all
/// of a kind.
pub(super) fn endpoint(host: &Host, kind: &str, name: &str) -> Option<String> {
    let kind = kind.to_uppercase();
    let plain = format!("GOSLING_ENDPOINT_{kind}");
    let named = format!("{plain}_{}", capitals(name));
    let find = |variable: &str| {
        host.environment
            .get(variable)
            .filter(|value| !value.is_empty())
            .cloned()
    };
    find(&named).or_else(|| find(&plain))
}

/// In capitals, every other character as `_`.
fn capitals(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    letters.collect()
}

/// The PEM text of one more authority to trust.
pub(crate) fn authority(host: &Host) -> Result<Option<Vec<u8>>, Failure> {
    let Some(file) = host
        .environment
        .get("GOSLING_CA_FILE")
        .filter(|file| !file.is_empty())
    else {
        return Ok(None);
    };
    let path = host.path(file);
    std::fs::read(&path)
        .map(Some)
        .map_err(Failure::file("read GOSLING_CA_FILE", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_variables() {
        assert_eq!(
            capitals("gitlab.lab.example.com:8443"),
            "GITLAB_LAB_EXAMPLE_COM_8443"
        );
    }
}
