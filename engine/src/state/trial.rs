//! One trial, as far as the history tells of it.

use std::borrow::Cow;

use crate::history::{Gradient, Note, Origin, Others, Outcome, Reason, TrialNumber, Values};
use crate::number::BEYOND;
use crate::plan::{Plan, Scheduler};
use crate::schedulers;
use crate::space::Assignment;

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
    pub(super) rests: u64,
    /// The levels that it was ever sent to, as bits.
    pub(super) targets: u64,
}

impl Trial<'_> {
    pub(super) fn into_owned(self) -> Trial<'static> {
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
    pub(super) fn best(&self, plan: &Plan) -> Option<u64> {
        self.values.iter().filter_map(|shown| plan.standing(shown)).filter(|standing| *standing < BEYOND).min()
    }
}
