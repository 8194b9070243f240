//! The language reference's examples, and the links between pages.

use fly_typeck::NestFiles;

use crate::compiled::{problems, value};
use crate::workspace::{read, root};

/// What an example must do; from the words after ```` ```fly ````.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Claim {
    /// No problem and no warning: a whole file, or with `nest` several, each under a line `-- path --`.
    Clean,
    /// Exactly this problem, and no other.
    Wrong(String),
    /// Each line is `expression # => value`.
    Expression,
}

/// One example of a page.
#[derive(Debug)]
struct Example {
    line: usize,
    claim: Claim,
    text: String,
}

/// The examples of a page, in order.
fn examples(page: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut open = false;
    for (line, number) in page.lines().zip(1..) {
        if let (true, Some(example)) = (open, found.last_mut()) {
            if line == "```" {
                open = false;
            } else {
                example.text.push_str(line);
                example.text.push('\n');
            }
        } else if let Some(info) = line.strip_prefix("```fly") {
            let words: Vec<&str> = info.split_whitespace().collect();
            let claim = match words.as_slice() {
                [] | ["nest"] => Claim::Clean,
                ["wrong", code] | ["nest", "wrong", code] => Claim::Wrong((*code).to_owned()),
                ["expr"] => Claim::Expression,
                _ => panic!("line {number}: `{line}` is no kind of example"),
            };
            found.push(Example {
                line: number,
                claim,
                text: String::new(),
            });
            open = true;
        }
    }
    assert!(!open, "the page ends inside an example");
    found
}

#[test]
fn examples_are_taken_from_a_page() {
    let page = "# T\n```fly\na = 1\n```\n```text\nb\n```\n```fly wrong FLY401\nc\n```\n";
    let found: Vec<_> = examples(page)
        .into_iter()
        .map(|example| (example.line, example.claim, example.text))
        .collect();
    let wanted = [
        (2, Claim::Clean, "a = 1\n".to_owned()),
        (8, Claim::Wrong("FLY401".to_owned()), "c\n".to_owned()),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn the_reference_has_an_example_of_everything() {
    let examples = examples(&read("grammar/fly.md"));
    assert!(examples.len() >= 40, "{} examples", examples.len());
    for kind in [
        "egg",
        "eggsbucket",
        "preset",
        "job",
        "uglyfox",
        "mothergoose",
        "rift",
        "provider",
        "variable",
        "locals",
        "check",
        "moved",
        "nest",
        "state",
    ] {
        let shown = examples.iter().any(|example| {
            example
                .text
                .lines()
                .any(|line| line.split(' ').next() == Some(kind))
        });
        assert!(shown, "grammar/fly.md shows no `{kind}`");
    }
}

#[test]
fn the_references_examples_are_well_formed() {
    let mut wrong = Vec::new();
    for example in examples(&read("grammar/fly.md")) {
        let text = match example.claim {
            Claim::Expression => example
                .text
                .lines()
                .map(|line| format!("value = {line}\n"))
                .collect(),
            Claim::Clean | Claim::Wrong(_) => example.text,
        };
        for file in &NestFiles::from_archive(&text).files {
            let problems = fly_syntax::parse(file).problems;
            wrong.extend(
                problems
                    .iter()
                    .map(|problem| format!("line {}: {}", example.line, problem.message)),
            );
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_references_examples_do_what_it_says() {
    let mut wrong = Vec::new();
    for example in examples(&read("grammar/fly.md")) {
        let found = match &example.claim {
            Claim::Expression => expressions(&example.text),
            Claim::Clean => problems(&NestFiles::from_archive(&example.text)),
            Claim::Wrong(code) => {
                let found = problems(&NestFiles::from_archive(&example.text));
                let as_said =
                    found.len() == 1 && found.iter().all(|problem| problem.starts_with(code.as_str()));
                if as_said {
                    Vec::new()
                } else {
                    vec![format!("{code} was to be found, not {found:?}")]
                }
            }
        };
        wrong.extend(
            found
                .into_iter()
                .map(|what| format!("grammar/fly.md:{}: {what}", example.line)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines `expression # => value` that come to something else.
fn expressions(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        line.split_once(" # => ")
            .unwrap_or_else(|| panic!("`{line}` has no result"))
    });
    let values = lines.map(|(expression, wanted)| (expression, value(expression), value(wanted)));
    let different = values.filter(|(_, found, wanted)| found != wanted);
    different
        .map(|(expression, found, wanted)| format!("{expression} is {found:?}, not {wanted:?}"))
        .collect()
}

#[test]
fn the_reference_shows_every_function() {
    let page = read("grammar/fly.md");
    let all = fly_typeck::functions::all();
    assert!(!all.is_empty());
    let hidden: Vec<&str> = all
        .iter()
        .map(|function| function.signature)
        .filter(|signature| !page.contains(&format!("- `{signature}`: ")))
        .collect();
    assert_eq!(hidden, Vec::<&str>::new());
}

/// Links of a page that lead to a file beside it.
fn links(page: &str) -> Vec<&str> {
    let parts = page.split("](").skip(1);
    let targets = parts.filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.starts_with("http") && !target.starts_with('#'));
    files
        .map(|target| target.split('#').next().unwrap_or(target))
        .collect()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut looked = 0;
    let mut broken = Vec::new();
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/environment.md",
        "docs/json.md",
        "docs/plan-format.md",
        "docs/guides/pipeline.md",
        "docs/guides/proxmox-and-gitlab.md",
        "docs/guides/recovery.md",
        "docs/guides/rollback.md",
        "docs/guides/scaling.md",
        "docs/guides/teams.md",
        "docs/style.md",
        "grammar/fly.md",
    ] {
        let text = read(page);
        let folder = root().join(page).parent().unwrap().to_path_buf();
        for link in links(&text) {
            looked += 1;
            if !folder.join(link).exists() {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
    assert!(looked >= 10, "only {looked} links");
}

#[test]
fn the_reference_page_is_what_the_schema_says() {
    let page = fly_typeck::reference::markdown();
    let file = root().join("docs/reference.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let same = std::fs::read_to_string(&file).unwrap() == page;
    assert!(same, "docs/reference.md is out of date: run `just bless`");
}

#[test]
fn the_pipeline_guide_shows_what_init_writes() {
    let written = read("gosling-cli/src/templates/init/gitlab-ci.yml");
    assert!(read("docs/guides/pipeline.md").contains(&format!("```yaml\n{written}```\n")));
}

#[test]
fn what_a_guide_shows_of_a_nest_is_formatted() {
    let mut looked = 0;
    for file in crate::workspace::files_under(&root().join("docs"), |path| {
        // The reference shows the outline of each block, with `...` in it.
        path.extension().is_some_and(|end| end == "md") && !path.ends_with("docs/reference.md")
    }) {
        let page = std::fs::read_to_string(&file).unwrap();
        for block in page.split("```fly\n").skip(1) {
            let text = block.split("```").next().unwrap();
            let source = fly_syntax::SourceFile::new(fly_syntax::FileId(0), "page.fly", text);
            let parsed = fly_syntax::parse(&source);
            assert!(parsed.problems.is_empty(), "{}: {text}", file.display());
            assert_eq!(
                fly_syntax::format(&source, &parsed.tree).unwrap(),
                text,
                "{}",
                file.display()
            );
            looked += 1;
        }
    }
    assert!(looked > 0, "no guide shows a block");
}
