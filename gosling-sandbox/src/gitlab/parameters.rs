//! What GitLab's calls may be given: a table of our own for each, as GitLab's sources declare it.

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Any text.
    Text,
    /// A whole number, or text that is one.
    Integer,
    /// `true` or `false`, also as text, `1` or `0`.
    Boolean,
    /// A list of texts, or one text with commas.
    List,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An object.
    Object,
    /// A list of objects.
    Objects,
}

/// One parameter of a call, wherever it stands: GitLab takes it from the path, the query or the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
}

/// What one concern of a call may be given; a call's parameters are several of these together.
pub(super) type Parameters = &'static [Parameter];

const fn may(name: &'static str, shape: Shape) -> Parameter {
    Parameter {
        name,
        shape,
        required: false,
    }
}

const fn must(name: &'static str, shape: Shape) -> Parameter {
    Parameter {
        name,
        shape,
        required: true,
    }
}

use Shape::{Boolean, Choice, Integer, List, Object, Objects, Text};

const RUNNER_TYPES: Shape = Choice(&["instance_type", "group_type", "project_type"]);
const ACCESS_LEVELS: Shape = Choice(&["not_protected", "ref_protected"]);

pub(super) const NONE: Parameters = &[];
/// The number of a runner or a job.
pub(super) const NUMBER: Parameters = &[must("id", Integer)];
/// A project's or a group's number or path.
pub(super) const PLACE: Parameters = &[must("id", Text)];
pub(super) const HOOK: Parameters = &[must("hook_id", Integer)];
pub(super) const USER: Parameters = &[must("user_id", Integer)];
pub(super) const RUNNER: Parameters = &[must("runner_id", Integer)];
pub(super) const PAGE: Parameters = &[may("page", Integer), may("per_page", Integer)];

pub(super) const CREATE_RUNNER: Parameters = &[
    must("runner_type", RUNNER_TYPES),
    may("group_id", Integer),
    may("project_id", Integer),
    may("description", Text),
    may("maintenance_note", Text),
    may("paused", Boolean),
    may("locked", Boolean),
    may("access_level", ACCESS_LEVELS),
    may("run_untagged", Boolean),
    may("tag_list", List),
    may("maximum_timeout", Integer),
];

pub(super) const UPDATE_RUNNER: Parameters = &[
    may("description", Text),
    may("active", Boolean),
    may("paused", Boolean),
    may("tag_list", List),
    may("run_untagged", Boolean),
    may("locked", Boolean),
    may("access_level", ACCESS_LEVELS),
    may("maximum_timeout", Integer),
    may("maintenance_note", Text),
];

pub(super) const FILTER_RUNNERS: Parameters = &[
    may("type", RUNNER_TYPES),
    may("paused", Boolean),
    may(
        "status",
        Choice(&[
            "active",
            "paused",
            "online",
            "offline",
            "never_contacted",
            "stale",
        ]),
    ),
    may("tag_list", List),
    may("version_prefix", Text),
];

/// Deprecated, and not known for groups.
pub(super) const SCOPE: Parameters = &[may(
    "scope",
    Choice(&[
        "specific",
        "shared",
        "instance_type",
        "group_type",
        "project_type",
        "active",
        "paused",
        "online",
        "offline",
        "never_contacted",
        "stale",
    ]),
)];

pub(super) const RUNNER_DETAILS: Parameters = &[may("include_projects", Boolean)];

pub(super) const RUNNER_JOBS: Parameters = &[
    may("system_id", Text),
    may(
        "status",
        Choice(&[
            "created",
            "waiting_for_resource",
            "preparing",
            "waiting_for_callback",
            "pending",
            "running",
            "success",
            "failed",
            "canceling",
            "canceled",
            "skipped",
            "manual",
            "scheduled",
        ]),
    ),
    may("order_by", Choice(&["id"])),
    may("sort", Choice(&["asc", "desc"])),
];

/// The old way with a registration token.
pub(super) const REGISTER: Parameters = &[must("token", Text)];

/// What a runner itself says of itself.
pub(super) const AUTHENTICATION: Parameters = &[must("token", Text)];
pub(super) const VERIFY: Parameters = &[must("token", Text), may("system_id", Text)];
pub(super) const MANAGER: Parameters = &[must("token", Text), must("system_id", Text)];

