//! From a drive in Proxmox VE to a job in GitLab.

use crate::{python, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_becomes_the_runner_that_its_drive_says() {
    if !python::has("pycdlib, requests") {
        return;
    }
    let running = sandbox("[]").await;
    let exports: serde_json::Map<_, _> = running
        .exports()
        .into_iter()
        .map(|(key, value)| (key, value.into()))
        .collect();
    let tokens = serde_json::Value::Object(exports).to_string();
    python::session(&running, "boot_session.py", &tokens).await;
    assert_eq!(running.silent(), []);
}
