//! Syntax trees in, a typed Nest and its problems out. No IO: files come from whoever calls.
