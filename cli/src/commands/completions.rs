//! `trimtab completions`: scripts for shells.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::Error;
use crate::{Exit, output};

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell, such as bash; `source <(trimtab completions bash)` takes it in.
    shell: Shell,
}

/// The command line without its hidden verbs: the scripts propose every verb that they are given.
fn shown() -> Command {
    let program = crate::command_line();
    let verbs: Vec<_> = program.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    Command::new("trimtab").version(env!("CARGO_PKG_VERSION")).subcommands(verbs)
}

/// Prints the script.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut shown(), "trimtab", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Yes)
}
