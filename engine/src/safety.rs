//! Whether early stopping was safe: how well the ranks at a rung agree with those further up.
//!
//! Who was let past a rung was chosen by its value there, so that survivors say nothing about those that were not. Trials of
//! brackets that begin further up were never chosen by what they had below their first rung: their values there and at
//! that rung, seen on the way, are an honest sample. Nothing else is looked at, so the estimate has no bias of selection.
//!
//! The estimate is Spearman's rank correlation, ties with their mean rank. Its interval is that of Bonett and Wright
//! (Psychometrika 65, 2000): Fisher's transformation with the variance `(1 + r^2 / 2) / (n - 3)`.

use crate::history::History;
use crate::pareto::{Point, order};
use crate::plan::{FidelityKind, Plan};
use crate::state::{State, Trial};

/// Below so many pairs nothing is said.
pub const FEWEST_PAIRS: usize = 10;

/// From this correlation on a rung is called safe.
pub const SAFE: f64 = 0.5;

/// The normal quantile of an interval that covers 95 in a hundred.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// How well the ranks at two levels agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// The level's index of the rung that judges.
    pub from: usize,
    /// The level's index that it is held against.
    pub to: usize,
    /// How many trials have values at both and were chosen by neither.
    pub pairs: usize,
    /// Spearman's rank correlation, from -1 to 1.
    pub estimate: f64,
    /// The lower end of its interval of 95 %.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What is known of a study's early stopping.
#[derive(Clone, Debug, PartialEq)]
pub enum Safety {
    /// Nothing is stopped early.
    NothingStops,
    /// Fewer pairs than [`FEWEST_PAIRS`] at every level above the lowest rung.
    Unknown {
        /// The most pairs that there are.
        pairs: usize,
        /// Whether more of them can come: some bracket begins above the lowest rung.
        can_come: bool,
    },
    /// Each rung that judges below the highest level with enough pairs, from the lowest; at least one.
    Known(Vec<Correlation>),
}

impl Safety {
    /// Whether the lowest rung can be relied on; `None` when that is not known.
    #[must_use]
    pub fn is_safe(&self) -> Option<bool> {
        match self {
            Self::NothingStops => Some(true),
            Self::Unknown { .. } => None,
            Self::Known(rungs) => rungs.first().map(|rung| rung.estimate >= SAFE),
        }
    }
}

/// What is known of early stopping, by admitted and open results.
#[must_use]
pub fn safety(plan: &Plan, history: &History) -> Safety {
    safety_of(plan, &State::fold(plan, history))
}

/// What a state says of early stopping.
#[must_use]
pub fn safety_of(plan: &Plan, state: &State<'_>) -> Safety {
    if plan.brackets().is_empty() {
        let rules = &plan.spec().stopping;
        return if rules.is_empty() { Safety::NothingStops } else { Safety::Unknown { pairs: 0, can_come: false } };
    }
    let mut judging: Vec<usize> =
        plan.brackets().iter().flat_map(|shape| shape.rungs.iter().rev().skip(1)).map(|rung| rung.level).collect();
    judging.sort_unstable();
    judging.dedup();
    let Some(&lowest) = judging.first() else { return Safety::NothingStops };
    let mut most = 0;
    for to in (lowest + 1..plan.levels().len()).rev() {
        let found: Vec<Correlation> = judging
            .iter()
            .take_while(|&&from| from < to)
            .filter_map(|&from| correlation(from, to, &pairs(plan, state, from, to)))
            .collect();
        if found.first().is_some_and(|first| first.from == lowest) {
            return Safety::Known(found);
        }
        most = most.max(pairs(plan, state, lowest, to).len());
    }
    let first = |shape: &crate::brackets::BracketPlan| shape.rungs.first().map(|rung| rung.level);
    // A run that begins further up sees nothing of the levels below, where each level is a run of its own.
    let sees_below = plan.spec().kind != FidelityKind::Fresh;
    let can_come = sees_below && plan.brackets().iter().any(|shape| first(shape) > Some(lowest));
    Safety::Unknown { pairs: most, can_come }
}

/// The oriented values at two levels of the trials that nobody had judged at either; where rungs rank by non-domination the
/// places of these trials among each other.
fn pairs(plan: &Plan, state: &State<'_>, from: usize, to: usize) -> Vec<(f64, f64)> {
    let shapes = plan.brackets();
    let first_rung = |trial: &Trial<'_>| {
        let shape = shapes.get((trial.bracket as usize).checked_rem(shapes.len())?)?;
        shape.rungs.get(trial.first_rung(plan)).map(|rung| rung.level)
    };
    let point = |trial: &Trial<'_>, level| plan.point(trial.values_at(level)?);
    let points: Vec<(Point, Point)> = state
        .trials()
        .iter()
        .filter(|trial| first_rung(trial) >= Some(to))
        .filter_map(|trial| Some((point(trial, from)?, point(trial, to)?)))
        .collect();
    let (below, above): (Vec<Point>, Vec<Point>) = points.into_iter().unzip();
    scores(plan, &below).into_iter().zip(scores(plan, &above)).collect()
}

/// What orders these points at a rung, smaller is better.
#[expect(clippy::cast_precision_loss, reason = "there are few pairs")]
fn scores(plan: &Plan, points: &[Point]) -> Vec<f64> {
    if !plan.ranks_by_fronts() {
        return points.iter().filter_map(|point| plan.leading_of(point)).collect();
    }
    let mut places = vec![0.0; points.len()];
    for (place, at) in order(points, plan.spec().objectives().count(), points.len()).into_iter().enumerate() {
        if let Some(score) = places.get_mut(at) {
            *score = place as f64;
        }
    }
    places
}

/// The rank correlation of pairs; `None` when they are too few, or all alike at one of the levels.
fn correlation(from: usize, to: usize, pairs: &[(f64, f64)]) -> Option<Correlation> {
    if pairs.len() < FEWEST_PAIRS {
        return None;
    }
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (x, y) = (centred_ranks(&x), centred_ranks(&y));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = libm::sqrt(dot(&x, &x) * dot(&y, &y));
    // A constant metric orders nobody: what it says about the other level is nothing, and not safe.
    let estimate = if scale > 0.0 { (dot(&x, &y) / scale).clamp(-1.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "there are few pairs")]
    let deviation = libm::sqrt((1.0 + estimate * estimate / 2.0) / (pairs.len() - 3) as f64);
    // Perfect agreement would be transformed to infinity and have no width: it is taken as nearly perfect.
    let z = libm::atanh(estimate.clamp(-0.999, 0.999));
    let end = |sign: f64| libm::tanh(z + sign * QUANTILE * deviation);
    let (low, high) = (end(-1.0).min(estimate), end(1.0).max(estimate));
    Some(Correlation { from, to, pairs: pairs.len(), estimate, low, high })
}

/// Ranks from 1, ties with their mean rank, less the mean of all.
#[expect(clippy::cast_precision_loss, reason = "there are few pairs")]
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = (values.len() + 1) as f64 / 2.0;
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let up_to = sorted.partition_point(|other| other <= value);
        (below + up_to + 1) as f64 / 2.0 - middle
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests;
