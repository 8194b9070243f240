//! Simulated gitlab.
