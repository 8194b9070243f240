//! One mistake is one problem, and no mistake hides another.

use crate::disk::{Nest, egg};

#[test]
fn five_mistakes_in_five_files_are_five_problems() {
    let mistakes = [
        ("attribute", "memory = 4GiB", "memory = 4GiB\n    memmory = 4GiB"),
        ("int", "cpu = 2", "cpu = \"many\""),
        ("missing", "    disk = 20GiB\n", ""),
        ("word", "type = \"vm\"", "type = \"vmm\""),
        ("range", "cpu = 2", "cpu = 1000"),
    ];
    let nest = Nest::with(&[]);
    for (name, right, wrong) in mistakes {
        let sound = egg(name);
        assert_eq!(sound.matches(right).count(), 1, "{right}");
        nest.write(&format!("Eggs/{name}/config.fly"), sound.replace(right, wrong));
    }
    assert_eq!(
        nest.problems(),
        [
            "FLY401 Eggs/attribute/config.fly:12:5-12:12 `resources` has no attribute `memmory`",
            "FLY301 Eggs/int/config.fly:10:11-10:17 expected int, found string",
            "FLY404 Eggs/missing/config.fly:9:3-9:12 `resources` lacks `disk`",
            "FLY303 Eggs/range/config.fly:10:11-10:15 `1000` is out of range: it goes from `1` to `512`",
            "FLY302 Eggs/word/config.fly:2:10-2:15 `vmm` is not a machine type"
        ]
    );
    for (name, _, _) in mistakes {
        nest.write(&format!("Eggs/{name}/config.fly"), egg(name));
    }
    assert_eq!(nest.problems(), [""; 0], "without the mistakes the Nest is sound");
}

#[test]
fn three_broken_blocks_are_three_problems_and_hide_no_type_error() {
    let text = r#"variable "a" {
  type = string
  default = "text
}

variable "b" {
  type = string
  default =
}

locals {
  list = [1, 2
}

variable "sound" {
  type = int
  default = "many"
}
"#;
    assert_eq!(
        Nest::with(&[("Lib/all.fly", text)]).problems(),
        [
            "FLY102 Lib/all.fly:3:13-3:18 this text is not closed",
            "FLY108 Lib/all.fly:8:11-8:12 `default` has no value",
            "FLY103 Lib/all.fly:12:10-12:11 this bracket is not closed: `]` is missing",
            "FLY301 Lib/all.fly:17:13-17:19 expected int, found string"
        ]
    );
}

#[test]
fn broken_blocks_of_an_egg_hide_no_type_error_beside_them() {
    let text = egg("api")
        .replace("template = \"debian\"", "template = \"debian")
        .replace("tags = [\"api\"]", "tags = [\"api\"")
        .replace("project_id = 1", "project_id 1")
        .replace("cpu = 2", "cpu = true");
    assert_eq!(
        Nest::with(&[("Eggs/api/config.fly", &text)]).problems(),
        [
            "FLY102 Eggs/api/config.fly:6:16-6:23 this text is not closed",
            "FLY301 Eggs/api/config.fly:10:11-10:15 expected int, found bool",
            "FLY103 Eggs/api/config.fly:16:12-16:13 this bracket is not closed: `]` is missing",
            "FLY107 Eggs/api/config.fly:21:5-21:16 a `=` is missing between `project_id` and its value"
        ]
    );
}

#[test]
fn blocks_left_open_are_told_apart_and_hide_no_type_error() {
    let text = r#"variable "a" {
  type = string
  default = "a"

variable "b" {
  type = string
  default = "b"

variable "c" {
  type = string
  default = "c"

variable "sound" {
  type = int
  default = "many"
}
"#;
    assert_eq!(
        Nest::with(&[("Lib/all.fly", text)]).problems(),
        [
            "FLY101 Lib/all.fly:1:1-1:15 this block is not closed",
            "FLY101 Lib/all.fly:5:1-5:15 this block is not closed",
            "FLY101 Lib/all.fly:9:1-9:15 this block is not closed",
            "FLY301 Lib/all.fly:15:13-15:19 expected int, found string"
        ]
    );
}
