//! A state in a bucket of a real object storage, versitygw.

use std::process::{Command, Output, Stdio};

use crate::gosling::said;
use crate::lab::{Lab, whole};
use crate::versitygw::{SECRET_KEY, Storage};

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

fn command(storage: &Storage, lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = lab.command(arguments);
    command
        .env(
            "GOSLING_ENDPOINT_S3",
            format!("http://127.0.0.1:{}", storage.port),
        )
        .env("STATE_SECRET_KEY", SECRET_KEY);
    command
}

fn run(storage: &Storage, lab: &Lab, arguments: &[&str]) -> Output {
    command(storage, lab, arguments).output().unwrap()
}

fn green(storage: &Storage, lab: &Lab, arguments: &[&str]) -> String {
    let output = run(storage, lab, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    said(&output)
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
    let made = green(&storage, &lab, &["apply", "--yes"]);
    assert!(made.contains("Done: 3 created"), "{made}");
    assert_eq!(lab.kinds(), whole());
    assert!(!lab.nest().join(".gosling").exists(), "all is in the bucket");
    assert!(green(&storage, &lab, &["apply", "--yes"]).contains("No changes"));
    let all = storage.bytes();
    let holds = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
    // What is in it can be found so; what is secret is not in it.
    assert!(holds("egg.app.runner"));
    assert!(!holds("glrt-") && !holds(SECRET_KEY));
    green(&storage, &lab, &["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn killed_it_leaves_its_lock_and_stopped_it_gives_it_back() {
    let Some(storage) = Storage::start() else { return };
    let lab = lab(100);
    let begin = || {
        let before = lab.changes();
        let child = command(&storage, &lab, &["apply", "--yes"])
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
    let refused = run(&storage, &lab, &["apply", "--yes"]);
    assert!(
        said(&refused).contains(&format!("process {}", killed.id())),
        "{}",
        said(&refused)
    );
    assert!(said(&refused).contains("`gosling unlock`"), "{}", said(&refused));
    green(&storage, &lab, &["unlock", "--yes"]);
    let mut stopped = begin();
    let interrupt = Command::new("kill")
        .args(["-INT", &stopped.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(stopped.wait().unwrap().code(), Some(130));
    // No `unlock` in between.
    green(&storage, &lab, &["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    green(&storage, &lab, &["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}
