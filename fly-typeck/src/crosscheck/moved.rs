//! `moved`: what is moved to must exist.

use smol_str::SmolStr;

use super::{Blocks, placed_text};
use crate::globals::Globals;
use crate::problems;
use crate::sink::Sink;

pub(super) fn check(globals: &Globals<'_>, nest: &Blocks<'_>, sink: &mut Sink) {
    for moved in nest.of("moved") {
        let Some((address, at)) = placed_text(moved, "to") else {
            continue;
        };
        let Some((kind, name)) = address.split_once('.') else {
            continue;
        };
        let name = SmolStr::new(name);
        if globals.entity(kind, &name).is_none() && !globals.may_be_hidden(kind, &name) {
            let names = globals.names_under(kind);
            sink.push(problems::unknown_reference::problem(
                at,
                at,
                globals.what(kind),
                &name,
                &names,
            ));
        }
    }
}
