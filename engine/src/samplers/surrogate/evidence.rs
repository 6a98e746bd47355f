//! What the trials of a study say to a model.
//!
//! With a ladder, the model is of the highest level that has enough finite values (as in BOHB: Falkner et al. 2018, section
//! 3.2): values of different levels are never mixed. A trial whose own failure ended it, or whose value at the level is NaN or
//! infinite, is counted with the failed ones. A trial that was lost to the infrastructure, was deleted, or ended without
//! a value at this level says nothing. A trial that still holds a slot and has no value there, or that ran to it and waits for the
//! judgement of a rung below, is pending. A trial that breaks a
//! bound on a reported metric is worth less than every one that keeps them all, the less the more it breaks them; with several
//! objectives in each of them.

use super::encoding::{Encoding, Point};
use super::warp::warp;
use crate::history::Outcome;
use crate::pareto::{Point as Values, Vector, ranks};
use crate::plan::Plan;
use crate::state::{Shown, State};

/// A trial's place and what it is worth there.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::samplers) struct Known {
    /// Its place in the evidence.
    pub(in crate::samplers) place: u32,
    pub(in crate::samplers) point: Point,
    /// By each objective that the model is of, oriented so that smaller is better; absent when it failed.
    pub(in crate::samplers) vector: Option<Vector>,
}

impl Known {
    /// By the objective at this place among those that the model is of.
    pub(in crate::samplers) fn value(&self, objective: usize) -> Option<f64> {
        self.vector?.get(objective).copied()
    }
}

/// What a model is built from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::samplers) struct Evidence {
    /// Trials with a value, and failed ones, by place.
    pub(in crate::samplers) known: Vec<Known>,
    /// Where trials are pending, by place.
    pub(in crate::samplers) pending: Vec<Point>,
}

/// The study's evidence by the objective that leads, at the highest level with enough of it; `None` when no level has it: at least
/// so many trials with a value or failed, half of them with a value, and two different values.
pub(in crate::samplers) fn evidence(
    plan: &Plan,
    state: &State<'_>,
    encoding: &Encoding<'_>,
    enough: usize,
) -> Option<Evidence> {
    let score = |shown: &Shown| plan.leading_score(shown).map(|score| [score, 0.0, 0.0, 0.0]);
    gather(plan, state, encoding, enough, 1, &score)
}

/// The same by every objective.
pub(in crate::samplers) fn evidence_of_all(
    plan: &Plan,
    state: &State<'_>,
    encoding: &Encoding<'_>,
    enough: usize,
) -> Option<Evidence> {
    let score = |shown: &Shown| plan.point(shown).map(|point| point.vector);
    gather(plan, state, encoding, enough, plan.spec().objectives().count(), &score)
}

fn gather(
    plan: &Plan,
    state: &State<'_>,
    encoding: &Encoding<'_>,
    enough: usize,
    objectives: usize,
    score: &dyn Fn(&Shown) -> Option<Vector>,
) -> Option<Evidence> {
    let has_failed = |trial: &crate::state::Trial<'_>| trial.ended == Some(Outcome::Failed);
    let failed = state.evidence().filter(|(_, trial)| has_failed(trial)).count();
    let level = (0..plan.levels().len()).rev().find(|&level| {
        let eligible = state.evidence().filter(|(_, trial)| trial.is_eligible());
        let values = eligible.filter_map(|(_, trial)| trial.evidence_at(plan, level));
        let values: Vec<Option<Vector>> = values.map(score).collect();
        let mut finite = values.iter().flatten();
        let first = finite.next();
        let differ = finite.any(|value| Some(value) != first);
        let count = values.iter().flatten().count();
        differ && failed + values.len() >= enough && 2 * count >= enough
    })?;
    let mut evidence = Evidence::default();
    let mut violations = Vec::new();
    for (place, trial) in state.evidence() {
        let values = trial.evidence_at(plan, level);
        let is_known = has_failed(trial) || (trial.is_eligible() && values.is_some());
        let is_unjudged = trial.ended.is_none() && trial.evidence_level(plan) < level && Some(level) <= trial.rested;
        let is_pending = values.is_none() && (trial.is_active() || is_unjudged);
        if !is_known && !is_pending {
            continue;
        }
        let Some(point) = trial.parameters.as_deref().and_then(|assignment| encoding.encode(assignment)) else {
            continue;
        };
        if is_known {
            let shown = values.filter(|_| !has_failed(trial));
            let vector = shown.and_then(score);
            violations.push(shown.map_or(0.0, |shown| plan.violation(shown)));
            evidence.known.push(Known { place, point, vector });
        } else {
            evidence.pending.push(point);
        }
    }
    if !plan.spec().bounds.is_empty() {
        (0..objectives).for_each(|objective| penalize(&mut evidence.known, &violations, objective));
    }
    Some(evidence)
}