pub(super) const REQUEST_JOB: Parameters = &[
    must("token", Text),
    may("system_id", Text),
    may("last_update", Text),
    may("info", Object),
    may("session", Object),
];

pub(super) const UPDATE_JOB: Parameters = &[
    must("token", Text),
    may("state", Text),
    may("checksum", Text),
    may("failure_reason", Text),
    may("output", Object),
    may("exit_code", Integer),
];

pub(super) const TRACE: Parameters = &[may("token", Text), may("debug_trace", Boolean)];

/// What a hook may be told about, and whether it is unless somebody says otherwise.
pub(super) const EVENTS: [(&str, bool); 17] = [
    ("push_events", true),
    ("issues_events", false),
    ("confidential_issues_events", false),
    ("merge_requests_events", false),
    ("tag_push_events", false),
    ("note_events", false),
    ("confidential_note_events", false),
    ("job_events", false),
    ("pipeline_events", false),
    ("wiki_page_events", false),
    ("deployment_events", false),
    ("feature_flag_events", false),
    ("releases_events", false),
    ("milestone_events", false),
    ("emoji_events", false),
    ("resource_access_token_events", false),
    ("vulnerability_events", false),
];

const fn event(index: usize) -> Parameter {
    may(EVENTS[index].0, Boolean)
}

pub(super) const CREATE_HOOK: Parameters = &[must("url", Text)];
pub(super) const UPDATE_HOOK: Parameters = &[may("url", Text)];
pub(super) const HOOK_FIELDS: Parameters = &[
    may("name", Text),
    may("description", Text),
    may("token", Text),
    may("enable_ssl_verification", Boolean),
    may("push_events_branch_filter", Text),
    may(
        "branch_filter_strategy",
        Choice(&["wildcard", "regex", "all_branches"]),
    ),
    may("custom_webhook_template", Text),
    may("url_variables", Objects),
    may("custom_headers", Objects),
    event(0),
    event(1),
    event(2),
    event(3),
    event(4),
    event(5),
    event(6),
    event(7),
    event(8),
    event(9),
    event(10),
    event(11),
    event(12),
    event(13),
    event(14),
    event(15),
    event(16),
];

const VISIBILITIES: Shape = Choice(&["private", "internal", "public"]);

pub(super) const GROUP_PROJECTS: Parameters = &[
    may("archived", Boolean),
    may("active", Boolean),
    may("visibility", VISIBILITIES),
    may("search", Text),
    may(
        "order_by",
        Choice(&[
            "id",
            "name",
            "path",
            "created_at",
            "updated_at",
            "last_activity_at",
            "similarity",
            "star_count",
        ]),
    ),
    may("sort", Choice(&["asc", "desc"])),
    may("simple", Boolean),
    may("include_subgroups", Boolean),
    may("with_shared", Boolean),
];

pub(super) const PROJECTS: Parameters = &[
    may("archived", Boolean),
    may("active", Boolean),
    may("membership", Boolean),
    may("owned", Boolean),
    may("visibility", VISIBILITIES),
    may("search", Text),
    may(
        "order_by",
        Choice(&[
            "id",
            "name",
            "path",
            "created_at",
            "updated_at",
            "last_activity_at",
            "similarity",
            "star_count",
            "storage_size",
            "repository_size",
            "wiki_size",
            "packages_size",
        ]),
    ),
    may("sort", Choice(&["asc", "desc"])),
    may("simple", Boolean),
];

pub(super) const GROUP_DETAILS: Parameters = &[may("with_projects", Boolean)];

pub(super) const PIPELINE: Parameters = &[must("ref", Text), may("variables", Objects)];
/// The same with a trigger token, which is any token here.
pub(super) const TRIGGER: Parameters = &[must("ref", Text), must("token", Text), may("variables", Object)];
pub(super) const PIPELINE_ID: Parameters = &[must("pipeline_id", Integer)];
pub(super) const JOB_ID: Parameters = &[must("job_id", Integer)];

pub(super) const STATE: Parameters = &[must("name", Text)];
pub(super) const STATE_LOCK_ID: Parameters = &[may("ID", Text)];
pub(super) const STATE_SERIAL: Parameters = &[must("serial", Integer)];
pub(super) const LOCK: Parameters = &[
    must("ID", Text),
    must("Operation", Text),
    must("Info", Text),
    must("Who", Text),
    must("Version", Text),
    must("Created", Text),
    must("Path", Text),
];
