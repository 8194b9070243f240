//! What the compiler says of Nests in memory.

use fly_syntax::{FileId, SourceFile, SyntaxTree};
use fly_typeck::{NestFiles, Value, Variables};

/// Each problem of a Nest as `CODE path:line message`.
pub(crate) fn problems(files: &NestFiles) -> Vec<String> {
    let (trees, mut found) = parse(files);
    found.extend(fly_typeck::check(files, &trees, &Variables::default()).problems);
    let shown = found.iter().map(|problem| {
        let file = &files.files[problem.span.file.0 as usize];
        let line = file.position(problem.span.start).line;
        format!("{} {}:{line} {}", problem.kind.code, file.path, problem.message)
    });
    shown.collect()
}

/// The value of an expression that refers to no Nest.
pub(crate) fn value(text: &str) -> Value {
    let (expression, problems) =
        fly_syntax::parse_expression(&SourceFile::new(FileId(0), "expression", text));
    assert_eq!(problems, [], "{text}");
    let nothing = NestFiles::in_memory([]);
    let evaluated = fly_typeck::evaluate(&nothing, &[], &Variables::default(), &expression);
    assert_eq!(evaluated.problems, [], "{text}");
    evaluated.value.unwrap_or_else(|| panic!("`{text}` has no value"))
}

fn parse(files: &NestFiles) -> (Vec<SyntaxTree>, Vec<fly_syntax::Problem>) {
    let mut problems = Vec::new();
    let trees = files.files.iter().map(|file| {
        let parsed = fly_syntax::parse(file);
        problems.extend(parsed.problems);
        parsed.tree
    });
    (trees.collect(), problems)
}
