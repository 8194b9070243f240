//! Simulated vault.
