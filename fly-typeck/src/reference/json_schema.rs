//! JSON Schema of a Nest as `gosling eval --json` prints it.

use serde_json::{Map, Value as Json, json};

use super::catalogue::{Entry, Role, entries, home};
use super::words;
use crate::json::json as value_json;
use crate::schema::{AttributeSchema, BlockSchema, Occurrence, Presence, Rest, Rule, Tag, top_level};
use crate::types::Type;
use crate::value::Value;
use fly_domain::{SecretBackend, TextForm};

/// The schema (draft 2020-12) of an evaluated Nest: blocks by their kind, and by their label where they have one;
/// defaults filled in; durations and sizes as text and as a number; secrets as the address of where they are kept.
/// Every block is a definition under its path.
#[must_use]
pub fn json_schema() -> Json {
    let mut definitions = Map::new();
    for (name, definition) in quantities() {
        definitions.insert(name.to_owned(), definition);
    }
    let mut properties = Map::new();
    for top in top_level().iter().filter(|top| top.lasting) {
        let schema = (top.schema)();
        let one = block_reference(schema);
        properties.insert(
            schema.kind.to_owned(),
            if schema.labels.is_empty() {
                one
            } else {
                by_name(one)
            },
        );
    }
    for entry in entries()
        .iter()
        .filter(|entry| entry.first && properties.contains_key(entry.root()))
    {
        if !matches!(entry.role, Role::Variant) {
            definitions.insert(entry.path.clone(), block(entry));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An evaluated Nest",
        "description": "What `gosling eval --json` prints.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn quantities() -> [(&'static str, Json); 4] {
    let quantity = |number: &str, doc: &str| {
        json!({
            "description": doc,
            "type": "object",
            "properties": { "text": { "type": "string" }, number: { "type": "number", "minimum": 0 } },
            "required": ["text", number],
        })
    };
    let backends: Vec<&str> = SecretBackend::ALL
        .iter()
        .map(|backend| backend.scheme())
        .collect();
    [
        ("duration", quantity("seconds", "A length of time.")),
        ("size", quantity("bytes", "An amount of memory or disk.")),
        ("percent", quantity("percent", "A share of a hundred.")),
        (
            "secret",
            json!({
                "description": "Where a secret is kept, never the secret itself.",
                "type": "string",
                "pattern": format!("^({})://", backends.join("|")),
            }),
        ),
    ]
}

fn reference(path: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{path}") })
}

fn by_name(one: Json) -> Json {
    json!({ "type": "object", "additionalProperties": one })
}

fn block(entry: &Entry) -> Json {
    let schema = entry.schema;
    let mut object = contents(schema);
    object.insert("description".to_owned(), json!(entry.doc));
    object.insert("type".to_owned(), json!("object"));
    if !schema.labels.is_empty() {
        let name = json!({ "type": "string", "description": "Its label." });
        properties(&mut object).and_then(|properties| properties.insert("name".to_owned(), name));
    }
    let closed = match &schema.rest {
        Rest::None => json!(false),
        Rest::Attributes { doc, ty } => with_doc(type_schema(ty), doc),
        Rest::Blocks(any) => block_reference(any()),
    };
    match &schema.variants {
        None => {
            object.insert("additionalProperties".to_owned(), closed);
        }
        Some(variants) => {
            let tag = match variants.by {
                Tag::Attribute(name) => name,
                Tag::Label => "name",
            };
            let cases: Vec<Json> = schema
                .all_variants()
                .map(|(word, variant)| {
                    let chosen = json!({ "type": "string", "pattern": format!("^{word}(\\.|$)") });
                    json!({
                        "if": { "properties": { tag: chosen }, "required": [tag] },
                        "then": Json::Object(contents(variant)),
                    })
                })
                .collect();
            object.insert("allOf".to_owned(), json!(cases));
            object.insert("unevaluatedProperties".to_owned(), closed);
        }
    }
    Json::Object(object)
}

/// Properties, which of them are required, and rules.
fn contents(schema: &'static BlockSchema) -> Map<String, Json> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for attribute in &schema.attributes {
        properties.insert(attribute.name.to_owned(), attribute_schema(attribute));
        if !matches!(attribute.presence, Presence::Optional) {
            required.push(attribute.name);
        }
    }
    for child in &schema.blocks {
        let one = block_reference((child.schema)());
        let many = child.occurrence == Occurrence::Many;
        properties.insert(
            child.name.to_owned(),
            with_doc(if many { by_name(one) } else { one }, child.doc()),
        );
        if child.occurrence == Occurrence::Required {
            required.push(child.name);
        }
    }
    let mut object = Map::new();
    object.insert("properties".to_owned(), Json::Object(properties));
    object.insert("required".to_owned(), json!(required));
    if let [rule] = schema.rules {
        let given = |names: &[&str]| -> Vec<Json> {
            names.iter().map(|name| json!({ "required": [name] })).collect()
        };
        let (key, value) = match rule {
            Rule::ExactlyOne(names) => ("oneOf", json!(given(names))),
            Rule::AtLeastOne(names) => ("anyOf", json!(given(names))),
            Rule::AtMostOne(names) => ("not", json!({ "required": names })),
        };
        object.insert(key.to_owned(), value);
    }
    object
}

fn properties(object: &mut Map<String, Json>) -> Option<&mut Map<String, Json>> {
    object
        .entry("properties")
        .or_insert_with(|| json!({}))
        .as_object_mut()
}

fn block_reference(schema: &'static BlockSchema) -> Json {
    home(schema).map_or_else(|| json!({}), |entry| reference(&entry.path))
}

fn attribute_schema(attribute: &AttributeSchema) -> Json {
    let mut schema = with_doc(type_schema(&attribute.ty), &attribute.doc);
    let Json::Object(object) = &mut schema else {
        return schema;
    };
    if let Presence::Default { value, .. } = &attribute.presence {
        object.insert("default".to_owned(), value_json(value));
    }
    if let Some(range) = &attribute.range {
        bound(object, "minimum", range.min.as_ref());
        bound(object, "maximum", range.max.as_ref());
    }
    if let Some(provider) = attribute.only {
        let doc = format!("{} On {} only.", attribute.doc, words::provider_name(provider));
        object.insert("description".to_owned(), json!(doc));
    }
    schema
}

/// A bound of a number, or of the number inside a quantity.
fn bound(object: &mut Map<String, Json>, keyword: &str, value: Option<&Value>) {
    let Some(value) = value else { return };
    let limits = match value_json(value) {
        Json::Object(quantity) => quantity.into_iter().find(|(_, value)| value.is_number()),
        number => {
            object.insert(keyword.to_owned(), number);
            None
        }
    };
    if let Some((unit, limit)) = limits
        && let Some(properties) = properties(object)
        && let Some(number) = properties
            .entry(unit)
            .or_insert_with(|| json!({}))
            .as_object_mut()
    {
        number.insert(keyword.to_owned(), limit);
    }
}

fn with_doc(mut schema: Json, doc: &str) -> Json {
    if let Json::Object(object) = &mut schema {
        object.insert("description".to_owned(), json!(doc));
    }
    schema
}

fn type_schema(ty: &Type) -> Json {
    match ty {
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int => json!({ "type": "integer" }),
        Type::Float => json!({ "type": "number" }),
        Type::String | Type::Reference(_) | Type::TypeExpression | Type::Predicate => {
            json!({ "type": "string" })
        }
        Type::Duration => reference("duration"),
        Type::Size => reference("size"),
        Type::Percent => reference("percent"),
        Type::Secret => reference("secret"),
        Type::Text(TextForm::Url) => json!({ "type": "string", "format": "uri" }),
        Type::Text(TextForm::Fqdn) => json!({ "type": "string", "format": "hostname" }),
        Type::Text(_) => json!({ "type": "string" }),
        Type::Words(words) => json!({ "type": "string", "enum": words.names().collect::<Vec<_>>() }),
        Type::List(element) => json!({ "type": "array", "items": type_schema(element) }),
        Type::Set(element) => json!({ "type": "array", "items": type_schema(element), "uniqueItems": true }),
        Type::Map(element) => by_name(type_schema(element)),
        Type::Object(object) => {
            let fields = object
                .fields
                .iter()
                .map(|field| (field.name.to_string(), type_schema(&field.ty)));
            let required = object
                .fields
                .iter()
                .filter(|field| !field.optional)
                .map(|field| field.name.as_str());
            json!({
                "type": "object",
                "properties": fields.collect::<Map<_, _>>(),
                "required": required.collect::<Vec<_>>(),
            })
        }
        Type::Union(types) => json!({ "anyOf": types.iter().map(type_schema).collect::<Vec<_>>() }),
        Type::Block(schema) => block_reference(schema),
        Type::Any | Type::Unknown => json!({}),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_to_a_definition() {
        let schema = json_schema();
        let definitions = schema["$defs"].as_object().unwrap();
        let text = schema.to_string();
        let mut references = 0;
        for rest in text.split("\"$ref\":\"#/$defs/").skip(1) {
            references += 1;
            let name = rest.split('"').next().unwrap();
            assert!(definitions.contains_key(name), "{name}");
        }
        assert!(references > 100, "{references}");
    }

    #[test]
    fn an_attribute_keeps_all_that_its_schema_says() {
        let schema = json_schema();
        let runner = &schema["$defs"]["egg.runner"];
        let concurrent = &runner["properties"]["concurrent"];
        assert_eq!(concurrent["type"], "integer");
        assert_eq!(
            (&concurrent["minimum"], &concurrent["maximum"]),
            (&json!(1), &json!(1000))
        );
        assert_eq!(concurrent["default"], json!(1));
        assert!(
            concurrent["description"]
                .as_str()
                .unwrap()
                .starts_with("How many jobs")
        );
        assert_eq!(
            runner["properties"]["executor"]["enum"],
            json!(["docker", "shell"])
        );
        assert_eq!(runner["additionalProperties"], json!(false));
        assert!(runner["required"].as_array().unwrap().contains(&json!("tags")));
        assert!(!runner["required"].as_array().unwrap().contains(&json!("version")));
        let memory = &schema["$defs"]["egg.resources"]["properties"]["memory"];
        assert_eq!(memory["$ref"], "#/$defs/size");
        assert_eq!(memory["properties"]["bytes"]["minimum"], json!(1_048_576));
        let environment = &schema["$defs"]["egg.environment"]["additionalProperties"];
        assert_eq!(environment["anyOf"][1]["$ref"], "#/$defs/secret");
    }

    #[test]
    fn blocks_of_any_name_and_variants_are_open_where_they_should() {
        let definitions = &json_schema()["$defs"];
        let queues = &definitions["mothergoose.message_queues"]["additionalProperties"];
        assert_eq!(queues["$ref"], "#/$defs/mothergoose.message_queues.queue");
        let cloud = &definitions["egg.cloud"];
        assert_eq!(cloud["unevaluatedProperties"], json!(false));
        assert_eq!(
            cloud["allOf"][0]["then"]["properties"]["vlan"]["maximum"],
            json!(4094)
        );
        assert_eq!(
            cloud["allOf"][0]["then"]["oneOf"][0]["required"],
            json!(["template"])
        );
    }
}
