//! The units of attributes, so that people read in a plan what they wrote in Fly.

use fly_domain::{Duration, Size};

/// What a number of a resource counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nothing in particular.
    One,
    /// MiB: `4GiB`.
    Mebibytes,
    /// Seconds: `1h`.
    Seconds,
}

/// What the numbers of this attribute of this kind count.
#[must_use]
pub fn unit(kind: &str, attribute: &str) -> Unit {
    match (kind, attribute) {
        ("proxmox_vm", "memory" | "disk") => Unit::Mebibytes,
        ("gitlab_runner", "maximum_timeout") => Unit::Seconds,
        _ => Unit::One,
    }
}

impl Unit {
    /// The number as Fly writes it.
    #[must_use]
    pub fn text(self, number: i64) -> String {
        let positive = u64::try_from(number).ok();
        let text = match self {
            Self::One => None,
            Self::Mebibytes => positive
                .and_then(|mebibytes| mebibytes.checked_mul(1 << 20))
                .map(|bytes| Size::from_bytes(bytes).to_string()),
            Self::Seconds => positive
                .filter(|seconds| *seconds <= u64::MAX / 1000)
                .map(|seconds| Duration::from_secs(seconds).to_string()),
        };
        text.unwrap_or_else(|| number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_fly_writes_them() {
        assert_eq!(Unit::Mebibytes.text(4096), "4GiB");
        assert_eq!(Unit::Mebibytes.text(1536), "1536MiB");
        assert_eq!(Unit::Seconds.text(3600), "1h");
        assert_eq!(Unit::One.text(4096), "4096");
        assert_eq!(Unit::Seconds.text(-1), "-1");
        assert_eq!(Unit::Mebibytes.text(i64::MAX), i64::MAX.to_string());
    }
}
