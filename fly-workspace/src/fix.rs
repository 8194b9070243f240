//! Applies suggestions to a Nest in memory: the single certain one of each problem, as long as that makes the Nest
//! better.

use std::collections::BTreeMap;

use fly_syntax::{Edit, FileId, Problem, SourceFile, Span, Suggestion};
use fly_typeck::{NestFiles, Variables};

use crate::check::{CheckedNest, check_files};

/// How many fixes in a row may follow from one: a fix may show a problem that the next one fixes.
const FOLLOWING: usize = 4;

/// What came of fixing a Nest.
#[derive(Debug)]
pub struct Fixed {
    /// The Nest as it is now, in memory.
    pub nest: CheckedNest,
    /// The fixes that were made, in this order.
    pub done: Vec<Done>,
    /// Certain suggestions that were left alone because another problem would have appeared.
    pub refused: Vec<Refused>,
}

/// A certain suggestion that was not applied.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What was not done.
    pub suggestion: Done,
    /// The problems that would have appeared.
    pub appearing: Vec<Appearing>,
}

/// A problem that would appear.
#[derive(Debug, Clone)]
pub struct Appearing {
    /// Its message.
    pub message: String,
    /// Whether it is about the text that the suggestion writes. A problem about another place was there before, hidden
    /// by the one that would have been fixed.
    pub in_new_text: bool,
}

/// A suggestion that was applied.
#[derive(Debug, Clone)]
pub struct Done {
    /// The file of the first edit.
    pub file: FileId,
    /// The line that the first edit was at, when it was made.
    pub line: u32,
    /// The kind of the problem.
    pub code: &'static str,
    /// What the suggestion says it does.
    pub message: String,
}

/// Applies the single certain suggestion of every problem that `chosen` accepts, until nothing is left to apply.
/// Nothing is written to disk.
///
/// A fix is kept only if the Nest then has fewer problems and none that it did not have before. So fixing ends, never
/// makes a Nest worse, and does nothing the second time.
pub fn fix(
    mut nest: CheckedNest,
    variables: &Variables,
    chosen: impl Fn(&Problem, &[SourceFile]) -> bool,
) -> Fixed {
    let mut done = Vec::new();
    loop {
        let files = &nest.files.files;
        let candidates = candidates(
            nest.problems.iter().filter(|problem| chosen(problem, files)),
            files,
        );
        if candidates.is_empty() {
            return Fixed {
                nest,
                done,
                refused: Vec::new(),
            };
        }
        // Nearly always all of them are right, and one check of the Nest shows it.
        if let Ok((better, fixes)) = improved(&nest, &candidates, variables) {
            nest = better;
            done.extend(fixes);
            continue;
        }
        let (mut fixed, mut refused) = (false, Vec::new());
        // From the end on, so that the places of those before stay as they are.
        for candidate in candidates.iter().rev() {
            match improved(&nest, std::slice::from_ref(candidate), variables) {
                Ok((better, fixes)) => {
                    nest = better;
                    fixed = true;
                    let alone = fixes.len() == 1;
                    done.extend(fixes);
                    if !alone {
                        break;
                    }
                }
                Err(appearing) => refused.push(Refused {
                    suggestion: candidate.done.clone(),
                    appearing,
                }),
            }
        }
        if !fixed {
            return Fixed { nest, done, refused };
        }
    }
}

/// A suggestion that may be applied, and the words for it.
#[derive(Debug, Clone)]
struct Candidate {
    edits: Vec<Edit>,
    done: Done,
}

/// The certain suggestions of these problems.
fn candidates<'p>(problems: impl Iterator<Item = &'p Problem>, files: &[SourceFile]) -> Vec<Candidate> {
    let candidates = problems.filter_map(|problem| {
        let suggestion = certain_suggestion(problem)?;
        Some(Candidate {
            edits: suggestion.edits.clone(),
            done: described(problem, suggestion, files)?,
        })
    });
    candidates.collect()
}

/// A Nest that fixes made better, and the fixes.
type Better = (CheckedNest, Vec<Done>);

/// The Nest with these suggestions applied, and with those that fix what they alone brought up, if it is better for
/// it: fewer problems, and each of them was there before.
fn improved(
    nest: &CheckedNest,
    candidates: &[Candidate],
    variables: &Variables,
) -> Result<Better, Vec<Appearing>> {
    let before = counted(nest);
    let (mut next, mut fixes) = applied(&nest.files, candidates, variables).ok_or_else(Vec::new)?;
    let mut appearing = Vec::new();
    for step in 0..FOLLOWING {
        let new = added(&before, &next);
        if new.is_empty() {
            let better = next.problems.len() < nest.problems.len();
            return if better { Ok((next, fixes)) } else { Err(appearing) };
        }
        if step == 0 {
            let written = written(candidates);
            let about = |problem: &Problem| written.iter().any(|written| touch(problem.span, *written));
            appearing = new
                .iter()
                .map(|problem| Appearing {
                    message: problem.message.clone(),
                    in_new_text: about(problem),
                })
                .collect();
        }
        let following = self::candidates(new.into_iter(), &next.files.files);
        match applied(&next.files, &following, variables) {
            Some((after, more)) => {
                next = after;
                fixes.extend(more);
            }
            None => break,
        }
    }
    Err(appearing)
}

