//! The state of a study: a fold over its history.
//!
//! Nothing in a history can make the fold fail: what makes no sense in it is passed over. Sums and orders that decisions
//! ask for are kept up to date as the fold goes, so that a decision costs little more than what changed.

mod evidence;
mod holes;
mod trial;

use std::borrow::Cow;
use std::collections::BTreeSet;

pub(crate) use holes::hole_bounds;
pub use trial::{Shown, Trial};

use crate::history::{Action, Gradient, History, Note, Outcome, Reason, ResultKind, TrialResult};
use crate::imported::{Imported, MAX_IMPORTED};
use crate::plan::Plan;
use crate::samplers;
use crate::schedulers::Memo;
use crate::space::Assignment;

/// The most trials that a study can have. It bounds what a damaged record can make the engine build.
pub const MAX_TRIALS: u32 = 200_000;

/// A study's state.
#[derive(Clone, Debug)]
pub struct State<'h> {
    trials: Vec<Trial<'h>>,
    /// Those of an earlier study, in their order.
    imported: Vec<Trial<'h>>,
    memo: Memo,
    sampling: samplers::Memo,
    start_points: samplers::StartMemory,
    fits: samplers::Fits,
    active: u32,
    committed: u128,
    failed: u32,
    /// Each eligible trial's best standing at any level.
    ranked: BTreeSet<(u64, u32)>,
    /// The numbers of the configurations that exist, where the plan can number them.
    taken: BTreeSet<u64>,
    admitted: Vec<TrialResult>,
    active_seconds: u64,
    resource_hours: Vec<(String, f64)>,
    batch: u64,
}

