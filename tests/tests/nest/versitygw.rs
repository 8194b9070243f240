//! A real object storage for the tests: versitygw, with the bucket `states`.

use std::net::TcpListener;
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

/// Whether this process is the one that listens there: another test's storage may have got the port first, and two
/// tests that share one share its state too.
fn listens(process: u32, port: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // Of each: its number, its own address, the other's, its state (0A listens), five more, its inode.
    let listening = sockets.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields[1].ends_with(&format!(":{port:04X}")) && fields[3] == "0A";
        is_it.then(|| PathBuf::from(format!("socket:[{}]", fields[9])))
    });
    let listening: Vec<PathBuf> = listening.collect();
    // A process that has just ended has no files.
    let files = std::fs::read_dir(format!("/proc/{process}/fd"));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| std::fs::read_link(file.path()).is_ok_and(|to| listening.contains(&to)))
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
            // It is free again before the storage wants it.
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
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
                if listens(child.id(), port) {
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
