//! When runs ran, and side by side with which others.

use jiff::Timestamp;
use serde::Serialize;
use trimtab_api::Trial;
use trimtab_api::ending::{Class, class};

/// At most so many runs are drawn: the newest.
const RUNS: usize = 2_000;

/// The runs of a study over time.
#[derive(Debug, Serialize)]
pub(super) struct Slots {
    /// When the first run began.
    origin: Timestamp,
    /// Seconds from there to the end of the last.
    seconds: i64,
    /// How many ran side by side at most.
    lanes: usize,
    /// Seconds of all runs.
    busy: i64,
    /// How many runs there are.
    total: usize,
    runs: Vec<Drawn>,
}

/// A run: trial, run, lane, first second, seconds, and what became of it.
type Drawn = (u32, u32, usize, i64, i64, &'static str);

impl Slots {
    /// The runs with a known beginning; those that still run last until now. `None` without any.
    pub(super) fn new(trials: &[Trial], now: Timestamp) -> Option<Self> {
        let mut runs: Vec<(Timestamp, Timestamp, u32, u32, &'static str)> = Vec::new();
        for trial in trials {
            for run in trial.status.iter().flat_map(|status| &status.runs) {
                let Some(start) = run.start_time.as_ref().map(|time| time.0) else { continue };
                let end = run.end.as_ref().map_or(now, |end| end.time.0).max(start);
                let became = run.end.as_ref().map_or("running", |end| became(class(&end.reason)));
                runs.push((start, end, trial.spec.number, run.number, became));
            }
        }
        runs.sort_unstable();
        let origin = runs.first()?.0;
        let since = |time: Timestamp| time.duration_since(origin).as_secs();
        let mut free_at: Vec<Timestamp> = Vec::new();
        let mut drawn: Vec<Drawn> = Vec::with_capacity(runs.len());
        for (start, end, trial, run, became) in &runs {
            let lane = free_at.iter().position(|free| free <= start).unwrap_or(free_at.len());
            match free_at.get_mut(lane) {
                Some(free) => *free = *end,
                None => free_at.push(*end),
            }
            drawn.push((*trial, *run, lane, since(*start), since(*end) - since(*start), became));
        }
        let seconds = free_at.iter().max().map_or(0, |end| since(*end));
        let (busy, total) = (drawn.iter().map(|run| run.4).sum(), drawn.len());
        let runs = drawn.split_off(total.saturating_sub(RUNS));
        Some(Self { origin, seconds, lanes: free_at.len(), busy, total, runs })
    }
}

fn became(class: Class) -> &'static str {
    match class {
        Class::Good => "good",
        Class::Wanted => "ended",
        Class::Configuration | Class::NeverStarts => "failed",
        Class::Infrastructure => "lost",
    }
}
