//! The providers against the simulated worlds, over real HTTPS.

#![allow(clippy::unwrap_used, clippy::panic)]

mod http;
