//! Plans, and states: how time and memory grow with the resources.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use nest_tests::bench_nest::Shape;
use nest_tests::measure::{self, Line, Run};

use crate::nest::{Nest, made};
use crate::{Bench, SIZES};

/// The word by which this program asks itself to lay a state in place, in a process of its own, for whoever measures must
/// stay small: see [`measure::Run::says`].
pub(crate) const LAY: &str = "lay";

/// A runner record, a webhook and a machine for each egg.
fn nest(folder: PathBuf, resources: usize, gosling: &Path) -> Result<Nest, Box<dyn Error>> {
    let shape = Shape {
        eggs: resources.div_ceil(3),
        machines: 1,
        vault: false,
    };
    Nest::write(shape, folder, gosling)
}

/// Lays a state in place, or the journal of a run that was killed before it saved one, or times how long it takes to
/// save one.
pub(crate) fn lay(folder: &str, size: &str, what: &str) -> Result<(), Box<dyn Error>> {
    let gosling = std::env::current_exe()?.with_file_name("gosling");
    let nest = nest(PathBuf::from(folder), size.parse()?, &gosling)?;
    nest.forget()?;
    let (state, journal) = made(&nest.first_plan()?)?;
    let runtime = tokio::runtime::Runtime::new()?;
    match what {
        "journal" => runtime.block_on(nest.save(None, &journal))?,
        _ => runtime.block_on(nest.save(Some(&state), &[]))?,
    }
    Ok(())
}

fn laid(bench: &Bench, size: usize, what: &str) -> Result<Nest, Box<dyn Error>> {
    let folder = bench.folder(&format!("nest-{size}"))?;
    let mut own = Command::new(std::env::current_exe()?);
    measure::run(own.arg(LAY).arg(&folder).args([&size.to_string(), what]))?;
    nest(folder, size, &bench.gosling)
}

fn runs(bench: &Bench, nest: &Nest, arguments: &[&str], says: &str) -> Result<Vec<Run>, Box<dyn Error>> {
    let mut runs = Vec::new();
    for _ in 0..bench.runs {
        let run = measure::run(&mut nest.gosling(arguments))?;
        if !run.says(says)? {
            return Err(format!("`gosling {}` does not say `{says}`", arguments.join(" ")).into());
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Plans that only read files: of what is there already, and of what is not.
pub(crate) fn plans(bench: &mut Bench) -> Result<(), Box<dyn Error>> {
    bench.head("resources");
    for size in SIZES {
        let nest = laid(bench, size, "state")?;
        let resources = nest.shape.resources();
        let plan = ["plan", "--refresh=false"];
        let taken = runs(bench, &nest, &plan, "No changes")?;
        bench.say(Line::of(resources, "plan --refresh=false, no changes", &taken));
        nest.forget()?;
        let taken = runs(bench, &nest, &plan, &format!("{resources} to create"))?;
        bench.say(Line::of(resources, "plan, all to create", &taken));
        let taken = runs(bench, &nest, &["validate"], "")?;
        bench.say(Line::of(resources, "validate, the same Nest", &taken));
    }
    Ok(())
}

/// What reading a state takes, and the journal of a run that was killed before it saved one.
pub(crate) fn states(bench: &mut Bench) -> Result<(), Box<dyn Error>> {
    bench.head("resources");
    for size in SIZES {
        for (what, name, file) in [
            ("state", "state list", "state.json"),
            ("journal", "state list, from the journal", "journal"),
        ] {
            let nest = laid(bench, size, what)?;
            let taken = runs(bench, &nest, &["state", "list"], "egg.svc-00000.runner")?;
            let line = Line::of(nest.shape.resources(), name, &taken);
            bench.say(line.note(format!("{file} of {} MB", nest.size_of(file)? / 1_000_000)));
        }
    }
    Ok(())
}
