//! Folds what a trial reported into values at levels.
//!
//! Logs are read more than once: after a crash of the operator, and when a run that was lost prints its epochs again. So
//! folding is idempotent. A report's identity is its metric and fidelity, and the first one counts: a report at or below
//! the newest fidelity of its metric changes nothing.

use std::collections::BTreeMap;

use trimtab_engine::{Goal, Values};

use crate::curve::Curve;
use crate::log::Report;

/// What a trial has reported so far, over all of its runs. Plain values, so that whoever keeps it can write it down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Each metric that was reported.
    pub metrics: BTreeMap<String, Folded>,
}

/// What was reported of a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// The fidelity of the newest report that counted.
    pub fidelity: Option<f64>,
    /// The newest value.
    pub last: f64,
    /// The best finite value in the sense of the goal, or the last where none was finite or there is no goal.
    pub best: f64,
    /// The mean of all values.
    pub mean: f64,
    /// How many values counted.
    pub count: u32,
    /// How many levels, from the lowest, are settled: their values are written, or never will be.
    pub settled: usize,
    /// Whether a report was at fidelity 0: the program counts from 0, and is one unit further than it says.
    pub from_zero: bool,
    /// The newest value that this run reported before any fidelity.
    pub unplaced: Option<f64>,
    /// Whether this run has reported the metric at all, also where that changed nothing.
    pub seen: bool,
    /// The curve for display; kept for metrics with a goal.
    pub curve: Curve,
}

/// A metric's values at a level, to be written once.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// The level's index.
    pub level: usize,
    /// The metric.
    pub metric: String,
    /// What was reported up to the level.
    pub values: Values,
}

/// How a run that ended stands to its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// The objectives have their values at the target.
    AtTarget,
    /// The program ended in order before its target: it has converged, and its values stand for all higher levels too.
    Converged {
        /// The fidelity that it printed last.
        fidelity: f64,
    },
    /// The program ended in order and never said how far it was: its newest value is that of the target.
    WithoutFidelity,
    /// The program ended in order and this run did not report a metric that decides.
    NoMetric,
    /// The program failed. What it reported before stands, and nothing is added.
    Failed,
}

/// What the end of a run adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// How the run stands to its target.
    pub ending: Ending,
    /// Values that follow from the end.
    pub reached: Vec<Reached>,
}

impl Progress {
    /// A run begins: what the last one said without a fidelity does not count for this one.
    pub fn begin_run(&mut self) {
        for folded in self.metrics.values_mut() {
            folded.unplaced = None;
            folded.seen = false;
        }
    }

    /// Takes a report, and gives the levels that it settles, lowest first. `levels` rise.
    ///
    /// `goal` is that of the metric if it is an objective. Metrics that are only recorded have none; they are folded in the
    /// same way, and their best is their last.
    pub fn observe(&mut self, levels: &[u32], goal: Option<Goal>, report: &Report) -> Vec<Reached> {
        if report.fidelity.is_some_and(|fidelity| !fidelity.is_finite() || fidelity < 0.0) {
            return Vec::new();
        }
        let folded = self.metrics.entry(report.metric.clone()).or_default();
        folded.seen = true;
        let Some(fidelity) = report.fidelity else {
            // Behind a fidelity this can only be a line that is read again without the one before it.
            if folded.fidelity.is_none() {
                folded.unplaced = Some(report.value);
            }
            return Vec::new();
        };
        if folded.fidelity.is_some_and(|newest| fidelity <= newest) {
            return Vec::new();
        }
        let mut reached = Vec::new();
        let mut settle = |folded: &mut Folded| {
            if let Some(values) = folded.values() {
                reached.push(Reached { level: folded.settled, metric: report.metric.clone(), values });
            }
            folded.settled += 1;
        };
        // Levels that the report jumped over have what came before it. Where nothing did, they stay without a value: what was
        // reached with more training must not stand for less, and the lines that said it may have been lost.
        while levels.get(folded.settled).is_some_and(|level| f64::from(*level) < fidelity) {
            settle(folded);
        }
        folded.add(fidelity, goal, report.value);
        if levels.get(folded.settled).is_some_and(|level| f64::from(*level) <= fidelity) {
            settle(folded);
        }
        reached
    }

