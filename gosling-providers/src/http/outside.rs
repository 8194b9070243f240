//! What comes from outside is made harmless and kept within bounds where it comes in, so that nobody behind has to.

use std::time::{Duration, Instant};

use gosling_engine::CallError;
use gosling_resource::{harmless, is_acted_on};
use serde_json::Value;

/// More values than this are in no answer of an API: each takes memory, whatever its length as text.
pub(super) const MOST_VALUES: usize = 2_000_000;
/// More bytes than this are in no list, all pages together.
const MOST_BYTES: usize = 64 << 20;
/// A list of which the pages take longer than this is given up.
const LONGEST: Duration = Duration::from_secs(300);

/// Each text in an answer without what a terminal would act on. Line ends of Windows stay: descriptions have them.
pub(super) fn harmless_json(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().any(|letter| is_acted_on(letter) && letter != '\r') => {
            Value::String(harmless(&text))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(harmless_json).collect()),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(name, value)| (harmless(&name), harmless_json(value)))
            .collect(),
        other => other,
    }
}

/// At least as many as there are values in a JSON text: one for each comma and each opening bracket outside of texts.
pub(super) fn values(json: &[u8]) -> usize {
    let (mut values, mut in_text, mut escaped) = (1, false, false);
    for byte in json {
        match (in_text, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b',' | b'[' | b'{') => values += 1,
            _ => {}
        }
    }
    values
}

/// The pages of one list, which together stay within bounds: a server may name a next page for ever.
#[derive(Debug)]
pub struct Listing {
    bytes: usize,
    began: Instant,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            bytes: 0,
            began: Instant::now(),
        }
    }
}

impl Listing {
    /// One more page of so many bytes has come from a host.
    ///
    /// # Errors
    /// [`CallError::Failed`] where the list is longer, or takes longer, than any list does: it is not gone on with.
    pub fn page(&mut self, host: &str, bytes: usize) -> Result<(), CallError> {
        self.within(host, bytes, self.began.elapsed())
    }

    fn within(&mut self, host: &str, bytes: usize, elapsed: Duration) -> Result<(), CallError> {
        self.bytes = self.bytes.saturating_add(bytes);
        let why = if self.bytes > MOST_BYTES {
            format!("is longer than {} MiB", MOST_BYTES >> 20)
        } else if elapsed > LONGEST {
            format!("has not ended within {} minutes", LONGEST.as_secs() / 60)
        } else {
            return Ok(());
        };
        let message = format!("{host}: a list {why}, so gosling stopped reading it");
        Err(CallError::failed(message).help("is that the service itself, or something in front of it?"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        let json = serde_json::json!({ "k\u{1b}": ["x\u{9b}", { "d": "a\r\nb" }, 1] });
        assert_eq!(
            harmless_json(json),
            serde_json::json!({ "k\\u{1b}": ["x\\u{9b}", { "d": "a\r\nb" }, 1] })
        );
    }

    #[test]
    fn values_are_counted_without_reading_them() {
        assert_eq!(values(b"1"), 1);
        assert!(values(br#"{"a,b":[1,2,{"c":"[,\\"}]}"#) >= 5);
        assert_eq!(values(br#""a,b\",c""#), 1);
        let many = format!("[{}0]", "0,".repeat(MOST_VALUES));
        assert!(values(many.as_bytes()) > MOST_VALUES);
    }

    #[test]
    fn a_list_has_an_end() {
        let mut list = Listing::default();
        assert!(list.within("git.lab", MOST_BYTES, Duration::ZERO).is_ok());
        let error = list.within("git.lab", 1, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("longer than 64 MiB"), "{error}");
        let late = Listing::default().within("git.lab", 1, LONGEST + Duration::from_secs(1));
        assert!(late.unwrap_err().to_string().contains("within 5 minutes"));
    }
}
