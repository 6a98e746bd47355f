//! What decides how far each trial may run. A scheduler is a file here and a line in this file's matches.
//!
//! A scheduler keeps a memo: what it needs of the trials so far, told to it as the fold goes. It answers three questions
//! of a decision: whom to stop, whom to let go on, and where the next trial starts.

mod asha;
mod dehb;
mod fronts;
mod hyperband;
mod ladder;
mod none;
mod population;
pub(crate) mod stopping;
mod successive_halving;

pub(crate) use asha::shared_out;
pub(crate) use dehb::{Breeding, Dehb, first_rung};
pub(crate) use population::{Copying, Population, birth, copies};

use crate::history::{Action, Reason};
use crate::plan::{Plan, Scheduler};
use crate::state::{State, Trial};

/// Where a new trial would start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The bracket's running counter.
    pub(crate) bracket: u32,
    /// The level's index that it may run to.
    pub(crate) level: usize,
    /// The level's index that it begins from, where it is a copy.
    pub(crate) from: Option<usize>,
}

/// A scheduler's memo.
#[derive(Clone, Debug)]
pub(crate) enum Memo {
    /// Nothing to remember.
    None,
    /// Rungs and who is on them.
    Ladder(ladder::Ladder),
    /// Rungs where each trial is judged by itself.
    Asha(asha::Asha),
    /// Rungs, and the subpopulation of each level.
    Dehb(Box<Dehb>),
    /// Generations, and who is in them.
    Population(Population),
    /// Who has completed, and who is watched by stopping rules.
    Stopping(stopping::Watch),
}

impl Memo {
    pub(crate) fn new(plan: &Plan) -> Self {
        match plan.spec().scheduler {
            Scheduler::None if !plan.spec().stopping.is_empty() => Self::Stopping(stopping::Watch::new(plan)),
            Scheduler::None => Self::None,
            Scheduler::SuccessiveHalving { .. } => Self::Ladder(ladder::Ladder::new(successive_halving::RULE)),
            Scheduler::Hyperband { .. } => Self::Ladder(ladder::Ladder::new(hyperband::RULE)),
            Scheduler::Asha { .. } => Self::Asha(asha::Asha::new(plan)),
            Scheduler::Dehb { .. } => Self::Dehb(Box::new(Dehb::new(plan))),
            Scheduler::PopulationBased { .. } => Self::Population(Population::new(plan)),
        }
    }

    /// A trial was started, or a hole was found.
    pub(crate) fn started(&mut self, plan: &Plan, trial: &Trial<'_>) {
        match self {
            Self::None => {}
            Self::Ladder(ladder) => ladder.started(plan, trial),
            Self::Asha(asha) => asha.started(plan, trial),
            Self::Dehb(dehb) => dehb.started(plan, trial),
            Self::Population(population) => population.started(plan, trial),
            Self::Stopping(watch) => watch.enter(plan, trial),
        }
    }

    /// A trial is about to change.
    pub(crate) fn leave(&mut self, plan: &Plan, trial: &Trial<'_>) {
        match self {
            Self::None => {}
            Self::Ladder(ladder) => ladder.leave(plan, trial),
            Self::Asha(asha) => asha.leave(plan, trial),
            Self::Dehb(dehb) => dehb.leave(plan, trial),
            Self::Population(population) => population.leave(plan, trial),
            Self::Stopping(watch) => watch.leave(plan, trial),
        }
    }

    /// A trial has changed.
    pub(crate) fn enter(&mut self, plan: &Plan, trial: &Trial<'_>) {
        match self {
            Self::None => {}
            Self::Ladder(ladder) => ladder.enter(plan, trial),
            Self::Asha(asha) => asha.enter(plan, trial),
            Self::Dehb(dehb) => dehb.enter(plan, trial),
            Self::Population(population) => population.enter(plan, trial),
            Self::Stopping(watch) => watch.enter(plan, trial),
        }
    }

    /// A trial is about to be stopped.
    pub(crate) fn stopping(&mut self, plan: &Plan, trial: &Trial<'_>, reason: Reason) {
        match self {
            Self::None | Self::Asha(_) | Self::Population(_) | Self::Stopping(_) => {}
            Self::Ladder(ladder) => ladder.stopping(plan, trial, reason),
            Self::Dehb(dehb) => dehb.stopping(plan, trial, reason),
        }
    }

