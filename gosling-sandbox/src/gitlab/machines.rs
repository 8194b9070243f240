//! The machines on which gitlab-runner runs: they come up, are heard of, take jobs, and fall silent.

use std::time::Duration;

use serde_json::{Value, json};

use super::Gitlab;
use super::jobs::Status;
use super::user_data::{self, Config};
use crate::Boot;
use crate::ledger::Ledger;

/// What a first boot writes that went well.
pub(crate) const WELL: &str =
    "gosling: this machine is a GitLab runner now\ngosling: gitlab: accepts the token\n";
const REFUSED: &str = "GitLab refuses the token of the runner";
const UNREACHABLE: &str = "GitLab cannot be reached from the machine";

/// A machine that is up, with a gitlab-runner that was started.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// `qemu/101`.
    name: String,
    system_id: String,
    config: Config,
    /// The jobs that it runs: their numbers, which `[[runners]]` took them, and when they end.
    jobs: Vec<(u64, usize, Duration)>,
    /// When a call of each `[[runners]]` last reached GitLab itself.
    heard: Vec<Option<Duration>>,
    /// Whether it takes no new jobs because its system is shutting down.
    going_down: bool,
}

impl Gitlab {
    /// A machine comes up. If its user-data brings up a gitlab-runner, that one is heard of at once; if not, the
    /// machine stays silent, and [`Gitlab::silent`] says why.
    pub(crate) fn booted(&mut self, boot: &Boot, at: Duration, ledger: &mut Ledger) {
        self.stopped(&boot.machine, at, ledger);
        match user_data::read(boot.user_data.as_deref()) {
            Ok(config) => {
                self.machines.push(Machine {
                    name: boot.machine.clone(),
                    system_id: system_id(boot),
                    heard: vec![None; config.runners.len()],
                    config,
                    jobs: Vec::new(),
                    going_down: false,
                });
                self.proceed(at);
            }
            Err(why) => self.complain(&boot.machine, why),
        }
    }

    /// A machine is off: it is not heard of again, and the jobs that it ran are killed. GitLab does not know that yet.
    pub(crate) fn stopped(&mut self, machine: &str, at: Duration, ledger: &mut Ledger) {
        let (off, on) = std::mem::take(&mut self.machines)
            .into_iter()
            .partition(|up| up.name == machine);
        self.machines = on;
        let off: Vec<Machine> = off;
        for mut machine in off {
            self.finish(&mut machine, at);
            for (job, ..) in machine.jobs {
                ledger.killed(job, &machine.name);
            }
        }
        self.silent.retain(|(name, _)| name != machine);
    }

    /// These machines are shutting down.
    pub(crate) fn going_down(&mut self, names: Vec<String>) {
        for machine in &mut self.machines {
            machine.going_down |= names.contains(&machine.name);
        }
    }

    /// The machines whose shutdown waits for their jobs, and when the last of these is over.
    pub(crate) fn work_until(&self) -> std::collections::BTreeMap<String, Duration> {
        let waiting = self.machines.iter().filter(|machine| machine.config.drains);
        let ends = waiting.filter_map(|machine| {
            let end = machine.jobs.iter().map(|(_, _, end)| *end).max()?;
            Some((machine.name.clone(), end))
        });
        ends.collect()
    }

    /// The machines that are up and not heard of, with the reasons that their logs would give.
    pub(crate) fn silent(&self) -> Vec<(String, String)> {
        self.silent.clone()
    }

    /// What the first boots of the silent machines have written by now.
    pub(crate) fn complaints(&self) -> Vec<(String, String)> {
        let complaint = |(machine, why): &(String, String)| {
            // The first two are what a machine's own script says when GitLab answers it so, or does not.
            let words = if why.starts_with(REFUSED) {
                "gitlab: refuses the token"
            } else if why == UNREACHABLE {
                "gitlab: cannot be reached"
            } else {
                why
            };
            (machine.clone(), format!("gosling: {words}\n"))
        };
        self.silent.iter().map(complaint).collect()
    }

