//! A session of PyPI's `python-gitlab`.

use gosling_sandbox::WorldName;

use crate::{export, python, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn python_gitlab_makes_runners_hooks_and_a_pipeline() {
    if !python::has("gitlab, requests") {
        return;
    }
    let running = sandbox("[]").await;
    python::session(&running, "gitlab_session.py", &export(&running, "GITLAB_TOKEN")).await;

    let ledger = running.ledger();
    let made: Vec<_> = ledger
        .objects()
        .iter()
        .filter(|object| object.created.is_some())
        .collect();
    let count = |kind: &str| made.iter().filter(|object| object.kind == kind).count();
    assert_eq!((count("runner"), count("hook"), made.len()), (26, 1, 27));
    assert!(
        made.iter()
            .all(|object| object.world == WorldName::Gitlab && object.deleted.is_some())
    );
    assert_eq!(made[0].marker, "gosling:op-1 app app docker");
    let refused = ledger.calls().iter().filter(|call| call.status >= 400);
    assert!(refused.clone().count() >= 8);
    assert_eq!(
        refused.filter(|call| call.changes).count(),
        0,
        "what is refused changes nothing"
    );
    let all = serde_json::to_string(&ledger).unwrap();
    assert!(
        !all.contains("glrt-") && !all.contains("canary"),
        "the ledger tells no secret"
    );
}
