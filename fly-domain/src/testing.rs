//! What the tests of every form share.

use std::fmt::{Debug, Display};

use proptest::prelude::*;

use super::Malformed;

/// Texts near the forms: their own characters in any order, and any text at all.
pub(super) fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9.:/@?=*,%_-]{0,40}",
        "[0-9]{1,22}[a-zA-Z%]{0,4}",
        "(yc-lockbox|aws-sm|vault|env|store|https?|x)://[a-z0-9/.:?=A-Z\\[\\]-]{0,30}",
        "([0-9*/,-]{1,6} ){4}[0-9*A-Z-]{1,5}",
        "[0-9a-f.:]{2,20}/[0-9]{1,3}",
    ]
}

/// `parse` does not panic on `text`, what it accepts it reads back from its canonical text, and what it
/// suggests it accepts.
pub(super) fn holds<T: Display + Debug + PartialEq>(
    parse: fn(&str) -> Result<T, Malformed>,
    text: &str,
) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(value) => prop_assert_eq!(parse(&value.to_string()), Ok(value)),
        Err(Malformed { suggestion, .. }) => {
            if let Some(suggestion) = suggestion {
                prop_assert!(parse(&suggestion).is_ok(), "suggests {suggestion:?}");
            }
        }
    }
    Ok(())
}

/// Each text is accepted, and its canonical text is the second of the pair.
#[track_caller]
pub(super) fn accepts<T: Display + Debug>(parse: fn(&str) -> Result<T, Malformed>, cases: &[(&str, &str)]) {
    for (text, canonical) in cases {
        match parse(text) {
            Ok(value) => assert_eq!(value.to_string(), *canonical, "{text:?}"),
            Err(malformed) => assert_eq!(malformed.reason, "accepted", "{text:?}"),
        }
    }
}

/// Each text is refused with a reason that holds these words, and with this suggestion.
#[track_caller]
pub(super) fn refuses<T: Debug>(
    parse: fn(&str) -> Result<T, Malformed>,
    cases: &[(&str, &str, Option<&str>)],
) {
    for (text, words, suggestion) in cases {
        let malformed = match parse(text) {
            Ok(value) => Malformed::new(format!("accepted as {value:?}")),
            Err(malformed) => malformed,
        };
        assert!(
            malformed.reason.contains(words),
            "{text:?}: {malformed:?}, not {words:?}"
        );
        assert_eq!(malformed.suggestion.as_deref(), *suggestion, "{text:?}");
    }
}
