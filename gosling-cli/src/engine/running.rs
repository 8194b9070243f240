//! What changes something: settling what earlier runs left open, and carrying out a plan.

use std::time::Duration;

use gosling_engine::journal::Entry;
use gosling_engine::{
    Applied, Fleet, JournalWriter, Lease, Plan, Recovered, Run, RunError, State, Stop, Unwatched, recover,
};
use tokio::sync::watch;

use super::watch::Watch;
use super::{Progress, Session};
use crate::Failure;

/// How many at once, and how long a stop may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempo {
    /// Operations under way at once.
    pub(crate) parallelism: usize,
    /// What is under way may take so long after a first stop.
    pub(crate) grace: Duration,
    /// Whether machines are stopped without regard to the jobs that they run.
    pub(crate) kill_jobs: bool,
}

impl Session {
    fn run<'a>(
        &'a self,
        lease: &'a Lease,
        progress: &'a Progress,
        tempo: Tempo,
        fleet: &'a dyn Fleet,
        stop: watch::Receiver<Stop>,
    ) -> Run<'a> {
        Run {
            nest: &self.name,
            providers: &self.providers,
            secrets: &self.secrets,
            fence: lease,
            events: progress,
            journal: JournalWriter::new(&**lease.locked()),
            parallelism: tempo.parallelism,
            grace: tempo.grace,
            fleet,
            kill_jobs: tempo.kill_jobs,
            stop,
        }
    }

    /// Settles what earlier runs left open, as far as that can be.
    pub(crate) async fn settle(
        &self,
        lease: &Lease,
        progress: &Progress,
        tempo: Tempo,
        stop: watch::Receiver<Stop>,
    ) -> Result<Recovered, Failure> {
        let snapshot = lease.locked().load().await?;
        let run = self.run(lease, progress, tempo, &Unwatched, stop);
        let recovered = recover::recover(&run, &snapshot).await;
        if let Err(RunError::Stopped) = recovered {
            let snapshot = lease.locked().load().await?;
            let (_, open) = self.at.read(&snapshot)?;
            for entry in open {
                let (verb, address) = (entry.operation.verb, entry.operation.address);
                progress.say(format!("open: the {verb} of {address} is not recovered yet"));
            }
        }
        recovered.map_err(Failure::from)
    }

    /// Carries out a plan, around the operations that are open.
    pub(crate) async fn apply(
        &self,
        lease: &Lease,
        plan: &Plan,
        (state, open): (State, &[Entry]),
        progress: &Progress,
        tempo: Tempo,
        stop: watch::Receiver<Stop>,
    ) -> Result<Applied, Failure> {
        let contacts = self.contacts(plan, &state).await;
        let watch = Watch {
            session: self,
            contacts: &contacts,
            progress,
        };
        let run = self.run(lease, progress, tempo, &watch, stop);
        gosling_engine::apply(&run, plan, state, open)
            .await
            .map_err(Failure::from)
    }
}
