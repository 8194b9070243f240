//! `moved`: a change of name that is not a change of machine.

use super::AddressName;
use crate::block;

block! {
    /// Says that something has a new name and is still the same thing, so that a plan renames it instead of destroying
    /// it and making another. It may be removed once every state has seen it.
    pub struct Moved("moved") {
        attributes {
            /// The old address, as in `egg.old`; it need not exist any more.
            from: AddressName;
            /// The new address, as in `egg.new`; it must exist.
            to: AddressName;
        }
    }
}
