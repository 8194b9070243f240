//! Tasks: what takes time, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Failure, Success};
use super::changes::Change;
use super::storage::Volume;
use super::{Ask, Proxmox};
use crate::ledger::Ledger;

/// When the sandbox began, for whoever asks for a date. The same every time: a test can compare.
pub(super) const EPOCH: u64 = 1_760_000_000;
/// How long a task waits for the lock of its guest.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// What a task does at its end, or at its beginning.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// The guest that was cloned or created is unlocked.
    Settle {
        /// Whether it is to run from then on.
        start: bool,
        /// The container that was locked for this.
        source: Option<u32>,
    },
    /// Such a task only ever fails.
    Nothing,
    Start,
    Stop,
    Reboot,
    ShutDown {
        /// How long the guest has for it.
        seconds: u64,
        /// Whether it is stopped after that.
        by_force: bool,
        /// When that is; known once the task has the lock.
        until: Option<Duration>,
    },
    Destroy,
    Configure(Change),
    Resize {
        disk: String,
        size: String,
    },
    Template,
    Store(Volume),
    Remove {
        node: String,
        volid: String,
    },
}

/// A task to begin.
#[derive(Debug)]
pub(super) struct Work {
    /// `qmclone`, `imgcopy`...
    pub(super) kind: &'static str,
    /// What it is about, as its UPID names it.
    pub(super) id: String,
    /// The guest whose lock it takes.
    pub(super) vmid: Option<u32>,
    /// Milliseconds.
    pub(super) takes: u64,
    pub(super) effect: Effect,
    /// The node and the storage that it writes a whole disk to.
    pub(super) copies_to: Option<(String, String)>,
    /// What it ends with instead of its effect.
    pub(super) fails: Option<String>,
}

impl Work {
    pub(super) fn new(kind: &'static str, id: &str, takes: u64, effect: Effect) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            vmid: None,
            takes,
            effect,
            copies_to: None,
            fails: None,
        }
    }

    /// A task that takes a guest's lock.
    pub(super) fn on(kind: &'static str, vmid: u32, takes: u64, effect: Effect) -> Self {
        Self {
            vmid: Some(vmid),
            ..Self::new(kind, &vmid.to_string(), takes, effect)
        }
    }
}

#[derive(Debug)]
enum State {
    /// For the lock of its guest, which is free at this time.
    Waiting(Duration),
    /// Until this time.
    Running(Duration),
    /// With this exit status.
    Over(String),
}

/// A task, also one that is over.
#[derive(Debug)]
pub(super) struct Task {
    upid: String,
    pub(super) node: String,
    pub(super) work: Work,
    user: String,
    pid: u64,
    began: Duration,
    ended: Option<Duration>,
    /// The number of the call that began it.
    call: u64,
    state: State,
    /// Whether the next one to ask for its status is told that there is no such task.
    late: bool,
    log: Vec<String>,
}

impl Task {
    /// When something happens to it next.
    fn next(&self) -> Option<Duration> {
        match self.state {
            State::Waiting(at) | State::Running(at) => Some(at),
            State::Over(_) => None,
        }
    }

    fn json(&self) -> Value {
        let (user, token) = self.user.split_once('!').unwrap_or((&self.user, ""));
        let mut json = json!({
            "upid": self.upid,
            "node": self.node,
            "type": self.work.kind,
            "id": self.work.id,
            "user": user,
            "tokenid": token,
            "pid": self.pid,
            "pstart": self.pid * 7,
            "starttime": EPOCH + self.began.as_secs(),
        });
        if let Some(ended) = self.ended {
            json["endtime"] = (EPOCH + ended.as_secs()).into();
        }
        json
    }
}

impl Proxmox {
    /// Begins a task: the answer is its UPID.
    pub(super) fn begin(&mut self, ask: &Ask, work: Work, ledger: &mut Ledger) -> Success {
        ledger.changed(ask.n);
        let pid = 4096 + self.tasks.len() as u64;
        let node = ask.node().to_owned();
        let upid = format!(
            "UPID:{node}:{pid:08X}:{:08X}:{:08X}:{}:{}:{}:",
            pid * 7,
            EPOCH + ask.at.as_secs(),
            work.kind,
            work.id,
            ask.user
        );
        let free = work
            .vmid
            .and_then(|vmid| self.locked_until(vmid))
            .unwrap_or(ask.at);
        let mut task = Task {
            upid: upid.clone(),
            node,
            work,
            user: ask.user.clone(),
            pid,
            began: ask.at,
            ended: None,
            call: ask.n,
            state: State::Waiting(free),
            late: self.dice.happens(self.world.late_tasks_percent),
            log: Vec::new(),
        };
        if free > ask.at + LOCK_WAIT {
            let kind = ask.kind();
            let vmid = ask.vmid();
            task.work.fails = Some(format!(
                "can't lock file '{}' - got timeout",
                kind.lock_file(vmid)
            ));
            task.state = State::Running(ask.at + LOCK_WAIT);
        }
        self.tasks.push(task);
        self.proceed(ask.at, ledger);
        Value::String(upid).into()
    }

