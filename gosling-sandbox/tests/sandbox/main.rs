//! The sandbox, judged from outside: by the APIs' own descriptions, by other people's clients, and on the wire.

#![allow(clippy::unwrap_used, clippy::panic)]

mod boot;
mod crates;
mod gitlab;
mod proxmoxer;
mod python;
mod terraform;
mod vault;
mod wire;

/// A sandbox on a free port.
async fn sandbox(faults: &str) -> gosling_sandbox::Running {
    let mut options = gosling_sandbox::Options {
        faults: serde_json::from_str(faults).unwrap(),
        ..Default::default()
    };
    options.world.proxmox.auth_delay_ms = 0;
    gosling_sandbox::Sandbox::start(options).await.unwrap()
}

/// One of the values that a Nest would have in its environment.
fn export(running: &gosling_sandbox::Running, name: &str) -> String {
    let exports = running.exports();
    let found = exports.into_iter().find(|(key, _)| key == name);
    found.unwrap().1
}
