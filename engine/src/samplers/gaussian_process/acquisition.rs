//! How much is expected of a point: the logarithm of the improvement, of hypervolume where there are several objectives, in the mean over
//! the worlds that pending trials make.
//!
//! With several objectives each has a process of its own, and a world of all is made of one world of each. What is to be improved on
//! are the means at the points where trials are, because noise makes no best. Hypervolumes are measured on the standardized values, from
//! a tenth beyond the worst of the front in each objective, as BoTorch does. From beyond the worst of all trials, as Optuna does, most seems to be
//! gained where one objective is at its end and the others are as bad as can be.

use super::posterior::{Posterior, Prediction};
use super::region::{Belief, Gain, Region, log_mean};
use crate::pareto::{MAX_OBJECTIVES, Point, Vector, ranks, subset};

/// The most points of a front that count: those that cover most.
const MOST_ON_FRONT: usize = 60;

/// How far beyond the worst hypervolumes are measured from, as a share of the range.
const BEYOND: f64 = 0.1;

/// Who is worse than another by more than this many times what it is better by, in shares of the ranges, has no say in where that is.
const STEEP: f64 = 10.0;

#[derive(Clone, Debug)]
pub(super) struct Acquisition<'a> {
    /// One for each objective.
    posteriors: Vec<Posterior<'a>>,
    /// What is to be gained in each world.
    regions: Vec<Region>,
    /// How many points are on the front in the first world.
    front: usize,
}

impl<'a> Acquisition<'a> {
    pub(super) fn new(posteriors: Vec<Posterior<'a>>) -> Self {
        let worlds: Vec<Vec<&[f64]>> = posteriors.iter().map(|posterior| posterior.means().collect()).collect();
        let count = worlds.iter().map(Vec::len).min().unwrap_or(0);
        let mut front = 0;
        let regions = (0..count)
            .map(|at| {
                let means: Vec<&[f64]> = worlds.iter().filter_map(|worlds| worlds.get(at).copied()).collect();
                let (points, reference) = to_improve_on(&means);
                if at == 0 {
                    front = points.len();
                }
                Region::new(&points, &reference, means.len())
            })
            .collect();
        Self { posteriors, regions, front }
    }

    /// How many trials are on the front that is to be improved on.
    pub(super) fn front(&self) -> usize {
        self.front
    }

    /// The logarithm of the improvement expected at a point as the kernel sees it.
    pub(super) fn merit(&self, features: &[f64]) -> f64 {
        let predictions: Vec<Prediction> =
            self.posteriors.iter().map(|posterior| posterior.predict(features)).collect();
        let gain = |(world, region): (usize, &Region)| region.log_gain(&beliefs(predictions.iter(), world));
        let values: Vec<f64> = self.regions.iter().enumerate().map(gain).collect();
        log_mean(&values)
    }

    /// The same, and how it changes by each axis; for names, nothing of use.
    pub(super) fn merit_slope(&self, features: &[f64]) -> (f64, Vec<f64>) {
        let sloped: Vec<_> = self.posteriors.iter().map(|posterior| posterior.predict_sloped(features)).collect();
        let gains: Vec<_> = self
            .regions
            .iter()
            .enumerate()
            .map(|(world, region)| region.log_gain_slope(&beliefs(sloped.iter().map(|s| &s.prediction), world)))
            .collect();
        let values: Vec<f64> = gains.iter().map(|gain| gain.value).collect();
        let value = log_mean(&values);
        #[expect(clippy::cast_precision_loss, reason = "there are few worlds")]
        let count = gains.len() as f64;
        let mut gradient: Vec<f64> = Vec::new();
        for (objective, (posterior, at)) in self.posteriors.iter().zip(&sloped).enumerate() {
            let pull = |gain: &Gain| {
                let share = libm::exp(gain.value - value) / count;
                gain.slopes.get(objective).map_or((0.0, 0.0), |(mean, deviation)| (share * mean, share * deviation))
            };
            let pulls: Vec<(f64, f64)> = gains.iter().map(pull).collect();
            let own = posterior.slope(features, at, &pulls);
            if gradient.is_empty() {
                gradient = own;
            } else {
                gradient.iter_mut().zip(&own).for_each(|(sum, own)| *sum += own);
            }
        }
        (value, gradient)
    }

