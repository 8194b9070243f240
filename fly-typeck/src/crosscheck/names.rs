//! The names that things of the server have in its cloud, and what each cloud takes as one.

use fly_syntax::Span;

use super::placed_text;
use crate::checked::CheckedBlock;
use crate::problems;
use crate::schema::mothergoose::ServerCloud;
use crate::sink::Sink;

/// A name in the cloud.
pub(super) struct Named<'b> {
    /// The name.
    pub(super) text: &'b str,
    /// Where it is written.
    pub(super) at: Span,
    thing: Thing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Gateway,
    Role,
    Queue,
    Trigger,
    Database,
    Bucket,
    Account,
}

/// What a cloud takes as a name.
struct Form {
    what: &'static str,
    rule: &'static str,
    length: std::ops::RangeInclusive<usize>,
    /// Capital letters may stand in it.
    capitals: bool,
    /// Marks beside letters and digits.
    marks: &'static str,
    /// A small letter comes first, and no mark last.
    framed: bool,
}

/// Every name inside a `mothergoose` block, in the order they are written.
pub(super) fn of(server: &CheckedBlock) -> Vec<Named<'_>> {
    let mut named: Vec<Named<'_>> = Vec::new();
    for block in &server.blocks {
        let (thing, inside) = match block.name.as_str() {
            "api_gateway" => (Thing::Gateway, false),
            "fastapi_app" | "celery_workers" | "uglyfox_workers" => (Thing::Role, false),
            "database" => (Thing::Database, false),
            "message_queues" => (Thing::Queue, true),
            "triggers" => (Thing::Trigger, true),
            "storage" => (Thing::Bucket, true),
            "service_accounts" => (Thing::Account, true),
            _ => continue,
        };
        let holders: Vec<&CheckedBlock> = if inside {
            block.blocks.iter().collect()
        } else {
            vec![block]
        };
        named.extend(holders.into_iter().filter_map(|holder| name(holder, thing)));
        named.extend(
            block
                .block("auth_function")
                .and_then(|function| name(function, Thing::Role)),
        );
    }
    named.sort_by_key(|name| name.at);
    named
}

fn name(block: &CheckedBlock, thing: Thing) -> Option<Named<'_>> {
    let (text, at) = placed_text(block, "name")?;
    Some(Named { text, at, thing })
}

impl Named<'_> {
    /// Reports a name that the cloud would refuse.
    pub(super) fn check(&self, cloud: ServerCloud, sink: &mut Sink) {
        let form = form(self.thing, cloud);
        if !form.takes(self.text) {
            sink.push(problems::refused_name::problem(
                self.at, self.text, form.what, form.rule,
            ));
        }
    }
}

impl Form {
    fn takes(&self, text: &str) -> bool {
        let letter = |character: char| {
            character.is_ascii_lowercase()
                || character.is_ascii_digit()
                || (self.capitals && character.is_ascii_uppercase())
        };
        let all = text
            .chars()
            .all(|character| letter(character) || self.marks.contains(character));
        let framed = text.starts_with(|first: char| first.is_ascii_lowercase()) && text.ends_with(letter);
        self.length.contains(&text.chars().count()) && all && (framed || !self.framed)
    }
}

fn form(thing: Thing, cloud: ServerCloud) -> Form {
    match (thing, cloud) {
        (Thing::Bucket, _) => Form {
            what: "a bucket",
            rule: "3 to 63 small letters, digits, `-` and `.`",
            length: 3..=63,
            capitals: false,
            marks: "-.",
            framed: false,
        },
        (Thing::Queue, _) => Form {
            what: "a queue",
            rule: "1 to 80 letters, digits, `-` and `_`, and `.fifo` behind them for a queue that keeps order",
            length: 1..=80,
            capitals: true,
            marks: "-_.",
            framed: false,
        },
        (_, ServerCloud::Yandex) => Form {
            what: "this in Yandex Cloud",
            rule: "3 to 63 small letters, digits and `-`, a letter first and no `-` last",
            length: 3..=63,
            capitals: false,
            marks: "-",
            framed: true,
        },
        (Thing::Gateway, ServerCloud::Aws) => Form {
            what: "an API gateway",
            rule: "1 to 128 letters, digits, `-`, `_` and spaces",
            length: 1..=128,
            capitals: true,
            marks: "-_. ",
            framed: false,
        },
        (Thing::Database, ServerCloud::Aws) => Form {
            what: "a DynamoDB table",
            rule: "3 to 255 letters, digits, `-`, `_` and `.`",
            length: 3..=255,
            capitals: true,
            marks: "-_.",
            framed: false,
        },
        (Thing::Role | Thing::Trigger | Thing::Account, ServerCloud::Aws) => Form {
            what: "this in AWS",
            rule: "1 to 64 letters, digits, `-` and `_`",
            length: 1..=64,
            capitals: true,
            marks: "-_",
            framed: false,
        },
    }
}
