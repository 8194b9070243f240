//! Text.

use std::cell::RefCell;

use regex::{Regex, RegexBuilder};

use super::shapes::{always, element, is_written, mismatch, text, texts};
use super::text::{bounded, within, within_elements, written};
use super::{Arity, CallError, Context, Function, MOST_ELEMENTS, arguments, format};
use crate::types::Type;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "format",
        signature: "format(string, ...) -> string",
        doc: "The text with its verbs replaced by the arguments in order: `%s` any value that `${ }` takes, `%d` an int, \
              `%f` a number, `%q` the value in quotes, `%v` any value, lists and objects as JSON, `%%` a percent sign. \
              Between `%` and the letter: `-` to align left, `0` to fill with zeros, `+` to show the sign, a width, and \
              `.` with the number of decimals.",
        example: "format(\"%s-%03d\", \"web\", 7)  # => \"web-007\"",
        arity: Arity::at_least(1),
        carries_secrets: false,
        check: |types| text(types, 0).map(|()| Type::String),
        call: |values, _| format::format(values),
    },
    Function {
        name: "join",
        signature: "join(separator: string, list(T)) -> string",
        doc: "The elements as one text, with the separator between them. Elements are what `${ }` takes.",
        example: "join(\", \", [\"a\", \"b\"])  # => \"a, b\"",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| {
            text(types, 0)?;
            if always(&element(types, 1)?, is_written) {
                Ok(Type::String)
            } else {
                Err(mismatch(
                    1,
                    "a list of strings, numbers, bools, durations, sizes or percents",
                ))
            }
        },
        call: join,
    },
    Function {
        name: "split",
        signature: "split(separator: string, string) -> list(string)",
        doc: "The parts of the text between the separators; with an empty separator, its characters.",
        example: "split(\",\", \"a,b\")  # => [\"a\", \"b\"]",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| texts(types).map(|()| Type::list(Type::String)),
        call: |values, _| {
            let (separator, text) = (arguments::text(values, 0)?, arguments::text(values, 1)?);
            if separator.is_empty() {
                return parts(text.chars().map(|c| Value::string(c.to_string())));
            }
            parts(text.split(separator).map(Value::string))
        },
    },
    Function {
        name: "lower",
        signature: "lower(string) -> string",
        doc: "The text in lower case.",
        example: "lower(\"ABC\")  # => \"abc\"",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| text(types, 0).map(|()| Type::String),
        call: |values, _| bounded(arguments::text(values, 0)?.to_lowercase()),
    },
    Function {
        name: "upper",
        signature: "upper(string) -> string",
        doc: "The text in upper case.",
        example: "upper(\"abc\")  # => \"ABC\"",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| text(types, 0).map(|()| Type::String),
        call: |values, _| bounded(arguments::text(values, 0)?.to_uppercase()),
    },
    Function {
        name: "trim",
        signature: "trim(string, characters?: string) -> string",
        doc: "The text without the white space at both ends, or without the given characters there.",
        example: "trim(\"  a b \\n\")  # => \"a b\"",
        arity: Arity::between(1, 2),
        carries_secrets: false,
        check: |types| texts(types).map(|()| Type::String),
        call: |values, _| {
            let text = arguments::text(values, 0)?;
            let trimmed = match values.len() {
                0 | 1 => text.trim(),
                _ => {
                    let characters = arguments::text(values, 1)?;
                    text.trim_matches(|c| characters.contains(c))
                }
            };
            Ok(Value::string(trimmed))
        },
    },
    Function {
        name: "replace",
        signature: "replace(string, old: string, new: string) -> string",
        doc: "The text with every occurrence of one text replaced by another, both taken literally.",
        example: "replace(\"a.b.c\", \".\", \"-\")  # => \"a-b-c\"",
        arity: Arity::exactly(3),
        carries_secrets: false,
        check: |types| texts(types).map(|()| Type::String),
        call: replace,
    },
    Function {
        name: "startswith",
        signature: "startswith(string, prefix: string) -> bool",
        doc: "Whether the text starts with another.",
        example: "startswith(\"v1.2\", \"v\")  # => true",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| texts(types).map(|()| Type::Bool),
        call: |values, _| {
            Ok(Value::Bool(
                arguments::text(values, 0)?.starts_with(arguments::text(values, 1)?),
            ))
        },
    },
    Function {
        name: "endswith",
        signature: "endswith(string, suffix: string) -> bool",
        doc: "Whether the text ends with another.",
        example: "endswith(\"a.fly\", \".fly\")  # => true",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| texts(types).map(|()| Type::Bool),
        call: |values, _| {
            Ok(Value::Bool(
                arguments::text(values, 0)?.ends_with(arguments::text(values, 1)?),
            ))
        },
    },
    Function {
        name: "regex",
        signature: "regex(pattern: string, string) -> list(string)",
        doc: "The first match of a regular expression: the whole match, then its groups in order, a group that took no \
              part as an empty text. An empty list where nothing matches. Patterns have no look-around and no \
              back-references, so that a match always ends soon.",
        example: "regex(\"v([0-9]+)\", \"tag v12\")  # => [\"v12\", \"12\"]",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| texts(types).map(|()| Type::list(Type::String)),
        call: regex,
    },
];

