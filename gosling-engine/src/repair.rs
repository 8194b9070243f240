//! Going on after damage: from the latest state and the records of the journal that can still be read. What cannot be
//! read is said, never guessed at.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::audit::Trail;
use crate::journal::{self, Consistent, JournalError, Record, Stage};
use crate::recover;
use crate::run::RunError;
use crate::state::{Intake, State, StateError};
use crate::store::{Locked, Salvage};
use crate::wrong_secret::why_unread;

/// What is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Finding {
    /// There is no state.
    #[error("the state is missing")]
    StateMissing,
    /// The state is not what was saved.
    #[error("the state cannot be read: {0}")]
    StateDamaged(StateError),
    /// A later one was saved.
    #[error("the state has serial {serial}, and one with serial {ended} was saved after it")]
    StateOlder {
        /// Of the state that is there.
        serial: u64,
        /// By the audit or by the states that are kept.
        ended: u64,
    },
    /// Records cannot be read.
    #[error("{gaps} places of the journal cannot be read; {records} records can")]
    JournalDamaged {
        /// How many places.
        gaps: usize,
        /// How many records are readable.
        records: usize,
    },
    /// Records tell of operations of which nothing else is known.
    #[error("{0} records are about operations whose beginning cannot be read")]
    Headless(usize),
    /// A copy of the journal was added to it.
    #[error("{0} records of the journal repeat earlier ones")]
    Repeated(usize),
    /// There is no journal, and a run began and did not end.
    #[error("the journal is lost: {0} runs began and did not end")]
    JournalLost(usize),
}

/// Why there is nothing to go on from.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RepairError {
    /// The state is another Nest's, or of a newer gosling: that is no damage.
    #[error(transparent)]
    State(#[from] StateError),
    /// Whole records that mean nothing to this version, or do not fit: that is no damage either.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No state is left.
    #[error("no state is left that can be read")]
    NoState,
    /// The one that was asked for is not among those that can be read.
    #[error("no state of serial {0} is left that can be read")]
    NotKept(u64),
}

/// What a store would go on from.
#[derive(Debug, Clone)]
pub struct Repair {
    /// What is wrong; nothing is to be done where this is empty.
    pub findings: Vec<Finding>,
    /// The serial of the state that it goes on from.
    pub from: u64,
    /// The state, with the outcomes that can be read.
    pub state: State,
    /// The records of operations that are open still.
    open: Vec<Record>,
}

