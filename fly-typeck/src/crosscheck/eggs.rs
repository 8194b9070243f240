//! Eggs and eggsbuckets: machines that their cloud does not have, and two that would take each other's jobs.

use fly_syntax::Span;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Blocks, placed, placed_text};
use crate::checked::CheckedBlock;
use crate::globals::Globals;
use crate::json;
use crate::problems;
use crate::sink::Sink;
use crate::value::Value;
use fly_domain::{Duration, VmidRange};

/// The longest that a serverless machine may run a job: the clouds end it then.
const LONGEST_SERVERLESS: Duration = Duration::from_secs(60 * 60);

pub(super) fn check(globals: &Globals<'_>, nest: &Blocks<'_>, sink: &mut Sink) {
    let mut presets: Vec<_> = globals.presets.values().collect();
    presets.sort_by_key(|preset| preset.header);
    presets.into_iter().for_each(|preset| machine(preset, sink));
    same_machine_names(nest, sink);
    let eggs = nest.of("egg").chain(nest.of("eggsbucket"));
    let addressed = |gitlab: &&CheckedBlock| gitlab.attribute("webhook_url").is_some();
    // Without a server that listens, nobody needs webhooks.
    let wanted = nest
        .of("egg")
        .chain(nest.of("eggsbucket"))
        .flat_map(hosts)
        .any(|gitlab| addressed(&gitlab))
        && nest.single("mothergoose").is_none()
        && !globals.declared.kind_unknown;
    let mut projects: FxHashMap<(String, String, String), &CheckedBlock> = FxHashMap::default();
    let mut unaddressed: FxHashSet<(Span, Span)> = FxHashSet::default();
    for egg in eggs {
        machine(egg, sink);
        if let Some((range, at)) = egg
            .block("cloud")
            .and_then(|cloud| placed_text(cloud, "vmid_range"))
            && let Err(malformed) = VmidRange::parse(range)
        {
            sink.push(problems::range_order::problem(at, range, &malformed.reason));
        }
        for gitlab in hosts(egg) {
            if wanted
                && !addressed(&gitlab)
                && !gitlab.incomplete
                && reports(gitlab)
                // All that a `for_each` makes lack it together.
                && unaddressed.insert((egg.header, gitlab.header))
            {
                sink.push(problems::no_webhook_address::problem(gitlab.header, &egg.label()));
            }
            let Some(key) = project(egg, gitlab) else { continue };
            match projects.get(&key) {
                Some(first) if first.label() != egg.label() => {
                    let names = (egg.label(), first.label());
                    let problem =
                        problems::same_tags::problem(egg.header, first.header, &names.0, &names.1, &key.1);
                    sink.push(problem);
                }
                Some(_) => {}
                None => {
                    projects.insert(key, egg);
                }
            }
        }
    }
}

/// Two labels that become one name: machines are called by them, in small letters and with `-` for `_`.
fn same_machine_names(nest: &Blocks<'_>, sink: &mut Sink) {
    let mut names: FxHashMap<String, &CheckedBlock> = FxHashMap::default();
    for egg in nest.of("egg").chain(nest.of("eggsbucket")) {
        let label = egg.label();
        let name = label.to_ascii_lowercase().replace('_', "-");
        match names.get(&name) {
            Some(first) if first.label() != label => {
                let labels = (label.as_str(), first.label());
                sink.push(problems::same_machine_name::problem(
                    egg.header,
                    first.header,
                    labels.0,
                    &labels.1,
                    &name,
                ));
            }
            Some(_) => {}
            None => {
                names.insert(name, egg);
            }
        }
    }
}

fn machine(egg: &CheckedBlock, sink: &mut Sink) {
    let Some((ty, at)) = placed_text(egg, "type") else {
        return;
    };
    let cloud = egg
        .block("cloud")
        .and_then(|cloud| placed_text(cloud, "provider"));
    if let (("container", _) | ("serverless", _), Some((provider, provider_at))) = ((ty, at), cloud) {
        let provider = provider.split('.').next().unwrap_or_default();
        if (ty == "container") != (provider == "proxmox") {
            sink.push(problems::container_cloud::problem(at, ty, provider, provider_at));
        }
    }
    let first = egg
        .block("rollout")
        .and_then(|rollout| placed(rollout, "create_before_delete"));
    let address = egg.block("cloud").and_then(|cloud| placed(cloud, "address"));
    if let (Some((Value::Bool(true), first)), Some((Value::List(_), addresses))) = (first, address) {
        sink.push(problems::same_address::problem(first, addresses));
    }
    if ty == "serverless"
        && let Some(runner) = egg.block("runner")
        && let Some((Value::Duration(timeout), timeout_at)) = placed(runner, "maximum_timeout")
        && *timeout > LONGEST_SERVERLESS
    {
        sink.push(problems::serverless_timeout::problem(
            timeout_at,
            &timeout.to_string(),
            at,
        ));
    }
}

/// The `gitlab` blocks of an egg, or of a bucket's repositories.
fn hosts(egg: &CheckedBlock) -> Vec<&CheckedBlock> {
    let mut hosts = egg.blocks_named("gitlab");
    for repositories in egg.blocks_named("repositories") {
        for repo in repositories.blocks_named("repo") {
            hosts.extend(repo.blocks_named("gitlab"));
        }
    }
    hosts
}

/// Whether anything of it is to be reported: `events = []` says that nothing is.
fn reports(gitlab: &CheckedBlock) -> bool {
    !matches!(gitlab.value("events"), Some(Value::List(events)) if events.is_empty())
}

/// Server, project and tags: what two eggs must not share.
fn project(egg: &CheckedBlock, gitlab: &CheckedBlock) -> Option<(String, String, String)> {
    let server = gitlab.value("server")?.as_str()?;
    let server = server
        .split("://")
        .last()
        .unwrap_or(server)
        .trim_end_matches('/')
        .to_ascii_lowercase();
    let project = match (gitlab.value("project_id"), gitlab.value("group_id")) {
        (Some(Value::Int(id)), None) => format!("project {id} on {server}"),
        (None, Some(Value::Int(id))) => format!("group {id} on {server}"),
        _ => return None,
    };
    let tags = json::text(egg.block("runner")?.value("tags")?);
    Some((server, project, tags))
}

/// Where an egg's runner says how long it may idle.
pub(super) fn idle_timeout(egg: &CheckedBlock) -> Option<(Duration, Span)> {
    match placed(egg.block("runner")?, "idle_timeout")? {
        (Value::Duration(idle), at) => Some((*idle, at)),
        _ => None,
    }
}