/// How much memory a pattern may take: enough for any that a person writes.
const MOST_PATTERN_BYTES: usize = 1 << 20;

/// The parts as a list, counted before they are kept.
fn parts(parts: impl Iterator<Item = Value>) -> Result<Value, CallError> {
    let parts: Vec<Value> = parts.take(MOST_ELEMENTS + 1).collect();
    within_elements(parts.len())?;
    Ok(Value::list(parts))
}

fn join(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let separator = arguments::text(values, 0)?;
    let mut joined = String::new();
    for (at, value) in arguments::list(values, 1)?.iter().enumerate() {
        if at > 0 {
            joined.push_str(separator);
        }
        let text =
            written(value).ok_or_else(|| arguments::not(1, value, "a list of values that have a text"))?;
        joined.push_str(&text);
        within(joined.len())?;
    }
    Ok(Value::string(joined))
}

fn replace(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let (text, old, new) = (
        arguments::text(values, 0)?,
        arguments::text(values, 1)?,
        arguments::text(values, 2)?,
    );
    if old.is_empty() {
        return Err(CallError::at(1, "the text to replace is empty"));
    }
    let count = text.matches(old).count();
    within(
        count
            .saturating_mul(new.len())
            .saturating_add(text.len() - count * old.len()),
    )?;
    Ok(Value::string(text.replace(old, new)))
}

fn regex(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let (pattern, text) = (arguments::text(values, 0)?, arguments::text(values, 1)?);
    let regex = compiled(pattern)?;
    let Some(captures) = regex.captures(text) else {
        return Ok(Value::list([]));
    };
    let groups: Vec<&str> = captures
        .iter()
        .map(|group| group.map_or("", |group| group.as_str()))
        .collect();
    // Groups inside each other repeat the same text.
    within(groups.iter().map(|group| group.len()).sum())?;
    Ok(Value::list(groups.into_iter().map(Value::string)))
}

thread_local! {
    /// The pattern that was used last: in a loop over the eggs of a Nest it is the same each time, and making it ready
    /// costs far more than using it.
    static LAST: RefCell<Option<(String, Regex)>> = const { RefCell::new(None) };
}

fn compiled(pattern: &str) -> Result<Regex, CallError> {
    LAST.with_borrow_mut(|last| {
        if let Some((known, regex)) = last
            && known == pattern
        {
            return Ok(regex.clone());
        }
        let regex = RegexBuilder::new(pattern)
            .size_limit(MOST_PATTERN_BYTES)
            .dfa_size_limit(MOST_PATTERN_BYTES)
            .nest_limit(64)
            .build()
            .map_err(|error| CallError::at(0, pattern_problem(&error)))?;
        *last = Some((pattern.to_owned(), regex.clone()));
        Ok(regex)
    })
}

