//! A world that can be judged: it knows everything that was ever made in it, and can lose any answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use gosling_engine::{
    CallError, Context, Known, Observed, Operation, Presence, Provider, SecretError, State, Verb,
};
use gosling_resource::{Attribute, Change, Kind, Properties, Resource, Secret, SecretUri, Value};

use crate::life::Life;
use crate::torture::table::Tally;

const fn attribute(name: &'static str, change: Change, observed: bool) -> Attribute {
    Attribute {
        name,
        change,
        observed,
        usual: None,
    }
}

/// Like a GitLab runner: its token is shown once.
pub(crate) static TOKEN: Kind = Kind {
    name: "token",
    lost: "its token",
    attributes: &[
        attribute("description", Change::Update, true),
        attribute("scope", Change::Replace, true),
        attribute("token_secret", Change::Update, false),
    ],
};

/// Like a GitLab webhook: its secret is made here, and told in the call that makes it.
pub(crate) static HOOK: Kind = Kind {
    name: "hook",
    lost: "its secret",
    attributes: &[
        attribute("project", Change::Replace, true),
        attribute("secret", Change::Update, false),
        attribute("url", Change::Update, true),
    ],
};

/// Like a virtual machine.
pub(crate) static MACHINE: Kind = Kind {
    name: "machine",
    lost: "its disk",
    attributes: &[
        attribute("bridge", Change::Reconnect, true),
        attribute("disk", Change::Grow, true),
        attribute("image", Change::Replace, true),
        attribute("memory", Change::Restart, true),
        attribute("name", Change::Update, true),
        attribute("nodes", Change::OnlyAtCreation, false),
        attribute("tags", Change::Update, true),
        attribute("token", Change::Replace, false),
        attribute("user_data", Change::Replace, false),
    ],
};

/// What happens to a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call never arrives, and nobody knows.
    LoseBefore,
    /// The answer never arrives.
    LoseAfter,
    /// The API says no.
    Refuse,
    /// Somebody else makes a machine just before it arrives, and gets the number that was chosen.
    Intrude,
}

/// Something that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) kind: String,
    pub(crate) marker: String,
    pub(crate) properties: Properties,
    pub(crate) token: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    /// What is there, by id.
    pub(crate) objects: BTreeMap<String, Object>,
    /// Every mutation that arrived: `create egg.app.vm[0]`.
    pub(crate) calls: Vec<String>,
    /// What happens to which mutation, counted from 0.
    pub(crate) faults: BTreeMap<usize, Fault>,
    /// How many mutations were sent.
    pub(crate) sent: usize,
    /// Addresses whose mutations are refused.
    pub(crate) refused: BTreeSet<String>,
    /// Addresses of which the world says nothing now, and with which it does nothing.
    pub(crate) away: BTreeSet<String>,
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
    /// The marker of the mutation that is on the wire.
    pub(crate) on_the_wire: Option<String>,
    /// Things of somebody else's, by id, as they were made: nobody may touch them.
    pub(crate) foreign: BTreeMap<String, Object>,
    /// What was given out of hand on purpose, by id.
    pub(crate) disowned: BTreeSet<String>,
    /// Calls that arrived before their intent was on disk.
    pub(crate) unannounced: usize,
    made: u64,
}

impl Inner {
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// The smallest free number, as Proxmox does it: numbers come back.
    fn free(&self, taken: &[String]) -> Option<String> {
        let mut all = (100..200).map(|number| number.to_string());
        all.find(|id| !self.objects.contains_key(id) && !taken.contains(id))
    }

    /// Somebody else makes a machine.
    pub(crate) fn intrude(&mut self) {
        let Some(id) = self.free(&[]) else { return };
        let object = Object {
            kind: MACHINE.name.to_owned(),
            marker: "by hand".to_owned(),
            properties: Properties::new(),
            token: None,
        };
        self.objects.insert(id.clone(), object.clone());
        self.foreign.insert(id, object);
    }
}

/// How a provider may be wrong. This one is not; the mutants of the protocol are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// What is at the reserved id is taken for its own, whatever marker it carries.
    pub(crate) blind: bool,
    /// A record that was made is taken as it is, though its token was lost.
    pub(crate) careless: bool,
    /// "It exists already" is taken for success.
    pub(crate) content: bool,
}

/// Tells whether the intent of this operation is on disk, come what may.
pub(crate) type Announced = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// The world. Mutations wait while it is held.
pub(crate) struct World {
    inner: Mutex<Inner>,
    pub(crate) life: Arc<Life>,
    pub(crate) held: tokio::sync::watch::Sender<bool>,
    /// The mutation of this number was sent, and does not arrive before it is taken off this wire.
    pub(crate) wire: tokio::sync::watch::Sender<Option<usize>>,
    pub(crate) account: String,
    pub(crate) wrong: Wrong,
    pub(crate) announced: Option<Announced>,
}

