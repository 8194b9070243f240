//! What the tests over the whole workspace share. The tests are in `tests/tests/nest`.

pub mod bench_nest;
pub mod measure;
