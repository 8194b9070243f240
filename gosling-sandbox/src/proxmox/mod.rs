//! Simulated proxmox.