    /// Until when the tasks that are known hold a guest's lock; `None` if none does.
    pub(super) fn locked_until(&self, vmid: u32) -> Option<Duration> {
        // A clone or a creation holds its new guest by the `lock` in the configuration, not by the file.
        let by_file = |task: &&Task| !matches!(task.work.effect, Effect::Settle { .. });
        let holders = self
            .tasks
            .iter()
            .filter(|task| task.work.vmid == Some(vmid))
            .filter(by_file);
        let ends = holders.filter_map(|task| match task.state {
            State::Waiting(at) => Some(at + Duration::from_millis(task.work.takes)),
            State::Running(at) => Some(at),
            State::Over(_) => None,
        });
        ends.max()
    }

    /// How long a call waits for a guest's lock.
    pub(super) fn wait(&self, ask: &Ask, vmid: u32, most: Duration) -> Result<Duration, Failure> {
        let wait = self.locked_until(vmid).unwrap_or(ask.at).saturating_sub(ask.at);
        if wait <= most {
            return Ok(wait);
        }
        let lock = ask.kind().lock_file(vmid);
        Failure::die(format!("can't lock file '{lock}' - got timeout"))
    }

    /// How many tasks are writing whole disks to a node's storage.
    pub(super) fn copies(&self, to: &(String, String)) -> usize {
        let open = self.tasks.iter().filter(|task| task.next().is_some());
        open.filter(|task| task.work.copies_to.as_ref() == Some(to))
            .count()
    }

    /// Lets everything happen that is over by `at`, in the order of its times.
    pub(super) fn proceed(&mut self, at: Duration, ledger: &mut Ledger) {
        loop {
            let due = self
                .tasks
                .iter()
                .enumerate()
                .filter_map(|(index, task)| Some((task.next()?, index)));
            match due.min().filter(|(next, _)| *next <= at) {
                Some((next, index)) => self.step(index, next, ledger),
                None => break,
            }
        }
        self.boot(at);
    }

    /// A task gets its lock, or is over.
    fn step(&mut self, index: usize, now: Duration, ledger: &mut Ledger) {
        let task = &self.tasks[index];
        let (call, vmid) = (task.call, task.work.vmid);
        let effect = task.work.effect.clone();
        let end = match (&task.state, &task.work.fails) {
            (State::Over(_), _) => return,
            (State::Waiting(_), _) => match vmid.map_or(Ok(()), |vmid| self.may(task, vmid, &effect)) {
                Ok(()) => {
                    let mut effect = effect;
                    if let Effect::ShutDown { seconds, until, .. } = &mut effect {
                        *until = Some(now + Duration::from_secs(*seconds));
                        self.go_down(vmid.unwrap_or_default());
                    }
                    let task = &mut self.tasks[index];
                    task.work.effect = effect;
                    task.state = State::Running(now + Duration::from_millis(task.work.takes));
                    return;
                }
                Err(error) => Err(error),
            },
            (State::Running(_), Some(fails)) => Err(fails.clone()),
            (State::Running(_), None)
                if let Some(next) = self.goes_on(vmid.unwrap_or_default(), &effect, now) =>
            {
                self.tasks[index].state = State::Running(next);
                return;
            }
            (State::Running(_), None) => self.carry_out(call, vmid, effect.clone(), now, ledger),
        };
        if let Effect::Settle {
            source: Some(source), ..
        } = &effect
            && let Some(source) = self.guests.get_mut(source)
        {
            source.config.remove("lock");
        }
        if let (Err(_), Effect::Settle { .. }, Some(vmid)) = (&end, &effect, vmid) {
            self.forget(call, vmid, now, ledger);
        }
        let exit = end.map_or_else(|error| error, |()| "OK".to_owned());
        let task = &mut self.tasks[index];
        task.log.push(match exit.as_str() {
            "OK" => "TASK OK".to_owned(),
            error => format!("TASK ERROR: {error}"),
        });
        task.state = State::Over(exit);
        task.ended = Some(now);
    }

