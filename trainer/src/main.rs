//! The command line: the library does the work, this maps what came of it to an exit code.

use std::io::{self, Write};
use std::path::Path;
use std::process::exit;

use clap::Parser;
use trimtab_trainer::commands;
use trimtab_trainer::device::Kind;
use trimtab_trainer::flags::{Cli, Command, Flags, MachineFlags};
use trimtab_trainer::run::{Ending, Error, run};
use trimtab_trainer::settings::{Machine, Settings};
use trimtab_trainer::signals::Stop;

fn main() {
    // A panic in a library below is a failure like another: it is told on one line and ends with 1.
    std::panic::set_hook(Box::new(|panic| fail(&panic.to_string(), 1)));
    // Before anything else: the first process of a container does not get signals that it does not handle.
    let stop = Stop::on_signals().unwrap_or_else(|error| fail(&format!("cannot watch signals: {error}"), 1));
    let mut out = io::stdout().lock();
    let ending = match Cli::parse().command {
        Command::Train(flags) => train(&flags, &mut out, &stop),
        Command::Evaluate(flags) => {
            let device = start(&flags.machine).device.open();
            commands::evaluate(Path::new(&flags.model), Path::new(&flags.data), &device, &mut out, &stop)
        }
        Command::Predict(flags) => {
            let device = start(&flags.machine).device.open();
            commands::predict(Path::new(&flags.model), Path::new(&flags.data), &device, &mut out, &stop)
        }
        Command::Inspect(flags) => commands::inspect(Path::new(&flags.model), &Kind::Cpu.open(), &mut out),
    };
    match ending {
        Ok(ending) => exit(ending.exit_code()),
        Err(error) => fail(&error.to_string(), error.exit_code()),
    }
}

fn train(flags: &Flags, out: &mut dyn Write, stop: &Stop) -> Result<Ending, Error> {
    let settings = Settings::new(flags).unwrap_or_else(|error| fail(&error.to_string(), 2));
    bound(settings.machine);
    run(&settings, out, stop)
}

fn start(flags: &MachineFlags) -> Machine {
    let machine = Machine::new(flags).unwrap_or_else(|error| fail(&error.to_string(), 2));
    bound(machine);
    machine
}

/// Bounds the threads of this process.
fn bound(machine: Machine) {
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(machine.threads).build_global() {
        fail(&format!("cannot start {} threads: {error}", machine.threads), 1);
    }
}

fn fail(error: &str, code: i32) -> ! {
    // There is nobody left to tell if this cannot be written.
    let _ = writeln!(io::stderr(), "trimtab-trainer: {error}");
    exit(code)
}
