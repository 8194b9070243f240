//! The firewall of a guest: an ordered list of rules, addressed by their positions, and options.

pub(super) mod formats;
mod verify;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure};
use super::guests::digest;
use super::nets::is_net;
use super::{Ask, Proxmox, WORLD};
use crate::ledger::Ledger;

/// A rule. Its position is its only name in the API, and changes when others come and go.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// What the ledger calls it.
    pub(super) object: String,
    values: BTreeMap<String, String>,
}

impl Rule {
    /// What is said of a rule, without its position: a number in a list, and the words of the path elsewhere.
    fn json(&self, digest: &str) -> Value {
        let mut map: Map<_, _> = self
            .values
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let enabled = self
            .values
            .get("enable")
            .and_then(|text| text.parse::<u64>().ok());
        map.insert("enable".to_owned(), json!(enabled.unwrap_or(0)));
        let version = ["source", "dest"]
            .into_iter()
            .find_map(|name| verify::version(&self.values, name));
        if let Some(version) = version {
            map.insert("ipversion".to_owned(), json!(version));
        }
        map.insert("digest".to_owned(), json!(digest));
        Value::Object(map)
    }
}

fn digest_of(rules: &[Rule]) -> String {
    digest(&rules.iter().map(|rule| &rule.values).collect::<Vec<_>>())
}

/// Fails when a call was meant for what was there before somebody else's change.
fn unchanged(ask: &Ask, digest: &str) -> Result<(), Failure> {
    match ask.given.text("digest") {
        Some(given) if given != digest => {
            Failure::die("detected modified configuration - file changed by other user? Try again.")
        }
        _ => Ok(()),
    }
}

/// Puts the values of a call into those of a rule, or of the options. An empty one goes from there.
fn put(ask: &Ask, values: &mut BTreeMap<String, String>) {
    let control = ["pos", "digest", "moveto", "delete"];
    for (key, value) in ask.given.pairs().filter(|(key, _)| !control.contains(key)) {
        match value {
            "" | "-" => values.remove(key),
            value => values.insert(key.to_owned(), value.to_owned()),
        };
    }
    for key in ask.given.list("delete") {
        values.remove(key);
    }
}

/// The position that the path names, if there is a rule.
fn position(ask: &Ask, rules: &[Rule]) -> Result<usize, Failure> {
    let text = ask.variable("pos");
    let position = text.parse::<usize>();
    let mistyped = || format!("type check ('integer') failed - got '{text}'");
    let position = position.map_err(|_| Failure::parameter("pos", mistyped()))?;
    if position < rules.len() {
        Ok(position)
    } else {
        Failure::die(format!("no rule at position {position}"))
    }
}

impl Proxmox {
    pub(super) fn rules(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let rules = &self.guest(ask)?.rules;
        let digest = digest_of(rules);
        let rules = rules.iter().enumerate().map(|(position, rule)| {
            let mut shown = rule.json(&digest);
            shown["pos"] = position.into();
            shown
        });
        Ok(rules.collect::<Value>().into())
    }

    pub(super) fn rule(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let rules = &self.guest(ask)?.rules;
        let position = position(ask, rules)?;
        let mut shown = rules[position].json(&digest_of(rules));
        shown["pos"] = ask.variable("pos").into();
        Ok(shown.into())
    }

    /// A new rule goes before all others, whatever position is given.
    pub(super) fn create_rule(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let serial = self.rules + 1;
        let guest = self.guest_mut(ask)?;
        let mut values = BTreeMap::new();
        put(ask, &mut values);
        verify::verify(&mut values).map_err(Failure::Parameters)?;
        unchanged(ask, &digest_of(&guest.rules))?;
        let object = format!("{}/{}#{serial}", guest.kind.api(), ask.vmid());
        let comment = values.get("comment").map_or("", String::as_str);
        ledger.created(Some(ask.n), WORLD, "firewall_rule", &object, comment, comment);
        guest.rules.insert(0, Rule { object, values });
        self.rules = serial;
        Ok(Value::Null.into())
    }

    pub(super) fn change_rule(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let rules = &mut self.guest_mut(ask)?.rules;
        unchanged(ask, &digest_of(rules))?;
        let position = position(ask, rules)?;
        if let Some(to) = ask.given.number::<usize>("moveto").filter(|to| *to != position) {
            let rule = rules.remove(position);
            // The real one counts positions with the rule still in its old place.
            let to = if to > position { to - 1 } else { to };
            rules.insert(to.min(rules.len()), rule);
        } else {
            let mut values = rules[position].values.clone();
            put(ask, &mut values);
            verify::verify(&mut values).map_err(Failure::Parameters)?;
            let rule = &mut rules[position];
            rule.values = values;
            if let Some(comment) = rule.values.get("comment") {
                ledger.renamed(ask.n, WORLD, "firewall_rule", &rule.object, comment);
            }
        }
        ledger.changed(ask.n);
        Ok(Value::Null.into())
    }

    pub(super) fn delete_rule(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let rules = &mut self.guest_mut(ask)?.rules;
        unchanged(ask, &digest_of(rules))?;
        let position = position(ask, rules)?;
        let rule = rules.remove(position);
        ledger.deleted(ask.n, WORLD, "firewall_rule", &rule.object);
        Ok(Value::Null.into())
    }

    pub(super) fn firewall_options(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let options = &self.guest(ask)?.firewall;
        let mut shown: Map<_, _> = options
            .iter()
            .map(|(key, value)| {
                let number = value.parse::<u64>();
                (key.clone(), number.map_or_else(|_| json!(value), Value::from))
            })
            .collect();
        shown.insert("digest".to_owned(), json!(digest(options)));
        Ok(Value::Object(shown).into())
    }

    pub(super) fn change_firewall_options(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let options = &mut self.guest_mut(ask)?.firewall;
        unchanged(ask, &digest(options))?;
        put(ask, options);
        ledger.changed(ask.n);
        Ok(Value::Null.into())
    }
}
