//! A folder of its own, and the binary in it.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

use tempfile::TempDir;

/// The user's configuration in all of these tests, so that none looks at the real one.
static CONFIGURATION: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());

pub(crate) struct Folder(TempDir);

/// What a run gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Folder {
    /// With these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosling"));
        command
            .current_dir(self.root())
            .args(args)
            .env_remove("NO_COLOR")
            .env_remove("GOSLING_AGE_IDENTITY")
            .env("XDG_CONFIG_HOME", CONFIGURATION.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Runs with somebody at the terminal who types these lines.
    pub(crate) fn run_with_answers(&self, args: &[&str], answers: &[&str]) -> Ran {
        let (out, err) = (Stream::default(), Stream::default());
        let mut host = gosling_cli::Host {
            input: Box::new(Cursor::new(
                answers.iter().map(|line| format!("{line}\n")).collect::<String>(),
            )),
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            interactive: true,
            out_is_terminal: false,
            err_is_terminal: false,
            terminal: None,
            asked: gosling_cli::Asked::default(),
            columns: gosling_cli::Columns::Fixed(100),
            environment: gosling_deploy::Environment {
                variables: std::collections::BTreeMap::from([(
                    "XDG_CONFIG_HOME".to_owned(),
                    CONFIGURATION.path().to_str().unwrap().to_owned(),
                )]),
                folder: self.root().to_owned(),
            },
        };
        let args = std::iter::once("gosling")
            .chain(args.iter().copied())
            .map(Into::into);
        let code = gosling_cli::run(args, &mut host);
        Ran {
            code: code.into(),
            out: out.text(),
            err: err.text(),
        }
    }
}

/// A stream that keeps what was written.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
