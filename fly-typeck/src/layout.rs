//! Where files and blocks may stand in a Nest.

use fly_syntax::tree::Block;
use fly_syntax::{FileId, PieceKind, SourceFile, Span, SyntaxTree};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::declared::{Declared, Top};
use crate::files::{NestFiles, Refusal};
use crate::problems;
use crate::schema::Place;
use crate::sink::Sink;

/// What a file's path says it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot<'p> {
    /// `nest.fly`
    Root,
    /// `Eggs/<name>/config.fly`
    Egg(&'p str),
    /// `Jobs/<name>.fly`
    Job(&'p str),
    /// `UF/config.fly`, `MG/config.fly`, `RF/config.fly`
    Config(&'p str),
    /// `Lib/*.fly`
    Lib,
    /// Nowhere that a `.fly` file belongs.
    Elsewhere,
}

fn spot(path: &str) -> Spot<'_> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["nest.fly"] => Spot::Root,
        ["Eggs", name, "config.fly"] => Spot::Egg(name),
        ["Jobs", file] => Spot::Job(file.strip_suffix(".fly").unwrap_or(file)),
        [folder @ ("UF" | "MG" | "RF"), "config.fly"] => Spot::Config(folder),
        ["Lib", _] => Spot::Lib,
        _ => Spot::Elsewhere,
    }
}

/// What could not be read.
pub(crate) fn refused(files: &NestFiles, sink: &mut Sink) {
    for refused in &files.refused {
        let path = &refused.path;
        let at = files.place(path);
        sink.push(match &refused.reason {
            Refusal::LeavesNest(to) => problems::leaves_nest::problem(at, path, to),
            Refusal::TooLarge { bytes, limit } => problems::too_large::problem(at, path, *bytes, *limit),
            Refusal::Unreadable(reason) => problems::unreadable::problem(at, path, reason),
        });
    }
}

/// Every block in its folder, every folder with its file. Gives the folders and files of eggs and jobs whose label is
/// another.
pub(crate) fn check(
    files: &NestFiles,
    declared: &Declared<'_>,
    nest_files: &[(&SourceFile, &SyntaxTree)],
    sink: &mut Sink,
) -> FxHashSet<SmolStr> {
    let paths: FxHashMap<FileId, &str> = nest_files
        .iter()
        .map(|(source, _)| (source.id, &*source.path))
        .collect();
    for (source, tree) in nest_files {
        unseen(source, tree, sink);
        if source.has_bom() {
            sink.push(problems::byte_order_mark::problem(Span::new(
                source.id,
                0..'\u{feff}'.len_utf8(),
            )));
        }
        if spot(&source.path) == Spot::Elsewhere {
            let at = tree
                .body
                .blocks()
                .next()
                .map_or(Span::new(source.id, 0..0), |block| block.header);
            sink.push(problems::unknown_place::problem(at, &source.path));
        }
    }
    let mut holders: FxHashMap<FileId, &Block> = FxHashMap::default();
    let mut singles: FxHashMap<&str, Span> = FxHashMap::default();
    let mut mislabelled = FxHashSet::default();
    for top in &declared.tops {
        let path = paths.get(&top.file).copied().unwrap_or_default();
        mislabelled.extend(block(top, path, declared, &mut holders, &mut singles, sink));
    }
    folders(files, declared, &paths, &holders, sink);
    mislabelled
}

