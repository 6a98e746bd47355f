//! The Pareto front of a study with several objectives.

use crate::history::{History, TrialNumber};
use crate::pareto::{Point, Vector, hypervolume, order, ranks};
use crate::plan::Plan;
use crate::state::State;

/// Fronts of four objectives with more members have no hypervolume: it would take seconds.
pub const MAX_MEASURED: usize = 1_000;

/// The trials of which no other is as good in every objective and better in one.
#[derive(Clone, Debug, PartialEq)]
pub struct Front {
    /// The level's index at which they are compared: the highest where an eligible trial has all values and keeps the bounds.
    pub level: usize,
    /// The members, in an order in which the first few of any number are spread over the front.
    pub members: Vec<Member>,
    /// For each objective the value from which the hypervolume is measured, as the metric has it.
    pub reference: Vec<f64>,
    /// How much of the space up to the reference the front dominates; absent where it is infinite, or would take too long.
    pub hypervolume: Option<f64>,
}

/// A trial on the front.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Which trial.
    pub number: TrialNumber,
    /// The objectives' values, as they were reported.
    pub values: Vec<f64>,
}

/// The front so far, by admitted and open results; `None` with one objective, or without a trial that could be on it.
///
/// `references` are the values from which the hypervolume is measured, one for each objective. In place of one that is
/// not given stands the worst value that any eligible trial has at the level: it can grow worse as trials come, and the
/// hypervolume larger with it, so hypervolumes can be compared where references are alike.
#[must_use]
pub fn front(plan: &Plan, history: &History, references: &[Option<f64>]) -> Option<Front> {
    front_of(plan, &State::fold(plan, history), references)
}

/// The front of a state.
#[must_use]
pub fn front_of(plan: &Plan, state: &State<'_>, references: &[Option<f64>]) -> Option<Front> {
    if !plan.spec().has_several_objectives() {
        return None;
    }
    let eligible = || state.trials().iter().filter(|trial| trial.is_eligible());
    let is_usable = |shown: &&crate::state::Shown| plan.point(shown).is_some_and(|point| point.violation <= 0.0);
    let level = eligible().filter_map(|trial| trial.values.iter().rfind(is_usable)).map(|shown| shown.level).max()?;
    let all: Vec<(TrialNumber, Point)> =
        eligible().filter_map(|trial| Some((trial.number, plan.point(trial.values_at(level)?)?))).collect();
    let usable: Vec<(TrialNumber, Point)> = all.iter().filter(|(_, point)| point.violation <= 0.0).copied().collect();
    let objectives: Vec<_> = plan.spec().objectives().collect();
    let points: Vec<Point> = usable.iter().map(|(_, point)| *point).collect();
    let first: Vec<(TrialNumber, Point)> = usable
        .iter()
        .zip(ranks(&points, objectives.len()))
        .filter(|(_, rank)| *rank == 0)
        .map(|(member, _)| *member)
        .collect();
    let points: Vec<Point> = first.iter().map(|(_, point)| *point).collect();
    // An orientation is its own inverse.
    let as_reported = |vector: &Vector| -> Vec<f64> {
        objectives.iter().zip(vector).map(|(objective, value)| objective.orient(*value)).collect()
    };
    let members = order(&points, objectives.len(), points.len())
        .into_iter()
        .filter_map(|at| first.get(at))
        .map(|(number, point)| Member { number: *number, values: as_reported(&point.vector) })
        .collect();
    let mut corner = Vector::default();
    for (axis, (place, objective)) in corner.iter_mut().zip(&objectives).enumerate() {
        let worst =
            all.iter().filter_map(|(_, point)| point.vector.get(axis)).copied().fold(f64::NEG_INFINITY, f64::max);
        let given = references.get(axis).copied().flatten().filter(|given| given.is_finite());
        *place = given.map_or(worst, |given| objective.orient(given));
    }
    let vectors: Vec<Vector> = points.iter().map(|point| point.vector).collect();
    let is_measured = objectives.len() < 4 || vectors.len() <= MAX_MEASURED;
    let volume = is_measured.then(|| hypervolume(&vectors, &corner, objectives.len())).filter(|v| v.is_finite());
    Some(Front { level, members, reference: as_reported(&corner), hypervolume: volume })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Study;
    use crate::{Bound, Goal, Objective, Others, Outcome, Reduce, ResultKind, TrialResult, Values};

    /// Two objectives, the second to be made large, and latency at most 20.
    fn study() -> Study {
        let mut study = Study::new(|spec| {
            spec.further =
                vec![Objective { metric: "accuracy".to_owned(), goal: Goal::Maximize, reduce: Reduce::Last }];
            spec.bounds = vec![Bound { metric: "latency".to_owned(), min: None, max: Some(20.0) }];
            spec.settings.parallelism = 9;
        });
        study.step();
        study
    }

    fn tell(study: &mut Study, number: u32, loss: f64, accuracy: f64, latency: f64) {
        let others = Others(vec![accuracy, latency]);
        let kind = ResultKind::Observed { level: 0, values: Values::once(loss), others };
        study.history.open.push(TrialResult { number: TrialNumber(number), kind });
    }

    #[test]
    fn front_has_whom_nobody_dominates_and_who_keeps_the_bounds() {
        let mut study = study();
        assert_eq!(front(&study.plan, &study.history, &[]), None);
        tell(&mut study, 0, 1.0, 0.5, 10.0);
        tell(&mut study, 1, 2.0, 0.9, 20.0);
        tell(&mut study, 2, 2.0, 0.8, 10.0);
        tell(&mut study, 3, 0.0, 1.0, 21.0);
        tell(&mut study, 4, f64::NAN, 1.0, 1.0);
        tell(&mut study, 5, 0.0, 2.0, 1.0);
        tell(&mut study, 6, 0.0, 2.0, f64::NAN);
        study.end(5, Outcome::Failed);
        let found = front(&study.plan, &study.history, &[Some(3.0), None]).unwrap();
        let members: Vec<_> = found.members.iter().map(|m| (m.number.0, m.values.clone())).collect();
        assert_eq!(members, [(0, vec![1.0, 0.5]), (1, vec![2.0, 0.9])]);
        // The worst accuracy that any of them has is 0.5, so only the second trial covers anything.
        assert_eq!(found.reference, [3.0, 0.5]);
        assert_eq!(found.hypervolume, Some(1.0 * (0.9 - 0.5)));
        assert_eq!(crate::best(&study.plan, &study.history), None);
    }

    #[test]
    fn front_does_not_depend_on_the_order_of_results() {
        let mut study = study();
        for number in 0..9 {
            let x = f64::from(number * 5 % 9);
            tell(&mut study, number, x, x * x, 5.0 * f64::from(number % 5));
        }
        let whole = front(&study.plan, &study.history, &[]);
        study.history.open.reverse();
        assert_eq!(front(&study.plan, &study.history, &[]), whole);
        assert!(whole.is_some_and(|front| front.members.len() == 9 && front.hypervolume > Some(0.0)));
    }
}
