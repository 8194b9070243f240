//! Syntax trees in, a typed Nest and its problems out.
