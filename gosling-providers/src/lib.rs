//! The worlds in which resources are made: one folder each, HTTP once.

pub mod http;