/// In this objective, puts the values of those that break bounds behind the worst of those that do not, by what they break them by, over as
/// much again as the others span. While nobody keeps the bounds, the violation is all that matters.
fn penalize(known: &mut [Known], violations: &[f64], objective: usize) {
    let fold = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    };
    let kept = known.iter().zip(violations).filter(|(_, violation)| **violation <= 0.0);
    let (low, high) = fold(&mut kept.filter_map(|(known, _)| known.value(objective)));
    let (_, most) = fold(&mut violations.iter().copied().filter(|violation| violation.is_finite()));
    let span = if high > low { high - low } else { 1.0 };
    for (known, violation) in known.iter_mut().zip(violations).filter(|(_, violation)| **violation > 0.0) {
        let penalty = if high.is_finite() { high + span * (violation / most) } else { *violation };
        known.vector = known.vector.filter(|_| penalty.is_finite());
        if let Some(own) = known.vector.as_mut().and_then(|vector| vector.get_mut(objective)) {
            *own = penalty;
        }
    }
}

/// Trials that are nearer than this to each other on every axis are at one place.
const PLACE: f64 = 0.05;

/// What says which values are usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::samplers) enum View {
    /// Every trial. A model that goes on where it found something has soon most of its trials on one spot; their small
    /// differences are then what it sees, and it finds the spot's very bottom.
    Near,
    /// Every place, however many trials are there. So a spot that is well known is no more than a spot, and a second basin is
    /// worth a look.
    Wide,
}

/// Standardized values by each objective; failed trials take the worst. With several objectives each keeps its distances as
/// far as the front reaches: who is best in one objective is not seldom among the worse half in another.
pub(in crate::samplers) fn warped(known: &[&Known], objectives: usize, view: View) -> Vec<Vec<f64>> {
    let points: Vec<Values> =
        known.iter().filter_map(|known| Some(Values { vector: known.vector?, violation: 0.0 })).collect();
    let ranks = if objectives > 1 { ranks(&points, objectives) } else { Vec::new() };
    let kept = |objective: usize| -> Vec<f64> {
        let front = points.iter().zip(&ranks).filter(|(_, rank)| **rank == 0);
        front.filter_map(|(point, _)| point.vector.get(objective)).copied().collect()
    };
    (0..objectives).map(|objective| warped_by(known, objective, view, &kept(objective))).collect()
}

fn warped_by(known: &[&Known], objective: usize, view: View, kept: &[f64]) -> Vec<f64> {
    let finite: Vec<f64> = known.iter().filter_map(|known| known.value(objective)).collect();
    let warped = match view {
        View::Near => warp(&finite, &finite, kept),
        View::Wide => warp(&finite, &at_places(known, objective), kept),
    };
    let worst = warped.iter().copied().fold(0.0, f64::max);
    let mut values = warped.into_iter();
    known.iter().map(|known| known.vector.and_then(|_| values.next()).unwrap_or(worst)).collect()
}

