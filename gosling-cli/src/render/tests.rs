#![allow(clippy::unwrap_used, clippy::panic)]

use fly_syntax::{FileId, Kind, Problem, Severity, SourceFile, Span};

use super::*;

static UNKNOWN: Kind = Kind {
    code: "FLY400",
    title: "unknown attribute",
    severity: Severity::Error,
    explanation: "Every block has a schema.",
    wrong: "a = 1",
    right: "b = 1",
};
static LINT: Kind = Kind {
    code: "FLY900",
    title: "no unit",
    severity: Severity::Warning,
    explanation: "",
    wrong: "",
    right: "",
};

fn at(file: &SourceFile, text: &str) -> Span {
    let start = file.text().find(text).unwrap();
    Span::new(file.id, start..start + text.len())
}

fn files() -> Vec<SourceFile> {
    vec![
        SourceFile::new(
            FileId(0),
            "Eggs/api/config.fly",
            "egg \"api\" {\n  resources {\n    cpu = 2\n    memmory = 4GiB\n  }\n  token = \"hunter2\"\n}\n",
        ),
        SourceFile::new(FileId(1), "Lib/presets.fly", "# Gänse\npreset \"ä\" {\n}\n"),
    ]
}

fn problem(files: &[SourceFile]) -> Problem {
    Problem::new(
        &UNKNOWN,
        at(&files[0], "memmory"),
        "`resources` has no attribute `memmory`",
    )
    .note("unknown")
    .label(at(&files[1], "preset \"ä\""), "a preset, 100% sure: really")
    .help("did you mean `memory`?")
    .fix("write `memory`", at(&files[0], "memmory"), "memory")
}

fn report<'a>(files: &'a [SourceFile], problems: &'a [Problem], masks: &'a [Span]) -> Report<'a> {
    Report {
        files,
        problems: problems.iter().collect(),
        masks,
        part: None,
        from_folder: "lab/".to_owned(),
        from_repository: "infra/lab/".to_owned(),
    }
}

fn rendered(format: Format, report: Report, look: Look) -> String {
    let mut out = Vec::new();
    write(format, &[report], look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn human_shows_every_place_in_its_file() {
    let files = files();
    let problems = [problem(&files)];
    let text = rendered(Format::Human, report(&files, &problems, &[]), Look::PLAIN);
    assert_eq!(
        text,
        r#"FLY400

  x `resources` has no attribute `memmory`
   ,-[lab/Eggs/api/config.fly:4:5]
 3 |     cpu = 2
 4 |     memmory = 4GiB
   :     ^^^|^^^
   :        `-- unknown
 5 |   }
   `----
   ,-[lab/Lib/presets.fly:2:1]
 1 | # Gänse
 2 | preset "ä" {
   : ^^^^^|^^^^
   :      `-- a preset, 100% sure: really
 3 | }
   `----
  help: did you mean `memory`?

1 error in 2 files
"#
    );
}

#[test]
fn masked_text_is_never_shown() {
    let files = files();
    let secret = at(&files[0], "\"hunter2\"");
    let problems = [Problem::new(&UNKNOWN, secret, "a plain string where a secret belongs").note("here")];
    let text = rendered(Format::Human, report(&files, &problems, &[secret]), Look::PLAIN);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(
        text.contains("token = ***MASKED***\n   :           ^^^^^^|^^^^^"),
        "{text}"
    );
}

#[test]
fn endless_lines_are_cut_around_the_place() {
    let line = format!("a = [{}oops{}]\n", "1, ".repeat(300_000), ", 2".repeat(300_000));
    let files = [SourceFile::new(FileId(0), "nest.fly", line)];
    let problems = [Problem::new(&UNKNOWN, at(&files[0], "oops"), "no such name")];
    let text = rendered(Format::Human, report(&files, &problems, &[]), Look::PLAIN);
    assert!(text.len() < 1000, "{}", text.len());
    assert!(text.contains("1, oops, 2"), "{text}");
    assert!(text.contains("[lab/nest.fly:1:900006]"), "{text}");
}

#[test]
fn a_tall_place_is_marked_on_its_first_line() {
    let files = [SourceFile::new(
        FileId(0),
        "nest.fly",
        format!("locals {{\n{}}}\n", "  a = 1\n".repeat(5000)),
    )];
    let problems = [Problem::new(&UNKNOWN, files[0].span(), "too long")];
    let text = rendered(Format::Human, report(&files, &problems, &[]), Look::PLAIN);
    assert!(text.lines().count() < 12, "{text}");
    assert!(text.contains(" 1 | locals {"), "{text}");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let files = [SourceFile::new(
        FileId(0),
        "nest.fly",
        "a = \"\u{1b}[2Jx\u{202E}\"\n",
    )];
    let problems = [Problem::new(&UNKNOWN, at(&files[0], "a"), "no \u{1b}[31m red")];
    let text = rendered(Format::Human, report(&files, &problems, &[]), Look::PLAIN);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202E}'), "{text:?}");
}

#[test]
fn places_at_the_edges_of_a_file_are_drawn() {
    for text in ["", "x", "x\n", "x\r\ny\r\n", "\n\n"] {
        let files = [SourceFile::new(FileId(0), "nest.fly", text)];
        let problems = [
            Problem::new(&UNKNOWN, files[0].span().at_end(), "at the end").note("end"),
            Problem::new(&UNKNOWN, files[0].span().at_start(), "at the start").note("start"),
        ];
        let text = rendered(Format::Human, report(&files, &problems, &[]), Look::PLAIN);
        assert!(
            text.contains("at the end") && text.contains("2 errors in 1 file"),
            "{text}"
        );
        assert!(!text.contains("Failed"), "{text}");
    }
}

#[test]
fn people_see_a_thousand_and_a_count() {
    let files = files();
    let problems: Vec<Problem> = (0..10_000).map(|_| problem(&files)).collect();
    let text = rendered(Format::Human, report(&files, &problems, &[]), Look::PLAIN);
    assert_eq!(text.matches("  x `resources`").count(), 1000);
    assert!(
        text.contains("... and 9000 problems more"),
        "{}",
        text.lines().last().unwrap()
    );
    assert!(text.ends_with("10000 errors in 2 files\n"));
    let all = rendered(Format::Json, report(&files, &problems, &[]), Look::PLAIN);
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    // Bounded too; the summary counts those that are left out.
    assert_eq!(all["problems"].as_array().unwrap().len(), 1000);
    assert_eq!(all["summary"]["errors"], 10_000);
}

#[test]
fn json_has_the_shape_of_the_contract() {
    let files = files();
    let problems = [
        problem(&files),
        Problem::new(&LINT, at(&files[0], "2"), "no unit"),
    ];
    let text = rendered(Format::Json, report(&files, &problems, &[]), Look::PLAIN);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "problems": [
            {
                "code": "FLY400", "severity": "error", "message": "`resources` has no attribute `memmory`",
                "help": "did you mean `memory`?", "file": "Eggs/api/config.fly",
                "line": 4, "column": 5, "end_line": 4, "end_column": 12,
                "labels": [{ "message": "a preset, 100% sure: really", "file": "Lib/presets.fly",
                             "line": 2, "column": 1, "end_line": 2, "end_column": 11 }],
                "suggestions": [{ "message": "write `memory`", "replacement": "memory", "certain": true,
                                  "file": "Eggs/api/config.fly",
                                  "line": 4, "column": 5, "end_line": 4, "end_column": 12 }],
            },
            {
                "code": "FLY900", "severity": "warning", "message": "no unit", "help": null,
                "file": "Eggs/api/config.fly", "line": 3, "column": 11, "end_line": 3, "end_column": 12,
                "labels": [], "suggestions": [],
            },
        ],
        "summary": { "errors": 1, "warnings": 1, "files": 2 },
        "format": 1,
    });
    assert_eq!(json, expected);
}

