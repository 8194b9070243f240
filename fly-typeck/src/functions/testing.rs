//! What the tests of every group share.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::{CallError, Context, EXAMPLE_FILES, find};
use crate::files::MemoryFiles;
use crate::types::Type;
use crate::value::Value;
use fly_domain::{Duration, Percent, SecretUri, Size};

/// A context whose files are those of the examples and whose templates print their path and values.
pub(super) fn in_context<T>(run: impl FnOnce(&Context<'_>) -> T) -> T {
    let files = EXAMPLE_FILES
        .iter()
        .map(|(path, text)| ((*path).to_owned(), Arc::from(*text)));
    let files = MemoryFiles(files.collect());
    let render = |path: &str, values: &BTreeMap<SmolStr, Value>| Ok(format!("{path} {}", values.len()));
    run(&Context {
        files: &files,
        render: &render,
    })
}

pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, CallError> {
    in_context(|context| (find(name).unwrap().call)(arguments, context))
}

/// Each call gives this value.
#[track_caller]
pub(super) fn gives(name: &str, cases: &[(&[Value], Value)]) {
    for (arguments, expected) in cases {
        let arity = find(name).unwrap().arity;
        assert!(arity.allows(arguments.len()), "{name} {arguments:?}");
        assert_eq!(
            call(name, arguments).as_ref(),
            Ok(expected),
            "{name} {arguments:?}"
        );
    }
}

/// Each call fails at this argument, and its words hold these.
#[track_caller]
pub(super) fn fails(name: &str, cases: &[(&[Value], Option<usize>, &str)]) {
    for (arguments, argument, words) in cases {
        let error = match call(name, arguments) {
            Ok(value) => panic!("{name} {arguments:?} gives {value:?}"),
            Err(error) => error,
        };
        assert_eq!(error.argument(), *argument, "{name} {arguments:?}: {error}");
        assert!(
            error.to_string().contains(words),
            "{name} {arguments:?}: {error}, not {words:?}"
        );
    }
}

/// Each list of types gives this type, as text, or else this mismatch.
#[track_caller]
pub(super) fn types(name: &str, cases: &[(&[Type], &str)]) {
    for (types, expected) in cases {
        let found = match (find(name).unwrap().check)(types) {
            Ok(ty) => ty.to_string(),
            Err(mismatch) => mismatch.to_string(),
        };
        assert_eq!(found, *expected, "{name} {types:?}");
    }
}

pub(super) fn s(text: &str) -> Value {
    Value::string(text)
}

pub(super) fn i(int: i64) -> Value {
    Value::Int(int)
}

pub(super) fn f(float: f64) -> Value {
    Value::Float(float)
}

pub(super) fn b(bool: bool) -> Value {
    Value::Bool(bool)
}

pub(super) fn l<const N: usize>(values: [Value; N]) -> Value {
    Value::list(values)
}

pub(super) fn o<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::object(entries.map(|(key, value)| (key.into(), value)))
}

pub(super) fn duration(text: &str) -> Value {
    Value::Duration(Duration::parse(text).unwrap())
}

pub(super) fn size(text: &str) -> Value {
    Value::Size(Size::parse(text).unwrap())
}

pub(super) fn percent(text: &str) -> Value {
    Value::Percent(Percent::parse(text).unwrap())
}

pub(super) fn secret() -> Value {
    Value::Secret(SecretUri::parse("vault://ci/token").unwrap())
}
