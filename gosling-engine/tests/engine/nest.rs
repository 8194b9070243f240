//! A Nest in a world: plans and applies it as the command does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gosling_engine::store::{Holder, Store};
use gosling_engine::{
    Applied, Bound, CallError, Events, JournalWriter, Operation, Plan, Provider, Providers, Run, RunError,
    State, Stop, Wishes, recover,
};
use gosling_resource::{Address, Resource, Resources, SecretUri, Value};
use tokio::sync::watch;

use crate::life::{Disk, Life};
use crate::world::{Kept, World, judge};

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<String>>);

impl Events for Told {
    fn started(&self, operation: &Operation) {
        let line = format!("{} {}", operation.verb, operation.address);
        self.0.lock().unwrap().push(line);
    }
    fn progress(&self, _: &str, _: &str) {}
    fn ended(&self, _: &Operation, _: &Result<(), CallError>) {}
    fn skipped(&self, address: &Address, because: &str) {
        self.0
            .lock()
            .unwrap()
            .push(format!("skip {address} for {because}"));
    }
}

pub(crate) struct Nest {
    pub(crate) life: Arc<Life>,
    pub(crate) world: Arc<World>,
    pub(crate) secrets: Kept,
    pub(crate) disk: Disk,
    pub(crate) told: Told,
    pub(crate) providers: Providers,
    pub(crate) parallelism: usize,
    pub(crate) stop: watch::Sender<Stop>,
}

pub(crate) fn holder() -> Holder {
    Holder {
        user: "ada".into(),
        host: "build".into(),
        pid: 7,
        since: "2026-01-01T00:00:00Z".into(),
        command: "gosling apply".into(),
        pipeline: None,
    }
}

impl Nest {
    pub(crate) fn new() -> Self {
        let life = Arc::new(Life::default());
        let world = Arc::new(World::new(&life));
        let provider: Arc<dyn Provider> = Arc::<World>::clone(&world);
        Self {
            disk: Disk::new(&life),
            life,
            world,
            secrets: Kept::default(),
            told: Told::default(),
            providers: Providers::from([("world".to_owned(), provider)]),
            parallelism: 4,
            stop: watch::Sender::new(Stop::No),
        }
    }

    pub(crate) fn accounts(&self) -> BTreeMap<String, String> {
        let all = self.providers.iter();
        all.map(|(name, provider)| (name.clone(), provider.account()))
            .collect()
    }

