//! What of a folder is read, and what is refused.

use std::os::unix::fs::symlink;

use fly_typeck::{ReadError, Refusal};
use fly_workspace::{LIMIT, find_root, load};

use crate::support::Folder;

fn paths(folder: &Folder) -> Vec<String> {
    load(folder.root(), &[])
        .files
        .iter()
        .map(|file| file.path.to_string())
        .collect()
}

#[test]
fn files_come_in_the_order_of_their_paths_and_variables_last() {
    let folder = Folder::with(&[
        ("nest.flyvars", ""),
        ("nest.fly", ""),
        ("Lib/b.fly", ""),
        ("Lib/a.fly", ""),
        ("Eggs/z/config.fly", ""),
        ("Eggs/a-b/config.fly", ""),
        ("Eggs/a/config.fly", ""),
        ("other.flyvars", ""),
        ("README.md", ""),
    ]);
    let expected = [
        "Eggs/a-b/config.fly",
        "Eggs/a/config.fly",
        "Eggs/z/config.fly",
        "Lib/a.fly",
        "Lib/b.fly",
        "nest.fly",
        "nest.flyvars",
    ];
    assert_eq!(paths(&folder), expected);
    let files = load(folder.root(), &[]);
    assert!(
        files
            .files
            .iter()
            .zip(0..)
            .all(|(file, index)| file.id.0 == index)
    );
    assert_eq!(files.folders, ["Eggs", "Eggs/a", "Eggs/a-b", "Eggs/z", "Lib"]);
}

#[test]
fn hidden_and_ignored_files_are_not_read() {
    let folder = Folder::with(&[
        ("nest.fly", ""),
        (".gitignore", "drafts/\n*.tmp.fly\n"),
        (".git/x.fly", ""),
        (".idea/x.fly", ""),
        ("drafts/x.fly", ""),
        ("Lib/x.tmp.fly", ""),
        ("Lib/x.fly", ""),
    ]);
    assert_eq!(paths(&folder), ["Lib/x.fly", "nest.fly"]);
}

#[test]
fn a_nest_beside_the_nests_own_folders_is_another_nest() {
    let folder = Folder::with(&[
        ("nest.fly", ""),
        ("examples/small/nest.fly", ""),
        ("examples/small/Eggs/a/config.fly", ""),
        ("loose/x.fly", ""),
    ]);
    assert_eq!(paths(&folder), ["loose/x.fly", "nest.fly"]);
    let inner = find_root(&folder.path("examples/small/Eggs/a/config.fly")).unwrap();
    assert_eq!(inner, folder.path("examples/small"));
}

#[test]
fn links_out_of_the_nest_are_refused() {
    let outside = Folder::with(&[("secret.fly", "secret")]);
    let folder = Folder::with(&[("nest.fly", "")]);
    std::fs::create_dir_all(folder.path("Eggs/api")).unwrap();
    symlink(outside.path("secret.fly"), folder.path("Eggs/api/config.fly")).unwrap();
    symlink(outside.root(), folder.path("Eggs/evil")).unwrap();
    symlink("/nowhere/at/all", folder.path("Eggs/gone")).unwrap();
    symlink("neither", folder.path("Lib.fly")).unwrap();
    let files = load(folder.root(), &[]);
    // What is refused stands in the list with nothing in it, for problems to point to.
    assert_eq!(
        paths(&folder),
        [
            "nest.fly",
            "Eggs/api/config.fly",
            "Eggs/evil",
            "Eggs/gone",
            "Lib.fly"
        ]
    );
    assert!(files.files[1..].iter().all(|source| source.text().is_empty()));
    let refused: Vec<_> = files
        .refused
        .iter()
        .map(|refused| refused.path.as_str())
        .collect();
    assert_eq!(
        refused,
        ["Eggs/api/config.fly", "Eggs/evil", "Eggs/gone", "Lib.fly"]
    );
    let leaves = |index: usize| matches!(files.refused[index].reason, Refusal::LeavesNest(_));
    assert!(
        leaves(0) && leaves(1) && leaves(2) && !leaves(3),
        "{:?}",
        files.refused
    );
}

#[test]
fn links_inside_the_nest_are_followed_and_never_in_circles() {
    let folder = Folder::with(&[("nest.fly", ""), ("Lib/shared/config.fly", "x")]);
    std::fs::create_dir_all(folder.path("Eggs/loop")).unwrap();
    symlink("../Lib/shared", folder.path("Eggs/api")).unwrap();
    symlink("../..", folder.path("Eggs/loop/up")).unwrap();
    symlink("self", folder.path("Eggs/self")).unwrap();
    assert_eq!(
        paths(&folder),
        [
            "Eggs/api/config.fly",
            "Lib/shared/config.fly",
            "nest.fly",
            "Eggs/self",
            "Eggs/loop"
        ]
    );
}

#[test]
fn a_huge_file_is_refused_by_its_size() {
    let folder = Folder::with(&[("nest.fly", "")]);
    let huge = std::fs::File::create(folder.path("Lib.fly")).unwrap();
    huge.set_len(200 << 20).unwrap();
    let files = load(folder.root(), &[]);
    let reason = Refusal::TooLarge {
        bytes: 200 << 20,
        limit: LIMIT,
    };
    assert_eq!(files.refused.len(), 1);
    assert_eq!(
        (files.refused[0].path.as_str(), &files.refused[0].reason),
        ("Lib.fly", &reason)
    );
}

#[test]
fn bytes_that_are_not_text_are_kept_for_the_parser() {
    let folder = Folder::with(&[]);
    folder.write("nest.fly", b"a = \xff\n");
    let files = load(folder.root(), &[]);
    assert_eq!(files.files[0].first_invalid_byte(), Some(4));
}

#[test]
fn the_reader_never_leaves_the_nest() {
    let outside = Folder::with(&[("secret.txt", "secret")]);
    let folder = Folder::with(&[("nest.fly", ""), ("scripts/a.sh", "echo"), ("raw", "x")]);
    folder.write("bytes", b"\xff");
    symlink(outside.path("secret.txt"), folder.path("scripts/link")).unwrap();
    symlink("a.sh", folder.path("scripts/inner")).unwrap();
    std::fs::File::create(folder.path("huge"))
        .unwrap()
        .set_len(LIMIT + 1)
        .unwrap();
    let reader = load(folder.root(), &[]).reader;
    assert_eq!(reader.read("scripts/a.sh").as_deref(), Ok("echo"));
    assert_eq!(reader.read("scripts/../raw").as_deref(), Ok("x"));
    assert_eq!(reader.read("scripts/inner").as_deref(), Ok("echo"));
    assert_eq!(reader.read("../../etc/passwd"), Err(ReadError::OutsideNest));
    assert_eq!(reader.read("/etc/passwd"), Err(ReadError::OutsideNest));
    assert_eq!(reader.read("scripts/link"), Err(ReadError::OutsideNest));
    assert_eq!(reader.read("none"), Err(ReadError::Missing));
    assert_eq!(reader.read("bytes"), Err(ReadError::NotText));
    assert_eq!(reader.read("huge"), Err(ReadError::TooLarge(LIMIT + 1)));
    assert!(matches!(reader.read("scripts"), Err(ReadError::Unreadable(_))));
}