    /// A trial is about to be let past this level.
    pub(crate) fn continuing(&mut self, plan: &Plan, trial: &Trial<'_>, cleared: usize, reason: Reason) {
        match self {
            Self::None | Self::Asha(_) | Self::Population(_) | Self::Stopping(_) => {}
            Self::Ladder(ladder) => ladder.continuing(plan, trial, cleared, reason),
            Self::Dehb(dehb) => dehb.continuing(plan, trial, cleared, reason),
        }
    }

    /// The first trial to stop.
    pub(crate) fn stop(&self, plan: &Plan, state: &State<'_>) -> Option<Action> {
        match self {
            Self::None => None,
            Self::Ladder(ladder) => ladder.stop(plan, state),
            Self::Asha(asha) => asha.stop(plan, state),
            Self::Dehb(dehb) => dehb.stop(plan, state),
            Self::Population(population) => population.stop(plan, state),
            Self::Stopping(watch) => watch.stop(plan, state),
        }
    }

    /// The trials that may go on, in order, those that have earned it first; asked for only when nobody is to be stopped.
    pub(crate) fn continues(&self, plan: &Plan, state: &State<'_>) -> Vec<Pass> {
        match self {
            Self::None | Self::Stopping(_) => Vec::new(),
            Self::Ladder(ladder) => ladder.continues(plan, state),
            Self::Asha(asha) => asha.continues(plan, state),
            Self::Dehb(dehb) => dehb.continues(plan, state),
            Self::Population(population) => population.continues(plan, state),
        }
    }

    /// The action that lets a trial pass.
    pub(crate) fn pass(&self, plan: &Plan, state: &State<'_>, pass: &Pass) -> Option<Action> {
        match self {
            Self::None | Self::Stopping(_) => None,
            Self::Ladder(ladder) => ladder.pass(plan, state, pass),
            Self::Asha(asha) => asha.pass(plan, state, pass),
            Self::Dehb(dehb) => dehb.pass(plan, state, pass),
            Self::Population(population) => population.pass(plan, state, pass),
        }
    }

    /// Where the next trial would start; `None` when the scheduler wants no more.
    pub(crate) fn place(&self, plan: &Plan) -> Option<Place> {
        match self {
            Self::None | Self::Stopping(_) => Some(none::place(plan)),
            Self::Ladder(ladder) => ladder.place(plan),
            Self::Asha(asha) => asha.place(plan),
            Self::Dehb(dehb) => dehb.place(plan),
            Self::Population(population) => population.place(plan),
        }
    }

    /// Whether the next trial is to wait although there is a slot for it and it can be paid.
    pub(crate) fn holds_back(&self, plan: &Plan, state: &State<'_>, place: &Place) -> bool {
        match self {
            Self::Ladder(ladder) => ladder.holds_back(plan, state, place),
            Self::Dehb(dehb) => dehb.holds_back(plan, state, place),
            Self::None | Self::Asha(_) | Self::Population(_) | Self::Stopping(_) => false,
        }
    }

    /// The bracket that a removed trial is counted in.
    pub(crate) fn bracket_of_next(&self, plan: &Plan) -> u32 {
        match self {
            Self::None | Self::Stopping(_) => none::place(plan).bracket,
            Self::Ladder(ladder) => ladder.bracket_of_next(plan),
            Self::Asha(asha) => asha.bracket_of_next(plan),
            Self::Dehb(dehb) => dehb.bracket_of_next(plan),
            // There is one population.
            Self::Population(_) => 0,
        }
    }

    /// What the trial of this number is a copy of, if it is the next and is one.
    pub(crate) fn copying(&self, plan: &Plan, number: u32) -> Option<Copying> {
        match self {
            Self::Population(population) => population.copying(plan, number),
            Self::None | Self::Ladder(_) | Self::Asha(_) | Self::Dehb(_) | Self::Stopping(_) => None,
        }
    }
}

/// Whether a bracket that would be begun beside unfinished ones waits, where all of them have still to pay so many units of fidelity.
/// With many workers all of a budget would else go into first rungs before one of them is judged. While nothing runs nobody waits, so
/// that what is left over is spent too. Runs that go on through their rungs have committed all of it when they start.
fn waits_for_others(plan: &Plan, state: &State<'_>, unpaid: u64) -> bool {
    !plan.runs_through() && state.active() > 0 && !state.can_pay(plan, unpaid)
}

/// A trial that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    /// Which trial.
    pub(crate) number: u32,
    /// The level's index that it may now run to.
    pub(crate) level: usize,
    /// The rung's position in its bracket.
    pub(crate) rung: usize,
    /// Why it may: it is among the best, or it is audited.
    pub(crate) reason: Reason,
}

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod tests;
