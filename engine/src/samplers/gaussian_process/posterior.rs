//! The Gaussian process given the evidence and what is pending, and the expected improvement under it.
//!
//! Pending trials count by fantasies (Snoek et al. 2012, section 3.2): some joint samples of the values that they may come to
//! have extend the evidence, each making a world of its own, and the improvement expected is the mean over the worlds. The
//! samples cost nothing beyond the factor's rows of the pending points: in the factor's own coordinates they are standard
//! normal numbers.

use super::kernel::{Axes, Hyper, matern, matern_slope};
use super::linear::{Lower, NotPositive, dot};
use crate::random::Stream;
use crate::samplers::surrogate::{Slope, log_ei, log_ei_slope, normal};

/// Worlds with pending trials; in opposite pairs, so that their mean is the model's own.
const WORLDS: usize = 8;

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
    /// The least mean at any known or pending point: what is to be improved on. Noise makes no best.
    best: f64,
}

impl<'a> Posterior<'a> {
    /// Conditions on known points with their standardized values and on pending points. Where doubles cannot tell two
    /// points apart, more noise is assumed; `None` when even much does not help.
    pub(super) fn new(
        axes: &'a Axes,
        hyper: &Hyper,
        known: &[(Vec<f64>, f64)],
        pending: &[Vec<f64>],
        stream: &mut Stream,
    ) -> Option<Self> {
        let points: Vec<Vec<f64>> = known.iter().map(|(point, _)| point).chain(pending).cloned().collect();
        let values: Vec<f64> = known.iter().map(|&(_, value)| value).collect();
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
        let white = factor.solve(&values);
        let worlds = if pending.is_empty() {
            vec![World::new(&factor, &hyper, &values, &white)]
        } else {
            let mut worlds = Vec::with_capacity(WORLDS);
            for _ in 0..WORLDS / 2 {
                let sample: Vec<f64> = pending.iter().map(|_| normal(stream)).collect();
                for sign in [1.0, -1.0] {
                    let mut white = white.clone();
                    white.extend(sample.iter().map(|x| sign * x));
                    worlds.push(World::new(&factor, &hyper, &values, &white));
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

    /// The logarithm of the improvement expected at a point as the kernel sees it.
    pub(super) fn merit(&self, features: &[f64]) -> f64 {
        let row = self.row(features);
        let deviation = self.deviation(&self.factor.solve(&row));
        let values: Vec<f64> =
            self.worlds.iter().map(|world| log_ei(world.best, dot(&row, &world.alpha), deviation)).collect();
        log_mean(&values)
    }

    /// The same, and how it changes by each axis; for names, nothing of use.
    pub(super) fn merit_slope(&self, features: &[f64]) -> (f64, Vec<f64>) {
        let (mut row, mut slopes) = (Vec::with_capacity(self.points.len()), Vec::with_capacity(self.points.len()));
        for point in &self.points {
            let (kernel, slope) = matern_slope(self.hyper.distance(self.axes, features, point));
            row.push(self.hyper.scale * kernel);
            slopes.push(self.hyper.scale * slope);
        }
        let white = self.factor.solve(&row);
        let deviation = self.deviation(&white);
        let back = self.factor.solve_transposed(&white);
        let worlds: Vec<Slope> =
            self.worlds.iter().map(|world| log_ei_slope(world.best, dot(&row, &world.alpha), deviation)).collect();
        let values: Vec<f64> = worlds.iter().map(|slope| slope.value).collect();
        let value = log_mean(&values);
        #[expect(clippy::cast_precision_loss, reason = "there are few worlds")]
        let count = worlds.len() as f64;
        let mut by_row = vec![0.0; row.len()];
        for (slope, world) in worlds.iter().zip(&self.worlds) {
            let share = libm::exp(slope.value - value) / count;
            let (by_mean, by_deviation) = (share * slope.by_mean, share * slope.by_deviation / deviation);
            for ((sum, alpha), back) in by_row.iter_mut().zip(&world.alpha).zip(&back) {
                *sum += by_mean * alpha - by_deviation * back;
            }
        }
        let mut gradient = vec![0.0; self.axes.len()];
        for ((point, slope), by_row) in self.points.iter().zip(&slopes).zip(&by_row) {
            let own = 2.0 * slope * by_row;
            for (sum, difference) in gradient.iter_mut().zip(self.axes.differences(features, point)) {
                *sum += own * difference;
            }
        }
        gradient.iter_mut().zip(&self.hyper.weights).for_each(|(g, w)| *g *= w);
        (value, gradient)
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
        let means = alpha.iter().take(factor.rows()).enumerate().map(|(at, alpha)| value(at) - hyper.noise * alpha);
        let best = means.fold(f64::INFINITY, f64::min);
        Self { alpha, best }
    }
}

/// The logarithm of the mean of what these are logarithms of.
fn log_mean(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() < 2 || !most.is_finite() {
        return most;
    }
    #[expect(clippy::cast_precision_loss, reason = "there are few worlds")]
    let mean = values.iter().map(|value| libm::exp(value - most)).sum::<f64>() / values.len() as f64;
    most + libm::log(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::parameter;
    use crate::random::Purpose;
    use crate::samplers::surrogate::Encoding;
    use crate::space::{Domain, Scale, Space};

    fn space() -> Space {
        let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
        Space { parameters: vec![parameter("x", domain.clone()), parameter("y", domain)] }
    }

    fn stream() -> Stream {
        Stream::new(1, Purpose::Search, 0)
    }

    fn hyper(noise: f64) -> Hyper {
        Hyper { weights: vec![9.0, 2.0], scale: 1.3, noise }
    }

    fn known() -> Vec<(Vec<f64>, f64)> {
        [(0.1, 0.2, 1.0), (0.5, 0.5, -1.0), (0.9, 0.3, 0.4), (0.3, 0.9, 0.1)].map(|(x, y, v)| (vec![x, y], v)).to_vec()
    }

    #[test]
    fn slope_is_that_of_differences() {
        let space = space();
        let axes = Axes::new(&Encoding::new(&space));
        for pending in [vec![], vec![vec![0.7, 0.7], vec![0.2, 0.4]]] {
            let posterior = Posterior::new(&axes, &hyper(1e-3), &known(), &pending, &mut stream()).unwrap();
            for point in [[0.4, 0.6], [0.05, 0.95], [0.5, 0.49]] {
                let (value, gradient) = posterior.merit_slope(&point);
                assert!((value - posterior.merit(&point)).abs() < 1e-12);
                for at in 0..2 {
                    let shifted = |by: f64| {
                        let mut point = point;
                        point[at] += by;
                        posterior.merit(&point)
                    };
                    let slope = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                    assert!((slope - gradient[at]).abs() < 1e-4 * (1.0 + slope.abs()), "{slope} {gradient:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_expected_where_a_trial_was_or_is_pending() {
        let space = space();
        let axes = Axes::new(&Encoding::new(&space));
        let alone = Posterior::new(&axes, &hyper(1e-6), &known(), &[], &mut stream()).unwrap();
        let spot = vec![0.55, 0.6];
        let pending = [spot.clone()];
        let with = Posterior::new(&axes, &hyper(1e-6), &known(), &pending, &mut stream()).unwrap();
        assert!(alone.merit(&spot) > -6.0, "{}", alone.merit(&spot));
        assert!(with.merit(&spot) < alone.merit(&spot) - 3.0, "{}", with.merit(&spot));
        assert!(alone.merit(&[0.5, 0.5]) < alone.merit(&spot) - 3.0);
    }

    #[test]
    fn the_same_point_twice_does_not_break_it() {
        let space = space();
        let axes = Axes::new(&Encoding::new(&space));
        let twice = vec![(vec![0.5, 0.5], 1.0), (vec![0.5, 0.5], -1.0), (vec![0.5, 0.5], 1.0)];
        let posterior = Posterior::new(&axes, &hyper(1e-6), &twice, &[], &mut stream()).unwrap();
        assert!(posterior.merit(&[0.2, 0.2]).is_finite());
    }
}
