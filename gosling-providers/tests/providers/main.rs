//! The providers against the simulated worlds, over real HTTPS.

#![allow(clippy::unwrap_used, clippy::panic)]

mod gitlab;
mod http;
mod marks;
mod preflight_gitlab;
mod preflight_proxmox;
mod proxmox;
mod proxmox_faults;
mod reach;
mod secrets;
mod state;
mod vault;
mod world;
