//! Who may open what gosling encrypts: age's X25519 identities, and the recipients that belong to them.

use std::io::{Read, Write};

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};
use gosling_resource::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

/// Who can open what is written, and what opens it here.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Who can open what is written: `age1...`.
    pub recipients: Vec<String>,
    /// The text of an identity file, with which it is opened.
    pub identity: Option<Secret>,
}

/// Why nothing can be encrypted or opened. It never holds anything of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is nothing to open with.
    #[error(
        "there is no age identity to open it with: set GOSLING_AGE_IDENTITY to the identity or its file, or put that file \
         in place as ~/.config/gosling/age-identity.txt"
    )]
    NoIdentity,
    /// A line of the identity's text, counted from 1, is none.
    #[error("line {0} of the age identity is not an AGE-SECRET-KEY-1...")]
    BadIdentity(usize),
    /// The identity's text holds none.
    #[error("the age identity is empty")]
    EmptyIdentity,
    /// The Nest names no recipients.
    #[error("`nest {{ secrets }}` names no recipients: nobody could open what is written")]
    NoRecipients,
    /// This text is no recipient.
    #[error("`{0}` is not an age recipient; one begins with age1")]
    BadRecipient(String),
    /// Whoever cannot read back what they write must not write.
    #[error(
        "the identity in use is {own}, which is not among the recipients of `nest {{ secrets }}`: add it"
    )]
    NotAmong {
        /// The recipients of the identity in use.
        own: String,
    },
    /// What is there was written for other recipients.
    #[error(
        "was encrypted for others, and the identity in use ({own}) cannot open it: set GOSLING_AGE_IDENTITY to one \
         that can, or have one of its recipients add yours"
    )]
    ForOthers {
        /// The recipients of the identity in use.
        own: String,
    },
    /// What is there is not what age writes.
    #[error("is damaged or no age file: {0}")]
    Damaged(String),
    /// Nothing could be encrypted.
    #[error("cannot be encrypted: {0}")]
    Unsealed(String),
}

impl Keys {
    /// Encrypts for all recipients, of whom the identity in use must be one: who cannot read back what they write must
    /// not write.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn seal(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        let unsealed = |error: &dyn std::fmt::Display| KeyError::Unsealed(error.to_string());
        let recipients = self.sound()?;
        let recipients = recipients
            .iter()
            .map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|error| unsealed(&error))?;
        let mut sealed = Vec::new();
        let mut writer = encryptor
            .wrap_output(&mut sealed)
            .map_err(|error| unsealed(&error))?;
        writer.write_all(text).map_err(|error| unsealed(&error))?;
        writer.finish().map_err(|error| unsealed(&error))?;
        Ok(sealed)
    }

    /// Opens what was encrypted for the identity in use.
    ///
    /// # Errors
    /// [`KeyError`]. [`KeyError::ForOthers`] and [`KeyError::Damaged`] are said of the thing that is opened: its name
    /// goes before them.
    pub fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let own = self.identities()?;
        let identities = own.iter().map(|identity| identity as &dyn age::Identity);
        let damaged = |error: &dyn std::fmt::Display| KeyError::Damaged(error.to_string());
        let decryptor = Decryptor::new(sealed).map_err(|error| damaged(&error))?;
        let mut reader = decryptor.decrypt(identities).map_err(|error| match error {
            DecryptError::NoMatchingKeys => KeyError::ForOthers { own: names(&own) },
            error => damaged(&error),
        })?;
        // As large as the text can be from the beginning: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(sealed.len()));
        reader.read_to_end(&mut text).map_err(|error| damaged(&error))?;
        Ok(text)
    }

    /// The recipients, of whom the identity in use is one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub(crate) fn sound(&self) -> Result<Vec<Recipient>, KeyError> {
        if self.recipients.is_empty() {
            return Err(KeyError::NoRecipients);
        }
        let parse = |text: &String| text.parse().map_err(|_| KeyError::BadRecipient(text.clone()));
        let recipients: Vec<Recipient> = self.recipients.iter().map(parse).collect::<Result<_, _>>()?;
        let own = self.identities()?;
        let mine: Vec<_> = own.iter().map(|own| own.to_public().to_string()).collect();
        let among = |recipient: &Recipient| mine.contains(&recipient.to_string());
        if recipients.iter().any(among) {
            Ok(recipients)
        } else {
            Err(KeyError::NotAmong { own: names(&own) })
        }
    }

    fn identities(&self) -> Result<Vec<Identity>, KeyError> {
        identities(self.identity.as_ref().ok_or(KeyError::NoIdentity)?)
    }
}

/// A new identity: its text for a file that only its owner reads, and its recipient (`age1...`), which is no secret and
/// goes into `nest { secrets { recipients } }`.
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
pub fn recipients_of(identity: &Secret) -> Result<Vec<String>, KeyError> {
    let identities = identities(identity)?;
    Ok(identities
        .iter()
        .map(|identity| identity.to_public().to_string())
        .collect())
}

fn names(identities: &[Identity]) -> String {
    let names = identities.iter().map(|own| own.to_public().to_string());
    names.collect::<Vec<_>>().join(", ")
}

/// The identities in the text of an identity file: one a line, beside comments and empty lines.
fn identities(text: &Secret) -> Result<Vec<Identity>, KeyError> {
    let mut identities = Vec::new();
    for (line, number) in text.expose().lines().map(str::trim).zip(1..) {
        if !line.is_empty() && !line.starts_with('#') {
            identities.push(line.parse().map_err(|_| KeyError::BadIdentity(number))?);
        }
    }
    if identities.is_empty() {
        return Err(KeyError::EmptyIdentity);
    }
    Ok(identities)
}
