//! `gosling fmt`

use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::Folder;

const UGLY: &str = "locals {\na=1 # one\n}\n";
const NEAT: &str = "locals {\n  a = 1 # one\n}\n";
const BROKEN: &str = "locals {\n  a = \n";

#[test]
fn files_are_written_in_canonical_form_and_named() {
    let folder = Folder::with(&[
        ("Lib/a.fly", UGLY),
        ("Lib/b.fly", NEAT),
        ("nest.flyvars", "x=1\n"),
    ]);
    std::fs::set_permissions(folder.path("Lib/a.fly"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let ran = folder.run(&["fmt"]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "Lib/a.fly\nnest.flyvars\n", "")
    );
    assert_eq!(
        (
            folder.read("Lib/a.fly").as_str(),
            folder.read("nest.flyvars").as_str()
        ),
        (NEAT, "x = 1\n")
    );
    let mode = folder.path("Lib/a.fly").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o640);
    assert_eq!(
        std::fs::read_dir(folder.path("Lib")).unwrap().count(),
        2,
        "no file is left behind"
    );
    assert_eq!(folder.run(&["fmt"]).out, "");
}

#[test]
fn check_changes_nothing_and_exits_one() {
    let folder = Folder::with(&[("Lib/a.fly", UGLY)]);
    let ran = folder.run(&["fmt", "--check"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "Lib/a.fly\n"));
    assert_eq!(folder.read("Lib/a.fly"), UGLY);
    folder.write("Lib/a.fly", NEAT);
    assert_eq!(folder.run(&["fmt", "--check"]).code, 0);
}

#[test]
fn diff_shows_the_change() {
    let folder = Folder::with(&[("Lib/a.fly", UGLY)]);
    let ran = folder.run(&["fmt", "--check", "--diff", "Lib"]);
    assert_eq!(ran.code, 1);
    let expected =
        "--- a/Lib/a.fly\n+++ b/Lib/a.fly\n@@ -1,3 +1,3 @@\n locals {\n-a=1 # one\n+  a = 1 # one\n }\n";
    assert_eq!(ran.out, expected);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::with(&[]);
    for text in [UGLY, NEAT] {
        let ran = folder.run_with_input(&["fmt", "--stdin"], text);
        assert_eq!((ran.code, ran.out.as_str()), (0, NEAT));
    }
    assert_eq!(
        folder.run_with_input(&["fmt", "--stdin", "--check"], UGLY).code,
        1
    );
    let broken = folder.run_with_input(&["fmt", "--stdin"], BROKEN);
    assert_eq!((broken.code, broken.out.as_str()), (1, ""));
}

#[test]
fn a_broken_file_is_left_alone_and_its_neighbours_are_not() {
    let folder = Folder::with(&[("Lib/a.fly", BROKEN), ("Lib/b.fly", UGLY)]);
    let ran = folder.run(&["fmt"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "Lib/b.fly\n"));
    assert!(ran.err.starts_with("Lib/a.fly: left as it is, "), "{}", ran.err);
    assert_eq!(folder.read("Lib/a.fly"), BROKEN);
}

#[test]
fn ignored_files_are_formatted_only_when_named() {
    let folder = Folder::with(&[
        ("nest.fly", NEAT),
        (".gitignore", "drafts\n"),
        ("drafts/a.fly", UGLY),
    ]);
    assert_eq!(folder.run(&["fmt"]).out, "");
    assert_eq!(folder.run(&["fmt", "drafts/a.fly"]).out, "drafts/a.fly\n");
}

#[test]
fn a_link_stays_a_link() {
    let folder = Folder::with(&[("real.fly", UGLY)]);
    symlink("real.fly", folder.path("link.fly")).unwrap();
    assert_eq!(folder.run(&["fmt", "link.fly"]).out, "link.fly\n");
    assert!(folder.path("link.fly").symlink_metadata().unwrap().is_symlink());
    assert_eq!(folder.read("real.fly"), NEAT);
}

#[test]
fn a_diff_shows_no_secret() {
    let text =
        "provider \"gitlab\" {\n    server = \"gitlab.example.com\"\n    token = \"hunter2hunter2\"\n}\n";
    let folder = Folder::with(&[
        ("nest.fly", text),
        ("nest.flyvars", "tok   =  \"hunter2hunter2\"\n"),
    ]);
    // Nor does it where the secret has lines of its own.
    let nested = "a {\n  secret_key =  <<-EOT\n      {\"key\": \"hunter2\"}\n  EOT\n}\n";
    let ran = folder.run_with_input(&["fmt", "--stdin", "--diff"], nested);
    assert!(
        ran.out.contains("***MASKED***") && !ran.out.contains("hunter2"),
        "{ran:?}"
    );
    let ran = folder.run(&["fmt", "--check", "--diff"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("+  token = \"***MASKED***\""), "{}", ran.out);
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    let ran = folder.run(&[
        "add",
        "egg",
        "t",
        "--use",
        "x",
        "--project-id",
        "1",
        "--token",
        "hunter2hunter2",
    ]);
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
}

#[test]
fn where_there_is_nothing_to_format_a_check_is_not_green() {
    let outside = Folder::with(&[("README.md", "")]);
    for args in [&["fmt", "--check"][..], &["fmt"], &["fmt", "--check", "."]] {
        let ran = outside.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
    }
    assert!(outside.run(&["fmt"]).err.contains("is not in a Nest"));
}
