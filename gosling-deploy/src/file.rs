//! Files that a person names on the command line or in the environment.

use std::path::Path;

use crate::failure::Failure;

/// The largest plan or state that is read, in bytes: those of 100,000 resources are half of it.
pub const LARGEST: u64 = 256 << 20;

/// Reads a file that a person named, a regular one of at most so many bytes.
pub fn read_named(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    fly_workspace::read_up_to(path, limit).map_err(|refusal| {
        Failure::new(format!(
            "cannot read {}: {}",
            path.display(),
            fly_workspace::refusal_message(&refusal)
        ))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_names_is_a_regular_file_of_a_bounded_size() {
        let refused = |path: &Path| read_named(path, 8).unwrap_err().to_string();
        assert_eq!(
            refused(Path::new("/dev/zero")),
            "cannot read /dev/zero: not a regular file"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.json");
        assert!(refused(&file).contains("no such file"), "{}", refused(&file));
        std::fs::write(&file, "12345678").unwrap();
        assert_eq!(read_named(&file, 8).unwrap(), b"12345678");
        std::fs::write(&file, "123456789").unwrap();
        assert!(
            refused(&file).contains("9 bytes, more than the 8 that are read"),
            "{}",
            refused(&file)
        );
    }
}
