//! Holders from whom a lock was taken, and whether they can still be at work.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::Holder;

/// A holder that never gave its lock back before another one took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displaced {
    /// Who it is.
    pub holder: Holder,
    /// How long it relies on a confirmation of its lock.
    pub lease: Duration,
    /// The running system that its process number belongs to, see [`system`]; `None` where that is not known.
    pub system: Option<String>,
}

impl Displaced {
    /// Whether it is certain that its process has ended: it ran in this very system, and its number is free.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.system.is_some() && self.system == system() && has_ended(self.holder.pid)
    }
}

/// The running system that process numbers belong to: this boot of this machine, and in it this namespace of process
/// numbers, of which each container has its own. `None` where the kernel does not tell.
#[must_use]
pub fn system() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

fn has_ended(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    // A process of another user is there too: that says EPERM.
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn displaced(pid: u32, system: Option<String>) -> Displaced {
        Displaced {
            holder: Holder {
                user: "ada".to_owned(),
                host: "build".to_owned(),
                pid,
                since: String::new(),
                command: String::new(),
                pipeline: None,
            },
            lease: Duration::from_secs(10),
            system,
        }
    }

    #[test]
    fn only_an_ended_process_of_this_very_system_is_dead() {
        // Higher than any process number of Linux.
        let free = 1 << 30;
        let here = system();
        assert_eq!(displaced(free, here.clone()).is_dead(), here.is_some());
        assert!(!displaced(std::process::id(), here.clone()).is_dead());
        assert!(!displaced(1, here.clone()).is_dead(), "another user's");
        assert!(!displaced(free, Some("another boot".to_owned())).is_dead());
        assert!(!displaced(free, None).is_dead());
        assert!(!displaced(0, here).is_dead());
    }
}