fn touch(a: Span, b: Span) -> bool {
    a.file == b.file && a.start <= b.end && b.start <= a.end
}

/// Where the texts of these suggestions stand once they are written.
fn written(candidates: &[Candidate]) -> Vec<Span> {
    let mut edits: Vec<&Edit> = candidates.iter().flat_map(|candidate| &candidate.edits).collect();
    edits.sort_by_key(|edit| (edit.span.file, edit.span.start));
    let mut grown: BTreeMap<FileId, isize> = BTreeMap::new();
    let mut place = |edit: &Edit| {
        let grown = grown.entry(edit.span.file).or_default();
        let start = edit.span.range().start.saturating_add_signed(*grown);
        let (new, old) = (edit.text.len(), edit.span.range().len());
        *grown += isize::try_from(new).unwrap_or(0) - isize::try_from(old).unwrap_or(0);
        Span::new(edit.span.file, start..start + new)
    };
    edits.into_iter().map(&mut place).collect()
}

/// The problems that are there now and were not before.
fn added<'n>(before: &Counts<'_>, next: &'n CheckedNest) -> Vec<&'n Problem> {
    let mut seen = Counts::new();
    let problems = next.problems.iter().filter(|problem| {
        let identity = identity(problem);
        let seen = seen.entry(identity).or_default();
        *seen += 1;
        before.get(&identity).is_none_or(|known| *seen > *known)
    });
    problems.collect()
}

/// How often each problem is there.
type Counts<'p> = BTreeMap<(FileId, &'static str, &'p str), usize>;

/// Tells one problem from another, wherever it has moved to.
fn identity(problem: &Problem) -> (FileId, &'static str, &str) {
    (problem.span.file, problem.kind.code, &problem.message)
}

fn counted(nest: &CheckedNest) -> Counts<'_> {
    let mut counts = Counts::new();
    for problem in &nest.problems {
        *counts.entry(identity(problem)).or_default() += 1;
    }
    counts
}

/// The Nest with those of the suggestions applied that do not overlap; `None` where nothing changes.
fn applied(
    files: &NestFiles,
    candidates: &[Candidate],
    variables: &Variables,
) -> Option<(CheckedNest, Vec<Done>)> {
    let mut edits: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    let mut fixes = Vec::new();
    for candidate in candidates {
        if take(&mut edits, &candidate.edits, &files.files) {
            fixes.push(candidate.done.clone());
        }
    }
    let mut next = files.clone();
    let mut changed = false;
    for (id, edits) in edits {
        if let Some(file) = next.files.get_mut(id.0 as usize) {
            let text = edited(file.text(), edits);
            changed |= text != file.text();
            *file = SourceFile::new(id, file.path.clone(), text);
        }
    }
    changed.then(|| (check_files(next, variables), fixes))
}

/// The only certain suggestion of a problem.
fn certain_suggestion(problem: &Problem) -> Option<&Suggestion> {
    let mut certain = problem.suggestions.iter().filter(|suggestion| suggestion.certain);
    certain
        .next()
        .filter(|suggestion| certain.next().is_none() && !suggestion.edits.is_empty())
}

/// Adds the edits of a suggestion, all or none: none where one of them overlaps what is taken already or lies in a
/// file that cannot be edited. Two problems that want the very same edit are both content with it.
fn take<'a>(edits: &mut BTreeMap<FileId, Vec<&'a Edit>>, wanted: &'a [Edit], files: &[SourceFile]) -> bool {
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
    let whole = wanted.iter().all(fits);
    if whole {
        for edit in wanted {
            edits.entry(edit.span.file).or_default().push(edit);
        }
    }
    whole
}

fn described(problem: &Problem, suggestion: &Suggestion, files: &[SourceFile]) -> Option<Done> {
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
            take(&mut edits, &way.edits, &files);
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
    fn two_certain_suggestions_are_none() {
        let problem = Problem::new(&KIND, Span::new(FileId(0), 0..1), "");
        let one = problem.clone().fix("a", problem.span, "a");
        assert!(certain_suggestion(&one).is_some());
        assert!(certain_suggestion(&one.clone().maybe("b", problem.span, "b")).is_some());
        assert!(certain_suggestion(&one.fix("c", problem.span, "c")).is_none());
        assert!(certain_suggestion(&problem.clone().maybe("b", problem.span, "b")).is_none());
    }
}
