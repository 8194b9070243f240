//! What an editor shows and `gosling explain` prints about one name, and what may be written at a place.

use super::catalogue::{Role, entries};
use super::find::{Found, find};
use super::words;
use crate::functions;
use crate::schema::{BlockSchema, language, top_level};
use crate::types::Type;

/// What is known about `path`, in Markdown: a block (`egg`, `egg.runner`, `runner`), an attribute
/// (`egg.runner.concurrent`, `runner.concurrent`, `cloud.proxmox.vlan`), a function (`cidrhost`), a type (`duration`),
/// or an attribute wherever it stands (`concurrent`). `None` where nothing has that name.
#[must_use]
pub fn hover(path: &str) -> Option<String> {
    if let Some((path, found)) = find(path) {
        return Some(match found {
            Found::Block(schema, doc) => block(&path, schema, doc),
            Found::Attribute(attribute) => {
                let mut text = format!("`{path}`: {}\n\n{}", words::facts(attribute), attribute.doc);
                push_words(&mut text, &attribute.ty);
                text
            }
            Found::Named(doc, ty) => format!("`{path}`: {}\n\n{doc}", words::type_text(ty)),
            Found::Language(doc) => format!("`{path}`\n\n{doc}"),
        });
    }
    if let Some(function) = functions::find(path) {
        return Some(format!(
            "`{}`\n\n{}\n\n```fly\n{}\n```",
            function.signature, function.doc, function.example
        ));
    }
    let mut types = words::TYPES.iter();
    if let Some((name, doc)) = types.find(|(name, _)| name.split('(').next() == Some(path)) {
        return Some(format!("`{name}`: a type\n\n{doc}"));
    }
    attributes(path)
}

/// The attributes that are called `word`: the one that is, else a list of them.
fn attributes(word: &str) -> Option<String> {
    let first = entries().iter().filter(|entry| entry.first);
    let called = first.filter_map(|entry| Some((&entry.path, entry.schema.attribute(word)?)));
    let called: Vec<_> = called.collect();
    match called[..] {
        [] => None,
        [(path, _)] => hover(&format!("{path}.{word}")),
        _ => {
            let lines = called.iter().map(|(path, attribute)| {
                let about = words::first_sentence(&attribute.doc);
                format!("- `{path}.{word}`: {}. {about}", words::facts(attribute))
            });
            let lines: Vec<String> = lines.collect();
            Some(format!("`{word}`, an attribute of:\n\n{}", lines.join("\n")))
        }
    }
}

fn block(path: &str, schema: &'static BlockSchema, doc: &str) -> String {
    let role = entries()
        .iter()
        .find(|entry| entry.path == path)
        .map(|entry| entry.role);
    let (above, word) = path.rsplit_once('.').unwrap_or(("", path));
    let opening = match role {
        Some(Role::Variant) => format!("`{path}`: what `{word}` adds to `{above}`"),
        Some(Role::Any) => format!("```fly\n{}\n```", words::opening(schema, "<any name>")),
        Some(Role::Top(_) | Role::Child) | None => {
            format!("```fly\n{}\n```", words::opening(schema, word))
        }
    };
    let mut text = format!("{opening}\n\n{doc}\n");
    if let Some(Role::Top(top)) = role {
        text.push_str(&format!("\nStands in: {}.\n", top.place.path()));
    }
    for rule in words::rules(schema) {
        text.push_str(&format!("\n{rule}\n"));
    }
    let variants = schema.all_variants().flat_map(|(_, variant)| &variant.attributes);
    let mut lines: Vec<String> = Vec::new();
    for attribute in schema.attributes.iter() {
        let about = words::first_sentence(&attribute.doc);
        lines.push(format!(
            "- `{}`: {}. {about}",
            attribute.name,
            words::facts(attribute)
        ));
    }
    for child in &schema.blocks {
        let about = words::first_sentence(child.doc());
        lines.push(format!(
            "- `{}` block, {}. {about}",
            child.name,
            words::occurrence(child.occurrence)
        ));
    }
    if !lines.is_empty() {
        text.push_str(&format!("\n{}\n", lines.join("\n")));
    }
    if variants.count() > 0 {
        let words: Vec<String> = schema
            .all_variants()
            .map(|(word, _)| format!("`{path}.{word}`"))
            .collect();
        text.push_str(&format!("\nFurther attributes: see {}.\n", words.join(", ")));
    }
    text.trim_end().to_owned()
}

fn push_words(text: &mut String, ty: &Type) {
    let Some(words) = enum_words(ty) else { return };
    text.push('\n');
    for (word, doc) in words.documented() {
        text.push_str(&format!("\n- `{word}`: {doc}"));
    }
}

/// The words of an enum, or of the elements of a list or set of one.
pub(super) fn enum_words(ty: &Type) -> Option<&'static crate::types::Words> {
    match ty {
        Type::Words(words) => Some(words),
        Type::List(element) | Type::Set(element) | Type::Map(element) => match &**element {
            Type::Words(words) => Some(words),
            _ => None,
        },
        _ => None,
    }
}

/// Something that may be written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As it is written.
    pub name: String,
    /// What it is for, in Markdown.
    pub doc: String,
}

impl Candidate {
    fn new(name: impl Into<String>, doc: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            doc: doc.into(),
        }
    }
}

/// What may stand at `path`: the kinds at top level for an empty path, the attributes and blocks of a block, the words
/// of an attribute. Empty where nothing is known.
#[must_use]
pub fn candidates(path: &str) -> Vec<Candidate> {
    if path.is_empty() {
        let kinds = top_level().iter().map(|top| (top.schema)());
        return kinds
            .map(|schema| Candidate::new(schema.kind, schema.doc.as_str()))
            .collect();
    }
    match find(path) {
        Some((_, Found::Block(schema, _))) => in_block(schema),
        Some((_, Found::Attribute(attribute))) => of_type(&attribute.ty),
        Some((_, Found::Named(_, ty))) => of_type(ty),
        Some((_, Found::Language(_))) | None => Vec::new(),
    }
}