    /// A run has ended and its log was read to the end. `target` is the index of the level that it was to reach.
    ///
    /// The metrics that decide say together how the run ended, by the one that came furthest; the others follow them.
    #[must_use]
    pub fn finish(&mut self, levels: &[u32], decisive: &[&str], target: usize, exit_ok: bool) -> Finished {
        let endings = decisive.iter().map(|metric| self.ending(levels, metric, target, exit_ok));
        let ending = endings.reduce(together).unwrap_or(Ending::NoMetric);
        let up_to = match ending {
            Ending::AtTarget => target,
            Ending::Converged { .. } => levels.len().saturating_sub(1),
            Ending::WithoutFidelity => target,
            Ending::NoMetric | Ending::Failed => return Finished { ending, reached: Vec::new() },
        };
        let mut reached = Vec::new();
        for (metric, folded) in &mut self.metrics {
            let (from, values) = match (folded.values(), folded.unplaced) {
                (Some(values), _) => (folded.settled, values),
                // Without a fidelity nothing is known of the levels on the way.
                (None, Some(value)) => (folded.settled.max(target), Values::once(value)),
                (None, None) => continue,
            };
            for level in from..=up_to.min(levels.len().saturating_sub(1)) {
                reached.push(Reached { level, metric: metric.clone(), values });
                folded.settled = level + 1;
            }
        }
        reached.sort_by_key(|reached| reached.level);
        Finished { ending, reached }
    }

    fn ending(&self, levels: &[u32], objective: &str, target: usize, exit_ok: bool) -> Ending {
        if !exit_ok {
            return Ending::Failed;
        }
        let Some(folded) = self.metrics.get(objective) else { return Ending::NoMetric };
        if folded.settled > target {
            return Ending::AtTarget;
        }
        if !folded.seen {
            return Ending::NoMetric;
        }
        match (folded.fidelity, levels.get(target)) {
            (Some(fidelity), Some(level)) if folded.done(fidelity) < f64::from(*level) => {
                Ending::Converged { fidelity }
            }
            (Some(_), _) => Ending::AtTarget,
            (None, _) => Ending::WithoutFidelity,
        }
    }
}

/// How a run ended, by two of its metrics. One that is missing is missing, however far the other came.
fn together(one: Ending, other: Ending) -> Ending {
    match (one, other) {
        (Ending::Failed, _) | (_, Ending::Failed) => Ending::Failed,
        (Ending::NoMetric, _) | (_, Ending::NoMetric) => Ending::NoMetric,
        (Ending::AtTarget, _) | (_, Ending::AtTarget) => Ending::AtTarget,
        (Ending::Converged { fidelity: a }, Ending::Converged { fidelity: b }) => {
            Ending::Converged { fidelity: a.max(b) }
        }
        (Ending::Converged { fidelity }, Ending::WithoutFidelity)
        | (Ending::WithoutFidelity, Ending::Converged { fidelity }) => Ending::Converged { fidelity },
        (Ending::WithoutFidelity, Ending::WithoutFidelity) => Ending::WithoutFidelity,
    }
}

impl Folded {
    /// The values so far, if any have a fidelity.
    #[must_use]
    pub fn values(&self) -> Option<Values> {
        (self.count > 0).then_some(Values { last: self.last, best: self.best, mean: self.mean, count: self.count })
    }

    /// How many units are done when the program says that it is at `fidelity`.
    ///
    /// A program that counts from 0 says 8 when nine are done; and one that prints parts of a unit may end on 2.98 of 3,
    /// because the last batch did not fill a step. Neither has converged.
    fn done(&self, fidelity: f64) -> f64 {
        if fidelity.fract() != 0.0 {
            fidelity.ceil()
        } else if self.from_zero {
            fidelity + 1.0
        } else {
            fidelity
        }
    }

    /// Adds a value at a fidelity above the newest.
    fn add(&mut self, fidelity: f64, goal: Option<Goal>, value: f64) {
        let is_better = match goal {
            Some(_) if self.count == 0 || !self.best.is_finite() => true,
            Some(Goal::Minimize) => value.is_finite() && value < self.best,
            Some(Goal::Maximize) => value.is_finite() && value > self.best,
            None => true,
        };
        if is_better {
            self.best = value;
        }
        self.mean = mean(self.mean, self.count, value);
        self.last = value;
        self.count = self.count.saturating_add(1);
        self.fidelity = Some(fidelity);
        self.from_zero |= fidelity == 0.0;
        if goal.is_some() {
            self.curve.push(fidelity, value);
        }
    }
}

/// The mean of `count` values and one more.
#[must_use]
pub fn mean(mean: f64, count: u32, value: f64) -> f64 {
    let total = f64::from(count) + 1.0;
    let step = (value - mean) / total;
    if count == 0 {
        value
    } else if step.is_finite() {
        mean + step
    } else {
        // Their difference is beyond all numbers, or one of them is: then the sum has the right infinity or NaN.
        mean / total * f64::from(count) + value / total
    }
}

#[cfg(test)]
mod tests;
