//! What torture found, counted: printed as a table, and nothing of it may be above zero.

use std::fmt;
use std::io::Write;

/// Names a file that gets one line for each table: its name and its sums, with tabs between them. `just torture` makes
/// one table of it.
const ROWS: &str = "POLAR_GOSLING_TORTURE_ROWS";

/// What was found after so many cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How often something was broken and set right again.
    pub(crate) cases: usize,
    /// Things that are there and that no state knows of.
    pub(crate) orphans: usize,
    /// Things that are there twice for one address.
    pub(crate) duplicates: usize,
    /// Secrets that are not where they belong.
    pub(crate) lost: usize,
    /// Locks that a dead process kept.
    pub(crate) stuck: usize,
    /// Whatever else is not as it must be.
    pub(crate) other: usize,
    /// What the first of them was, in words.
    pub(crate) first: Option<String>,
}

impl Tally {
    /// Notes something that must not be.
    pub(crate) fn found(&mut self, which: fn(&mut Self) -> &mut usize, words: impl FnOnce() -> String) {
        *which(self) += 1;
        self.first.get_or_insert_with(words);
    }

    /// Takes in what was found in another place, and says where that was.
    pub(crate) fn add(&mut self, other: Self, place: impl FnOnce() -> String) {
        self.cases += other.cases;
        self.orphans += other.orphans;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.stuck += other.stuck;
        self.other += other.other;
        if let (None, Some(words)) = (&self.first, other.first) {
            self.first = Some(format!("{}: {words}", place()));
        }
    }

    /// What was broken on purpose under this name has to be noticed: a case, and a violation where nothing notices it.
    #[allow(dead_code, reason = "only the engine's tests have mutants")]
    pub(crate) fn caught(&self, name: &str) -> Self {
        let (violations, cases) = (self.violations(), self.cases);
        let first = self.first.as_deref().unwrap_or("nothing");
        println!("caught: {name}: {violations} violations in {cases} cases, the first: {first}");
        let mut tally = Self {
            cases: 1,
            ..Self::default()
        };
        if violations == 0 {
            tally.found(|tally| &mut tally.other, || format!("nothing notices: {name}"));
        }
        tally
    }

    /// How many things are not as they must be.
    pub(crate) fn violations(&self) -> usize {
        self.orphans + self.duplicates + self.lost + self.stuck + self.other
    }
}

/// A table with a line for each part of a test and one for their sum.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    lines: Vec<(String, Tally)>,
}

impl Table {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            lines: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, what: impl Into<String>, tally: Tally) {
        self.lines.push((what.into(), tally));
    }

    pub(crate) fn sum(&self) -> Tally {
        let mut sum = Tally::default();
        for (what, tally) in &self.lines {
            sum.add(tally.clone(), || what.clone());
        }
        sum
    }

    /// Its name and its sums.
    fn row(&self) -> String {
        let sum = self.sum();
        let columns = [
            sum.cases,
            sum.orphans,
            sum.duplicates,
            sum.lost,
            sum.stuck,
            sum.other,
        ];
        format!(
            "{}\t{}\n",
            self.name,
            columns.map(|count| count.to_string()).join("\t")
        )
    }

    /// Prints it. There were at least so many cases, and nothing was found.
    pub(crate) fn clean(self, cases: usize) {
        println!("{self}");
        // What was found must be in the table of all tables too, so it is written down before anything fails.
        if let Some(path) = std::env::var_os(ROWS) {
            let mut file = std::fs::File::options().append(true).open(path).unwrap();
            file.write_all(self.row().as_bytes()).unwrap();
        }
        let sum = self.sum();
        assert!(sum.cases >= cases, "only {} cases:\n{self}", sum.cases);
        assert_eq!(sum.violations(), 0, "{}\n{self}", sum.first.unwrap_or_default());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.lines.iter().map(|(what, _)| what.chars().count());
        let width = widths.chain([self.name.chars().count()]).max().unwrap_or(0);
        writeln!(
            f,
            "\n{:width$}  {:>8} {:>8} {:>10} {:>12} {:>11} {:>6}",
            self.name, "cases", "orphans", "duplicates", "lost secrets", "stuck locks", "other"
        )?;
        let sum = ("all of it".to_owned(), self.sum());
        for (what, tally) in self.lines.iter().chain([&sum]) {
            let Tally {
                cases,
                orphans,
                duplicates,
                lost,
                stuck,
                other,
                ..
            } = tally;
            writeln!(
                f,
                "{what:width$}  {cases:>8} {orphans:>8} {duplicates:>10} {lost:>12} {stuck:>11} {other:>6}"
            )?;
        }
        Ok(())
    }
}

/// Whether all of it is asked for, and not only what the ordinary tests have time for.
pub(crate) fn full() -> bool {
    std::env::var_os("POLAR_GOSLING_TORTURE").is_some()
}

/// `all` where all of it is asked for, else `some`.
pub(crate) fn of<T>(all: T, some: T) -> T {
    if full() { all } else { some }
}

#[test]
fn what_is_found_anywhere_is_in_the_row_of_its_table() {
    let mut table = Table::new("some, and more");
    let mut tally = Tally {
        cases: 40,
        ..Tally::default()
    };
    table.line("whole", tally.clone());
    let columns: [fn(&mut Tally) -> &mut usize; 5] = [
        |tally| &mut tally.orphans,
        |tally| &mut tally.duplicates,
        |tally| &mut tally.lost,
        |tally| &mut tally.stuck,
        |tally| &mut tally.other,
    ];
    for (number, column) in (1..).zip(columns) {
        for _ in 0..number {
            tally.found(column, || "broken".to_owned());
        }
    }
    table.line("broken", tally);
    assert_eq!(table.row(), "some, and more\t80\t1\t2\t3\t4\t5\n");
}
