//! A Nest with its state, as an apply would have left it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use gosling_engine::journal::{Record, Seen, frame};
use gosling_engine::store::{Holder, LocalStore, Store};
use gosling_engine::{Held, Operation, Plan, State, Verb, with_outputs};
use gosling_providers::keys;
use gosling_resource::{Properties, Value};
use nest_tests::bench_nest::{self, Shape};
use nest_tests::measure;

/// A Nest in a folder.
pub(crate) struct Nest {
    pub(crate) shape: Shape,
    folder: PathBuf,
    gosling: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Nest {
    /// Writes the Nest and makes an identity for its `store://`.
    pub(crate) fn write(shape: Shape, folder: PathBuf, gosling: &Path) -> Result<Self, Box<dyn Error>> {
        bench_nest::write(shape, &folder)?;
        let (identity, _) = keys::generate_identity();
        let file = folder.join("identity.txt");
        gosling_engine::durable::replace(&file, identity.expose().as_bytes())?;
        let environment = [
            ("GOSLING_AGE_IDENTITY", file.display().to_string()),
            ("GITLAB_TOKEN", "x".to_owned()),
            ("PROXMOX_TOKEN", "x".to_owned()),
            ("VAULT_TOKEN", "x".to_owned()),
            ("DATABASE_PASSWORD", "x".to_owned()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
        ];
        Ok(Self {
            shape,
            folder,
            gosling: gosling.to_owned(),
            environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
        })
    }

    /// `gosling` in this Nest.
    pub(crate) fn gosling(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.gosling);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.environment);
        command
    }

    /// What the first apply would do.
    pub(crate) fn first_plan(&self) -> Result<Plan, Box<dyn Error>> {
        let run = measure::run(&mut self.gosling(&["plan", "--json", "--refresh=false"]))?;
        Ok(Plan::from_bytes(&run.wrote()?)?)
    }

    /// Where its state is.
    pub(crate) fn store(&self) -> LocalStore {
        LocalStore::new(self.folder.join(".gosling"), 2)
    }

    /// How many bytes a file of its state has.
    pub(crate) fn size_of(&self, file: &str) -> std::io::Result<u64> {
        Ok(std::fs::metadata(self.folder.join(".gosling").join(file))?.len())
    }

    /// Forgets what it has made.
    pub(crate) fn forget(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(self.folder.join(".gosling")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Saves a state and a journal.
    pub(crate) async fn save(&self, state: Option<&State>, journal: &[u8]) -> Result<(), Box<dyn Error>> {
        self.forget()?;
        let locked = self.store().lock(&holder()).await?;
        if let Some(state) = state {
            locked.save(&state.to_bytes()).await?;
        }
        if !journal.is_empty() {
            locked.append(journal).await?;
        }
        locked.release().await?;
        Ok(())
    }
}

/// Who holds a lock here.
pub(crate) fn holder() -> Holder {
    Holder {
        user: "bench".to_owned(),
        host: "bench".to_owned(),
        pid: std::process::id(),
        since: "2026-01-01T00:00:00Z".to_owned(),
        command: "bench-engine".to_owned(),
        pipeline: None,
    }
}

/// What a plan that makes everything leaves behind: the state, and the journal before that state was saved.
pub(crate) fn made(plan: &Plan) -> Result<(State, Vec<u8>), Box<dyn Error>> {
    let mut state = State {
        lineage: "bench".to_owned(),
        serial: 1,
        ..State::default()
    };
    let mut journal = Vec::new();
    // Machines refer to their runner records, and to nothing else.
    let machines = |machine| move |number: &usize| (plan.changes[*number].kind == "proxmox_vm") == machine;
    let numbers = || 0..plan.changes.len();
    for number in numbers()
        .filter(machines(false))
        .chain(numbers().filter(machines(true)))
    {
        let change = &plan.changes[number];
        let op = format!("bench{number:011}");
        let known = i64::try_from(number)? + 1;
        let id = match change.kind.as_str() {
            "gitlab_hook" => format!("{}/{known}", number / 3),
            "proxmox_vm" => format!("pve1/{}", known + 100_000),
            _ => known.to_string(),
        };
        let operation = Operation {
            marker: format!("gosling:bench:{}:{op}", change.address),
            op: op.clone(),
            verb: Verb::Create,
            address: change.address.clone(),
            kind: change.kind.clone(),
            provider: change.provider.clone(),
            id: None,
            reserved: None,
            properties: with_outputs(&change.properties, &state),
            given: change.given.clone(),
            prior: Properties::new(),
            rollout: None,
            place: None,
            again: false,
            tasks: Vec::new(),
        };
        let outputs: Properties = [("id".into(), Value::Int(known))].into();
        let held = Held {
            kind: operation.kind.clone(),
            provider: operation.provider.clone(),
            id: id.clone(),
            marker: operation.marker.clone(),
            properties: operation.properties.clone(),
            given: operation.given.clone(),
            outputs: outputs.clone(),
            depends_on: change.needs.clone(),
            rollout: change.rollout,
            origin: change.origin.clone(),
            renamed: false,
        };
        state.resources.insert(change.address.clone(), held);
        let seen = Seen {
            id,
            properties: Properties::new(),
            outputs,
        };
        journal.extend(frame(&Record::Intent {
            epoch: 1,
            operation: Box::new(operation),
            depends_on: change.needs.iter().map(ToString::to_string).collect(),
        })?);
        let observed = Some(seen);
        journal.extend(frame(&Record::Done { op, observed })?);
    }
    state.verify()?;
    Ok((state, journal))
}
