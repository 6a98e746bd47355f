//! The command line: the library does the work, this maps what came of it to an exit code.

use std::io::{self, Write};
use std::path::Path;
use std::process::exit;

use burn::tensor::Device;
use clap::Parser;
use trimtab_trainer::commands;
use trimtab_trainer::device::{self, Kind};
use trimtab_trainer::flags::{Cli, Command, Flags, MachineFlags};
use trimtab_trainer::run::{Ending, Error, run};
use trimtab_trainer::settings::{self, Machine, Settings};
use trimtab_trainer::signals::Stop;
use trimtab_trainer::team::Team;

/// Training takes and gives back the same large pieces of memory for each batch. The C library returns them to the kernel, which
/// clears them anew: a quarter to a half of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // A panic in a library below is a failure like another: it is told on one line and ends with 1.
    std::panic::set_hook(Box::new(|panic| fail(&panic.to_string(), 1)));
    // Before anything else: the first process of a container does not get signals that it does not handle.
    let stop = Stop::on_signals().unwrap_or_else(|error| fail(&format!("cannot watch signals: {error}"), 1));
    let mut out = io::stdout();
    let command = Cli::parse().command;
    if command.machine().is_some_and(MachineFlags::asks_for_a_list) {
        match device::list(&mut out) {
            Ok(()) => exit(0),
            Err(error) => fail(&Error::from(error).to_string(), 1),
        }
    }
    let ending = match command {
        Command::Train(flags) => train(&flags, &mut out, &stop),
        Command::Evaluate(flags) => {
            let (device, team) = start(&flags.machine);
            commands::evaluate(Path::new(&flags.model), Path::new(&flags.data), (&device, &team), &mut out, &stop)
        }
        Command::Predict(flags) => {
            let (device, team) = start(&flags.machine);
            commands::predict(Path::new(&flags.model), Path::new(&flags.data), (&device, &team), &mut out, &stop)
        }
        Command::Fetch(flags) => {
            commands::fetch(Path::new(&flags.into), &settings::source(&flags.source), &mut out, &stop)
        }
        Command::Inspect(flags) => commands::inspect(Path::new(&flags.model), &open(Kind::Cpu), &mut out),
    };
    match ending {
        Ok(ending) => exit(ending.exit_code()),
        Err(error) => fail(&error.to_string(), error.exit_code()),
    }
}

fn train(flags: &Flags, out: &mut (dyn Write + Send), stop: &Stop) -> Result<Ending, Error> {
    let settings = Settings::new(flags).unwrap_or_else(|error| fail(&error.to_string(), 2));
    bound(settings.machine);
    run(&settings, out, stop)
}

fn start(flags: &MachineFlags) -> (Device, Team) {
    let machine = Machine::new(flags).unwrap_or_else(|error| fail(&error.to_string(), 2));
    bound(machine);
    let team = Team::new(machine.threads).unwrap_or_else(|error| fail(&Error::from(error).to_string(), 1));
    (open(machine.device), team)
}

fn open(kind: Kind) -> Device {
    kind.open().unwrap_or_else(|missing| fail(&missing.to_string(), 2))
}

/// Bounds the threads of what is not given to a team.
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
