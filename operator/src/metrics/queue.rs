//! What waits for a reconcile: the queue itself keeps that to itself, so its requests are noted as they go in and come out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant};

type Requests = BTreeMap<(&'static str, String, String), Instant>;

/// Requests by controller, namespace and name, with the time of the first that was not answered yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<Mutex<Requests>>);

impl Waiting {
    /// A request goes in. One that waits already keeps its time.
    pub(super) fn request(&self, controller: &'static str, namespace: &str, name: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((controller, namespace.to_owned(), name.to_owned())).or_insert_with(Instant::now);
    }

    /// A reconcile begins, or the object is gone: how long it was waited for. Reconciles that the queue asks of itself did not wait.
    pub(super) fn answer(&self, controller: &'static str, namespace: &str, name: &str) -> Option<Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&(controller, namespace.to_owned(), name.to_owned())).map(|since| since.elapsed())
    }

    /// How many wait for a controller, and for how long the oldest has.
    pub(super) fn depth(&self, controller: &str) -> (u32, Duration) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = || all.iter().filter(|((held, ..), _)| *held == controller).map(|(_, since)| *since);
        (u32::try_from(of().count()).unwrap_or(u32::MAX), of().min().map_or(Duration::ZERO, |since| since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_is_counted_once_and_keeps_the_time_of_the_first() {
        let waiting = Waiting::default();
        waiting.request("study", "a", "one");
        tokio::time::advance(Duration::from_secs(2)).await;
        waiting.request("study", "a", "one");
        waiting.request("study", "b", "one");
        waiting.request("trial", "a", "one");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(waiting.depth("study"), (2, Duration::from_secs(3)));
        assert_eq!(waiting.answer("study", "a", "one"), Some(Duration::from_secs(3)));
        assert_eq!(waiting.answer("study", "a", "one"), None);
        assert_eq!(waiting.depth("study"), (1, Duration::from_secs(1)));
    }
}
