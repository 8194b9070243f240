//! Mending a Nest in memory: problems with a single sure way out are taken it, until none is left.

use std::collections::BTreeMap;

use fly_syntax::{Edit, FileId, Problem, SourceFile, Suggestion};
use fly_typeck::Variables;

use crate::check::{CheckedNest, check_files};

/// Rounds of mending: each may show problems that an earlier one hid. Real Nests need two or three.
const ROUNDS: usize = 16;

/// What mending did.
#[derive(Debug)]
pub struct Mended {
    /// The Nest as it is now, in memory.
    pub nest: CheckedNest,
    /// What was done, in the order in which it was done.
    pub done: Vec<Done>,
}

/// One way out that was taken.
#[derive(Debug)]
pub struct Done {
    /// The file of the first edit.
    pub file: FileId,
    /// The line that the first edit was at, when it was made.
    pub line: u32,
    /// The kind of the problem.
    pub code: &'static str,
    /// What the suggestion said it does.
    pub message: String,
}

/// Takes the single certain way out of every problem that `chosen` wants mended, again and again until nothing
/// changes. Nothing is written to disk.
pub fn mend(
    mut nest: CheckedNest,
    variables: &Variables,
    chosen: impl Fn(&Problem, &[SourceFile]) -> bool,
) -> Mended {
    let mut done = Vec::new();
    for _ in 0..ROUNDS {
        let files = &nest.files.files;
        let wanted: Vec<_> = nest
            .problems
            .iter()
            .filter(|problem| chosen(problem, files))
            .filter_map(|problem| sure_way_out(problem).map(|suggestion| (problem, suggestion)))
            .collect();
        let mut edits: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
        let mut taken = Vec::new();
        for (problem, suggestion) in wanted {
            if take(&mut edits, suggestion, files) {
                taken.extend(told(problem, suggestion, files));
            }
        }
        let mut files = files.clone();
        let mut changed = false;
        for (id, edits) in edits {
            if let Some(file) = files.get_mut(id.0 as usize) {
                let text = edited(file.text(), edits);
                changed |= text != file.text();
                *file = SourceFile::new(id, file.path.clone(), text);
            }
        }
        if !changed {
            break;
        }
        done.extend(taken);
        nest.files.files = files;
        nest = check_files(nest.files, variables);
    }
    Mended { nest, done }
}

/// The only certain suggestion of a problem.
fn sure_way_out(problem: &Problem) -> Option<&Suggestion> {
    let mut certain = problem.suggestions.iter().filter(|suggestion| suggestion.certain);
    certain
        .next()
        .filter(|suggestion| certain.next().is_none() && !suggestion.edits.is_empty())
}

/// Adds the edits of a suggestion, all or none: none where one of them overlaps what is taken already or lies in a
/// file that cannot be edited. Two problems that want the very same edit are both content with it.
fn take<'a>(
    edits: &mut BTreeMap<FileId, Vec<&'a Edit>>,
    suggestion: &'a Suggestion,
    files: &[SourceFile],
) -> bool {
    let fits = |edit: &Edit| {
        let Some(file) = files.get(edit.span.file.0 as usize) else {
            return false;
        };
        // Bytes that are not text would be lost by writing the text back.
        let editable = file.first_invalid_byte().is_none() && file.text().get(edit.span.range()).is_some();
        let clash = |other: &&Edit| {
            let (a, b) = (edit.span, other.span);
            a.start < b.end && b.start < a.end || a.start == b.start || a.start == a.end && a.start == b.end
        };
        editable
            && !edits
                .get(&edit.span.file)
                .is_some_and(|taken| taken.iter().any(clash))
    };
    let whole = suggestion.edits.iter().all(fits);
    if whole {
        for edit in &suggestion.edits {
            edits.entry(edit.span.file).or_default().push(edit);
        }
    }
    whole
}

fn told(problem: &Problem, suggestion: &Suggestion, files: &[SourceFile]) -> Option<Done> {
    let span = suggestion.edits.first()?.span;
    let line = files.get(span.file.0 as usize)?.position(span.start).line;
    Some(Done {
        file: span.file,
        line,
        code: problem.kind.code,
        message: suggestion.message.clone(),
    })
}

/// The text with edits made that do not overlap.
fn edited(text: &str, mut edits: Vec<&Edit>) -> String {
    edits.sort_by_key(|edit| edit.span.start);
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let range = edit.span.range();
        result.push_str(text.get(at..range.start).unwrap_or_default());
        result.push_str(&edit.text);
        at = range.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use fly_syntax::{Kind, Severity, Span};

    use super::*;

    static KIND: Kind = Kind {
        code: "FLY400",
        title: "",
        severity: Severity::Error,
        explanation: "",
        wrong: "",
        right: "",
    };

    fn way(edits: &[(usize, usize, &str)]) -> Suggestion {
        let edit = |(start, end, text): &(usize, usize, &str)| Edit {
            span: Span::new(FileId(0), *start..*end),
            text: (*text).to_owned(),
        };
        Suggestion {
            message: String::new(),
            edits: edits.iter().map(edit).collect(),
            certain: true,
        }
    }

    fn result(text: &str, ways: &[Suggestion]) -> String {
        let files = [SourceFile::new(FileId(0), "nest.fly", text)];
        let mut edits = BTreeMap::new();
        for way in ways {
            take(&mut edits, way, &files);
        }
        edited(text, edits.remove(&FileId(0)).unwrap_or_default())
    }

    #[test]
    fn edits_are_made_wherever_they_stand() {
        assert_eq!(
            result("abcdef", &[way(&[(4, 5, "E")]), way(&[(0, 0, ">"), (1, 2, "")])]),
            ">acdEf"
        );
    }

    #[test]
    fn the_first_of_two_that_overlap_is_made_whole_and_the_other_not_at_all() {
        assert_eq!(
            result("abcdef", &[way(&[(1, 4, "X")]), way(&[(3, 5, "Y"), (0, 1, "Z")])]),
            "aXef"
        );
        assert_eq!(
            result("abcdef", &[way(&[(2, 2, "X")]), way(&[(2, 2, "Y")])]),
            "abXcdef"
        );
        assert_eq!(
            result("abcdef", &[way(&[(1, 3, "X")]), way(&[(2, 2, "Y")])]),
            "aXdef"
        );
        assert_eq!(
            result("abcdef", &[way(&[(1, 3, "X")]), way(&[(3, 4, "Y")])]),
            "aXYef"
        );
    }

    #[test]
    fn an_edit_that_does_not_fit_the_text_is_not_made() {
        assert_eq!(result("ä", &[way(&[(1, 2, "X")])]), "ä");
        assert_eq!(result("a", &[way(&[(5, 9, "X")])]), "a");
    }

    #[test]
    fn two_certain_ways_out_are_none() {
        let problem = Problem::new(&KIND, Span::new(FileId(0), 0..1), "");
        let one = problem.clone().fix("a", problem.span, "a");
        assert!(sure_way_out(&one).is_some());
        assert!(sure_way_out(&one.clone().maybe("b", problem.span, "b")).is_some());
        assert!(sure_way_out(&one.fix("c", problem.span, "c")).is_none());
        assert!(sure_way_out(&problem.clone().maybe("b", problem.span, "b")).is_none());
    }
}