    fn carry_out(
        &mut self,
        call: u64,
        vmid: Option<u32>,
        effect: Effect,
        now: Duration,
        ledger: &mut Ledger,
    ) -> Result<(), String> {
        let vmid = vmid.unwrap_or_default();
        match effect {
            Effect::Settle { start, .. } => {
                self.settle(vmid, start.then_some(now));
                Ok(())
            }
            Effect::Nothing => Ok(()),
            Effect::Start => {
                self.settle(vmid, Some(now));
                Ok(())
            }
            Effect::Stop => {
                self.halt(vmid, now);
                Ok(())
            }
            Effect::ShutDown { by_force, .. } => {
                if self.works_until(vmid).is_some_and(|end| end > now) && !by_force {
                    return Err("VM quit/powerdown failed - got timeout".to_owned());
                }
                self.halt(vmid, now);
                Ok(())
            }
            Effect::Reboot => {
                self.halt(vmid, now);
                self.settle(vmid, Some(now));
                Ok(())
            }
            Effect::Destroy => {
                self.forget(call, vmid, now, ledger);
                Ok(())
            }
            Effect::Configure(change) => {
                let changed = self.change(call, vmid, &change, ledger);
                changed.map_err(|error| match error {
                    Failure::Die(words) | Failure::Forbidden(words) => words,
                    _ => "Parameter verification failed.".to_owned(),
                })
            }
            Effect::Resize { disk, size } => self.grow(vmid, &disk, &size),
            Effect::Template => {
                self.freeze(vmid);
                Ok(())
            }
            Effect::Store(volume) => {
                self.store(call, volume, ledger);
                Ok(())
            }
            Effect::Remove { node, volid } => self.remove_volume(call, &node, &volid, ledger),
        }
    }

    /// Until when a shutdown goes on waiting for a guest whose jobs are not over.
    fn goes_on(&self, vmid: u32, effect: &Effect, now: Duration) -> Option<Duration> {
        let Effect::ShutDown {
            until: Some(until), ..
        } = effect
        else {
            return None;
        };
        let end = self.works_until(vmid).filter(|end| *end > now)?;
        (*until > now).then_some(end.min(*until))
    }

    /// Ends the shutdowns of a guest that are under way.
    pub(super) fn abort_shutdown(&mut self, ask: &Ask) {
        let (vmid, at) = (ask.vmid(), ask.at);
        for task in &mut self.tasks {
            let shutdown = matches!(task.work.effect, Effect::ShutDown { .. });
            if shutdown && task.work.vmid == Some(vmid) && task.next().is_some() {
                task.log.push("TASK ERROR: received interrupt".to_owned());
                task.state = State::Over("received interrupt".to_owned());
                task.ended = Some(at);
            }
        }
    }

    fn task(&mut self, ask: &Ask) -> Result<&mut Task, Failure> {
        let upid = ask.variable("upid");
        let well_formed = upid.starts_with("UPID:") && upid.split(':').count() == 9;
        if !well_formed {
            return Err(Failure::parameter("upid", "unable to parse worker upid"));
        }
        let mut tasks = self.tasks.iter_mut();
        tasks
            .find(|task| task.upid == upid)
            .ok_or_else(|| Failure::parameter("upid", "no such task"))
    }

    pub(super) fn task_status(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let task = self.task(ask)?;
        if std::mem::take(&mut task.late) {
            return Err(Failure::parameter("upid", "no such task"));
        }
        let mut json = task.json();
        match &task.state {
            State::Over(exit) => {
                json["status"] = "stopped".into();
                json["exitstatus"] = exit.as_str().into();
            }
            _ => json["status"] = "running".into(),
        }
        Ok(json.into())
    }

    pub(super) fn task_log(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let (start, limit) = (
            ask.given.number("start").unwrap_or(0),
            ask.given.number("limit").unwrap_or(50),
        );
        let task = self.task(ask)?;
        let limit = if limit == 0 { usize::MAX } else { limit };
        let lines = (1..).zip(&task.log).skip(start).take(limit);
        let lines = lines.map(|(n, text): (usize, _)| json!({"n": n, "t": text}));
        Ok(Success {
            total: Some(task.log.len()),
            ..lines.collect::<Value>().into()
        })
    }

    pub(super) fn node_tasks(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let given = &ask.given;
        let source = given.text("source").unwrap_or("archive");
        let vmid = given.text("vmid");
        let kind = given.text("typefilter");
        let errors = given.flag("errors") == Some(true);
        let fits = |task: &&Task| {
            let over = match &task.state {
                State::Over(exit) => Some(exit),
                _ => None,
            };
            task.node == ask.node()
                && match source {
                    "active" => over.is_none(),
                    "archive" => over.is_some(),
                    _ => true,
                }
                && vmid.is_none_or(|vmid| task.work.id == vmid)
                && kind.is_none_or(|kind| task.work.kind == kind)
                && (!errors || over.is_some_and(|exit| exit != "OK"))
        };
        let found: Vec<_> = self.tasks.iter().rev().filter(fits).collect();
        let (start, limit) = (
            given.number("start").unwrap_or(0),
            given.number("limit").unwrap_or(50),
        );
        let total = found.len();
        let page = found.into_iter().skip(start).take(limit).map(listed);
        Ok(Success {
            total: Some(total),
            ..page.collect::<Value>().into()
        })
    }

    pub(super) fn cluster_tasks(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        Ok(self
            .tasks
            .iter()
            .rev()
            .take(25)
            .map(listed)
            .collect::<Value>()
            .into())
    }
}

/// A task in a list, where `status` is how it ended.
fn listed(task: &Task) -> Value {
    let mut json = task.json();
    if let State::Over(exit) = &task.state {
        json["status"] = exit.as_str().into();
    }
    json
}
