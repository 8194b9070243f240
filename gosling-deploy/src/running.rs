//! What changes something: settling what earlier runs left open, and carrying out a plan.

use std::time::Duration;

use gosling_engine::journal::Entry;
use gosling_engine::{
    Applied, Fleet, JournalWriter, Lease, Plan, Recovered, Run, RunError, State, Stop, Unwatched, recover,
};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::reporter::Reporter;
use crate::session::Session;
use crate::watch::Watch;

/// How many at once, and how long a stop may take.
#[derive(Debug, Clone, Copy)]
pub struct Tempo {
    /// Operations under way at once.
    pub parallelism: usize,
    /// What is under way may take so long after a first stop.
    pub grace: Duration,
    /// Whether machines are stopped without regard to the jobs that they run.
    pub kill_jobs: bool,
}

impl Session {
    fn run<'a>(
        &'a self,
        lease: &'a Lease,
        reporter: &'a dyn Reporter,
        tempo: Tempo,
        fleet: &'a dyn Fleet,
        stop: watch::Receiver<Stop>,
    ) -> Run<'a> {
        Run {
            nest: &self.name,
            providers: &self.providers,
            secrets: &self.secrets,
            fence: lease,
            events: reporter,
            journal: JournalWriter::new(&**lease.locked()),
            parallelism: tempo.parallelism,
            grace: tempo.grace,
            fleet,
            kill_jobs: tempo.kill_jobs,
            stop,
        }
    }

    /// Settles what earlier runs left open, as far as that can be.
    pub async fn settle(
        &self,
        lease: &Lease,
        reporter: &dyn Reporter,
        tempo: Tempo,
        stop: watch::Receiver<Stop>,
    ) -> Result<Recovered, Failure> {
        let snapshot = lease.locked().load().await?;
        let run = self.run(lease, reporter, tempo, &Unwatched, stop);
        let recovered = recover::recover(&run, &snapshot).await;
        if let Err(RunError::Stopped) = recovered {
            let snapshot = lease.locked().load().await?;
            let (_, open) = self.at.read(&snapshot)?;
            for entry in open {
                let (verb, address) = (entry.operation.verb, entry.operation.address);
                reporter.say(format!("open: the {verb} of {address} is not recovered yet"));
            }
        }
        recovered.map_err(Failure::from)
    }

    /// Carries out a plan, around the operations that are open.
    pub async fn apply(
        &self,
        lease: &Lease,
        plan: &Plan,
        (state, open): (State, &[Entry]),
        reporter: &dyn Reporter,
        tempo: Tempo,
        stop: watch::Receiver<Stop>,
    ) -> Result<Applied, Failure> {
        let contacts = self.contacts(plan, &state).await;
        let watch = Watch {
            session: self,
            contacts: &contacts,
            reporter,
        };
        let run = self.run(lease, reporter, tempo, &watch, stop);
        gosling_engine::apply(&run, plan, state, open)
            .await
            .map_err(Failure::from)
    }
}
