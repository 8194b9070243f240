//! A session of PyPI's `proxmoxer`: a client of the real service that knows nothing of this one.

use gosling_sandbox::WorldName;

use crate::{export, python, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn proxmoxer_makes_a_machine_and_a_container_and_takes_them_away() {
    if !python::has("proxmoxer, requests") {
        return;
    }
    let running = sandbox("[]").await;
    python::session(&running, "proxmox_session.py", &export(&running, "PROXMOX_TOKEN")).await;

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
