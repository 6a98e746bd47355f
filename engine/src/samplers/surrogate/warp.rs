//! Values made fit for a model, against heavy tails: half-rank warping.
//!
//! As in Vizier (Song et al. 2024, "The Vizier Gaussian Process Bandit Algorithm", section 4.1): the better half keeps its
//! distances; the worse half, where only the order matters to an optimizer, is laid along the tail of the normal
//! distribution that the better half suggests. Against one value that is better by many orders of magnitude, distances from the
//! median beyond [`LINEAR`] times the better half's spread grow by their logarithm only. Then everything is standardized.

use crate::normal::quantile;

/// How many spreads from the median values are left as they are.
const LINEAR: f64 = 8.0;

/// Beyond this, a double's square overflows; values that large count as this large.
const MOST: f64 = 1e150;

/// The values with mean 0 and variance 1, in their order: smaller is better, equal stays equal. Not finite ones count as
/// the largest.
///
/// `typical` are the values that say what is usual; they need not be all, nor any. Values up to the largest of `kept` that is within [`LINEAR`]
/// spreads of the better half keep their distances as if they were of it.
pub(in crate::samplers) fn warp(values: &[f64], typical: &[f64], kept: &[f64]) -> Vec<f64> {
    let clip = |value: &f64| if value.is_finite() { value.clamp(-MOST, MOST) } else { MOST };
    let clipped: Vec<f64> = values.iter().map(clip).collect();
    let mut sorted: Vec<f64> = typical.iter().map(clip).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&median) = sorted.get(sorted.len() / 2) else { return Vec::new() };
    let spread = |from: f64| {
        let better: Vec<f64> = sorted.iter().map(|value| from - value).filter(|&gap| gap > 0.0).collect();
        root_mean_square(&better)
    };
    let reach = median + LINEAR * spread(median);
    let median = kept.iter().copied().filter(|&value| value <= reach.min(MOST)).fold(median, f64::max);
    let spread = spread(median);
    // More than half may be equal, and best: then the worse ones say what a unit is.
    let spread = if spread > 0.0 { spread } else { 1.0 };
    #[expect(clippy::cast_precision_loss, reason = "a study has few trials beside 2^53")]
    let share = |value: f64| {
        // The middle of the ranks that equal values share.
        let (below, upto) = (sorted.partition_point(|&x| x < value), sorted.partition_point(|&x| x <= value));
        // What is worse than all that is typical is as bad as the worst of it: the tail has no end to lay it on.
        (below + upto).min(2 * sorted.len() - 1) as f64 / (2 * sorted.len()) as f64
    };
    let middle = share(median);
    let warped: Vec<f64> = clipped
        .iter()
        .map(|&value| {
            let gap = (median - value) / spread;
            if gap > LINEAR {
                -LINEAR - libm::log1p(gap - LINEAR)
            } else if gap >= 0.0 {
                -gap
            } else {
                // From the median's own share, so that the tail begins at nothing however many are equal to it.
                quantile(0.5 + 0.5 * (share(value) - middle) / (1.0 - middle))
            }
        })
        .collect();
    standardize(&warped)
}

fn standardize(values: &[f64]) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a study has few trials beside 2^53")]
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let deviation = root_mean_square(&centred);
    let deviation = if deviation > 0.0 { deviation } else { 1.0 };
    centred.iter().map(|value| value / deviation).collect()
}

fn root_mean_square(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a study has few trials beside 2^53")]
    let count = values.len().max(1) as f64;
    (values.iter().map(|value| value / count * value).sum::<f64>()).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn warp_all(values: &[f64]) -> Vec<f64> {
        warp(values, values, &[])
    }

    #[test]
    fn one_wild_value_does_not_flatten_the_others() {
        let tame = [3.0, 1.0, 2.0, 4.0, 0.5, 2.5];
        for wild in [1e3, 1e30, 1e300, f64::MAX, f64::INFINITY, f64::NAN] {
            let warped = warp_all(&[&tame[..], &[wild]].concat());
            let spread = |i: usize, j: usize| (warped[i] - warped[j]).abs();
            assert!(warped[6] < 3.0 && spread(0, 1) > 0.5 && spread(1, 4) > 0.2, "{wild}: {warped:?}");
        }
        let warped = warp_all(&[&tame[..], &[-1e300]].concat());
        assert!(warped.iter().all(|x| x.abs() < 700.0), "{warped:?}");
    }

    #[test]
    fn better_half_keeps_its_distances() {
        let warped = warp_all(&[0.0, 1.0, 3.0, 4.0, 50.0, 60.0, 9e9]);
        let ratio = (warped[1] - warped[0]) / (warped[2] - warped[1]);
        assert!((ratio - 0.5).abs() < 1e-12, "{warped:?}");
    }

    #[test]
    fn what_is_kept_keeps_its_distances_unless_it_is_out_of_reach() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 90.0, 1e9];
        let warped = warp(&values, &values, &[2.0, 6.0]);
        assert!(
            warped[..7].windows(2).all(|pair| (pair[1] - pair[0] - warped[1] + warped[0]).abs() < 1e-12),
            "{warped:?}"
        );
        assert!(warped[6] < warped[7] && warped[7] < warped[8], "{warped:?}");
        // The better half spans 4: one of a billion is no part of the same scale.
        assert_eq!(warp(&values, &values, &[5.0, 1e9]), warp(&values, &values, &[5.0]));
    }

    proptest! {
        #[test]
        fn order_stays_and_everything_is_finite(
            values in proptest::collection::vec(any::<f64>(), 0..40),
            kept in proptest::collection::vec(any::<f64>(), 0..3),
        ) {
            let warped = warp(&values, &values, &kept);
            prop_assert_eq!(warped.len(), values.len());
            prop_assert!(warped.iter().all(|x| x.is_finite()));
            for (a, x) in values.iter().zip(&warped) {
                for (b, y) in values.iter().zip(&warped) {
                    prop_assert!(!(a < b && x > y && b.abs() < 1e150), "{} {} {} {}", a, b, x, y);
                    prop_assert!(a != b || x == y);
                }
            }
        }
    }
}
