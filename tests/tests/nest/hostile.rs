//! Nests that somebody made to do harm, or that a disk or an editor spoiled: each is told from the others, by its
//! place and in words, and none makes `gosling` stop in the middle.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use crate::disk::{Nest, egg};

/// More than anybody reads.
const MANY: usize = 10_000;

#[test]
fn a_sound_nest_has_no_problem() {
    assert_eq!(
        Nest::with(&[("Eggs/api/config.fly", &egg("api"))]).problems(),
        [""; 0]
    );
}

#[test]
fn a_link_out_of_the_nest_is_refused_and_not_followed() {
    let outside = Nest::with(&[("secret.fly", "egg \"stolen\" { type = \"vm\" }\n")]);
    let nest = Nest::with(&[]);
    std::fs::create_dir_all(nest.path("Eggs/api")).unwrap();
    symlink(outside.path("secret.fly"), nest.path("Eggs/api/config.fly")).unwrap();
    let target = outside.path("secret.fly").canonicalize().unwrap();
    let said = format!(
        "FLY604 Eggs/api/config.fly:1:1-1:1 Eggs/api/config.fly is a link to {}, outside the Nest",
        target.display()
    );
    assert_eq!(nest.problems(), [said]);
}

#[test]
fn a_file_outside_the_nest_is_not_read() {
    let nest = Nest::with(&[("Lib/a.fly", "locals {\n  users = file(\"../../etc/passwd\")\n}\n")]);
    assert_eq!(
        nest.problems(),
        ["FLY607 Lib/a.fly:2:16-2:34 ../../etc/passwd is outside the Nest"]
    );
    let through = Nest::with(&[("Lib/a.fly", "locals {\n  users = file(\"users\")\n}\n")]);
    symlink("/etc/passwd", through.path("users")).unwrap();
    assert_eq!(
        through.problems(),
        [
            "FLY607 Lib/a.fly:2:16-2:23 users is outside the Nest",
            "FLY604 users:1:1-1:1 users is a link to /etc/passwd, outside the Nest"
        ]
    );
    assert!(!through.run(&["eval", "local.users"]).out.contains("root"));
}

#[test]
fn a_huge_file_is_refused_by_its_size() {
    let nest = Nest::with(&[("Eggs/x/config.fly", "")]);
    let file = std::fs::File::create(nest.path("Eggs/x/config.fly")).unwrap();
    file.set_len(200 << 20).unwrap();
    assert_eq!(
        nest.problems(),
        [
            "FLY605 Eggs/x/config.fly:1:1-1:1 Eggs/x/config.fly is too large to read: 209 MB, and 4194 kB is the most"
        ]
    );
}

#[test]
fn bytes_that_are_no_text_are_pointed_at() {
    let nest = Nest::with(&[]);
    nest.write("Lib/a.fly", b"locals {\n  name = \"caf\xe9\"\n}\n");
    assert_eq!(
        nest.problems(),
        ["FLY119 Lib/a.fly:2:14-2:15 this file is not UTF-8: the byte 0xE9 stands here"]
    );
}

#[test]
fn a_byte_order_mark_is_one_problem_and_hides_nothing() {
    let broken = egg("api").replace("cpu = 2", "cpu = 9999");
    let nest = Nest::with(&[("Eggs/api/config.fly", &format!("\u{feff}{broken}"))]);
    assert_eq!(
        nest.problems(),
        [
            "FLY903 Eggs/api/config.fly:1:1-1:2 the file starts with a byte order mark",
            "FLY303 Eggs/api/config.fly:10:11-10:15 `9999` is out of range: it goes from `1` to `512`"
        ]
    );
}

#[test]
fn windows_line_ends_are_as_good_as_others() {
    let text = egg("api").replace('\n', "\r\n");
    let nest = Nest::with(&[("Eggs/api/config.fly", &text)]);
    assert_eq!(nest.problems(), [""; 0]);
    nest.write("Eggs/api/config.fly", text.replace("memory", "memmory"));
    assert_eq!(
        nest.problems(),
        ["FLY401 Eggs/api/config.fly:11:5-11:12 `resources` has no attribute `memmory`"]
    );
}

#[test]
fn one_name_in_two_files_is_said_at_the_later_one() {
    let nest = Nest::with(&[
        ("Eggs/api/config.fly", &egg("api")),
        ("Eggs/web/config.fly", &egg("api")),
    ]);
    assert_eq!(
        nest.problems(),
        ["FLY208 Eggs/web/config.fly:1:1-1:10 the egg `api` is defined twice"]
    );
}

/// The first thousand are shown, and every format says how many more there are.
fn assert_bounded(nest: &Nest, count: usize, first: &str, last: &str) {
    let problems = nest.problems();
    assert_eq!(problems.len(), 1000);
    assert_eq!((problems[0].as_str(), problems[999].as_str()), (first, last));
    let more = format!("... and {} problems more, not shown here", count - 1000);
    let human = nest.run(&["validate"]).out;
    let (code, _) = first.split_once(' ').unwrap();
    assert_eq!(human.lines().filter(|line| line.trim() == code).count(), 1000);
    assert!(human.contains(&more), "{}", &human[human.len() - 300..]);
    assert!(human.len() < 1 << 20, "{} bytes", human.len());
    for format in ["json", "sarif", "gitlab", "github"] {
        let out = nest.run(&["validate", "--format", format]).out;
        assert!(out.contains(&(count - 1000).to_string()), "{format}");
        assert!(out.len() < 2 << 20, "{format}: {} bytes", out.len());
    }
}

