//! The command line: the library does the work, this maps what came of it to an exit code.

use std::io::{self, Write};
use std::process::exit;

use clap::Parser;
use trimtab_trainer::flags::{Cli, Command};
use trimtab_trainer::run::run;
use trimtab_trainer::settings::Settings;
use trimtab_trainer::signals::Stop;

fn main() {
    // A panic in a library below is a failure like another: it is told on one line and ends with 1.
    std::panic::set_hook(Box::new(|panic| fail(&panic.to_string(), 1)));
    // Before anything else: the first process of a container does not get signals that it does not handle.
    let stop = Stop::on_signals().unwrap_or_else(|error| fail(&format!("cannot watch signals: {error}"), 1));
    let Command::Train(flags) = Cli::parse().command;
    let settings = Settings::new(&flags).unwrap_or_else(|error| fail(&error.to_string(), 2));
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(settings.threads).build_global() {
        fail(&format!("cannot start {} threads: {error}", settings.threads), 1);
    }
    match run(&settings, &mut io::stdout().lock(), &stop) {
        Ok(ending) => exit(ending.exit_code()),
        Err(error) => fail(&error.to_string(), error.exit_code()),
    }
}

fn fail(error: &str, code: i32) -> ! {
    // There is nobody left to tell if this cannot be written.
    let _ = writeln!(io::stderr(), "trimtab-trainer: {error}");
    exit(code)
}
