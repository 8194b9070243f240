//! Files of the Nest.

use super::shapes::{entry, text};
use super::text::bounded;
use super::{Arity, CallError, Context, Function, arguments};
use crate::types::Type;
use crate::value::Value;
use fly_domain::NestPath;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "file",
        signature: "file(path) -> string",
        doc: "The text of a file of the Nest. The path is relative to the Nest's root and never leaves it.",
        example: "file(\"scripts/hello.sh\")  # => \"echo hello\\n\"",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| text(types, 0).map(|()| Type::String),
        call: |values, context| {
            let path = path(values)?;
            let text = context.files.read(path.as_str());
            let text = text.map_err(|why| CallError::from_read(path.as_str(), why))?;
            bounded(text.as_ref().to_owned())
        },
    },
    Function {
        name: "templatefile",
        signature: "templatefile(path, map(T)) -> string",
        doc: "The text of a file of the Nest with its `${ }` filled in: they may name the entries of the map and nothing \
              else. The path is relative to the Nest's root and never leaves it.",
        example: "templatefile(\"scripts/greet.tpl\", { name = \"hello\" })  # => \"echo hello\\n\"",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| {
            text(types, 0)?;
            entry(types, 1).map(|_| Type::String)
        },
        call: template,
    },
];

/// The path in its one form, so that a reader sees no `..`.
fn path(values: &[Value]) -> Result<NestPath, CallError> {
    let text = arguments::text(values, 0)?;
    if NestPath::leaves_nest(text) {
        return Err(CallError::OutsideNest {
            path: text.to_owned(),
        });
    }
    NestPath::parse(text)
        .map_err(|malformed| CallError::at(0, format!("it is not a path of the Nest: {malformed}")))
}

fn template(values: &[Value], context: &Context<'_>) -> Result<Value, CallError> {
    let path = path(values)?;
    let names = arguments::entries(values, 1)?;
    bounded((context.render)(path.as_str(), names)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::super::testing::*;
    use super::super::{MOST_BYTES, find};
    use super::*;
    use crate::files::{ReadError, ReadFile};

    #[test]
    fn file_reads_the_nest() {
        gives(
            "file",
            &[
                (&[s("scripts/hello.sh")], s("echo hello\n")),
                (&[s("./scripts//hello.sh")], s("echo hello\n")),
                (&[s("Lib/../scripts/hello.sh")], s("echo hello\n")),
            ],
        );
        fails(
            "file",
            &[
                (&[s("../../etc/passwd")], Some(0), "leads out of the Nest"),
                (&[s("/etc/passwd")], Some(0), "leads out of the Nest"),
                (&[s("scripts/../../x")], Some(0), "leads out of the Nest"),
                (
                    &[s("scripts\\hello.sh")],
                    Some(0),
                    "did you mean `scripts/hello.sh`",
                ),
                (&[s("")], Some(0), "it is empty"),
                (
                    &[s("scripts/none.sh")],
                    Some(0),
                    "there is no file `scripts/none.sh`",
                ),
                (&[i(1)], Some(0), "a string"),
            ],
        );
        types(
            "file",
            &[
                (&[Type::String], "string"),
                (&[Type::Int], "argument 1 must be a string"),
            ],
        );
    }

    #[test]
    fn every_refusal_of_the_reader_is_told() {
        #[derive(Debug)]
        struct Refusing;

        impl ReadFile for Refusing {
            fn read(&self, path: &str) -> Result<Arc<str>, ReadError> {
                Err(match path {
                    "outside" => ReadError::OutsideNest,
                    "missing" => ReadError::Missing,
                    "large" => ReadError::TooLarge(9_000_000),
                    "binary" => ReadError::NotText,
                    "long" => return Ok(Arc::from("x".repeat(MOST_BYTES + 1))),
                    _ => ReadError::Unreadable("permission denied".to_owned()),
                })
            }
        }

        let render = |_: &str, _: &_| Err(CallError::failed("no template"));
        let context = Context {
            files: &Refusing,
            render: &render,
        };
        for (path, words) in [
            ("outside", "`outside` leads out of the Nest"),
            ("missing", "there is no file `missing` in the Nest"),
            ("large", "`large` has 9000000 bytes, more than is read"),
            ("binary", "`binary` is not UTF-8 text"),
            (
                "long",
                "the result is longer than 1 MiB, the most a text may have",
            ),
            ("locked", "`locked` cannot be read: permission denied"),
        ] {
            let error = (find("file").unwrap().call)(&[s(path)], &context).unwrap_err();
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn templatefile_lets_the_caller_render() {
        gives(
            "templatefile",
            &[
                (&[s("./a.tpl"), o([("x", i(1))])], s("a.tpl 1")),
                (&[s("a/../b.tpl"), o([])], s("b.tpl 0")),
                (&[s("a.tpl"), o([("x", i(1)), ("y", l([]))])], s("a.tpl 2")),
            ],
        );
        fails(
            "templatefile",
            &[
                (&[s("../a.tpl"), o([])], Some(0), "leads out of the Nest"),
                (&[s("a.tpl"), l([])], Some(1), "a map or an object"),
            ],
        );
        types(
            "templatefile",
            &[
                (&[Type::String, Type::map(Type::Int)], "string"),
                (
                    &[Type::String, Type::String],
                    "argument 2 must be a map or an object",
                ),
            ],
        );
    }
}
