//! What a run leaves in the audit, and whether a freeze lets it begin.

use std::sync::Arc;

use gosling_engine::audit::{self, Ending, Event};
use gosling_engine::freeze::{self, Freeze};
use gosling_engine::journal::{self, Record};
use gosling_engine::store::{self, Store, StoreError};
use gosling_engine::{Fence, Lease};

use crate::clock::now;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::holder::holder;
use crate::state_location::StateLocation;

/// A run that has begun, and has to say how it ended.
pub struct AuditedRun<'a> {
    store: Arc<dyn Store>,
    lease: &'a Lease,
    run: String,
}

impl<'a> AuditedRun<'a> {
    /// Writes that something is about to be changed: into the journal, so that it is known to be lost where it is not
    /// there later, and then into the audit. Where this fails, nothing may be changed.
    pub async fn begin(at: &StateLocation, lease: &'a Lease, event: Event) -> Result<Self, Failure> {
        let record = Record::Began {
            epoch: lease.locked().epoch(),
        };
        let frame = journal::frame(&record).map_err(Failure::from_error)?;
        lease.locked().append(&frame).await?;
        let run = audit::new_run().map_err(Failure::from_error)?;
        let run_record = Self {
            store: Arc::clone(&at.store),
            lease,
            run,
        };
        run_record.write(event).await?;
        Ok(run_record)
    }

    /// Writes how it ended.
    pub async fn end(
        &self,
        result: Ending,
        serial: Option<u64>,
        done: usize,
        failed: usize,
    ) -> Result<(), Failure> {
        self.write(Event::Ended {
            result,
            serial,
            done,
            failed,
        })
        .await
    }

    async fn write(&self, event: Event) -> Result<(), Failure> {
        let who = self.lease.locked().holder();
        let written = audit::write(&*self.store, who, &now(), &self.run, event, self.lease).await;
        Ok(written?)
    }
}

impl StateLocation {
    /// Writes for every run that began under an earlier lock and never ended that it was cut off.
    pub async fn note_cut_off(&self, lease: &Lease) -> Result<(), Failure> {
        let locked = lease.locked();
        for run in audit::cut_off(&*self.store, locked.epoch())
            .await
            .map_err(Failure::from_error)?
        {
            let event = Event::Ended {
                result: Ending::CutOff,
                serial: None,
                done: 0,
                failed: 0,
            };
            let written = audit::write(&*self.store, locked.holder(), &now(), &run, event, lease).await;
            written?;
        }
        Ok(())
    }

    /// A warning where the audit beside a state is missing or damaged. It is no reason to stop: what is there and what is
    /// to be done does not depend on it.
    pub async fn audit_warning(&self, has_state: bool) -> Result<Option<String>, Failure> {
        let gap = audit::gap(&*self.store, has_state).await?;
        Ok(gap.map(|gap| format!("warning: {gap}\n  help: {}", gap.way_out())))
    }

    /// Writes what is about to be done without calling anybody. Anybody who can read the store reads it.
    pub async fn note(
        &self,
        environment: &Environment,
        command: &str,
        what: String,
        fence: &dyn Fence,
    ) -> Result<(), Failure> {
        let run = audit::new_run().map_err(Failure::from_error)?;
        let who = holder(environment, command);
        let event = Event::Noted { what };
        let written = audit::write(&*self.store, &who, &now(), &run, event, fence).await;
        Ok(written?)
    }

    /// Whether a state is here that was not moved away and is not on its way here.
    pub async fn is_worked_with(&self) -> Result<bool, Failure> {
        match store::here(&*self.store).await {
            Ok(()) => {}
            Err(StoreError::Moved { .. } | StoreError::Arriving { .. }) => return Ok(false),
            Err(other) => return Err(other.into()),
        }
        let snapshot = self.store.peek().await?;
        Ok(snapshot.state.is_some())
    }

    /// Writes that the state of this serial is about to be changed by hand. Which resource stands in the states alone,
    /// for those may be encrypted and the audit is not.
    pub async fn note_by_hand(
        &self,
        environment: &Environment,
        command: &str,
        serial: u64,
        fence: &dyn Fence,
    ) -> Result<(), Failure> {
        let what = format!("the state of serial {serial} is changed by hand");
        self.note(environment, command, what, fence).await
    }

    /// The freeze that holds now.
    pub async fn frozen(&self) -> Result<Option<Freeze>, Failure> {
        let freeze = freeze::read(&*self.store).await;
        let freeze = freeze.map_err(|error| Failure::from_error(&error).help_if_any(error.way_out()))?;
        Ok(freeze.filter(|freeze| freeze.holds(&now())))
    }

    /// Refuses to change the state by hand where a freeze holds.
    pub async fn may_be_edited(&self) -> Result<(), Failure> {
        match self.frozen().await? {
            Some(freeze) => Err(Failure::new(freeze.to_string()).help("`gosling freeze --lift` ends it")),
            None => Ok(()),
        }
    }

    /// Refuses where a freeze holds and nobody says why it does not count.
    pub async fn may_begin(&self, during_freeze: Option<&str>) -> Result<(), Failure> {
        match self.frozen().await? {
            Some(freeze) if during_freeze.is_none() => Err(Failure::new(freeze.to_string()).help(
                "`gosling freeze --lift` ends it; `--during-freeze REASON` overrides it and is recorded in the audit",
            )),
            _ => Ok(()),
        }
    }
}
