//! Many machines at once, with locks and limits as they really are.

use std::collections::BTreeSet;

use crate::lab::Lab;

#[test]
fn many_machines_are_made_at_once_without_a_collision() {
    let machines = 64;
    let lab = Lab::one();
    lab.machines(machines);
    let said = lab.green(&["apply", "--yes", "--parallelism", "16"]);
    assert!(said.contains(&format!("Done: {} create", machines + 2)), "{said}");
    let kinds = lab.kinds();
    assert_eq!(
        (kinds["vm"], kinds["runner"], kinds["hook"], kinds.get("volume")),
        (machines, 1, 1, None)
    );
    let there = lab.there();
    let machine = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
    let ids: BTreeSet<String> = there
        .iter()
        .filter(|object| object.kind == "vm")
        .map(|object| machine(&object.id))
        .collect();
    assert_eq!(ids.len(), machines, "no two have one VMID");
    let ledger = lab.running.ledger();
    let clones: Vec<u16> = ledger
        .calls()
        .iter()
        .filter(|call| call.method == "POST" && call.path.ends_with("/clone"))
        .map(|call| call.status)
        .collect();
    assert_eq!(
        clones,
        vec![200; machines],
        "no clone is refused, none is sent twice"
    );
    lab.green(&["status"]);
    let changes = lab.changes();
    assert!(lab.green(&["apply", "--yes"]).contains("No changes"));
    assert_eq!(lab.changes(), changes);
    lab.green(&["destroy", "--yes", "--parallelism", "16"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}
