#![allow(clippy::unwrap_used)]

use super::*;

/// As gosling wrote it before a state named its Nest and had a digest.
const OLD: &[u8] = include_bytes!("../../tests/engine/fixtures/state-without-nest-and-digest.json");

#[test]
fn a_state_of_before_nests_and_digests_is_read_and_then_has_both() {
    let old = State::from_bytes(OLD).unwrap();
    assert_eq!((old.nest.as_str(), old.serial, old.resources.len()), ("", 3, 2));
    let named = old.clone().of_nest("demo").unwrap();
    assert_eq!(named.resources, old.resources);
    let read = State::from_bytes(&named.to_bytes()).unwrap();
    assert_eq!(read, named);
    assert_eq!(read.nest, "demo");
}

#[test]
fn no_byte_of_a_saved_state_can_change() {
    let saved = State::from_bytes(OLD)
        .unwrap()
        .of_nest("demo")
        .unwrap()
        .to_bytes();
    let stamp = saved.len() - 100..saved.len();
    for at in (0..saved.len()).step_by(17).chain(stamp) {
        let mut bytes = saved.clone();
        bytes[at] ^= 0x11;
        assert!(State::from_bytes(&bytes).is_err(), "byte {at}");
    }
}

#[test]
fn the_state_of_another_nest_is_refused_and_both_are_named() {
    let state = State::default().of_nest("one").unwrap();
    let refused = state.of_nest("other").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the state is that of the Nest `one`, and this is the Nest `other`"
    );
    assert!(refused.way_out().unwrap().contains("nest { name = \"one\" }"));
}

#[test]
fn an_edited_state_is_read_only_where_editing_is_expected() {
    let saved = State::from_bytes(OLD)
        .unwrap()
        .of_nest("demo")
        .unwrap()
        .to_bytes();
    let edited = String::from_utf8(saved)
        .unwrap()
        .replace("\"serial\": 3", "\"serial\": 4");
    assert_eq!(State::from_bytes(edited.as_bytes()), Err(StateError::Damaged));
    assert_eq!(State::from_edited(edited.as_bytes()).unwrap().serial, 4);
    let mut without: serde_json::Value = serde_json::from_str(&edited).unwrap();
    without.as_object_mut().unwrap().remove("digest");
    let without = without.to_string();
    assert_eq!(State::from_bytes(without.as_bytes()), Err(StateError::Damaged));
    assert_eq!(State::from_edited(without.as_bytes()).unwrap().serial, 4);
}
