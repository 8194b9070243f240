//! A Nest in a world: plans and applies it as the command does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use gosling_engine::journal::{Entry, Record};
use gosling_engine::store::{Holder, Snapshot, Store, StoreError};
use gosling_engine::{
    Applied, Away, Bound, CallError, Context, Events, Fence, Fleet, JournalWriter, Known, Lease, Operation,
    Plan, PlanOptions, Presence, Provider, Providers, Run, RunError, State, Stop, recover, rollback,
};
use gosling_resource::{Address, Resource, Resources, SecretUri, Value};
use tokio::sync::watch;

use crate::life::{Chest, Disk, Life, Waiting};
use crate::torture::drive::Drive;
use crate::torture::setting::{Backend, Ground, Setting};
use crate::torture::table::Tally;
use crate::world::{World, is_ours, judge};

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

/// What a run is to bring about.
enum Want<'a> {
    Nest(&'a Resources),
    Planned(Box<Plan>),
    Earlier(&'a State),
}

pub(crate) struct Nest {
    pub(crate) life: Arc<Life>,
    /// Where a setting lets a process be stopped that is not dead.
    pub(crate) gate: Arc<Life>,
    pub(crate) world: Arc<World>,
    pub(crate) secrets: Chest,
    /// Where the state is.
    pub(crate) store: Arc<dyn Store>,
    /// The same, where it is in memory.
    pub(crate) disk: Disk,
    /// The machine's own disk, on which it may be.
    pub(crate) drive: Drive,
    /// Of each lock that was taken.
    pub(crate) epochs: Mutex<Vec<u64>>,
    pub(crate) told: Arc<Told>,
    pub(crate) fleet: Box<dyn Fleet>,
    pub(crate) kill_jobs: bool,
    clock: Arc<Waiting>,
    fence: fn(&Lease) -> &dyn Fence,
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
        Self::set(&Setting::default())
    }

    /// On the setting's store, with what is wrong in it.
    pub(crate) fn set(setting: &Setting) -> Self {
        let life = Arc::new(Life::default());
        let gate = Arc::new(Life::default());
        let disk = Disk::new(&life);
        let drive = Drive::new(&life);
        let ground = Ground {
            disk: &disk,
            files: (setting.files)(Arc::new(drive.clone())),
            life: &life,
            gate: &gate,
        };
        let store = (setting.store)((setting.backend.make)(&ground), &ground);
        let mut world = World::new(&life);
        world.wrong = setting.wrong;
        world.announced = Some(announced(&store, setting.backend, &drive));
        let world = Arc::new(world);
        let provider: Arc<dyn Provider> = (setting.provider)(Arc::<World>::clone(&world));
        Self {
            secrets: Chest::new(&store, &life),
            store,
            disk,
            drive,
            epochs: Mutex::default(),
            gate,
            life,
            world,
            told: Arc::default(),
            fleet: Box::new(gosling_engine::Unwatched),
            kill_jobs: false,
            clock: Arc::default(),
            fence: setting.fence,
            providers: Providers::from([("world".into(), provider)]),
            parallelism: 4,
            stop: watch::Sender::new(Stop::No),
        }
    }

    /// The lock; that of a holder who is gone is taken over.
    async fn lock(&self) -> Result<Lease, StoreError> {
        // A process that lives, so that nobody takes it for dead.
        let holder = Holder {
            pid: std::process::id(),
            ..holder()
        };
        let locked = match self.store.lock(&holder).await {
            Err(StoreError::Locked(_)) => self.store.take_over(&holder).await,
            other => other,
        }?;
        self.epochs.lock().unwrap().push(locked.epoch());
        Lease::begin(locked.into(), Arc::clone(&self.clock) as _, |_| {}).await
    }

    /// `gosling unlock`.
    pub(crate) async fn take_over(&self) -> Result<(), StoreError> {
        self.lock().await?.locked().release().await
    }

    /// Deletes what is in no state and has the marker of the call that came late, as `gosling orphans --delete` does, and
    /// says how much that was. What the state does not know otherwise stays.
    pub(crate) async fn came_late(&self, wanted: &Resources) -> usize {
        let Ok((_, applied)) = self.apply(wanted).await else {
            return 0;
        };
        let known: Vec<String> = applied
            .state
            .resources
            .values()
            .map(|held| held.id.clone())
            .collect();
        let mut inner = self.world.inner();
        let marker = inner.on_the_wire.clone().unwrap();
        let all = inner.objects.iter();
        let late: Vec<String> = all
            .filter(|(id, object)| {
                object.marker == marker && !known.contains(id) && !inner.disowned.contains(*id)
            })
            .map(|(id, _)| id.clone())
            .collect();
        inner.objects.retain(|id, _| !late.contains(id));
        late.len()
    }

    pub(crate) fn accounts(&self) -> BTreeMap<String, String> {
        let all = self.providers.iter();
        all.map(|(name, provider)| (name.to_string(), provider.account()))
            .collect()
    }

    pub(crate) async fn plan_from(
        &self,
        wanted: &Resources,
        options: &PlanOptions,
        state: &State,
        open: &[Entry],
    ) -> Result<Plan, RunError> {
        let is_open = |at: &Address| open.iter().any(|entry| entry.operation.address == *at);
        let looked =
            gosling_engine::refresh(state, &self.providers, &self.secrets, 4, |at| !is_open(at)).await?;
        let kind = |name: &str| gosling_engine::run::kind_of(&self.providers, name);
        let away = Away {
            open: open.to_vec(),
            ..Away::default()
        };
        let changes = gosling_engine::diff_around(wanted, &looked.now, kind, options, &away).unwrap();
        let corrections = gosling_engine::apply::corrections(&changes, &looked.now, kind);
        Ok(Plan {
            format: gosling_engine::plan::FORMAT,
            tool: "1.2.3".into(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            state_digest: state.digest(),
            nest_digest: "nest".into(),
            variables_digest: "variables".into(),
            accounts: self.accounts(),
            targets: options.targets.clone(),
            destroy: options.destroy,
            changes,
            drift: looked.drift,
            remarks: Vec::new(),
            open: recover::shown(open),
            unreadable: looked.unreadable,
            corrections,
        })
    }

    /// Only reads.
    pub(crate) async fn plan(&self, wanted: &Resources, options: &PlanOptions) -> Result<Plan, RunError> {
        let (state, open) = recover::read("lab", &self.store.peek().await?)?;
        self.plan_from(wanted, options, &state, &open).await
    }

    /// The whole command: lock, settle, plan (unless there is one), apply.
    pub(crate) async fn run(
        &self,
        wanted: &Resources,
        options: &PlanOptions,
        made: Option<Plan>,
    ) -> Result<(Plan, Applied), RunError> {
        let lease = self.lock().await?;
        let want = made.map_or(Want::Nest(wanted), |plan| Want::Planned(Box::new(plan)));
        let outcome = self.run_under(&lease, want, options).await;
        // Who has failed has failed; a lock that cannot be given back is taken over.
        let _ = lease.locked().release().await;
        outcome
    }

    async fn run_under(
        &self,
        lease: &Lease,
        want: Want<'_>,
        options: &PlanOptions,
    ) -> Result<(Plan, Applied), RunError> {
        let locked = &**lease.locked();
        let run = Run {
            fleet: &*self.fleet,
            kill_jobs: self.kill_jobs,
            nest: "lab",
            providers: &self.providers,
            secrets: &self.secrets,
            fence: (self.fence)(lease),
            events: &*self.told,
            journal: JournalWriter::new(locked),
            parallelism: self.parallelism,
            grace: Duration::from_secs(25),
            stop: self.stop.subscribe(),
        };
        let snapshot = locked.load().await?;
        let recovered = recover::recover(&run, &snapshot).await?;
        let open = recovered.entries();
        let state = recovered.state;
        // What was to be forgotten when the process died, and was not.
        for held in state.resources.values() {
            let mut inner = self.world.inner();
            let object = inner.objects.get(&held.id);
            if object.is_some_and(|object| is_ours(object, &held.marker)) {
                inner.disowned.remove(&held.id);
            }
        }
        let plan = match want {
            Want::Planned(plan) => {
                let accounts = self.accounts();
                let bound = Bound {
                    tool: "1.2.3",
                    state: &state,
                    nest_digest: "nest",
                    variables_digest: "variables",
                    accounts: &accounts,
                    open: &open,
                };
                plan.check(&bound).unwrap();
                *plan
            }
            Want::Nest(wanted) => self.plan_from(wanted, options, &state, &open).await?,
            Want::Earlier(goal) => {
                let back = rollback::back(goal, &state, &BTreeMap::new());
                self.plan_from(&back.wanted, options, &state, &open).await?
            }
        };
        // What was imported is nobody's business again once the Nest does not ask for it.
        let left = plan.left_outside().map(|(_, id)| id.to_owned());
        self.world.inner().disowned.extend(left);
        let applied = gosling_engine::apply(&run, &plan, state, &open).await?;
        Ok((plan, applied))
    }

    /// Applies everything.
    pub(crate) async fn apply(&self, wanted: &Resources) -> Result<(Plan, Applied), RunError> {
        self.run(wanted, &PlanOptions::default(), None).await
    }

    /// Goes back to an earlier state.
    pub(crate) async fn roll_back(&self, goal: &State) -> Result<Applied, RunError> {
        let lease = self.lock().await?;
        let want = Want::Earlier(goal);
        let outcome = self.run_under(&lease, want, &PlanOptions::default()).await;
        let _ = lease.locked().release().await;
        outcome.map(|(_, applied)| applied)
    }

    /// Changes the state alone, as `gosling state` and `gosling import` do. What is open goes first.
    pub(crate) async fn edit(&self, change: impl FnOnce(&mut State)) -> Result<bool, RunError> {
        let lease = self.lock().await?;
        let locked = lease.locked();
        let (mut state, open) = recover::read("lab", &locked.load().await?)?;
        if open.is_empty() {
            change(&mut state);
            recover::settle(&**locked, state, &recover::ops(&open)).await?;
        }
        locked.release().await?;
        Ok(open.is_empty())
    }

    /// `gosling import` of what is at this id; `false` where it was refused.
    pub(crate) async fn import(&self, resource: &Resource, id: &str) -> Result<bool, RunError> {
        let known = Known {
            kind: &resource.kind,
            id,
            marker: "",
            properties: &resource.properties,
            outputs: &gosling_resource::Properties::new(),
        };
        let cx = Context::reading(&self.secrets);
        let Ok(Presence::Here(observed)) = self.world.read(&cx, &known).await else {
            return Ok(false);
        };
        let mut taken = false;
        let address = &resource.address;
        let edited = self
            .edit(|state| {
                let held = state.resources.get(address).map(|held| held.id.as_str());
                taken = held.is_some_and(|held| held != id);
                let known = state.resources.values().any(|held| held.id == id);
                if !known && !taken {
                    state.import(resource, observed);
                }
            })
            .await?;
        Ok(edited && !taken)
    }

    /// `gosling state rm`; `false` where it was refused, or was done before.
    pub(crate) async fn forget(&self, address: &Address) -> Result<bool, RunError> {
        let mut known = false;
        let edited = self
            .edit(|state| {
                let held = state.resources.get(address);
                known = held.is_some();
                let id = held.map(|held| held.id.clone());
                self.world.inner().disowned.extend(id);
                state.forget(address);
            })
            .await?;
        Ok(edited && known)
    }

    /// Makes something by hand that is as a Nest would have it, and puts its secret where it belongs.
    pub(crate) async fn by_hand(&self, resource: &Resource) -> String {
        let (id, object) = self.world.make_by_hand(resource);
        self.secrets.put_by_hand(&object).await;
        id
    }

    /// Somebody puts the secret of something forgotten where this resource has it; it is this resource's from now on.
    pub(crate) async fn take_back(&self, id: &str, resource: &Resource) {
        let mut object = self.world.inner().objects[id].clone();
        object.properties.extend(resource.properties.clone());
        self.secrets.put_by_hand(&object).await;
        self.world.inner().objects.insert(id.to_owned(), object);
    }

    /// What is not in the world as this state knows it.
    pub(crate) async fn compare(&self, state: &State) -> Tally {
        match self.secrets.all().await {
            Ok(secrets) => judge(&self.world, &secrets, state),
            Err(error) => {
                let mut tally = Tally::default();
                tally.found(|tally| &mut tally.other, || error.to_string());
                tally
            }
        }
    }

    /// What is in the world is what this state knows.
    pub(crate) async fn judge(&self, state: &State) {
        assert_eq!(self.compare(state).await, Tally::default());
    }

    /// Applies what has to go well, and looks whether all is as it is wanted.
    pub(crate) async fn settle(&self, wanted: &Resources) {
        let tally = self.finish(wanted).await;
        assert_eq!(tally.violations(), 0, "{}", tally.first.unwrap_or_default());
    }

    /// Applies what has to go well, and says what is not as it must be afterwards.
    pub(crate) async fn finish(&self, wanted: &Resources) -> Tally {
        let mut tally = Tally::default();
        let broken = |tally: &mut Tally, words: String| tally.found(|tally| &mut tally.other, || words);
        tally.cases = 1;
        let applied = match self.apply(wanted).await {
            Ok((_, applied)) => applied,
            Err(error @ RunError::Store(StoreError::Locked(_))) => {
                tally.found(|tally| &mut tally.stuck, || error.to_string());
                return tally;
            }
            Err(error) => {
                broken(&mut tally, error.to_string());
                return tally;
            }
        };
        let epochs = self.epochs.lock().unwrap().clone();
        if !epochs.is_sorted_by(|one, next| one < next) {
            broken(&mut tally, format!("an epoch came back: {epochs:?}"));
        }
        if !applied.failed.is_empty() || !applied.skipped.is_empty() {
            broken(
                &mut tally,
                format!("{:?}, left alone: {:?}", applied.failed, applied.skipped),
            );
        }
        tally.add(self.compare(&applied.state).await, String::new);
        for words in self.differences(wanted, &applied.state).await {
            broken(&mut tally, words);
        }
        tally
    }

    /// What is not as it is wanted after a clean apply.
    async fn differences(&self, wanted: &Resources, applied: &State) -> Vec<String> {
        let read = match self.store.peek().await {
            Ok(snapshot) => recover::read("lab", &snapshot),
            Err(error) => return vec![error.to_string()],
        };
        let mut differences = Vec::new();
        match read {
            Ok((state, open)) if state == *applied && open.is_empty() => {}
            other => differences.push(format!("what is on disk is {other:?}")),
        }
        let have: Vec<&Address> = applied.resources.keys().collect();
        let want: Vec<&Address> = wanted.iter().map(|resource| &resource.address).collect();
        if have != want {
            differences.push(format!("the state has {have:?} and not {want:?}"));
        }
        match self.plan(wanted, &PlanOptions::default()).await {
            Ok(plan) if actions(&plan).is_empty() && plan.drift.is_empty() => {}
            Ok(plan) => differences.push(format!("pending: {:?}, {:?}", actions(&plan), plan.drift)),
            Err(error) => differences.push(error.to_string()),
        }
        // Beside the state, the world itself: it has what was asked for.
        let inner = self.world.inner();
        for resource in wanted.iter() {
            let address = &resource.address;
            let held = applied.resources.get(address);
            let Some(object) = held.and_then(|held| inner.objects.get(&held.id)) else {
                differences.push(format!("there is no {address}"));
                continue;
            };
            let names = ["description", "scope", "disk", "image", "tags", "url", "project"];
            for name in names
                .iter()
                .filter(|name| resource.properties.contains_key(**name))
            {
                if object.properties.get(*name) != resource.properties.get(*name)
                    || object.kind != resource.kind
                {
                    differences.push(format!("{name} of {address} is not as it is wanted"));
                }
            }
        }
        differences
    }
}

/// Tells of an operation whether its intent would be there after a crash right now.
fn announced(store: &Arc<dyn Store>, backend: Backend, drive: &Drive) -> crate::world::Announced {
    let (store, drive) = (Arc::clone(store), drive.clone());
    Box::new(move |op| {
        // A store that waits for its turn is asked from beside the process, which stands still meanwhile.
        let beside = || {
            let store = Arc::clone(&store);
            let asked = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(store.peek())
            });
            asked.join().unwrap()
        };
        let Ok(Snapshot { journal, .. }) = store.peek().now_or_never().unwrap_or_else(beside) else {
            return false;
        };
        let journal = backend.safe_journal(&drive).unwrap_or(journal);
        let Ok((records, _)) = gosling_engine::journal::records(&journal) else {
            return false;
        };
        records
            .iter()
            .any(|record| matches!(record, Record::Intent { operation, .. } if operation.op == op))
    })
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
        kind: kind.into(),
        provider: "world".into(),
        properties: properties
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
        depends_on: [].into(),
        rollout: None,
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

pub(crate) fn hook(egg: &str, url: &str, project: i64) -> Resource {
    let uri: SecretUri = format!("store://gitlab/{egg}/hook-secret").parse().unwrap();
    resource(
        "hook",
        &format!("egg.{egg}.hook"),
        [
            ("project", project.into()),
            ("secret", uri.into()),
            ("url", url.into()),
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
            ("token", Value::output(of, "id")),
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