/// The last line of the crate's drawing, which says what is wrong.
fn pattern_problem(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        other => {
            let drawing = other.to_string();
            let reason = drawing.lines().last().unwrap_or_default().trim();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            format!("it is not a regular expression: {reason}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{MOST_BYTES, find};
    use super::*;
    use fly_domain::TextForm;

    #[test]
    fn join_writes_elements() {
        gives(
            "join",
            &[
                (&[s(", "), l([s("a"), s("b")])], s("a, b")),
                (&[s(","), l([])], s("")),
                (
                    &[
                        s("/"),
                        l([
                            i(1),
                            duration("90s"),
                            b(true),
                            f(0.5),
                            size("1GiB"),
                            percent("80%"),
                        ]),
                    ],
                    s("1/1m30s/true/0.5/1GiB/80%"),
                ),
            ],
        );
        let long = s(&"x".repeat(MOST_BYTES / 2 + 1));
        fails(
            "join",
            &[
                (&[s(","), l([l([])])], Some(1), "values that have a text"),
                (&[s(","), l([secret()])], Some(1), "a secret"),
                (&[s(","), l([long.clone(), long])], None, "1 MiB"),
            ],
        );
        types(
            "join",
            &[
                (&[Type::String, Type::set(Type::Int)], "string"),
                (
                    &[Type::list(Type::String), Type::String],
                    "argument 1 must be a string",
                ),
                (
                    &[Type::String, Type::String],
                    "argument 2 must be a list or a set",
                ),
                (
                    &[Type::String, Type::list(Type::list(Type::Int))],
                    "argument 2 must be a list of strings, numbers, bools, durations, sizes or percents",
                ),
            ],
        );
    }

    #[test]
    fn split_cuts() {
        gives(
            "split",
            &[
                (&[s(","), s("a,b,")], l([s("a"), s("b"), s("")])),
                (&[s(","), s("")], l([s("")])),
                (&[s(""), s("aé")], l([s("a"), s("é")])),
            ],
        );
        fails(
            "split",
            &[
                (&[s(","), s(&",".repeat(70_000))], None, "65536"),
                (&[s(","), i(1)], Some(1), "a string"),
            ],
        );
        types(
            "split",
            &[(&[Type::String, Type::Text(TextForm::Url)], "list(string)")],
        );
        types(
            "split",
            &[(&[Type::String, Type::Int], "argument 2 must be a string")],
        );
    }

    #[test]
    fn cases_and_ends() {
        gives(
            "lower",
            &[(&[s("ABC")], s("abc")), (&[s("ÉÇ")], s("éç")), (&[s("")], s(""))],
        );
        gives(
            "upper",
            &[(&[s("abc")], s("ABC")), (&[s("ß")], s("SS")), (&[s("")], s(""))],
        );
        gives(
            "trim",
            &[
                (&[s(" a b \n")], s("a b")),
                (&[s("--a--"), s("-")], s("a")),
                (&[s("xyax"), s("yx")], s("a")),
            ],
        );
        gives(
            "startswith",
            &[
                (&[s("v1"), s("v")], b(true)),
                (&[s("v1"), s("1")], b(false)),
                (&[s(""), s("")], b(true)),
            ],
        );
        gives(
            "endswith",
            &[
                (&[s("a.fly"), s(".fly")], b(true)),
                (&[s("a"), s("aa")], b(false)),
                (&[s(""), s("")], b(true)),
            ],
        );
        for name in ["lower", "upper", "trim"] {
            fails(
                name,
                &[(&[i(1)], Some(0), "a string"), (&[secret()], Some(0), "a secret")],
            );
            types(
                name,
                &[
                    (&[Type::Unknown], "string"),
                    (&[Type::Secret], "argument 1 must be a string"),
                ],
            );
        }
        for name in ["startswith", "endswith"] {
            fails(name, &[(&[s("a"), i(1)], Some(1), "a string")]);
            types(
                name,
                &[(&[Type::String, Type::Int], "argument 2 must be a string")],
            );
        }
        // 1 MiB of a letter that grows in upper case.
        fails("upper", &[(&[s(&"ŉ".repeat(MOST_BYTES / 2))], None, "1 MiB")]);
    }

    #[test]
    fn replace_is_literal() {
        gives(
            "replace",
            &[
                (&[s("a.b.c"), s("."), s("-")], s("a-b-c")),
                (&[s("abc"), s("x"), s("-")], s("abc")),
                (&[s("aaa"), s("aa"), s("")], s("a")),
            ],
        );
        fails(
            "replace",
            &[
                (&[s("abc"), s(""), s("-")], Some(1), "empty"),
                (
                    &[s(&"a".repeat(5_000)), s("a"), s(&"b".repeat(5_000))],
                    None,
                    "1 MiB",
                ),
                (&[s("a"), s("b"), i(1)], Some(2), "a string"),
            ],
        );
        types(
            "replace",
            &[(
                &[Type::String, Type::String, Type::Bool],
                "argument 3 must be a string",
            )],
        );
    }

    #[test]
    fn regex_gives_match_and_groups() {
        gives(
            "regex",
            &[
                (&[s("v([0-9]+)"), s("tag v12 v13")], l([s("v12"), s("12")])),
                (&[s("(a)|(b)"), s("b")], l([s("b"), s(""), s("b")])),
                (&[s("x"), s("b")], l([])),
                (&[s(""), s("b")], l([s("")])),
            ],
        );
        fails(
            "regex",
            &[
                (
                    &[s("("), s("b")],
                    Some(0),
                    "not a regular expression: unclosed group",
                ),
                (&[s("(?=a)"), s("b")], Some(0), "look-around"),
                (&[s("((a{900}){900}){900}"), s("b")], Some(0), "too large"),
                (
                    &[s(&"(".repeat(500)), s("b")],
                    Some(0),
                    "not a regular expression",
                ),
            ],
        );
        types(
            "regex",
            &[
                (&[Type::String, Type::String], "list(string)"),
                (&[Type::Int, Type::String], "argument 1 must be a string"),
            ],
        );
        assert_eq!(
            find("regex").map(|function| function.arity.allows(1)),
            Some(false)
        );
    }
}
