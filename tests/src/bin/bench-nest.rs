//! `bench-nest N DIR` writes a Nest of N eggs into a folder.

use std::path::Path;
use std::process::ExitCode;

use nest_tests::bench_nest::{self, Shape};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [eggs, folder] = arguments.as_slice() else {
        eprintln!("usage: bench-nest N DIR    writes a Nest of N eggs into DIR");
        return ExitCode::from(2);
    };
    let Ok(eggs) = eggs.parse() else {
        eprintln!("`{eggs}` is not a number of eggs");
        return ExitCode::from(2);
    };
    match bench_nest::write(Shape::of(eggs), Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not write the Nest to {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
