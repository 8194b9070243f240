//! All worlds together, without the network: a call in, what the client is to see of its answer out.

use std::time::Duration;

use crate::dice::Dice;
use crate::faults::{FaultKind, Faults};
use crate::gitlab::Gitlab;
use crate::ledger::{Ledger, WorldName};
use crate::proxmox::Proxmox;
use crate::vault::Vault;
use crate::world::WorldFile;
use crate::{Call, Reply, World};

/// The worlds, their faults, and what happened in them.
pub(crate) struct Simulation {
    proxmox: Proxmox,
    gitlab: Gitlab,
    vault: Vault,
    faults: Faults,
    pub(crate) ledger: Ledger,
}

/// The secrets that the worlds accept.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) proxmox: String,
    pub(crate) gitlab: String,
    pub(crate) vault: String,
}

impl Tokens {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            proxmox: dice.uuid(),
            gitlab: format!("glpat-{}", dice.word(20)),
            vault: format!("hvs.{}", dice.word(24)),
        }
    }
}

/// What the client of a call is to see.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// This answer, after its delay.
    Answer(Reply),
    /// Half of this answer's body, and then the end of the connection.
    Half(Reply),
    /// The end of the connection.
    Cut,
    /// Nothing, ever.
    Silence,
}

impl Simulation {
    pub(crate) fn new(world: &WorldFile, tokens: &Tokens, faults: Faults, mut dice: Dice) -> Self {
        let mut ledger = Ledger::default();
        let proxmox = Proxmox::new(
            &world.proxmox,
            &tokens.proxmox,
            Dice::new(dice.roll()),
            &mut ledger,
        );
        let gitlab = Gitlab::new(&world.gitlab, &tokens.gitlab, Dice::new(dice.roll()));
        let vault = Vault::new(&world.vault, &tokens.vault, Dice::new(dice.roll()));
        Self {
            proxmox,
            gitlab,
            vault,
            faults,
            ledger,
        }
    }

    pub(crate) fn allow(&mut self, privileges: Option<Vec<String>>) {
        self.proxmox.allow(privileges);
    }

    pub(crate) fn allow_at(&mut self, acl: std::collections::BTreeMap<String, Vec<String>>) {
        self.proxmox.allow_at(acl);
    }

    pub(crate) fn inject(&mut self, fault: crate::Fault) {
        self.faults.add(fault);
    }

    pub(crate) fn end_faults(&mut self) {
        self.faults.end();
    }

    /// Lets everything happen that is over by now, in every world.
    pub(crate) fn pass(&mut self, at: Duration) {
        self.proxmox.pass(at, &mut self.ledger);
        for (machine, when) in self.proxmox.halts() {
            self.gitlab.stopped(&machine, when, &mut self.ledger);
        }
        self.gitlab.going_down(self.proxmox.going_down());
        for boot in self.proxmox.boots() {
            self.gitlab.booted(&boot, at, &mut self.ledger);
            self.proxmox
                .wrote(&boot.machine, crate::gitlab::machines::WELL.to_owned());
        }
        self.gitlab.pass(at, &mut self.ledger);
        self.proxmox.work_until(self.gitlab.work_until());
        for (machine, log) in self.gitlab.complaints() {
            self.proxmox.wrote(&machine, log);
        }
        self.vault.pass(at, &mut self.ledger);
    }

    /// The machines that came up without a gitlab-runner, with the reasons.
    pub(crate) fn silent(&self) -> Vec<(String, String)> {
        self.gitlab.silent()
    }

    /// What was uploaded as the volume that the ledger calls `id`.
    pub(crate) fn volume(&self, id: &str) -> Option<Vec<u8>> {
        self.proxmox.uploaded(id).map(<[u8]>::to_vec)
    }

    /// Carries a call out, as far as no fault is in its way. `sent` is the path with its query, for the ledger.
    pub(crate) fn call(&mut self, world: WorldName, call: &Call, sent: &str) -> Outcome {
        self.pass(call.at);
        let n = self.ledger.begin(world, &call.method, sent);
        let fault = self.faults.hit(world, &call.method, &call.path);
        let reply = match &fault {
            Some(fault) if !fault.executes() => None,
            _ => Some(self.answer(world, n, call)),
        };
        let outcome = spoil(reply, fault);
        let status = match &outcome {
            Outcome::Answer(reply) | Outcome::Half(reply) => reply.status,
            Outcome::Cut | Outcome::Silence => 0,
        };
        self.ledger.answered(n, status);
        outcome
    }

    /// A request that the world's own HTTP server refuses before anything else of it looks at it.
    pub(crate) fn refuse(&mut self, world: WorldName, method: &str, sent: &str, reply: Reply) -> Outcome {
        let n = self.ledger.begin(world, method, sent);
        self.ledger.answered(n, reply.status);
        Outcome::Answer(reply)
    }

    fn answer(&mut self, world: WorldName, n: u64, call: &Call) -> Reply {
        match world {
            WorldName::Proxmox => self.proxmox.answer(n, call, &mut self.ledger),
            WorldName::Gitlab => self.gitlab.answer(n, call, &mut self.ledger),
            WorldName::Vault => self.vault.answer(n, call, &mut self.ledger),
        }
    }
}

