//! `variable`, `locals`, `check`: names and rules of the language itself. And `use` and `for_each`, which the language
//! gives to other blocks.

use smol_str::SmolStr;

use super::TypeExpression;
use crate::block;
use crate::value::Value;

/// What `use = ...` does, in Markdown.
pub const USE: &str = "The presets to build on: `use = preset.small`, or several: `use = [preset.a, preset.b]`. \
                       Later presets win over earlier ones, and what the block says itself wins over all of them.";

/// What `for_each = ...` does, in Markdown.
pub const FOR_EACH: &str = "Makes one block for each entry of a map, object, list or set. Inside, `each.key` and \
                            `each.value` are the entry (for a list or set the key is the element itself); the label \
                            must use `each.key`, as in `egg \"site-${each.key}\"`, so that every one has a name of its own.";

block! {
    /// A value that is given from outside: by `--var name=value`, by a `*.flyvars` file, by `GOSLING_VAR_<name>`, or
    /// else by its default. Written `var.<name>`.
    pub struct Variable("variable") {
        attributes {
            /// The type that every given value must have: `string`, `int`, `size`, `list(string)`,
            /// `object({ name = string, cpu = optional(int) })`, and so on.
            ty as "type": TypeExpression = "any";
            /// The value where none is given. Without one, a value must be given. It may not refer to anything else
            /// in the Nest.
            default: Option<Value>;
            /// What the variable is for, for people: shown where a value is missing or wrong.
            description: Option<SmolStr>, prose;
        }
        blocks {
            validation: Vec<Validation>;
        }
        labels ["name"]
    }
}

block! {
    /// A rule that the value of a variable must keep. Several may stand in one variable; each is checked.
    pub struct Validation("validation") {
        attributes {
            /// What must be true, written with `var.<name>`: `contains(["a", "b"], var.zone)`.
            condition: bool;
            /// The message for a value that breaks the rule: what is allowed, and why.
            message: SmolStr, prose;
        }
    }
}

block! {
    /// Names for values that are used in several places. Each is written `local.<name>`, in any file; all `locals`
    /// blocks of a Nest are one.
    pub struct Locals("locals") {
        attributes {}
        any_attribute {
            /// A value of any type, which may refer to variables, other locals and the Nest's eggs and jobs.
            values: Value
        }
    }
}

block! {
    /// A rule of the Nest itself, over everything in it: `alltrue([for e in eggs : e.resources.memory <= 64GiB])`.
    /// `gosling validate` fails where it is broken and shows the values that broke it.
    pub struct Check("check") {
        attributes {
            /// What must be true. `eggs`, `eggsbuckets` and `jobs` are the lists of what the Nest declares.
            condition: bool;
            /// The message if the rule is broken: what is allowed, and why.
            message: SmolStr, prose;
        }
        labels ["name"]
    }
}