impl<'h> State<'h> {
    /// The state before its first batch of a study that imports nothing.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self::begin(plan, &[])
    }

    /// The state of a study before its first batch, with the trials that it begins with.
    #[must_use]
    pub fn begin(plan: &Plan, imported: &'h [Imported]) -> Self {
        let fitting = imported.iter().filter(|imported| imported.fits(plan)).take(MAX_IMPORTED);
        let imported: Vec<Trial<'h>> = fitting.map(|imported| Trial::imported(plan, imported)).collect();
        let mut sampling = samplers::Memo::new(plan);
        for (place, trial) in (0..).zip(&imported) {
            sampling.started(plan, place, trial);
        }
        Self {
            trials: Vec::new(),
            imported,
            memo: Memo::new(plan),
            sampling,
            start_points: samplers::StartMemory::default(),
            fits: samplers::Fits::default(),
            active: 0,
            committed: 0,
            failed: 0,
            ranked: BTreeSet::new(),
            taken: BTreeSet::new(),
            admitted: Vec::new(),
            active_seconds: 0,
            resource_hours: Vec::new(),
            batch: 0,
        }
    }

    /// Folds a history, its open results included.
    #[must_use]
    pub fn fold(plan: &Plan, history: &'h History) -> Self {
        let mut state = Self::replay(plan, history, history.batches.len());
        state.admitted = state.admit(plan, &history.open);
        state.active_seconds = history.active_seconds;
        state.resource_hours.clone_from(&history.resource_hours);
        state
    }

    /// Folds the first batches of a history, with the holes among and directly behind their starts.
    pub(crate) fn replay(plan: &Plan, history: &'h History, count: usize) -> Self {
        let mut state = Self::begin(plan, &history.imported);
        let mut bounds = hole_bounds(history).into_iter();
        state.fill_holes(plan, bounds.next().unwrap_or(0));
        for batch in history.batches.iter().take(count) {
            state.admit(plan, &batch.admitted);
            state.batch = batch.number;
            for action in &batch.actions {
                state.record(plan, action);
                if matches!(action, Action::Start { .. }) {
                    state.fill_holes(plan, bounds.next().unwrap_or(0));
                }
            }
        }
        state
    }

    /// The trials by number; holes are among them.
    #[must_use]
    pub fn trials(&self) -> &[Trial<'h>] {
        &self.trials
    }

    /// The trial of this number.
    #[must_use]
    pub fn trial(&self, number: u32) -> Option<&Trial<'h>> {
        self.trials.get(number as usize)
    }

    /// The number of the next trial.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        u32::try_from(self.trials.len()).unwrap_or(u32::MAX)
    }

    /// How many trials hold a slot.
    #[must_use]
    pub fn active(&self) -> u32 {
        self.active
    }

    /// Fidelity units that were paid or are being paid.
    #[must_use]
    pub fn committed(&self) -> u128 {
        self.committed
    }

    /// How many trials failed or were lost.
    #[must_use]
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// The open results that count as evidence, in the order of their keys.
    #[must_use]
    pub fn admitted(&self) -> &[TrialResult] {
        &self.admitted
    }

    /// Seconds that the study has been active.
    #[must_use]
    pub fn active_seconds(&self) -> u64 {
        self.active_seconds
    }

    /// Whether as much of a resource has been used as the study may.
    pub(crate) fn has_used_up(&self, plan: &Plan) -> bool {
        let used =
            |name: &String| self.resource_hours.iter().filter(|(of, _)| of == name).map(|(_, hours)| hours).sum();
        plan.settings().limits.resource_hours.iter().any(|(name, hours)| *hours <= used(name))
    }

    pub(crate) fn memo(&self) -> &Memo {
        &self.memo
    }

    pub(crate) fn sampling(&self) -> &samplers::Memo {
        &self.sampling
    }

    pub(crate) fn start_points(&self) -> &samplers::StartMemory {
        &self.start_points
    }

    pub(crate) fn fits(&self) -> &samplers::Fits {
        &self.fits
    }

    pub(crate) fn taken(&self) -> &BTreeSet<u64> {
        &self.taken
    }

    /// The best standing of any eligible trial at any level where it keeps the bounds.
    pub(crate) fn best_of_all(&self) -> Option<u64> {
        self.ranked.first().map(|&(key, _)| key)
    }

    /// Takes results as evidence, in the order of their keys; returns those that told something new.
    pub(crate) fn admit(&mut self, plan: &Plan, results: &[TrialResult]) -> Vec<TrialResult> {
        let mut sorted: Vec<&TrialResult> = results.iter().collect();
        // Two results with one key and different contents are ordered by content, so that their order of arrival is nothing.
        sorted.sort_by(|a, b| a.key().cmp(&b.key()).then_with(|| contents(a).cmp(contents(b))));
        sorted.into_iter().filter(|result| self.learn(plan, result)).cloned().collect()
    }

    fn learn(&mut self, plan: &Plan, result: &TrialResult) -> bool {
        let number = result.number.0;
        let Some(trial) = self.trial(number).filter(|trial| trial.ended.is_none()) else { return false };
        let is_new = match result.kind {
            ResultKind::Observed { level, .. } => level < plan.levels().len() && trial.values_at(level).is_none(),
            ResultKind::Rested { level, .. } => level < plan.levels().len() && trial.rests >> level & 1 == 0,
            ResultKind::Ended { .. } => true,
        };
        if !is_new {
            return false;
        }
        self.change(plan, number, |trial| match result.kind {
            ResultKind::Observed { level, values, ref others } => {
                let at = trial.values.partition_point(|below| below.level < level);
                trial.values.insert(at, Shown { level, values, others: others.clone() });
            }
            ResultKind::Rested { level, spent, ref gradient } => {
                trial.rests |= 1 << level;
                trial.rested = trial.rested.max(Some(level));
                if level == plan.top_level() {
                    trial.gradient.clone_from(gradient);
                }
                trial.spent = trial.spent.max(spent);
            }
            ResultKind::Ended { outcome, spent } => {
                trial.ended = Some(outcome);
                trial.spent = trial.spent.max(spent);
            }
        });
        true
    }

    /// Applies an action that was just decided.
    pub fn apply(&mut self, plan: &Plan, action: &Action) {
        match action {
            Action::Start { parameters, sampler, note, .. } => {
                let said = (Cow::Owned(sampler.clone()), Cow::Owned(note.clone()));
                self.start(plan, action, Cow::Owned(parameters.clone()), said);
            }
            _ => self.steer(plan, action),
        }
    }

    /// Applies an action of the log.
    pub(crate) fn record(&mut self, plan: &Plan, action: &'h Action) {
        match action {
            Action::Start { parameters, sampler, note, .. } => {
                let said = (Cow::Borrowed(sampler.as_str()), Cow::Borrowed(note));
                self.start(plan, action, Cow::Borrowed(parameters), said);
            }
            _ => self.steer(plan, action),
        }
    }

    /// The next batch is decided now.
    pub(crate) fn begin_batch(&mut self, active_seconds: u64) {
        self.batch += 1;
        self.active_seconds = active_seconds;
    }

    pub(crate) fn set_batch(&mut self, batch: u64) {
        self.batch = batch;
    }

    pub(crate) fn set_active_seconds(&mut self, seconds: u64) {
        self.active_seconds = seconds;
    }

    /// What has been used of resources by now: see [`History::resource_hours`].
    pub fn set_resource_hours(&mut self, hours: &[(String, f64)]) {
        hours.clone_into(&mut self.resource_hours);
    }

    /// The same state without the log that it was folded from.
    #[must_use]
    pub fn into_owned(self) -> State<'static> {
        let Self {
            trials, imported, memo, sampling, start_points, fits, active, committed, failed, ranked, taken, ..
        } = self;
        let Self { admitted, active_seconds, resource_hours, batch, .. } = self;
        State {
            trials: trials.into_iter().map(Trial::into_owned).collect(),
            imported: imported.into_iter().map(Trial::into_owned).collect(),
            memo,
            sampling,
            start_points,
            fits,
            active,
            committed,
            failed,
            ranked,
            taken,
            admitted,
            active_seconds,
            resource_hours,
            batch,
        }
    }

    fn start(
        &mut self,
        plan: &Plan,
        action: &Action,
        parameters: Cow<'h, Assignment>,
        (sampler, note): (Cow<'h, str>, Cow<'h, Note>),
    ) {
        let Action::Start { number, bracket, level, from, .. } = *action else { return };
        // A number that is taken or out of bounds starts nothing.
        if number.0 < self.next_number() || number.0 >= MAX_TRIALS {
            return;
        }
        self.fill_holes(plan, number.0);
        if let Some(point) = plan.enumeration.as_ref().and_then(|all| all.number_of(&parameters)) {
            self.taken.insert(point);
        }
        let target = level.min(plan.top_level());
        // A copy is where its donor was: what it pays begins there.
        let rested = from.map(|from| from.level).filter(|level| *level < target);
        self.push(
            plan,
            Trial {
                number,
                parameters: Some(parameters),
                sampler,
                note,
                bracket,
                from,
                target,
                cleared: None,
                audited: false,
                values: Vec::new(),
                rested,
                gradient: Gradient::default(),
                spent: 0,
                stop: None,
                ended: None,
                batch: self.batch,
                rests: 0,
                targets: 1 << target,
            },
        );
    }

    fn push(&mut self, plan: &Plan, trial: Trial<'h>) {
        self.active += u32::from(trial.is_active());
        self.committed += u128::from(trial.committed(plan));
        self.memo.started(plan, &trial);
        self.sampling.started(plan, self.place(trial.number.0), &trial);
        self.start_points.started(plan, &trial);
        self.trials.push(trial);
    }

    fn steer(&mut self, plan: &Plan, action: &Action) {
        let number = action.number().0;
        // What has ended or is about to is never touched again.
        let trial = self.trials.get(number as usize);
        let Some(trial) = trial.filter(|t| t.ended.is_none() && t.stop.is_none()) else { return };
        match *action {
            Action::Stop { reason, .. } => {
                self.memo.stopping(plan, trial, reason);
                self.change(plan, number, |trial| {
                    // A resting trial has nothing left to end.
                    if !trial.is_active() {
                        trial.ended = Some(Outcome::Stopped);
                    }
                    trial.stop = Some(reason);
                });
            }
            Action::Continue { level, cleared, reason, .. } => {
                let (level, cleared) = (level.min(plan.top_level()), cleared.min(plan.top_level()));
                self.memo.continuing(plan, trial, cleared, reason);
                self.change(plan, number, |trial| {
                    trial.raise(level, cleared);
                    trial.audited = reason == Reason::Audited;
                });
            }
            Action::Start { .. } => {}
        }
    }

    /// Changes a trial and everything that is counted from it.
    fn change(&mut self, plan: &Plan, number: u32, change: impl FnOnce(&mut Trial<'h>)) {
        let place = self.place(number);
        let Some(trial) = self.trials.get_mut(number as usize) else { return };
        self.active -= u32::from(trial.is_active());
        self.committed -= u128::from(trial.committed(plan));
        let best = trial.best(plan).filter(|_| trial.is_eligible());
        self.memo.leave(plan, trial);
        let had_ended = trial.ended.is_some();
        change(trial);
        self.memo.enter(plan, trial);
        self.sampling.learned(plan, place, trial);
        let now = trial.best(plan).filter(|_| trial.is_eligible());
        if best != now {
            best.map(|key| self.ranked.remove(&(key, number)));
            now.map(|key| self.ranked.insert((key, number)));
        }
        let failed = !had_ended && matches!(trial.ended, Some(Outcome::Failed | Outcome::Lost));
        self.failed += u32::from(failed);
        self.active += u32::from(trial.is_active());
        self.committed += u128::from(trial.committed(plan));
    }
}

/// A result's contents in an order of their own.
fn contents(result: &TrialResult) -> impl Iterator<Item = u64> {
    let (of_kind, others) = match &result.kind {
        ResultKind::Observed { values, others, .. } => {
            let of_first = [values.last, values.best, values.mean].map(f64::to_bits);
            (vec![of_first[0], of_first[1], of_first[2], u64::from(values.count)], others.0.as_slice())
        }
        ResultKind::Rested { spent, gradient, .. } => (vec![*spent], gradient.0.as_slice()),
        ResultKind::Ended { outcome, spent } => (vec![*outcome as u64, *spent], &[][..]),
    };
    of_kind.into_iter().chain(others.iter().map(|value| value.to_bits()))
}

#[cfg(test)]
mod tests;
