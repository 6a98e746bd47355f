//! The state of a study: a fold over its history.
//!
//! Nothing in a history can make the fold fail: what makes no sense in it is passed over. Sums and orders that decisions
//! ask for are kept up to date as the fold goes, so that a decision costs little more than what changed.

mod evidence;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::history::{
    Action, Gradient, History, Note, Origin, Others, Outcome, Reason, ResultKind, TrialNumber, TrialResult, Values,
};
use crate::imported::{Imported, MAX_IMPORTED};
use crate::number::BEYOND;
use crate::plan::{Plan, Scheduler};
use crate::samplers;
use crate::schedulers::{self, Memo};
use crate::space::Assignment;

/// The most trials that a study can have. It bounds what a damaged record can make the engine build.
pub const MAX_TRIALS: u32 = 200_000;

/// What a trial has shown up to a level.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The level's index.
    pub level: usize,
    /// What it reported of the first objective.
    pub values: Values,
    /// What it reported of the other metrics that decide.
    pub others: Others,
}

/// What the history says of one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial<'h> {
    /// Its number.
    pub number: TrialNumber,
    /// Its configuration; absent for a hole.
    pub parameters: Option<Cow<'h, Assignment>>,
    /// The name of the sampler that was asked for it; empty for a hole.
    pub sampler: Cow<'h, str>,
    /// What the sampler said of it.
    pub note: Cow<'h, Note>,
    /// The bracket's running counter.
    pub bracket: u32,
    /// What it is a copy of; absent where it began from zero.
    pub from: Option<Origin>,
    /// The level's index that it may run to.
    pub target: usize,
    /// The level's index of the highest rung that it passed.
    pub cleared: Option<usize>,
    /// Whether it goes on although the rung that it cleared last was lost: nothing judges it any more.
    pub audited: bool,
    /// Values at levels, by rising level.
    pub values: Vec<Shown>,
    /// The highest level at which a run ended in order; of a copy at least the one that it begins from.
    pub rested: Option<usize>,
    /// The gradient that it reported, once it rests at the highest level.
    pub gradient: Gradient,
    /// Fidelity units paid so far, by its newest result.
    pub spent: u64,
    /// Why it is to stop.
    pub stop: Option<Reason>,
    /// How it ended.
    pub ended: Option<Outcome>,
    /// The batch that started it; 0 for a hole.
    pub batch: u64,
    /// The levels at which it rested, as bits.
    rests: u64,
    /// The levels that it was ever sent to, as bits.
    targets: u64,
}

