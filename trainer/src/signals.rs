//! SIGTERM and SIGINT: the run stops in order, and in time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long the run may take to stop by itself. A batch takes milliseconds; what takes longer (reading the data, a very large
/// batch) is abandoned, which is safe because a checkpoint is only ever replaced by a complete one.
const PATIENCE: Duration = Duration::from_millis(600);
/// How much longer it may take to end a checkpoint that it is writing: on a slow volume that is worth waiting for, and a pod has 30 s.
const WRITING: Duration = Duration::from_secs(10);
/// How often it is looked whether it is written.
const LOOK: Duration = Duration::from_millis(20);

/// Says whether a signal asked the run to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    /// The signal, or 0.
    signal: AtomicI32,
    /// After how many more looks it asks by itself; 0 is never.
    looks: AtomicU32,
    /// Whether a checkpoint is being written.
    writing: AtomicBool,
}

impl Stop {
    /// One that watches SIGTERM and SIGINT from now on, and ends the process if the run does not.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let told = stop.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if told.signal().is_some() {
                    // Whoever asks twice means at once.
                    std::process::exit(128 + signal);
                }
                told.request(signal);
                let told = told.clone();
                thread::spawn(move || {
                    thread::sleep(PATIENCE);
                    let mut longer = Duration::ZERO;
                    while longer < WRITING && told.0.writing.load(Ordering::Relaxed) {
                        thread::sleep(LOOK);
                        longer += LOOK;
                    }
                    std::process::exit(128 + signal);
                });
            }
        })?;
        Ok(stop)
    }

    /// One that asks by itself, as SIGTERM would, at the look with this number, counted from 1. Every moment at which a run can stop in
    /// order is a look, so each can be tried.
    #[must_use]
    pub fn at_look(number: u32) -> Self {
        Self(Arc::new(Told { looks: AtomicU32::new(number), ..Told::default() }))
    }

    /// Asks the run to stop, as `signal` would.
    pub fn request(&self, signal: i32) {
        self.0.signal.store(signal, Ordering::Relaxed);
    }

    /// Looks for the signal that asked the run to stop, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        let one_less = |looks: u32| looks.checked_sub(1);
        if self.0.looks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) == Ok(1) {
            self.request(SIGTERM);
        }
        Some(self.0.signal.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// Does `work`, which writes a checkpoint: who was asked to stop may end it.
    pub fn while_writing<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.writing.store(true, Ordering::Relaxed);
        let result = work();
        self.0.writing.store(false, Ordering::Relaxed);
        result
    }
}

/// The name of a signal that is watched.
#[must_use]
pub fn name(signal: i32) -> &'static str {
    match signal {
        SIGTERM => "SIGTERM",
        SIGINT => "SIGINT",
        _ => "a signal",
    }
}
