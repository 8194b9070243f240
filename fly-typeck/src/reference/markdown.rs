//! The reference page of all block kinds, types and functions.

use super::catalogue::{Entry, Role, entries, home};
use super::hover::enum_words;
use super::words;
use crate::functions;
use crate::schema::{BlockSchema, Rest, language};

/// The reference of the language's blocks, types and functions, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(
        "# Fly reference\n\n\
         Every block, attribute, type and function of the language. `gosling schema` writes this page from the \
         definitions that `gosling validate` checks with; `gosling explain egg.runner.concurrent` shows one entry of it.\n\n\
         ## Types\n\n",
    );
    for (name, doc) in words::TYPES {
        page.push_str(&format!("- `{name}`: {doc}\n"));
    }
    page.push_str("\nOne word of a fixed list is written as `a|b|c`, and so is one type of several.\n");
    for entry in entries().iter().filter(|entry| entry.first) {
        section(&mut page, entry);
    }
    page.push_str("\n## Functions\n");
    for function in functions::all() {
        let (name, signature) = (function.name, function.signature);
        page.push_str(&format!("\n### {name}\n\n`{signature}`\n\n{}\n\n", function.doc));
        page.push_str(&format!("```fly\n{}\n```\n", function.example));
    }
    page
}

fn section(page: &mut String, entry: &Entry) {
    let schema = entry.schema;
    let level = (entry.path.split('.').count() + 1).min(6);
    page.push_str(&format!("\n{} {}\n\n", "#".repeat(level), entry.path));
    match entry.role {
        Role::Variant => {}
        Role::Any => page.push_str(&format!(
            "```fly\n{}\n```\n\n",
            words::opening(schema, "<any name>")
        )),
        Role::Top(..) | Role::Child => {
            page.push_str(&format!(
                "```fly\n{}\n```\n\n",
                words::opening(schema, entry.word())
            ));
        }
    }
    page.push_str(&format!("{}\n", entry.doc));
    if let Some(alias) = entry.alias {
        page.push_str(&format!("\nAlso written `{alias}`.\n"));
    }
    if let Role::Top(top) = entry.role {
        let often = if top.single { ", at most once" } else { "" };
        page.push_str(&format!("\nStands in: {}{often}.\n", top.place.path()));
    }
    for rule in words::rules(schema) {
        page.push_str(&format!("\n{rule}\n"));
    }
    contents(page, schema);
    if let Some(variants) = &schema.variants {
        let by = match variants.by {
            crate::schema::Tag::Attribute(name) => format!("`{name}`"),
            crate::schema::Tag::Label => "the first label".to_owned(),
        };
        let links: Vec<String> = schema
            .all_variants()
            .map(|(word, variant)| link(word, variant))
            .collect();
        page.push_str(&format!(
            "\nWhat else may stand here depends on {by}: {}.\n",
            links.join(", ")
        ));
    }
}

fn contents(page: &mut String, schema: &'static BlockSchema) {
    let mut list = String::new();
    let mut line = |name: &str, facts: &str, doc: &str| {
        list.push_str(&format!("- `{name}`: {facts}. {}\n", doc.replace('\n', " ")));
    };
    if schema.uses_presets {
        line("use", "presets, optional", language::USE);
    }
    if schema.repeats {
        line(
            "for_each",
            "`map(T)`, `object({...})`, `list(T)` or `set(T)`, optional",
            language::FOR_EACH,
        );
    }
    let mut attributes = String::new();
    for attribute in &schema.attributes {
        let facts = words::facts(attribute);
        attributes.push_str(&format!(
            "- `{}`: {facts}. {}\n",
            attribute.name,
            attribute.doc.replace('\n', " ")
        ));
        for (word, doc) in enum_words(&attribute.ty)
            .into_iter()
            .flat_map(|words| words.documented())
        {
            attributes.push_str(&format!("  - `{word}`: {}\n", doc.replace('\n', " ")));
        }
    }
    list.push_str(&attributes);
    match &schema.rest {
        Rest::Attributes { doc, ty } => {
            list.push_str(&format!("- any name: {}. {doc}\n", words::type_text(ty)))
        }
        Rest::Blocks(any) => list.push_str(&format!("- any name: {} block.\n", link("one", any()))),
        Rest::None => {}
    }
    for child in &schema.blocks {
        let occurrence = words::occurrence(child.occurrence);
        let alias = child
            .alias
            .map(|alias| format!(" (also `{alias}`)"))
            .unwrap_or_default();
        let about = words::first_sentence(child.doc());
        let link = link(child.name, (child.schema)());
        list.push_str(&format!("- {link}{alias} block, {occurrence}. {about}\n"));
    }
    if !list.is_empty() {
        page.push_str(&format!("\n{list}"));
    }
}

/// A link to the section that describes `schema`. The anchor is what GitHub and GitLab make of a heading.
fn link(text: &str, schema: &'static BlockSchema) -> String {
    match home(schema) {
        Some(entry) => {
            let kept = entry
                .path
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            format!("[`{text}`](#{})", kept.collect::<String>().to_lowercase())
        }
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_leads_to_a_heading() {
        let page = markdown();
        let anchors: Vec<String> = page
            .lines()
            .filter(|line| line.starts_with("##"))
            .map(|line| {
                line.trim_start_matches(['#', ' '])
                    .replace('.', "")
                    .to_lowercase()
                    .replace(' ', "-")
            })
            .collect();
        let mut sorted = anchors.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), anchors.len(), "two headings have one anchor");
        let links: Vec<&str> = page
            .split("](#")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .collect();
        assert!(links.len() > 60, "{}", links.len());
        for link in links {
            assert!(anchors.iter().any(|anchor| anchor == link), "{link}");
        }
    }

    #[test]
    fn every_attribute_is_on_the_page() {
        let page = markdown();
        for entry in entries() {
            for attribute in &entry.schema.attributes {
                assert!(
                    page.contains(&format!("- `{}`: {}.", attribute.name, words::facts(attribute))),
                    "{}",
                    attribute.name
                );
            }
        }
        for function in functions::all() {
            assert!(page.contains(function.signature), "{}", function.name);
        }
    }
}
