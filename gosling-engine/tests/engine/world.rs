//! A world that can be judged: it knows everything that was ever made in it, and can lose any answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use gosling_engine::{
    CallError, Context, Known, Observed, Operation, Provider, SecretError, Secrets, State, Verb,
};
use gosling_resource::{Attribute, Change, Kind, Properties, Secret, SecretUri, Value};

use crate::life::Life;

const fn attribute(name: &'static str, change: Change, observed: bool) -> Attribute {
    Attribute {
        name,
        change,
        observed,
    }
}

/// Like a GitLab runner: its token is shown once.
pub(crate) static TOKEN: Kind = Kind {
    name: "token",
    attributes: &[
        attribute("description", Change::Update, true),
        attribute("scope", Change::Replace, true),
        attribute("token_secret", Change::Update, false),
    ],
};

/// Like a virtual machine.
pub(crate) static MACHINE: Kind = Kind {
    name: "machine",
    attributes: &[
        attribute("disk", Change::Grow, true),
        attribute("image", Change::Replace, true),
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
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
    made: u64,
}

/// The world. Mutations wait while it is held.
pub(crate) struct World {
    inner: Mutex<Inner>,
    pub(crate) life: Arc<Life>,
    pub(crate) held: tokio::sync::watch::Sender<bool>,
    pub(crate) account: String,
}

impl World {
    pub(crate) fn new(life: &Arc<Life>) -> Self {
        Self {
            inner: Mutex::default(),
            life: Arc::clone(life),
            held: tokio::sync::watch::Sender::new(false),
            account: "ada@world".to_owned(),
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
        operation: &Operation,
        act: impl FnOnce(&mut Inner) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        self.life.point().await;
        let fault = {
            let mut inner = self.inner();
            inner.in_flight += 1;
            inner.most_in_flight = inner.most_in_flight.max(inner.in_flight);
            let number = inner.sent;
            inner.sent += 1;
            match inner.refused.contains(&operation.address.to_string()) {
                true => Some(Fault::Refuse),
                false => inner.faults.get(&number).copied(),
            }
        };
        tokio::task::yield_now().await;
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| !held).await;
        let outcome = match fault {
            Some(Fault::Refuse) => Err(CallError::failed("the world says no")),
            Some(Fault::LoseBefore) => Err(CallError::unknown("no answer")),
            Some(Fault::LoseAfter) | None => {
                let mut inner = self.inner();
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
            (attribute.name.to_owned(), value.cloned().unwrap_or(Value::Null))
        });
        Some(Observed {
            id: id.to_owned(),
            properties: properties.collect(),
            outputs: [("id".to_owned(), Value::from(id))].into(),
        })
    }

    async fn create_token(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let uri = operation.properties["token_secret"].as_secret().unwrap().clone();
        if operation.again
            && let Some(id) = self.find(&operation.marker)
        {
            let token = self.inner().objects[&id].token.clone().unwrap();
            match cx.secrets.read(&uri).await {
                Ok(kept) if kept.expose() == token => return Ok(self.observed(&id).unwrap()),
                _ => {
                    // Shown once and lost: nobody can have used it.
                    let gone = self.mutate(operation, |inner| {
                        inner.objects.remove(&id);
                        Ok(())
                    });
                    gone.await.map_err(CallError::after_changes)?;
                }
            }
        }
        let (id, token) = self
            .mutate(operation, |inner| {
                inner.made += 1;
                let (id, token) = (format!("t{}", inner.made), format!("glrt-{}", inner.made));
                let object = Object {
                    kind: operation.kind.clone(),
                    marker: operation.marker.clone(),
                    properties: operation.properties.clone(),
                    token: Some(token.clone()),
                };
                assert_eq!(inner.objects.insert(id.clone(), object), None);
                Ok((id, token))
            })
            .await?;
        cx.secrets
            .write(&uri, &Secret::new(token))
            .await
            .map_err(|error| CallError::from(error).after_changes())?;
        Ok(self.observed(&id).unwrap())
    }

    async fn create_machine(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let id = operation.reserved.clone().unwrap();
        if operation.again && self.find(&operation.marker).as_ref() == Some(&id) {
            return Ok(self.observed(&id).unwrap());
        }
        cx.notes.refer(&operation.op, &format!("UPID:{id}")).await?;
        self.mutate(operation, |inner| {
            if inner.objects.contains_key(&id) {
                return Err(CallError::failed(format!("{id} is another's")));
            }
            let object = Object {
                kind: operation.kind.clone(),
                marker: operation.marker.clone(),
                properties: operation.properties.clone(),
                token: None,
            };
            inner.objects.insert(id.clone(), object);
            Ok(())
        })
        .await?;
        Ok(self.observed(&id).unwrap())
    }
}

#[async_trait]
impl Provider for World {
    fn kinds(&self) -> &'static [&'static Kind] {
        static KINDS: &[&Kind] = &[&TOKEN, &MACHINE];
        KINDS
    }

    fn account(&self) -> String {
        self.account.clone()
    }

    async fn read(&self, _: &Context<'_>, resource: &Known<'_>) -> Result<Option<Observed>, CallError> {
        tokio::task::yield_now().await;
        let found = self.find(resource.marker);
        let ours = found.as_deref() == Some(resource.id);
        Ok(self.observed(resource.id).filter(|_| ours))
    }

    async fn reserve(
        &self,
        _: &Context<'_>,
        kind: &str,
        _: &Properties,
        taken: &[String],
    ) -> Result<Option<String>, CallError> {
        if kind == TOKEN.name {
            return Ok(None);
        }
        let inner = self.inner();
        // The smallest free number, as Proxmox does it: numbers come back.
        let free = (100..200)
            .map(|number| number.to_string())
            .find(|id| !inner.objects.contains_key(id) && !taken.contains(id));
        free.map(Some)
            .ok_or_else(|| CallError::failed("every number is taken"))
    }

    async fn create(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        assert_eq!(operation.verb, Verb::Create);
        for value in operation.properties.values() {
            assert_eq!(value.outputs(), Vec::<&gosling_resource::Address>::new());
        }
        if operation.kind == TOKEN.name {
            self.create_token(cx, operation).await
        } else {
            self.create_machine(cx, operation).await
        }
    }

    async fn update(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        let id = operation.id.clone().unwrap();
        let place =
            |properties: &Properties| properties.get("token_secret").and_then(Value::as_secret).cloned();
        if let (Some(old), Some(new)) = (place(&operation.prior), place(&operation.properties))
            && old != new
        {
            let token = cx.secrets.read(&old).await?;
            cx.secrets.write(&new, &token).await?;
        }
        self.mutate(operation, |inner| {
            let object = inner.objects.get_mut(&id);
            let object = object.filter(|object| object.marker == operation.marker);
            let object = object.ok_or_else(|| CallError::failed(format!("{id} is gone")))?;
            object.properties.extend(operation.properties.clone());
            Ok(())
        })
        .await?;
        self.observed(&id)
            .ok_or_else(|| CallError::unknown("it went away"))
    }

    async fn delete(&self, _: &Context<'_>, operation: &Operation) -> Result<(), CallError> {
        let id = operation.id.clone().unwrap();
        self.mutate(operation, |inner| {
            let ours = inner
                .objects
                .get(&id)
                .is_some_and(|object| object.marker == operation.marker);
            if ours {
                inner.objects.remove(&id);
            }
            Ok(())
        })
        .await
    }
}