impl Trial<'_> {
    fn into_owned(self) -> Trial<'static> {
        let Self { number, parameters, sampler, note, bracket, from, target, cleared, values, rested, spent, .. } =
            self;
        let Self { audited, gradient, stop, ended, batch, rests, targets, .. } = self;
        let parameters = parameters.map(|parameters| Cow::Owned(parameters.into_owned()));
        let (sampler, note) = (Cow::Owned(sampler.into_owned()), Cow::Owned(note.into_owned()));
        Trial {
            number,
            parameters,
            sampler,
            note,
            bracket,
            from,
            target,
            cleared,
            audited,
            values,
            rested,
            gradient,
            spent,
            stop,
            ended,
            batch,
            rests,
            targets,
        }
    }

    /// Whether it holds a slot: it was started, has not ended, and has not come to rest at its target. A trial that was
    /// stopped while it ran holds its slot until its end is admitted.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_active_towards(self.target)
    }

    fn is_active_towards(&self, target: usize) -> bool {
        self.ended.is_none() && (self.stop.is_some() || self.rested.is_none_or(|rested| rested < target))
    }

    /// Whether its values can win: it has not failed, been lost or been removed.
    #[must_use]
    pub fn is_eligible(&self) -> bool {
        !matches!(self.ended, Some(Outcome::Failed | Outcome::Lost | Outcome::Removed))
    }

    /// Whether nobody knows its configuration any more, because it was deleted.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.parameters.is_none()
    }

    /// What was reported up to a level.
    #[must_use]
    pub fn values_at(&self, level: usize) -> Option<&Shown> {
        self.values.binary_search_by_key(&level, |shown| shown.level).ok().and_then(|i| self.values.get(i))
    }

    /// What was reported up to a level, once a rung there may judge it: where a run ends at its rung, when it has ended. So a
    /// decision does not depend on whether a run's last value or its end became known first.
    pub(crate) fn arrived_at(&self, plan: &Plan, level: usize) -> Option<&Shown> {
        self.values_at(level).filter(|_| plan.runs_through() || self.rested >= Some(level))
    }

    /// Whether a run of its own ended in order at this level.
    pub(crate) fn has_rested_at(&self, level: usize) -> bool {
        level < 64 && self.rests >> level & 1 == 1
    }

    /// The rung of its bracket on which it began: the lowest, but where DEHB made it for another one, or it is a copy.
    #[must_use]
    pub fn first_rung(&self, plan: &Plan) -> usize {
        match plan.spec().scheduler {
            Scheduler::Dehb { .. } => schedulers::first_rung(plan, self),
            Scheduler::PopulationBased { .. } => schedulers::birth(self).min(plan.top_level()),
            _ => 0,
        }
    }

    /// Its state in one word, for people: `Running`, `Stopping`, `Waiting` (for a rung's judgement or a slot),
    /// `Completed` (it rests at the highest level), or how it ended.
    #[must_use]
    pub fn word(&self, plan: &Plan) -> &'static str {
        match self.ended {
            Some(Outcome::Failed) => "Failed",
            Some(Outcome::Lost) => "Lost",
            Some(Outcome::Stopped) => "Stopped",
            Some(Outcome::Removed) => "Removed",
            None if self.stop.is_some() => "Stopping",
            None if self.is_active() => "Running",
            None if self.rested == Some(plan.top_level()) => "Completed",
            None => "Waiting",
        }
    }

    /// Fidelity units that it has paid or is sent to pay.
    pub(crate) fn committed(&self, plan: &Plan) -> u64 {
        self.committed_to(plan, self.target, self.targets)
    }

    /// What sending it to a level would cost: whether it takes a slot, and how many units more it commits.
    pub(crate) fn price(&self, plan: &Plan, level: usize) -> (bool, u64) {
        let target = self.target.max(level);
        let cost = self.committed_to(plan, target, self.targets | 1 << target).saturating_sub(self.committed(plan));
        (self.is_active_towards(target) && !self.is_active(), cost)
    }

    fn committed_to(&self, plan: &Plan, target: usize, targets: u64) -> u64 {
        if !self.is_active_towards(target) {
            return self.spent;
        }
        let fidelity = |level: usize| u64::from(plan.fidelity(level));
        let owed = if plan.resumes() {
            fidelity(target).saturating_sub(self.rested.map_or(0, fidelity))
        } else {
            // Each target above the last rest is a run of its own from zero.
            let is_owed = |&level: &usize| targets >> level & 1 == 1 && self.rested.is_none_or(|rested| level > rested);
            (0..plan.levels().len()).filter(is_owed).map(fidelity).sum()
        };
        self.spent.saturating_add(owed)
    }

    /// Raises the level that it may run to.
    pub(crate) fn raise(&mut self, level: usize, cleared: usize) {
        self.target = self.target.max(level);
        self.targets |= 1 << self.target;
        self.cleared = self.cleared.max(Some(cleared));
    }

    /// Its best standing at any level, if it keeps the bounds there.
    fn best(&self, plan: &Plan) -> Option<u64> {
        self.values.iter().filter_map(|shown| plan.standing(shown)).filter(|standing| *standing < BEYOND).min()
    }
}

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

    /// Puts a removed trial, in the bracket where the next start would have gone, on each number below this one that
    /// nothing started.
    pub(crate) fn fill_holes(&mut self, plan: &Plan, below: u32) {
        for number in self.next_number()..below.min(MAX_TRIALS) {
            let bracket = self.memo.bracket_of_next(plan);
            self.push(
                plan,
                Trial {
                    number: TrialNumber(number),
                    parameters: None,
                    sampler: Cow::Borrowed(""),
                    note: Cow::Owned(Note::default()),
                    bracket,
                    from: None,
                    target: 0,
                    cleared: None,
                    audited: false,
                    values: Vec::new(),
                    rested: None,
                    gradient: Gradient::default(),
                    spent: 0,
                    stop: None,
                    ended: Some(Outcome::Removed),
                    batch: 0,
                    rests: 0,
                    targets: 0,
                },
            );
        }
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

/// Up to which number there are holes before the first start and behind each.
///
/// Holes belong directly behind the start before them, and not where a later batch happens to end: so their place does not
/// move as the log grows, and a rung that is half judged keeps its members.
pub(crate) fn hole_bounds(history: &History) -> Vec<u32> {
    let mut bounds = vec![history.next_number];
    for action in history.batches.iter().rev().flat_map(|batch| batch.actions.iter().rev()) {
        if let Action::Start { number, .. } = action {
            bounds.push(number.0);
        }
    }
    bounds.reverse();
    bounds
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
