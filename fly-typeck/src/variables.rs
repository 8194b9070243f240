//! Values for variables, as they come from outside.

use smol_str::SmolStr;

/// Values given from outside, weakest first; `.flyvars` files of the Nest are weaker still.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// In the order in which later ones win.
    pub given: Vec<Given>,
}

/// One value given from outside.
#[derive(Debug, Clone)]
pub struct Given {
    /// The variable's name.
    pub name: SmolStr,
    /// The value: verbatim for a string variable, else read as a Fly literal.
    pub text: String,
    /// How it was given, for messages: `--var region`, `GOSLING_VAR_region`.
    pub origin: String,
}

impl Given {
    /// What a name in the environment starts with that gives a value to a variable.
    pub const ENVIRONMENT_PREFIX: &str = "GOSLING_VAR_";

    /// Whether the environment gives it.
    #[must_use]
    pub fn from_environment(&self) -> bool {
        self.origin.starts_with(Self::ENVIRONMENT_PREFIX)
    }
}