/// Secrets in memory.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<BTreeMap<String, String>>);

#[async_trait]
impl Secrets for Kept {
    async fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        let kept = self.0.lock().unwrap().get(uri.as_str()).cloned();
        kept.map(Secret::new)
            .ok_or_else(|| SecretError::Missing(uri.clone()))
    }

    async fn write(&self, uri: &SecretUri, value: &Secret) -> Result<(), SecretError> {
        self.0
            .lock()
            .unwrap()
            .insert(uri.to_string(), value.expose().to_owned());
        Ok(())
    }

    async fn writable(&self, _: &SecretUri) -> Result<(), SecretError> {
        Ok(())
    }
}

/// Nothing is in the world that the state does not have, nothing twice, and no token is lost.
pub(crate) fn judge(world: &World, secrets: &Kept, state: &State) {
    state.verify().unwrap();
    let inner = world.inner();
    let known: BTreeMap<&str, &str> = state
        .resources
        .values()
        .map(|held| (held.id.as_str(), held.marker.as_str()))
        .collect();
    let there: BTreeMap<&str, &str> = inner
        .objects
        .iter()
        .map(|(id, object)| (id.as_str(), object.marker.as_str()))
        .collect();
    assert_eq!(there, known, "what is there, and what the state has");
    let kept = secrets.0.lock().unwrap();
    for object in inner.objects.values().filter(|object| object.token.is_some()) {
        let uri = object.properties["token_secret"].as_secret().unwrap();
        assert_eq!(
            kept.get(uri.as_str()),
            object.token.as_ref(),
            "the token at {uri}"
        );
    }
}
