//! Threads that work side by side, each on a part of its own.
//!
//! burn divides each operation between the threads of the rayon pool that it runs in, and a batch's matrices are too small to
//! gain by that. Here a batch is divided instead. Each thread is a pool of its own, so that what is computed on it is computed
//! by it alone: the same numbers come out on any number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Threads that work side by side.
#[derive(Debug)]
pub struct Team {
    members: Vec<ThreadPool>,
    /// For what cannot be divided: burn divides it as it can.
    together: Option<ThreadPool>,
}

impl Team {
    /// As many threads as told, at least one.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let pool = |threads: usize| {
            ThreadPoolBuilder::new().num_threads(threads).thread_name(|place| format!("team-{place}")).build()
        };
        let members: Result<Vec<_>, _> = (0..threads.max(1)).map(|_| pool(1)).collect();
        let together = if threads > 1 { Some(pool(threads)?) } else { None };
        Ok(Self { members: members?, together })
    }

    /// The threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.members.len()
    }

    /// Does `work` on the first thread, which takes its share of what is given to the team from there: on a single thread, nothing ever
    /// waits for another.
    pub fn lead<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.members[0].install(work)
    }

    /// Does `work` once for each place below `count`, side by side, and returns what came of it in the places' order.
    pub fn each<T: Send>(&self, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        if count == 1 {
            return vec![self.whole(|| work(0))];
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::with_capacity(count));
        let member = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= count {
                    return;
                }
                let result = work(place);
                results.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
            }
        };
        side_by_side(&self.members[..count.min(self.members.len())], &member);
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Does what is not divided: rayon's operations in it use all threads.
    pub fn whole<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.together {
            Some(pool) => pool.install(work),
            None => self.members[0].install(work),
        }
    }
}

/// Does `work` on each of `members` at once, and returns when all are done.
fn side_by_side(members: &[ThreadPool], work: &(impl Fn() + Sync)) {
    if let Some((first, others)) = members.split_first() {
        first.in_place_scope(|scope| {
            scope.spawn(|_| work());
            side_by_side(others, work);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_places_and_each_thread_is_alone() {
        for threads in [1, 2, 5] {
            let team = Team::new(threads).unwrap();
            for count in [0, 1, 2, 7] {
                let work = || team.each(count, |place| (place, rayon::current_num_threads()));
                let width = if count == 1 { threads } else { 1 };
                let expected: Vec<_> = (0..count).map(|place| (place, width)).collect();
                assert_eq!(work(), expected, "{threads} threads");
                assert_eq!(team.lead(work), expected, "{threads} threads, led by one of them");
            }
        }
    }
}
