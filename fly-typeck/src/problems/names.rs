//! The names a Nest declares of one kind, and which of them was meant.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHasher};
use smol_str::SmolStr;

use super::suggest::{self, FEW, LONGEST, Nearest, OFFERED};

/// So many names that may be one slip away are looked at; where there are more, too many are equally near anyway.
const LOOKED_AT: usize = 64;

/// Names, to be asked for the nearest as often as there are unknown ones.
#[derive(Debug)]
pub(crate) struct Names {
    all: Vec<SmolStr>,
    /// Which names are left when a letter, or none, is taken away: two names that are one slip apart share such a rest.
    rests: OnceLock<FxHashMap<u64, Vec<u32>>>,
}

impl Names {
    pub(crate) fn new(all: Vec<SmolStr>) -> Self {
        Self {
            all,
            rests: OnceLock::new(),
        }
    }

    #[cfg(test)]
    pub(crate) fn of(names: &[&str]) -> Self {
        Self::new(names.iter().map(SmolStr::new).collect())
    }

    /// In the order they were given.
    pub(crate) fn all(&self) -> &[SmolStr] {
        &self.all
    }

    /// The names nearest to `name`. Where there are hundreds, only one slip is forgiven: those that are further apart
    /// are mostly other names, and a Nest of ten thousand eggs may have ten thousand slips.
    pub(crate) fn nearest(&self, name: &str) -> Nearest<'_> {
        if self.all.len() <= FEW {
            let all: Vec<&str> = self.all.iter().map(SmolStr::as_str).collect();
            return suggest::nearest(name, &all);
        }
        let rests = self.rests.get_or_init(|| self.rests());
        let folded = suggest::fold(name);
        let mut near: Vec<u32> = hashes(&folded)
            .filter_map(|hash| rests.get(&hash))
            .flat_map(|names| names.iter().copied().take(LOOKED_AT))
            .collect();
        near.sort_unstable();
        near.dedup();
        let mut least = 1;
        let mut names = Vec::new();
        for known in near.into_iter().filter_map(|index| self.all.get(index as usize)) {
            let other = suggest::fold(known);
            let distance = if other == folded {
                0
            } else if other.chars().count() > LONGEST || folded.chars().count() > LONGEST {
                continue;
            } else {
                strsim::osa_distance(&folded, &other)
            };
            if distance > least {
                continue;
            }
            if distance < least {
                least = distance;
                names.clear();
            }
            names.push(known.as_str());
        }
        if names.len() <= OFFERED {
            suggest::likelier_first(&mut names, &folded);
        }
        suggest::few(names, true)
    }

    fn rests(&self) -> FxHashMap<u64, Vec<u32>> {
        let mut rests: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        for (name, index) in self.all.iter().zip(0_u32..) {
            for hash in hashes(&suggest::fold(name)) {
                let names = rests.entry(hash).or_default();
                if names.last() != Some(&index) {
                    names.push(index);
                }
            }
        }
        rests
    }
}

/// The hash of a name, and of each of its rests without one letter where it is not endless.
fn hashes(folded: &str) -> impl Iterator<Item = u64> + '_ {
    let short = folded.chars().count() <= LONGEST;
    let without = folded.char_indices().filter(move |_| short).map(|(at, letter)| {
        let (before, after) = (&folded[..at], &folded[at + letter.len_utf8()..]);
        hash(before.chars().chain(after.chars()))
    });
    std::iter::once(hash(folded.chars())).chain(without)
}

fn hash(letters: impl Iterator<Item = char>) -> u64 {
    let mut hasher = FxHasher::default();
    letters.for_each(|letter| letter.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many() -> Names {
        let numbered = (0..1000).map(|index| SmolStr::new(format!("svc-{index:03}")));
        let named = ["gateway", "billing"].map(SmolStr::new_static);
        Names::new(numbered.chain(named).collect())
    }

    #[test]
    fn one_slip_is_found_among_many_names() {
        let names = many();
        for slip in [
            "gatewy", "gatewayy", "gateway ", "gatewya", "gbteway", "Gateway", "ateway",
        ] {
            let nearest = names.nearest(slip);
            assert_eq!(
                (nearest.names.as_slice(), nearest.certain),
                (&["gateway"][..], true),
                "{slip}"
            );
        }
        assert_eq!(names.nearest("svc_007").names, ["svc-007"]);
    }

    #[test]
    fn names_that_are_further_apart_or_too_many_are_not_offered() {
        let names = many();
        for far in ["gtwy", "svc-1234567", "svc-00x", "", &"a".repeat(1 << 20)] {
            assert_eq!(names.nearest(far).names, [""; 0], "{far}");
        }
    }

    #[test]
    fn few_names_are_held_against_each_as_ever() {
        let names = Names::of(&["gateway", "billing"]);
        assert_eq!(
            names.nearest("gtwy").names,
            suggest::nearest("gtwy", &["gateway", "billing"]).names
        );
        assert_eq!(names.nearest("gatwy").names, ["gateway"]);
    }
}
