//! The multivariate normal distribution of CMA-ES, and what it learns from a population.
//!
//! After Hansen, "The CMA evolution strategy: a tutorial" (arXiv 1604.00772), with active weights. In separable form
//! (Ros and Hansen, PPSN X, 2008) only variances are learned, faster by a factor of (d + 2) / 3. Points that were not
//! drawn from the present distribution are taken as injected (Hansen, arXiv 1110.4181): their steps are shortened to a
//! length that the distribution could have drawn.

use super::matrix::{eigen, times, times_transposed};

/// The smallest and the largest step size, and eigenvalue of the shape.
const BOUNDS: std::ops::RangeInclusive<f64> = 1e-30..=1e30;

/// A normal distribution on the unit cube's coordinates.
#[derive(Clone, Debug)]
pub(super) struct Gaussian {
    /// The centre.
    pub(super) mean: Vec<f64>,
    /// The step size.
    pub(super) sigma: f64,
    /// What the margin widens each coordinate by.
    pub(super) widths: Vec<f64>,
    /// The shape, row by row.
    shape: Vec<f64>,
    /// Its eigenvectors, as columns.
    basis: Vec<f64>,
    /// The roots of its eigenvalues.
    axes: Vec<f64>,
    path_sigma: Vec<f64>,
    path_shape: Vec<f64>,
    updates: u32,
    is_separable: bool,
}

/// A member of a population.
#[derive(Clone, Debug)]
pub(super) struct Member<'p> {
    /// Its place.
    pub(super) point: &'p [f64],
    /// Whether it was drawn from another distribution than the present one.
    pub(super) is_injected: bool,
}

/// What the size of a population and the number of coordinates fix.
struct Rates {
    weights: Vec<f64>,
    parents: usize,
    mass: f64,
    path_sigma: f64,
    damping: f64,
    path_shape: f64,
    rank_one: f64,
    rank_mu: f64,
}

#[expect(clippy::cast_precision_loss, reason = "populations and dimensions are small")]
impl Rates {
    fn new(population: usize, dimensions: usize, is_separable: bool) -> Self {
        let (lambda, d) = (population as f64, dimensions as f64);
        let raw: Vec<f64> =
            (0..population).map(|i| libm::log((lambda + 1.0) / 2.0) - libm::log(i as f64 + 1.0)).collect();
        let parents = (population / 2).max(1);
        let (best, rest) = raw.split_at(parents);
        let mass = |w: &[f64]| {
            let (sum, squares) = (w.iter().sum::<f64>(), w.iter().map(|w| w * w).sum::<f64>());
            if squares > 0.0 { sum * sum / squares } else { 1.0 }
        };
        let (mu, mu_rest) = (mass(best), mass(rest));
        let path_sigma = (mu + 2.0) / (d + mu + 5.0);
        let damping = 1.0 + 2.0 * (((mu - 1.0) / (d + 1.0)).max(0.0).sqrt() - 1.0).max(0.0) + path_sigma;
        let path_shape = (4.0 + mu / d) / (d + 4.0 + 2.0 * mu / d);
        let faster = if is_separable { (d + 2.0) / 3.0 } else { 1.0 };
        let rank_one = (faster * 2.0 / ((d + 1.3) * (d + 1.3) + mu)).min(0.5);
        let rank_mu = (faster * 2.0 * (mu - 2.0 + 1.0 / mu) / ((d + 2.0) * (d + 2.0) + mu)).clamp(0.0, 1.0 - rank_one);
        let least = (1.0 + rank_one / rank_mu.max(1e-12))
            .min(1.0 + 2.0 * mu_rest / (mu + 2.0))
            .min((1.0 - rank_one - rank_mu) / (d * rank_mu.max(1e-12)));
        let (good, bad) = (best.iter().sum::<f64>(), rest.iter().map(|w| w.abs()).sum::<f64>());
        let scale = |&w: &f64| if w >= 0.0 { w / good } else { least * w / bad.max(1e-12) };
        Self {
            weights: raw.iter().map(scale).collect(),
            parents,
            mass: mu,
            path_sigma,
            damping,
            path_shape,
            rank_one,
            rank_mu,
        }
    }
}

/// The weights with which the better half of a population, the best first, is recombined; they sum to one.
pub(super) fn recombination(population: usize) -> Vec<f64> {
    let rates = Rates::new(population, 1, false);
    rates.weights.into_iter().take(rates.parents).collect()
}

impl Gaussian {
    /// A ball.
    pub(super) fn new(mean: Vec<f64>, sigma: f64, is_separable: bool) -> Self {
        let d = mean.len();
        let mut identity = vec![0.0; d * d];
        (0..d).for_each(|i| identity[i * d + i] = 1.0);
        Self {
            mean,
            sigma,
            widths: vec![1.0; d],
            shape: identity.clone(),
            basis: identity,
            axes: vec![1.0; d],
            path_sigma: vec![0.0; d],
            path_shape: vec![0.0; d],
            updates: 0,
            is_separable,
        }
    }

