//! The `gosling` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = fly_workspace::on_large_stacks(|| {
        gosling_cli::run(std::env::args_os(), &mut gosling_cli::Host::process())
    });
    ExitCode::from(code)
}
