use super::*;
use crate::operation::Verb;

fn operation(op: &str) -> Operation {
    Operation {
        op: op.to_owned(),
        verb: Verb::Create,
        address: format!("egg.{op}.runner").parse().unwrap(),
        kind: "gitlab_runner".into(),
        provider: "gitlab.example.com".into(),
        marker: format!("gosling:lab:egg.{op}.runner:{op}"),
        id: None,
        reserved: None,
        properties: Properties::new(),
        given: Properties::new(),
        prior: Properties::new(),
        rollout: None,
        place: None,
        again: false,
        tasks: Vec::new(),
    }
}

fn intent(op: &str) -> Record {
    Record::Intent {
        epoch: 1,
        operation: Box::new(operation(op)),
        depends_on: Vec::new(),
    }
}

/// The frames of intents of these operations.
pub(crate) fn intents(ops: &[&str]) -> Vec<u8> {
    ops.iter().flat_map(|op| frame(&intent(op)).unwrap()).collect()
}

fn log() -> Vec<Record> {
    let task = Record::Ref {
        op: "a".into(),
        task: "UPID:x".into(),
    };
    let done = Record::Done {
        op: "a".into(),
        observed: None,
    };
    vec![intent("a"), task, intent("b"), done]
}

/// A journal, and where each of its records ends; the first number is where the first begins.
fn written() -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut ends = vec![0];
    for record in log() {
        bytes.extend(frame(&record).unwrap());
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn a_journal_is_read_as_it_was_written_and_cut_where_it_was_torn() {
    let (bytes, ends) = written();
    for cut in 0..=bytes.len() {
        let (read, good) = records(&bytes[..cut]).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(
            (read.as_slice(), good),
            (&log()[..whole], ends[whole]),
            "cut after {cut} bytes"
        );
    }
}

#[test]
fn blocks_that_were_never_written_are_a_torn_end() {
    let (bytes, ends) = written();
    let last = ends[ends.len() - 2];
    for written in [last, last + 3, last + 8, bytes.len() - 12] {
        let mut torn = bytes[..written].to_vec();
        torn.resize(bytes.len() + 4096, 0);
        assert_eq!(records(&torn).unwrap().1, last, "written up to {written}");
    }
}

#[test]
fn a_byte_that_changed_in_any_record_is_damage_and_no_torn_end() {
    let (bytes, ends) = written();
    for at in 0..bytes.len() {
        for change in [1, 0x11, 0x80] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            let number = ends.iter().filter(|end| **end <= at).count();
            match records(&damaged) {
                Err(JournalError::Damaged { number: found, .. }) => {
                    assert_eq!(found, number, "byte {at}")
                }
                other => panic!("byte {at}, changed by {change}: {other:?}"),
            }
        }
    }
}

#[test]
fn what_is_around_a_damaged_record_can_be_read() {
    let (mut bytes, ends) = written();
    bytes[ends[1] + 10] ^= 1;
    let (contents, gaps) = readable(&bytes);
    let read: Vec<Record> = contents
        .iter()
        .map(|json| serde_json::from_slice(json).unwrap())
        .collect();
    let [first, _, third, fourth] = &log()[..] else {
        unreachable!()
    };
    assert_eq!(
        (read, gaps),
        ([first, third, fourth].map(Clone::clone).to_vec(), 1)
    );
    let (bytes, _) = written();
    let (whole, gaps) = readable(&bytes[..ends[4] - 1]);
    assert_eq!((whole.len(), gaps), (3, 1));
}

#[test]
fn an_operation_is_open_until_its_outcome_is_definite() {
    let entries = entries(log()).unwrap();
    assert_eq!(entries[0].stage, Stage::Done(None));
    assert_eq!(entries[0].operation.tasks, ["UPID:x"]);
    assert_eq!(entries[1].stage, Stage::Open { heard: None });
}

#[test]
fn an_outcome_whose_intent_was_lost_is_left_out() {
    let Consistent {
        records: kept,
        headless: dropped,
        ..
    } = consistent(log()[1..].to_vec());
    assert_eq!((kept.as_slice(), dropped), (&log()[2..3], 2));
    let whole = Consistent {
        records: log(),
        ..Consistent::default()
    };
    assert_eq!(consistent(log()), whole);
    // A copy of it, or of its beginning, before or behind it.
    for shorter in 1..=log().len() {
        let copy = log()[..shorter].to_vec();
        for both in [[log(), copy.clone()].concat(), [copy.clone(), log()].concat()] {
            let Consistent {
                headless, repeated, ..
            } = consistent(both.clone());
            assert_eq!((headless, repeated > 0), (0, true), "{shorter}");
            let stages = |records| {
                let entries = entries(records).unwrap().into_iter();
                entries
                    .map(|entry| (entry.operation.op, entry.stage))
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                stages(consistent(both.clone()).records),
                stages(log()),
                "{shorter}"
            );
            let refused = entries(both).unwrap_err();
            assert!(
                matches!(refused, JournalError::Repeated { first: 1, .. }),
                "{refused}"
            );
        }
    }
}