    fn complain(&mut self, machine: &str, why: String) {
        let known = self
            .silent
            .iter()
            .any(|(name, reason)| name == machine && *reason == why);
        if !known {
            self.silent.push((machine.to_owned(), why));
        }
    }

    /// Lets the machines do what they have done by now.
    pub(super) fn proceed(&mut self, at: Duration) {
        let mut machines = std::mem::take(&mut self.machines);
        for machine in &mut machines {
            self.finish(machine, at);
            for entry in 0..machine.config.runners.len() {
                self.work_on(machine, entry, at);
            }
        }
        self.machines = machines;
    }

    /// Ends the jobs of a machine that are over.
    fn finish(&mut self, machine: &mut Machine, at: Duration) {
        machine.jobs.retain(|&(id, _, end)| {
            let Some(job) = self.jobs.get_mut(&id).filter(|job| job.status.running()) else {
                return false;
            };
            if end > at {
                return true;
            }
            job.trace
                .extend_from_slice(b"$ echo it runs\nit runs\nJob succeeded\n");
            job.end(Status::Success, end);
            false
        });
    }

    /// One `[[runners]]` of a machine asks for work, as often as it may run more.
    fn work_on(&mut self, machine: &mut Machine, entry: usize, at: Duration) {
        let Some(own) = machine.config.runners.get(entry) else {
            return;
        };
        if let Some(last) = self.world.machines_stop_at.clone() {
            self.complain(&machine.name, last);
            return;
        }
        if !self.world.machines_reach {
            self.complain(&machine.name, UNREACHABLE.to_owned());
            return;
        }
        let refused = format!("{REFUSED} `{}`", own.name);
        let Some(id) = self.runner_by_token(&own.token) else {
            self.complain(&machine.name, refused);
            return;
        };
        self.silent
            .retain(|(name, why)| (name, why) != (&machine.name, &refused));
        // The front of GitLab keeps an idle runner's request for work until there is some, and lets one through at the
        // latest once an hour.
        let last = machine.heard.get(entry).copied().flatten();
        if last.is_none_or(|last| at.saturating_sub(last) >= IDLE) || self.waits(id) {
            self.heard(id, &machine.system_id, &info(), at);
            if let Some(heard) = machine.heard.get_mut(entry) {
                *heard = Some(at);
            }
        }
        while !machine.going_down {
            let running = machine.jobs.iter().filter(|(_, by, _)| *by == entry).count();
            if machine.jobs.len() >= machine.config.concurrent || (own.limit > 0 && running >= own.limit) {
                return;
            }
            let Some(job) = self.take_job(id, &machine.system_id, at) else {
                return;
            };
            if let Some(job) = self.jobs.get_mut(&job) {
                let version = VERSION;
                let system_id = &machine.system_id;
                let greeting = format!(
                    "Running with gitlab-runner {version}\n  on {}, system ID: {system_id}\n",
                    own.name
                );
                job.trace.extend_from_slice(greeting.as_bytes());
            }
            let length = Duration::from_millis(self.world.job_ms);
            machine.jobs.push((job, entry, at + length));
        }
    }
}

/// The longest that GitLab does not hear of a runner that waits for work (`RUNNER_QUEUE_EXPIRY_TIME`).
const IDLE: Duration = Duration::from_secs(3600);

const VERSION: &str = "18.5.0";

/// What a machine says of itself.
fn info() -> Value {
    json!({
        "name": "gitlab-runner",
        "version": VERSION,
        "revision": "5a0db0c5",
        "platform": "linux",
        "architecture": "amd64",
        "executor": "docker",
    })
}

/// What a machine calls itself: what its first boot wrote, else `s_` and twelve hexadecimal digits (of FNV-1a), always the
/// same for the same machine.
fn system_id(boot: &Boot) -> String {
    let named = boot
        .user_data
        .as_deref()
        .is_some_and(user_data::is_named_by_instance);
    if let Some(instance) = boot.instance.as_ref().filter(|_| named) {
        return format!("s_{}", instance.chars().take(12).collect::<String>());
    }
    let hash = boot
        .machine
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("s_{:012x}", hash & 0xffff_ffff_ffff)
}
