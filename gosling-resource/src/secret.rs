//! The value of a secret for the moment it is needed.

use std::fmt;

use zeroize::Zeroize;

/// A secret's value between its backend and the request that needs it. It cannot be printed or saved, is wiped when
/// it is dropped, and is only read where [`Secret::expose`] is written.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a value over.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself: for the body or the header of a request, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_printed() {
        assert_eq!(
            format!("{:?}", Some(Secret::new("hunter2".into()))),
            "Some((secret))"
        );
    }
}
