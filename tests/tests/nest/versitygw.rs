//! A real object storage for the tests: versitygw, with the bucket `states`.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The secret half of the key `gosling-test`.
pub(crate) const SECRET_KEY: &str = "of-this-test-only";

/// A storage with the bucket `states`. It ends with this.
pub(crate) struct Storage {
    child: Child,
    /// It listens here, on this machine alone.
    pub(crate) port: u16,
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
    /// `None`, with a word to whoever reads the log, where there is no such program.
    pub(crate) fn start() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let buckets = folder.path().join("buckets");
        std::fs::create_dir_all(buckets.join("states")).unwrap();
        // It does not say which port the system gave it, so one that is free is chosen, and another if it is not any more.
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

    /// All bytes of all objects.
    pub(crate) fn bytes(&self) -> Vec<u8> {
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
