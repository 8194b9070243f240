//! One JSON object: every problem with its places and ways out, and a summary.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::{Place, Places, Report, SHOWN, Summary, harmless_json, word};

#[derive(Serialize)]
struct Document<'a> {
    format: u64,
    problems: Problems<'a>,
    summary: Summary,
}

/// Written one by one: a Nest may have many.
struct Problems<'a>(&'a [Report<'a>]);

impl Serialize for Problems<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut left = SHOWN;
        serializer.collect_seq(self.0.iter().flat_map(|report| {
            let places = Places::new(report.files);
            // Paths are relative to their Nest: with several, each problem says which.
            let nest = (self.0.len() > 1).then(|| match report.from_folder.trim_end_matches('/') {
                "" => ".",
                nest => nest,
            });
            report
                .shown(&mut left)
                .map(move |problem| Problem::new(problem, nest, &places))
        }))
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    /// The way to the Nest from the current folder, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    nest: Option<&'a str>,
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    help: Option<&'a str>,
    #[serde(flatten)]
    place: Place<'a>,
    labels: Vec<Label<'a>>,
    suggestions: Vec<Suggestion<'a>>,
}

#[derive(Serialize)]
struct Label<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

/// `replacement` and the place are those of the first edit; `edits` has them all where there are several.
#[derive(Serialize)]
struct Suggestion<'a> {
    message: &'a str,
    certain: bool,
    #[serde(flatten)]
    edit: Option<Edit<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    replacement: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

impl<'a> Problem<'a> {
    fn new(problem: &'a fly_syntax::Problem, nest: Option<&'a str>, places: &Places<'a>) -> Self {
        let labels = problem.labels.iter();
        let suggestions = problem.suggestions.iter();
        Self {
            nest,
            code: problem.kind.code,
            severity: word(problem.severity()),
            message: &problem.message,
            help: problem.help.as_deref(),
            place: places.place(problem.span),
            labels: labels
                .map(|label| Label {
                    message: &label.message,
                    place: places.place(label.span),
                })
                .collect(),
            suggestions: suggestions
                .map(|suggestion| Suggestion::new(suggestion, places))
                .collect(),
        }
    }
}

impl<'a> Suggestion<'a> {
    fn new(suggestion: &'a fly_syntax::Suggestion, places: &Places<'a>) -> Self {
        let edit = |edit: &'a fly_syntax::Edit| Edit {
            replacement: &edit.text,
            place: places.place(edit.span),
        };
        let several = suggestion.edits.len() > 1;
        Self {
            message: &suggestion.message,
            certain: suggestion.certain,
            edit: suggestion.edits.first().map(edit),
            edits: suggestion.edits.iter().filter(|_| several).map(edit).collect(),
        }
    }
}

/// Writes the object, on one line.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        format: crate::JSON_FORMAT,
        problems: Problems(reports),
        summary: Summary::of(reports),
    };
    writeln!(out, "{}", harmless_json(&serde_json::to_string(&document)?))
}
