//! A study's state that is kept between decisions, so that a decision costs little more than what is new.
//!
//! What it must keep true: each decision is that of [`decide`](crate::decide()) on the same log. Where what is held does not lead
//! there, everything is folded again.

use std::collections::BTreeSet;

use crate::best::{Best, best_of};
use crate::decide::{Decision, decide_on};
use crate::front::{Front, front_of};
use crate::history::{History, ResultKey, TrialResult};
use crate::plan::Plan;
use crate::state::State;

/// A study's state in memory.
#[derive(Clone, Debug)]
pub struct Held {
    state: State<'static>,
    /// The newest batch that the state has; also one that was only just decided.
    batch: u64,
    /// What the state has admitted and no batch has, in the order of the keys: decisions without actions are not written.
    pending: Vec<TrialResult>,
    /// Open results that tell nothing, and never will.
    void: BTreeSet<ResultKey>,
}

impl Held {
    /// The state of a study's batches.
    #[must_use]
    pub fn new(plan: &Plan, history: &History) -> Self {
        let state = State::replay(plan, history, history.batches.len()).into_owned();
        Self { state, batch: newest(history), pending: Vec::new(), void: BTreeSet::new() }
    }

    /// The next batch, as [`decide`](crate::decide()) gives it. Between two calls the history may get new open results, and the
    /// batch of the last decision where that had actions. A study whose trials are deleted, or whose results change, must be
    /// held anew.
    #[must_use]
    pub fn decide(&mut self, plan: &Plan, history: &History) -> Decision {
        let is_new = |result: &&TrialResult| {
            let key = result.key();
            !self.void.contains(&key) && self.pending.binary_search_by_key(&key, TrialResult::key).is_err()
        };
        let mut fresh: Vec<TrialResult> = history.open.iter().filter(is_new).cloned().collect();
        let first = fresh.iter().map(TrialResult::key).min();
        // A log has the results of a batch in the order of their keys, and what was admitted cannot be taken back.
        let is_late = first.zip(self.pending.last()).is_some_and(|(first, last)| first < last.key());
        if newest(history) != self.batch || is_late {
            *self = Self::new(plan, history);
            fresh.clone_from(&history.open);
        }
        let told = self.state.admit(plan, &fresh);
        let is_void = |key: &ResultKey| told.binary_search_by_key(key, TrialResult::key).is_err();
        let known = fresh.iter().filter(|result| self.state.trial(result.number.0).is_some());
        self.void.extend(known.map(TrialResult::key).filter(is_void));
        self.pending.extend(told);
        self.state.set_batch(self.batch + 1);
        self.state.set_active_seconds(history.active_seconds);
        self.state.set_resource_hours(&history.resource_hours);
        let (actions, verdict, more) = decide_on(plan, &mut self.state);
        let admitted = if actions.is_empty() {
            self.pending.clone()
        } else {
            self.batch += 1;
            std::mem::take(&mut self.pending)
        };
        Decision { admitted, actions, verdict, more }
    }

    /// The best trial, by all results that a decision has seen.
    #[must_use]
    pub fn best(&self, plan: &Plan) -> Option<Best> {
        best_of(plan, &self.state)
    }

    /// The front, by all results that a decision has seen.
    #[must_use]
    pub fn front(&self, plan: &Plan, references: &[Option<f64>]) -> Option<Front> {
        front_of(plan, &self.state, references)
    }
}

fn newest(history: &History) -> u64 {
    history.batches.last().map_or(0, |batch| batch.number)
}
