//! A plan and a state as programs read them: a number is a number, a text a text.

use gosling_engine::{AttributeChange, Held, Plan};
use gosling_resource::{Properties, Value};
use serde_json::{Value as Json, json};

/// A plan. Its saved form, whose values say what type each is, is that of `gosling plan -o`.
#[must_use]
pub fn plan(plan: &Plan) -> Json {
    let mut shown = serde_json::to_value(plan).unwrap_or_default();
    for (index, change) in plan.changes.iter().enumerate() {
        let shown = &mut shown["changes"][index];
        attributes(&mut shown["attributes"], &change.attributes);
        for (name, values) in [
            ("prior", &change.prior),
            ("properties", &change.properties),
            ("given", &change.given),
        ] {
            if shown.get(name).is_some() {
                shown[name] = properties(values);
            }
        }
    }
    for (index, drift) in plan.drift.iter().enumerate() {
        attributes(&mut shown["drift"][index]["attributes"], &drift.attributes);
    }
    shown["rollouts"] = json!(plan.rollouts());
    shown
}

/// A resource of a state.
#[must_use]
pub fn held(held: &Held) -> Json {
    let mut shown = serde_json::to_value(held).unwrap_or_default();
    shown["properties"] = properties(&held.properties);
    shown
}

fn attributes(shown: &mut Json, attributes: &[AttributeChange]) {
    for (index, attribute) in attributes.iter().enumerate() {
        shown[index]["before"] = value(&attribute.before);
        shown[index]["after"] = value(&attribute.after);
    }
}

fn properties(properties: &Properties) -> Json {
    let fields = properties.iter();
    fields
        .map(|(name, property)| (name.to_string(), value(property)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A value. What JSON has no word for is an object with one field: `secret`, `template`, `output`.
fn value(of: &Value) -> Json {
    match of {
        Value::Null => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::List(values) => values.iter().map(value).collect(),
        Value::Map(values) => {
            let fields = values.iter();
            let fields: serde_json::Map<_, _> = fields
                .map(|(name, inner)| (name.to_string(), value(inner)))
                .collect();
            fields.into()
        }
        Value::Secret(_) | Value::Template(_) | Value::Output(_) => {
            serde_json::to_value(of).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_json_calls_it() {
        let list = Value::List(vec![Value::Int(42), Value::Text("a".into()), Value::Null]);
        assert_eq!(value(&list), json!([42, "a", null]));
        let map = Value::Map([("on".into(), Value::Bool(true))].into());
        assert_eq!(value(&map), json!({ "on": true }));
    }
}
