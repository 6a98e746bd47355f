//! Whether early stopping was safe: how well the ranks at a rung agree with those further up.
//!
//! Who was let past a rung was chosen by its value there, so that survivors say nothing about those that were not. Trials of
//! brackets that begin further up were never chosen by what they had below their first rung: their values there and at
//! that rung, seen on the way, are an honest sample. So are those of trials that are audited: they were drawn before anything was known
//! of them, and go on whatever they report. Nothing else is looked at, so the estimate has no bias of selection.
//!
//! What is said of two levels is Spearman's rank correlation with an interval: see [`correlation`].

mod ranks;

use std::collections::BTreeMap;

use crate::history::{History, Outcome, Reason};
use crate::pareto::{Point, order};
use crate::plan::{FidelityKind, Plan, Scheduler};
use crate::state::{Shown, State, Trial};

pub use ranks::correlation;

/// Below so many pairs nothing is said.
pub const FEWEST_PAIRS: usize = 10;

/// From this correlation on a rung is called safe.
pub const SAFE: f64 = 0.5;

/// How well the ranks at two levels agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// The level's index of the rung that judges.
    pub from: usize,
    /// The level's index that it is held against.
    pub to: usize,
    /// How many trials have values at both and were chosen by neither: finite ones, as what fails has no rank.
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
        /// Whether more of them can come: some bracket begins above the lowest rung, or trials are audited.
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
    let begins_above = plan.brackets().iter().any(|shape| first(shape) > Some(lowest));
    let can_come = sees_below && begins_above || plan.spec().audit > 0.0;
    Safety::Unknown { pairs: most, can_come }
}

/// Where the trials that nobody had judged at either of two levels stand among each other at both.
fn pairs(plan: &Plan, state: &State<'_>, from: usize, to: usize) -> Vec<(f64, f64)> {
    let finite = |trial, level| Trial::values_at(trial, level).filter(|shown| plan.standing(shown).is_some());
    let (below, above): (Vec<&Shown>, Vec<&Shown>) = unjudged(plan, state, to)
        .into_iter()
        .filter_map(|trial| Some((finite(trial, from)?, finite(trial, to)?)))
        .unzip();
    places(plan, &below).into_iter().zip(places(plan, &above)).collect()
}

/// The trials that nobody could stop for their rank before this level: those that begin there, and those that are audited.
///
/// Whoever is audited and loses comes to the top sooner than who is audited and wins, which has rungs to wait at; and whoever loses is stopped after
/// all where the limits cannot pay for it. So those of a bracket count when it is known of all what they have come to; of an asynchronous
/// one, whose end never comes, those before the first of whom it is not known.
fn unjudged<'s, 'h>(plan: &Plan, state: &'s State<'h>, to: usize) -> Vec<&'s Trial<'h>> {
    let shapes = plan.brackets();
    let first_rung = |trial: &Trial<'_>| {
        let shape = shapes.get((trial.bracket as usize).checked_rem(shapes.len())?)?;
        shape.rungs.get(trial.first_rung(plan)).map(|rung| rung.level)
    };
    let is_settled = |trial: &Trial<'_>| {
        let has_failed = matches!(trial.ended, Some(Outcome::Failed | Outcome::Lost | Outcome::Removed));
        trial.values_at(to).is_some() || has_failed || trial.stop == Some(Reason::NotFinite)
    };
    let (mut sample, mut audited): (Vec<&Trial<'_>>, Vec<&Trial<'_>>) = (Vec::new(), Vec::new());
    let mut open: BTreeMap<u32, u32> = BTreeMap::new();
    for trial in state.trials() {
        if first_rung(trial) >= Some(to) {
            sample.push(trial);
        } else if plan.audits(trial.number.0) {
            audited.push(trial);
            if !is_settled(trial) {
                open.entry(trial.bracket).or_insert(trial.number.0);
            }
        }
    }
    let is_asynchronous = matches!(plan.spec().scheduler, Scheduler::Asha { .. });
    let counts =
        |trial: &&Trial<'_>| open.get(&trial.bracket).is_none_or(|&first| is_asynchronous && trial.number.0 < first);
    sample.extend(audited.into_iter().filter(counts));
    sample
}

/// The place of each among these as a rung would order them; who is equal shares one, but where rungs rank by non-domination.
#[expect(clippy::cast_precision_loss, reason = "there are fewer trials than that")]
fn places(plan: &Plan, shown: &[&Shown]) -> Vec<f64> {
    if !plan.ranks_by_fronts() {
        let standings: Vec<u64> = shown.iter().filter_map(|shown| plan.standing(shown)).collect();
        let mut sorted = standings.clone();
        sorted.sort_unstable();
        return standings.iter().map(|own| sorted.partition_point(|other| other < own) as f64).collect();
    }
    let points: Vec<Point> = shown.iter().filter_map(|shown| plan.point(shown)).collect();
    let mut places = vec![0.0; points.len()];
    for (place, at) in order(&points, plan.spec().objectives().count(), points.len()).into_iter().enumerate() {
        if let Some(score) = places.get_mut(at) {
            *score = place as f64;
        }
    }
    places
}

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod tests;