impl Repair {
    /// Looks what is wrong, and what can be gone on from: the present state if it is the latest, else the latest that is
    /// kept, or that of the serial `to`.
    ///
    /// # Errors
    /// [`RepairError`].
    pub fn of(nest: &str, salvage: &Salvage, trail: &Trail, to: Option<u64>) -> Result<Self, RepairError> {
        let mut findings = Vec::new();
        let present = salvage.state.as_deref().map(State::from_bytes);
        if let Some(Err(error @ (StateError::Newer(_) | StateError::Broken(_)))) = &present {
            return Err(error.clone().into());
        }
        let begun = !salvage.history.is_empty() || trail.serial > 0;
        let kept = salvage.history.iter();
        let kept: Vec<State> = kept.filter_map(|bytes| State::from_bytes(bytes).ok()).collect();
        let saved = kept.iter().map(|state| state.serial);
        let saved = saved.fold(trail.serial, u64::max);
        match &present {
            None if begun => findings.push(Finding::StateMissing),
            Some(Err(error)) => findings.push(Finding::StateDamaged(error.clone())),
            Some(Ok(state)) if state.serial < saved => findings.push(Finding::StateOlder {
                serial: state.serial,
                ended: saved,
            }),
            None | Some(Ok(_)) => {}
        }
        let mut states: Vec<State> = present.into_iter().filter_map(Result::ok).chain(kept).collect();
        if states.is_empty() && !begun && findings.is_empty() {
            states.push(State::default());
        }
        let state = match to {
            Some(serial) => states.into_iter().find(|state| state.serial == serial),
            None => states.into_iter().max_by_key(|state| state.serial),
        };
        let state = state.ok_or(to.map_or(RepairError::NoState, RepairError::NotKept))?;
        let mut state = state.of_nest(nest)?;
        let from = state.serial;

        let mut records = Vec::new();
        for (json, number) in salvage.records.iter().zip(1..) {
            let more = journal::records_of(json).map_err(|error| JournalError::Strange {
                number,
                why: why_unread(json, &error),
            });
            records.extend(more?);
        }
        if salvage.gaps > 0 {
            findings.push(Finding::JournalDamaged {
                gaps: salvage.gaps,
                records: records.len(),
            });
        }
        let Consistent {
            records,
            headless,
            repeated,
        } = journal::consistent(records);
        if headless > 0 {
            findings.push(Finding::Headless(headless));
        }
        if repeated > 0 {
            findings.push(Finding::Repeated(repeated));
        }
        let unended = trail.unended.iter().filter(|(_, before)| from <= *before).count();
        if salvage.journal.is_empty() && (unended > 0 || state.under_way) {
            findings.push(Finding::JournalLost(unended.max(1)));
        }
        let entries = journal::entries(records.iter().cloned())?;
        let open: BTreeSet<&str> = entries
            .iter()
            .filter(|entry| matches!(entry.stage, Stage::Open { .. }))
            .map(|entry| entry.operation.op.as_str())
            .collect();
        let open = records
            .into_iter()
            .filter(|record| record.op().is_some_and(|op| open.contains(op)))
            .collect::<Vec<_>>();
        let mut intake = Intake::of(state);
        intake.replay(&entries);
        state = intake.state;
        // No plan of before, and no earlier state, is taken for this one.
        state.serial = state.serial.max(saved);
        state.under_way = !open.is_empty();
        Ok(Self {
            findings,
            from,
            state,
            open,
        })
    }

    /// How many operations are open, which the next apply settles.
    #[must_use]
    pub fn open(&self) -> usize {
        let intents = self.open.iter();
        intents
            .filter(|record| matches!(record, Record::Intent { .. }))
            .count()
    }

    /// Whether something of the journal is left out of what it goes on from: then the journal is worth keeping.
    #[must_use]
    pub fn drops_records(&self) -> bool {
        let of_journal = |finding: &Finding| {
            matches!(
                finding,
                Finding::JournalDamaged { .. } | Finding::Headless(_) | Finding::Repeated(_)
            )
        };
        self.findings.iter().any(of_journal)
    }