/// Another operation of the resource of the first.
fn intent_of_a(op: &str) -> Record {
    let mut operation = operation("a");
    op.clone_into(&mut operation.op);
    Record::Intent {
        epoch: 1,
        operation: Box::new(operation),
        depends_on: Vec::new(),
    }
}

#[test]
fn a_resource_has_one_open_operation_and_no_second() {
    let failed = Record::Failed {
        op: "a".into(),
        message: "no".into(),
    };
    let second = entries([intent("a"), intent_of_a("b")]).unwrap_err();
    assert_eq!(
        second.to_string(),
        "record 2 of the journal contradicts the others: an earlier operation of its resource had not ended"
    );
    let fine = [intent("a"), failed, intent_of_a("b"), intent("c")];
    assert_eq!(entries(fine).unwrap().len(), 3);
}

#[test]
fn an_operation_whose_end_was_lost_is_not_taken_for_an_open_one() {
    let Consistent {
        records: kept,
        headless: dropped,
        ..
    } = consistent(vec![intent("a"), intent("c"), intent_of_a("b")]);
    assert_eq!((kept, dropped), (vec![intent("c"), intent_of_a("b")], 0));
}

#[test]
fn what_is_left_of_a_journal_is_what_is_open_and_what_was_last_heard_of_it() {
    let unknown = |op: &str, message: &str| Record::Unknown {
        op: op.into(),
        message: message.into(),
    };
    let task = Record::Ref {
        op: "b".into(),
        task: "UPID:x".into(),
    };
    let mut records = vec![Record::Began { epoch: 1 }];
    records.extend(log());
    records.extend([
        unknown("b", "first"),
        task.clone(),
        task.clone(),
        unknown("b", "last"),
    ]);
    let left = left(records.clone(), &["b".to_owned()].into());
    assert_eq!(left, [intent("b"), task, unknown("b", "last")]);
    let before = entries(records).unwrap().pop().unwrap();
    let mut after = entries(left).unwrap();
    assert_eq!(before.stage, after[0].stage);
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].operation.tasks, ["UPID:x"]);
    after[0].operation.tasks = before.operation.tasks.clone();
    assert_eq!(before, after[0]);
}

#[test]
fn nothing_follows_an_end_and_nothing_comes_before_a_beginning() {
    let done = Record::Done {
        op: "a".into(),
        observed: None,
    };
    let unknown = Record::Unknown {
        op: "a".into(),
        message: "cut".into(),
    };
    for wrong in [
        vec![done.clone()],
        vec![
            intent("a"),
            done.clone(),
            Record::Intent {
                epoch: 2,
                operation: Box::new(Operation {
                    reserved: Some("2".into()),
                    ..operation("a")
                }),
                depends_on: Vec::new(),
            },
        ],
        vec![intent("a"), done.clone(), unknown.clone()],
    ] {
        assert!(
            matches!(entries(wrong.clone()), Err(JournalError::Impossible { .. })),
            "{wrong:?}"
        );
    }
    let fine = [intent("a"), unknown.clone(), unknown, done];
    assert_eq!(entries(fine).unwrap()[0].stage, Stage::Done(None));
}

#[test]
fn records_that_share_a_write_are_there_together_or_not_at_all() {
    let jsons: Vec<Vec<u8>> = log()
        .iter()
        .map(|record| serde_json::to_vec(record).unwrap())
        .collect();
    let shared = shared_frame(&jsons);
    let before = frame(&intent("before")).unwrap();
    let all = [before.as_slice(), &shared].concat();
    let (records, length) = super::records(&all).unwrap();
    assert_eq!(records, [vec![intent("before")], log()].concat());
    assert_eq!(length, all.len());
    // What a power cut leaves of a write: any of its beginning, and any of its end.
    for kept in (0..shared.len()).step_by(3) {
        for lost in (kept + 1..=shared.len()).step_by(5) {
            let torn = [before.as_slice(), &shared[..kept], &shared[lost..]].concat();
            let (records, length) = super::records(&torn).unwrap();
            assert_eq!(
                (records.as_slice(), length),
                (&[intent("before")][..], before.len())
            );
        }
    }
}
