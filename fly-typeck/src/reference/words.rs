//! The turns of phrase that hover text and the reference page share.

use crate::schema::{AttributeSchema, BlockSchema, Occurrence, Presence, Rule};
use crate::types::Type;

/// The types that can be written in a variable's `type`, and what a value of each looks like.
pub(super) const TYPES: &[(&str, &str)] = &[
    ("bool", "`true` or `false`."),
    ("int", "A whole number of 64 bits: `42`, `1_000`."),
    ("float", "A number: `3.14`. An `int` may stand for one."),
    (
        "string",
        "Text: `\"text ${expr}\"`, or a heredoc (`<<EOT`, `<<-EOT`).",
    ),
    (
        "duration",
        "A length of time: `250ms`, `30s`, `10m`, `1h30m`, `24h`, `7d`.",
    ),
    (
        "size",
        "An amount of memory or disk: `512MiB`, `4GiB`, `20GB`, `1TiB`.",
    ),
    ("percent", "A share of a hundred: `80%`."),
    (
        "cron",
        "When something happens, in five fields: `\"0 3 * * MON-FRI\"`.",
    ),
    (
        "url",
        "An absolute http or https address: `\"https://gitlab.example.com\"`.",
    ),
    ("fqdn", "The full name of a host: `\"gitlab.example.com\"`."),
    ("cidr", "An address and a prefix: `\"10.0.0.0/16\"`."),
    (
        "image",
        "A container image: `\"registry.example.com/team/builder:1.2\"`.",
    ),
    ("version", "One to three numbers: `\"17.5.2\"`."),
    ("path", "A path inside the Nest: `\"scripts/build.sh\"`."),
    (
        "target",
        "What a job must reach: `\"db.internal:5432\"`, `\"tls://ldap.internal:636\"`, or an address, optionally followed by the variable that has its credentials: `\"https://npm.internal/-/whoami NPM_TOKEN\"`.",
    ),
    (
        "firewall_rule",
        "Who may come in, and perhaps with which protocol and to which ports: `\"10.0.0.0/8 tcp/22\"`.",
    ),
    (
        "secret",
        "Where a secret is kept, never the secret itself: `\"vault://ci/gitlab/token\"`, `yc-lockbox://`, `aws-sm://`, \
         `store://`, `env://`.",
    ),
    ("list(T)", "Values of one type in order: `[1, 2]`."),
    (
        "set(T)",
        "Values of one type, none twice, in no order of their own.",
    ),
    ("map(T)", "Values of one type by name: `{ a = 1, b = 2 }`."),
    (
        "object({...})",
        "Named values, each of a type of its own: `object({ name = string, cpu = optional(int) })`.",
    ),
    ("any", "A value of any type."),
];

/// The type as people read it: the words of an enum apart, quoted as code.
pub(super) fn type_text(ty: &Type) -> String {
    format!("`{ty}`")
}

/// Type, presence, range: "`int`, default `1`, from `1` to `1000`".
pub(super) fn facts(attribute: &AttributeSchema) -> String {
    let mut text = type_text(&attribute.ty);
    match &attribute.presence {
        Presence::Required => text.push_str(", required"),
        Presence::Optional => text.push_str(", optional"),
        Presence::Default { text: default, .. } => text.push_str(&format!(", default `{default}`")),
    }
    if let Some(range) = &attribute.range {
        text.push_str(&match (range.min_text, range.max_text) {
            (min, "") => format!(", at least `{min}`"),
            ("", max) => format!(", at most `{max}`"),
            (min, max) => format!(", from `{min}` to `{max}`"),
        });
    }
    if let Some(provider) = attribute.only {
        text.push_str(&format!(", on {} only", provider_name(provider)));
    }
    text
}

/// How often a block may stand.
pub(super) fn occurrence(occurrence: Occurrence) -> &'static str {
    match occurrence {
        Occurrence::Required => "required",
        Occurrence::Optional => "optional",
        Occurrence::Many => "any number",
    }
}

/// What must hold between the parts of a block, one sentence each.
pub(super) fn rules(schema: &BlockSchema) -> impl Iterator<Item = String> {
    schema.rules.iter().map(|rule| match rule {
        Rule::ExactlyOne(names) => format!("Exactly one of {} is given.", listed(names)),
        Rule::AtLeastOne(names) => format!("At least one of {} is given.", listed(names)),
        Rule::AtMostOne(names) => format!("At most one of {} is given.", listed(names)),
    })
}

/// How the block is opened: `egg "<name>" { ... }`.
pub(super) fn opening(schema: &BlockSchema, name: &str) -> String {
    let mut text = name.to_owned();
    for label in schema.labels {
        text.push_str(&match label.strip_prefix('[') {
            Some(optional) => format!(" [\"<{}>\"]", optional.trim_end_matches(']')),
            None => format!(" \"<{label}>\""),
        });
    }
    text.push_str(" { ... }");
    text
}

/// The first sentence of a text.
pub(super) fn first_sentence(doc: &str) -> String {
    let end = doc.find(". ").or_else(|| doc.find(".\n"));
    doc[..end.map_or(doc.len(), |end| end + 1)].replace('\n', " ")
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A provider by the name people know.
pub(super) fn provider_name(word: &str) -> &str {
    match word {
        "aws" => "AWS",
        "yandex" => "Yandex Cloud",
        "proxmox" => "Proxmox VE",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_text_is_among_the_types() {
        for form in fly_domain::TextForm::all() {
            assert!(TYPES.iter().any(|(name, _)| *name == form.name()), "{form}");
        }
    }

    #[test]
    fn a_sentence_ends_where_the_next_one_starts() {
        assert_eq!(first_sentence("One 1.5 thing.\nAnother."), "One 1.5 thing.");
        assert_eq!(first_sentence("Only\none."), "Only one.");
    }
}
