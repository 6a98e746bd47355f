//! The command line: runs Studies on this machine, validates them, watches them, and explains what was decided.
//!
//! Exit codes are one scheme for all verbs: see `exits.rs`.

mod account;
mod asking;
mod check;
mod cluster;
mod commands;
mod completing;
mod error;
mod exits;
mod home;
#[cfg(test)]
mod manual;
mod numbers;
mod output;
mod record;
mod report;
mod source;
mod sparkline;
mod standing;
mod starting;
mod style;
mod table;
mod verification;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use asking::Asking;
use commands::{
    ask_tell, best, completions, crds, explain, export, import, importance, list, logs, report as report_command,
    resume, run as run_command, show, stop, supervise, suspend, validate, watch,
};
use error::Error;
use style::Style;

/// Tunes training jobs, on this machine and on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "trimtab", version, color = clap::ColorChoice::Auto)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the custom resource definitions: `trimtab crds | kubectl apply -f -`.
    Crds,
    /// Runs a Study on this machine: trials are processes, and everything that is known is in a folder.
    Run(run_command::Options),
    /// Answers on standard input and output, a JSON object a line: any program asks for runs and tells what came of them.
    AskTell(ask_tell::Options),
    /// Checks Studies as the cluster would, and shows what they amount to.
    Validate(validate::Options),
    /// Says of each trial why it was started, promoted, stopped or waits.
    Explain(explain::Options),
    /// Lists the local studies of a folder.
    List(list::Options),
    /// Shows the trials of a Study in a table.
    Show(show::Options),
    /// Writes a Study with all that is known of it: objects as JSON, or a table as CSV.
    Export(export::Options),
    /// Makes a study of what `export` wrote, or a Study that begins with the best rows of a table.
    Import(import::Options),
    /// Follows a Study until it ends.
    Watch(watch::Options),
    /// Prints the best parameters of a Study.
    Best(best::Options),
    /// Says how much each parameter of a Study matters.
    Importance(importance::Options),
    /// Writes everything that is known of a Study into one HTML file, with charts.
    Report(report_command::Options),
    /// Prints what trials have printed.
    Logs(logs::Options),
    /// Lets a study rest: its runs end in order, and go on from their checkpoints when it is resumed.
    Suspend(Asking),
    /// Lets a study go on that was suspended or stopped.
    Resume(resume::Options),
    /// Ends a study with what it has; `resume` takes that back.
    Stop(Asking),
    /// The process above a trial's process, started by `run`.
    #[command(hide = true)]
    Supervise,
    /// Prints a completion script for a shell.
    Completions(completions::Options),
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Done, valid, complete, verified.
    Yes,
    /// Invalid, failed, not verified, no best yet.
    No,
    /// Told to stop before the end; it can go on.
    Paused,
}

/// Runs a command line, the program's own name first, and says with which code to exit.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|command| command == "supervise") {
        // One for each run: it does not wait until the whole command line was put together.
        return code(supervise::run());
    }
    if name(&arguments).is_some_and(|name| name == completing::NAME) {
        return code(completions::answer(arguments.get(1..).unwrap_or_default()));
    }
    let matches = match named(command_line(), &arguments).try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let error = advised(error);
            // Help and version come this way as well, and clap knows which stream and code is whose.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    let program = Program::from_arg_matches(&matches).map_err(|error| Error::Usage(error.to_string()));
    code(program.and_then(|program| execute(&program.command)))
}

fn code(outcome: Result<Exit, Error>) -> ExitCode {
    match outcome {
        Ok(Exit::Yes) => ExitCode::SUCCESS,
        Ok(Exit::No) => ExitCode::FAILURE,
        Ok(Exit::Paused) => ExitCode::from(3),
        Err(error) => {
            output::complain(&format!("{} {error}", Style::Bad.paint("error:", style::on_stderr())));
            ExitCode::from(2)
        }
    }
}

/// The command line, for parsing, completions and manual pages.
fn command_line() -> clap::Command {
    exits::document(Program::command())
}

/// The name that the program was called by.
fn name(arguments: &[OsString]) -> Option<&OsStr> {
    arguments.first().and_then(|program| Path::new(program).file_stem())
}

/// As a plugin the program is called `kubectl trimtab` in its usage.
fn named(command: clap::Command, arguments: &[OsString]) -> clap::Command {
    let is_plugin = name(arguments).is_some_and(|name| name.to_string_lossy().starts_with("kubectl-"));
    if is_plugin { command.bin_name("kubectl trimtab") } else { command.bin_name("trimtab") }
}

/// A program behind the Study's file is the mistake that is made most: what clap says of it does not say what to do.
fn advised(mut error: clap::Error) -> clap::Error {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    };
    let given = word(ContextKind::InvalidArg);
    let takes_program = word(ContextKind::Usage).contains("[-- <PROGRAM>...]");
    if error.kind() == ErrorKind::UnknownArgument && takes_program && !given.starts_with('-') {
        let tip = format!("a program stands behind `--`, with its arguments: -- {given}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

fn execute(command: &Command) -> Result<Exit, Error> {
    match command {
        Command::Crds => crds::run(),
        Command::Run(options) => run_command::run(options),
        Command::AskTell(options) => ask_tell::run(options),
        Command::Supervise => supervise::run(),
        Command::Validate(options) => validate::run(options),
        Command::Explain(options) => explain::run(options),
        Command::List(options) => list::run(options),
        Command::Show(options) => show::run(options),
        Command::Export(options) => export::run(options),
        Command::Import(options) => import::run(options),
        Command::Watch(options) => watch::run(options),
        Command::Best(options) => best::run(options),
        Command::Importance(options) => importance::run(options),
        Command::Report(options) => report_command::run(options),
        Command::Logs(options) => logs::run(options),
        Command::Suspend(options) => suspend::run(options),
        Command::Resume(options) => resume::run(options),
        Command::Stop(options) => stop::run(options),
        Command::Completions(options) => completions::run(options),
    }
}
