//! The name that was meant, for every problem with an unknown one.

use std::collections::BTreeSet;

use fly_syntax::{Problem, Span};

use super::words;

/// More names than this are not asked about.
pub(super) const OFFERED: usize = 3;

/// Names with more letters than this are only held against those that differ in case or dashes: telling how far apart
/// two texts are takes the product of their lengths.
pub(super) const LONGEST: usize = 64;

/// Where there are more candidates than this, the same holds of all of them: there may be as many unknown names.
pub(super) const FEW: usize = 256;

/// Words from other languages and tools, and what they are called here.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("ram", &["memory"]),
    ("mem", &["memory"]),
    ("vcpu", &["cpu"]),
    ("vcpus", &["cpu"]),
    ("cores", &["cpu"]),
    ("ssd", &["disk"]),
    ("storage", &["disk"]),
    ("labels", &["tags"]),
    ("kind", &["type"]),
    ("location", &["region", "zone"]),
    ("az", &["zone"]),
    ("availability_zone", &["zone"]),
    ("env", &["environment"]),
    ("variables", &["environment", "variable"]),
    ("command", &["script"]),
    ("cron", &["schedule"]),
    ("url", &["endpoint", "server", "address"]),
    ("host", &["server", "endpoint"]),
    ("project", &["project_id"]),
    ("group", &["group_id"]),
    ("limit", &["concurrent"]),
    ("timeout", &["maximum_timeout"]),
    ("message", &["description"]),
    ("error_message", &["message"]),
    ("module", &["preset"]),
    ("template", &["preset"]),
    ("runner", &["egg"]),
    ("resource", &["egg"]),
    ("local", &["locals"]),
    ("len", &["length"]),
    ("size", &["length"]),
    ("count", &["length"]),
    ("toupper", &["upper"]),
    ("uppercase", &["upper"]),
    ("tolower", &["lower"]),
    ("lowercase", &["lower"]),
    ("trimspace", &["trim"]),
    ("includes", &["contains"]),
    ("element", &["slice"]),
    ("try", &["coalesce"]),
    ("all", &["alltrue"]),
    ("any", &["anytrue"]),
    ("unique", &["distinct"]),
    ("integer", &["int"]),
    ("number", &["int", "float"]),
    ("boolean", &["bool"]),
    ("str", &["string"]),
    ("text", &["string"]),
    ("array", &["list"]),
    ("dict", &["map"]),
    ("lxc", &["container"]),
    ("qemu", &["vm"]),
    ("kvm", &["vm"]),
    ("virtual", &["vm"]),
    ("machine", &["vm"]),
    ("lambda", &["serverless"]),
    ("function", &["serverless"]),
    ("kill", &["terminate"]),
    ("delete", &["terminate"]),
    ("destroy", &["terminate"]),
    ("reboot", &["restart"]),
    ("demote", &["demote_to_nadir"]),
    ("promote", &["promote_to_apex"]),
    ("mr", &["merge_request"]),
    ("merge_requests", &["merge_request"]),
    ("pull_request", &["merge_request"]),
];

/// The names that are nearest to one that nobody knows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Nearest<'n> {
    /// None, or a few that are equally near, the likelier first.
    pub(crate) names: Vec<&'n str>,
    /// There is one, and nothing else could have been meant.
    pub(crate) certain: bool,
}

impl<'n> Nearest<'n> {
    /// "did you mean `memory`?"
    pub(crate) fn question(&self) -> Option<String> {
        (!self.names.is_empty()).then(|| format!("did you mean {}?", words::quoted(&self.names, "or")))
    }

    /// Certain only where every name is one that fits its place.
    pub(crate) fn certain_if(self, fits: impl Fn(&str) -> bool) -> Self {
        Self {
            certain: self.certain && self.names.iter().all(|name| fits(name)),
            ..self
        }
    }

    /// The name, where there is just one.
    pub(crate) fn single(&self) -> Option<&'n str> {
        match self.names.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }
}

/// The candidates nearest to `name`: by slips of the pen, by their start, by what other tools call it.
pub(crate) fn nearest<'n>(name: &str, candidates: &[&'n str]) -> Nearest<'n> {
    let folded = fold(name);
    let length = folded.chars().count();
    if length > LONGEST || candidates.len() > FEW {
        let same = candidates.iter().find(|candidate| folds_to(candidate, &folded));
        return few(same.copied().into_iter().collect(), true);
    }
    let mut least = usize::MAX;
    let mut names: Vec<&'n str> = Vec::new();
    for candidate in candidates {
        let other = fold(candidate);
        let longest = length.max(other.chars().count());
        let limit = slips(longest);
        if longest - length.min(other.chars().count()) > limit {
            continue;
        }
        let distance = strsim::osa_distance(&folded, &other);
        if distance > limit || distance >= longest || distance > least {
            continue;
        }
        if distance < least {
            least = distance;
            names.clear();
        }
        if !names.contains(candidate) {
            names.push(candidate);
        }
    }
    if !names.is_empty() {
        likelier_first(&mut names, &folded);
        let certain = names.len() == 1;
        return few(names, certain);
    }
    if let Some((_, known)) = SYNONYMS.iter().find(|(word, _)| *word == folded) {
        let known = candidates
            .iter()
            .filter(|candidate| known.contains(candidate))
            .copied();
        let known: BTreeSet<&str> = known.collect();
        if !known.is_empty() {
            return few(known.into_iter().collect(), false);
        }
    }
    let longer: BTreeSet<&str> = candidates
        .iter()
        .filter(|candidate| length >= 3 && continues(&folded, &fold(candidate)))
        .copied()
        .collect();
    few(longer.into_iter().collect(), false)
}

