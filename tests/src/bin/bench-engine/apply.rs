//! What apply adds of its own to what the services take.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use gosling_engine::fence::SystemClock;
use gosling_engine::store::Store;
use gosling_engine::{
    CallError, Context, Events, Fence, JournalWriter, Known, Lease, Observed, Operation, Plan, Presence,
    Provider, Providers, Run, SecretError, Secrets, State, Stop,
};
use gosling_resource::{Address, Kind, Properties, Secret, SecretUri, Value};
use gosling_sandbox::{Options, Running, Sandbox};
use nest_tests::bench_nest::{Shape, project};
use nest_tests::measure::{self, Line};
use tokio::sync::watch;

use crate::Bench;
use crate::nest::{Nest, holder};

/// 500 runner records and their webhooks.
const SHAPE: Shape = Shape::of(500);
const PARALLELISM: usize = 10;
/// How long a call takes, in milliseconds.
const LATENCIES: [u64; 3] = [0, 10, 50];

/// Applies a plan of 1,000 resources inside of this process, where each takes one call of a fixed time, and as whole
/// processes against the sandbox.
pub(crate) fn applies(bench: &mut Bench) -> Result<(), Box<dyn Error>> {
    bench.head("resources");
    let nest = Nest::write(SHAPE, bench.folder("nest-apply")?, &bench.gosling)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let synced = runtime.block_on(syncs(bench, &nest))?;
    bench.say(synced);
    let plan = nest.first_plan()?;
    for latency in LATENCIES {
        let mut walls = Vec::new();
        for _ in 0..bench.runs {
            walls.push(runtime.block_on(inside(&nest, &plan, latency))?);
        }
        let line = Line::timed(
            SHAPE.resources(),
            format!("apply, each one call of {latency} ms"),
            walls,
        );
        let own = own(line.wall(), SHAPE.resources(), latency);
        bench.say(line.note(format!("{own:.2} ms a resource of its own")));
    }
    for latency in [0, 20] {
        outside(bench, &runtime, nest.shape, latency)?;
    }
    Ok(())
}

/// What a run took beside its calls, in milliseconds a resource, had the calls been all that it waited for.
fn own(wall: Duration, calls: usize, latency: u64) -> f64 {
    let waited = calls as f64 * latency as f64 / PARALLELISM as f64;
    (wall.as_secs_f64() * 1000.0 - waited) / SHAPE.resources() as f64
}

/// What this disk takes to sync one record.
async fn syncs(bench: &Bench, nest: &Nest) -> Result<Line, Box<dyn Error>> {
    nest.forget()?;
    let locked = nest.store().lock(&holder()).await?;
    let mut walls = Vec::new();
    for _ in 0..bench.runs * 20 {
        let begin = Instant::now();
        locked.append(&[b'x'; 1000]).await?;
        walls.push(begin.elapsed());
    }
    Ok(Line::timed(1, "one record synced to this disk", walls))
}

/// The engine alone, on the real store.
async fn inside(nest: &Nest, plan: &Plan, latency: u64) -> Result<Duration, Box<dyn Error>> {
    nest.forget()?;
    let locked = nest.store().lock(&holder()).await?;
    let lease = Lease::begin(locked.into(), Arc::new(SystemClock), |_| {}).await?;
    let provider: Arc<dyn Provider> = Arc::new(Steady {
        latency: Duration::from_millis(latency),
    });
    let labels = plan.changes.iter().map(|change| change.provider.clone());
    let providers: Providers = labels.map(|label| (label, Arc::clone(&provider))).collect();
    let (_wish, stop) = watch::channel(Stop::No);
    let run = Run {
        fleet: &gosling_engine::Unwatched,
        kill_jobs: false,
        nest: "bench",
        providers: &providers,
        secrets: &NoSecrets,
        fence: &lease,
        events: &Nobody,
        journal: JournalWriter::new(&**lease.locked()),
        parallelism: PARALLELISM,
        grace: Duration::from_secs(1),
        stop,
    };
    let begin = Instant::now();
    let applied = gosling_engine::apply(&run, plan, State::default(), &[]).await?;
    let wall = begin.elapsed();
    if applied.done.len() == plan.changes.len() {
        Ok(wall)
    } else {
        Err(format!("{} of {} were done", applied.done.len(), plan.changes.len()).into())
    }
}

