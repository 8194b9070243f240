//! What preflight finds at a GitLab: each thing that can be wrong, by itself.

use gosling_engine::{Change, Provider};
use gosling_resource::{Properties, Value};
use gosling_sandbox::{GitlabWorld, TokenWorld};

use crate::gitlab::{gitlab, hook_properties, runner_properties};
use crate::preflight_proxmox::{making, ok, wrong};
use crate::world::World;

/// The making of a runner or a webhook.
fn change(kind: &str, properties: Properties) -> Change {
    Change {
        address: format!("egg.app.{}", kind.trim_start_matches("gitlab_"))
            .parse()
            .unwrap(),
        kind: kind.into(),
        provider: "lab".into(),
        ..making(properties)
    }
}

fn runner() -> Change {
    change("gitlab_runner", runner_properties())
}

/// Whose token is no administrator's, whom no role would be asked of.
fn with(token: TokenWorld) -> GitlabWorld {
    GitlabWorld {
        admin: false,
        token,
        ..GitlabWorld::default()
    }
}

fn token(scopes: &[&str]) -> TokenWorld {
    TokenWorld {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_at: None,
        role: Some(40),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_is_said_and_nothing_else() {
    let least = &["create_runner", "manage_runner", "read_api"][..];
    let hook = || change("gitlab_hook", hook_properties());
    let mut elsewhere = runner_properties();
    elsewhere.insert("project_id".into(), Value::Int(999));
    let elsewhere = change("gitlab_runner", elsewhere);
    let ended = TokenWorld {
        expires_at: Some("2020-01-31".to_owned()),
        ..token(&["api"])
    };
    let developer = TokenWorld {
        role: Some(30),
        ..token(&["api"])
    };
    let old = GitlabWorld {
        version: "15.11.0".to_owned(),
        ..with(token(&["api"]))
    };
    let cases: Vec<(GitlabWorld, Vec<Change>, &str)> = vec![
        (with(token(least)), vec![runner()], ""),
        (with(token(&["api"])), vec![runner(), hook()], ""),
        (
            with(token(least)),
            vec![hook()],
            "lacks the scope `api` (make one with the scopes `api`",
        ),
        (
            with(token(&["manage_runner", "read_api"])),
            vec![runner()],
            "lacks the scope `create_runner` (make one with the scopes `create_runner`, `manage_runner`, `read_api`",
        ),
        (
            with(ended),
            vec![runner()],
            "Failed expiry: the token at env://GITLAB_TOKEN ended on 2020-01-31",
        ),
        (
            with(developer),
            vec![runner()],
            "has the role Developer in project 17 (it needs the role Maintainer there)",
        ),
        (with(token(&["api"])), vec![elsewhere], "Failed egg.app.runner: "),
        (
            old,
            vec![runner()],
            "Failed version: GitLab 15.11.0: gosling needs 16 or newer",
        ),
        (
            with(token(&["api"])),
            vec![runner(); 51],
            "Warning egg.app.runner: project 17 has 0 runners, and GitLab Free allows 50",
        ),
    ];
    for (world, changes, words) in cases {
        let world = World::with(world).await;
        let changes: Vec<&Change> = changes.iter().collect();
        let findings = gitlab(&world).preflight(&world.cx(), &changes).await;
        let wrong = wrong(&findings);
        match words {
            "" => assert_eq!(wrong, Vec::<String>::new()),
            words => assert!(
                wrong.len() == 1 && wrong[0].contains(words),
                "{words}: {wrong:#?}"
            ),
        }
        assert!(
            ok(&findings).contains("service: https://127.0.0.1:"),
            "{findings:#?}"
        );
        assert_eq!(world.changes(), 0, "preflight changes nothing");
    }
}
