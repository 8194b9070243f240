//! Every call that the simulated GitLab knows.

use super::answer::Answer;
use super::parameters as p;
use super::parameters::Parameters;
use super::{Ask, Gitlab};
use crate::ledger::Ledger;

/// One call.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// The path after `/api/v4`, with its variables in braces.
    pub(super) path: &'static str,
    /// Whose token it needs.
    pub(super) access: Access,
    /// What it may be given.
    pub(super) parameters: &'static [Parameters],
    pub(super) handler: fn(&mut Gitlab, &Ask, &mut Ledger) -> Answer,
}

/// Whose token a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// A user's.
    Token,
    /// A runner's or a job's, which the handler checks.
    Own,
}

use Access::{Own, Token};

impl Route {
    /// What stands for the path's variables, if this is the route of the path.
    pub(super) fn variables(&self, parts: &[String]) -> Option<Vec<(&'static str, String)>> {
        let pattern: Vec<_> = self.path.split('/').skip(1).collect();
        if pattern.len() != parts.len() {
            return None;
        }
        let mut variables = Vec::new();
        for (pattern, part) in pattern.into_iter().zip(parts) {
            match pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => variables.push((name, part.clone())),
                None if pattern == part => {}
                None => return None,
            }
        }
        Some(variables)
    }
}

const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    parameters: &'static [Parameters],
    handler: fn(&mut Gitlab, &Ask, &mut Ledger) -> Answer,
) -> Route {
    Route {
        method,
        path,
        access,
        parameters,
        handler,
    }
}

