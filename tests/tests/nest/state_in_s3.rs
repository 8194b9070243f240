//! A state in a bucket of a real object storage, versitygw.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::gosling::said;
use crate::lab::{Lab, whole};

const SECRET_KEY: &str = "of-this-test-only";
const IN_S3: &str = r#"
state {
  backend    = "s3"
  bucket     = "states"
  access_key = "gosling-test"
  secret_key = "env://STATE_SECRET_KEY"
  region     = "us-east-1"
  path_style = true
}
"#;

/// A storage with the bucket `states`. It ends with this.
struct Storage {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, by its variable or the path. Where `REQUIRE_S3` is set, as in CI, it has to be there.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).map(|folder| folder.join("versitygw"));
    let found = std::env::var_os("GOSLING_VERSITYGW").map(PathBuf::from);
    let found = found.or_else(|| all.find(|path| path.is_file()));
    if found.is_none() {
        assert!(
            std::env::var_os("REQUIRE_S3").is_none(),
            "REQUIRE_S3 is set, and there is no versitygw"
        );
        eprintln!("skipped: there is no versitygw; `.ci/run` says how to get it");
    }
    found
}

impl Storage {
    fn start() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let buckets = folder.path().join("buckets");
        std::fs::create_dir_all(buckets.join("states")).unwrap();
        // It does not say which port the system gave it, so one that is free is chosen.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = port.local_addr().unwrap().port();
            let mut child = Command::new(&program)
                .env("ROOT_ACCESS_KEY", "gosling-test")
                .env("ROOT_SECRET_KEY", SECRET_KEY)
                .args(["--quiet", "--port", &format!("127.0.0.1:{port}"), "posix"])
                .arg(&buckets)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            while child.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Some(Self { child, port, folder });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("the storage does not start");
    }

    fn command(&self, lab: &Lab, arguments: &[&str]) -> Command {
        let mut command = lab.command(arguments);
        command
            .env("GOSLING_ENDPOINT_S3", format!("http://127.0.0.1:{}", self.port))
            .env("STATE_SECRET_KEY", SECRET_KEY);
        command
    }

    fn run(&self, lab: &Lab, arguments: &[&str]) -> Output {
        self.command(lab, arguments).output().unwrap()
    }

    fn green(&self, lab: &Lab, arguments: &[&str]) -> String {
        let output = self.run(lab, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        said(&output)
    }

    /// All bytes of all objects.
    fn bytes(&self) -> Vec<u8> {
        fn walk(folder: &Path, into: &mut Vec<u8>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, into);
                } else {
                    into.extend(std::fs::read(path).unwrap());
                }
            }
        }
        let mut bytes = Vec::new();
        walk(self.folder.path(), &mut bytes);
        bytes
    }
}

fn lab(latency: u64) -> Lab {
    let lab = Lab::one_in("{}", latency);
    lab.write("nest.fly", &(lab.read("nest.fly") + IN_S3));
    lab
}

#[test]
fn a_whole_life_with_the_state_in_a_bucket() {
    let Some(storage) = Storage::start() else { return };
    let lab = lab(0);
    let made = storage.green(&lab, &["apply", "--yes"]);
    assert!(made.contains("Done: 3 created"), "{made}");
    assert_eq!(lab.kinds(), whole());
    assert!(!lab.nest().join(".gosling").exists(), "all is in the bucket");
    assert!(storage.green(&lab, &["apply", "--yes"]).contains("No changes"));
    let all = storage.bytes();
    let holds = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
    // What is in it can be found so; what is secret is not in it.
    assert!(holds("egg.app.runner"));
    assert!(!holds("glrt-") && !holds(SECRET_KEY));
    storage.green(&lab, &["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn killed_it_leaves_its_lock_and_stopped_it_gives_it_back() {
    let Some(storage) = Storage::start() else { return };
    let lab = lab(100);
    let begin = || {
        let before = lab.changes();
        let child = storage
            .command(&lab, &["apply", "--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while lab.changes() == before {
            std::thread::yield_now();
        }
        child
    };
    let mut killed = begin();
    killed.kill().unwrap();
    killed.wait().unwrap();
    let refused = storage.run(&lab, &["apply", "--yes"]);
    assert!(
        said(&refused).contains(&format!("process {}", killed.id())),
        "{}",
        said(&refused)
    );
    assert!(said(&refused).contains("`gosling unlock`"), "{}", said(&refused));
    storage.green(&lab, &["unlock", "--yes"]);
    let mut stopped = begin();
    let interrupt = Command::new("kill")
        .args(["-INT", &stopped.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(stopped.wait().unwrap().code(), Some(130));
    // No `unlock` in between.
    storage.green(&lab, &["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    storage.green(&lab, &["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}
