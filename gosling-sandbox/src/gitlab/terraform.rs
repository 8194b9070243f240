//! Terraform states of a project: text with a lock.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::{Ask, Gitlab};
use crate::Reply;
use crate::ledger::Ledger;

/// A state: its versions by serial number, and who holds it. The latest is the one with the highest number, whenever it
/// was written (`Terraform::State.latest_version` in GitLab's source).
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    versions: BTreeMap<u64, Vec<u8>>,
    lock: Option<Lock>,
}

#[derive(Debug, Clone)]
struct Lock {
    id: String,
    /// What the holder said, which is also what a second one is told.
    info: Value,
    at: Duration,
}

impl State {
    /// Whether a call with this lock id may change the state: the holder's while it is held, and none otherwise.
    fn open(&self, id: Option<&str>) -> bool {
        self.lock.as_ref().map(|lock| lock.id.as_str()) == id
    }
}

/// The longest lock id.
const LONGEST: usize = 255;

impl Gitlab {
    fn state_key(&self, ask: &Ask) -> Result<(u64, String), Failure> {
        let name = ask.given.text("name").unwrap_or_default();
        if ask.given.text("ID").is_some_and(|id| id.len() > LONGEST) {
            let complaint = format!("ID is too long (maximum is {LONGEST} characters)");
            return Err(Failure::Error(400, complaint));
        }
        Ok((self.project(ask)?.id, name.to_owned()))
    }

    /// The lock's JSON as GitLab writes it.
    fn holder(&self, lock: &Lock) -> Value {
        let mut holder = lock.info.clone();
        holder["ID"] = json!(lock.id);
        holder["Who"] = json!("gosling");
        holder["Created"] = json!(self.clock.date(lock.at));
        holder
    }

    /// A state that somebody has made, by writing or by locking it.
    fn state(&self, ask: &Ask) -> Result<&State, Failure> {
        let key = self.state_key(ask)?;
        self.states.get(&key).ok_or_else(|| Failure::missing(""))
    }

    pub(super) fn read_state(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let state = self.state(ask)?;
        let latest = state.versions.last_key_value();
        Ok(latest.map_or_else(|| Reply::empty(204), |(_, body)| content(body)))
    }

    pub(super) fn write_state(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let key = self.state_key(ask)?;
        if ask.call.body.is_empty() {
            return Ok(Reply::empty(204));
        }
        let state = self.states.entry(key).or_default();
        // A lock id that stands in the body is the state's, not the call's: only the query counts. Nobody catches that
        // the lock is another's.
        if !state.open(lock_id(ask)) {
            return Err(Failure::Message(500, json!("500 Internal Server Error")));
        }
        let serial = ask.given.value("serial").and_then(Value::as_u64);
        let free = serial.filter(|serial| !state.versions.contains_key(serial));
        let Some(serial) = free else {
            return Err(Failure::Message(422, json!("422 Unprocessable Entity")));
        };
        state.versions.insert(serial, ask.call.body.clone());
        ledger.changed(ask.n);
        Ok(Reply::empty(200))
    }

    /// A locked state stays, and the answer does not say so.
    pub(super) fn delete_state(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let key = self.state_key(ask)?;
        if self.state(ask)?.lock.is_none() {
            self.states.remove(&key);
            ledger.changed(ask.n);
        }
        Ok(Reply::empty(200))
    }

    pub(super) fn lock_state(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let key = self.state_key(ask)?;
        let info = ["Operation", "Info", "Version", "Path"]
            .into_iter()
            .map(|field| (field.to_owned(), json!(ask.given.text(field))));
        let lock = Lock {
            id: ask.given.text("ID").unwrap_or_default().to_owned(),
            info: Value::Object(info.collect()),
            at: ask.at,
        };
        let state = self.states.entry(key).or_default();
        if let Some(owner) = state.lock.clone() {
            return Ok(Reply::json(409, &self.holder(&owner)));
        }
        state.lock = Some(lock.clone());
        ledger.changed(ask.n);
        Ok(Reply::json(200, &self.holder(&lock)))
    }

    /// Without an id any lock is broken: that is what forcing means. A state that nobody knows is made.
    pub(super) fn unlock_state(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let key = self.state_key(ask)?;
        let new = !self.states.contains_key(&key);
        let state = self.states.entry(key).or_default();
        let owner = state.lock.as_ref().map(|lock| lock.id.as_str());
        let id = ask.given.text("ID");
        if !new && id.is_some() && id != owner {
            return Ok(Reply::empty(409));
        }
        if state.lock.take().is_some() {
            ledger.changed(ask.n);
        }
        Ok(Reply::empty(200))
    }

    pub(super) fn read_state_version(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let version = self.state(ask)?.versions.get(&ask.given.number("serial"));
        version
            .map(|body| content(body))
            .ok_or_else(|| Failure::missing(""))
    }

    pub(super) fn delete_state_version(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let key = self.state_key(ask)?;
        let state = self.states.get_mut(&key).ok_or_else(|| Failure::missing(""))?;
        let removed = state.versions.remove(&ask.given.number("serial"));
        removed.ok_or_else(|| Failure::missing(""))?;
        ledger.changed(ask.n);
        Ok(Reply::empty(204))
    }
}

/// The lock id of the call's query.
fn lock_id<'a>(ask: &'a Ask) -> Option<&'a str> {
    let mut query = ask.call.query.iter();
    query.find(|(key, _)| key == "ID").map(|(_, id)| id.as_str())
}

/// A state as it was written.
fn content(body: &[u8]) -> Reply {
    Reply {
        content_type: "application/json",
        body: body.to_vec(),
        ..Reply::empty(200)
    }
}
