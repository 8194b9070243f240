//! The files that an operation makes for a machine in a storage: its NoCloud image, a disk image that was fetched.

use gosling_engine::{marker, state::digest};

/// The longest part of a Nest's name that is in a file's name.
const LONGEST: usize = 40;

/// The files of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files<'a> {
    /// The Nest, as it is in the names.
    nest: String,
    vmid: u32,
    /// The operation that made the machine.
    op: &'a str,
}

/// What the name of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named<'n> {
    /// The Nest, as [`label`] has it; `None` in names of before Nests were in them.
    pub(super) nest: Option<&'n str>,
    pub(super) vmid: u32,
    pub(super) op: &'n str,
}

impl<'a> Files<'a> {
    /// Of the machine with this number and this marker.
    pub(super) fn of(text: &'a str, vmid: u32) -> Option<Self> {
        let marker = marker::all_in(text).next()?;
        Some(Self {
            nest: label(marker.nest),
            vmid,
            op: marker.op,
        })
    }

    /// `gosling-lab-5000-abcdefghijklmnop.iso`
    pub(super) fn name(&self, ending: &str) -> String {
        let Self { nest, vmid, op } = self;
        format!("gosling-{nest}-{vmid}-{op}.{ending}")
    }

    /// Whether the machine's own operation made a file.
    pub(super) fn is_own(&self, name: &str) -> bool {
        named(name).is_some_and(|named| {
            named.vmid == self.vmid && named.op == self.op && named.nest.is_none_or(|nest| nest == self.nest)
        })
    }

    /// Whether a file was made for the machine, or for an earlier one of this Nest with its number, which is gone.
    pub(super) fn is_of_number(&self, name: &str) -> bool {
        let same = |named: Named<'_>| named.vmid == self.vmid && named.nest == Some(&self.nest);
        self.is_own(name) || named(name).is_some_and(same)
    }
}

/// What a file's name says; `None` where gosling did not choose it.
pub(super) fn named(name: &str) -> Option<Named<'_>> {
    let (stem, _) = name.strip_prefix("gosling-")?.split_once('.')?;
    let (rest, op) = stem.rsplit_once('-')?;
    let (nest, vmid) = match rest.rsplit_once('-') {
        Some((nest, vmid)) => (Some(nest), vmid),
        None => (None, rest),
    };
    let plain = !op.is_empty() && op.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let vmid = vmid.parse().ok().filter(|_| plain)?;
    Some(Named { nest, vmid, op })
}

/// A Nest's name with the letters alone that a file's name may have. Where it loses some, a digest keeps it apart from
/// others.
pub(super) fn label(nest: &str) -> String {
    let safe = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || letter == '_' => letter,
        _ => '-',
    };
    let label: String = nest.chars().take(LONGEST).map(safe).collect();
    match label == nest && !label.is_empty() {
        true => label,
        false => format!("{label}-{}", &digest(nest.as_bytes())[..8]),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const OP: &str = "abcdefghijklmnop";

    fn marked(nest: &str) -> String {
        format!("gosling:{nest}:egg.app.vm[0]:{OP}")
    }

    #[test]
    fn a_name_says_which_nest_which_machine_and_which_operation() {
        for nest in ["lab", "lab-5001", "a b: c", "Große", &"x".repeat(90)] {
            let marker = marked(nest);
            let files = Files::of(&marker, 5000).unwrap();
            let name = files.name("iso");
            let said = named(&name).unwrap();
            assert_eq!(
                said,
                Named {
                    nest: Some(&label(nest)),
                    vmid: 5000,
                    op: OP
                },
                "{name}"
            );
            assert!(files.is_own(&name) && files.is_of_number(&name), "{name}");
            assert!(
                name.len() < 100 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'),
                "{name}"
            );
        }
        assert_ne!(label("a b"), label("a-b"));
    }

    #[test]
    fn another_nest_s_file_is_not_ours_whatever_its_number() {
        let marker = marked("lab");
        let files = Files::of(&marker, 5000).unwrap();
        let earlier = "gosling-lab-5000-qqqqqqqqqqqqqqqq.iso";
        assert!(!files.is_own(earlier) && files.is_of_number(earlier));
        for name in [
            format!("gosling-other-5000-{OP}.iso"),
            format!("gosling-lab-5001-{OP}.iso"),
            "gosling-5000-qqqqqqqqqqqqqqqq.iso".to_owned(),
            "debian-12.iso".to_owned(),
        ] {
            assert!(!files.is_of_number(&name), "{name}");
        }
        // As it was called before Nests were in the names.
        assert!(files.is_own(&format!("gosling-5000-{OP}.iso")));
    }
}
