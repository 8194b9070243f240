//! One operation at work: its tasks, the limits it keeps to, and the machine it is about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gosling_engine::Context;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::api::Api;
use super::cluster::Cluster;
use super::trouble::{Kind, Trouble};
use super::wanted::Config;
use crate::http::{backoff, segment};

/// No clone over a slow storage takes longer. After it, the outcome is unknown.
pub(super) const LONGEST_TASK: Duration = Duration::from_secs(60 * 60);
/// Nor does anybody hold a lock longer who is alive.
const LONGEST_LOCK: Duration = Duration::from_secs(60 * 60);
/// A task that has just begun may not be visible yet; after this, it never was.
const INVISIBLE: Duration = Duration::from_secs(20);
/// A node that is away comes back within that time, or the outcome is unknown.
const AWAY: Duration = Duration::from_secs(120);
/// How often a task is begun that ends for a lock that it did not get.
const LOCK_ATTEMPTS: u32 = 8;

/// How many tasks of one sort run at once on one storage: more only time out at its lock.
#[derive(Debug, Default)]
pub(super) struct Limits {
    of: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

/// What is limited.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limited {
    Clone,
    Start,
    Delete,
}

impl Limits {
    /// Waits for a turn, which ends when what is returned is dropped.
    async fn turn(&self, what: Limited, storage: &str) -> Option<OwnedSemaphorePermit> {
        let (word, most) = match what {
            Limited::Clone => ("clone", 2),
            Limited::Start => ("start", 4),
            Limited::Delete => ("delete", 2),
        };
        let semaphore = {
            let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            let one = all.entry(format!("{word} {storage}"));
            Arc::clone(one.or_insert_with(|| Arc::new(Semaphore::new(most))))
        };
        if let Ok(permit) = Arc::clone(&semaphore).try_acquire_owned() {
            return Some(permit);
        }
        let permit = semaphore.acquire_owned().await.ok();
        // Those who waited together do not begin together.
        sleep(Duration::from_millis(fastrand::u64(0..100))).await;
        permit
    }
}

/// One operation.
pub(super) struct Work<'a> {
    pub(super) api: Api<'a>,
    pub(super) limits: &'a Limits,
    pub(super) cx: &'a Context<'a>,
    /// The operation's name.
    pub(super) op: &'a str,
}

/// A machine that is there.
#[derive(Debug)]
pub(super) struct Found {
    /// The node it is on now.
    pub(super) node: String,
    pub(super) vmid: u32,
    pub(super) config: Config,
}

impl Found {
    pub(super) fn path(&self) -> String {
        path(&self.node, self.vmid)
    }

    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.node, self.vmid)
    }
}

/// The path of a machine.
pub(super) fn path(node: &str, vmid: u32) -> String {
    format!("/nodes/{}/qemu/{vmid}", segment(node))
}

