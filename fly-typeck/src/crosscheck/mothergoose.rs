//! The orchestration server's infrastructure: what its cloud lacks, refuses or would take for something else.

use fly_syntax::Span;
use rustc_hash::FxHashMap;

use super::{Blocks, accounts, names, placed, placed_text, uglyfox};
use crate::checked::CheckedBlock;
use crate::problems;
use crate::schema::mothergoose::ServerCloud;
use crate::sink::Sink;
use crate::value::Value;

/// The roles that are containers; `auth_function` is a function.
const CONTAINERS: [&str; 3] = ["fastapi_app", "celery_workers", "uglyfox_workers"];

pub(super) fn check(nest: &Blocks<'_>, sink: &mut Sink) {
    let Some(server) = nest.single("mothergoose") else {
        return;
    };
    for role in CONTAINERS.iter().filter_map(|role| server.block(role)) {
        if let Some(runtime) = role.attribute("runtime") {
            sink.push(problems::runtime::problem(runtime.name_span));
        }
    }
    numbers(server, sink);
    visibility(server, sink);
    let Some(cloud) = cloud(nest, server, sink) else {
        return;
    };
    foreign(server, cloud, sink);
    database(server, cloud, sink);
    let named = names::of(server);
    twins(&named, sink);
    for name in &named {
        name.check(cloud, sink);
    }
    accounts::check(server, cloud, sink);
}

/// The server's cloud: as it says, or the one that the Nest has a provider for.
fn cloud(nest: &Blocks<'_>, server: &CheckedBlock, sink: &mut Sink) -> Option<ServerCloud> {
    if let Some(cloud) = server.block("cloud") {
        return ServerCloud::from_word(cloud.value("provider")?.as_str()?);
    }
    let mut providers: Vec<&str> = nest
        .of("provider")
        .filter_map(|provider| provider.labels.first().map(|label| label.as_str()))
        .filter(|word| ServerCloud::from_word(word).is_some())
        .collect();
    providers.dedup();
    match providers.as_slice() {
        [only] => ServerCloud::from_word(only),
        _ if server.incomplete => None,
        several => {
            sink.push(problems::unclear_cloud::problem(server.header, several));
            None
        }
    }
}

/// Bounds that are the wrong way round.
fn numbers(server: &CheckedBlock, sink: &mut Sink) {
    for role in CONTAINERS.iter().filter_map(|role| server.block(role)) {
        uglyfox::bounds(role, "min_instances", "max_instances", sink);
        for scaling in role.blocks_named("scaling") {
            uglyfox::bounds(scaling, "min", "max", sink);
        }
    }
}

/// Messages that come back while they are worked on. The workers read every queue that is not for failed messages.
fn visibility(server: &CheckedBlock, sink: &mut Sink) {
    let reader = "celery_workers";
    let Some(workers) = server.block(reader) else {
        return;
    };
    let Some((Value::Duration(timeout), timeout_at)) = placed(workers, "timeout") else {
        return;
    };
    let queues: Vec<&CheckedBlock> = server
        .block("message_queues")
        .map(|queues| queues.blocks.iter().collect())
        .unwrap_or_default();
    let dead: Vec<&str> = queues
        .iter()
        .filter_map(|queue| queue.value("dead_letter_queue")?.as_str())
        .collect();
    let read = |queue: &&&CheckedBlock| !queue.incomplete && !dead.contains(&queue.name.as_str());
    for queue in queues.iter().filter(read) {
        let hidden = queue.value_or_default("visibility_timeout", queue.schema);
        let at = queue
            .attribute("visibility_timeout")
            .map_or(queue.header, |attribute| attribute.value_span);
        if let Some(Value::Duration(hidden)) = hidden
            && hidden < timeout
        {
            let (hidden, timeout) = (hidden.to_string(), timeout.to_string());
            sink.push(problems::short_visibility::problem(
                at, &hidden, reader, &timeout, timeout_at,
            ));
        }
    }
}

/// Attributes and blocks that only the other cloud has.
fn foreign(block: &CheckedBlock, cloud: ServerCloud, sink: &mut Sink) {
    let mut report = |name: &str, at: Span, only: Option<&'static str>| {
        if let Some(only) = only
            && only != cloud.word()
        {
            sink.push(problems::wrong_cloud::problem(at, name, only, cloud.word(), None));
        }
    };
    for attribute in &block.attributes {
        let only = block
            .schema
            .attribute(&attribute.name)
            .and_then(|schema| schema.only);
        report(&attribute.name, attribute.name_span, only);
    }
    for child in &block.blocks {
        let only = block.schema.child(&child.name).and_then(|schema| schema.only);
        report(&child.name, child.header, only);
    }
    for child in &block.blocks {
        foreign(child, cloud, sink);
    }
}

/// A database, or a mode of one, that only the other cloud has.
fn database(server: &CheckedBlock, cloud: ServerCloud, sink: &mut Sink) {
    let Some(database) = server.block("database") else {
        return;
    };
    for (attribute, yandex, aws) in [
        ("type", ["ydb"].as_slice(), ["dynamodb"].as_slice()),
        (
            "mode",
            &["serverless", "dedicated"],
            &["on_demand", "provisioned"],
        ),
    ] {
        let Some((word, at)) = placed_text(database, attribute) else {
            continue;
        };
        let (own, other, only) = match cloud {
            ServerCloud::Yandex => (yandex, aws, ServerCloud::Aws),
            ServerCloud::Aws => (aws, yandex, ServerCloud::Yandex),
        };
        if !other.contains(&word) {
            continue;
        }
        let words: Vec<String> = own
            .iter()
            .map(|word| format!("`{attribute} = \"{word}\"`"))
            .collect();
        let hint = match word {
            "dynamodb" => "write `type = \"ydb\"`: YDB speaks DynamoDB's document API too".to_owned(),
            _ => format!("write {}", words.join(" or ")),
        };
        sink.push(problems::wrong_cloud::problem(
            at,
            word,
            only.word(),
            cloud.word(),
            Some(hint),
        ));
        return;
    }
}

/// Things that would be made over each other.
fn twins(named: &[names::Named<'_>], sink: &mut Sink) {
    let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
    for name in named {
        match seen.get(name.text) {
            Some(first) => sink.push(problems::same_cloud_name::problem(name.at, *first, name.text)),
            None => {
                seen.insert(name.text, name.at);
            }
        }
    }
}
