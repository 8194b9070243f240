//! `Europe/Berlin`

use super::Malformed;

/// The names, one a line and in order, under the remark where they are from.
const NAMES: &str = include_str!("time_zones.txt");

/// Slips of the pen that may lie between a name and the one that was meant.
const SLIPS: usize = 2;

/// Names that are longer than this are near to none.
const LONGEST: usize = 64;

/// Whether `text` is the name of a time zone in the IANA database: `Europe/Berlin`, `UTC`.
///
/// # Errors
/// Why it is not, with the name that was meant where just one is nearest.
pub fn check_time_zone(text: &str) -> Result<(), Malformed> {
    if names().any(|name| name == text) {
        return Ok(());
    }
    let malformed = Malformed::new("the time zone database has no such name");
    Err(match meant(text) {
        Some(name) => malformed.with_suggestion(name),
        None => malformed,
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    NAMES.lines().filter(|line| !line.starts_with('#'))
}

/// The one name that is nearest: by slips of the pen, or by its city alone.
fn meant(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim().replace(' ', "_").to_ascii_lowercase();
    let distance = |name: &str| {
        let name = name.to_ascii_lowercase();
        let city = name.rsplit('/').next().unwrap_or_default();
        // A city alone is a name left incomplete, not a slip: `Local` is no typing error for `Asia/Oral`.
        let by_city = if city == text { 0 } else { SLIPS + 1 };
        strsim::osa_distance(&name, &text).min(by_city)
    };
    let mut near: Vec<(usize, &str)> = names()
        .map(|name| (distance(name), name))
        .filter(|(distance, _)| *distance <= SLIPS)
        .collect();
    near.sort_unstable();
    match near.as_slice() {
        [(_, only)] => Some(only),
        [(first, name), (second, _), ..] if first < second => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_database_are_known() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "Asia/Yekaterinburg",
            "America/Argentina/Ushuaia",
            "Etc/GMT+3",
        ] {
            assert_eq!(check_time_zone(name), Ok(()), "{name}");
        }
        assert!(names().count() > 500, "{}", names().count());
        assert!(names().is_sorted());
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        for (text, better) in [
            ("Europe/Berln", Some("Europe/Berlin")),
            ("europe/berlin", Some("Europe/Berlin")),
            ("Berlin", Some("Europe/Berlin")),
            ("America/New York", Some("America/New_York")),
            ("Mars/Olympus_Mons", None),
            ("", None),
        ] {
            let suggestion = check_time_zone(text).map_err(|malformed| malformed.suggestion);
            assert_eq!(suggestion, Err(better.map(str::to_owned)), "{text}");
        }
        assert_eq!(
            check_time_zone(&"a/".repeat(1 << 20)).map_err(|malformed| malformed.suggestion),
            Err(None)
        );
    }
}
