//! A guest's beginnings and ends: start, stop, conversion to a template, destruction.

use std::time::Duration;

use serde_json::Value;

use super::answer::{Answer, Failure};
use super::drives::{Drive, is_drive};
use super::guests::{Guest, Kind, take_over};
use super::nets::is_net;
use super::tasks::{Effect, Task, Work};
use super::{Ask, Proxmox, WORLD};
use crate::ledger::Ledger;

impl Proxmox {
    pub(super) fn destroy(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        let (vmid, kind) = (ask.vmid(), guest.kind);
        if guest.get("protection") == Some("1") {
            return Failure::die(format!(
                "can't remove {} {vmid} - protection mode enabled",
                kind.word()
            ));
        }
        if guest.running.is_some() && ask.given.flag("force") != Some(true) {
            return Failure::die(match kind {
                Kind::Qemu => format!("VM {vmid} is running - destroy failed"),
                Kind::Lxc => format!("unable to destroy CT {vmid} - container is running"),
            });
        }
        let new = Work::on(
            kind.task("destroy"),
            vmid,
            self.world.speed.other,
            Effect::Destroy,
        );
        Ok(self.begin(ask, new, ledger))
    }

    /// A guest is gone, with its disks and its firewall.
    pub(super) fn forget(&mut self, n: u64, vmid: u32, now: Duration, ledger: &mut Ledger) {
        self.halt(vmid, now);
        let Some(guest) = self.guests.remove(&vmid) else {
            return;
        };
        self.volumes.retain(|volume| volume.vmid != Some(vmid));
        for rule in &guest.rules {
            ledger.deleted(n, WORLD, "firewall_rule", &rule.object);
        }
        ledger.deleted(n, WORLD, guest.kind.object(), &vmid.to_string());
    }

    pub(super) fn start(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        if ask.kind() == Kind::Lxc && self.guest(ask)?.running.is_some() {
            return Failure::die(format!("CT {} already running", ask.vmid()));
        }
        let new = Work::on(
            ask.kind().task("start"),
            ask.vmid(),
            self.world.speed.start,
            Effect::Start,
        );
        Ok(self.begin(ask, new, ledger))
    }

    pub(super) fn stop(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        if ask.given.flag("overrule-shutdown") == Some(true) {
            self.abort_shutdown(ask);
        }
        self.end(ask, "stop", Effect::Stop, ledger)
    }

    pub(super) fn shutdown(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let effect = Effect::ShutDown {
            seconds: ask.given.number("timeout").unwrap_or(60),
            by_force: ask.given.flag("forceStop") == Some(true),
            until: None,
        };
        self.end(ask, "shutdown", effect, ledger)
    }

    /// A shutdown and a start in one task.
    pub(super) fn reboot(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        let (kind, speed) = (guest.kind, self.world.speed);
        if guest.running.is_none() {
            return Failure::die(format!("{} {} not running", kind.word(), ask.vmid()));
        }
        let takes = speed.stop + speed.start;
        let new = Work::on(kind.task("reboot"), ask.vmid(), takes, Effect::Reboot);
        Ok(self.begin(ask, new, ledger))
    }

    fn end(&mut self, ask: &Ask, verb: &str, effect: Effect, ledger: &mut Ledger) -> Answer {
        let kind = ask.kind();
        if kind == Kind::Lxc && self.guest(ask)?.running.is_none() {
            return Failure::die(format!("CT {} not running", ask.vmid()));
        }
        let new = Work::on(kind.task(verb), ask.vmid(), self.world.speed.stop, effect);
        Ok(self.begin(ask, new, ledger))
    }

    pub(super) fn template(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        guest.unlocked()?;
        if guest.running.is_some() {
            return Failure::die(
                "you can't convert a running VM to a template".replace("VM", guest.kind.word()),
            );
        }
        let kind = guest.kind;
        let new = Work::on(
            kind.task("template"),
            ask.vmid(),
            self.world.speed.other,
            Effect::Template,
        );
        let success = self.begin(ask, new, ledger);
        // A container's conversion is done before the answer.
        Ok(if kind == Kind::Lxc {
            Value::Null.into()
        } else {
            success
        })
    }