/// The value of the first trial at each place.
fn at_places(known: &[&Known], objective: usize) -> Vec<f64> {
    let mut places: Vec<(&Point, f64)> = Vec::new();
    for (point, value) in known.iter().filter_map(|known| Some((&known.point, known.value(objective)?))) {
        if !places.iter().any(|(place, _)| super::is_near(place, point, PLACE)) {
            places.push((point, value));
        }
    }
    places.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheduler;
    use crate::fixture::Study;

    fn of(study: &Study, enough: usize) -> Option<Evidence> {
        let encoding = Encoding::new(&study.plan.spec().space);
        evidence(&study.plan, &State::fold(&study.plan, &study.history), &encoding, enough)
    }

    #[test]
    fn evidence_tells_values_failures_and_pending_apart() {
        let mut study = Study::new(|spec| spec.settings.parallelism = 7);
        study.step();
        study.observe(0, 0, 1.0).observe(1, 0, f64::NAN).observe(2, 0, -3.0).observe(3, 0, f64::NEG_INFINITY);
        study.end(4, Outcome::Failed).end(5, Outcome::Lost);
        let evidence = of(&study, 4).unwrap();
        let values: Vec<_> = evidence.known.iter().map(|known| (known.place, known.value(0))).collect();
        assert_eq!(values, [(0, Some(1.0)), (1, None), (2, Some(-3.0)), (3, None), (4, None)]);
        assert_eq!(evidence.pending.len(), 1);
        assert_eq!(of(&study, 6), None);
    }

    #[test]
    fn who_breaks_bounds_is_worth_less_than_who_keeps_them() {
        let mut study = Study::new(|spec| {
            spec.settings.parallelism = 7;
            spec.bounds = vec![crate::Bound { metric: "latency".to_owned(), min: None, max: Some(10.0) }];
        });
        study.step();
        for (number, loss, latency) in
            [(0, 1.0, 10.0), (1, 3.0, 5.0), (2, -9.0, 15.0), (3, -9.0, 20.0), (4, 0.0, f64::NAN)]
        {
            let others = crate::Others(vec![latency]);
            let kind = crate::ResultKind::Observed { level: 0, values: crate::Values::once(loss), others };
            study.history.open.push(crate::TrialResult { number: crate::TrialNumber(number), kind });
        }
        let values: Vec<_> = of(&study, 4).unwrap().known.iter().map(|known| known.value(0)).collect();
        assert_eq!(values, [Some(1.0), Some(3.0), Some(4.0), Some(5.0), None]);
        let best = crate::best(&study.plan, &study.history).unwrap();
        assert_eq!((best.number.0, best.value), (0, 1.0));
    }

    #[test]
    fn of_several_objectives_each_counts_and_who_breaks_bounds_is_behind_in_all() {
        let mut study = Study::new(|spec| {
            spec.settings.parallelism = 7;
            let goal = crate::Goal::Maximize;
            spec.further = vec![crate::Objective { metric: "speed".to_owned(), goal, reduce: crate::Reduce::Last }];
            spec.bounds = vec![crate::Bound { metric: "latency".to_owned(), min: None, max: Some(10.0) }];
        });
        study.step();
        for (number, loss, others) in [
            (0, 1.0, [5.0, 1.0]),
            (1, 3.0, [9.0, 1.0]),
            (2, 0.0, [9.0, 15.0]),
            (3, 0.0, [f64::NAN, 1.0]),
            (4, 1.0, [7.0, 20.0]),
        ] {
            let kind = crate::ResultKind::Observed {
                level: 0,
                values: crate::Values::once(loss),
                others: crate::Others(others.to_vec()),
            };
            study.history.open.push(crate::TrialResult { number: crate::TrialNumber(number), kind });
        }
        let encoding = Encoding::new(&study.plan.spec().space);
        let state = State::fold(&study.plan, &study.history);
        let evidence = evidence_of_all(&study.plan, &state, &encoding, 4).unwrap();
        let vectors: Vec<_> = evidence.known.iter().map(|known| known.vector.map(|v| (v[0], v[1]))).collect();
        assert_eq!(vectors, [Some((1.0, -5.0)), Some((3.0, -9.0)), Some((4.0, -3.0)), None, Some((5.0, -1.0))]);
    }

    #[test]
    fn evidence_is_of_the_highest_level_with_enough() {
        let mut study = Study::new(|spec| {
            spec.scheduler =
                Scheduler::Hyperband { reduction_factor: 3, sizes: crate::Sizes::Paper, run_through: false };
            spec.settings.parallelism = 17;
        });
        study.step();
        for number in 0..6 {
            study.reach(number, 0, f64::from(number));
        }
        // The later brackets begin higher. What the first has there is above a rung that did not judge it.
        study.observe(9, 1, 10.0).observe(10, 1, 11.0).observe(14, 2, 12.0).observe(0, 2, 13.0).observe(1, 2, 14.0);
        let at =
            |enough| of(&study, enough).unwrap().known.iter().filter_map(|known| known.value(0)).collect::<Vec<_>>();
        assert_eq!(at(2), [10.0, 11.0]);
        assert_eq!(at(6), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(of(&study, 7), None);
    }
    #[test]
    fn a_crowd_on_one_spot_does_not_say_what_is_usual() {
        let known =
            |place: u32, x: f64, value: f64| Known { place, point: vec![x], vector: Some([value, 0.0, 0.0, 0.0]) };
        let apart = (0..8).map(|i| known(i, f64::from(i) / 8.0, 10.0 + f64::from(i)));
        let crowd = (8..60).map(|i| known(i, 0.93 + f64::from(i) * 1e-4, 9.0 + f64::from(i) * 1e-4));
        let all: Vec<Known> = apart.chain(crowd).collect();
        let warped = warped(&all.iter().collect::<Vec<_>>(), 1, View::Wide).remove(0);
        let (apart, crowd) = warped.split_at(8);
        let range = |values: &[f64]| {
            values.iter().fold(f64::MIN, |a, &b| a.max(b)) - values.iter().fold(f64::MAX, |a, &b| a.min(b))
        };
        assert!(range(crowd) < 0.05 && range(apart) > 1.0, "{warped:?}");
    }
}
