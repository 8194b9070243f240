//! A run without a terminal, as a server would drive it: against the sandbox, with an operator that is a program.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fly_typeck::Variables;
use fly_workspace::Workspace;
use gosling_deploy::{
    Environment, Failure, Jobs, OnFailure, Operator, Outcome, Planned, Reporter, RunEnd, RunKind, RunRequest,
    Session, StopSignal, Tempo,
};
use gosling_engine::freeze::{self, Freeze};
use gosling_engine::store::Store;
use gosling_engine::{CallError, Events, Operation, Plan, PlanOptions, Service, Stop};
use gosling_resource::Address;
use gosling_sandbox::{Options, Running, Sandbox};
use tokio::sync::watch;

const NEST: &str = r#"nest {
  name = "one"
}

provider "gitlab" {
  server = "gitlab.example.com"
  token = "env://GITLAB_TOKEN"
}

provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
"#;

const EGG: &str = r#"egg "app" {
  type = "vm"

  cloud {
    provider = "proxmox"
    template = "debian-12-cloud"
    pool = "ci"
  }

  resources {
    cpu = 1
    memory = 1GiB
    disk = 10GiB
  }

  runner {
    tags = ["docker"]
  }

  gitlab {
    server = "gitlab.example.com"
    project_id = 17
  }
}
"#;

/// Agrees or not, and keeps what it sees.
#[derive(Default)]
struct Program {
    agrees: bool,
    /// What happens before it answers.
    meanwhile: Option<Arc<dyn Store>>,
    asked: Mutex<usize>,
    seen: Mutex<Vec<String>>,
}

impl Program {
    fn agreeing() -> Self {
        Self {
            agrees: true,
            ..Self::default()
        }
    }

    fn see(&self, what: impl Into<String>) {
        self.seen.lock().unwrap().push(what.into());
    }

    fn saw(&self, what: &str) -> bool {
        self.seen.lock().unwrap().iter().any(|seen| seen.contains(what))
    }
}

impl Events for Program {
    fn started(&self, operation: &Operation) {
        self.see(format!("{} {}", operation.verb, operation.address));
    }
    fn progress(&self, _: &str, _: &str) {}
    fn ended(&self, _: &Operation, _: &Result<(), CallError>) {}
    fn skipped(&self, _: &Address, _: &str) {}
}

impl Reporter for Program {
    fn say(&self, message: String) {
        self.see(message);
    }
    fn note(&self, message: String) {
        self.see(message);
    }
    fn done(&self, message: String) {
        self.see(message);
    }
    fn wait_began(&self, _: &str, message: &str, _: Duration) {
        self.see(message);
    }
    fn still_waiting(&self, _: &str) {}
    fn wait_ended(&self, _: &str) {}
}

#[async_trait]
impl Operator for Program {
    fn planned(&self, planned: Planned<'_>) {
        self.see(match planned {
            Planned::Forward(_) => "a plan",
            Planned::Back { .. } => "a way back",
        });
    }
    fn jobs(&self, _: &Plan, _: &Jobs) {}
    fn checked(&self, services: &[Service]) {
        self.see(format!("{} services were checked", services.len()));
    }
    async fn confirm(&self, _: &Plan, _: &Jobs) -> bool {
        *self.asked.lock().unwrap() += 1;
        if let Some(store) = &self.meanwhile {
            let freeze = Freeze {
                by: "ada@desk".to_owned(),
                since: "2026-01-01T00:00:00Z".to_owned(),
                reason: "outage".to_owned(),
                until: None,
            };
            freeze::write(&**store, Some(&freeze)).await.unwrap();
        }
        self.agrees
    }
}

/// A sandbox, a Nest in a folder, and the environment of a program that works with it.
struct Lab {
    running: Running,
    folder: tempfile::TempDir,
    environment: Environment,
}

impl Lab {
    async fn new() -> Self {
        let running = Sandbox::start(Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            gosling_engine::durable::make_folder(path.parent().unwrap()).unwrap();
            gosling_engine::durable::replace(&path, text.as_bytes()).unwrap();
            path.display().to_string()
        };
        write("nest/nest.fly", NEST);
        write("nest/Eggs/app/config.fly", EGG);
        let (identity, _) = gosling_providers::keys::generate_identity();
        let mut environment = Environment {
            variables: running.exports().into_iter().collect(),
            folder: folder.path().to_owned(),
        };
        for (name, path) in [
            ("GOSLING_CA_FILE", write("ca.pem", running.ca_pem())),
            ("GOSLING_AGE_IDENTITY", write("identity.txt", identity.expose())),
        ] {
            environment.variables.insert(name.to_owned(), path);
        }
        Self {
            running,
            folder,
            environment,
        }
    }