    pub(super) fn freeze(&mut self, vmid: u32) {
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.config.insert("template".to_owned(), "1".to_owned());
        }
    }

    /// Whether a task may begin, now that it has the lock.
    pub(super) fn may(&self, task: &Task, vmid: u32, effect: &Effect) -> Result<(), String> {
        if matches!(effect, Effect::Settle { .. }) {
            return Ok(());
        }
        let kind = if task.work.kind.starts_with("vz") {
            Kind::Lxc
        } else {
            Kind::Qemu
        };
        let Some(guest) = self.guests.get(&vmid).filter(|guest| guest.node == task.node) else {
            return Err(match effect {
                Effect::Stop | Effect::ShutDown { .. } => format!(
                    "unable to find configuration file for VM {vmid} on node '{}'",
                    task.node
                ),
                _ => format!(
                    "Configuration file '{}' does not exist",
                    kind.config_file(&task.node, vmid)
                ),
            });
        };
        if matches!(effect, Effect::Stop | Effect::ShutDown { .. }) && guest.running.is_none() {
            return Ok(());
        }
        if let Err(Failure::Die(words)) = guest.unlocked() {
            return Err(words);
        }
        match effect {
            Effect::Start => self.may_start(vmid, guest),
            Effect::Destroy if guest.running.is_some() && guest.kind == Kind::Qemu => {
                Err(format!("VM {vmid} is running - destroy failed"))
            }
            _ => Ok(()),
        }
    }

    fn may_start(&self, vmid: u32, guest: &Guest) -> Result<(), String> {
        if guest.is_template() {
            return Err(
                "you can't start a vm if it's a template".replace("vm", &guest.kind.word().to_lowercase())
            );
        }
        if guest.running.is_some() {
            return Err(format!("{} {vmid} already running", guest.kind.word()));
        }
        for (key, value) in guest.config.iter().filter(|(key, _)| is_net(key)) {
            let bridge = value.split(',').find_map(|part| part.strip_prefix("bridge="));
            let there = |bridge: &str| {
                self.world.vnets.contains_key(bridge)
                    || self.world.bridges.iter().any(|known| known == bridge)
            };
            if let Some(bridge) = bridge.filter(|bridge| !there(bridge)) {
                return Err(format!("{key}: bridge '{bridge}' does not exist"));
            }
        }
        for (_, value) in guest.config.iter().filter(|(key, _)| is_drive(guest.kind, key)) {
            let drive = Drive::parse(value);
            if drive.volume.contains(':') && self.volume(&guest.node, &drive.volume).is_none() {
                return Err(format!("volume '{}' does not exist", drive.volume));
            }
        }
        Ok(())
    }

    /// A guest is unlocked, and runs from `start` on if there is such a time.
    pub(super) fn settle(&mut self, vmid: u32, start: Option<Duration>) {
        let boot = Duration::from_millis(self.world.speed.boot);
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.config.remove("lock");
            if let Some((config, pool)) = guest.coming.take() {
                guest.config = config;
                guest.pool = pool;
            }
            if let Some(now) = start {
                guest.write_cloud_init();
                guest.running = Some(now);
                guest.boot = Some((now + boot, false));
            }
        }
    }

    /// Until when a guest that is shutting down waits for its jobs.
    pub(super) fn works_until(&self, vmid: u32) -> Option<Duration> {
        let guest = self.guests.get(&vmid)?;
        self.busy.get(&guest.boot_name(vmid)).copied()
    }

    /// A guest's system is told to shut down.
    pub(super) fn go_down(&mut self, vmid: u32) {
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.going_down = guest.running.is_some();
        }
    }

    /// A guest is off.
    pub(super) fn halt(&mut self, vmid: u32, now: Duration) {
        let Some(guest) = self.guests.get_mut(&vmid) else {
            return;
        };
        guest.running = None;
        guest.going_down = false;
        take_over(&mut guest.config, std::mem::take(&mut guest.pending));
        if guest.boot.take().is_some_and(|(_, told)| told) {
            let name = guest.boot_name(vmid);
            self.halts.push((name, now));
        }
    }
}
