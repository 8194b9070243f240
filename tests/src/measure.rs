//! Whole processes, several times: wall time, processor time of all cores, peak memory, by the system's own account.

use std::io::{self, BufRead};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wait4::Wait4;

/// What one run of a process took.
#[derive(Debug)]
pub struct Run {
    /// From its start to its end.
    pub wall: Duration,
    /// On all cores.
    pub cpu: Duration,
    /// The most memory that it had, in bytes.
    pub peak: u64,
    /// What it wrote to its standard output.
    out: tempfile::NamedTempFile,
}

impl Run {
    /// Whether a line of what it wrote has this in it.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn says(&self, words: &str) -> io::Result<bool> {
        // Line by line: the system counts the memory of whoever starts a process as that process's own, so whoever
        // measures must stay small.
        for line in io::BufReader::new(self.out.reopen()?).lines() {
            if line?.contains(words) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All that it wrote.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn wrote(&self) -> io::Result<Vec<u8>> {
        std::fs::read(self.out.path())
    }
}

/// Runs a process that has to succeed.
///
/// # Errors
/// Where it cannot be started, or fails: with what it said.
pub fn run(command: &mut Command) -> io::Result<Run> {
    let out = tempfile::NamedTempFile::new()?;
    let err = tempfile::NamedTempFile::new()?;
    let begin = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(out.reopen()?)
        .stderr(err.reopen()?)
        .spawn()?;
    let used = child.wait4()?;
    let wall = begin.elapsed();
    if !used.status.success() {
        let said = std::fs::read_to_string(err.path())?;
        let said: Vec<&str> = said.lines().rev().take(5).collect();
        let said: Vec<&str> = said.into_iter().rev().collect();
        let what = format!("{command:?} ended with {}: {}", used.status, said.join("\n"));
        return Err(io::Error::other(what));
    }
    Ok(Run {
        wall,
        cpu: used.rusage.utime + used.rusage.stime,
        peak: used.rusage.maxrss,
        out,
    })
}

/// A line of a report: what some runs of one thing took.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// How many of what it is about.
    pub size: usize,
    /// What was done.
    pub name: String,
    /// How long each run took, the shortest first.
    walls: Vec<Duration>,
    /// The processor time of each, the least first; empty where it was not measured.
    cpus: Vec<Duration>,
    /// The most memory of any, in bytes; 0 where it was not measured.
    peak: u64,
    /// What else there is to say.
    pub note: String,
}

impl Line {
    /// Of whole processes.
    #[must_use]
    pub fn of(size: usize, name: impl Into<String>, runs: &[Run]) -> Self {
        let mut line = Self::timed(size, name, runs.iter().map(|run| run.wall));
        line.cpus = runs.iter().map(|run| run.cpu).collect();
        line.cpus.sort_unstable();
        line.peak = runs.iter().map(|run| run.peak).max().unwrap_or(0);
        line
    }

    /// Of something inside of this process.
    #[must_use]
    pub fn timed(size: usize, name: impl Into<String>, walls: impl IntoIterator<Item = Duration>) -> Self {
        let mut walls: Vec<Duration> = walls.into_iter().collect();
        walls.sort_unstable();
        Self {
            size,
            name: name.into(),
            walls,
            ..Self::default()
        }
    }

    /// The same with something to say.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    /// The median of the wall times.
    #[must_use]
    pub fn wall(&self) -> Duration {
        middle(&self.walls)
    }

    /// The head of the table.
    #[must_use]
    pub fn head(of: &str) -> String {
        let (wall, cpu, peak) = ("wall, median (range) s", "cpu s", "peak MB");
        format!("{of:>9}  {:<34} {wall:>26} {cpu:>8} {peak:>8}", "command")
    }

    /// As a line of the table.
    #[must_use]
    pub fn text(&self) -> String {
        let seconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64);
        let wall = format!(
            "{:.3} ({:.3} to {:.3})",
            self.wall().as_secs_f64(),
            seconds(self.walls.first()),
            seconds(self.walls.last())
        );
        let cpu = match self.cpus.as_slice() {
            [] => String::new(),
            cpus => format!("{:.2}", middle(cpus).as_secs_f64()),
        };
        let peak = match self.peak {
            0 => String::new(),
            peak => format!("{:.0}", peak as f64 / (1024.0 * 1024.0)),
        };
        let Self { size, name, note, .. } = self;
        format!("{size:>9}  {name:<34} {wall:>26} {cpu:>8} {peak:>8}  {note}")
            .trim_end()
            .to_owned()
    }

    /// As data.
    #[must_use]
    pub fn json(&self) -> Value {
        let seconds = |times: &[Duration]| times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
        json!({
            "size": self.size, "name": self.name, "wall_seconds": seconds(&self.walls),
            "cpu_seconds": seconds(&self.cpus), "peak_bytes": self.peak, "note": self.note,
        })
    }
}

fn middle(times: &[Duration]) -> Duration {
    times.get(times.len() / 2).copied().unwrap_or_default()
}
