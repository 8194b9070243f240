//! A session of PyPI's `proxmoxer`: a client of the real service that knows nothing of this one.

use std::process::Command;

use gosling_sandbox::WorldName;

use crate::{export, sandbox};

/// A Python that has proxmoxer. Where `REQUIRE_PROXMOXER` is set, as in CI, there has to be one.
fn python() -> Option<&'static str> {
    let there = Command::new("python3")
        .args(["-c", "import proxmoxer, requests"])
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        there || std::env::var_os("REQUIRE_PROXMOXER").is_none(),
        "proxmoxer is not installed"
    );
    if !there {
        eprintln!("skipped: proxmoxer is not installed (pip install proxmoxer requests)");
    }
    there.then_some("python3")
}

#[tokio::test(flavor = "multi_thread")]
async fn proxmoxer_makes_a_machine_and_a_container_and_takes_them_away() {
    let Some(python) = python() else {
        return;
    };
    let running = sandbox("[]").await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), running.ca_pem()).unwrap();
    let url = running.url();
    let mut command = Command::new(python);
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/sandbox/proxmox_session.py"
        ))
        .arg(url.rsplit(':').next().unwrap())
        .arg(ca.path())
        .arg(export(&running, "PROXMOX_TOKEN"));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\n");

    let ledger = running.ledger();
    let made = ledger.objects().iter().filter(|object| object.created.is_some());
    let made: Vec<_> = made
        .map(|object| {
            assert_eq!(object.world, WorldName::Proxmox);
            assert!(object.deleted.is_some(), "{object:?} is still there");
            (object.kind.as_str(), object.id.as_str(), object.marker.as_str())
        })
        .collect();
    let expected = [
        ("vm", "100", "gosling:op-1"),
        ("volume", "pve1/local:iso/seed.iso", ""),
        ("firewall_rule", "qemu/100#1", "ssh"),
        ("firewall_rule", "qemu/100#2", "rest"),
        ("container", "200", "gosling:op-2"),
    ];
    assert_eq!(made, expected);
    let refused = ledger.calls().iter().filter(|call| call.status >= 400);
    assert!(refused.clone().count() > 10);
    assert_eq!(
        refused.filter(|call| call.changes).count(),
        0,
        "what is refused changes nothing"
    );
}
