//! `gitlab-session HOST:PORT TOKEN`: a session of the crate `gitlab` with a GitLab that has the projects of the
//! sandbox's default world. It sends forms, where others send JSON. It says `done`, or ends with what was wrong.

use std::error::Error;

use gitlab::Gitlab;
use gitlab::api::groups::projects::GroupProjects;
use gitlab::api::projects::Project;
use gitlab::api::projects::hooks::{CreateHook, DeleteHook, Hooks};
use gitlab::api::projects::pipelines::{CreatePipeline, PipelineJobs, PipelineVariable};
use gitlab::api::runners::{
    DeleteRunner, EditRunner, ResetRunnerAuthenticationToken, Runner, RunnerAccessLevel, Runners,
};
use gitlab::api::users::{CreateRunner, CurrentUser};
use gitlab::api::{Pagination, Query, ignore, paged};
use serde_json::{Value, json};

/// What a call that has to be refused was refused with.
fn refusal<E: Error>(result: Result<Value, E>) -> Result<String, Box<dyn Error>> {
    match result {
        Ok(value) => Err(format!("{value} was not to be").into()),
        Err(error) => Ok(error.to_string()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, host, token] = words.as_slice() else {
        return Err("usage: gitlab-session HOST:PORT TOKEN".into());
    };
    let wrong = Gitlab::new(host, "glpat-wrong")
        .err()
        .ok_or("a wrong token was let in")?;
    assert!(wrong.to_string().contains("401"), "{wrong}");
    let client = Gitlab::new(host, token.clone())?;
    let user: Value = CurrentUser::builder().build()?.query(&client)?;
    assert_eq!(user["username"], "gosling");
    let project: Value = Project::builder().project("apps/app").build()?.query(&client)?;
    assert_eq!(project["id"], 17);
    let unknown = refusal(Project::builder().project("apps/none").build()?.query(&client))?;
    assert!(unknown.contains("404 Project Not Found"), "{unknown}");
    let projects = GroupProjects::builder()
        .group("platform")
        .include_subgroups(true)
        .build()?;
    let projects: Vec<Value> = paged(projects, Pagination::All).query(&client)?;
    assert_eq!(projects.len(), 2);

    let mut runners = Vec::new();
    for index in 0..45 {
        let description = format!("runner {index} & co");
        let runner = CreateRunner::builder()
            .project(17)
            .description(description)
            .tags(["lab", "a b"].into_iter())
            .run_untagged(false)
            .locked(true)
            .access_level(RunnerAccessLevel::RefProtected)
            .maximum_timeout(3600)
            .maintenance_note("gosling:op-1")
            .build()?;
        let made: Value = runner.query(&client)?;
        assert!(
            made["token"]
                .as_str()
                .is_some_and(|token| token.starts_with("glrt-")),
            "{made}"
        );
        runners.push(made["id"].as_u64().ok_or("no id")?);
    }
    let listed: Vec<Value> = paged(Runners::builder().tag("lab").build()?, Pagination::All).query(&client)?;
    assert_eq!(listed.len(), 45);
    let some: Vec<Value> = paged(Runners::builder().build()?, Pagination::Limit(30)).query(&client)?;
    assert_eq!(some.len(), 30);
    let shown: Value = Runner::builder().runner(runners[0]).build()?.query(&client)?;
    assert_eq!(shown["tag_list"], json!(["a b", "lab"]));
    assert_eq!(shown["access_level"], "ref_protected");
    assert_eq!(
        (&shown["locked"], &shown["maximum_timeout"]),
        (&json!(true), &json!(3600))
    );
    assert_eq!(shown["description"], "runner 0 & co");
    let edited: Value = EditRunner::builder()
        .runner(runners[0])
        .paused(true)
        .build()?
        .query(&client)?;
    assert_eq!(edited["paused"], true);
    let short = EditRunner::builder()
        .runner(runners[0])
        .maximum_timeout(1)
        .build()?;
    let short = refusal(short.query(&client))?;
    assert!(short.contains("needs to be at least 10 minutes"), "{short}");
    let reset = ResetRunnerAuthenticationToken::builder()
        .runner(runners[0])
        .build()?;
    let reset: Value = reset.query(&client)?;
    assert!(reset["token"].is_string(), "{reset}");

    let hook = CreateHook::builder()
        .project(17)
        .url("https://goose.test/app?egg=a&b")
        .token("canary")
        .pipeline_events(true)
        .build()?;
    let hook: Value = hook.query(&client)?;
    assert_eq!(hook["url"], "https://goose.test/app?egg=a&b");
    assert_eq!(
        (&hook["pipeline_events"], &hook["token"]),
        (&json!(true), &Value::Null)
    );
    let hook = hook["id"].as_u64().ok_or("no id")?;
    ignore(DeleteHook::builder().project(17).hook_id(hook).build()?).query(&client)?;
    let hooks: Vec<Value> = Hooks::builder().project(17).build()?.query(&client)?;
    assert_eq!(hooks, [] as [Value; 0]);

    let variable = PipelineVariable::builder()
        .key("GOSLING_SMOKE_TAGS")
        .value("lab,x")
        .build()?;
    let pipeline = CreatePipeline::builder()
        .project(17)
        .ref_("main")
        .variable(variable)
        .build()?;
    let pipeline: Value = pipeline.query(&client)?;
    let number = pipeline["id"].as_u64().ok_or("no id")?;
    let jobs: Vec<Value> = PipelineJobs::builder()
        .project(17)
        .pipeline(number)
        .build()?
        .query(&client)?;
    assert_eq!(
        (&jobs[0]["status"], &jobs[0]["tag_list"]),
        (&json!("pending"), &json!(["lab", "x"]))
    );

    for runner in runners {
        ignore(DeleteRunner::builder().runner(runner).build()?).query(&client)?;
    }
    println!("done");
    Ok(())
}
