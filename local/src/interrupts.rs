//! Ctrl-C and its relatives: once ends a session in order, twice at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Counts SIGINT, SIGTERM and SIGHUP from now on, instead of being ended by them.
///
/// # Errors
/// When the system refuses to tell.
pub fn count() -> io::Result<Arc<AtomicU32>> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let count = Arc::new(AtomicU32::new(0));
    let told = Arc::clone(&count);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            told.fetch_add(1, Ordering::Relaxed);
        }
    });
    Ok(count)
}
