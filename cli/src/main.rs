//! The program `trimtab`, also as `kubectl trimtab`.

use std::process::ExitCode;

fn main() -> ExitCode {
    trimtab_cli::run(std::env::args_os())
}
