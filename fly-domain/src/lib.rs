//! The words of the field as types: each is parsed once, at the edge, and valid from then on.
//!
//! Every one has `parse`, which says why a text is not of its form and what to write instead, and a
//! `Display` that writes the canonical text: parsing that text gives the same value again.

use std::fmt;

/// A checked text that is kept as it was written.
macro_rules! kept_text {
    ($name:ident) => {
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

mod cidr;
mod cron;
mod duration;
mod firewall_rule;
mod fqdn;
pub mod host;
mod image;
mod path;
mod percent;
mod secret_prefix;
mod secret_uri;
mod size;
mod target;
#[cfg(test)]
mod testing;
mod text_form;
mod time_zone;
mod token;
pub mod units;
mod url;
mod version;
mod vmid_range;

pub use cidr::Cidr;
pub use cron::Cron;
pub use duration::Duration;
pub use firewall_rule::FirewallRule;
pub use fqdn::Fqdn;
pub use image::Image;
pub use path::NestPath;
pub use percent::Percent;
pub use secret_prefix::SecretPrefix;
pub use secret_uri::{Scheme, SecretBackend, SecretUri};
pub use size::Size;
pub use target::Target;
pub use text_form::TextForm;
pub use time_zone::check_time_zone;
pub use token::{TOKEN_STARTS, token_in};
pub use url::Url;
pub use url::without_credentials;
pub use version::Version;
pub use vmid_range::VmidRange;

/// Why a text is not of the form that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, as the end of "`x` is not a url: ...".
    pub reason: String,
    /// What to write instead, where that is known; it is of the form that was asked for.
    pub suggestion: Option<String>,
    /// The text without what may be a secret in it; none where it may be shown as it is.
    pub shown: Option<String>,
}

impl Malformed {
    /// With a reason only.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            suggestion: None,
            shown: None,
        }
    }

    /// The same, and what to write instead.
    #[must_use]
    pub fn with_suggestion(self, suggestion: impl Into<String>) -> Self {
        Self {
            suggestion: Some(suggestion.into()),
            ..self
        }
    }

    /// The same, and what of the text may be shown.
    #[must_use]
    pub fn shown(self, text: impl Into<String>) -> Self {
        Self {
            shown: Some(text.into()),
            ..self
        }
    }
}

/// What `read` makes of a text. Its suggestions are guesses: one that `read` itself refuses is left out.
fn read_or_suggest<T>(text: &str, read: impl Fn(&str) -> Result<T, Malformed>) -> Result<T, Malformed> {
    read(text).map_err(|malformed| Malformed {
        suggestion: malformed.suggestion.filter(|suggestion| read(suggestion).is_ok()),
        ..malformed
    })
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Malformed {}
