//! `GOSLING_ENDPOINT_...`: a Nest's calls sent to another address without editing it, and `GOSLING_CA_FILE`.

use crate::environment::Environment;
use crate::failure::Failure;
use crate::file::read_named;
use fly_workspace::LIMIT;

/// Another address for the calls to a service: `GOSLING_ENDPOINT_PROXMOX_LAB` for the provider `proxmox.lab`,
/// `GOSLING_ENDPOINT_GITLAB_GIT_EXAMPLE_COM` for the server `git.example.com`, else `GOSLING_ENDPOINT_PROXMOX` for the
/// one provider of the kind that has no variable of its own.
pub(crate) fn endpoint(environment: &Environment, kind: &str, name: &str) -> Option<String> {
    let plain = plain(kind);
    variable(environment, &named(&plain, name)).or_else(|| variable(environment, &plain))
}

/// Refuses a variable that would lead several providers of a kind to one place, where each would take what it made for
/// gone.
pub(crate) fn one_for_each(environment: &Environment, kind: &str, names: &[&str]) -> Result<(), Failure> {
    let plain = plain(kind);
    if variable(environment, &plain).is_none() {
        return Ok(());
    }
    let without = names
        .iter()
        .filter(|name| variable(environment, &named(&plain, name)).is_none());
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
        Failure::new(format!("{plain} would lead {} to one address", all.join(" and "))).help(format!(
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

fn variable(environment: &Environment, name: &str) -> Option<String> {
    environment.variable(name).map(str::to_owned)
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
pub fn authority(environment: &Environment) -> Result<Option<Vec<u8>>, Failure> {
    let Some(file) = environment.variable("GOSLING_CA_FILE") else {
        return Ok(None);
    };
    let path = environment.path(file);
    match read_named(&path, LIMIT) {
        Err(Failure::Refused { message, help }) => Err(Failure::Refused {
            message: format!("GOSLING_CA_FILE: {message}"),
            help,
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
