//! Object storages of others, started for a test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(super) const ACCESS_KEY: &str = "gosling-test";
pub(super) const SECRET_KEY: &str = "of-this-test-only";

/// A storage with the bucket `states`. It ends with this.
pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
    pub(super) folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, by its variable or the path. Where `REQUIRE_S3` is set, as in CI, it has to be there.
fn program(name: &str, variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(|| {
        let all = std::env::split_paths(&path).map(|folder| folder.join(name));
        all.into_iter().find(|path| path.is_file())
    });
    if found.is_none() {
        assert!(
            std::env::var_os("REQUIRE_S3").is_none(),
            "REQUIRE_S3 is set, and there is no {name}"
        );
        eprintln!("skipped: there is no {name}; `.ci/run` says how to get it, {variable} where it is");
    }
    found
}

impl Server {
    /// versitygw, which honours conditions.
    pub(super) async fn versitygw() -> Option<Self> {
        let program = program("versitygw", "GOSLING_VERSITYGW")?;
        let start = |port: u16, folder: &Path| {
            let buckets = folder.join("buckets");
            std::fs::create_dir_all(buckets.join("states")).unwrap();
            let mut command = Command::new(&program);
            command
                .env("ROOT_ACCESS_KEY", ACCESS_KEY)
                .env("ROOT_SECRET_KEY", SECRET_KEY)
                .args(["--quiet", "--port", &format!("127.0.0.1:{port}"), "posix"])
                .arg(buckets);
            command
        };
        Some(Self::start(start).await)
    }

    /// gofakes3 of a time before it knew conditions.
    pub(super) async fn gofakes3() -> Option<Self> {
        let program = program("gofakes3", "GOSLING_GOFAKES3")?;
        let start = |port: u16, _: &Path| {
            let mut command = Command::new(&program);
            command.args(["-backend", "memory", "-initialbucket", "states", "-host"]);
            command.arg(format!("127.0.0.1:{port}"));
            command
        };
        Some(Self::start(start).await)
    }

    async fn start(command: impl Fn(u16, &Path) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Neither says which port the system gave it, so one that is free is chosen, and another if it is not any more.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let mut command = command(port, folder.path());
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            while child.try_wait().unwrap().is_none() {
                if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                    return Self { child, port, folder };
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        panic!("the storage does not start");
    }
}
