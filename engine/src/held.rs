//! A study's state that is kept between decisions, so that a decision costs little more than what is new.
//!
//! What it must keep true: each decision is that of [`decide`](crate::decide()) on the same log. Where what is held does not lead
//! there, everything is folded again.

use std::collections::BTreeSet;

use crate::best::{Best, best_of};
use crate::decide::{Decision, decide_on};
use crate::front::{Front, front_of};
use crate::history::{Action, History, ResultKey, TrialResult};
use crate::plan::Plan;
use crate::safety::{Safety, safety_of};
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
    /// What was decided last and has not been seen on record yet.
    decided: Option<(Vec<TrialResult>, Vec<Action>)>,
}

impl Held {
    /// The state of a study's batches.
    #[must_use]
    pub fn new(plan: &Plan, history: &History) -> Self {
        let state = State::replay(plan, history, history.batches.len()).into_owned();
        Self { state, batch: newest(history), pending: Vec::new(), void: BTreeSet::new(), decided: None }
    }

    /// Takes in what is new. Between two calls the history may get new open results, and the batch of the last decision where that
    /// had actions; where it got another batch instead, everything is folded again. A study whose trials are deleted, or whose
    /// results change, must be held anew.
    pub fn learn(&mut self, plan: &Plan, history: &History) {
        let is_new = |result: &&TrialResult| {
            let key = result.key();
            !self.void.contains(&key) && self.pending.binary_search_by_key(&key, TrialResult::key).is_err()
        };
        let mut fresh: Vec<TrialResult> = history.open.iter().filter(is_new).cloned().collect();
        let first = fresh.iter().map(TrialResult::key).min();
        // A log has the results of a batch in the order of their keys, and what was admitted cannot be taken back.
        let is_late = first.zip(self.pending.last()).is_some_and(|(first, last)| first < last.key());
        let is_known = newest(history) == self.batch && history.next_number == self.state.next_number();
        if !is_known || is_late || !self.is_on_record(history) {
            *self = Self::new(plan, history);
            fresh.clone_from(&history.open);
        }
        let told = self.state.admit(plan, &fresh);
        let is_void = |key: &ResultKey| told.binary_search_by_key(key, TrialResult::key).is_err();
        let known = fresh.iter().filter(|result| self.state.trial(result.number.0).is_some());
        self.void.extend(known.map(TrialResult::key).filter(is_void));
        self.pending.extend(told);
    }

    /// Whether the newest batch is the one that was decided here.
    fn is_on_record(&mut self, history: &History) -> bool {
        self.decided.take().is_none_or(|(admitted, actions)| {
            history.batches.last().is_some_and(|batch| batch.admitted == admitted && batch.actions == actions)
        })
    }

    /// The next batch, as [`decide()`](crate::decide()) gives it. What is new is [taken in](Self::learn) first.
    #[must_use]
    pub fn decide(&mut self, plan: &Plan, history: &History) -> Decision {
        self.learn(plan, history);
        self.state.set_batch(self.batch + 1);
        self.state.set_active_seconds(history.active_seconds);
        self.state.set_resource_hours(&history.resource_hours);
        let (actions, verdict, more) = decide_on(plan, &mut self.state);
        let admitted = if actions.is_empty() {
            self.pending.clone()
        } else {
            self.batch += 1;
            let admitted = std::mem::take(&mut self.pending);
            self.decided = Some((admitted.clone(), actions.clone()));
            admitted
        };
        Decision { admitted, actions, verdict, more }
    }

    /// The best trial, by all results that were taken in.
    #[must_use]
    pub fn best(&self, plan: &Plan) -> Option<Best> {
        best_of(plan, &self.state)
    }

    /// How well levels agree, by all results that were taken in.
    #[must_use]
    pub fn safety(&self, plan: &Plan) -> Safety {
        safety_of(plan, &self.state)
    }

    /// The front, by all results that were taken in.
    #[must_use]
    pub fn front(&self, plan: &Plan, references: &[Option<f64>]) -> Option<Front> {
        front_of(plan, &self.state, references)
    }
}

fn newest(history: &History) -> u64 {
    history.batches.last().map_or(0, |batch| batch.number)
}
