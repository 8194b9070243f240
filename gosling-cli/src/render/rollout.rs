//! What a plan does to machines that are in service, in a line for each pool.

use gosling_engine::{Plan, PoolRollout};
use gosling_resource::Address;

use super::counted;

pub use gosling_deploy::Jobs;

/// The machines of a pool that a plan takes out of service.
fn machines(pool: &PoolRollout) -> impl Iterator<Item = &Address> {
    let lists = [&pool.replaced, &pool.restarted, &pool.deleted];
    lists.into_iter().flatten()
}

/// How many of a plan's machines run jobs, as far as that is known.
#[must_use]
pub fn busy(plan: &Plan, jobs: &Jobs) -> usize {
    plan.rollouts().iter().map(|pool| jobs.busy(machines(pool))).sum()
}

/// A line for each pool whose machines are taken out of service: `egg.app: restarts 7 machines, 2 at a time; ...`
#[must_use]
pub fn lines(plan: &Plan, jobs: &Jobs) -> Vec<String> {
    let mut lines: Vec<String> = plan.rollouts().iter().map(|pool| line(pool, jobs)).collect();
    let unaware = plan.changes.iter().filter(|change| {
        let time = change.rollout.unwrap_or_default().drain_timeout;
        change.ends_jobs() && !jobs.killed && time > 0
    });
    lines.extend(unaware.map(|change| {
        format!(
            "{}: an earlier gosling created it, so its shutdown ends its jobs: apply waits until GitLab shows none, for {} \
             at most. A job that begins just then ends with it. Where GitLab cannot be asked, only --kill-jobs stops it",
            change.address,
            time(change.rollout.unwrap_or_default().drain_timeout)
        )
    }));
    lines
}

fn line(pool: &PoolRollout, jobs: &Jobs) -> String {
    let verbs = [
        ("replaces", &pool.replaced),
        ("restarts", &pool.restarted),
        ("deletes", &pool.deleted),
    ];
    let verbs = verbs.into_iter().filter(|(_, machines)| !machines.is_empty());
    let verbs: Vec<String> = verbs
        .map(|(verb, machines)| format!("{verb} {}", counted(machines.len(), "machine")))
        .collect();
    let mut words = format!("{}: {}", pool.block, verbs.join(", "));
    let taken = pool.replaced.len() + pool.restarted.len();
    if taken > 1 && pool.with_runner {
        words.push_str(", all at once, because their runner is replaced");
    } else if taken > 1 {
        words.push_str(&format!(", {} at a time", pool.at_once));
    }
    if pool.create_before_delete && !pool.replaced.is_empty() {
        words.push_str(", the new one first");
    }
    if pool.one_first {
        words.push_str("; the others wait until the first is online in its new network");
    }
    let busy = jobs.busy(machines(pool));
    match (jobs.killed || pool.drain_timeout == 0, busy) {
        (true, 0) => words.push_str("; running jobs are killed"),
        (true, busy) => words.push_str(&format!("; {busy} with running jobs, which are killed")),
        (false, 0) => words.push_str(&format!(
            "; running jobs have {} to finish",
            time(pool.drain_timeout)
        )),
        (false, busy) => words.push_str(&format!(
            "; {busy} with running jobs, which have {} to finish",
            time(pool.drain_timeout)
        )),
    }
    words
}

/// `1h`, `90s`: as Fly writes it.
fn time(seconds: u64) -> String {
    match seconds {
        whole if whole % 3600 == 0 => format!("{}h", whole / 3600),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use gosling_engine::Work;

    use super::*;

    fn pool() -> PoolRollout {
        let machine = |number: usize| -> Address { format!("egg.app.vm[{number}]").parse().unwrap() };
        PoolRollout {
            block: "egg.app".to_owned(),
            replaced: Vec::new(),
            restarted: (0..7).map(machine).collect(),
            deleted: vec![machine(7)],
            at_once: 2,
            drain_timeout: 5400,
            create_before_delete: false,
            with_runner: false,
            one_first: false,
        }
    }

    #[test]
    fn a_pool_says_how_many_machines_at_a_time_and_what_becomes_of_their_jobs() {
        let mut jobs = Jobs::default();
        assert_eq!(
            line(&pool(), &jobs),
            "egg.app: restarts 7 machines, deletes 1 machine, 2 at a time; running jobs have 90m to finish"
        );
        for number in [1, 2, 7] {
            let machine = format!("egg.app.vm[{number}]").parse().unwrap();
            jobs.work.insert(machine, Work::Busy);
        }
        assert_eq!(
            line(&pool(), &jobs),
            "egg.app: restarts 7 machines, deletes 1 machine, 2 at a time; 3 with running jobs, which have 90m to finish"
        );
        jobs.killed = true;
        assert!(line(&pool(), &jobs).ends_with("; 3 with running jobs, which are killed"));
    }

    #[test]
    fn a_change_of_the_network_says_that_one_machine_goes_first() {
        let pool = PoolRollout {
            deleted: Vec::new(),
            one_first: true,
            ..pool()
        };
        assert_eq!(
            line(&pool, &Jobs::default()),
            "egg.app: restarts 7 machines, 2 at a time; the others wait until the first is online in its new network; \
             running jobs have 90m to finish"
        );
    }
}