fn in_block(schema: &'static BlockSchema) -> Vec<Candidate> {
    let variants = schema.all_variants().map(|(_, variant)| variant);
    let mut candidates: Vec<Candidate> = Vec::new();
    for schema in std::iter::once(schema).chain(variants) {
        let attributes = schema.attributes.iter();
        candidates.extend(attributes.map(|attribute| Candidate::new(attribute.name, attribute.doc.as_str())));
        for child in &schema.blocks {
            candidates.extend(
                std::iter::once(child.name)
                    .chain(child.alias)
                    .map(|name| Candidate::new(name, child.doc())),
            );
        }
    }
    if schema.uses_presets {
        candidates.push(Candidate::new("use", language::USE));
    }
    if schema.repeats {
        candidates.push(Candidate::new("for_each", language::FOR_EACH));
    }
    let mut seen = std::collections::BTreeSet::new();
    candidates.retain(|candidate| seen.insert(candidate.name.clone()));
    candidates
}

fn of_type(ty: &Type) -> Vec<Candidate> {
    match (enum_words(ty), ty) {
        (Some(words), _) => words
            .documented()
            .map(|(word, doc)| Candidate::new(word, doc))
            .collect(),
        (None, Type::Bool) => ["true", "false"].map(|word| Candidate::new(word, "")).into(),
        _ => Vec::new(),
    }
}

/// Every path and name that [`hover`] knows, for "did you mean".
#[must_use]
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in entries() {
        let path = &entry.path;
        names.push(path.clone());
        names.push(entry.word().to_owned());
        names.extend(entry.alias.map(str::to_owned));
        for attribute in &entry.schema.attributes {
            names.push(format!("{path}.{}", attribute.name));
            names.push(format!("{}.{}", entry.word(), attribute.name));
            names.push(attribute.name.to_owned());
        }
    }
    names.extend(functions::all().iter().map(|function| function.name.to_owned()));
    names.extend(
        words::TYPES
            .iter()
            .filter_map(|(name, _)| name.split('(').next())
            .map(str::to_owned),
    );
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_start_anywhere() {
        let full = hover("egg.runner.concurrent").unwrap();
        assert!(
            full.starts_with("`egg.runner.concurrent`: `int`, default `1`, from `1` to `1000`\n\nHow many"),
            "{full}"
        );
        assert_eq!(hover("runner.concurrent"), Some(full));
        assert_eq!(
            hover("app.concurrency"),
            hover("mothergoose.fastapi_app.concurrency")
        );
        assert!(
            hover("cloud.proxmox.vlan")
                .unwrap()
                .contains("from `1` to `4094`")
        );
        assert!(hover("egg.cloud.vlan").unwrap().contains("VLAN"));
        assert!(hover("message_queues.webhooks.fifo").unwrap().contains("order"));
        assert!(hover("environment.ANY_NAME").unwrap().contains("string|secret"));
        assert!(hover("egg.for_each").unwrap().contains("each.key"));
        assert!(hover("job.schedule").unwrap().contains("five fields"));
    }

    #[test]
    fn an_attribute_is_found_by_its_name_alone() {
        assert_eq!(hover("concurrent"), hover("egg.runner.concurrent"));
        assert_eq!(hover("drain_timeout"), hover("egg.rollout.drain_timeout"));
        let both = hover("min_count").unwrap();
        assert!(
            both.starts_with(
                "`min_count`, an attribute of:\n\n- `uglyfox.runners_condition.apex.min_count`: `int`,"
            ) && both.contains("\n- `uglyfox.runners_condition.nadir.min_count`: "),
            "{both}"
        );
    }

    #[test]
    fn blocks_functions_and_types_are_known() {
        let egg = hover("egg").unwrap();
        assert!(egg.starts_with("```fly\negg \"<name>\" { ... }\n```"), "{egg}");
        assert!(
            egg.contains("Stands in: Eggs/<name>/config.fly.") && egg.contains("- `runner` block, required.")
        );
        assert!(hover("egg.type").unwrap().contains("- `serverless`: "));
        assert!(hover("cidrhost").unwrap().contains("cidrhost("));
        assert!(hover("duration").unwrap().contains("1h30m"));
        assert!(hover("list").unwrap().contains("in order"));
        for unknown in [
            "",
            "egg.",
            "eggs",
            "egg.runner.concurent",
            "egg.runner.concurrent.x",
            "egg..type",
        ] {
            assert_eq!(hover(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn every_name_can_be_hovered_over() {
        let names = names();
        assert!(names.len() > 500, "{}", names.len());
        for name in names {
            assert!(hover(&name).is_some(), "{name}");
        }
    }

    #[test]
    fn candidates_are_what_may_stand_there() {
        let names = |path: &str| {
            candidates(path)
                .into_iter()
                .map(|candidate| candidate.name)
                .collect::<Vec<_>>()
        };
        assert!(names("").starts_with(&["egg".to_owned(), "eggsbucket".to_owned()]));
        assert_eq!(names("resources"), ["cpu", "memory", "disk"]);
        assert_eq!(names("egg.runner.executor"), ["docker", "shell"]);
        assert_eq!(
            names("gitlab.events"),
            ["push", "merge_request", "pipeline", "job"]
        );
        assert_eq!(names("runner.locked"), ["true", "false"]);
        assert!(names("cloud").contains(&"vmid_range".to_owned()));
        assert!(names("mothergoose").contains(&"workers".to_owned()));
        assert_eq!(names("nothing"), Vec::<String>::new());
    }
}
