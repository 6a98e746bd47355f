//! Spearman's rank correlation, ties with their mean rank, and how far it can be trusted.
//!
//! The interval is laid around Fisher's transformation of the estimate, `z = atanh(r)`. Its half width is the larger of two, so that it covers
//! the truth as often as it says whether or not the values are like normal ones:
//!
//! - that of Bonett and Wright (Psychometrika 65, 2000), the normal quantile times the root of `(1 + r^2 / 2) / (n - 3)`, which is
//!   right for normal values and in small samples, and too narrow where some trainings diverge or curves of two kinds are mixed;
//! - Student's quantile times the deviation that the pairs' own influence on the estimate shows (the infinitesimal jackknife; Efron,
//!   The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 6), which asks nothing of the values.

use super::{Correlation, FEWEST_PAIRS};

/// The normal quantile of an interval that covers 95 in a hundred.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// The rank correlation of pairs; `None` when they are too few.
#[must_use]
pub fn correlation(from: usize, to: usize, pairs: &[(f64, f64)]) -> Option<Correlation> {
    if pairs.len() < FEWEST_PAIRS {
        return None;
    }
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (x, y) = (Ranks::of(&x), Ranks::of(&y));
    let scale = libm::sqrt(dot(&x.centred, &x.centred) * dot(&y.centred, &y.centred));
    // A constant metric orders nobody: what it says about the other level is nothing, and not safe.
    let estimate = if scale > 0.0 { (dot(&x.centred, &y.centred) / scale).clamp(-1.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "there are few pairs")]
    let count = pairs.len() as f64;
    // Perfect agreement would be transformed to infinity and have no width: it is taken as the strongest that is not perfect.
    let strongest = 1.0 - 12.0 / (count * (count * count - 1.0));
    let bounded = estimate.clamp(-strongest, strongest);
    let of_normal_values = QUANTILE * libm::sqrt((1.0 + estimate * estimate / 2.0) / (count - 3.0));
    let influence = if scale > 0.0 { influence(&x, &y, estimate) } else { Vec::new() };
    let deviation = libm::sqrt(dot(&influence, &influence) / (count * (count - 2.0)));
    let of_these_values = student(count - 2.0) * deviation / (1.0 - bounded * bounded);
    let half = of_normal_values.max(of_these_values);
    let end = |sign: f64| libm::tanh(libm::atanh(bounded) + sign * half);
    let (low, high) = (end(-1.0).min(estimate), end(1.0).max(estimate));
    Some(Correlation { from, to, pairs: pairs.len(), estimate, low, high })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The quantile of Student's distribution that belongs to [`QUANTILE`] (Abramowitz and Stegun, 26.7.5).
fn student(freedom: f64) -> f64 {
    let z = QUANTILE;
    let (cube, fifth) = (z * z * z, z * z * z * z * z);
    z + (cube + z) / (4.0 * freedom) + (5.0 * fifth + 16.0 * cube + 3.0 * z) / (96.0 * freedom * freedom)
}

/// By how much the estimate would change if there were a little more of each pair, less the mean of all.
fn influence(x: &Ranks, y: &Ranks, estimate: f64) -> Vec<f64> {
    // A pair counts by its own ranks, and by those of all above it, which it raises.
    let of = |a: &Ranks, b: &Ranks| {
        let (through_a, through_b) = (a.above(&b.centred), b.above(&a.centred));
        let own = a.centred.iter().zip(&b.centred).map(|(a, b)| a * b);
        let all: Vec<f64> = own.zip(through_a.iter().zip(&through_b)).map(|(own, (a, b))| own + a + b).collect();
        centred(all)
    };
    #[expect(clippy::cast_precision_loss, reason = "there are few pairs")]
    let mean_square = |ranks: &Ranks| dot(&ranks.centred, &ranks.centred) / ranks.centred.len() as f64;
    let (square_x, square_y) = (mean_square(x), mean_square(y));
    let scale = libm::sqrt(square_x * square_y);
    let (both, of_x, of_y) = (of(x, y), of(x, x), of(y, y));
    let spread = of_x.iter().zip(&of_y).map(|(of_x, of_y)| of_x / square_x + of_y / square_y);
    both.iter().zip(spread).map(|(both, spread)| both / scale - estimate / 2.0 * spread).collect()
}

/// Values less their mean.
fn centred(mut values: Vec<f64>) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "there are few pairs")]
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    values
}

/// The ranks of some values.
pub(super) struct Ranks {
    /// From 1, ties with their mean rank, less the mean of all.
    pub(super) centred: Vec<f64>,
    /// Of each value, how many are below it, and how many are not above it.
    among: Vec<(usize, usize)>,
    /// The values' places, from the lowest value.
    order: Vec<usize>,
}

impl Ranks {
    #[expect(clippy::cast_precision_loss, reason = "there are few pairs")]
    pub(super) fn of(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        let value = |&at: &usize| values.get(at).copied().unwrap_or(f64::NAN);
        order.sort_by(|a, b| value(a).total_cmp(&value(b)));
        let sorted: Vec<f64> = order.iter().map(value).collect();
        let middle = (values.len() + 1) as f64 / 2.0;
        let among =
            |own: &f64| (sorted.partition_point(|other| other < own), sorted.partition_point(|other| other <= own));
        let among: Vec<(usize, usize)> = values.iter().map(among).collect();
        let centred = among.iter().map(|(below, up_to)| (below + up_to + 1) as f64 / 2.0 - middle).collect();
        Self { centred, among, order }
    }

    /// Of each value, the weights of all that are above it and half of those that are equal.
    fn above(&self, weights: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for weight in self.order.iter().filter_map(|&at| weights.get(at)) {
            sum += weight;
            sums.push(sum);
        }
        let up_to = |count: usize| sums.get(count).copied().unwrap_or(sum);
        let above = |&(below, not_above): &(usize, usize)| sum - (up_to(below) + up_to(not_above)) / 2.0;
        self.among.iter().map(above).collect()
    }
}
