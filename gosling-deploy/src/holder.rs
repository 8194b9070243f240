//! Who runs this, and in which pipeline: for locks, freezes and the audit.

use std::collections::BTreeMap;

use gosling_engine::store::Holder;

use crate::clock::now;
use crate::environment::Environment;

/// Variables that name a person, the one who started a pipeline before the one whose machine it is.
const USERS: [&str; 3] = ["GITLAB_USER_LOGIN", "GITHUB_ACTOR", "USER"];

/// Variables that hold the address of a pipeline's job: GitLab's, and those of Jenkins and others.
const PIPELINES: [&str; 3] = ["CI_JOB_URL", "CI_PIPELINE_URL", "BUILD_URL"];

/// Whoever runs this process, for this command.
pub fn holder(environment: &Environment, command: &str) -> Holder {
    let name = rustix::system::uname();
    Holder {
        user: first(&environment.variables, &USERS).unwrap_or_else(|| "somebody".to_owned()),
        host: name.nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        since: now(),
        command: command.to_owned(),
        pipeline: pipeline(&environment.variables),
    }
}

/// The address of the pipeline's job that this process is part of.
fn pipeline(environment: &BTreeMap<String, String>) -> Option<String> {
    first(environment, &PIPELINES).or_else(|| {
        let variable = |name: &str| first(environment, &[name]);
        let (server, repository, run) = (
            variable("GITHUB_SERVER_URL")?,
            variable("GITHUB_REPOSITORY")?,
            variable("GITHUB_RUN_ID")?,
        );
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    })
}

/// The first of the variables that is set to something.
fn first(environment: &BTreeMap<String, String>, names: &[&str]) -> Option<String> {
    let mut values = names.iter().filter_map(|name| environment.get(*name));
    values.find(|value| !value.is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_named_by_its_address() {
        let cases = [
            (&[][..], None),
            (
                &[
                    ("CI_PIPELINE_URL", "https://g/p/7"),
                    ("CI_JOB_URL", "https://g/j/9"),
                ],
                Some("https://g/j/9"),
            ),
            (
                &[
                    ("GITHUB_SERVER_URL", "https://github.com"),
                    ("GITHUB_REPOSITORY", "a/b"),
                    ("GITHUB_RUN_ID", "12"),
                ],
                Some("https://github.com/a/b/actions/runs/12"),
            ),
            (&[("GITHUB_REPOSITORY", "a/b"), ("BUILD_URL", "")], None),
        ];
        for (variables, expected) in cases {
            let environment = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(pipeline(&environment).as_deref(), expected, "{variables:?}");
        }
    }
}