pub(super) fn few(mut names: Vec<&str>, certain: bool) -> Nearest<'_> {
    if names.len() > OFFERED {
        names.clear();
    }
    Nearest {
        certain: certain && names.len() == 1,
        names,
    }
}

/// How many slips may lie between a word of this many letters and the one that was meant.
fn slips(letters: usize) -> usize {
    match letters {
        0..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

/// Case and the kind of dash do not count.
pub(super) fn fold(name: &str) -> String {
    name.chars().map(plain).collect()
}

/// Whether the name is this one without case and dashes.
fn folds_to(name: &str, folded: &str) -> bool {
    name.len() == folded.len() && name.chars().map(plain).eq(folded.chars())
}

fn plain(letter: char) -> char {
    match letter {
        '-' | ' ' => '_',
        letter => letter.to_ascii_lowercase(),
    }
}

/// Whether one is the start or the end of the other, at the border of a word: `timeout` and `idle_timeout`.
fn continues(name: &str, candidate: &str) -> bool {
    candidate.starts_with(name)
        || candidate.ends_with(&format!("_{name}"))
        || name
            .strip_prefix(candidate)
            .is_some_and(|rest| rest.starts_with('_'))
        || name
            .strip_suffix(candidate)
            .is_some_and(|rest| rest.ends_with('_'))
}

/// Of equally near names, those with the same letters in another order go first, then those with the same start.
pub(super) fn likelier_first(names: &mut [&str], folded: &str) {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let own = letters(folded);
    names.sort_by_cached_key(|name| {
        let name = fold(name);
        (
            letters(&name) != own,
            name.chars().next() != folded.chars().next(),
        )
    });
}

/// The problem with an edit for each name.
pub(crate) fn offer(
    problem: Problem,
    span: Span,
    names: &[&str],
    certain: bool,
    write: impl Fn(&str) -> String,
) -> Problem {
    names.iter().fold(problem, |problem, name| {
        let text = write(name);
        let message = format!("write `{text}`");
        if certain {
            problem.fix(message, span, text)
        } else {
            problem.maybe(message, span, text)
        }
    })
}

/// With the names that may have been meant at `at`, or with `otherwise` where none is near.
pub(crate) fn did_you_mean(
    problem: Problem,
    at: Span,
    name: &str,
    names: &[&str],
    otherwise: impl FnOnce() -> String,
) -> Problem {
    offer_nearest(problem, at, &nearest(name, names), otherwise)
}

/// With these names at `at`, or with `otherwise` where there are none.
pub(crate) fn offer_nearest(
    problem: Problem,
    at: Span,
    nearest: &Nearest<'_>,
    otherwise: impl FnOnce() -> String,
) -> Problem {
    let problem = problem.help(nearest.question().unwrap_or_else(otherwise));
    offer(problem, at, &nearest.names, nearest.certain, str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, candidates: &[&'static str]) -> (Vec<&'static str>, bool) {
        let nearest = nearest(name, candidates);
        (nearest.names, nearest.certain)
    }

    #[test]
    fn a_slip_is_certain_where_one_name_is_nearest() {
        for slip in ["memroy", "memry", "mmemory", "memoty", "Memory"] {
            assert_eq!(
                names(slip, &["cpu", "memory", "disk"]),
                (vec!["memory"], true),
                "{slip}"
            );
        }
        assert_eq!(names("v", &["vm", "container"]), (vec!["vm"], true));
        assert_eq!(
            names("failed-count", &["failed_count", "age"]),
            (vec!["failed_count"], true)
        );
    }

    #[test]
    fn equally_near_names_are_all_offered_and_none_is_certain() {
        assert_eq!(names("mix", &["min", "max"]), (vec!["min", "max"], false));
        assert_eq!(names("mni", &["mna", "min"]), (vec!["min", "mna"], false));
    }

    #[test]
    fn words_of_other_tools_and_parts_of_names_are_understood() {
        assert_eq!(names("ram", &["cpu", "memory", "disk"]), (vec!["memory"], false));
        assert_eq!(
            names("count", &["min_count", "max_age"]),
            (vec!["min_count"], false)
        );
    }

    #[test]
    fn endless_names_are_only_held_against_themselves() {
        let endless = "a".repeat(1 << 20);
        let (shout, other) = (endless.to_uppercase(), format!("{endless}b"));
        assert_eq!(nearest(&endless, &[&other, &shout]).names, [&shout]);
        assert_eq!(nearest(&endless, &[&other]).names, [""; 0]);
    }

    #[test]
    fn far_names_are_not_offered() {
        assert_eq!(names("colour", &["cpu", "memory", "disk"]), (vec![], false));
        assert_eq!(names("x", &["y", "z"]), (vec![], false));
    }
}
