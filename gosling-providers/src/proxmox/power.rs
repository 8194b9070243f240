//! Turns machines on and off, and leaves the jobs in them their time.

use std::time::{Duration, Instant};

use gosling_engine::Operation;
use tokio::time::sleep;

use super::api::pair;
use super::trouble::{Kind, Trouble};
use super::wanted::Wanted;
use super::work::{Found, LONGEST_TASK, Limited, Work};

/// How long the system of a machine has for a restart that waits for no job.
const SHUTDOWN: u64 = 60;
/// What a task takes beside the time that the machine is given.
const BESIDE: Duration = Duration::from_secs(5 * 60);
/// A task that started a machine has ended before the status says so.
const UNTIL_RUNNING: u32 = 40;

/// How a machine is turned off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Off {
    /// How long its jobs may go on, in seconds. Its gitlab-runner takes no new ones in the meantime, and the shutdown
    /// waits for the last one: see the unit that user-data gives it.
    drain: u64,
    /// Whether an earlier attempt may be turning it off at this moment.
    again: bool,
}

impl Off {
    /// At once: there is nobody in it who works.
    pub(super) const NOW: Self = Self {
        drain: 0,
        again: false,
    };

    /// As an operation has it.
    pub(super) fn by(operation: &Operation) -> Self {
        Self {
            drain: operation.rollout.unwrap_or_default().drain_timeout,
            again: operation.again,
        }
    }
}

/// Starts a machine and waits until it runs.
pub(super) async fn start(work: &Work<'_>, found: &Found, wanted: &Wanted) -> Result<(), Trouble> {
    let path = format!("{}/status/start", found.path());
    let storage = format!("{}/{}", found.node, wanted.storage);
    let started = work
        .in_turn(Limited::Start, &storage, "starting", || work.api.post(&path, &[]))
        .await;
    match started {
        Err(trouble) if trouble.kind == Kind::Died && trouble.message.contains("already running") => {}
        started => started?,
    }
    for _ in 0..UNTIL_RUNNING {
        if work.runs(found).await? {
            return Ok(());
        }
        sleep(Duration::from_millis(250)).await;
    }
    Err(
        Trouble::died(format!("{} was started but does not run", found.id()))
            .help("look at its console in Proxmox VE"),
    )
}

/// Turns a machine off for good: its jobs may end first, and what does not end in time is stopped. One that is gone by
/// now, an earlier attempt's task having ended, is off.
pub(super) async fn turn_off(work: &Work<'_>, found: &Found, off: Off) -> Result<(), Trouble> {
    let turned = match off.drain {
        0 => stop(work, found).await,
        _ => drain(work, found, off).await,
    };
    match turned {
        Err(trouble) if trouble.is_missing() => Ok(()),
        turned => turned,
    }
}

/// Shuts a machine down in order to start it again: its jobs may end first.
pub(super) async fn shut_down(work: &Work<'_>, found: &Found, off: Off) -> Result<(), Trouble> {
    if off.drain > 0 {
        return drain(work, found, off).await;
    }
    let form = [pair("timeout", SHUTDOWN), pair("forceStop", 1)];
    let path = format!("{}/status/shutdown", found.path());
    let answer = work.api.post(&path, &form).await?;
    work.end_of(&answer, "shutting down").await
}

/// Shuts a machine down, which waits for its jobs, and stops it where they have not ended in time.
async fn drain(work: &Work<'_>, found: &Found, off: Off) -> Result<(), Trouble> {
    if off.again {
        work.outlast_all(&found.node, "qmshutdown", Some(found.vmid))
            .await?;
    }
    if !work.runs(found).await? {
        return Ok(());
    }
    let time = Duration::from_secs(off.drain);
    let words = format!(
        "shutting down: its jobs may run for {} more; --kill-jobs does not wait",
        in_words(off.drain)
    );
    let began = Instant::now();
    let path = format!("{}/status/shutdown", found.path());
    let answer = work.api.post(&path, &[pair("timeout", off.drain)]).await?;
    let ended = work
        .end_within(&answer, &words, LONGEST_TASK.max(time + BESIDE))
        .await;
    let trouble = match ended {
        Err(trouble) if trouble.kind == Kind::Died && !trouble.is_missing() => trouble,
        ended => return ended,
    };
    if !work.runs(found).await? {
        return Ok(());
    }
    // Proxmox VE counts in seconds, and looks every second.
    if began.elapsed() + Duration::from_secs(1) < time {
        let id = found.id();
        return Err(Trouble::refused(format!(
            "{id} cannot be shut down, and stopping it would end its jobs: {}",
            trouble.message
        ))
        .help("`--kill-jobs` stops it anyway"));
    }
    work.progress("stopping: `drain_timeout` is over");
    stop(work, found).await
}

/// Stops a machine that runs, whatever it does. A shutdown that somebody waits for is ended too.
async fn stop(work: &Work<'_>, found: &Found) -> Result<(), Trouble> {
    if !work.runs(found).await? {
        return Ok(());
    }
    let path = format!("{}/status/stop", found.path());
    let mut form = Vec::new();
    loop {
        let answer = work.api.post(&path, &form).await?;
        match work.end_of(&answer, "stopping").await {
            Err(trouble) if trouble.is_lock() && form.is_empty() => {
                form.push(pair("overrule-shutdown", 1));
            }
            ended => return ended,
        }
    }
}

/// `1 h`, `90 s`.
fn in_words(seconds: u64) -> String {
    match seconds {
        whole if whole > 0 && whole % 3600 == 0 => format!("{} h", whole / 3600),
        whole if whole > 0 && whole % 60 == 0 => format!("{} min", whole / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        let words = [3600, 5400, 90, 0].map(in_words);
        assert_eq!(words, ["1 h", "90 min", "90 s", "0 s"]);
    }
}
