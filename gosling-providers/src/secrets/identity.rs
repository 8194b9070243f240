//! Who may open the store: age's X25519 identities, and the recipients that belong to them.

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use gosling_resource::Secret;

/// A new identity for `store://`: its text for a file that only its owner reads, and its recipient (`age1...`), which
/// is no secret and goes into `nest { secrets { recipients } }`.
#[must_use]
pub fn generate_identity() -> (Secret, String) {
    let identity = Identity::generate();
    let text = identity.to_string().expose_secret().to_owned();
    (Secret::new(text), identity.to_public().to_string())
}

/// The recipients (`age1...`) that belong to the identities in this text.
///
/// # Errors
/// Which line is no identity; nothing of what stands there.
pub fn recipients_of(identity: &Secret) -> Result<Vec<String>, String> {
    let identities = identities(identity)?;
    Ok(identities
        .iter()
        .map(|identity| identity.to_public().to_string())
        .collect())
}

/// The identities in the text of an identity file: one a line, beside comments and empty lines.
///
/// The error says which line is none, and nothing of what stands there.
pub(super) fn identities(text: &Secret) -> Result<Vec<Identity>, String> {
    let mut identities = Vec::new();
    for (number, line) in text.expose().lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = number + 1;
        identities.push(
            line.parse()
                .map_err(|_| format!("line {number} of the age identity is no AGE-SECRET-KEY-1..."))?,
        );
    }
    if identities.is_empty() {
        return Err("the age identity is empty".to_owned());
    }
    Ok(identities)
}

/// The recipients of the store.
pub(super) fn recipients(texts: &[String]) -> Result<Vec<Recipient>, String> {
    if texts.is_empty() {
        return Err("`nest { secrets }` names no recipients: nobody could open what is written".to_owned());
    }
    let parse = |text: &String| {
        text.parse()
            .map_err(|_| format!("`{text}` is no age recipient; one begins with age1"))
    };
    texts.iter().map(parse).collect()
}