    async fn session(&self) -> Session {
        let root = self.folder.path().join("nest");
        let workspace = Workspace::open(root, &[], &Variables::default());
        assert!(
            workspace.nest.problems.is_empty(),
            "{:?}",
            workspace.nest.problems
        );
        Session::open(&self.environment, workspace, &[]).await.unwrap()
    }

    async fn run(&self, kind: RunKind, program: &Program) -> RunEnd {
        self.try_run(kind, program).await.unwrap()
    }

    async fn try_run(&self, kind: RunKind, program: &Program) -> Result<RunEnd, Failure> {
        let request = RunRequest {
            options: PlanOptions {
                destroy: matches!(kind, RunKind::Destroy),
                ..PlanOptions::default()
            },
            kind,
            refresh: true,
            tempo: Tempo {
                parallelism: 4,
                grace: Duration::from_secs(5),
                kill_jobs: false,
            },
            preflight: true,
            ask: true,
            lock_patience: None,
            during_freeze: None,
        };
        let (_requests, stop) = watch::channel(Stop::No);
        let stop = StopSignal::new(stop);
        let mut session = self.session().await;
        let end =
            gosling_deploy::run(&mut session, &self.environment, &request, &stop, program, program).await;
        // However it ends, the lock is free.
        assert!(session.at.store.held_by().await.unwrap().is_none());
        end
    }

    /// How many objects of ours there are.
    fn ours(&self) -> usize {
        let ledger = self.running.ledger();
        let mut objects = 0;
        for object in ledger.objects() {
            objects += usize::from(object.created.is_some() && object.deleted.is_none());
        }
        objects
    }
}

fn apply() -> RunKind {
    RunKind::Apply {
        saved_plan: None,
        on_failure: OnFailure::Keep,
        adopt: false,
    }
}

fn finished(end: RunEnd) -> Outcome {
    match end {
        RunEnd::Finished(outcome) => *outcome,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_applies_asks_nobody_twice_and_destroys() {
    let lab = Lab::new().await;
    let program = Program::agreeing();
    let outcome = finished(lab.run(apply(), &program).await);
    assert!(!outcome.has_failed(), "{:?}", program.seen);
    assert_eq!(outcome.plan.counts().create, 2);
    assert_eq!(outcome.applied.done.len(), 2);
    for seen in [
        "a plan",
        "services were checked",
        "create egg.app.vm[0]",
        "is online after",
    ] {
        assert!(program.saw(seen), "{seen}: {:?}", program.seen);
    }
    assert_eq!(lab.ours(), 2);
    let again = Program::agreeing();
    assert!(finished(lab.run(apply(), &again).await).plan.does_nothing());
    assert_eq!(
        *again.asked.lock().unwrap(),
        0,
        "nothing changes, so nobody is asked"
    );
    let outcome = finished(lab.run(RunKind::Destroy, &Program::agreeing()).await);
    assert!(!outcome.has_failed());
    assert_eq!(lab.ours(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_who_does_not_agree_changes_nothing() {
    let lab = Lab::new().await;
    let program = Program::default();
    let end = lab.run(apply(), &program).await;
    assert!(matches!(end, RunEnd::Declined), "{end:?}");
    assert_eq!((*program.asked.lock().unwrap(), lab.ours()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_that_is_set_while_the_question_is_open_holds() {
    let lab = Lab::new().await;
    finished(lab.run(apply(), &Program::agreeing()).await);
    let store = Arc::clone(&lab.session().await.at.store);
    for kind in [RunKind::Destroy, RunKind::Rollback(Some(0))] {
        freeze::write(&*store, None).await.unwrap();
        let program = Program {
            meanwhile: Some(Arc::clone(&store)),
            ..Program::agreeing()
        };
        let refused = lab.try_run(kind, &program).await.unwrap_err().to_string();
        assert!(refused.contains("frozen by ada@desk"), "{refused}");
        assert_eq!((*program.asked.lock().unwrap(), lab.ours()), (1, 2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_back_to_nothing() {
    let lab = Lab::new().await;
    finished(lab.run(apply(), &Program::agreeing()).await);
    let program = Program::agreeing();
    let outcome = finished(lab.run(RunKind::Rollback(Some(0)), &program).await);
    assert!(program.saw("a way back"));
    assert!(matches!(outcome.files_agree, Some(Ok(false))));
    assert_eq!(lab.ours(), 0);
}

/// Runs take what they need as arguments: nothing in the crate reads the process's own environment, streams or signals.
#[test]
fn nothing_of_the_process_is_read_here() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for word in [
            "std::env",
            "stdin",
            "stdout",
            "stderr",
            "println!",
            "process::exit",
            "tokio::signal",
            "block_on",
        ] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}
