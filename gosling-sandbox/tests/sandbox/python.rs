//! Sessions of other people's Python clients with the sandbox: clients that know nothing of it.

use std::path::Path;
use std::process::Command;

use gosling_sandbox::Running;

/// Whether Python has these modules. Where `REQUIRE_PYTHON_CLIENTS` is set, as in CI, it has to.
pub(crate) fn has(modules: &str) -> bool {
    let there = Command::new("python3")
        .args(["-c", &format!("import {modules}")])
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        there || std::env::var_os("REQUIRE_PYTHON_CLIENTS").is_none(),
        "Python has not all of {modules}"
    );
    if !there {
        eprintln!("skipped: Python has not all of {modules}");
    }
    there
}

/// Runs a script of this folder with the sandbox's address, the file of its CA and a token. It must end well, and
/// say so.
pub(crate) async fn session(running: &Running, script: &str, token: &str) {
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), running.ca_pem()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox");
    let mut command = Command::new("python3");
    command.arg(folder.join(script)).arg(running.url());
    command.arg(ca.path()).arg(token);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\n");
}
