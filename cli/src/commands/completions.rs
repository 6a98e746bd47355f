//! `trimtab completions`: scripts for shells.

use std::ffi::OsString;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::Error;
use crate::{Exit, completing, output};

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

/// Answers kubectl, with the words behind the plugin's name.
pub(crate) fn answer(words: &[OsString]) -> Result<Exit, Error> {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    output::print(&completing::answer(&mut shown(), &words))?;
    Ok(Exit::Yes)
}

/// Prints the script.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut shown(), "trimtab", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Yes)
}
