//! `bench-engine [--runs N] [--json] [PART..]` times the engine of the `gosling` that was built beside it, as whole
//! processes, on generated Nests: plans and states of 1,000 to 50,000 resources, an apply and a refresh of 1,000 against
//! the sandbox, and what apply adds of its own to calls that take a fixed time. Where `terraform` is on the PATH it does
//! the like beside, with its built-in `terraform_data`. Parts: `plan`, `state`, `apply`, `terraform`.

mod apply;
mod nest;
mod state;
mod terraform;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nest_tests::measure::Line;

/// What is measured by default.
const PARTS: [&str; 4] = ["plan", "state", "apply", "terraform"];

/// How many resources, for what is to grow in proportion.
const SIZES: [usize; 3] = [1_000, 10_000, 50_000];

/// What all parts share.
struct Bench {
    gosling: PathBuf,
    folder: tempfile::TempDir,
    runs: usize,
    json: bool,
    lines: Vec<Line>,
}

impl Bench {
    /// Prints a line, or keeps it for the end.
    fn say(&mut self, line: Line) {
        if !self.json {
            println!("{}", line.text());
        }
        self.lines.push(line);
    }

    fn head(&self, of: &str) {
        if !self.json {
            println!("\n{}", Line::head(of));
        }
    }

    /// An empty folder of this name.
    fn folder(&self, name: &str) -> std::io::Result<PathBuf> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn main() -> ExitCode {
    let mut runs = 5;
    let mut json = false;
    let mut parts: Vec<String> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    if let [word, folder, size, what] = &*std::env::args().skip(1).collect::<Vec<_>>()
        && word == state::LAY
    {
        return ended(state::lay(folder, size, what));
    }
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--runs" => match arguments.next().and_then(|runs| runs.parse().ok()) {
                Some(given) => runs = given,
                None => return usage(),
            },
            part if PARTS.contains(&part) => parts.push(argument),
            _ => return usage(),
        }
    }
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    ended(bench(runs.max(1), json, &parts))
}

fn ended(outcome: Result<(), Box<dyn Error>>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: bench-engine [--runs N] [--json] [plan|state|apply|terraform]..");
    ExitCode::from(2)
}

fn bench(runs: usize, json: bool, parts: &[String]) -> Result<(), Box<dyn Error>> {
    let gosling = std::env::current_exe()?.with_file_name("gosling");
    if !gosling.exists() {
        let gosling = gosling.display();
        return Err(format!("there is no {gosling}: build it first, or run `just bench`").into());
    }
    // Beside the binary and not where temporary files are: those may be in memory, where syncing costs nothing.
    let folder = tempfile::tempdir_in(gosling.parent().unwrap_or(Path::new(".")))?;
    let mut bench = Bench {
        gosling,
        folder,
        runs,
        json,
        lines: Vec::new(),
    };
    for part in parts {
        match part.as_str() {
            "plan" => state::plans(&mut bench)?,
            "state" => state::states(&mut bench)?,
            "apply" => apply::applies(&mut bench)?,
            _ => terraform::peers(&mut bench)?,
        }
    }
    if json {
        let lines: Vec<_> = bench.lines.iter().map(Line::json).collect();
        println!("{:#}", serde_json::Value::from(lines));
    }
    Ok(())
}
