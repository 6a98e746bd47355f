//! Stopping rules: they end a trial early where there is no ladder, with any sampler.
//!
//! A trial that runs is held against the evidence at the highest level for which it has a value, until that is the top.
//! Levels are fixed by the plan, and a level that a trial reported nothing at has what it reported last before it; so
//! sparse and irregular reports are compared like any other. Rules look at completed trials only, never at each other's
//! running ones, so that one stop does not bring about the next. The newest evidence counts: a trial that was good
//! enough when it reported is stopped when others have shown since that it is not.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::brackets::MAX_LEVELS;
use crate::history::{Action, Comparison, Reason, TrialNumber};
use crate::number::{sortable, to_text};
use crate::plan::{FidelityRange, Plan, PlanError, PlanSpec, Scheduler, StoppingRule, at_least, error};
use crate::state::{State, Trial};

/// The most rules that a study may have.
pub(crate) const MAX_RULES: usize = 8;

/// The memo: who has completed, and who runs and has a value.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    completed: BTreeSet<u32>,
    running: BTreeSet<u32>,
    /// What the completed trials demand, by level and rule. Computed when it is asked for, forgotten when one completes.
    demands: Vec<OnceLock<Vec<Option<Demand>>>>,
}

/// What completed trials had at a level, and which of it is good enough.
#[derive(Clone, Debug)]
struct Demand {
    /// The order of each value, the best first.
    orders: Vec<u64>,
    /// How many of them are good enough.
    kept: usize,
    /// The last of those, as it was reported.
    cutoff: f64,
}

/// The levels of a study with stopping rules: as many as there may be, evenly spaced from the lowest on.
pub(crate) fn levels(range: FidelityRange) -> Vec<u32> {
    let spaces = u32::try_from(MAX_LEVELS - 1).unwrap_or(1);
    let step = (range.max - range.min).div_ceil(spaces).max(1);
    let mut levels: Vec<u32> = (0..spaces).map_while(|k| range.min.checked_add(k.checked_mul(step)?)).collect();
    levels.retain(|&level| level < range.max);
    levels.push(range.max);
    levels
}

/// Checks the rules of a study.
pub(crate) fn check(spec: &PlanSpec, errors: &mut Vec<PlanError>) {
    if spec.stopping.is_empty() {
        return;
    }
    let mut wrong = |field: &str, message: String| errors.push(error(field, message));
    if spec.scheduler != Scheduler::None {
        wrong("stopping", "must be left out with a scheduler: its rungs end trials already".to_owned());
    }
    if spec.stopping.len() > MAX_RULES {
        wrong("stopping", format!("must have at most {MAX_RULES} rules (given {})", spec.stopping.len()));
    }
    let Some(range) = spec.fidelity else {
        return wrong("fidelity", "must be given where there are stopping rules".to_owned());
    };
    if range.min >= range.max {
        wrong("fidelity.max", format!("must be above `min` where there are stopping rules (given {})", range.max));
    }
    for (at, rule) in spec.stopping.iter().enumerate() {
        let field = |name: &str| format!("stopping[{at}].{}.{name}", kind(rule));
        if rule.warm_up() >= range.max {
            let most = range.max;
            let message =
                format!("must be below `fidelity.max`, {most}, or nothing is judged (given {})", rule.warm_up());
            errors.push(error(field("warmUp"), message));
        }
        match *rule {
            StoppingRule::Median { trials, .. } => at_least(errors, &field("trials"), Some(u64::from(trials)), 1),
            StoppingRule::Percentile { percent, trials, .. } => {
                if !(1..=99).contains(&percent) {
                    errors.push(error(field("percent"), format!("must be between 1 and 99 (given {percent})")));
                }
                at_least(errors, &field("trials"), Some(u64::from(trials)), 1);
            }
            StoppingRule::Patience { fidelity, delta, .. } => {
                at_least(errors, &field("fidelity"), Some(u64::from(fidelity)), 1);
                if !(delta >= 0.0 && delta.is_finite()) {
                    let given = to_text(delta);
                    errors.push(error(field("delta"), format!("must be a number not below 0 (given {given})")));
                }
            }
            StoppingRule::Threshold { value, .. } => {
                if !value.is_finite() {
                    errors.push(error(field("value"), format!("must be finite (given {})", to_text(value))));
                }
            }
        }
    }
}

fn kind(rule: &StoppingRule) -> &'static str {
    match rule {
        StoppingRule::Median { .. } => "median",
        StoppingRule::Percentile { .. } => "percentile",
        StoppingRule::Patience { .. } => "patience",
        StoppingRule::Threshold { .. } => "threshold",
    }
}

impl StoppingRule {
    fn warm_up(&self) -> u32 {
        match *self {
            Self::Median { warm_up, .. }
            | Self::Percentile { warm_up, .. }
            | Self::Patience { warm_up, .. }
            | Self::Threshold { warm_up, .. } => warm_up,
        }
    }
}

impl Watch {
    pub(super) fn new(plan: &Plan) -> Self {
        let demands = plan.levels().iter().map(|_| OnceLock::new()).collect();
        Self { completed: BTreeSet::new(), running: BTreeSet::new(), demands }
    }

    pub(super) fn enter(&mut self, plan: &Plan, trial: &Trial<'_>) {
        if is_completed(plan, trial) {
            self.completed.insert(trial.number.0);
            self.forget();
        } else if is_watched(plan, trial) {
            self.running.insert(trial.number.0);
        }
    }

    pub(super) fn leave(&mut self, plan: &Plan, trial: &Trial<'_>) {
        if is_completed(plan, trial) {
            self.completed.remove(&trial.number.0);
            self.forget();
        } else {
            self.running.remove(&trial.number.0);
        }
    }

