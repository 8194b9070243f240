//! The compiler's doors one by one, on generated Nests. Whole processes are measured by `bench-validate`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use fly_syntax::SourceFile;
use fly_typeck::{NestFiles, Variables};
use fly_workspace::check_files;
use nest_tests::bench_nest;

fn main() {
    divan::main();
}

const EGGS: [usize; 2] = [100, 1000];

fn nest(eggs: usize) -> NestFiles {
    NestFiles::in_memory(bench_nest::files(eggs))
}

fn bytes(files: &[SourceFile]) -> BytesCount {
    BytesCount::new(files.iter().map(|file| file.text().len()).sum::<usize>())
}

/// Text to trees, on one core.
#[divan::bench(args = EGGS)]
fn parse(bencher: Bencher<'_, '_>, eggs: usize) {
    let nest = nest(eggs);
    bencher.counter(bytes(&nest.files)).bench(|| {
        for file in &nest.files {
            black_box(fly_syntax::parse(black_box(file)));
        }
    });
}

/// Trees to canonical text, on one core.
#[divan::bench(args = EGGS)]
fn format(bencher: Bencher<'_, '_>, eggs: usize) {
    let nest = nest(eggs);
    let (trees, _) = nest.parse();
    bencher.counter(bytes(&nest.files)).bench(|| {
        for (file, tree) in nest.files.iter().zip(&trees) {
            let _ = black_box(fly_syntax::format(black_box(file), tree));
        }
    });
}

/// Trees to a checked Nest, on all cores.
#[divan::bench(args = EGGS)]
fn check(bencher: Bencher<'_, '_>, eggs: usize) {
    let nest = nest(eggs);
    let (trees, _) = nest.parse();
    let variables = Variables::default();
    bencher.bench(|| black_box(fly_typeck::check(&nest, black_box(&trees), &variables)));
}

/// Text to a checked Nest, on all cores: what `gosling validate` does between reading and printing.
#[divan::bench(args = EGGS)]
fn validate(bencher: Bencher<'_, '_>, eggs: usize) {
    let variables = Variables::default();
    bencher
        .with_inputs(|| nest(eggs))
        .bench_values(|nest| black_box(check_files(nest, &variables)));
}
