//! The Gaussian process of one objective, given the evidence and what is pending.
//!
//! Pending trials count by fantasies (Snoek et al. 2012, section 3.2): some joint samples of the values that they may come to
//! have extend the evidence, each making a world of its own. The
//! samples cost nothing beyond the factor's rows of the pending points: in the factor's own coordinates they are standard
//! normal numbers.

use super::kernel::{Axes, Hyper, matern, matern_slope};
use super::linear::{Lower, NotPositive, dot};
use crate::random::Stream;
use crate::samplers::surrogate::normal;

/// What a process is conditioned on; points are as the kernel sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'s> {
    pub(super) known: &'s [Vec<f64>],
    /// Where trials are pending.
    pub(super) pending: &'s [Vec<f64>],
    /// How many worlds there are if any is: an even number, as they come in opposite pairs, so that their mean is the model's own.
    pub(super) worlds: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Posterior<'a> {
    axes: &'a Axes,
    hyper: Hyper,
    /// Known and pending points as the kernel sees them.
    points: Vec<Vec<f64>>,
    factor: Lower,
    worlds: Vec<World>,
}

#[derive(Clone, Debug)]
struct World {
    /// The matrix's inverse times the values.
    alpha: Vec<f64>,
    /// The mean at each known and pending point.
    means: Vec<f64>,
}

/// What the process says of a point.
#[derive(Clone, Debug)]
pub(super) struct Prediction {
    /// In each world.
    pub(super) means: Vec<f64>,
    /// The same in all of them.
    pub(super) deviation: f64,
}

/// A prediction, and what its slope is made of.
#[derive(Clone, Debug)]
pub(super) struct Sloped {
    pub(super) prediction: Prediction,
    /// How the kernel between the point and each other one changes with their squared distance.
    slopes: Vec<f64>,
    /// The matrix's inverse times the kernel between the point and all others.
    back: Vec<f64>,
}

impl<'a> Posterior<'a> {
    /// Conditions on known points with their standardized values and on pending points. Where doubles cannot tell two
    /// points apart, more noise is assumed; `None` when even much does not help.
    pub(super) fn new(
        axes: &'a Axes,
        hyper: &Hyper,
        seen: Seen<'_>,
        values: &[f64],
        stream: &mut Stream,
    ) -> Option<Self> {
        let Seen { known, pending, worlds } = seen;
        let points: Vec<Vec<f64>> = known.iter().chain(pending).cloned().collect();
        let mut hyper = hyper.clone();
        let mut factor = Err(NotPositive);
        for _ in 0..8 {
            factor = factorize(axes, &hyper, &points);
            if factor.is_ok() {
                break;
            }
            hyper.noise *= 10.0;
        }
        let factor = factor.ok()?;
        let white = factor.solve(values);
        let worlds = if pending.is_empty() {
            vec![World::new(&factor, &hyper, values, &white)]
        } else {
            let count = worlds;
            let mut worlds = Vec::with_capacity(count);
            for _ in 0..count / 2 {
                let sample: Vec<f64> = pending.iter().map(|_| normal(stream)).collect();
                for sign in [1.0, -1.0] {
                    let mut white = white.clone();
                    white.extend(sample.iter().map(|x| sign * x));
                    worlds.push(World::new(&factor, &hyper, values, &white));
                }
            }
            worlds
        };
        Some(Self { axes, hyper, points, factor, worlds })
    }

    /// The kernel between a point and all others.
    fn row(&self, features: &[f64]) -> Vec<f64> {
        let kernel = |point: &Vec<f64>| self.hyper.scale * matern(self.hyper.distance(self.axes, features, point));
        self.points.iter().map(kernel).collect()
    }

    fn deviation(&self, white: &[f64]) -> f64 {
        let scale = self.hyper.scale;
        (scale - dot(white, white)).max(scale * 1e-12).sqrt()
    }

    /// What is thought of a point as the kernel sees it.
    pub(super) fn predict(&self, features: &[f64]) -> Prediction {
        let row = self.row(features);
        let deviation = self.deviation(&self.factor.solve(&row));
        Prediction { means: self.worlds.iter().map(|world| dot(&row, &world.alpha)).collect(), deviation }
    }

    /// The same, ready for [`Self::slope`].
    pub(super) fn predict_sloped(&self, features: &[f64]) -> Sloped {
        let (mut row, mut slopes) = (Vec::with_capacity(self.points.len()), Vec::with_capacity(self.points.len()));
        for point in &self.points {
            let (kernel, slope) = matern_slope(self.hyper.distance(self.axes, features, point));
            row.push(self.hyper.scale * kernel);
            slopes.push(self.hyper.scale * slope);
        }
        let white = self.factor.solve(&row);
        let deviation = self.deviation(&white);
        let back = self.factor.solve_transposed(&white);
        let means = self.worlds.iter().map(|world| dot(&row, &world.alpha)).collect();
        Sloped { prediction: Prediction { means, deviation }, slopes, back }
    }

    /// How something changes by each axis that changes so with each world's mean and with the deviation there; for names,
    /// nothing of use.
    pub(super) fn slope(&self, features: &[f64], at: &Sloped, pulls: &[(f64, f64)]) -> Vec<f64> {
        let mut by_row = vec![0.0; self.points.len()];
        for (&(by_mean, by_deviation), world) in pulls.iter().zip(&self.worlds) {
            let by_deviation = by_deviation / at.prediction.deviation;
            for ((sum, alpha), back) in by_row.iter_mut().zip(&world.alpha).zip(&at.back) {
                *sum += by_mean * alpha - by_deviation * back;
            }
        }
        let mut gradient = vec![0.0; self.axes.len()];
        for ((point, slope), by_row) in self.points.iter().zip(&at.slopes).zip(&by_row) {
            let own = 2.0 * slope * by_row;
            for (sum, difference) in gradient.iter_mut().zip(self.axes.differences(features, point)) {
                *sum += own * difference;
            }
        }
        gradient.iter_mut().zip(&self.hyper.weights).for_each(|(g, w)| *g *= w);
        gradient
    }

    /// In each world, the mean at each known and pending point. Noise is no part of it.
    pub(super) fn means(&self) -> impl Iterator<Item = &[f64]> {
        self.worlds.iter().map(|world| world.means.as_slice())
    }

    /// The weights of the axes: one over the squared length scale.
    pub(super) fn weights(&self) -> &[f64] {
        &self.hyper.weights
    }
}

fn factorize(axes: &Axes, hyper: &Hyper, points: &[Vec<f64>]) -> Result<Lower, NotPositive> {
    let mut factor = Lower::default();
    for (at, point) in points.iter().enumerate() {
        let others = points.iter().take(at);
        let mut row: Vec<f64> = others.map(|other| hyper.scale * matern(hyper.distance(axes, point, other))).collect();
        row.push(hyper.scale + hyper.noise);
        factor.extend_factor(&row)?;
    }
    Ok(factor)
}

impl World {
    /// A world from its values in the factor's coordinates.
    fn new(factor: &Lower, hyper: &Hyper, values: &[f64], white: &[f64]) -> Self {
        let alpha = factor.solve_transposed(white);
        // The mean at a point of the matrix is its value less the noise's share of it.
        let value =
            |at: usize| values.get(at).copied().unwrap_or_else(|| dot(factor.row(at), white.get(..=at).unwrap_or(&[])));
        let means =
            alpha.iter().take(factor.rows()).enumerate().map(|(at, alpha)| value(at) - hyper.noise * alpha).collect();
        Self { alpha, means }
    }
}
