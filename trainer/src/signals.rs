//! SIGTERM and SIGINT: the run stops in order, and in time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long the run may take to stop by itself. A batch takes milliseconds; what takes longer (reading the data, a slow
/// volume) is abandoned, which is safe because a checkpoint is only ever replaced by a complete one.
const PATIENCE: Duration = Duration::from_millis(600);

/// Says whether a signal asked the run to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicI32>);

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
                thread::spawn(move || {
                    thread::sleep(PATIENCE);
                    std::process::exit(128 + signal);
                });
            }
        })?;
        Ok(stop)
    }

    /// Asks the run to stop, as `signal` would.
    pub fn request(&self, signal: i32) {
        self.0.store(signal, Ordering::Relaxed);
    }

    /// The signal that asked the run to stop, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
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
