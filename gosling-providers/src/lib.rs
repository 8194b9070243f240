//! The worlds in which resources are made: one folder each, HTTP once.

pub mod gitlab;
pub mod http;
pub mod keys;
pub mod proxmox;
pub mod reach;
pub mod secrets;
pub mod state;
