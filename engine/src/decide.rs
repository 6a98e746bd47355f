//! The decision: what to do next, repeated until there is nothing to do.
//!
//! A continue that finds no free slot, or that the budget cannot pay, waits. Slots are given in order: nobody takes one
//! that an earlier continue could use. Money is not queued for: what cannot be paid now does not hold back what can. But it is
//! planned with: where rungs are synchronous, a bracket is begun beside unfinished ones only if all of them can be paid to their end.

use crate::history::{Action, History, Reason, TrialNumber, TrialResult, Verdict, VerdictReason};
use crate::number::sortable;
use crate::plan::Plan;
use crate::samplers;
use crate::schedulers::Place;
use crate::state::{MAX_TRIALS, State};

/// The most actions that one batch takes.
pub const MAX_ACTIONS: usize = 64;

/// The next step of a study.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// One thing to do.
    Action(Action),
    /// Nothing to do, and what becomes of the study.
    Verdict(Verdict),
}

/// What [`decide`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The open results that count as evidence, in the order of their keys.
    pub admitted: Vec<TrialResult>,
    /// What to do, stops first, then continues, then starts.
    pub actions: Vec<Action>,
    /// What becomes of the study. While there are actions to take it is as of after them.
    pub verdict: Verdict,
    /// Whether deciding again at once, with these actions taken, would give more.
    pub more: bool,
}

/// What keeps a new trial from starting, apart from slots and suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    Exhausted,
    Trials,
    Spending,
}

impl State<'_> {
    /// What keeps a new trial from starting there. Copies are never exhausted: they differ by what they begin from.
    pub(crate) fn hindrance(&self, plan: &Plan, place: &Place) -> Option<Hindrance> {
        let number = self.next_number();
        let fidelity = |level: usize| u64::from(plan.fidelity(level));
        let cost = fidelity(place.level).saturating_sub(place.from.map_or(0, fidelity));
        if place.from.is_none() && samplers::is_exhausted(plan, self, number) {
            Some(Hindrance::Exhausted)
        } else if plan.settings().limits.trials.unwrap_or(MAX_TRIALS).min(MAX_TRIALS) <= number {
            Some(Hindrance::Trials)
        } else if !self.can_pay(plan, cost) {
            Some(Hindrance::Spending)
        } else {
            None
        }
    }

    /// Whether so many units of fidelity more are within the budget.
    pub(crate) fn can_pay(&self, plan: &Plan, cost: u64) -> bool {
        plan.settings().limits.full_trainings.is_none_or(|limit| {
            let budget = u128::from(limit) * u128::from(plan.fidelity(plan.top_level()));
            self.committed().saturating_add(u128::from(cost)) <= budget
        })
    }
}

/// The next action, or the verdict where there is none.
#[must_use]
pub fn next(plan: &Plan, state: &State<'_>) -> Next {
    if let Some(verdict) = verdict_at_once(plan, state) {
        return Next::Verdict(verdict);
    }
    if let Some(stop) = state.memo().stop(plan, state) {
        return Next::Action(stop);
    }
    let settings = plan.settings();
    let has_slot = state.active() < settings.parallelism;
    let passes = state.memo().continues(plan, state);
    let mut is_waiting_for_money = false;
    if !settings.suspend {
        for pass in &passes {
            let Some(trial) = state.trial(pass.number) else { continue };
            let (needs_slot, cost) = trial.price(plan, pass.level);
            let can_pay = state.can_pay(plan, cost);
            is_waiting_for_money |= !can_pay;
            if can_pay
                && (has_slot || !needs_slot)
                && let Some(action) = state.memo().pass(plan, state, pass)
            {
                return Next::Action(action);
            }
        }
        if has_slot && let Some(start) = start(plan, state) {
            return Next::Action(start);
        }
    }
    Next::Verdict(verdict_at_rest(plan, state, is_waiting_for_money))
}

/// Verdicts that hold whatever is still active. They come with no actions: active trials are interrupted and can go on
/// when the limit is raised.
fn verdict_at_once(plan: &Plan, state: &State<'_>) -> Option<Verdict> {
    let settings = plan.settings();
    if settings.limits.failed_trials.is_some_and(|limit| state.failed() > limit) {
        return Some(Verdict::Failed(VerdictReason::TooManyFailedTrials));
    }
    let target = settings.target.filter(|target| !target.is_nan()).map(|t| sortable(plan.spec().objective.orient(t)));
    if target.zip(state.best_of_all()).is_some_and(|(target, best)| best <= target) {
        return Some(Verdict::Complete(VerdictReason::TargetReached));
    }
    let is_over = settings.limits.active_seconds.is_some_and(|limit| state.active_seconds() >= limit);
    if is_over {
        return Some(Verdict::Complete(VerdictReason::ActiveSecondsReached));
    }
    state.has_used_up(plan).then_some(Verdict::Complete(VerdictReason::ResourceHoursReached))
}

