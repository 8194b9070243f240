//! Hides what may be a secret in lines that are shown without having been checked: a diff of `fmt`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fly_typeck::domain::{Scheme, SecretUri};
use fly_typeck::schema::{BlockSchema, Rest, top_level};
use fly_typeck::types::Type;

const MASK: &str = "***MASKED***";

/// So many slips may lie between a name and that of a secret which it was meant to be.
const SLIPS: usize = 2;

/// Every attribute that the schema knows as a secret: `token`, `webhook_secret`.
static NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&'static BlockSchema> = top_level().iter().map(|top| (top.schema)()).collect();
    while let Some(schema) = open.pop() {
        if !seen.insert(std::ptr::from_ref(schema) as usize) {
            continue;
        }
        let secrets = schema
            .attributes
            .iter()
            .filter(|attribute| is_secret(&attribute.ty));
        names.extend(secrets.map(|attribute| attribute.name));
        open.extend(schema.blocks.iter().map(|child| (child.schema)()));
        open.extend(schema.all_variants().map(|(_, variant)| variant));
        if let Rest::Blocks(any) = &schema.rest {
            open.push(any());
        }
    }
    names
});

fn is_secret(ty: &Type) -> bool {
    match ty {
        Type::Secret => true,
        Type::List(inner) | Type::Set(inner) | Type::Map(inner) => is_secret(inner),
        _ => false,
    }
}

/// A line of Fly, or of a file of values, as it may be shown.
pub(crate) fn line(text: &str, is_values: bool) -> String {
    let Some((name, value)) = text.split_once('=') else {
        return text.to_owned();
    };
    // A diff puts a sign before the line.
    let word = name.trim_start_matches(['+', '-', ' ']).trim_end();
    let near = |secret: &&str| strsim::osa_distance(secret, word) <= SLIPS.min(secret.len() / 3);
    if !is_values && !NAMES.iter().any(near) {
        return text.to_owned();
    }
    let (start, end) = match (value.find('"'), value.rfind('"')) {
        (Some(start), Some(end)) if start < end => (start + 1, end),
        // Without a closing quote all that follows may belong to it.
        (Some(start), _) => (start + 1, value.trim_end().len()),
        (None, _) if is_values => (value.len() - value.trim_start().len(), value.trim_end().len()),
        (None, _) => return text.to_owned(),
    };
    let literal = &value[start..end];
    let harmless = matches!(SecretUri::scheme_of(literal), Scheme::Known(_)) || literal.is_empty();
    if harmless {
        return text.to_owned();
    }
    format!("{name}={}{MASK}{}", &value[..start], &value[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_hidden() {
        for (text, shown) in [
            ("+  token = \"hunter2\"", "+  token = \"***MASKED***\""),
            ("   tken= \"hunter2\" # old", "   tken= \"***MASKED***\" # old"),
            (
                "-  webhook_secret = \"hunter2",
                "-  webhook_secret = \"***MASKED***",
            ),
            (
                "   token = \"vault://ci/gitlab/token\"",
                "   token = \"vault://ci/gitlab/token\"",
            ),
            ("   token = var.token", "   token = var.token"),
            ("   tags = [\"linux\"]", "   tags = [\"linux\"]"),
        ] {
            assert_eq!(line(text, false), shown);
        }
        assert_eq!(line("+tok = hunter2", true), "+tok = ***MASKED***");
        assert_eq!(line("+tok = env://TOKEN", true), "+tok = env://TOKEN");
    }
}
