//! The terminal side of Fly: `gosling`.
