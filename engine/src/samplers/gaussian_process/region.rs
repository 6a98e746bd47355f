//! What is to be gained: the space that no trial dominates, and how much of it a value with this mean and deviation in each
//! objective is expected to take.
//!
//! Where the objectives are independent of one another, the hypervolume that is expected to be added is exactly the sum over the boxes
//! of [`undominated`] of the product of what each side is expected to leave above the value (Emmerich, Yang, Deutz, Wang and
//! Fonseca 2016, "A Multicriteria Generalization of Bayesian Global Optimization"; Yang et al. 2019): no samples are drawn, as Daulton et al. 2020 do for
//! several points at once. Sides and sums are kept as logarithms (Ament et al. 2023, section 4), so that there is a slope also where
//! next to nothing is expected. With one objective there is one box, and it is expected improvement.

use crate::pareto::{Vector, undominated};
use crate::samplers::surrogate::{Slope, log_between, log_between_slope, log_ei, log_ei_slope};

/// What is thought of a value: a normal distribution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Belief {
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// Boxes, by the places of their ends among the ends of all.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// For each objective the ends in rising order.
    ends: Vec<Vec<f64>>,
    /// Box by box the lower and the upper end in each objective.
    sides: Vec<(usize, usize)>,
}

/// The logarithm of what is expected, and how it changes by what is thought of each objective.
#[derive(Clone, Debug)]
pub(super) struct Gain {
    pub(super) value: f64,
    /// By the mean and by the deviation.
    pub(super) slopes: Vec<(f64, f64)>,
}

impl Region {
    /// What these leave of the space below the reference.
    pub(super) fn new(front: &[Vector], reference: &Vector, objectives: usize) -> Self {
        let cells = undominated(front, reference, objectives);
        let ends = |axis: usize| {
            let mut ends: Vec<f64> =
                cells.iter().flat_map(|cell| [cell.low.get(axis), cell.high.get(axis)]).flatten().copied().collect();
            ends.sort_by(f64::total_cmp);
            ends.dedup();
            ends
        };
        let ends: Vec<Vec<f64>> = (0..objectives).map(ends).collect();
        let mut sides = Vec::with_capacity(objectives * cells.len());
        for cell in &cells {
            for (ends, (low, high)) in ends.iter().zip(cell.low.iter().zip(&cell.high)) {
                let place = |end: f64| ends.partition_point(|&other| other < end);
                sides.push((place(*low), place(*high)));
            }
        }
        Self { ends, sides }
    }

    /// The logarithm of the hypervolume that is expected to be added.
    pub(super) fn log_gain(&self, beliefs: &[Belief]) -> f64 {
        let logs: Vec<Vec<(f64, f64)>> = self
            .ends
            .iter()
            .zip(beliefs)
            .map(|(ends, of)| ends.iter().map(|&end| (end, log_ei(end, of.mean, of.deviation))).collect())
            .collect();
        let mut boxes = Vec::with_capacity(self.sides.len());
        for sides in self.sides.chunks_exact(self.ends.len().max(1)) {
            let mut log = 0.0;
            for ((&(low, high), logs), of) in sides.iter().zip(&logs).zip(beliefs) {
                if let Some((low, high)) = logs.get(low).zip(logs.get(high)) {
                    log += log_between(*low, *high, of.mean, of.deviation);
                }
            }
            boxes.push(log);
        }
        log_sum(&boxes)
    }

    /// The same with its slopes.
    pub(super) fn log_gain_slope(&self, beliefs: &[Belief]) -> Gain {
        let objectives = self.ends.len().max(1);
        let logs: Vec<Vec<(f64, Slope)>> = self
            .ends
            .iter()
            .zip(beliefs)
            .map(|(ends, of)| ends.iter().map(|&end| (end, log_ei_slope(end, of.mean, of.deviation))).collect())
            .collect();
        let mut boxes = Vec::with_capacity(self.sides.len() / objectives);
        let mut sloped: Vec<Slope> = Vec::with_capacity(self.sides.len());
        for sides in self.sides.chunks_exact(objectives) {
            let from = sloped.len();
            for ((&(low, high), logs), of) in sides.iter().zip(&logs).zip(beliefs) {
                if let Some((low, high)) = logs.get(low).zip(logs.get(high)) {
                    sloped.push(log_between_slope(*low, *high, of.mean, of.deviation));
                }
            }
            boxes.push(sloped.iter().skip(from).map(|side| side.value).sum());
        }
        let value = log_sum(&boxes);
        let mut slopes = vec![(0.0, 0.0); objectives];
        for (log, sides) in boxes.iter().zip(sloped.chunks_exact(objectives)) {
            let share = libm::exp(log - value);
            for ((by_mean, by_deviation), side) in slopes.iter_mut().zip(sides) {
                *by_mean += share * side.by_mean;
                *by_deviation += share * side.by_deviation;
            }
        }
        Gain { value, slopes }
    }
}

/// The logarithm of the mean of what these are logarithms of.
pub(super) fn log_mean(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() < 2 || !most.is_finite() {
        return most;
    }
    #[expect(clippy::cast_precision_loss, reason = "there are few worlds and boxes")]
    let mean = values.iter().map(|value| libm::exp(value - most)).sum::<f64>() / values.len() as f64;
    most + libm::log(mean)
}

