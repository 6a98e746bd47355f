//! `trimtab completions`: scripts for shells.

use clap::Args;
use clap_complete::Shell;

use crate::error::Error;
use crate::{Exit, output};

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell, such as bash; `source <(trimtab completions bash)` takes it in.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut crate::command_line(), "trimtab", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Yes)
}
