//! A session of PyPI's `hvac`.

use crate::{export, python, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn hvac_keeps_a_secret_in_versions() {
    if !python::has("hvac, requests") {
        return;
    }
    let running = sandbox("[]").await;
    python::session(&running, "vault_session.py", &export(&running, "VAULT_TOKEN")).await;

    let ledger = running.ledger();
    let made: Vec<_> = ledger
        .objects()
        .iter()
        .filter(|object| object.kind == "secret")
        .collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].id, "secret/gitlab/lab/app/runner-token");
    assert!(made[0].deleted.is_some());
    let changes = ledger.calls().iter().filter(|call| call.changes);
    assert_eq!(
        changes.count(),
        7,
        "three writes, delete, undelete, destroy, and the end"
    );
}
