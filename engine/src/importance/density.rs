//! Densities on a grid, from how often each of its points was taken: kernels of Scott's width, and one trial's worth of a prior.

use super::mass;

/// The weight of the prior: that of one trial.
const PRIOR: f64 = 1.0;

/// Nine tenths of a kernel fit into one cell of the grid, at least.
const NARROWEST: f64 = 0.5 / 1.64;

/// A density at each point of a grid; it sums to 1.
#[derive(Debug)]
pub(super) struct Density(pub(super) Vec<f64>);

impl Density {
    /// On points with an order: truncated normal distributions around the points that were taken (Scott, Multivariate Density
    /// Estimation, 1992), and a wide one around the middle.
    #[expect(clippy::cast_precision_loss, reason = "a grid has few points")]
    pub(super) fn ordered(counts: &[u32]) -> Self {
        let last = counts.len().saturating_sub(1) as f64;
        let width = width(counts);
        let taken = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let kernels = taken.map(|(at, &count)| (f64::from(count), at as f64, width));
        let kernels: Vec<(f64, f64, f64)> = kernels.chain([(PRIOR, last / 2.0, last + 1.0)]).collect();
        let weight: f64 = kernels.iter().map(|(weight, ..)| weight).sum();
        let mut density = vec![0.0; counts.len()];
        for (share, middle, width) in kernels {
            let at = |x: f64| (x - middle) / width;
            let whole = mass(at(-0.5), at(last + 0.5));
            for (point, sum) in density.iter_mut().enumerate() {
                let x = point as f64;
                *sum += share / weight * mass(at(x - 0.5), at(x + 0.5)) / whole;
            }
        }
        Self(density)
    }

    /// On points without an order: each that was taken, leaking a little to all.
    #[expect(clippy::cast_precision_loss, reason = "a grid has few points")]
    pub(super) fn names(counts: &[u32]) -> Self {
        let taken = counts.iter().filter(|count| **count > 0).count() as f64;
        let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
        let points = counts.len() as f64;
        let leak = PRIOR / (taken + 1.0);
        let (own, other) = ((1.0 + leak) / (1.0 + points * leak), leak / (1.0 + points * leak));
        let density = |&count: &u32| {
            let own_share = f64::from(count) * own + (total - f64::from(count)) * other;
            (own_share + PRIOR / points) / (total + PRIOR)
        };
        Self(counts.iter().map(density).collect())
    }
}

/// Scott's rule, with the narrower of the deviation and the scaled distance of the quartiles.
#[expect(clippy::cast_precision_loss, reason = "a grid has few points")]
fn width(counts: &[u32]) -> f64 {
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let trials = total as f64;
    let sum = |of: &dyn Fn(f64) -> f64| {
        counts.iter().enumerate().map(|(at, &count)| f64::from(count) * of(at as f64)).sum::<f64>()
    };
    let mean = sum(&|at| at) / trials;
    let deviation = (sum(&|at| (at - mean) * (at - mean)) / (trials - 1.0).max(1.0)).sqrt();
    let (mut cumulated, mut lower, mut upper) = (0_u64, None, 0);
    for (at, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        if cumulated <= total * 3 / 4 {
            upper = at;
        }
        cumulated += u64::from(count);
        if cumulated >= total / 4 {
            lower = lower.or(Some(at));
        }
    }
    let quartiles = (upper - lower.unwrap_or(upper).min(upper)) as f64;
    (1.059 * (quartiles / 1.34).min(deviation) * libm::pow(trials, -0.2)).max(NARROWEST)
}
