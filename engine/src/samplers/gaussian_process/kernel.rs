//! Matern's kernel with smoothness 5/2 and a length scale for each axis.
//!
//! Numbers differ by the distance of their coordinates, names by being different at all. A parameter that does not exist
//! counts as the middle of its range, or as a name of its own: its parent tells the branches apart, and the kernel stays
//! positive definite, as it is one of points in a Euclidean space.

use crate::samplers::surrogate::{Encoding, Kind, is_active};

/// What is fitted: all larger than zero.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hyper {
    /// One over the squared length scale, for each axis of [`Axes`].
    pub(super) weights: Vec<f64>,
    /// The variance of the function.
    pub(super) scale: f64,
    /// The variance of the noise.
    pub(super) noise: f64,
}

/// The axes that the kernel sees: those that are not fixed.
#[derive(Clone, Debug)]
pub(super) struct Axes {
    /// The position in the space, and whether only equality matters.
    list: Vec<(usize, bool)>,
}

impl Axes {
    pub(super) fn new(encoding: &Encoding<'_>) -> Self {
        let axes = encoding.axes.iter().enumerate().filter(|(_, axis)| axis.kind != Kind::Fixed);
        Self { list: axes.map(|(at, axis)| (at, matches!(axis.kind, Kind::Named(_)))).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The positions of the axes in the space.
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> {
        self.list.iter().map(|&(at, _)| at)
    }

    /// A point of the space as the kernel sees it.
    pub(super) fn features(&self, point: &[f64]) -> Vec<f64> {
        let feature = |&(at, is_named): &(usize, bool)| {
            let coordinate = point.get(at).copied().unwrap_or(0.5);
            if is_named || is_active(coordinate) { coordinate } else { 0.5 }
        };
        self.list.iter().map(feature).collect()
    }

    /// The difference of two points on each axis: 0 or 1 for names.
    pub(super) fn differences<'a>(&'a self, a: &'a [f64], b: &'a [f64]) -> impl Iterator<Item = f64> {
        self.list.iter().zip(a.iter().zip(b)).map(|(&(_, is_named), (x, y))| match (is_named, x == y) {
            (true, same) => f64::from(u8::from(!same)),
            (false, _) => x - y,
        })
    }
}

impl Hyper {
    /// The squared distance of two points in length scales.
    pub(super) fn distance(&self, axes: &Axes, a: &[f64], b: &[f64]) -> f64 {
        axes.differences(a, b).zip(&self.weights).map(|(difference, weight)| weight * difference * difference).sum()
    }
}

/// Matern's kernel of variance 1 at a squared distance.
pub(super) fn matern(distance: f64) -> f64 {
    let root = (5.0 * distance).sqrt();
    (1.0 + root + 5.0 / 3.0 * distance) * libm::exp(-root)
}

/// The kernel and its derivative by the squared distance, which is finite at distance 0 too.
pub(super) fn matern_slope(distance: f64) -> (f64, f64) {
    let root = (5.0 * distance).sqrt();
    let decay = libm::exp(-root);
    ((1.0 + root + 5.0 / 3.0 * distance) * decay, -5.0 / 6.0 * (1.0 + root) * decay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_is_that_of_differences_also_at_no_distance() {
        assert_eq!(matern(0.0), 1.0);
        assert_eq!(matern_slope(0.0), (1.0, -5.0 / 6.0));
        for distance in [1e-6, 0.1, 1.0, 7.0, 100.0] {
            let step = distance * 1e-4;
            let slope = (matern(distance + step) - matern(distance - step)) / (2.0 * step);
            let (value, own) = matern_slope(distance);
            assert_eq!(value, matern(distance));
            assert!((own - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{distance}: {own} {slope}");
        }
        assert_eq!(matern(1e30), 0.0);
    }
}