/// What a fault leaves of an answer; `None` is the answer of a call that was not executed.
fn spoil(reply: Option<Reply>, fault: Option<FaultKind>) -> Outcome {
    match (reply, fault) {
        (
            _,
            Some(
                FaultKind::Status {
                    code,
                    reason,
                    headers,
                }
                | FaultKind::StatusAfter {
                    code,
                    reason,
                    headers,
                },
            ),
        ) => Outcome::Answer(Reply {
            reason,
            headers,
            ..Reply::empty(code)
        }),
        (_, Some(FaultKind::LoseBefore | FaultKind::LoseAfter)) | (None, _) => Outcome::Cut,
        (_, Some(FaultKind::Hang)) => Outcome::Silence,
        (Some(reply), Some(FaultKind::Truncate)) => Outcome::Half(reply),
        (Some(mut reply), Some(FaultKind::BadJson)) => {
            reply.body = b"<html>not what you asked for".to_vec();
            Outcome::Answer(reply)
        }
        (Some(mut reply), Some(FaultKind::Delay { ms })) => {
            reply.delay += Duration::from_millis(ms);
            Outcome::Answer(reply)
        }
        (Some(reply), None) => Outcome::Answer(reply),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::{Value, json};

    use super::*;
    use crate::proxmox::cidata;

    /// All worlds, with the calls that a provider would make.
    struct Lab {
        simulation: Simulation,
        tokens: Tokens,
        at: Duration,
    }

    impl Lab {
        fn new() -> Self {
            Self::of(|_| {})
        }

        fn of(change: impl FnOnce(&mut crate::world::GitlabWorld)) -> Self {
            let mut dice = Dice::new(7);
            let tokens = Tokens::new(&mut dice);
            let mut world = WorldFile::default();
            world.gitlab.projects[0].ci_tags = vec!["linux".to_owned()];
            change(&mut world.gitlab);
            let simulation = Simulation::new(&world, &tokens, Faults::default(), dice);
            Self {
                simulation,
                tokens,
                at: Duration::ZERO,
            }
        }

        /// Sends a call, and lets a second pass.
        fn send(
            &mut self,
            world: WorldName,
            method: &str,
            path: &str,
            content_type: &str,
            body: &[u8],
        ) -> Value {
            let token = match world {
                WorldName::Proxmox => (
                    "authorization",
                    format!("PVEAPIToken=a@pve!b={}", self.tokens.proxmox),
                ),
                _ => ("private-token", self.tokens.gitlab.clone()),
            };
            let headers = [token, ("content-type", content_type.to_owned())];
            let call = Call {
                method: method.to_owned(),
                path: path.to_owned(),
                query: Vec::new(),
                headers: headers.map(|(key, value)| (key.to_owned(), value)).to_vec(),
                body: body.to_vec(),
                at: self.at,
            };
            self.at += Duration::from_secs(1);
            match self.simulation.call(world, &call, path) {
                Outcome::Answer(reply) if reply.status < 300 => serde_json::from_slice(&reply.body).unwrap(),
                other => panic!("{method} {path}: {other:?}"),
            }
        }

        fn proxmox(&mut self, method: &str, path: &str, form: &str) {
            let path = format!("/api2/json/nodes/pve1{path}");
            let content_type = "application/x-www-form-urlencoded";
            self.send(WorldName::Proxmox, method, &path, content_type, form.as_bytes());
        }

        fn gitlab(&mut self, method: &str, path: &str, body: &Value) -> Value {
            let path = format!("/api/v4{path}");
            let body = if body.is_null() {
                String::new()
            } else {
                body.to_string()
            };
            self.send(
                WorldName::Gitlab,
                method,
                &path,
                "application/json",
                body.as_bytes(),
            )
        }

        /// Clones a machine with a runner, whose user-data has these files too, and turns it on: the runner's record.
        fn runner(&mut self, files: &str) -> Value {
            let runner = json!({"runner_type": "project_type", "project_id": 17, "tag_list": ["linux"]});
            let runner = self.gitlab("POST", "/user/runners", &runner);
            let token = runner["token"].as_str().unwrap();
            let user_data = format!(
                "#cloud-config\nwrite_files:\n- path: /etc/gitlab-runner/config.toml\n  permissions: '0600'\n  content: |\n    \
                 concurrent = 1\n    [[runners]]\n    url = \"https://gitlab.lab.example.com\"\n    token = \"{token}\"\n    \
                 executor = \"shell\"\n{files}runcmd:\n- [systemctl, enable, --now, gitlab-runner]\n"
            );
            let image = cidata(user_data.as_bytes());
            let head = "--b\r\ncontent-disposition: form-data; name=\"content\"\r\n\r\niso\r\n--b\r\n\
                        content-disposition: form-data; name=\"filename\"; filename=\"app-1.iso\"\r\n\r\n";
            let body = [head.as_bytes(), &image, b"\r\n--b--\r\n"].concat();
            let path = "/api2/json/nodes/pve1/storage/local/upload";
            let form = "multipart/form-data; boundary=b";
            self.send(WorldName::Proxmox, "POST", path, form, &body);
            self.proxmox("POST", "/qemu/9000/clone", "newid=101&full=1&name=app-1");
            let drive = "ide2=local:iso/app-1.iso,media=cdrom&cores=2";
            self.proxmox("PUT", "/qemu/101/config", drive);
            let shown = format!("/runners/{}", runner["id"]);
            assert_eq!(
                self.gitlab("GET", &shown, &Value::Null)["status"],
                "never_contacted"
            );
            self.proxmox("POST", "/qemu/101/status/start", "");
            runner
        }

        /// Begins a job on the machine, and turns the machine off while it runs.
        fn off_while_busy(&mut self, path: &str, form: &str) {
            let pipeline = self.gitlab("POST", "/projects/17/pipeline", &json!({"ref": "main"}));
            assert!(pipeline["id"].is_number());
            self.gitlab("GET", "/runners/1", &Value::Null);
            self.proxmox("POST", path, form);
        }

        fn is_on(&mut self) -> bool {
            let path = "/api2/json/nodes/pve1/qemu/101/status/current";
            self.send(WorldName::Proxmox, "GET", path, "", b"")["data"]["status"] == "running"
        }
    }

    #[test]
    fn a_machine_that_is_cloned_configured_and_started_is_a_runner_that_is_online() {
        let mut lab = Lab::new();
        let runner = lab.runner("");
        let shown = format!("/runners/{}", runner["id"]);
        assert_eq!(lab.gitlab("GET", &shown, &Value::Null)["status"], "online");
        assert_eq!(lab.simulation.silent(), []);

        lab.proxmox("POST", "/qemu/101/status/stop", "");
        lab.at += Duration::from_secs(3 * 3600);
        assert_eq!(lab.gitlab("GET", &shown, &Value::Null)["status"], "offline");
    }

    /// gitlab-runner's unit, stopped in the way that waits for jobs.
    const DRAINS: &str = "- path: /etc/systemd/system/gitlab-runner.service.d/x.conf\n  content: |\n    \
                          [Service]\n    KillSignal=SIGQUIT\n    TimeoutStopSec=infinity\n";

    #[test]
    fn a_shutdown_waits_for_the_jobs_of_a_machine_whose_unit_does_and_kills_those_of_others() {
        for (files, killed) in [(DRAINS, 0), ("", 1)] {
            let mut lab = Lab::of(|world| world.job_ms = 60_000);
            lab.runner(files);
            lab.off_while_busy("/qemu/101/status/shutdown", "timeout=3600");
            lab.at += Duration::from_secs(10);
            assert_eq!(lab.is_on(), killed == 0);
            lab.at += Duration::from_secs(60);
            assert!(!lab.is_on());
            assert_eq!(lab.simulation.ledger.killed_jobs().len(), killed, "{files}");
        }
    }

    #[test]
    fn a_machine_that_shuts_down_takes_no_new_job() {
        let mut lab = Lab::of(|world| world.job_ms = 60_000);
        lab.runner(DRAINS);
        lab.off_while_busy("/qemu/101/status/shutdown", "timeout=3600");
        let second = lab.gitlab("POST", "/projects/17/pipeline", &json!({"ref": "main"}));
        lab.at += Duration::from_secs(90);
        assert!(!lab.is_on());
        let path = format!("/projects/17/pipelines/{}", second["id"]);
        let waiting = lab.gitlab("GET", &path, &Value::Null);
        assert_eq!(waiting["status"], "pending");
        assert_eq!(lab.simulation.ledger.killed_jobs(), []);
    }

    #[test]
    fn a_shutdown_that_has_no_more_time_fails_or_kills_and_a_stop_may_overrule_it() {
        for (shutdown, on, killed) in [("timeout=20", true, 0), ("timeout=20&forceStop=1", false, 1)] {
            let mut lab = Lab::of(|world| world.job_ms = 600_000);
            lab.runner(DRAINS);
            lab.off_while_busy("/qemu/101/status/shutdown", shutdown);
            lab.at += Duration::from_secs(30);
            assert_eq!(lab.is_on(), on, "{shutdown}");
            assert_eq!(lab.simulation.ledger.killed_jobs().len(), killed, "{shutdown}");
        }
        let mut lab = Lab::of(|world| world.job_ms = 600_000);
        lab.runner(DRAINS);
        lab.off_while_busy("/qemu/101/status/shutdown", "timeout=3600");
        lab.proxmox("POST", "/qemu/101/status/stop", "");
        lab.at += Duration::from_secs(30);
        assert!(lab.is_on(), "the shutdown has the lock");
        lab.proxmox("POST", "/qemu/101/status/stop", "overrule-shutdown=1");
        lab.at += Duration::from_secs(5);
        assert!(!lab.is_on());
        assert_eq!(lab.simulation.ledger.killed_jobs().len(), 1);
    }
}
