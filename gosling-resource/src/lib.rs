//! Plain words everyone to the right of the compiler speaks. No IO, no language, no cloud.

mod address;
mod harmless;
mod kind;
mod resource;
mod rollout;
mod secret;
mod template;
mod value;

pub use fly_domain::{Malformed, SecretBackend, SecretPrefix, SecretUri, VmidRange};

pub use address::{Address, AddressError};
pub use harmless::{harmless, is_acted_on, on_one_line};
pub use kind::{Attribute, Change, Kind};
pub use resource::{Origin, Properties, Resource, Resources, ResourcesError};
pub use rollout::{Rollout, Unavailable};
pub use secret::Secret;
pub use template::{Escape, Part, Template};
pub use value::{Output, Value};
