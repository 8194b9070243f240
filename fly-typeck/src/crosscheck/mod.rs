//! What types cannot say: clashes between values that are each fine by themselves. One file for each part of a Nest.

mod accounts;
mod certificates;
mod cleartext;
mod eggs;
mod mothergoose;
mod moved;
mod names;
mod schedules;
mod uglyfox;

use fly_syntax::Span;

use crate::checked::CheckedBlock;
use crate::globals::Globals;
use crate::problems;
use crate::sink::Sink;
use crate::value::Value;

/// Looks at all checked top-level blocks of a Nest together.
pub(crate) fn check(globals: &Globals<'_>, blocks: &[CheckedBlock], sink: &mut Sink) {
    let nest = Blocks(blocks);
    eggs::check(globals, &nest, sink);
    uglyfox::check(&nest, sink);
    mothergoose::check(&nest, sink);
    schedules::check(&nest, sink);
    moved::check(globals, &nest, sink);
    cleartext::check(&nest, sink);
    token_ids(&nest, sink);
    blocks
        .iter()
        .for_each(|block| certificates::check(globals, block, sink));
}

/// The id of a Proxmox VE token that has the token's secret behind it, as Proxmox VE itself writes the two.
fn token_ids(nest: &Blocks<'_>, sink: &mut Sink) {
    for provider in nest.of("provider") {
        if let Some((id, at)) = placed_text(provider, "token_id")
            && id.contains('=')
        {
            sink.mask(at);
            sink.push(problems::plain_secret::in_token_id(at));
        }
    }
}

/// The checked top-level blocks of a Nest.
struct Blocks<'b>(&'b [CheckedBlock]);

impl<'b> Blocks<'b> {
    /// Those of one kind, in the order of the files.
    fn of(&self, kind: &'static str) -> impl Iterator<Item = &'b CheckedBlock> + use<'b> {
        self.0.iter().filter(move |block| block.name == kind)
    }

    /// The one of a kind that a Nest has at most once.
    fn single(&self, kind: &'static str) -> Option<&'b CheckedBlock> {
        self.of(kind).next()
    }
}

/// An attribute's value and where it is written.
fn placed<'b>(block: &'b CheckedBlock, name: &str) -> Option<(&'b Value, Span)> {
    let attribute = block.attribute(name)?;
    Some((attribute.value.as_ref()?, attribute.value_span))
}

/// The same for a text.
fn placed_text<'b>(block: &'b CheckedBlock, name: &str) -> Option<(&'b str, Span)> {
    let (value, span) = placed(block, name)?;
    Some((value.as_str()?, span))
}