#[test]
fn gitlab_fingerprints_are_stable_and_differ() {
    let files = files();
    let problems = [problem(&files), problem(&files)];
    let read = || -> serde_json::Value {
        serde_json::from_str(&rendered(
            Format::Gitlab,
            report(&files, &problems, &[]),
            Look::PLAIN,
        ))
        .unwrap()
    };
    let json = read();
    assert_eq!(json, read());
    assert_ne!(json[0]["fingerprint"], json[1]["fingerprint"]);
    assert_eq!(json[0]["fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(json[0]["severity"], "critical");
    assert_eq!(json[0]["check_name"], "FLY400");
    let location =
        serde_json::json!({ "path": "infra/lab/Eggs/api/config.fly", "lines": { "begin": 4, "end": 4 } });
    assert_eq!(json[0]["location"], location);
}

#[test]
fn github_commands_are_escaped() {
    let files = [SourceFile::new(FileId(0), "a,b:c%.fly", "x = 1\n")];
    let problems = [Problem::new(&LINT, at(&files[0], "x"), "50%: no\r\nunit").help("write it")];
    assert_eq!(
        rendered(Format::Github, report(&files, &problems, &[]), Look::PLAIN),
        "::warning file=infra/lab/a%2Cb%3Ac%25.fly,line=1,endLine=1,col=1,endColumn=1,title=FLY900\
         ::50%25: no\\u{d}%0Aunit%0Awrite it\n"
    );
}

#[test]
fn github_commands_have_no_control_character_of_the_source() {
    let files = [SourceFile::new(FileId(0), "a.fly", "x = 1\n")];
    let problems = [Problem::new(&LINT, at(&files[0], "x"), "`x\u{1b}[31m`\u{202e}").help("\u{9b}2J")];
    let text = rendered(Format::Github, report(&files, &problems, &[]), Look::PLAIN);
    assert!(
        text.ends_with("::`x\\u{1b}[31m`\\u{202e}%0A\\u{9b}2J\n"),
        "{text}"
    );
}

#[test]
fn sarif_names_rules_places_and_fixes() {
    let files = files();
    let problems = [problem(&files)];
    let text = rendered(Format::Sarif, report(&files, &problems, &[]), Look::PLAIN);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["version"], "2.1.0");
    let run = &json["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "FLY400");
    let result = &run["results"][0];
    assert_eq!(result["ruleIndex"], 0);
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "infra/lab/Eggs/api/config.fly");
    assert_eq!(place["region"]["startLine"], 4);
    assert_eq!(
        result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"],
        "memory"
    );
    assert_eq!(
        result["relatedLocations"][0]["message"]["text"],
        "a preset, 100% sure: really"
    );
}

#[test]
fn what_a_service_says_is_nothing_that_a_terminal_obeys() {
    let words = super::plain(&"no \u{1b}[2J\u{202E}room\r\non it");
    assert_eq!(words, "no ?[2J?room?\non it");
}
