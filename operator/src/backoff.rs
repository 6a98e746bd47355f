//! How long to wait after a reconcile that did not come to its end: longer each time in a row, so that neither a server in
//! trouble nor a watch that lags is asked in a tight loop.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::Error;

/// Doublings after which the wait grows no more.
const DOUBLINGS: u32 = 5;

/// Failures in a row by kind, namespace and name. A memo: losing it costs a few attempts.
#[derive(Debug, Default)]
pub struct Backoff(Mutex<BTreeMap<(&'static str, String, String), u32>>);

impl Backoff {
    /// A reconcile failed. Returns how long to wait before the next, unless something changes meanwhile.
    pub fn failed(&self, kind: &'static str, namespace: &str, name: &str, error: &Error) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry((kind, namespace.to_owned(), name.to_owned())).or_default();
        let doublings = (*count).min(DOUBLINGS);
        *count = count.saturating_add(1);
        let first = match error {
            // The watch will bring what changed; this is for the case that it lags, or that it was our own doing.
            Error::Conflict { .. } => Duration::from_millis(200),
            Error::Api { .. } => Duration::from_secs(3),
        };
        first * (1 << doublings)
    }

    /// A reconcile came to its end.
    pub fn succeeded(&self, kind: &'static str, namespace: &str, name: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.is_empty() {
            all.remove(&(kind, namespace.to_owned(), name.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_doubles_up_to_a_bound_and_begins_again_after_a_success() {
        let backoff = Backoff::default();
        let conflict = Error::Conflict { what: String::new() };
        let waits: Vec<u128> = (0..8).map(|_| backoff.failed("Trial", "n", "t", &conflict).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 6400, 6400, 6400]);
        assert_eq!(backoff.failed("Study", "n", "t", &conflict).as_millis(), 200, "each object has its own count");
        backoff.succeeded("Trial", "n", "t");
        assert_eq!(backoff.failed("Trial", "n", "t", &conflict).as_millis(), 200);
    }
}
