//! What other people's clients send, and what they need of the answers: recorded once with the client itself, kept here
//! as calls of our own.

use serde_json::{Map, Value};

use super::Lab;

/// A client's calls, in their order.
const RECORDED: [(&str, &str); 3] = [
    ("a virtual machine", include_str!("terraform_vm.json")),
    (
        "a virtual machine from an image",
        include_str!("terraform_image.json"),
    ),
    ("a container", include_str!("terraform_container.json")),
];

/// A form's text.
fn form(values: &Map<String, Value>) -> String {
    let encode = |text: &str| -> String {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric();
        let each = |byte: u8| {
            if plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        text.bytes().map(each).collect()
    };
    let pairs = values.iter().map(|(name, value)| {
        let value = value.as_str().unwrap();
        format!("{}={}", encode(name), encode(value))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Whether an answer has all that is needed of it: `"*"` is anything, and a list has each needed item somewhere.
fn has(answer: &Value, needed: &Value) -> bool {
    match needed {
        Value::String(any) if any == "*" => !answer.is_null(),
        Value::Object(needed) => needed.iter().all(|(key, needed)| has(&answer[key], needed)),
        Value::Array(needed) if !needed.is_empty() => {
            let items = answer.as_array().into_iter().flatten().collect::<Vec<_>>();
            needed
                .iter()
                .all(|needed| items.iter().any(|item| has(item, needed)))
        }
        needed => answer == needed,
    }
}

#[test]
fn bpgs_terraform_provider_makes_changes_reads_and_deletes() {
    for version in ["8.4.0", "9.1.3"] {
        for (name, steps) in RECORDED {
            let steps: Vec<Value> = serde_json::from_str(steps).unwrap();
            assert!(steps.len() > 10, "{name}");
            let mut lab = Lab::new(|world| version.clone_into(&mut world.version));
            for step in &steps {
                let call = step["call"].as_str().unwrap();
                let (method, path) = call.split_once(' ').unwrap();
                let text = step["sends"].as_object().map(form).unwrap_or_default();
                if let Some(status) = step["fails"].as_u64() {
                    let (failed, words) = lab.fails(method, path, &text);
                    assert_eq!(u64::from(failed), status, "{name}: {call}: {words}");
                    continue;
                }
                let answer = lab.data(method, path, &text);
                // What takes time has ended by the next call.
                lab.later(5000);
                if let Some(upid) = answer.as_str().filter(|text| text.starts_with("UPID:")) {
                    assert_eq!(lab.end(upid), "OK", "{name}: {call}");
                }
                assert!(
                    has(&answer, &step["needs"]) || step["needs"].is_null(),
                    "{name}: {call}: {answer} has not {}",
                    step["needs"]
                );
            }
        }
    }
}
