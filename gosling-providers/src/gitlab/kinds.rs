//! What GitLab makes: runners and webhooks, and what a change of each attribute does to them.

use gosling_resource::{Attribute, Change, Kind};

/// A runner record: one token, which as many machines use as there are.
pub(super) const RUNNER: &str = "gitlab_runner";
/// A webhook of a project.
pub(super) const HOOK: &str = "gitlab_hook";

const fn attribute(name: &'static str, change: Change, observed: bool) -> Attribute {
    Attribute {
        name,
        change,
        observed,
        usual: None,
    }
}

const fn replaces(name: &'static str) -> Attribute {
    attribute(name, Change::Replace, false)
}

const fn updates(name: &'static str) -> Attribute {
    attribute(name, Change::Update, true)
}

const fn silent(name: &'static str) -> Attribute {
    attribute(name, Change::Update, false)
}

/// The kinds of a GitLab server.
pub(super) static KINDS: [&Kind; 2] = [
    &Kind {
        name: RUNNER,
        lost: "its number, its token and its list of jobs",
        attributes: &[
            // The server's name, for whoever reads a plan.
            replaces("server"),
            // `project`, `group` or `instance`.
            replaces("scope"),
            replaces("project_id"),
            replaces("group_id"),
            updates("description"),
            updates("tags"),
            updates("run_untagged"),
            updates("locked"),
            // `not_protected` or `ref_protected`.
            updates("access_level"),
            // Seconds.
            updates("maximum_timeout"),
            updates("paused"),
            updates("maintenance_note"),
            // Where the runner's token is kept.
            silent("token_secret"),
            // The token for GitLab's API, where it is not the server's. A change of it only has to be kept.
            silent("api_token"),
        ],
    },
    &Kind {
        name: HOOK,
        lost: "its number and its list of deliveries",
        attributes: &[
            replaces("server"),
            replaces("project_id"),
            updates("url"),
            // `push`, `merge_request`, `pipeline`, `job`: all others are off.
            updates("events"),
            updates("name"),
            updates("description"),
            updates("enable_ssl_verification"),
            // Where the secret is kept with which GitLab proves that it is GitLab.
            silent("secret"),
            // Which version of the secret GitLab was last given.
            attribute("secret_version", Change::OnlyAtCreation, false),
            // Where that is an earlier one, which version is stored now.
            attribute("stored_version", Change::OnlyAtCreation, false),
            // Whether a secret that is not there yet is made.
            attribute("generate_secret", Change::OnlyAtCreation, false),
            silent("api_token"),
        ],
    },
];
