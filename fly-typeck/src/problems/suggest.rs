//! Which known name was probably meant.

/// What is near to a name.
pub(crate) struct Nearest<'a> {
    /// The one that is clearly nearest.
    pub best: Option<&'a str>,
    /// Where none is: those that are near.
    pub others: Vec<&'a str>,
}

/// The candidates near to `name`; one slip in three letters is still the same word.
pub(crate) fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Nearest<'a> {
    let folded = name.to_lowercase();
    let mut near: Vec<(usize, &'a str)> = candidates
        .iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()),
                *candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()).div_ceil(3))
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [(_, only)] => Nearest {
            best: Some(only),
            others: Vec::new(),
        },
        [(first, best), (second, _), ..] if first < second => Nearest {
            best: Some(best),
            others: Vec::new(),
        },
        near => Nearest {
            best: None,
            others: near.iter().take(3).map(|(_, name)| *name).collect(),
        },
    }
}