    fn forget(&mut self) {
        self.demands.iter_mut().for_each(|demand| drop(demand.take()));
    }

    pub(super) fn stop(&self, plan: &Plan, state: &State<'_>) -> Option<Action> {
        self.running.iter().find_map(|&number| {
            let trial = state.trial(number)?;
            let (reason, compared) = self.judge(plan, state, trial)?;
            Some(Action::Stop { number: TrialNumber(number), reason, compared: Some(compared) })
        })
    }

    /// Why a trial is to end, and the numbers compared.
    fn judge(&self, plan: &Plan, state: &State<'_>, trial: &Trial<'_>) -> Option<(Reason, Comparison)> {
        let shown = trial.values.last()?;
        let (level, values) = (shown.level, shown.values);
        let objective = &plan.spec().objective;
        let rules = plan.spec().stopping.iter().enumerate();
        rules.filter(|(_, rule)| plan.fidelity(level) >= rule.warm_up()).find_map(|(at, rule)| {
            let found;
            let (value, reason, demand) = match *rule {
                StoppingRule::Median { .. } => {
                    (values.best, Reason::WorseThanMedian, self.demand(plan, state, level, at)?)
                }
                StoppingRule::Percentile { .. } => {
                    (values.best, Reason::WorseThanPercentile, self.demand(plan, state, level, at)?)
                }
                StoppingRule::Patience { fidelity, delta, .. } => {
                    found = patience(plan, trial, level, fidelity, delta)?;
                    (values.best, Reason::NoImprovement, &found)
                }
                StoppingRule::Threshold { value, .. } => {
                    found = Demand { orders: vec![order(plan, value)], kept: 1, cutoff: value };
                    (objective.value(&values), Reason::BeyondThreshold, &found)
                }
            };
            let (own, limit) = (order(plan, value), *demand.orders.get(demand.kept.checked_sub(1)?)?);
            // What only equals the value that patience asks to be beaten is no improvement; elsewhere it is good enough.
            let is_worse = own > limit || (own == limit && reason == Reason::NoImprovement);
            let better = demand.orders.partition_point(|&other| other < own);
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            is_worse.then(|| {
                let reason = if value.is_finite() { reason } else { Reason::NotFinite };
                let rank = count(better.max(demand.kept) + 1);
                let (kept, of) = (count(demand.kept), count(demand.orders.len() + 1));
                (reason, Comparison { level, rank, kept, of, value, cutoff: demand.cutoff, violation: 0.0 })
            })
        })
    }

    /// What a rule that looks at completed trials demands at a level; `None` while too few have completed.
    fn demand(&self, plan: &Plan, state: &State<'_>, level: usize, rule: usize) -> Option<&Demand> {
        let all = self.demands.get(level)?.get_or_init(|| {
            plan.spec().stopping.iter().map(|rule| demanded(plan, state, &self.completed, level, rule)).collect()
        });
        all.get(rule)?.as_ref()
    }
}

fn demanded(
    plan: &Plan,
    state: &State<'_>,
    completed: &BTreeSet<u32>,
    level: usize,
    rule: &StoppingRule,
) -> Option<Demand> {
    let (trials, percent) = match *rule {
        StoppingRule::Median { trials, .. } => (trials, None),
        StoppingRule::Percentile { percent, trials, .. } => (trials, Some(percent)),
        StoppingRule::Patience { .. } | StoppingRule::Threshold { .. } => return None,
    };
    let objective = &plan.spec().objective;
    let values = completed.iter().filter_map(|&number| Some(&state.trial(number)?.values_at(level)?.values));
    let mut found: Vec<(u64, f64)> = values
        .map(|values| if percent.is_some() { objective.value(values) } else { values.mean })
        .map(|value| (order(plan, value), value))
        .collect();
    found.sort_by_key(|&(order, _)| order);
    let kept = match percent {
        None => found.len() / 2 + 1,
        Some(percent) => (found.len() * percent as usize).div_ceil(100).max(1),
    };
    let &(_, cutoff) = found.get(kept - 1).filter(|_| found.len() >= trials as usize)?;
    Some(Demand { orders: found.into_iter().map(|(order, _)| order).collect(), kept, cutoff })
}

/// What the trial itself had when patience began, bettered by `delta`; `None` when it has not run for so long.
fn patience(plan: &Plan, trial: &Trial<'_>, level: usize, fidelity: u32, delta: f64) -> Option<Demand> {
    let objective = &plan.spec().objective;
    let since = plan.fidelity(level).checked_sub(fidelity)?;
    let before =
        trial.values.iter().rev().find(|shown| plan.fidelity(shown.level) <= since).map(|shown| shown.values.best)?;
    let cutoff = objective.orient(objective.orient(before) - delta);
    Some(Demand { orders: vec![order(plan, cutoff)], kept: 1, cutoff })
}

/// A value's order, smaller being better. NaN and both infinities are the worst.
fn order(plan: &Plan, value: f64) -> u64 {
    if value.is_finite() { sortable(plan.spec().objective.orient(value)) } else { u64::MAX }
}

/// Whether a trial was trained in full.
fn is_completed(plan: &Plan, trial: &Trial<'_>) -> bool {
    trial.rested == Some(plan.top_level()) && trial.is_eligible() && trial.stop.is_none()
}

/// Whether a trial runs, has a value, and has something left to save.
fn is_watched(plan: &Plan, trial: &Trial<'_>) -> bool {
    let is_below = trial.values.last().is_some_and(|shown| shown.level < plan.top_level());
    is_below && trial.is_active() && trial.stop.is_none()
}

#[cfg(test)]
#[path = "stopping_tests.rs"]
mod tests;
