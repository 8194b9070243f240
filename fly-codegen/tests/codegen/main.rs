//! Nests in, resources and machines' files out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod connected;
mod example;
mod hostile;
mod outside;
mod refused;
mod shapes;
mod support;