/// The first one that fits is the one: fixed words stand before variables.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    route("GET", "/version", Token, &[p::NONE], Gitlab::version),
    route("GET", "/metadata", Token, &[p::NONE], Gitlab::metadata),
    route("GET", "/user", Token, &[p::NONE], Gitlab::user),
    route("GET", "/personal_access_tokens/self", Token, &[p::NONE], Gitlab::own_token),

    route("GET", "/projects", Token, &[p::PROJECTS, p::PAGE], Gitlab::list_projects),
    route("GET", "/projects/{id}", Token, &[p::PLACE], Gitlab::show_project),
    route("GET", "/groups/{id}", Token, &[p::PLACE, p::GROUP_DETAILS], Gitlab::show_group),
    route("GET", "/groups/{id}/members/all/{user_id}", Token, &[p::PLACE, p::USER], Gitlab::member),
    route("GET", "/groups/{id}/projects", Token, &[p::PLACE, p::GROUP_PROJECTS, p::PAGE], Gitlab::group_projects),

    route("POST", "/user/runners", Token, &[p::CREATE_RUNNER], Gitlab::create_runner),
    route("GET", "/runners", Token, &[p::SCOPE, p::FILTER_RUNNERS, p::PAGE], Gitlab::list_runners),
    route("GET", "/runners/all", Token, &[p::SCOPE, p::FILTER_RUNNERS, p::PAGE], Gitlab::list_all_runners),
    route("POST", "/runners", Own, &[p::REGISTER], Gitlab::register_runner),
    route("DELETE", "/runners", Own, &[p::AUTHENTICATION], Gitlab::unregister_runner),
    route("POST", "/runners/verify", Own, &[p::VERIFY], Gitlab::verify_runner),
    route("POST", "/runners/reset_authentication_token", Own, &[p::AUTHENTICATION], Gitlab::reset_own_token),
    route("DELETE", "/runners/managers", Own, &[p::MANAGER], Gitlab::unregister_manager),
    route("GET", "/runners/{id}", Token, &[p::NUMBER, p::RUNNER_DETAILS], Gitlab::show_runner),
    route("PUT", "/runners/{id}", Token, &[p::NUMBER, p::UPDATE_RUNNER], Gitlab::update_runner),
    route("DELETE", "/runners/{id}", Token, &[p::NUMBER], Gitlab::delete_runner),
    route("GET", "/runners/{id}/managers", Token, &[p::NUMBER], Gitlab::runner_managers),
    route("GET", "/runners/{id}/jobs", Token, &[p::NUMBER, p::RUNNER_JOBS, p::PAGE], Gitlab::runner_jobs),
    route("POST", "/runners/{id}/reset_authentication_token", Token, &[p::NUMBER], Gitlab::reset_token),
    route("GET", "/projects/{id}/runners", Token, &[p::PLACE, p::SCOPE, p::FILTER_RUNNERS, p::PAGE], Gitlab::project_runners),
    route("POST", "/projects/{id}/runners", Token, &[p::PLACE, p::RUNNER], Gitlab::assign_runner),
    route("DELETE", "/projects/{id}/runners/{runner_id}", Token, &[p::PLACE, p::RUNNER], Gitlab::unassign_runner),
    route("GET", "/groups/{id}/runners", Token, &[p::PLACE, p::FILTER_RUNNERS, p::PAGE], Gitlab::group_runners),

    route("GET", "/projects/{id}/hooks", Token, &[p::PLACE, p::PAGE], Gitlab::project_hooks),
    route("POST", "/projects/{id}/hooks", Token, &[p::PLACE, p::CREATE_HOOK, p::HOOK_FIELDS], Gitlab::create_project_hook),
    route("GET", "/projects/{id}/hooks/{hook_id}", Token, &[p::PLACE, p::HOOK], Gitlab::show_project_hook),
    route("PUT", "/projects/{id}/hooks/{hook_id}", Token, &[p::PLACE, p::HOOK, p::UPDATE_HOOK, p::HOOK_FIELDS], Gitlab::update_project_hook),
    route("DELETE", "/projects/{id}/hooks/{hook_id}", Token, &[p::PLACE, p::HOOK], Gitlab::delete_project_hook),
    route("GET", "/groups/{id}/hooks", Token, &[p::PLACE, p::PAGE], Gitlab::group_hooks),
    route("POST", "/groups/{id}/hooks", Token, &[p::PLACE, p::CREATE_HOOK, p::HOOK_FIELDS], Gitlab::create_group_hook),
    route("GET", "/groups/{id}/hooks/{hook_id}", Token, &[p::PLACE, p::HOOK], Gitlab::show_group_hook),
    route("PUT", "/groups/{id}/hooks/{hook_id}", Token, &[p::PLACE, p::HOOK, p::UPDATE_HOOK, p::HOOK_FIELDS], Gitlab::update_group_hook),
    route("DELETE", "/groups/{id}/hooks/{hook_id}", Token, &[p::PLACE, p::HOOK], Gitlab::delete_group_hook),

    route("POST", "/projects/{id}/pipeline", Token, &[p::PLACE, p::PIPELINE], Gitlab::create_pipeline),
    route("POST", "/projects/{id}/trigger/pipeline", Own, &[p::PLACE, p::TRIGGER], Gitlab::trigger_pipeline),
    route("GET", "/projects/{id}/pipelines", Token, &[p::PLACE, p::PAGE], Gitlab::list_pipelines),
    route("GET", "/projects/{id}/pipelines/{pipeline_id}", Token, &[p::PLACE, p::PIPELINE_ID], Gitlab::show_pipeline),
    route("POST", "/projects/{id}/pipelines/{pipeline_id}/cancel", Token, &[p::PLACE, p::PIPELINE_ID], Gitlab::cancel_pipeline),
    route("GET", "/projects/{id}/pipelines/{pipeline_id}/jobs", Token, &[p::PLACE, p::PIPELINE_ID, p::PAGE], Gitlab::pipeline_jobs),
    route("GET", "/projects/{id}/jobs/{job_id}", Token, &[p::PLACE, p::JOB_ID], Gitlab::show_job),
    route("GET", "/projects/{id}/jobs/{job_id}/trace", Token, &[p::PLACE, p::JOB_ID], Gitlab::show_trace),

    route("POST", "/jobs/request", Own, &[p::REQUEST_JOB], Gitlab::request_job),
    route("PUT", "/jobs/{id}", Own, &[p::NUMBER, p::UPDATE_JOB], Gitlab::update_job),
    route("PATCH", "/jobs/{id}/trace", Own, &[p::NUMBER, p::TRACE], Gitlab::append_trace),

    route("GET", "/projects/{id}/terraform/state/{name}", Token, &[p::PLACE, p::STATE, p::STATE_LOCK_ID], Gitlab::read_state),
    route("POST", "/projects/{id}/terraform/state/{name}", Token, &[p::PLACE, p::STATE, p::STATE_LOCK_ID], Gitlab::write_state),
    route("DELETE", "/projects/{id}/terraform/state/{name}", Token, &[p::PLACE, p::STATE, p::STATE_LOCK_ID], Gitlab::delete_state),
    route("POST", "/projects/{id}/terraform/state/{name}/lock", Token, &[p::PLACE, p::STATE, p::LOCK], Gitlab::lock_state),
    route("DELETE", "/projects/{id}/terraform/state/{name}/lock", Token, &[p::PLACE, p::STATE, p::STATE_LOCK_ID], Gitlab::unlock_state),
    route("GET", "/projects/{id}/terraform/state/{name}/versions/{serial}", Token, &[p::PLACE, p::STATE, p::STATE_SERIAL], Gitlab::read_state_version),
    route("DELETE", "/projects/{id}/terraform/state/{name}/versions/{serial}", Token, &[p::PLACE, p::STATE, p::STATE_SERIAL], Gitlab::delete_state_version),
];
