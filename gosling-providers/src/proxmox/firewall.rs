//! Proxmox VE's firewall in front of one machine.

use gosling_resource::Value as Property;
use serde_json::Value;

use super::api::pair;
use super::trouble::Trouble;
use super::wanted::{Firewall, same};
use super::work::{Found, Work};

/// Where a rule comes from, for whoever looks at it in Proxmox VE.
const COMMENT: &str = "gosling";

/// A rule in the words of the attribute: `10.0.0.0/8 tcp/22`.
fn words(rule: &Value) -> String {
    let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
    let known = [
        "type",
        "action",
        "source",
        "proto",
        "dport",
        "enable",
        "pos",
        "comment",
        "digest",
        "ipversion",
    ];
    let keys = rule
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str());
    let others = keys.filter(|key| !known.contains(key)).count();
    let enabled = rule.get("enable").and_then(Value::as_i64) == Some(1);
    if text("type") != "in" || text("action") != "ACCEPT" || !enabled || others > 0 {
        // Nothing that anybody could have asked for: it will be put right.
        return format!("another rule: {} {}", text("type"), text("action"));
    }
    match (text("proto"), text("dport")) {
        ("", _) => text("source").to_owned(),
        (proto, "") => format!("{} {proto}", text("source")),
        (proto, port) => format!("{} {proto}/{port}", text("source")),
    }
}

/// The attribute's words as a rule.
fn rule(words: &str) -> Vec<(String, String)> {
    let mut form = vec![
        pair("type", "in"),
        pair("action", "ACCEPT"),
        pair("enable", 1),
        pair("comment", COMMENT),
    ];
    let mut parts = words.split_whitespace();
    form.extend(parts.next().map(|source| pair("source", source)));
    if let Some(service) = parts.next() {
        let (proto, port) = service.split_once('/').unwrap_or((service, ""));
        form.push(pair("proto", proto));
        if !port.is_empty() {
            form.push(pair("dport", port));
        }
    }
    form
}

/// The firewall as it is; `None` where it is off.
async fn current(work: &Work<'_>, found: &Found) -> Result<Option<Firewall>, Trouble> {
    let path = format!("{}/firewall", found.path());
    let options = work.api.get(&format!("{path}/options")).await?;
    let enabled = options.get("enable").and_then(Value::as_i64) == Some(1);
    if !enabled {
        return Ok(None);
    }
    let policy = options.get("policy_in").and_then(Value::as_str).unwrap_or("DROP");
    let rules = work.api.get(&format!("{path}/rules")).await?;
    Ok(Some(Firewall {
        policy_in: policy.to_uppercase(),
        allow: rules.as_array().into_iter().flatten().map(words).collect(),
    }))
}

impl Firewall {
    fn is(&self, other: &Self) -> bool {
        self.policy_in == other.policy_in && same(self.allow.clone(), other.allow.clone())
    }
}

/// The attribute as it is; as it was written `before`, where that says the same.
pub(super) async fn observed(
    work: &Work<'_>,
    found: &Found,
    before: &Property,
    wanted: Option<&Firewall>,
) -> Result<Property, Trouble> {
    let Some(is) = current(work, found).await? else {
        return Ok(Property::Null);
    };
    if wanted.is_some_and(|wanted| wanted.is(&is)) {
        return Ok(before.clone());
    }
    let map = [
        ("policy_in".into(), is.policy_in.into()),
        ("allow".into(), is.allow.into()),
    ];
    Ok(Property::Map(map.into()))
}

/// Makes the firewall what it is to be. A machine that has its rules already is left alone.
pub(super) async fn ensure(
    work: &Work<'_>,
    found: &Found,
    wanted: Option<&Firewall>,
) -> Result<bool, Trouble> {
    let is = current(work, found).await?;
    let right = match (&is, wanted) {
        (Some(is), Some(wanted)) => wanted.is(is),
        (None, None) => true,
        _ => false,
    };
    if right {
        return Ok(false);
    }
    let path = format!("{}/firewall", found.path());
    let Some(wanted) = wanted else {
        work.api
            .put(&format!("{path}/options"), &[pair("enable", 0)])
            .await?;
        return Ok(true);
    };
    work.progress("setting the firewall");
    let rules = work.api.get(&format!("{path}/rules")).await?;
    let count = rules.as_array().map_or(0, Vec::len);
    // The first rule `count` times: positions move up as rules go.
    for _ in 0..count {
        work.api.delete(&format!("{path}/rules/0"), &[]).await?;
    }
    // A new rule goes before all others.
    for words in wanted.allow.iter().rev() {
        work.api.post(&format!("{path}/rules"), &rule(words)).await?;
    }
    let options = [pair("enable", 1), pair("policy_in", &wanted.policy_in)];
    work.api.put(&format!("{path}/options"), &options).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_was_written() {
        for text in [
            "10.0.0.0/8",
            "10.0.0.0/8 tcp/22",
            "192.168.0.7 icmp",
            "fd00::/8 udp/53:60",
        ] {
            let mut json: Value = rule(text)
                .into_iter()
                .map(|(name, value)| (name, Value::from(value)))
                .collect();
            json["enable"] = 1.into();
            json["pos"] = 0.into();
            assert_eq!(words(&json), text);
            json["action"] = "DROP".into();
            assert!(words(&json).starts_with("another rule"));
        }
    }
}
