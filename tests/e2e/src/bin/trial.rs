//! A trial for tests: a program that does what a training does, in milliseconds, and misbehaves when it is told to.
//!
//! It depends on nothing but `std`, so that `rustc` alone makes a static program of it. Called `sh`, it is the smallest shell
//! that the stories of `tests/simulation` need.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what the program is for")]

#[path = "../curve.rs"]
mod curve;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::time::Duration;

/// What is asked of the program: `--name=value` on the command line.
struct Flags(BTreeMap<String, String>);

impl Flags {
    fn read() -> Self {
        let pairs = std::env::args().skip(1).filter_map(|argument| {
            let (name, value) = argument.strip_prefix("--")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Self(pairs.collect())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }
}

/// How the program misbehaves. A parameter named `mode` decides, else the flag.
fn mode(flags: &Flags) -> String {
    let only = flags.text("only-trial").is_none_or(|numbers| {
        let own = std::env::var("TRIMTAB_TRIAL").unwrap_or_default();
        numbers.split(',').any(|number| number == own)
    });
    let parameter = std::env::var("PARAM_MODE").ok();
    parameter.or_else(|| flags.text("mode").filter(|_| only).map(str::to_owned)).unwrap_or_else(|| "good".to_owned())
}

/// Names and texts of the parameters, from their variables.
fn parameters() -> Vec<(String, String)> {
    let variables = std::env::vars();
    variables.filter_map(|(name, value)| Some((name.strip_prefix("PARAM_")?.to_ascii_lowercase(), value))).collect()
}

fn number_of(variable: &str) -> Option<u32> {
    std::env::var(variable).ok()?.parse().ok()
}

fn folder_of(variable: &str) -> Option<PathBuf> {
    std::env::var(variable).ok().filter(|text| !text.is_empty()).map(PathBuf::from)
}

/// The epoch that a folder's checkpoint is of.
fn checkpoint_in(folder: &Path) -> Option<u32> {
    std::fs::read_to_string(folder.join("epoch")).ok()?.trim().parse().ok()
}

/// Replaces the checkpoint by a complete one.
fn save(folder: &Path, epoch: u32) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("epoch.new"), epoch.to_string())?;
    std::fs::rename(folder.join("epoch.new"), folder.join("epoch"))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads on when the pod is being taken away, and that is no reason to complain.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Prints 100 MB that mean nothing, in lines of a kilobyte.
fn flood() {
    let line = "nothing worth reading ".repeat(48);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for _ in 0..100_000 {
        let _ = writeln!(out, "{line}");
    }
    let _ = out.flush();
}

/// Spends its time talking, as trainings do that print every step.
fn chat(pace: Duration) {
    let begun = std::time::Instant::now();
    while begun.elapsed() < pace {
        say("another step, and nothing to report");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Takes memory until the kernel takes the program.
fn devour() -> ! {
    let mut held = Vec::new();
    loop {
        // Pages count when they are written.
        held.push(vec![1_u8; 8 << 20]);
        std::hint::black_box(&held);
    }
}

fn main() {
    if std::env::args().next().is_some_and(|name| name.ends_with("sh")) {
        signals::end_with(143);
        shell();
        return;
    }
    let flags = Flags::read();
    let mode = mode(&flags);
    match mode.as_str() {
        "deaf" => signals::ignore(),
        // A program that stops in order when it is told to, and thinks that this is a success.
        "polite" => signals::end_with(0),
        _ => signals::end_with(143),
    }
    let at = u32::try_from(flags.number("at", 1)).unwrap_or(1);
    let pace = Duration::from_millis(flags.number("pace-ms", 20));
    let own = folder_of("TRIMTAB_CHECKPOINT");
    let found = own.as_deref().and_then(checkpoint_in).or_else(|| folder_of("TRIMTAB_RESUME").as_deref().and_then(checkpoint_in));
    let begin = found.filter(|_| mode != "forgetful").unwrap_or(0);
    let end = match mode.as_str() {
        // Deaf to its level as well: it goes on to the end and beyond.
        "overrun" => u32::MAX,
        _ => number_of("TRIMTAB_FIDELITY").unwrap_or(1),
    };
    say(&format!("# begins after epoch {begin}, ends at {end}, mode {mode}"));
    let parameters = parameters();
    for epoch in begin + 1..=end {
        if mode == "chatty" { chat(pace) } else { std::thread::sleep(pace) }
        if epoch >= at {
            match mode.as_str() {
                "exit" => {
                    eprintln!("told to fail at epoch {epoch}");
                    exit(i32::try_from(flags.number("exit-code", 3)).unwrap_or(3));
                }
                "memory" => devour(),
                "hang" => hang(),
                "converge" if epoch > at => return,
                "flood" if epoch == at => flood(),
                _ => {}
            }
        }
        if let Some(folder) = &own
            && let Err(error) = save(folder, epoch)
        {
            eprintln!("{}: {error}", folder.display());
            exit(1);
        }
        let value = match mode.as_str() {
            "nan" => f64::NAN,
            "nan-at" if epoch == at => f64::NAN,
            _ => curve::value(&parameters, epoch),
        };
        match mode.as_str() {
            "silent" => say(&format!("working on {epoch}")),
            _ => say(&format!("epoch={epoch} val={value:?} loss={:?}", 1.0 / f64::from(epoch))),
        }
    }
}

/// Runs `sh -c "echo words; sleep seconds; exit code"`.
fn shell() {
    let script = std::env::args().nth(2).unwrap_or_default();
    for command in script.split(';').map(str::trim) {
        match command.split_once(' ').unwrap_or((command, "")) {
            ("echo", words) => say(words),
            ("sleep", seconds) => std::thread::sleep(Duration::from_secs(seconds.parse().unwrap_or(0))),
            ("exit", code) => exit(code.parse().unwrap_or(1)),
            ("", _) => {}
            (other, _) => {
                eprintln!("no such command: {other}");
                exit(127);
            }
        }
    }
}

/// What a first process of a container must see to itself: the kernel gives it no signal that it has no handler for.
#[expect(unsafe_code, reason = "`std` has no signals, and a static program of `std` alone is what makes this one quick to build")]
mod signals {
    use std::sync::atomic::{AtomicI32, Ordering};

    const SIGTERM: i32 = 15;
    const IGNORE: usize = 1;
    static CODE: AtomicI32 = AtomicI32::new(143);

    unsafe extern "C" {
        fn signal(number: i32, handler: usize) -> usize;
        fn _exit(code: i32) -> !;
    }

    extern "C" fn ended(_: i32) {
        // SAFETY: `_exit` may be called from a signal handler, and does not return.
        unsafe { _exit(CODE.load(Ordering::Relaxed)) }
    }

    pub(super) fn end_with(code: i32) {
        CODE.store(code, Ordering::Relaxed);
        let handler: extern "C" fn(i32) = ended;
        // SAFETY: the handler has the type that the C library calls.
        unsafe { signal(SIGTERM, handler as usize) };
    }

    pub(super) fn ignore() {
        // SAFETY: 1 is `SIG_IGN` on every system that this runs on.
        unsafe { signal(SIGTERM, IGNORE) };
    }
}
