//! The firewall of a guest: an ordered list of rules, addressed by their positions, and options.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure};
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
    fn json(&self, position: usize) -> Value {
        let mut map: Map<_, _> = self
            .values
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        map.insert("pos".to_owned(), json!(position));
        let enabled = self
            .values
            .get("enable")
            .and_then(|text| text.parse::<u64>().ok());
        map.insert("enable".to_owned(), json!(enabled.unwrap_or(0)));
        Value::Object(map)
    }
}

/// The values of a call that are a rule's own.
fn values(ask: &Ask) -> BTreeMap<String, String> {
    let control = ["pos", "digest", "moveto", "delete"];
    let own = ask.given.pairs().filter(|(key, _)| !control.contains(key));
    own.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn keys(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default()
        .split([',', ';', ' '])
        .filter(|key| !key.is_empty())
}

/// The position that the path names, if there is a rule.
fn position(ask: &Ask, rules: &[Rule]) -> Result<usize, Failure> {
    let position = ask.variable("pos").parse::<usize>();
    let position = position.map_err(|_| Failure::parameter("pos", "type check ('integer') failed"))?;
    if position < rules.len() {
        Ok(position)
    } else {
        Failure::die(format!("no rule at position {position}"))
    }
}

impl Proxmox {
    pub(super) fn rules(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let rules = self.guest(ask)?.rules.iter().enumerate();
        Ok(rules
            .map(|(position, rule)| rule.json(position))
            .collect::<Value>()
            .into())
    }

    pub(super) fn rule(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let rules = &self.guest(ask)?.rules;
        let position = position(ask, rules)?;
        Ok(rules[position].json(position).into())
    }

    /// A new rule goes before all others, unless a position is given.
    pub(super) fn create_rule(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let serial = self.rules + 1;
        let guest = self.guest_mut(ask)?;
        let object = format!("{}/{}#{serial}", guest.kind.api(), ask.vmid());
        let values = values(ask);
        let comment = values.get("comment").map_or("", String::as_str);
        ledger.created(Some(ask.n), WORLD, "firewall_rule", &object, comment, comment);
        let position = ask
            .given
            .number::<usize>("pos")
            .unwrap_or(0)
            .min(guest.rules.len());
        guest.rules.insert(position, Rule { object, values });
        self.rules = serial;
        Ok(Value::Null.into())
    }

    pub(super) fn change_rule(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let rules = &mut self.guest_mut(ask)?.rules;
        let position = position(ask, rules)?;
        ledger.changed(ask.n);
        if let Some(to) = ask.given.number::<usize>("moveto") {
            let rule = rules.remove(position);
            // The real one counts positions with the rule still in its old place.
            let to = if to > position { to - 1 } else { to };
            rules.insert(to.min(rules.len()), rule);
            return Ok(Value::Null.into());
        }
        let rule = &mut rules[position];
        for key in keys(ask.given.text("delete")) {
            rule.values.remove(key);
        }
        rule.values.extend(values(ask));
        if let Some(comment) = rule.values.get("comment") {
            ledger.renamed(ask.n, WORLD, "firewall_rule", &rule.object, comment);
        }
        Ok(Value::Null.into())
    }

    pub(super) fn delete_rule(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let rules = &mut self.guest_mut(ask)?.rules;
        let position = position(ask, rules)?;
        let rule = rules.remove(position);
        ledger.deleted(ask.n, WORLD, "firewall_rule", &rule.object);
        Ok(Value::Null.into())
    }

    pub(super) fn firewall_options(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let options = self.guest(ask)?.firewall.iter().map(|(key, value)| {
            let number = value.parse::<u64>();
            (
                key.clone(),
                number.map_or_else(|_| json!(value), |number| json!(number)),
            )
        });
        Ok(Value::Object(options.collect()).into())
    }

    pub(super) fn change_firewall_options(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let guest = self.guest_mut(ask)?;
        ledger.changed(ask.n);
        for key in keys(ask.given.text("delete")) {
            guest.firewall.remove(key);
        }
        guest.firewall.extend(values(ask));
        Ok(Value::Null.into())
    }
}
