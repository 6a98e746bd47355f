//! The logarithm of expected improvement, computed so that it neither vanishes nor cancels far from the best.
//!
//! Ament et al. 2023, "Unexpected Improvements to Expected Improvement for Bayesian Optimization", section 4.1.

/// Half the logarithm of 2 pi.
const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;

/// The logarithm of the expected improvement on `best` (smaller is better) of a normal value with this mean and standard
/// deviation. Finite for finite numbers and a deviation above zero.
pub(in crate::samplers) fn log_ei(best: f64, mean: f64, deviation: f64) -> f64 {
    libm::log(deviation) + log_h((best - mean) / deviation)
}

/// A value of [`log_ei`] and how it changes.
#[derive(Clone, Copy, Debug)]
pub(in crate::samplers) struct Slope {
    pub(in crate::samplers) value: f64,
    /// By the mean.
    pub(in crate::samplers) by_mean: f64,
    /// By the standard deviation.
    pub(in crate::samplers) by_deviation: f64,
}

/// [`log_ei`] with its derivatives.
pub(in crate::samplers) fn log_ei_slope(best: f64, mean: f64, deviation: f64) -> Slope {
    let z = (best - mean) / deviation;
    let log_h = log_h(z);
    Slope {
        value: libm::log(deviation) + log_h,
        by_mean: -libm::exp(log_cdf(z) - log_h) / deviation,
        by_deviation: libm::exp(log_density(z) - log_h) / deviation,
    }
}

/// The part of an expectation below which the difference of two is no longer exact enough.
const NARROW: f64 = 1e-5;

/// The logarithm of how much of what lies between two ends a normal value is expected to leave above itself: of the mean of
/// `high - max(low, value)` where that is above zero. It is the difference of the improvements expected on both ends; each is
/// given with its [`log_ei`], and the lower one may be infinite.
pub(in crate::samplers) fn log_between(low: (f64, f64), high: (f64, f64), mean: f64, deviation: f64) -> f64 {
    if low.0 == f64::NEG_INFINITY {
        return high.1;
    }
    let share = -libm::expm1(low.1 - high.1);
    if share > NARROW { high.1 + libm::log(share) } else { narrow(low.0, high.0, mean, deviation).value }
}

/// [`log_between`] with its derivatives, from those of both ends.
pub(in crate::samplers) fn log_between_slope(
    low: (f64, Slope),
    high: (f64, Slope),
    mean: f64,
    deviation: f64,
) -> Slope {
    if low.0 == f64::NEG_INFINITY {
        return high.1;
    }
    let share = -libm::expm1(low.1.value - high.1.value);
    if share > NARROW {
        let rest = 1.0 - share;
        return Slope {
            value: high.1.value + libm::log(share),
            by_mean: (high.1.by_mean - rest * low.1.by_mean) / share,
            by_deviation: (high.1.by_deviation - rest * low.1.by_deviation) / share,
        };
    }
    narrow(low.0, high.0, mean, deviation)
}

/// Ends that are close together: the density is that in the middle.
fn narrow(low: f64, high: f64, mean: f64, deviation: f64) -> Slope {
    let z = (0.5 * (low + high) - mean) / deviation;
    let log_cdf = log_cdf(z);
    let slope = libm::exp(log_density(z) - log_cdf) / deviation;
    Slope { value: libm::log(high - low) + log_cdf, by_mean: -slope, by_deviation: -z * slope }
}

fn log_density(z: f64) -> f64 {
    -0.5 * z * z - HALF_LOG_TAU
}

/// The logarithm of h(z) = density(z) + z * cdf(z).
fn log_h(z: f64) -> f64 {
    if z > -1.0 {
        let cdf = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        libm::log(libm::exp(log_density(z)) + z * cdf)
    } else if z > -25.0 {
        log_density(z) + libm::log1p(z * mills(-z))
    } else {
        // h(z) = density(z) (1/z^2 - 3/z^4 + 15/z^6 - 105/z^8 ...)
        let inverse = 1.0 / (z * z);
        let series = -3.0 * inverse + 15.0 * inverse * inverse - 105.0 * inverse * inverse * inverse;
        log_density(z) - 2.0 * libm::log(-z) + libm::log1p(series)
    }
}

fn log_cdf(z: f64) -> f64 {
    if z > -25.0 {
        libm::log(0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2))
    } else {
        let inverse = 1.0 / (z * z);
        log_density(z) - libm::log(-z) + libm::log1p(-inverse + 3.0 * inverse * inverse)
    }
}