    /// The weights of the axes, one over the squared length scale: in the mean of the objectives.
    pub(super) fn weights(&self) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "there are few objectives")]
        let share = 1.0 / self.posteriors.len().max(1) as f64;
        let mut weights: Vec<f64> = Vec::new();
        for posterior in &self.posteriors {
            weights.resize(posterior.weights().len(), 0.0);
            weights.iter_mut().zip(posterior.weights()).for_each(|(sum, weight)| *sum += share * weight);
        }
        weights
    }
}

fn beliefs<'p>(predictions: impl Iterator<Item = &'p Prediction>, world: usize) -> Vec<Belief> {
    let belief =
        |prediction: &Prediction| Some(Belief { mean: *prediction.means.get(world)?, deviation: prediction.deviation });
    predictions.filter_map(belief).collect()
}

/// Whom to improve on, by the means of each objective at the same points, and where hypervolumes are measured from.
fn to_improve_on(means: &[&[f64]]) -> (Vec<Vector>, Vector) {
    let objectives = means.len();
    let count = means.iter().map(|means| means.len()).min().unwrap_or(0);
    let all: Vec<Point> = (0..count)
        .map(|at| {
            let mut vector = Vector::default();
            for (own, means) in vector.iter_mut().zip(means) {
                *own = means.get(at).copied().unwrap_or(0.0);
            }
            Point { vector, violation: 0.0 }
        })
        .collect();
    if objectives < 2 {
        return (all.iter().map(|point| point.vector).collect(), [f64::INFINITY; MAX_OBJECTIVES]);
    }
    let ranks = ranks(&all, objectives);
    let front: Vec<Vector> =
        all.iter().zip(ranks).filter(|(_, rank)| *rank == 0).map(|(point, _)| point.vector).collect();
    let front = if front.len() > MOST_ON_FRONT {
        let chosen = subset(&front, objectives, MOST_ON_FRONT);
        chosen.into_iter().filter_map(|at| front.get(at).copied()).collect()
    } else {
        front
    };
    let reference = reference(&front, objectives);
    (front, reference)
}

/// Where hypervolumes are measured from. Of the front, who is hardly better than another in some objectives and much worse in others
/// has no say, the clearest case first (as in Geoffrion's proper efficiency, 1968): where an objective is at its end, what the model errs by puts
/// points on the front however bad they are in the others.
fn reference(front: &[Vector], objectives: usize) -> Vector {
    let mut counted: Vec<&Vector> = front.iter().collect();
    let mut ranges = ranges(&counted, objectives);
    while let Some(most_beaten) = most_beaten(&counted, &ranges) {
        counted.remove(most_beaten);
        ranges = self::ranges(&counted, objectives);
    }
    let mut reference = Vector::default();
    for (own, (low, high)) in reference.iter_mut().zip(ranges) {
        *own = high + if high > low { BEYOND * (high - low) } else { 1.0 };
    }
    reference
}

/// From where to where the points go in each objective.
fn ranges(points: &[&Vector], objectives: usize) -> Vec<(f64, f64)> {
    let range = |axis: usize| {
        let values = points.iter().filter_map(|point| point.get(axis)).copied();
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    };
    (0..objectives).map(range).collect()
}

/// Who is worst beside another of the points for next to nothing, in shares of the ranges.
fn most_beaten(points: &[&Vector], ranges: &[(f64, f64)]) -> Option<usize> {
    let share = |(value, (low, high)): (&f64, &(f64, f64))| if high > low { (value - low) / (high - low) } else { 0.0 };
    let shares: Vec<Vec<f64>> = points.iter().map(|point| point.iter().zip(ranges).map(share).collect()).collect();
    let lead = |own: &[f64], other: &[f64]| {
        let gaps = || own.iter().zip(other).map(|(own, other)| own - other);
        let (loss, gain) = (gaps().fold(0.0, f64::max), -gaps().fold(0.0, f64::min));
        if loss > STEEP * gain { loss } else { 0.0 }
    };
    let leads = shares.iter().map(|own| shares.iter().map(|other| lead(own, other)).fold(0.0, f64::max));
    let most = leads.enumerate().fold((0, 0.0), |most, (at, lead)| if lead > most.1 { (at, lead) } else { most });
    (most.1 > 0.0).then_some(most.0)
}

#[cfg(test)]
#[path = "acquisition_tests.rs"]
mod tests;
