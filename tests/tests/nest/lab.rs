//! A place to run `gosling` in: a sandbox, a Nest that it makes real, a user.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use gosling_sandbox::{Fault, Object, Options, Running, Sandbox, WorldFile, WorldName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::examples::folder;
use crate::gosling::{BINARY, said};

/// A world in which everything is quick, with a project for every egg of these tests.
const WORLD: &str = r#"{
  "proxmox": {
    "auth_delay_ms": 0,
    "speed": { "clone": 20, "start": 10, "boot": 10, "stop": 10, "other": 5 }
  },
  "gitlab": {
    "projects": [
      { "id": 17, "path": "apps/app", "ci_tags": ["linux", "proxmox", "build"] }, { "id": 41, "path": "sites/docs" },
      { "id": 42, "path": "sites/shop" }, { "id": 51, "path": "platform/one", "group": 5 },
      { "id": 52, "path": "platform/two", "group": 5 }
    ]
  }
}"#;

/// One egg: a runner record, a webhook and a machine.
pub(crate) const ONE: &str = r#"nest {
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

egg "app" {
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
    webhook_url = "https://goose.example.com/hooks"
  }
}
"#;

/// A sandbox, a folder with a Nest, and a user whose configuration is in it.
pub(crate) struct Lab {
    runtime: Runtime,
    /// The services.
    pub(crate) running: Running,
    /// The Nest, and beside it what the user has.
    pub(crate) folder: TempDir,
    /// All that `gosling` finds in its environment, beside PATH.
    pub(crate) environment: BTreeMap<String, String>,
}

impl Lab {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::in_world("{}", 0, files)
    }

    /// In the quick world with some of it otherwise, and every answer so many milliseconds late.
    pub(crate) fn in_world(otherwise: &str, latency: u64, files: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut world: Value = serde_json::from_str(WORLD).unwrap();
        merge(&mut world, serde_json::from_str(otherwise).unwrap());
        let world: WorldFile = serde_json::from_value(world).unwrap();
        let options = Options {
            world,
            latency: Duration::from_millis(latency),
            ..Options::default()
        };
        let running = runtime.block_on(Sandbox::start(options)).unwrap();
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join("nest").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut environment: BTreeMap<String, String> = running.exports().into_iter().collect();
        let (identity, _) = gosling_providers::keys::generate_identity();
        for (variable, file, text) in [
            ("GOSLING_CA_FILE", "ca.pem", running.ca_pem()),
            ("GOSLING_AGE_IDENTITY", "identity.txt", identity.expose()),
        ] {
            let path = folder.path().join(file);
            gosling_engine::durable::replace(&path, text.as_bytes()).unwrap();
            environment.insert(variable.to_owned(), path.to_str().unwrap().to_owned());
        }
        Self {
            runtime,
            running,
            folder,
            environment,
        }
    }

    pub(crate) fn one() -> Self {
        Self::one_in("{}", 0)
    }

    /// The one egg in the quick world with some of it otherwise, and every answer so many milliseconds late.
    pub(crate) fn one_in(otherwise: &str, latency: u64) -> Self {
        let egg = ONE.find("egg \"app\"").unwrap();
        let files = [("nest.fly", &ONE[..egg]), ("Eggs/app/config.fly", &ONE[egg..])];
        Self::in_world(otherwise, latency, &files)
    }

    /// The example, as it is.
    pub(crate) fn proxmox_lab() -> Self {
        Self::new(&[]).with_proxmox_lab()
    }

    /// The example in the quick world with some of it otherwise.
    pub(crate) fn proxmox_lab_in(otherwise: &str) -> Self {
        Self::in_world(otherwise, 0, &[]).with_proxmox_lab()
    }

    fn with_proxmox_lab(self) -> Self {
        copy(&folder("proxmox-lab"), &self.nest());
        self
    }

    pub(crate) fn nest(&self) -> PathBuf {
        self.folder.path().join("nest")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&*BINARY);
        command
            .args(arguments)
            .current_dir(self.nest())
            .env_clear()
            .envs(&self.environment)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn green(&self, arguments: &[&str]) -> String {
        said(&self.ended(arguments, 0))
    }

    /// Runs it and holds it to its exit code.
    pub(crate) fn ended(&self, arguments: &[&str], code: i32) -> Output {
        let output = self.run(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        output
    }

    /// Runs it with something on its standard input.
    pub(crate) fn give(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Waits for something on the runtime that the services run on.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub(crate) fn calls(&self) -> usize {
        self.running.calls()
    }

    pub(crate) fn changes(&self) -> usize {
        let ledger = self.running.ledger();
        ledger.calls().iter().filter(|call| call.changes).count()
    }

    /// What was made and is there, without secrets, which outlive what they belong to.
    pub(crate) fn there(&self) -> Vec<Object> {
        let ledger = self.running.ledger();
        let there = ledger.objects().iter().filter(|object| {
            object.created.is_some() && object.deleted.is_none() && object.world != WorldName::Vault
        });
        there.cloned().collect()
    }

    /// How many of each kind are there.
    pub(crate) fn kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for object in self.there() {
            *kinds.entry(object.kind).or_default() += 1;
        }
        kinds
    }

    pub(crate) fn fault(&self, fault: &str) {
        let fault: Fault = serde_json::from_str(fault).unwrap();
        self.running.inject(fault);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn end_faults(&self) {
        self.running.end_faults();
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.nest().join(path), text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.nest().join(path)).unwrap()
    }

    /// So many machines of the one egg.
    pub(crate) fn machines(&self, count: usize) {
        let text = format!(
            "uglyfox {{\n  pruning {{\n    failed_threshold = 3\n    max_age = 24h\n  }}\n\n  runners_condition \"all\" {{\n    eggs_entities = [\"app\"]\n\n    apex {{\n      \
             min_count = {count}\n      max_count = {count}\n    }}\n  }}\n}}\n"
        );
        std::fs::create_dir_all(self.nest().join("UF")).unwrap();
        self.write("UF/config.fly", &text);
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.running.stop());
    }
}

/// Lays one JSON value over another: members into members, anything else instead of what was there.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What one egg is when all of it is there: nothing twice, nothing beside it. The image that its machine booted with is
/// gone.
pub(crate) fn whole() -> BTreeMap<String, usize> {
    let kinds = ["hook", "runner", "vm"];
    kinds.map(|kind| (kind.to_owned(), 1)).into()
}