/// The same of their sum.
fn log_sum(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are few boxes")]
    let count = values.len().max(1) as f64;
    log_mean(values) + libm::log(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pareto::{MAX_OBJECTIVES, hypervolume};
    use crate::random::{Purpose, Stream};
    use crate::samplers::surrogate::normal;

    /// Points in the unit cube, most of them on no front, and a reference that some are beyond.
    fn cloud(objectives: usize, count: usize, stream: &mut Stream) -> Vec<Vector> {
        let mut point = || {
            let mut vector = Vector::default();
            vector.iter_mut().take(objectives).for_each(|value| *value = stream.uniform());
            vector
        };
        (0..count).map(|_| point()).collect()
    }

    const REFERENCE: Vector = [0.9; MAX_OBJECTIVES];

    /// The mean of what is added, over normal draws, and its standard error.
    fn by_chance(points: &[Vector], beliefs: &[Belief], draws: usize, stream: &mut Stream) -> (f64, f64) {
        let volume = |points: &[Vector]| hypervolume(points, &REFERENCE, beliefs.len());
        let (before, mut all) = (volume(points), points.to_vec());
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..draws {
            let mut vector = Vector::default();
            for (value, of) in vector.iter_mut().zip(beliefs) {
                *value = of.mean + of.deviation * normal(stream);
            }
            all.push(vector);
            let gain = volume(&all) - before;
            all.pop();
            (sum, squares) = (sum + gain, squares + gain * gain);
        }
        let mean = sum / draws as f64;
        (mean, ((squares / draws as f64 - mean * mean) / draws as f64).sqrt())
    }

    #[test]
    fn gain_is_what_chance_finds_in_the_mean() {
        let mut stream = Stream::new(5, Purpose::Search, 0);
        for objectives in 1..=3 {
            for count in [0, 1, 2, 6, 12] {
                let points = cloud(objectives, count, &mut stream);
                let mut belief = || Belief { mean: 1.2 * stream.uniform() - 0.2, deviation: 0.05 + stream.uniform() };
                let beliefs: Vec<Belief> = (0..objectives).map(|_| belief()).collect();
                let found = libm::exp(Region::new(&points, &REFERENCE, objectives).log_gain(&beliefs));
                let (mean, error) = by_chance(&points, &beliefs, 6_000, &mut stream);
                assert!((found - mean).abs() < 4.5 * error, "{objectives} {count}: {found} {mean} {error}");
            }
        }
    }

    #[test]
    fn with_one_objective_it_is_expected_improvement() {
        let points = [[0.4, 0.0, 0.0, 0.0], [0.3, 0.0, 0.0, 0.0]];
        let region = Region::new(&points, &[f64::INFINITY; MAX_OBJECTIVES], 1);
        let gain = region.log_gain(&[Belief { mean: 0.5, deviation: 0.2 }]);
        assert_eq!(gain, log_ei(0.3, 0.5, 0.2));
    }

    #[test]
    fn gain_is_finite_wherever_a_value_may_be_and_falls_with_the_distance() {
        let mut stream = Stream::new(6, Purpose::Search, 0);
        for objectives in 2..=3 {
            let region = Region::new(&cloud(objectives, 9, &mut stream), &REFERENCE, objectives);
            for deviation in [1e-7, 1e-3, 1.0, 30.0] {
                let mut last = f64::INFINITY;
                for mean in [-700.0, -1.0, 0.0, 0.3, 0.5, 1.0, 7.0, 700.0, 1e4] {
                    let beliefs = vec![Belief { mean, deviation }; objectives];
                    let gain = region.log_gain_slope(&beliefs);
                    assert!(gain.value.is_finite() && gain.value < last, "{objectives} {deviation} {mean}: {gain:?}");
                    assert!(gain.slopes.iter().all(|(a, b)| a.is_finite() && b.is_finite()), "{gain:?}");
                    assert!((gain.value - region.log_gain(&beliefs)).abs() <= 1e-12 * gain.value.abs());
                    last = gain.value;
                }
            }
        }
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let mut stream = Stream::new(7, Purpose::Search, 0);
        for objectives in 1..=3 {
            let region = Region::new(&cloud(objectives, 7, &mut stream), &REFERENCE, objectives);
            for (mean, deviation) in [(0.1, 0.3), (0.8, 0.1), (2.0, 0.1), (9.0, 0.2), (-1.0, 0.5)] {
                let beliefs: Vec<Belief> =
                    (0..objectives).map(|k| Belief { mean: mean + 0.1 * k as f64, deviation }).collect();
                let gain = region.log_gain_slope(&beliefs);
                for at in 0..objectives {
                    let shifted = |mean: f64, deviation: f64| {
                        let mut beliefs = beliefs.clone();
                        beliefs[at].mean += mean;
                        beliefs[at].deviation += deviation;
                        region.log_gain(&beliefs)
                    };
                    let step = 1e-6;
                    let by_mean = (shifted(step, 0.0) - shifted(-step, 0.0)) / (2.0 * step);
                    let by_deviation = (shifted(0.0, step) - shifted(0.0, -step)) / (2.0 * step);
                    let (own_mean, own_deviation) = gain.slopes[at];
                    assert!((own_mean - by_mean).abs() < 1e-4 * (1.0 + by_mean.abs()), "{own_mean} {by_mean}");
                    let gap = (own_deviation - by_deviation).abs();
                    assert!(gap < 1e-4 * (1.0 + by_deviation.abs()), "{own_deviation} {by_deviation}");
                }
            }
        }
    }
}
