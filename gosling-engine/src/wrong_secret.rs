//! Why a saved form is not read in which a secret is named in a way that is refused.

use gosling_resource::SecretUri;
use serde_json::Value as Json;

/// Why bytes were not read: where the first secret is that is named in a wrong way, and what is wrong there, without the
/// text, which may be the secret itself; else what the parser said.
pub(crate) fn why_unread(bytes: &[u8], error: &serde_json::Error) -> String {
    let json = error
        .is_data()
        .then(|| serde_json::from_slice::<Json>(bytes).ok());
    let wrong = json
        .flatten()
        .and_then(|json| wrong_secret(&json, &mut Vec::new()));
    wrong.unwrap_or_else(|| error.to_string())
}

/// As `Value` and `Part` are saved: a secret is the text of a member `secret`, or of its member `uri` in a template.
fn wrong_secret(json: &Json, path: &mut Vec<String>) -> Option<String> {
    match json {
        Json::Object(members) => members.iter().find_map(|(name, member)| {
            let place = match name.as_str() {
                "secret" => member.get("uri").unwrap_or(member).as_str(),
                _ => None,
            };
            if let Some(Err(malformed)) = place.map(SecretUri::parse) {
                let at = path.join(".");
                return Some(format!("{at} is not the URI of a secret: {malformed}"));
            }
            path.push(name.clone());
            let found = wrong_secret(member, path);
            path.pop();
            found
        }),
        Json::Array(items) => items.iter().enumerate().find_map(|(number, item)| {
            let address = item.get("address").and_then(Json::as_str);
            path.push(address.map_or_else(|| number.to_string(), str::to_owned));
            let found = wrong_secret(item, path);
            path.pop();
            found
        }),
        _ => None,
    }
}
