//! `GOSLING_ENDPOINT_...`: a Nest's calls sent to another address without editing it, and `GOSLING_CA_FILE`.

use crate::file::read_named;
use crate::{Failure, Host};
use fly_workspace::LIMIT;

/// Another address for the calls to a service: `GOSLING_ENDPOINT_PROXMOX_LAB` for the provider `proxmox.lab`,
/// `GOSLING_ENDPOINT_GITLAB_GIT_EXAMPLE_COM` for the server `git.example.com`, else `GOSLING_ENDPOINT_PROXMOX` for the
/// one provider of the kind that has no variable of its own.
pub(super) fn endpoint(host: &Host, kind: &str, name: &str) -> Option<String> {
    let plain = plain(kind);
    variable(host, &named(&plain, name)).or_else(|| variable(host, &plain))
}

/// Refuses a variable that would lead several providers of a kind to one place, where each would take what it made for
/// gone.
pub(super) fn one_for_each(host: &Host, kind: &str, names: &[&str]) -> Result<(), Failure> {
    let plain = plain(kind);
    if variable(host, &plain).is_none() {
        return Ok(());
    }
    let without = names
        .iter()
        .filter(|name| variable(host, &named(&plain, name)).is_none());
    let without: Vec<&str> = without.copied().collect();
    let [_, .., last] = without.as_slice() else {
        return Ok(());
    };
    let shown = |name: &str| match name {
        "" => format!("`{kind}`"),
        name => format!("`{kind}.{name}`"),
    };
    let all: Vec<String> = without.iter().map(|name| shown(name)).collect();
    Err(
        Failure::wrong_use(format!("{plain} would lead {} to one address", all.join(" and "))).hint(format!(
            "give each its own variable, such as {}",
            named(&plain, last)
        )),
    )
}

fn plain(kind: &str) -> String {
    format!("GOSLING_ENDPOINT_{}", kind.to_uppercase())
}

fn named(plain: &str, name: &str) -> String {
    format!("{plain}_{}", capitals(name))
}

fn variable(host: &Host, name: &str) -> Option<String> {
    let value = host.environment.get(name);
    value.filter(|value| !value.is_empty()).cloned()
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
    match read_named(&path, LIMIT) {
        Err(Failure::WrongUse { message, hint }) => Err(Failure::WrongUse {
            message: format!("GOSLING_CA_FILE: {message}"),
            hint,
        }),
        read => read.map(Some),
    }
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