impl World {
    pub(crate) fn new(life: &Arc<Life>) -> Self {
        Self {
            inner: Mutex::default(),
            life: Arc::clone(life),
            held: tokio::sync::watch::Sender::new(false),
            wire: tokio::sync::watch::Sender::new(None),
            account: "ada@world".to_owned(),
            wrong: Wrong::default(),
            announced: None,
        }
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The calls since they were last taken.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().calls)
    }

    /// One mutation: it may be lost on the way there or back, and the process may die before or after it.
    async fn mutate<T>(
        &self,
        cx: &Context<'_>,
        operation: &Operation,
        act: impl FnOnce(&mut Inner) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        self.life.point().await;
        cx.fence.confirm().await?;
        let announced = self
            .announced
            .as_ref()
            .is_none_or(|announced| announced(&operation.op));
        let (number, fault) = {
            let mut inner = self.inner();
            inner.unannounced += usize::from(!announced);
            inner.in_flight += 1;
            inner.most_in_flight = inner.most_in_flight.max(inner.in_flight);
            let number = inner.sent;
            inner.sent += 1;
            if *self.wire.borrow() == Some(number) {
                inner.on_the_wire = Some(operation.marker.clone());
            }
            let fault = match inner.refused.contains(&operation.address.to_string()) {
                true => Some(Fault::Refuse),
                false => inner.faults.get(&number).copied(),
            };
            (number, fault)
        };
        tokio::task::yield_now().await;
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| !held).await;
        let mut wire = self.wire.subscribe();
        let _ = wire.wait_for(|waits| *waits != Some(number)).await;
        let outcome = match fault {
            Some(Fault::Refuse) => Err(CallError::failed("the world says no")),
            Some(Fault::LoseBefore) => Err(CallError::unknown("no answer")),
            Some(Fault::LoseAfter | Fault::Intrude) | None => {
                let mut inner = self.inner();
                if fault == Some(Fault::Intrude) {
                    inner.intrude();
                }
                inner
                    .calls
                    .push(format!("{} {}", operation.verb, operation.address));
                act(&mut inner)
            }
        };
        self.inner().in_flight -= 1;
        self.life.point().await;
        match (fault, outcome) {
            (Some(Fault::LoseAfter), Ok(_)) => Err(CallError::unknown("the answer was lost")),
            (_, outcome) => outcome,
        }
    }

    /// Somebody makes something that is as a Nest would have it.
    pub(crate) fn make_by_hand(&self, resource: &Resource) -> (String, Object) {
        let mut inner = self.inner();
        let number = inner.next();
        let (id, token) = match resource.kind.as_str() {
            "token" => (format!("t{number}"), Some(format!("glrt-{number}"))),
            "hook" => (format!("17/{number}"), Some(format!("hook-{number}"))),
            _ => (inner.free(&[]).unwrap(), None),
        };
        let object = Object {
            kind: resource.kind.to_string(),
            marker: "by hand".to_owned(),
            properties: resource.properties.clone(),
            token,
        };
        inner.objects.insert(id.clone(), object.clone());
        inner.disowned.insert(id.clone());
        (id, object)
    }

    fn reachable(&self, operation: &Operation) -> Result<(), CallError> {
        match self.inner().away.contains(&operation.address.to_string()) {
            true => Err(CallError::unknown("the node cannot be reached").help("start pve2")),
            false => Ok(()),
        }
    }

    fn find(&self, marker: &str) -> Option<String> {
        let inner = self.inner();
        let mut all = inner.objects.iter();
        all.find(|(_, object)| object.marker == marker)
            .map(|(id, _)| id.clone())
    }

    fn observed(&self, id: &str) -> Option<Observed> {
        let inner = self.inner();
        let object = inner.objects.get(id)?;
        let mut kinds = self.kinds().iter();
        let kind = kinds.find(|kind| kind.name == object.kind)?;
        let seen = kind.attributes.iter().filter(|attribute| attribute.observed);
        let properties = seen.map(|attribute| {
            let value = object.properties.get(attribute.name);
            (attribute.name.into(), value.cloned().unwrap_or(Value::Null))
        });
        Some(Observed {
            id: id.to_owned(),
            properties: properties.collect(),
            outputs: [("id".into(), Value::from(id))].into(),
        })
    }

    /// What should be there: somebody may have taken it away meanwhile.
    fn still(&self, id: &str) -> Result<Observed, CallError> {
        self.observed(id)
            .ok_or_else(|| CallError::unknown("it went away"))
    }

    async fn create_token(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let uri = operation.properties["token_secret"].as_secret().unwrap().clone();
        if operation.again
            && let Some(id) = self.find(&operation.marker)
        {
            let token = self.inner().objects[&id].token.clone().unwrap();
            if self.wrong.careless {
                return self.still(&id);
            }
            match cx.secrets.read(&uri).await {
                Ok(kept) if kept.expose() == token => return self.still(&id),
                _ => {
                    // Shown once and lost: nobody can have used it.
                    let gone = self.mutate(cx, operation, |inner| {
                        inner.objects.remove(&id);
                        Ok(())
                    });
                    gone.await.map_err(CallError::after_changes)?;
                }
            }
        }
        let (id, token) = self
            .mutate(cx, operation, |inner| {
                let number = inner.next();
                let (id, token) = (format!("t{number}"), format!("glrt-{number}"));
                let object = Object {
                    kind: operation.kind.to_string(),
                    marker: operation.marker.clone(),
                    properties: operation.properties.clone(),
                    token: Some(token.clone()),
                };
                assert_eq!(inner.objects.insert(id.clone(), object), None);
                Ok((id, token))
            })
            .await?;
        cx.secrets
            .write(&uri, &Secret::new(token), cx.fence)
            .await
            .map_err(|error| CallError::from(error).after_changes())?;
        self.still(&id)
    }

    /// The secret at a hook's place; a new one is there before anybody hears of it.
    async fn hook_secret(&self, cx: &Context<'_>, operation: &Operation) -> Result<String, CallError> {
        let uri = operation.properties["secret"].as_secret().unwrap();
        match cx.secrets.read(uri).await {
            Ok(secret) => return Ok(secret.expose().to_owned()),
            Err(SecretError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let secret = format!("hook-{}", self.inner().next());
        cx.secrets
            .write(uri, &Secret::new(secret.clone()), cx.fence)
            .await?;
        Ok(secret)
    }

    async fn create_hook(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let secret = self.hook_secret(cx, operation).await;
        let secret = secret.map_err(|error| match operation.again {
            true => error.after_changes(),
            false => error,
        })?;
        if operation.again
            && let Some(id) = self.find(&operation.marker)
        {
            // It is there: whatever goes wrong now, it is not as if nothing had been made.
            let shaped = self.shape(cx, operation, &id, Some(secret)).await;
            return shaped.map_err(CallError::after_changes);
        }
        let id = self
            .mutate(cx, operation, |inner| {
                let id = format!("17/{}", inner.next());
                let object = Object {
                    kind: operation.kind.to_string(),
                    marker: operation.marker.clone(),
                    properties: operation.properties.clone(),
                    token: Some(secret),
                };
                inner.objects.insert(id.clone(), object);
                Ok(id)
            })
            .await?;
        self.still(&id)
    }

    /// Gives what is there the operation's properties, and where it has one, this secret.
    async fn shape(
        &self,
        cx: &Context<'_>,
        operation: &Operation,
        id: &str,
        secret: Option<String>,
    ) -> Result<Observed, CallError> {
        self.mutate(cx, operation, |inner| {
            let object = inner.objects.get_mut(id);
            let object = object.filter(|object| is_ours(object, &operation.marker));
            let object = object.ok_or_else(|| CallError::failed(format!("{id} is gone")))?;
            object.properties.extend(operation.properties.clone());
            if secret.is_some() {
                object.token = secret;
            }
            Ok(())
        })
        .await?;
        self.still(id)
    }

    async fn create_machine(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let id = operation.reserved.clone().unwrap();
        let there = self.wrong.blind && self.inner().objects.contains_key(&id);
        if operation.again && (there || self.find(&operation.marker).as_ref() == Some(&id)) {
            return self.still(&id);
        }
        cx.notes.refer(&operation.op, &format!("UPID:{id}")).await?;
        self.mutate(cx, operation, |inner| {
            if inner.objects.contains_key(&id) {
                if self.wrong.content {
                    return Ok(());
                }
                return Err(CallError::failed(format!("{id} is another's")));
            }
            let object = Object {
                kind: operation.kind.to_string(),
                marker: operation.marker.clone(),
                properties: operation.properties.clone(),
                token: None,
            };
            inner.objects.insert(id.clone(), object);
            Ok(())
        })
        .await?;
        self.still(&id)
    }
}

#[async_trait]
impl Provider for World {
    fn kinds(&self) -> &'static [&'static Kind] {
        static KINDS: &[&Kind] = &[&TOKEN, &HOOK, &MACHINE];
        KINDS
    }

    fn account(&self) -> String {
        self.account.clone()
    }

    async fn read(&self, _: &Context<'_>, resource: &Known<'_>) -> Result<Presence, CallError> {
        tokio::task::yield_now().await;
        let inner = self.inner();
        let object = inner.objects.get(resource.id);
        let ours = object.is_some_and(|object| self.wrong.blind || is_ours(object, resource.marker));
        drop(inner);
        let observed = self.observed(resource.id).filter(|_| ours);
        Ok(observed.map_or(Presence::Gone, Presence::Here))
    }

    async fn reserve(
        &self,
        _: &Context<'_>,
        kind: &str,
        _: &Properties,
        taken: &[String],
    ) -> Result<Option<String>, CallError> {
        if kind != MACHINE.name {
            return Ok(None);
        }
        let free = self.inner().free(taken);
        free.map(Some)
            .ok_or_else(|| CallError::failed("every number is taken"))
    }

    async fn create(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        assert_eq!(operation.verb, Verb::Create);
        self.reachable(operation)?;
        for value in operation.properties.values() {
            assert_eq!(value.outputs(), Vec::<&gosling_resource::Address>::new());
        }
        match operation.kind.as_str() {
            "token" => self.create_token(cx, operation).await,
            "hook" => self.create_hook(cx, operation).await,
            _ => self.create_machine(cx, operation).await,
        }
    }

    async fn update(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        self.reachable(operation)?;
        let id = operation.id.clone().unwrap();
        let place =
            |properties: &Properties| properties.get("token_secret").and_then(Value::as_secret).cloned();
        if let (Some(old), Some(new)) = (place(&operation.prior), place(&operation.properties))
            && old != new
        {
            let token = cx.secrets.read(&old).await?;
            cx.secrets.write(&new, &token, cx.fence).await?;
        }
        let secret = match operation.kind.as_str() {
            "hook" => Some(self.hook_secret(cx, operation).await?),
            _ => None,
        };
        self.shape(cx, operation, &id, secret).await
    }

    async fn delete(&self, cx: &Context<'_>, operation: &Operation) -> Result<(), CallError> {
        self.reachable(operation)?;
        let id = operation.id.clone().unwrap();
        self.mutate(cx, operation, |inner| {
            let object = inner.objects.get(&id);
            if object.is_some_and(|object| self.wrong.blind || is_ours(object, &operation.marker)) {
                inner.objects.remove(&id);
            }
            Ok(())
        })
        .await
    }
}

