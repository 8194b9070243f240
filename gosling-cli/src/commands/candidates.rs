//! What a shell may complete a word to: names of the Nest, addresses, codes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use fly_codegen::Source;
use fly_typeck::Variables;
use fly_workspace::{check_root, find_root};
use gosling_resource::Address;

/// Where the Nest of the words so far is looked for: candidates are made without seeing those words.
static START: OnceLock<PathBuf> = OnceLock::new();

/// Says where the Nest is looked for.
pub(super) fn look_in(folder: PathBuf) {
    // Where it is set already, this process has answered before, as only tests make it.
    let _ = START.set(folder);
}

/// The root of the Nest.
fn root() -> Option<PathBuf> {
    find_root(START.get()?)
}

fn candidates(words: impl IntoIterator<Item = impl Into<OsString>>) -> Vec<CompletionCandidate> {
    words.into_iter().map(CompletionCandidate::new).collect()
}

/// The labels of the Nest's blocks of these kinds.
fn labels(kinds: &[&str]) -> BTreeSet<String> {
    let Some(root) = root() else {
        return BTreeSet::new();
    };
    let mut labels = BTreeSet::new();
    for file in &fly_workspace::load(&root, &[]).files {
        for block in fly_syntax::parse(file).tree.body.blocks() {
            let label = block.labels.first().and_then(|label| label.text.literal());
            if let Some(label) = label.filter(|_| kinds.contains(&block.kind.name.as_str())) {
                labels.insert(label.to_string());
            }
        }
    }
    labels
}

/// The addresses of all that the Nest asks for, as far as that is known without asking anybody.
fn known() -> Vec<Address> {
    let Some(root) = root() else { return Vec::new() };
    let checked = check_root(&root, &[], &Variables::default());
    let Some(nest) = checked.checked.nest() else {
        return Vec::new();
    };
    let source = Source {
        nest: &nest,
        blocks: &checked.checked.blocks,
        files: &checked.files,
    };
    let resources = fly_codegen::lower_unasked(&source, None).unwrap_or_default();
    resources
        .iter()
        .map(|resource| resource.address.clone())
        .collect()
}

/// Eggs and eggsbuckets by their labels.
pub(crate) fn eggs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(labels(&["egg", "eggsbucket"])))
}

/// Presets by their labels.
pub(crate) fn presets() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(labels(&["preset"])))
}

/// Resources by their addresses.
pub(crate) fn addresses() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(known().iter().map(ToString::to_string)))
}

/// Blocks, parts of them and resources: what `--target` takes.
pub(crate) fn targets() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let parts = known().into_iter().flat_map(|address| {
            let block = address.block();
            let part = format!("{block}.{}", address.part);
            [block, part, address.to_string()]
        });
        candidates(parts.collect::<BTreeSet<_>>())
    })
}

/// Codes of problems, block kinds and attributes.
pub(crate) fn explained() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let codes = fly_workspace::problem_kinds()
            .into_iter()
            .map(|kind| kind.code.to_owned());
        candidates(codes.chain(fly_typeck::reference::names()))
    })
}
