//! JSON that ends with a digest of itself: whatever was changed in it or cut off from it is noticed.

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::state::digest;
use crate::wrong_secret::why_unread;

/// What stands between the members of the object and the digest.
const BEFORE: &[u8] = b",\n  \"digest\": \"";
/// What stands behind the digest.
const AFTER: &[u8] = b"\"\n}\n";
/// The length of a digest in hexadecimal.
const DIGEST: usize = 64;

/// Why a stamped text is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum StampError {
    /// It is not the text that was written.
    #[error("it is damaged: it does not have the digest that it was written with")]
    Damaged,
    /// It is not what is expected there.
    #[error("{0}")]
    Malformed(String),
}

/// A form that is saved with a digest of itself.
pub(crate) trait Stamped: DeserializeOwned {
    /// Whether the member `digest` was among those that were read.
    fn names_digest(&self) -> bool;
}

/// Adds the digest of all that stands before it to a JSON object, as its last member.
#[must_use]
pub(crate) fn stamp(object: &[u8]) -> Vec<u8> {
    let object = object.trim_ascii_end();
    let members = object.strip_suffix(b"}").unwrap_or(object).trim_ascii_end();
    let digest = digest(members);
    [members, BEFORE, digest.as_bytes(), AFTER].concat()
}

/// Reads an object that was stamped, or that was written before stamps were. Only a text without a trace of a stamp
/// counts as one of those: unknown members must be refused by the type, so that a damaged `digest` is no trace less.
///
/// # Errors
/// [`StampError`].
pub(crate) fn read<T: Stamped>(bytes: &[u8]) -> Result<T, StampError> {
    let stamped = match members_and_digest(bytes) {
        Some((members, written)) if digest(members).as_bytes() == written => true,
        Some(_) => return Err(StampError::Damaged),
        None => false,
    };
    let malformed = |error| StampError::Malformed(why_unread(bytes, &error));
    let value: T = serde_json::from_slice(bytes).map_err(malformed)?;
    match value.names_digest() == stamped {
        true => Ok(value),
        false => Err(StampError::Damaged),
    }
}

/// What comes before the stamp, and the digest in it; `None` where there is no stamp.
fn members_and_digest(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (members, digest) = bytes
        .strip_suffix(AFTER)
        .and_then(|bytes| bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?))?;
    Some((members.strip_suffix(BEFORE)?, digest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        text: String,
        until: Option<String>,
        digest: Option<String>,
    }

    impl Stamped for Note {
        fn names_digest(&self) -> bool {
            self.digest.is_some()
        }
    }

    #[test]
    fn no_bit_of_a_stamped_text_can_change_and_no_end_of_it_be_missing() {
        for written in [
            r#"{"text":"all is well","until":"noon"}"#,
            "{\n  \"text\": \"all is well\"\n}\n",
        ] {
            let stamped = stamp(written.as_bytes());
            let note: Note = read(&stamped).unwrap();
            assert_eq!(note.text, "all is well");
            for at in 0..stamped.len() {
                for bit in 0..8 {
                    let mut bytes = stamped.clone();
                    bytes[at] ^= 1 << bit;
                    let read = read::<Note>(&bytes);
                    assert!(read.is_err(), "bit {bit} of byte {at}: {read:?}");
                }
                // Without its last line break it is whole, and still not what was written.
                assert!(read::<Note>(&stamped[..at]).is_err(), "cut after {at} bytes");
            }
        }
    }

    #[test]
    fn a_text_of_before_stamps_is_read_and_one_that_was_written_anew_by_others_is_not() {
        let old = br#"{"text":"all is well","until":null}"#;
        assert_eq!(read::<Note>(old).unwrap().text, "all is well");
        let stamped = stamp(old);
        let value: serde_json::Value = serde_json::from_slice(&stamped).unwrap();
        assert_eq!(
            read::<Note>(value.to_string().as_bytes()),
            Err(StampError::Damaged)
        );
    }
}