#[test]
fn ten_thousand_mistakes_are_all_found() {
    let nest = Nest::with(&[]);
    for index in 0..MANY {
        let name = format!("x{index:05}");
        let text = egg(&name).replace("project_id = 1", &format!("project_id = {}", index + 1));
        nest.write(
            &format!("Eggs/{name}/config.fly"),
            text.replace("memory =", "memmory ="),
        );
    }
    assert_bounded(
        &nest,
        MANY,
        "FLY401 Eggs/x00000/config.fly:11:5-11:12 `resources` has no attribute `memmory`",
        "FLY401 Eggs/x00999/config.fly:11:5-11:12 `resources` has no attribute `memmory`",
    );
}

#[test]
fn ten_thousand_unknown_names_are_held_against_ten_thousand_known_ones() {
    let mut names = String::from("locals {\n");
    let mut references = String::from("locals {\n  all = [\n");
    for index in 0..MANY {
        writeln!(names, "  known_{index:04} = {index}").unwrap();
        writeln!(references, "    local.x{index:04},").unwrap();
    }
    names.push_str("}\n");
    references.push_str("  ]\n}\n");
    let nest = Nest::with(&[("Lib/a.fly", &names), ("Lib/b.fly", &references)]);
    assert_bounded(
        &nest,
        MANY,
        "FLY201 Lib/b.fly:3:5-3:16 there is no local `x0000`",
        "FLY201 Lib/b.fly:1002:5-1002:16 there is no local `x0999`",
    );
}

#[test]
fn thousands_of_unknown_fields_are_held_against_thousands_of_known_ones() {
    let count = 2000;
    let mut fields = String::from("locals {\n  one = {\n");
    let mut references = String::from("locals {\n  all = [\n");
    for index in 0..count {
        writeln!(fields, "    known_{index:04} = {index}").unwrap();
        writeln!(references, "    local.one.x{index:04},").unwrap();
    }
    fields.push_str("  }\n}\n");
    references.push_str("  ]\n}\n");
    let nest = Nest::with(&[("Lib/a.fly", &fields), ("Lib/b.fly", &references)]);
    assert_bounded(
        &nest,
        count,
        "FLY210 Lib/b.fly:3:15-3:20 the object has no field `x0000`",
        "FLY210 Lib/b.fly:1002:15-1002:20 the object has no field `x0999`",
    );
}

#[test]
fn a_type_of_ten_thousand_fields_is_named_in_a_few_words() {
    let fields: String = (0..MANY)
        .map(|index| format!("    field_{index} = {index}\n"))
        .collect();
    let text = format!("variable \"v\" {{\n  type = int\n  default = {{\n{fields}  }}\n}}\n");
    let nest = Nest::with(&[("Lib/a.fly", &text)]);
    let problems = nest.problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].len() < 1000, "{} bytes", problems[0].len());
    assert!(nest.run(&["validate"]).out.len() < 10_000);
}

#[test]
fn a_file_of_nonsense_gives_a_bounded_report() {
    let nest = Nest::with(&[("Lib/a.fly", &"a = [1, 2)\n; }\n".repeat(6000))]);
    for format in ["human", "json", "sarif", "gitlab", "github"] {
        let out = nest.run(&["validate", "--format", format]).out;
        assert!(out.len() < 2 << 20, "{format}: {} bytes", out.len());
        assert!(out.contains("not shown") || out.contains("not_shown"), "{format}");
    }
}

#[test]
fn many_names_and_shapes_are_checked_in_one_go() {
    let locals: String = (0..20_000)
        .map(|index| format!("  a{index} = {index}\n"))
        .collect();
    let shapes: String = (0..3000)
        .map(|index| format!("    {{ a{index} = 1 }},\n"))
        .collect();
    let text = format!(
        "locals {{\n{locals}  one = {{\n{locals}  }}\n  shapes = [\n{shapes}  ]\n}}\nlocals {{\n  a1 = 2\n}}\n"
    );
    let nest = Nest::with(&[("Lib/a.fly", &text)]);
    assert_eq!(nest.problems().len(), 1);
}

#[test]
fn a_long_chain_and_a_long_circle_of_moves_are_followed_once() {
    let moves = |count: usize, last: &str| -> String {
        let moves = (0..count).map(|index| {
            let to = if index + 1 == count {
                last.to_owned()
            } else {
                format!("a{}", index + 1)
            };
            format!("moved {{\n  from = \"egg.a{index}\"\n  to   = \"egg.{to}\"\n}}\n")
        });
        moves.collect()
    };
    let chain = Nest::with(&[("Lib/moved.fly", &moves(10_000, "nowhere"))]);
    assert_eq!(chain.problems().len(), 1, "where the chain leads is no egg");
    let circle = Nest::with(&[("Lib/moved.fly", &moves(10_000, "a0"))]);
    assert_eq!(circle.problems().len(), 1, "one circle is one problem");
}
