//! Secrets in plain sight stay hidden in every format and in what every command says of a broken file.

use gosling_cli::render::Format;

use crate::archive;
use crate::disk::Nest;
use crate::workspace::{files_under, root};

/// The secrets in the cases.
const SECRETS: [&str; 2] = ["hunter", "SECRET"];

fn assert_hidden(text: &str, what: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
    }
}

#[test]
fn no_format_shows_the_secret_of_a_case() {
    let cases = files_under(&root().join("tests/cases/problems/secrets"), |path| {
        path.extension().is_some_and(|ending| ending == "fly")
    });
    let mut seen = 0;
    for case in cases {
        let text = std::fs::read_to_string(&case).unwrap();
        if !SECRETS.iter().any(|secret| text.contains(secret)) {
            continue;
        }
        seen += 1;
        let nest = archive::check(&text);
        for format in [
            Format::Human,
            Format::Json,
            Format::Sarif,
            Format::Gitlab,
            Format::Github,
        ] {
            assert_hidden(
                &archive::render(&nest, format),
                &format!("{} as {format:?}", case.display()),
            );
        }
    }
    assert!(seen >= 3, "{seen} cases");
}

#[test]
fn no_command_shows_a_secret_that_is_spelt_wrongly() {
    for value in [
        "'hunter2'",
        "hunter2x",
        "glpat-SECRET1234",
        "\"hunter2",
        "<<'EOT'\nhunter2\nEOT",
        "\"hunter2\",",
        "abc(\"hunter2\")",
        "\"env://glpat-SECRET1234\"",
        "true ? \"hunter2\" : \"hunter3\"",
    ] {
        let nest = Nest::with(&[(
            "Lib/a.fly",
            &format!("preset \"a\" {{\n  gitlab {{\n      api_token = {value}\n    x =1\n  }}\n}}\n"),
        )]);
        for command in [
            &["validate"][..],
            &["plan"],
            &["eval"],
            &["fmt", "--check", "--diff"],
            &["fix"],
            &["fmt"],
        ] {
            let ran = nest.run(command);
            assert_hidden(&ran.out, &format!("{command:?} of {value}"));
            assert_hidden(&ran.err, &format!("{command:?} of {value}"));
        }
    }
}
