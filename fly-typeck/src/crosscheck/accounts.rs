//! Service accounts that may do more than the Nest's own parts need.

use super::placed;
use crate::checked::CheckedBlock;
use crate::problems;
use crate::schema::mothergoose::ServerCloud;
use crate::sink::Sink;
use crate::value::Value;

/// A part of the server and what an account needs in order to use it.
struct Need {
    part: &'static str,
    yandex: &'static [&'static str],
    aws: &'static [&'static str],
}

const NEEDS: [Need; 3] = [
    Need {
        part: "database",
        yandex: &["ydb.editor"],
        aws: &[
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:Query",
        ],
    },
    Need {
        part: "message_queues",
        yandex: &["ymq.reader", "ymq.writer"],
        aws: &["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"],
    },
    Need {
        part: "storage",
        yandex: &["storage.editor"],
        aws: &["s3:GetObject", "s3:PutObject"],
    },
];

/// Roles and policies that allow everything in the account or the folder.
const EVERYTHING: [&str; 7] = [
    "admin",
    "editor",
    "resource-manager.admin",
    "iam.admin",
    "*",
    "AdministratorAccess",
    "PowerUserAccess",
];

pub(super) fn check(server: &CheckedBlock, cloud: ServerCloud, sink: &mut Sink) {
    let accounts = server
        .block("service_accounts")
        .map(|block| block.blocks.as_slice())
        .unwrap_or_default();
    for account in accounts {
        for attribute in ["roles", "policies"] {
            let Some((Value::List(given), at)) = placed(account, attribute) else {
                continue;
            };
            let given: Vec<&str> = given.iter().filter_map(Value::as_str).collect();
            let (extra, kept): (Vec<&str>, Vec<&str>) = given.into_iter().partition(|role| wide(role));
            if extra.is_empty() {
                continue;
            }
            let smallest = if kept.is_empty() {
                needed(server, cloud)
            } else {
                kept
            };
            let smallest: Vec<String> = smallest.iter().map(|role| format!("\"{role}\"")).collect();
            sink.push(problems::wide_roles::problem(
                at,
                &extra,
                &format!("[{}]", smallest.join(", ")),
            ));
        }
    }
}

/// Whether it allows everything, or everything of a service.
fn wide(role: &str) -> bool {
    EVERYTHING.contains(&role) || role.ends_with(".admin") || role.ends_with(":*")
}

/// What the parts of this server need.
fn needed(server: &CheckedBlock, cloud: ServerCloud) -> Vec<&'static str> {
    let there = NEEDS.iter().filter(|need| server.block(need.part).is_some());
    there
        .flat_map(|need| match cloud {
            ServerCloud::Yandex => need.yandex,
            ServerCloud::Aws => need.aws,
        })
        .copied()
        .collect()
}