/// Mills' ratio: the normal distribution's upper tail beside its density, for z from 1 to 25.
fn mills(z: f64) -> f64 {
    const ROOT_HALF_PI: f64 = 1.253_314_137_315_500_3;
    ROOT_HALF_PI * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2) * libm::exp(0.5 * z * z)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From an implementation with an erfcx branch (Optuna 5.0.0).
    const GOLDEN: [(f64, f64); 7] = [
        (-1000.0, -500_014.734_452_09),
        (-30.0, -457.724_653_76),
        (-25.0001, -319.863_971_55),
        (-24.9999, -319.858_955_62),
        (-5.0, -16.744_301_16),
        (0.0, -0.918_938_53),
        (3.0, 1.098_739_67),
    ];

    #[test]
    fn log_ei_matches_known_values() {
        for (z, expected) in GOLDEN {
            assert!((log_ei(z, 0.0, 1.0) - expected).abs() < 2e-8, "{z}: {}", log_ei(z, 0.0, 1.0));
        }
    }

    #[test]
    fn log_ei_rises_and_is_finite_from_end_to_end() {
        let mut last = f64::NEG_INFINITY;
        for step in -40_000..4_000 {
            let value = log_ei(f64::from(step) * 1e-3, 0.0, 1.0);
            assert!(value.is_finite() && value > last, "{step}");
            last = value;
        }
        assert!(log_ei(-1e6, 1e6, 1e-3).is_finite());
        assert!(log_ei(1e6, -1e6, 1e-3).is_finite());
    }

    /// By the trapezoidal rule: the integral of the distribution between the ends.
    fn between_by_numbers(low: f64, high: f64) -> f64 {
        let (steps, width) = (20_000, (high - low) / 20_000.0);
        let cdf = |i: i32| crate::normal::cdf(low + f64::from(i) * width);
        libm::log(width * ((1..steps).map(cdf).sum::<f64>() + 0.5 * (cdf(0) + cdf(steps))))
    }

    #[test]
    fn what_lies_between_is_the_integral_of_the_distribution_and_slopes_are_those_of_differences() {
        let (mean, deviation, step) = (0.3, 0.7, 1e-5);
        let of = |low: f64, high: f64, mean: f64, deviation: f64| {
            log_between((low, log_ei(low, mean, deviation)), (high, log_ei(high, mean, deviation)), mean, deviation)
        };
        for (z, width) in [(-9.0, 3.0), (-3.0, 1e-7), (-1.0, 0.5), (0.0, 5.0), (2.0, 1e-3), (6.0, 1e-6), (6.0, 2.0)] {
            assert!((of(z, z + width, 0.0, 1.0) - between_by_numbers(z, z + width)).abs() < 1e-6, "{z} {width}");
            let (low, high) = (mean + z * deviation, mean + (z + width) * deviation);
            let (a, b) = (log_ei_slope(low, mean, deviation), log_ei_slope(high, mean, deviation));
            let slope = log_between_slope((low, a), (high, b), mean, deviation);
            assert_eq!(slope.value, of(low, high, mean, deviation));
            let by_mean =
                (of(low, high, mean + step, deviation) - of(low, high, mean - step, deviation)) / (2.0 * step);
            let by_deviation =
                (of(low, high, mean, deviation + step) - of(low, high, mean, deviation - step)) / (2.0 * step);
            assert!((slope.by_mean - by_mean).abs() < 1e-3 * (1.0 + by_mean.abs()), "{z} {width}: {slope:?} {by_mean}");
            let gap = (slope.by_deviation - by_deviation).abs();
            assert!(gap < 1e-3 * (1.0 + by_deviation.abs()), "{z} {width}: {slope:?} {by_deviation}");
        }
        assert!(of(-1e6, 1e6, 0.0, 1e-3).is_finite() && of(-1e6 - 1e-9, -1e6, 0.0, 1e-3).is_finite());
    }

    #[test]
    fn slopes_are_those_of_differences() {
        for z in [-200.0, -30.0, -25.0, -10.0, -2.0, -1.0, 0.0, 2.0, 8.0] {
            let (mean, deviation, step) = (0.3, 0.7, 1e-5);
            let best = mean + z * deviation;
            let slope = log_ei_slope(best, mean, deviation);
            let by_mean = (log_ei(best, mean + step, deviation) - log_ei(best, mean - step, deviation)) / (2.0 * step);
            let by_deviation =
                (log_ei(best, mean, deviation + step) - log_ei(best, mean, deviation - step)) / (2.0 * step);
            assert!((slope.by_mean - by_mean).abs() < 1e-4 * (1.0 + by_mean.abs()), "{z}: {slope:?} {by_mean}");
            let gap = (slope.by_deviation - by_deviation).abs();
            assert!(gap < 1e-4 * (1.0 + by_deviation.abs()), "{z}: {slope:?} {by_deviation}");
        }
    }
}
