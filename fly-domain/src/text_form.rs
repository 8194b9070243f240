//! The domain words that are texts, as a value.

use std::fmt;

use super::{Cidr, Cron, FirewallRule, Fqdn, Image, Malformed, NestPath, Target, Url, Version};

/// A checked form of text: what `cron`, `url` and their like are in a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextForm {
    /// [`Cron`]
    Cron,
    /// [`Url`]
    Url,
    /// [`Fqdn`]
    Fqdn,
    /// [`Cidr`]
    Cidr,
    /// [`Image`]
    Image,
    /// [`Version`]
    Version,
    /// [`NestPath`]
    Path,
    /// [`Target`]
    Target,
    /// [`FirewallRule`]
    FirewallRule,
}

impl TextForm {
    /// Every form.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &[
            Self::Cron,
            Self::Url,
            Self::Fqdn,
            Self::Cidr,
            Self::Image,
            Self::Version,
            Self::Path,
            Self::Target,
            Self::FirewallRule,
        ]
    }

    /// Its name as a type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::Url => "url",
            Self::Fqdn => "fqdn",
            Self::Cidr => "cidr",
            Self::Image => "image",
            Self::Version => "version",
            Self::Path => "path",
            Self::Target => "target",
            Self::FirewallRule => "firewall_rule",
        }
    }

    /// Whether `text` is of this form.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(self, text: &str) -> Result<(), Malformed> {
        match self {
            Self::Cron => Cron::parse(text).map(drop),
            Self::Url => Url::parse(text).map(drop),
            Self::Fqdn => Fqdn::parse(text).map(drop),
            Self::Cidr => Cidr::parse(text).map(drop),
            Self::Image => Image::parse(text).map(drop),
            Self::Version => Version::parse(text).map(drop),
            Self::Path => NestPath::parse(text).map(drop),
            Self::Target => Target::parse(text).map(drop),
            Self::FirewallRule => FirewallRule::parse(text).map(drop),
        }
    }

    /// What it is, and an example.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Cron => {
                "five fields (minute, hour, day of the month, month, day of the week), as in `0 3 * * MON-FRI`"
            }
            Self::Url => "an absolute http or https address, as in `https://gitlab.example.com`",
            Self::Fqdn => "the full name of a host, as in `gitlab.example.com`",
            Self::Cidr => "an address and a prefix, as in `10.0.0.0/16`",
            Self::Image => "a container image, as in `registry.example.com/team/builder:1.2`",
            Self::Version => "one to three numbers, as in `17.5.2`",
            Self::Path => "a path inside the Nest, as in `scripts/build.sh`",
            Self::Target => "what a job must reach, as in `inventory.internal:443`",
            Self::FirewallRule => "who may come in, as in `10.0.0.0/8 tcp/22`",
        }
    }
}

impl fmt::Display for TextForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_description_has_a_right_example() {
        assert_eq!(TextForm::all().len(), 9);
        for form in TextForm::all() {
            let example = form.describe().split('`').nth(1).unwrap_or_default();
            assert_eq!(form.check(example), Ok(()), "{form}");
        }
    }

    #[test]
    fn checks_its_own_form() {
        for (form, text) in [
            (TextForm::Cron, "0 3 * *"),
            (TextForm::Url, "gitlab"),
            (TextForm::Fqdn, "https://a.b"),
            (TextForm::Cidr, "10.0.0.0"),
            (TextForm::Image, "A"),
            (TextForm::Version, "latest"),
            (TextForm::Path, "../x"),
            (TextForm::Target, "inventory.internal"),
            (TextForm::FirewallRule, "10.0.0.0/8 tpc/22"),
        ] {
            assert!(form.check(text).is_err(), "{form}");
        }
    }
}