    /// The point that a standard normal vector becomes.
    pub(super) fn at(&self, normal: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = normal.iter().zip(&self.axes).map(|(z, axis)| z * axis).collect();
        let step = times(&self.basis, &scaled);
        let rest = self.mean.iter().zip(&self.widths);
        step.iter().zip(rest).map(|(y, (mean, width))| mean + self.sigma * width * y).collect()
    }

    /// The standard deviation of a coordinate.
    pub(super) fn deviation(&self, at: usize) -> f64 {
        let variance = self.shape.get(at * self.mean.len() + at).copied().unwrap_or(1.0);
        self.sigma * self.widths.get(at).copied().unwrap_or(1.0) * variance.max(0.0).sqrt()
    }

    /// The shape's condition: the largest eigenvalue over the smallest.
    pub(super) fn condition(&self) -> f64 {
        let (low, high) = self.axes.iter().fold((f64::MAX, 0.0_f64), |(low, high), &a| (low.min(a), high.max(a)));
        if high > 0.0 { (high / low) * (high / low) } else { 1.0 }
    }

    /// Learns from a population, the best first.
    #[expect(clippy::cast_precision_loss, reason = "populations and dimensions are small")]
    pub(super) fn update(&mut self, population: &[Member<'_>]) {
        let d = self.mean.len();
        if d == 0 || population.is_empty() {
            return;
        }
        let (rates, n) = (Rates::new(population.len(), d, self.is_separable), d as f64);
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let longest = n.sqrt() + 2.0 * n / (n + 2.0);
        let mut steps = Vec::new();
        for member in population {
            let parts = member.point.iter().zip(&self.mean).zip(&self.widths);
            let mut step: Vec<f64> = parts.map(|((x, mean), width)| (x - mean) / (self.sigma * width)).collect();
            let length = norm(&self.whiten(&step));
            if member.is_injected && length > longest {
                step.iter_mut().for_each(|y| *y *= longest / length);
            }
            steps.push((step, length.min(if member.is_injected { longest } else { f64::MAX })));
        }
        let mut shift = vec![0.0; d];
        for ((step, _), weight) in steps.iter().zip(&rates.weights).take(rates.parents) {
            shift.iter_mut().zip(step).for_each(|(s, y)| *s += weight * y);
        }
        self.mean.iter_mut().zip(&shift).for_each(|(mean, y)| *mean += self.sigma * y);

        let white = times(&self.basis, &self.whiten(&shift));
        let push = (rates.path_sigma * (2.0 - rates.path_sigma) * rates.mass).sqrt();
        self.path_sigma.iter_mut().zip(&white).for_each(|(p, y)| *p = (1.0 - rates.path_sigma) * *p + push * y);
        let expected = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        self.updates = self.updates.saturating_add(1);
        let warm = 1.0 - libm::pow(1.0 - rates.path_sigma, 2.0 * f64::from(self.updates));
        let length = norm(&self.path_sigma);
        let is_slow = length / warm.sqrt() < (1.4 + 2.0 / (n + 1.0)) * expected;
        let push = if is_slow { (rates.path_shape * (2.0 - rates.path_shape) * rates.mass).sqrt() } else { 0.0 };
        self.path_shape.iter_mut().zip(&shift).for_each(|(p, y)| *p = (1.0 - rates.path_shape) * *p + push * y);

        let weight_sum: f64 = rates.weights.iter().sum();
        let lost = if is_slow { 0.0 } else { rates.rank_one * rates.path_shape * (2.0 - rates.path_shape) };
        let kept = 1.0 + lost - rates.rank_one - rates.rank_mu * weight_sum;
        for i in 0..d {
            for j in 0..=i {
                if self.is_separable && i != j {
                    continue;
                }
                let mut sum = 0.0;
                for ((step, length), &weight) in steps.iter().zip(&rates.weights) {
                    let weight = if weight < 0.0 { weight * n / (length * length).max(1e-20) } else { weight };
                    sum += weight * step[i] * step[j];
                }
                let path = self.path_shape[i] * self.path_shape[j];
                let value = kept * self.shape[i * d + j] + rates.rank_one * path + rates.rank_mu * sum;
                self.shape[i * d + j] = value;
                self.shape[j * d + i] = value;
            }
        }
        let factor = libm::exp(((rates.path_sigma / rates.damping) * (length / expected - 1.0)).min(1.0));
        self.sigma = (self.sigma * factor).clamp(*BOUNDS.start(), *BOUNDS.end());
        self.refresh();
    }

    /// The step as the standard normal vector that would have made it, in the shape's own axes.
    fn whiten(&self, step: &[f64]) -> Vec<f64> {
        times_transposed(&self.basis, step).iter().zip(&self.axes).map(|(y, axis)| y / axis).collect()
    }

    /// Computes the axes of the shape anew.
    fn refresh(&mut self) {
        let d = self.mean.len();
        let values = if self.is_separable {
            (0..d).map(|i| self.shape[i * d + i]).collect()
        } else {
            let (values, basis) = eigen(&self.shape, d);
            self.basis = basis;
            values
        };
        let least = values.iter().fold(0.0_f64, |most, &value| most.max(value)).max(*BOUNDS.start()) * 1e-20;
        self.axes = values.iter().map(|value| value.clamp(least, *BOUNDS.end()).sqrt()).collect();
    }
}