/// One block in its place; the name that its label ought to be or start with, where it is another.
fn block<'t>(
    top: &Top<'t>,
    path: &str,
    declared: &Declared<'_>,
    holders: &mut FxHashMap<FileId, &'t Block>,
    singles: &mut FxHashMap<&'t str, Span>,
    sink: &mut Sink,
) -> Option<SmolStr> {
    let kind = top.schema().kind;
    let header = top.block.header;
    let here = spot(path);
    let fits = match (top.kind.place, here) {
        // A file in no place of its own is one problem already.
        (_, Spot::Elsewhere) | (Place::Anywhere, _) | (Place::NestFile, Spot::Root) => true,
        (Place::Egg, Spot::Egg(_)) | (Place::Job, Spot::Job(_)) => true,
        (Place::Uglyfox, Spot::Config(folder)) => folder == "UF",
        (Place::Mothergoose, Spot::Config(folder)) => folder == "MG",
        (Place::Rift, Spot::Config(folder)) => folder == "RF",
        _ => false,
    };
    if !fits {
        sink.push(problems::misplaced::problem(
            header,
            kind,
            path,
            top.kind.place.path(),
        ));
        return None;
    }
    if top.kind.single {
        if let Some(first) = singles.get(kind) {
            sink.push(problems::defined_twice::problem(kind, "", header, *first));
            return None;
        }
        singles.insert(kind, header);
    }
    let wanted = match (top.kind.place, here) {
        (Place::Egg, Spot::Egg(name)) | (Place::Job, Spot::Job(name)) => name,
        _ => return None,
    };
    if let Some(first) = holders.get(&top.file) {
        // Two of one name are one problem already.
        if label_text(first) != label_text(top.block) {
            sink.push(problems::several::problem(header, first.header, path, kind));
        }
        return None;
    }
    holders.insert(top.file, top.block);
    let label = top.block.labels.first()?;
    let repeats = top.repeats();
    let start = label.text.literal_start();
    let fits = if repeats {
        start
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with(['-', '_']))
    } else {
        label.text.literal().is_none_or(|text| text == wanted)
    };
    // A copied file whose label was forgotten is a name defined twice: one mistake, said once.
    let twice = || {
        label
            .text
            .literal()
            .is_some_and(|text| declared.twice.contains(&text))
    };
    if fits || twice() {
        return None;
    }
    let text = label.text.literal().unwrap_or_else(|| start.into());
    sink.push(problems::label_folder::problem(
        label.span, &text, wanted, repeats,
    ));
    Some(SmolStr::new(wanted))
}

fn label_text(block: &Block) -> Option<SmolStr> {
    block.labels.first()?.text.literal()
}

/// `Eggs/<name>/` without its file, or with a file that holds no egg.
fn folders(
    files: &NestFiles,
    declared: &Declared<'_>,
    paths: &FxHashMap<FileId, &str>,
    holders: &FxHashMap<FileId, &Block>,
    sink: &mut Sink,
) {
    let mut with_file: FxHashSet<&str> = FxHashSet::default();
    let mut ids: Vec<(&FileId, &&str)> = paths.iter().collect();
    ids.sort_unstable();
    let used: FxHashSet<FileId> = declared.tops.iter().map(|top| top.file).collect();
    for (file, path) in ids {
        match spot(path) {
            Spot::Egg(name) => {
                with_file.insert(name);
                let ghost = declared.ghosts.contains(name);
                if !holders.contains_key(file) && !ghost && !used.contains(file) {
                    sink.push(problems::empty_folder::problem(Span::new(*file, 0..0), path));
                }
            }
            Spot::Job(name) => {
                let ghost = declared.ghosts.contains(name);
                if !holders.contains_key(file) && !ghost && !used.contains(file) {
                    sink.push(problems::empty_folder::problem(Span::new(*file, 0..0), path));
                }
            }
            _ => {}
        }
    }
    for folder in &files.folders {
        let Some(name) = folder.strip_prefix("Eggs/").filter(|name| !name.contains('/')) else {
            continue;
        };
        if !with_file.contains(name) && !declared.ghosts.contains(name) {
            sink.push(problems::empty_folder::problem(files.place(folder), folder));
        }
    }
}

/// Characters in texts and comments that nobody sees. In code they are problems of the syntax.
fn unseen(source: &SourceFile, tree: &SyntaxTree, sink: &mut Sink) {
    let text = source.text();
    let controls = text.bytes().fold(false, |any, byte| {
        any | (byte < 0x20 && byte != b'\n' && byte != b'\t' && byte != b'\r') | (byte == 0x7f)
    });
    if text.is_ascii() && !controls {
        return;
    }
    for piece in tree.pieces(source) {
        if !matches!(piece.kind, PieceKind::Literal | PieceKind::Comment) {
            continue;
        }
        let shown = source.slice(piece.span);
        let mut before = None;
        for (at, character) in shown.char_indices() {
            let repeats = before == Some(character);
            // Two signs joined to one, as in many scripts and pictures, are seen.
            let joins = matches!(character, '\u{200c}' | '\u{200d}')
                && before.is_some_and(|before: char| !before.is_ascii());
            before = Some(character);
            if repeats || joins {
                continue;
            }
            if let Some((name, "")) = fly_syntax::invisible(character) {
                let start = piece.span.start as usize + at;
                let span = Span::new(source.id, start..start + character.len_utf8());
                sink.push(problems::unseen::problem(span, character, name));
            }
        }
    }
}