    pub(crate) async fn plan_from(
        &self,
        wanted: &Resources,
        wishes: &Wishes,
        state: &State,
    ) -> Result<Plan, RunError> {
        let (now, drift) =
            gosling_engine::refresh(state, &self.providers, &self.secrets, 4, |_| true).await?;
        let kind = |name: &str| gosling_engine::run::kind_of(&self.providers, name);
        let changes = gosling_engine::diff(wanted, &now, kind, wishes).unwrap();
        Ok(Plan {
            format: gosling_engine::plan::FORMAT,
            tool: "1.2.3".into(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            state_digest: state.digest(),
            nest_digest: "nest".into(),
            variables_digest: "variables".into(),
            accounts: self.accounts(),
            targets: wishes.targets.clone(),
            destroy: wishes.destroy,
            changes,
            drift,
            open: Vec::new(),
        })
    }

    /// Only reads.
    pub(crate) async fn plan(&self, wanted: &Resources, wishes: &Wishes) -> Result<Plan, RunError> {
        let (state, _) = recover::read(&self.disk.snapshot())?;
        self.plan_from(wanted, wishes, &state).await
    }

    /// The whole command: lock, settle, plan (unless there is one), apply.
    pub(crate) async fn run(
        &self,
        wanted: &Resources,
        wishes: &Wishes,
        made: Option<Plan>,
    ) -> Result<(Plan, Applied), RunError> {
        let locked = self.disk.lock(&holder()).await?;
        let run = Run {
            nest: "lab",
            providers: &self.providers,
            secrets: &self.secrets,
            events: &self.told,
            journal: JournalWriter::new(&*locked),
            parallelism: self.parallelism,
            grace: Duration::from_secs(25),
            stop: self.stop.subscribe(),
        };
        let snapshot = locked.load().await?;
        let (state, _) = recover::recover(&run, &snapshot).await?;
        let plan = match made {
            Some(plan) => {
                let accounts = self.accounts();
                let bound = Bound {
                    tool: "1.2.3",
                    state: &state,
                    nest_digest: "nest",
                    variables_digest: "variables",
                    accounts: &accounts,
                };
                plan.check(&bound).unwrap();
                plan
            }
            None => self.plan_from(wanted, wishes, &state).await?,
        };
        let applied = gosling_engine::apply(&run, &plan, state).await?;
        Ok((plan, applied))
    }

    /// Applies everything.
    pub(crate) async fn apply(&self, wanted: &Resources) -> Result<(Plan, Applied), RunError> {
        self.run(wanted, &Wishes::default(), None).await
    }

    /// Applies what has to go well, and looks whether all is as it is wanted.
    pub(crate) async fn settle(&self, wanted: &Resources) {
        let (_, applied) = self.apply(wanted).await.unwrap();
        assert_eq!((&applied.failed, &applied.skipped), (&vec![], &vec![]));
        judge(&self.world, &self.secrets, &applied.state);
        let (state, open) = recover::read(&self.disk.snapshot()).unwrap();
        assert_eq!(open, []);
        assert_eq!(state, applied.state);
        let have: Vec<&Address> = state.resources.keys().collect();
        let want: Vec<&Address> = wanted.iter().map(|resource| &resource.address).collect();
        assert_eq!(have, want);
        let plan = self.plan(wanted, &Wishes::default()).await.unwrap();
        assert_eq!(actions(&plan), Vec::<String>::new(), "after a clean apply");
        let drift: Vec<_> = plan.drift.iter().map(|drift| &drift.address).collect();
        assert_eq!(drift, Vec::<&Address>::new());
        // Beside the state, the world itself: it has what was asked for.
        let inner = self.world.inner();
        for resource in wanted.iter() {
            let held = &state.resources[&resource.address];
            let object = &inner.objects[&held.id];
            assert_eq!(object.kind, resource.kind);
            for name in ["description", "scope", "disk", "image", "tags"] {
                if let Some(value) = resource.properties.get(name) {
                    assert_eq!(
                        object.properties.get(name),
                        Some(value),
                        "{} {name}",
                        resource.address
                    );
                }
            }
        }
    }
}

/// What a plan does, in short: `create egg.app.vm[0]`.
pub(crate) fn actions(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &plan.changes {
        if let Some(from) = &change.moved_from {
            lines.push(format!("move {from} to {}", change.address));
        }
        if change.action != gosling_engine::Action::NoOp {
            let action = format!("{:?}", change.action).to_lowercase();
            lines.push(format!("{action} {}", change.address));
        }
    }
    lines
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// A resource of this address.
pub(crate) fn resource<const N: usize>(kind: &str, at: &str, properties: [(&str, Value); N]) -> Resource {
    Resource {
        address: address(at),
        kind: kind.to_owned(),
        provider: "world".to_owned(),
        properties: properties
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        depends_on: [].into(),
        origin: None,
        origins: BTreeMap::new(),
    }
}

pub(crate) fn token(egg: &str, description: &str, scope: &str) -> Resource {
    let uri: SecretUri = format!("store://gitlab/{egg}/runner-token").parse().unwrap();
    resource(
        "token",
        &format!("egg.{egg}.runner"),
        [
            ("description", description.into()),
            ("scope", scope.into()),
            ("token_secret", uri.into()),
        ],
    )
}

pub(crate) fn machine(egg: &str, number: usize, tags: &str, image: &str, disk: i64) -> Resource {
    let of = address(&format!("egg.{egg}.runner"));
    resource(
        "machine",
        &format!("egg.{egg}.vm[{number}]"),
        [
            ("disk", disk.into()),
            ("image", image.into()),
            ("nodes", vec!["pve1"].into()),
            ("tags", tags.into()),
            (
                "token",
                Value::Output {
                    of,
                    name: "id".into(),
                },
            ),
            ("user_data", format!("#cloud-config {egg}").into()),
        ],
    )
}

pub(crate) fn all(resources: impl IntoIterator<Item = Resource>) -> Resources {
    let mut wanted = Resources::default();
    for resource in resources {
        wanted.add(resource).unwrap();
    }
    wanted
}

/// One egg with so many machines.
pub(crate) fn egg(name: &str, machines: usize) -> Vec<Resource> {
    let vms = (0..machines).map(|number| machine(name, number, "a", "debian", 8));
    std::iter::once(token(name, "one", "project"))
        .chain(vms)
        .collect()
}