/// Whole processes against a sandbox in this one: apply, then a plan that looks at everything.
fn outside(
    bench: &mut Bench,
    runtime: &tokio::runtime::Runtime,
    shape: Shape,
    latency: u64,
) -> Result<(), Box<dyn Error>> {
    let mut applies = Vec::new();
    let mut plans = Vec::new();
    let mut calls = (0, 0);
    for _ in 0..bench.runs.min(3) {
        let mut nest = Nest::write(shape, bench.folder("nest-apply")?, &bench.gosling)?;
        nest.forget()?;
        let running = runtime.block_on(sandbox(shape, latency))?;
        let authority = bench.folder.path().join("ca.pem");
        std::fs::write(&authority, running.ca_pem())?;
        nest.environment.extend(running.exports());
        let authority = authority.display().to_string();
        nest.environment.insert("GOSLING_CA_FILE".to_owned(), authority);
        let parallelism = PARALLELISM.to_string();
        let mut apply = nest.gosling(&["apply", "--yes", "--parallelism", &parallelism]);
        applies.push(measure::run(&mut apply)?);
        calls.0 = running.ledger().calls().len();
        let plan = measure::run(&mut nest.gosling(&["plan"]))?;
        if !plan.says("No changes")? {
            return Err("a plan after the apply has changes".into());
        }
        plans.push(plan);
        calls.1 = running.ledger().calls().len() - calls.0;
        runtime.block_on(running.stop());
    }
    let resources = shape.resources();
    let line = Line::of(resources, format!("apply, sandbox with {latency} ms"), &applies);
    let added = own(line.wall(), calls.0, latency);
    bench.say(line.note(format!(
        "{} calls; {added:.2} ms a resource beside them, the sandbox's own work included",
        calls.0
    )));
    let line = Line::of(resources, format!("plan, sandbox with {latency} ms"), &plans);
    bench.say(line.note(format!("{} calls", calls.1)));
    Ok(())
}

/// A sandbox with a project for each egg.
async fn sandbox(shape: Shape, latency: u64) -> Result<Running, Box<dyn Error>> {
    let projects: Vec<_> = (0..shape.eggs)
        .map(|index| serde_json::json!({ "id": project(index), "path": format!("bench/svc-{index}") }))
        .collect();
    let world = serde_json::json!({ "gitlab": { "projects": projects } });
    let options = Options {
        world: serde_json::from_value(world)?,
        latency: Duration::from_millis(latency),
        ..Options::default()
    };
    Ok(Sandbox::start(options).await?)
}

/// A service whose every call takes the same time.
struct Steady {
    latency: Duration,
}

#[async_trait]
impl Provider for Steady {
    fn kinds(&self) -> &'static [&'static Kind] {
        &[]
    }

    fn account(&self) -> String {
        "bench".to_owned()
    }

    async fn read(&self, _: &Context<'_>, _: &Known<'_>) -> Result<Presence, CallError> {
        Ok(Presence::Gone)
    }

    async fn create(&self, _: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        Ok(Observed {
            id: operation.op.clone(),
            properties: Properties::new(),
            outputs: BTreeMap::from([("id".into(), Value::from(operation.op.as_str()))]),
        })
    }

    async fn update(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        self.create(cx, operation).await
    }

    async fn delete(&self, _: &Context<'_>, _: &Operation) -> Result<(), CallError> {
        Ok(())
    }
}

struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        Err(SecretError::Missing(uri.clone()))
    }

    async fn write(&self, uri: &SecretUri, _: &Secret, _: &dyn Fence) -> Result<(), SecretError> {
        Err(SecretError::Missing(uri.clone()))
    }

    async fn writable(&self, uri: &SecretUri) -> Result<(), SecretError> {
        Err(SecretError::Missing(uri.clone()))
    }
}

struct Nobody;

impl Events for Nobody {
    fn started(&self, _: &Operation) {}
    fn progress(&self, _: &str, _: &str) {}
    fn ended(&self, _: &Operation, _: &Result<(), CallError>) {}
    fn skipped(&self, _: &Address, _: &str) {}
}
