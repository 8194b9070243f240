//! Resource pools: names for guests and storages that privileges are given on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::{Ask, Proxmox};
use crate::ledger::Ledger;

/// A pool. Its guests say themselves that they are in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    comment: String,
    storages: BTreeSet<String>,
}

impl Proxmox {
    /// Whether the token may see a pool in a list.
    pub(super) fn sees_pool(&self, pool: &str) -> bool {
        self.holds(&format!("/pool/{pool}"), "Pool.Audit")
    }

    pub(super) fn list_pools(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        if let Some(name) = ask.given.text("poolid") {
            self.need(&format!("/pool/{name}"), &["Pool.Audit"])?;
            let mut shown = self.pool_json(ask, name)?;
            shown["poolid"] = name.into();
            return Ok(json!([shown]).into());
        }
        let pools = self.pools.iter().filter(|(name, _)| self.sees_pool(name));
        let pools = pools.map(|(name, pool)| json!({"poolid": name, "comment": pool.comment}));
        Ok(pools.collect::<Value>().into())
    }

    pub(super) fn pool(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        Ok(self.pool_json(ask, ask.variable("poolid"))?.into())
    }

    fn pool_json(&self, ask: &Ask, name: &str) -> Result<Value, Failure> {
        let pool = self.known_pool(name)?;
        let wants = |kind: &str| ask.given.text("type").is_none_or(|wanted| wanted == kind);
        let guests = self
            .guests
            .iter()
            .filter(|(_, guest)| guest.pool.as_deref() == Some(name) && wants(guest.kind.api()));
        let mut members: Vec<_> = guests.map(|(vmid, guest)| self.resource(*vmid, guest)).collect();
        if wants("storage") {
            let storages = self.storage_resources();
            members.extend(storages.into_iter().filter(|shown| {
                let storage = shown["storage"].as_str();
                storage.is_some_and(|storage| pool.storages.contains(storage))
            }));
        }
        Ok(json!({"comment": pool.comment, "members": members}))
    }

    fn known_pool(&self, name: &str) -> Result<&Pool, Failure> {
        let found = self.pools.get(name);
        found.ok_or_else(|| Failure::Die(format!("pool '{name}' does not exist")))
    }

    pub(super) fn there_is_pool(&self, name: &str) -> Result<(), Failure> {
        self.known_pool(name).map(|_| ())
    }

    pub(super) fn create_pool(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let name = ask.given.text("poolid").unwrap_or_default();
        if self.pools.contains_key(name) {
            return Failure::die(format!("create pool failed: pool '{name}' already exists"));
        }
        let pool = Pool {
            comment: ask.given.owned("comment").unwrap_or_default(),
            storages: BTreeSet::new(),
        };
        self.pools.insert(name.to_owned(), pool);
        ledger.changed(ask.n);
        Ok(Value::Null.into())
    }

    /// Changes a pool's comment, and puts guests and storages into it, or takes them from it.
    pub(super) fn change_pool(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let given = &ask.given;
        let name = pool_of(ask).to_owned();
        let mut pool = self.known_pool(&name)?.clone();
        let leave = given.flag("delete") == Some(true);
        if let Some(comment) = given.text("comment") {
            comment.clone_into(&mut pool.comment);
        }
        let guests: Vec<u32> = given.list("vms").filter_map(|vmid| vmid.parse().ok()).collect();
        for vmid in &guests {
            self.need(&format!("/vms/{vmid}"), &["Permissions.Modify"])?;
            let Some(guest) = self.guests.get(vmid) else {
                return Failure::die(format!("update pools failed: VM {vmid} does not exist"));
            };
            let fault = match guest.pool.as_deref() {
                own if leave => (own != Some(name.as_str())).then_some("is not a pool member"),
                Some(_) if given.flag("allow-move") != Some(true) => Some("is already a pool member"),
                _ => None,
            };
            if let Some(fault) = fault {
                return Failure::die(format!("update pools failed: VM {vmid} {fault}"));
            }
        }
        for storage in given.list("storage") {
            self.storage(storage)?;
            if leave {
                pool.storages.remove(storage);
            } else {
                pool.storages.insert(storage.to_owned());
            }
        }
        for vmid in guests {
            if let Some(guest) = self.guests.get_mut(&vmid) {
                guest.pool = (!leave).then(|| name.clone());
            }
        }
        self.pools.insert(name, pool);
        ledger.changed(ask.n);
        Ok(Value::Null.into())
    }

    /// Only an empty pool can be deleted.
    pub(super) fn delete_pool(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let name = pool_of(ask).to_owned();
        let pool = self.known_pool(&name)?;
        let guest = self
            .guests
            .iter()
            .find(|(_, guest)| guest.pool.as_deref() == Some(name.as_str()));
        let member = match (guest, pool.storages.first()) {
            (Some((vmid, _)), _) => Some(format!("VM {vmid}")),
            (None, Some(storage)) => Some(format!("storage '{storage}'")),
            (None, None) => None,
        };
        if let Some(member) = member {
            return Failure::die(format!(
                "delete pool failed: pool '{name}' is not empty (contains {member})"
            ));
        }
        self.pools.remove(&name);
        ledger.changed(ask.n);
        Ok(Value::Null.into())
    }
}

/// The pool that a call names, in its path or in its parameters.
fn pool_of<'a>(ask: &'a Ask) -> &'a str {
    match ask.variable("poolid") {
        "" => ask.given.text("poolid").unwrap_or_default(),
        name => name,
    }
}