    /// Saves the state and replaces the journal by what is open in it.
    ///
    /// # Errors
    /// Where something could not be written.
    pub async fn carry_out(self, locked: &dyn Locked) -> Result<State, RunError> {
        let state = recover::save(locked, self.state).await?;
        locked.cut(&recover::bytes(&self.open)?).await?;
        Ok(state)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::audit::{Event, Line};
    use crate::store::{Holder, LocalStore, Store};

    fn state(serial: u64) -> Vec<u8> {
        let state = State {
            lineage: "l".into(),
            nest: "lab".into(),
            serial,
            ..State::default()
        };
        state.to_bytes()
    }

    fn ended(serial: u64) -> Trail {
        Trail {
            serial,
            ..Trail::default()
        }
    }

    fn of(salvage: &Salvage, trail: &Trail) -> Result<Repair, RepairError> {
        Repair::of("lab", salvage, trail, None)
    }

    #[test]
    fn where_nothing_is_wrong_nothing_is_found() {
        let whole = Salvage {
            state: Some(state(3)),
            history: vec![state(2)],
            ..Salvage::default()
        };
        assert_eq!(of(&whole, &ended(3)).unwrap().findings, []);
        assert_eq!(of(&Salvage::default(), &Trail::default()).unwrap().findings, []);
    }

    #[test]
    fn it_goes_on_from_the_latest_state_that_can_be_read() {
        let mut damaged = state(4);
        damaged[20] ^= 1;
        for (present, finding) in [
            (None, Finding::StateMissing),
            (Some(damaged), Finding::StateDamaged(StateError::Damaged)),
            (Some(state(1)), Finding::StateOlder { serial: 1, ended: 4 }),
        ] {
            let salvage = Salvage {
                state: present,
                history: vec![state(3), state(2)],
                ..Salvage::default()
            };
            let repair = of(&salvage, &ended(4)).unwrap();
            assert_eq!(
                (repair.findings, repair.from, repair.state.serial),
                (vec![finding], 3, 4)
            );
            let asked = Repair::of("lab", &salvage, &ended(4), Some(2)).unwrap();
            assert_eq!((asked.from, asked.state.serial), (2, 4));
            let none = Repair::of("lab", &salvage, &ended(4), Some(9)).unwrap_err();
            assert_eq!(none, RepairError::NotKept(9));
        }
        let nothing = Salvage::default();
        assert_eq!(of(&nothing, &ended(4)).unwrap_err(), RepairError::NoState);
        let other = Salvage {
            state: Some(State::default().of_nest("other").unwrap().to_bytes()),
            ..Salvage::default()
        };
        assert!(matches!(
            of(&other, &ended(0)),
            Err(RepairError::State(StateError::AnotherNest { .. }))
        ));
    }

    #[test]
    fn a_lost_journal_is_known_by_the_audit_and_by_the_state() {
        let line = Line {
            number: 1,
            at: "2026-01-01T00:00:00Z".into(),
            run: "r".into(),
            by: "ada@build".into(),
            command: "gosling apply".into(),
            pipeline: None,
            event: Event::Noted { what: String::new() },
            previous: String::new(),
        };
        let trail = Trail {
            serial: 3,
            unended: vec![(line, 3)],
            ..Trail::default()
        };
        let salvage = Salvage {
            state: Some(state(3)),
            ..Salvage::default()
        };
        assert_eq!(of(&salvage, &trail).unwrap().findings, [Finding::JournalLost(1)]);
        // The run saved the state when it was done, and was killed before the audit told of it.
        let later = Salvage {
            state: Some(state(4)),
            ..Salvage::default()
        };
        assert_eq!(of(&later, &trail).unwrap().findings, []);
    }

    #[tokio::test]
    async fn what_is_open_stays_open_after_a_repair() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path().to_owned(), 3);
        let holder = Holder {
            user: "ada".into(),
            host: "build".into(),
            pid: 7,
            since: "2026-01-01T00:00:00Z".into(),
            command: "gosling state repair".into(),
            pipeline: None,
        };
        let locked = store.lock(&holder).await.unwrap();
        locked.save(&state(3)).await.unwrap();
        let began = journal::frame(&Record::Began { epoch: 1 }).unwrap();
        let mut bytes = [began, journal::tests::intents(&["a", "b"])].concat();
        bytes.extend(
            journal::frame(&Record::Failed {
                op: "a".into(),
                message: "refused".into(),
            })
            .unwrap(),
        );
        bytes[9] ^= 1;
        locked.append(&bytes).await.unwrap();
        assert!(locked.load().await.is_err());
        let repair = of(&store.salvage().await.unwrap(), &ended(3)).unwrap();
        assert_eq!(repair.findings, [Finding::JournalDamaged { gaps: 1, records: 3 }]);
        assert_eq!(repair.open(), 1);
        let saved = repair.carry_out(&*locked).await.unwrap();
        assert_eq!((saved.serial, saved.under_way), (4, true));
        let (_, open) = recover::read("lab", &locked.load().await.unwrap()).unwrap();
        let open: Vec<&str> = open.iter().map(|entry| entry.operation.op.as_str()).collect();
        assert_eq!(open, ["b"]);
    }
}
