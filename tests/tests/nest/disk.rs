//! Nests on disk, and `gosling` as a library in them.

use std::io::{self, Cursor, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use gosling_cli::Host;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a Nest in it; gone when it is dropped.
pub(crate) struct Nest(TempDir);

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What every Nest here begins with.
const PROVIDER: &str = r#"provider "proxmox" {
  endpoint = "https://pve.example.com:8006"
  token_id = "gosling@pve!ci"
  token = "env://PROXMOX_TOKEN"
}
"#;

/// An egg without a problem, in 22 lines: `resources` stands in lines 9 to 13, `runner` in 15 to 17.
pub(crate) fn egg(name: &str) -> String {
    format!(
        r#"egg "{name}" {{
  type = "vm"

  cloud {{
    provider = "proxmox"
    template = "debian"
  }}

  resources {{
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }}

  runner {{
    tags = ["{name}"]
  }}

  gitlab {{
    server = "gitlab.example.com"
    project_id = 1
    webhook_url = "https://goose.example.com/"
  }}
}}
"#
    )
}

impl Nest {
    /// With a provider and these files; there is no problem in it but what the files have.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let nest = Self(TempDir::new().unwrap());
        nest.write("nest.fly", PROVIDER);
        for (path, text) in files {
            nest.write(path, text);
        }
        nest
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes a file, and the folders it stands in.
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Runs `gosling` in the folder as its own process would, without a terminal.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let (out, err) = (Kept::default(), Kept::default());
        let folder = self.0.path().to_owned();
        let code = fly_workspace::on_large_stacks(|| {
            let mut host = Host {
                input: Box::new(Cursor::new("")),
                out: Box::new(out.clone()),
                err: Box::new(err.clone()),
                interactive: false,
                out_is_terminal: false,
                err_is_terminal: false,
                terminal: None,
                asked: gosling_cli::Asked::default(),
                columns: gosling_cli::Columns::Fixed(100),
                environment: gosling_deploy::Environment {
                    folder,
                    ..Default::default()
                },
            };
            let program = std::iter::once(&"gosling");
            gosling_cli::run(program.chain(arguments).map(Into::into), &mut host)
        });
        Ran {
            code,
            out: out.text(),
            err: err.text(),
        }
    }

    /// Every problem, as `CODE path:line:column-end_line:end_column message`; the exit code fits their number.
    pub(crate) fn problems(&self) -> Vec<String> {
        let ran = self.run(&["validate", "--format", "json"]);
        let json: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        let problems = json["problems"].as_array().unwrap();
        let errors = problems
            .iter()
            .filter(|problem| problem["severity"] == "error")
            .count();
        let not_shown = json["summary"]["not_shown"].as_u64().unwrap_or(0);
        assert_eq!(
            (json["summary"]["errors"].as_u64(), ran.code, ran.err.as_str()),
            (Some(errors as u64 + not_shown), u8::from(errors > 0), "")
        );
        problems.iter().map(said).collect()
    }
}

fn said(problem: &Value) -> String {
    let text = |name: &str| problem[name].as_str().unwrap();
    let [line, column, end_line, end_column] =
        ["line", "column", "end_line", "end_column"].map(|name| problem[name].as_u64().unwrap());
    format!(
        "{} {}:{line}:{column}-{end_line}:{end_column} {}",
        text("code"),
        text("file"),
        text("message")
    )
}

/// A stream that keeps what was written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