/// Whether something carries this marker. What was imported has none that could be looked for.
pub(crate) fn is_ours(object: &Object, marker: &str) -> bool {
    marker.is_empty() || object.marker == marker
}

/// Where the secret of something is kept.
pub(crate) fn place_of(object: &Object) -> Option<&SecretUri> {
    let place = ["token_secret", "secret"]
        .iter()
        .find_map(|name| object.properties.get(*name));
    place?.as_secret()
}

/// Nothing is in the world that the state does not have, nothing twice, no token is lost, and what is another's is as it
/// was.
pub(crate) fn judge(world: &World, secrets: &BTreeMap<String, String>, state: &State) -> Tally {
    let mut tally = Tally::default();
    if let Err(error) = state.verify() {
        tally.found(|tally| &mut tally.other, || error.to_string());
    }
    let inner = world.inner();
    if inner.unannounced > 0 {
        tally.found(
            |tally| &mut tally.other,
            || "a call was sent before its intent was on disk".to_owned(),
        );
    }
    let held: BTreeMap<&str, _> = state
        .resources
        .values()
        .map(|held| (held.id.as_str(), held))
        .collect();
    for (id, object) in &inner.objects {
        if inner.foreign.contains_key(id) || inner.disowned.contains(id) {
            continue;
        }
        if !held
            .get(id.as_str())
            .is_some_and(|held| is_ours(object, &held.marker))
        {
            let address = |marker: &str| marker.rsplit_once(':').map(|(address, _)| address.to_owned());
            let own = address(&object.marker);
            let twice = held
                .values()
                .any(|held| own.is_some() && address(&held.marker) == own);
            let which: fn(&mut Tally) -> &mut usize = match twice {
                true => |tally| &mut tally.duplicates,
                false => |tally| &mut tally.orphans,
            };
            tally.found(which, || format!("{id} with {} is nobody's", object.marker));
        }
    }
    for (address, held) in &state.resources {
        let Some(object) = inner
            .objects
            .get(&held.id)
            .filter(|object| is_ours(object, &held.marker))
        else {
            tally.found(
                |tally| &mut tally.other,
                || format!("{address} has {}, which is not its own", held.id),
            );
            continue;
        };
        if let (Some(place), Some(token)) = (place_of(object), &object.token)
            && secrets.get(place.as_str()) != Some(token)
        {
            tally.found(
                |tally| &mut tally.lost,
                || format!("the secret of {address} is not at {place}"),
            );
        }
    }
    for (id, object) in &inner.foreign {
        if inner.objects.get(id) != Some(object) {
            tally.found(
                |tally| &mut tally.other,
                || format!("{id} is another's and was touched"),
            );
        }
    }
    tally
}
