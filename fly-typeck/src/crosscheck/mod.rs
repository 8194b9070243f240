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

use fly_domain::Malformed;
use fly_syntax::{Problem, Span};

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
    state_path(&nest, sink);
    blocks
        .iter()
        .for_each(|block| certificates::check(globals, block, sink));
}

/// The id of a Proxmox VE token: without the token's secret behind it, as Proxmox VE itself writes the two, and with all
/// of its parts.
fn token_ids(nest: &Blocks<'_>, sink: &mut Sink) {
    for provider in nest.of("provider") {
        let Some((id, at)) = placed_text(provider, "token_id") else {
            continue;
        };
        if id.contains('=') {
            sink.mask(at);
            sink.push(problems::plain_secret::in_token_id(at));
        } else if let Err(malformed) = token_id(id) {
            if malformed.shown.is_some() {
                sink.mask(at);
            }
            sink.push(problems::malformed::problem(at, "token id", id, &malformed));
        }
    }
}

/// Reads `user@realm!name`. What is no account's name may be a secret, and is not shown.
fn token_id(id: &str) -> Result<(), Malformed> {
    let (account, name) = id.split_once('!').unwrap_or((id, ""));
    match account.rsplit_once('@') {
        None => Err(Malformed::new("it is `user@realm!name`").shown("...")),
        Some((user, realm)) if user.is_empty() || realm.is_empty() || name.is_empty() => Err(Malformed::new(
            "it is `user@realm!name`, where `name` is the token's",
        )),
        Some(_) => Ok(()),
    }
}

/// A local state in another folder than the Nest's is not for the Nest to say.
fn state_path(nest: &Blocks<'_>, sink: &mut Sink) {
    let path = nest.single("state").and_then(|state| state.attribute("path"));
    let Some(at) = path.map(|path| path.value_span) else {
        return;
    };
    let malformed =
        |problem: &&mut Problem| std::ptr::eq(problem.kind, &problems::malformed::KIND) && problem.span == at;
    if let Some(problem) = sink.problems.iter_mut().find(malformed) {
        problem.help = Some(
            "write a folder of the Nest, as `.gosling`; `GOSLING_STATE` names one outside of it, without the `path`"
                .to_owned(),
        );
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
