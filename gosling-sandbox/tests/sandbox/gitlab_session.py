"""A session of PyPI's python-gitlab with the sandbox: what a person would do by hand. Any answer that the real
service would not give fails an assertion, or python-gitlab itself."""

import sys

import gitlab
import requests

url, ca, token = sys.argv[1:]
# Where there is a proxy, a simulated service is not behind it.
session = requests.Session()
session.trust_env = False


def client(value):
    return gitlab.Gitlab(url, private_token=value, ssl_verify=ca, session=session, retry_transient_errors=False)


def fails(call, status, words, *given, **named):
    try:
        call(*given, **named)
    except gitlab.exceptions.GitlabError as error:
        assert error.response_code == status, error
        assert words in str(error), error
        return
    raise AssertionError(f"{words}: nothing failed")


fails(client("glpat-wrong").auth, 401, "401 Unauthorized")
gl = client(token)
gl.auth()
assert gl.user.username == "gosling"
assert gl.version()[0] == "18.5.0"
assert set(gl.personal_access_tokens.get("self").scopes) == {"api", "create_runner"}

# Projects and groups, by number and by path.
app = gl.projects.get("apps/app")
assert app.id == 17 and app.default_branch == "main"
fails(gl.projects.get, 404, "404 Project Not Found", "apps/none")
group = gl.groups.get("platform")
assert sorted(project.id for project in group.projects.list(include_subgroups=True, get_all=True)) == [51, 52]

# Runners.
made = gl.user.runners.create(
    {
        "runner_type": "project_type",
        "project_id": app.id,
        "description": "app",
        "tag_list": ["docker", "app"],
        "run_untagged": False,
        "maintenance_note": "gosling:op-1",
        "maximum_timeout": 3600,
    }
)
assert made.token.startswith("glrt-")
runner = gl.runners.get(made.id)
assert runner.status == "never_contacted" and sorted(runner.tag_list) == ["app", "docker"]
assert runner.maintenance_note == "gosling:op-1" and runner.projects[0]["id"] == app.id
assert not hasattr(runner, "token")
runner.description, runner.paused = "app, paused", True
runner.save()
assert gl.runners.get(made.id).paused
gl.runners.update(made.id, {"paused": False})
fails(gl.runners.update, 400, "needs to be at least 10 minutes", made.id, {"maximum_timeout": 1})
fails(gl.user.runners.create, 400, "group_id is missing", {"runner_type": "group_type"})
fails(gl.runners.get, 404, "404 Not found", 999)
for index in range(25):
    gl.user.runners.create({"runner_type": "group_type", "group_id": group.id, "tag_list": f"pool,n{index}"})
assert len(gl.runners.list(tag_list=["pool"], get_all=True)) == 25
assert len(group.runners.list(per_page=10, page=3)) == 5
pages = group.runners.list(iterator=True, per_page=10)
assert pages.total == 25 and pages.total_pages == 3
assert len({runner.id for runner in pages}) == 25
assert [runner.id for runner in app.runners.list(tag_list=["app"])] == [made.id]

# Hooks.
hook = app.hooks.create({"url": "https://goose.test/app", "token": "canary", "job_events": True, "name": "gosling"})
assert hook.job_events and hook.push_events and "canary" not in hook.to_json()
hook.push_events = False
hook.save()
assert [found.push_events for found in app.hooks.list(get_all=True)] == [False]
fails(app.hooks.create, 422, "Invalid url given", {"url": "nonsense"})
fails(group.hooks.list, 404, "404 Not Found")
hook.delete()

# A pipeline whose job waits until somebody takes it.
pipeline = app.pipelines.create({"ref": "main", "variables": [{"key": "GOSLING_SMOKE_TAGS", "value": "app"}]})
(job,) = app.pipelines.get(pipeline.id).jobs.list()
job = app.jobs.get(job.id)
assert pipeline.status == job.status == "pending" and job.runner is None and job.tag_list == ["app"]
assert job.trace() == b""
gl.http_post("/runners/verify", post_data={"token": made.token, "system_id": "s_1"})
assert gl.runners.get(made.id).status == "never_contacted"
work = gl.http_post("/jobs/request", post_data={"token": made.token, "system_id": "s_1"})
assert gl.runners.get(made.id).status == "online"
assert work["id"] == job.id and work["git_info"]["ref"] == "main"
gl.http_put(f"/jobs/{job.id}", post_data={"token": work["token"], "state": "success"})
assert app.pipelines.get(pipeline.id).status == "success"
job = app.jobs.get(job.id)
assert job.runner["id"] == made.id and job.finished_at

# A token that was lost is made anew, and the old one is good for nothing.
reset = gl.http_post(f"/runners/{made.id}/reset_authentication_token")
assert reset["token"] != made.token
fails(gl.http_post, 403, "403 Forbidden", "/runners/verify", post_data={"token": made.token})

for runner in gl.runners.list(get_all=True):
    runner.delete()
assert gl.runners.list(get_all=True) == []
print("done")
