//! Files that gosling 0.1.0 wrote are read by every later one, and no member of them is lost on the way.

use gosling_engine::audit;
use gosling_engine::journal::{self, Record, Stage};
use gosling_engine::plan::{Action, Plan};
use gosling_engine::state::{State, digest};
use gosling_engine::store::Holder;

const STATE: &[u8] = include_bytes!("fixtures/form-1/state.json");
const PLAN: &[u8] = include_bytes!("fixtures/form-1/update.plan");
const JOURNAL: &[u8] = include_bytes!("fixtures/form-1/journal");
const AUDIT: &[u8] = include_bytes!("fixtures/form-1/audit.jsonl");
const LOCK: &[u8] = include_bytes!("fixtures/form-1/lock");

#[test]
fn a_state_is_read_and_written_back_byte_for_byte() {
    let state = State::from_bytes(STATE).unwrap();
    assert_eq!(state.resources.len(), 13);
    assert_eq!(state.nest, "proxmox-lab");
    assert_eq!(
        String::from_utf8(state.to_bytes()).unwrap(),
        String::from_utf8(STATE.to_vec()).unwrap()
    );
}

#[test]
fn a_plan_is_read_and_written_back_byte_for_byte() {
    let plan = Plan::from_bytes(PLAN).unwrap();
    let updated = plan.changes.iter().find(|change| change.action == Action::Update);
    assert_eq!(updated.unwrap().address.to_string(), "egg.app.vm[0]");
    assert_eq!(
        String::from_utf8(plan.to_bytes()).unwrap(),
        String::from_utf8(PLAN.to_vec()).unwrap()
    );
}

#[test]
fn the_journal_of_a_killed_apply_is_read_and_written_back_byte_for_byte() {
    let (records, length) = journal::records(JOURNAL).unwrap();
    assert_eq!(length, JOURNAL.len());
    assert!(records.iter().any(|record| matches!(record, Record::Ref { .. })));
    assert_eq!(journal::frames_of(&records).unwrap(), JOURNAL);
    let entries = journal::entries(records).unwrap();
    let open = entries
        .iter()
        .filter(|entry| matches!(entry.stage, Stage::Open { .. }));
    assert_eq!(
        open.map(|entry| entry.operation.address.to_string())
            .collect::<Vec<_>>(),
        ["egg.app.vm[0]"]
    );
}

#[test]
fn an_audit_is_read_and_its_chain_holds() {
    let verified = audit::verify(AUDIT, None).unwrap();
    let lines = audit::lines(AUDIT);
    assert_eq!(verified.lines, lines.len());
    let written = lines
        .iter()
        .map(|line| serde_json::to_string(line).unwrap() + "\n");
    assert_eq!(
        written.collect::<String>(),
        String::from_utf8(AUDIT.to_vec()).unwrap()
    );
}

#[test]
fn the_holder_of_a_lock_is_read() {
    let holder: Holder = serde_json::from_slice(LOCK).unwrap();
    assert_eq!(holder.command, "gosling apply");
    assert_eq!(serde_json::to_vec(&holder).unwrap(), LOCK);
}

/// A saved form in which a secret is named as the first versions allowed: without a key, and with a character that no
/// name has.
fn with_a_wrong_secret(form: &[u8], wrong: &str) -> Vec<u8> {
    let form = String::from_utf8(form.to_vec()).unwrap();
    let before = "store://gitlab/gitlab.lab.example.com/app/runner-token";
    assert!(form.contains(before));
    form.replacen(before, wrong, 1).into_bytes()
}

#[test]
fn what_names_a_secret_in_a_wrong_way_is_refused_with_its_place_and_without_its_text() {
    for (wrong, why) in [
        ("store://hunter2", "it has no key"),
        ("vault://hunter2/a#b", "it has a `#`"),
        ("vault://hunter2/a?version=1&x=2", "its version must be"),
        ("hunter2", "it does not say where"),
    ] {
        let state = with_a_wrong_secret(STATE, wrong);
        let end = state.len() - b",\n  \"digest\": \"\"\n}\n".len() - 64;
        let digest = digest(&state[..end]);
        let stamped = [
            &state[..end],
            b",\n  \"digest\": \"",
            digest.as_bytes(),
            b"\"\n}\n",
        ]
        .concat();
        let plan = with_a_wrong_secret(PLAN, wrong);
        let (frames, _) = journal::frames(JOURNAL).unwrap();
        let frame = frames
            .iter()
            .find(|frame| String::from_utf8_lossy(frame).contains("/app/runner-token"));
        let frame = journal::enclose(&with_a_wrong_secret(frame.unwrap(), wrong));
        for said in [
            State::from_bytes(&stamped).unwrap_err().to_string(),
            State::from_edited(&state).unwrap_err().to_string(),
            Plan::from_bytes(&plan).unwrap_err().to_string(),
            journal::records(&frame).unwrap_err().to_string(),
        ] {
            assert!(said.contains(".token_secret is not the URI"), "{said}");
            assert!(
                said.contains(&format!("is not the URI of a secret: {why}")),
                "{said}"
            );
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
