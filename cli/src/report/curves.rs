//! Learning curves.

use serde::Serialize;
use trimtab_api::{Study, Trial};
use trimtab_engine::number;

use super::trials::{Row, thinned};

/// At most so many curves are drawn.
const CURVES: usize = 120;

/// So many of them are those of the best.
const BEST: usize = 40;

/// At most so many points of a curve are drawn.
const POINTS: usize = 60;

/// The curves of an objective.
#[derive(Debug, Serialize)]
pub(super) struct Curves {
    /// Of how many they are.
    total: usize,
    curves: Vec<Curve>,
}

/// The curve of a trial.
#[derive(Debug, Serialize)]
struct Curve {
    number: u32,
    state: String,
    /// Fidelity and value, by rising fidelity.
    points: Vec<(f64, f64)>,
}

impl Curves {
    /// The curves of an objective. The record has a curve of the first objective; of the others, values at levels.
    pub(super) fn new(study: &Study, trials: &[Trial], rows: &[Row], ranking: &[usize], objective: usize) -> Self {
        let is_first = objective == 0 && !study.spec.objectives.is_empty();
        let points = |at: usize| -> Vec<(f64, f64)> {
            let reported = trials.get(at).and_then(|trial| trial.status.as_ref()).filter(|_| is_first);
            let parse = |text: &str| number::parse(text).filter(|x| x.is_finite());
            let mut points: Vec<(f64, f64)> = reported
                .iter()
                .flat_map(|status| &status.curve)
                .filter_map(|point| Some((parse(&point.fidelity)?, parse(&point.value)?)))
                .collect();
            if points.is_empty() {
                let values = rows.get(at).map(|row| row.values.as_slice()).unwrap_or_default();
                let of =
                    |(level, values): &(u32, Vec<Option<f64>>)| Some((f64::from(*level), (*values.get(objective)?)?));
                points = values.iter().filter_map(of).collect();
            }
            // A run that was repeated reports a fidelity again: the newest value stands.
            points.reverse();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            points.dedup_by(|a, b| a.0 == b.0);
            let kept = thinned(points.len(), &[0, points.len().saturating_sub(1)], 2, POINTS);
            kept.into_iter().map(|i| points[i]).collect()
        };
        let with_points: Vec<(usize, Vec<(f64, f64)>)> =
            (0..rows.len()).map(|at| (at, points(at))).filter(|(_, points)| !points.is_empty()).collect();
        let mut place = vec![None; rows.len()];
        with_points.iter().enumerate().for_each(|(i, (at, _))| place[*at] = Some(i));
        let ranking: Vec<usize> = ranking.iter().filter_map(|&at| place[at]).collect();
        let kept = thinned(with_points.len(), &ranking, BEST, CURVES);
        let curve = |i: usize| {
            let (at, points) = &with_points[i];
            let row = &rows[*at];
            Curve { number: row.number, state: row.state.clone(), points: points.clone() }
        };
        Self { total: with_points.len(), curves: kept.into_iter().map(curve).collect() }
    }
}
