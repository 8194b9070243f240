//! The real `gosling`, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::workspace::root;

/// The binary, built as these tests are. Cargo names it only to its own package's tests, so it is asked for; after a
/// build of the workspace this is a look at what is there.
pub(crate) static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let tests = std::env::current_exe().unwrap();
    let profile = tests.ancestors().nth(2).and_then(Path::file_name);
    let profile = match profile.unwrap().to_str().unwrap() {
        "debug" => "dev",
        profile => profile,
    };
    let arguments = [
        "build",
        "--profile",
        profile,
        "--quiet",
        "--package",
        "gosling-cli",
        "--bin",
        "gosling",
        "--message-format",
        "json",
    ];
    let mut build = Command::new(cargo);
    build.args(arguments).current_dir(root());
    // What cargo tells these tests of their own package would look to build scripts (ring's) like a change, and half of
    // the workspace would be compiled again, here and at the next build by hand.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            build.env_remove(name);
        }
    }
    let output = build.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages = messages
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut executables = messages.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    executables.next().unwrap()
});

/// The user's configuration in all of these tests, so that none looks at the real one.
static CONFIGURATION: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// Runs `gosling` in a folder, with nothing of this machine's environment that it listens to.
pub(crate) fn gosling(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(&*BINARY);
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
    command.env("XDG_CONFIG_HOME", CONFIGURATION.path());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOSLING_")) {
        command.env_remove(name);
    }
    command.output().unwrap()
}

/// All that a process said.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
