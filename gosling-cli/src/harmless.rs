//! The last gate to a terminal: whatever a command writes, no character of it is acted on but colours and the moves of
//! the program's own progress display. What it says on standard error repeats nothing that looks like a token.

use std::io::{self, Write};

use fly_typeck::without_tokens;
use gosling_resource::is_acted_on;

/// Writes text on, with an escape for each character that a terminal would act on. In JSON, where such a character can
/// stand in a string alone, the escape means the same.
pub(crate) struct Harmless {
    inner: Box<dyn Write>,
    /// Whether what looks like a token is masked.
    masks: bool,
    /// The beginning of a character or of a colour whose end has not been written yet.
    rest: Vec<u8>,
}

/// A sequence that colours or moves is not longer than this.
const SEQUENCE: usize = 32;

impl Harmless {
    pub(crate) fn new(inner: Box<dyn Write>) -> Self {
        Self {
            inner,
            masks: false,
            rest: Vec::new(),
        }
    }

    /// The same, with a mask for what looks like a token. For words alone: data is written as it is.
    pub(crate) fn for_words(inner: Box<dyn Write>) -> Self {
        let mut harmless = Self::new(inner);
        harmless.masks = true;
        harmless
    }

    /// Writes all of `bytes` but a last part that is not complete; that part.
    fn pass(&mut self, bytes: &[u8], last: bool) -> io::Result<Vec<u8>> {
        let mut text = String::with_capacity(bytes.len());
        let mut at = 0;
        while let Some(left) = bytes.get(at..).filter(|left| !left.is_empty()) {
            let (sound, broken) = match std::str::from_utf8(left) {
                Ok(sound) => (sound, None),
                Err(error) => {
                    let (sound, _) = left.split_at(error.valid_up_to());
                    (
                        std::str::from_utf8(sound).unwrap_or_default(),
                        Some(error.error_len()),
                    )
                }
            };
            let more = broken.is_none() && !last;
            let masked = self.masks.then(|| without_tokens(sound)).flatten();
            let sound_length = sound.len();
            let sound = masked.as_deref().unwrap_or(sound);
            if let Some(open) = escape(sound, more, &mut text) {
                self.inner.write_all(text.as_bytes())?;
                return Ok(open.as_bytes().to_vec());
            }
            at += sound_length;
            match broken {
                None => break,
                // The rest of the character may follow.
                Some(None) if !last => {
                    self.inner.write_all(text.as_bytes())?;
                    return Ok(bytes.get(at..).unwrap_or_default().to_vec());
                }
                Some(length) => {
                    text.push(char::REPLACEMENT_CHARACTER);
                    at += length.unwrap_or(bytes.len());
                }
            }
        }
        self.inner.write_all(text.as_bytes())?;
        Ok(Vec::new())
    }
}

/// Adds a text with its escapes; what is left where it ends inside of a colour and `more` may follow.
fn escape<'t>(text: &'t str, more: bool, into: &mut String) -> Option<&'t str> {
    let mut left = text;
    while let Some(letter) = left.chars().next() {
        match sequence(left) {
            Sequence::Whole(length) => {
                into.push_str(left.get(..length).unwrap_or_default());
                left = left.get(length..).unwrap_or_default();
                continue;
            }
            Sequence::Open if more => return Some(left),
            Sequence::Open | Sequence::None => {}
        }
        // The return to a line's start is how progress draws over itself.
        if is_acted_on(letter) && letter != '\r' {
            into.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            into.push(letter);
        }
        left = left.get(letter.len_utf8()..).unwrap_or_default();
    }
    None
}

enum Sequence {
    /// A colour or a move of so many bytes.
    Whole(usize),
    /// May be one, when more is written.
    Open,
    None,
}

/// What a text begins with: `ESC [ numbers` and one of the letters that colour, move or erase.
fn sequence(text: &str) -> Sequence {
    let Some(rest) = text.strip_prefix('\u{1b}') else {
        return Sequence::None;
    };
    let Some(rest) = rest.strip_prefix('[') else {
        return if rest.is_empty() {
            Sequence::Open
        } else {
            Sequence::None
        };
    };
    let digits = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b'?'))
        .count();
    // Whether lines wrap at the edge, which the progress display turns off while it draws.
    if rest.starts_with("?7l") || rest.starts_with("?7h") {
        return Sequence::Whole(2 + 3);
    }
    match rest.as_bytes().get(digits) {
        Some(b'm' | b'A' | b'B' | b'C' | b'D' | b'G' | b'J' | b'K') if digits <= SEQUENCE => {
            Sequence::Whole(2 + digits + 1)
        }
        None if digits <= SEQUENCE => Sequence::Open,
        _ => Sequence::None,
    }
}

impl Write for Harmless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        self.rest = self.pass(&all, false)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        self.pass(&rest, true)?;
        self.inner.flush()
    }
}

impl Drop for Harmless {
    fn drop(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        // Nobody is left to hear of an error; what was flushed before was written.
        let _ = self.pass(&rest, true).and_then(|_| self.inner.flush());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What arrives, written in pieces of so many bytes.
    fn written(text: &[u8], piece: usize) -> String {
        let shared = Shared::default();
        let mut harmless = Harmless::new(Box::new(shared.clone()));
        for part in text.chunks(piece) {
            harmless.write_all(part).unwrap();
        }
        drop(harmless);
        let bytes = shared.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_colours_and_moves_get_through_however_they_are_cut() {
        let text = "\u{1b}[1;31mrot\u{1b}[0m \u{1b}[2A\u{1b}[K\r\u{1b}]0;title\u{7} \u{9b}2J \u{202e}x\u{1b}c ä日\t\n";
        let expected = "\u{1b}[1;31mrot\u{1b}[0m \u{1b}[2A\u{1b}[K\r\\u001b]0;title\\u0007 \\u009b2J \\u202ex\\u001bc ä日\t\n";
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(written(text.as_bytes(), piece), expected, "{piece}");
        }
        assert_eq!(written(b"a\xff\x1b", 1), "a\u{fffd}\\u001b");
    }

    #[test]
    fn words_repeat_no_token_and_data_is_as_it_is() {
        let text = "error: `glpat-AbCd1234` is no URI of a secret\n";
        let shared = Shared::default();
        let mut words = Harmless::for_words(Box::new(shared.clone()));
        words.write_all(text.as_bytes()).unwrap();
        drop(words);
        let said = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(said, "error: `***MASKED***` is no URI of a secret\n");
        assert_eq!(written(text.as_bytes(), 1000), text);
    }

    #[test]
    fn json_stays_json() {
        let value = serde_json::json!({ "name": "a\u{9b}\u{202e}b" });
        let text = written(value.to_string().as_bytes(), 5);
        assert!(text.contains("\\u009b\\u202e"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