impl Work<'_> {
    pub(super) fn progress(&self, words: &str) {
        self.cx.notes.progress(self.op, words);
    }

    /// Notes the task that an answer names, and waits for its end. An answer without one was done at once.
    pub(super) async fn end_of(&self, answer: &Value, words: &str) -> Result<(), Trouble> {
        self.end_within(answer, words, LONGEST_TASK).await
    }

    /// The same for a task that may take so long.
    pub(super) async fn end_within(
        &self,
        answer: &Value,
        words: &str,
        longest: Duration,
    ) -> Result<(), Trouble> {
        let Some(task) = answer.as_str().filter(|text| text.starts_with("UPID:")) else {
            return Ok(());
        };
        self.cx.notes.refer(self.op, task).await?;
        self.follow_within(task, words, longest).await
    }

    /// Waits for the end of a task. Its error is [`Kind::Died`].
    pub(super) async fn follow(&self, task: &str, words: &str) -> Result<(), Trouble> {
        self.follow_within(task, words, LONGEST_TASK).await
    }

    async fn follow_within(&self, task: &str, words: &str, longest: Duration) -> Result<(), Trouble> {
        let node = task.split(':').nth(1).unwrap_or_default();
        let path = format!("/nodes/{}/tasks/{}", segment(node), segment(task));
        let began = Instant::now();
        let mut seen = began;
        let mut visible = false;
        let mut pause = Duration::from_millis(50);
        self.progress(words);
        loop {
            match self.api.get(&format!("{path}/status")).await {
                Ok(status) => {
                    (seen, visible) = (Instant::now(), true);
                    let text = |name: &str| status.get(name).and_then(Value::as_str).unwrap_or_default();
                    if text("status") == "stopped" {
                        return match text("exitstatus") {
                            "OK" => Ok(()),
                            exit if exit.starts_with("WARNINGS") => Ok(()),
                            exit => Err(Trouble::died(format!("{words} ended with: {exit}"))),
                        };
                    }
                }
                Err(trouble) if trouble.kind == Kind::Refused && !visible => {
                    if seen.elapsed() > INVISIBLE {
                        return Err(Trouble::unknown(format!("{words}: {}", trouble.message)));
                    }
                }
                Err(trouble) if seen.elapsed() > AWAY => {
                    return Err(Trouble::unknown(format!("{words}: {}", trouble.message)));
                }
                Err(_) => {}
            }
            if began.elapsed() > longest {
                let minutes = longest.as_secs() / 60;
                return Err(
                    Trouble::unknown(format!("{words} has not ended in {minutes} minutes"))
                        .help("look at the task in Proxmox VE; the next apply attaches to it"),
                );
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(2));
            if pause >= Duration::from_secs(1) {
                self.tell(&path, words).await;
            }
        }
    }

    /// Tells the last line of a task's log: `transferred 1.2 GiB of 10.0 GiB (12.00%)`.
    async fn tell(&self, path: &str, words: &str) {
        let Ok(log) = self.api.get_with(&format!("{path}/log"), &[("limit", "0")]).await else {
            return;
        };
        let last = log.as_array().and_then(|lines| lines.last()?.get("t")?.as_str());
        match last {
            Some(line) => self.progress(&format!("{words}: {line}")),
            None => self.progress(words),
        }
    }

    /// Waits until no task of this sort runs on a node, or none about a guest: for a call of which nobody knows whether it began one.
    pub(super) async fn outlast_all(
        &self,
        node: &str,
        sort: &str,
        about: Option<u32>,
    ) -> Result<(), Trouble> {
        let path = format!("/nodes/{}/tasks", segment(node));
        let about = about.map(|vmid| vmid.to_string());
        let mut query = vec![("source", "active"), ("typefilter", sort)];
        query.extend(about.as_deref().map(|vmid| ("vmid", vmid)));
        let active = self.api.get_with(&path, &query).await?;
        let upid = |task: &Value| task.get("upid").and_then(Value::as_str).map(str::to_owned);
        for task in active.as_array().into_iter().flatten().filter_map(upid) {
            match self.follow(&task, "waiting for other tasks").await {
                Err(trouble) if trouble.kind != Kind::Died => return Err(trouble),
                _ => {}
            }
        }
        Ok(())
    }

    /// Begins a task and waits for its end, in turn with others of its sort; again, where all that it met was a lock.
    pub(super) async fn in_turn<'f, F>(
        &self,
        limited: Limited,
        storage: &str,
        words: &str,
        begin: impl Fn() -> F + 'f,
    ) -> Result<(), Trouble>
    where
        F: Future<Output = Result<Value, Trouble>>,
    {
        let mut attempt = 0;
        loop {
            let turn = self.limits.turn(limited, storage).await;
            let ended = match begin().await {
                Ok(answer) => self.end_of(&answer, words).await,
                Err(trouble) => Err(trouble),
            };
            drop(turn);
            attempt += 1;
            match ended {
                Err(trouble) if trouble.is_lock() && attempt < LOCK_ATTEMPTS => {
                    self.progress(&format!("{words}: waiting for a lock"));
                    sleep(backoff(attempt + 1)).await;
                }
                ended => return ended,
            }
        }
    }

    /// The machine with that number, wherever it is; `None` if it is nowhere.
    pub(super) async fn find(&self, node: &str, vmid: u32) -> Result<Option<Found>, Trouble> {
        if let Some(found) = self.look(node, vmid).await? {
            return Ok(Some(found));
        }
        // It may have been migrated.
        let cluster = Cluster::of(&self.api).await?;
        match cluster.guest(vmid).filter(|guest| guest.node != node) {
            Some(guest) => self.look(&guest.node, vmid).await,
            None => Ok(None),
        }
    }

    /// The machine with that number on that node.
    pub(super) async fn look(&self, node: &str, vmid: u32) -> Result<Option<Found>, Trouble> {
        // It tells what is there now and what waits for a start; `config` tells one of them.
        match self.api.get(&format!("{}/pending", path(node, vmid))).await {
            Ok(data) => Ok(Some(Found {
                node: node.to_owned(),
                vmid,
                config: Config::with_pending(&data),
            })),
            Err(trouble) if trouble.is_missing() => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// The same, once nobody holds its lock: until then, even its marker may not be its own.
    pub(super) async fn find_unlocked(&self, node: &str, vmid: u32) -> Result<Option<Found>, Trouble> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let found = self.find(node, vmid).await?;
            let Some(lock) = found.as_ref().and_then(|found| found.config.get("lock")) else {
                return Ok(found);
            };
            if began.elapsed() > LONGEST_LOCK {
                return Err(
                    Trouble::unknown(format!("{node}/{vmid} is locked ({lock})")).help(format!(
                        "if nothing works on it any more: `qm unlock {vmid}` on the node"
                    )),
                );
            }
            self.progress(&format!("waiting for the lock `{lock}` of {node}/{vmid}"));
            sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(2));
        }
    }

    /// Whether a machine runs.
    pub(super) async fn runs(&self, found: &Found) -> Result<bool, Trouble> {
        let status = self.api.get(&format!("{}/status/current", found.path())).await?;
        Ok(status.get("status").and_then(Value::as_str) == Some("running"))
    }
}