fn start(plan: &Plan, state: &State<'_>) -> Option<Action> {
    let place = state.memo().place(plan)?;
    if state.hindrance(plan, &place).is_some() || state.memo().holds_back(plan, state, &place) {
        return None;
    }
    let number = state.next_number();
    let from = state.memo().copying(plan, number).map(|copying| copying.from);
    let proposal = samplers::propose(plan, state, number)?;
    Some(Action::Start {
        number: TrialNumber(number),
        parameters: proposal.assignment,
        bracket: place.bracket,
        level: place.level,
        sampler: proposal.sampler.to_owned(),
        note: proposal.note,
        from,
        reason: Reason::NewTrial,
    })
}

/// The verdict when there is nothing to do.
fn verdict_at_rest(plan: &Plan, state: &State<'_>, is_waiting_for_money: bool) -> Verdict {
    if state.active() > 0 || plan.settings().suspend {
        return Verdict::Running;
    }
    let hindrance = state.memo().place(plan).map(|place| state.hindrance(plan, &place));
    let reason = match hindrance {
        _ if is_waiting_for_money => VerdictReason::FullTrainingsReached,
        None => VerdictReason::BracketsDone,
        Some(Some(Hindrance::Exhausted)) if samplers::gave_up(plan, state) => VerdictReason::NoFeasibleConfiguration,
        Some(Some(Hindrance::Exhausted)) => VerdictReason::SpaceExhausted,
        Some(Some(Hindrance::Trials)) => VerdictReason::TrialsReached,
        Some(Some(Hindrance::Spending)) => VerdictReason::FullTrainingsReached,
        // Only settings that no validation passed, such as no slots at all, leave something to do and nothing done.
        Some(None) => return Verdict::Running,
    };
    if state.best_of_all().is_none() {
        // Without a single trial, that none was found is the whole story.
        let is_empty = state.next_number() == 0 && reason == VerdictReason::NoFeasibleConfiguration;
        return Verdict::Failed(if is_empty { reason } else { VerdictReason::NoUsableTrial });
    }
    Verdict::Complete(reason)
}

/// The next batch.
#[must_use]
pub fn decide(plan: &Plan, history: &History) -> Decision {
    let mut state = State::fold(plan, history);
    let admitted = state.admitted().to_vec();
    state.set_batch(history.batches.last().map_or(0, |batch| batch.number) + 1);
    let (actions, verdict, more) = decide_on(plan, &mut state);
    Decision { admitted, actions, verdict, more }
}

/// The next batch of a study whose state is held in memory: what [`decide()`] says of its log, at the price of what is new.
///
/// The results are admitted and the actions applied, so a state must be given up when its batch is not written; and
/// also when a trial was deleted, because a fold puts holes where they belong and a state in hand cannot.
#[must_use]
pub fn advance(plan: &Plan, state: &mut State<'_>, open: &[TrialResult], active_seconds: u64) -> Decision {
    let admitted = state.admit(plan, open);
    state.begin_batch(active_seconds);
    let (actions, verdict, more) = decide_on(plan, state);
    Decision { admitted, actions, verdict, more }
}

/// Repeats [`next`], applying each action to the state. A batch ends where a kind of action would come back that it is
/// already past, such as a stop that a continue made possible; the next batch begins with it.
pub(crate) fn decide_on(plan: &Plan, state: &mut State<'_>) -> (Vec<Action>, Verdict, bool) {
    let mut actions: Vec<Action> = Vec::new();
    loop {
        let action = match next(plan, state) {
            Next::Verdict(verdict) => return (actions, verdict, false),
            Next::Action(action) => action,
        };
        let goes_back = actions.last().is_some_and(|last| order(&action) < order(last));
        if goes_back || actions.len() == MAX_ACTIONS {
            return (actions, Verdict::Running, true);
        }
        state.apply(plan, &action);
        actions.push(action);
    }
}

fn order(action: &Action) -> u8 {
    match action {
        Action::Stop { .. } => 0,
        Action::Continue { .. } => 1,
        Action::Start { .. } => 2,
    }
}

#[cfg(test)]
mod tests;
