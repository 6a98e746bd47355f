//! The standard normal distribution, from `libm` alone, so that every machine draws the same.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The probability of a value below `x`.
#[must_use]
pub(crate) fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The value below which lies the share `p`, to about 1e-15 relative; infinite at 0 and 1.
///
/// Acklam's rational approximation (2003), refined by one step of Halley's method.
#[must_use]
pub(crate) fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    // The lower half is more exact: there the share itself is a small number.
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let x = approximate(p);
    let error = (cdf(x) - p) * (2.0 * PI).sqrt() * libm::exp(x * x / 2.0);
    let refined = x - error / (1.0 + x * error / 2.0);
    if refined.is_finite() { refined } else { x }
}

fn approximate(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    if p < 0.024_25 {
        let q = (-2.0 * libm::log(p)).sqrt();
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_is_the_published_table() {
        for (p, x) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_901),
            (0.01, -2.326_347_874_040_841),
            (1e-10, -6.361_340_902_404_056),
        ] {
            assert!((quantile(p) - x).abs() < 1e-13, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn quantile_undoes_cdf() {
        for i in -80..80 {
            let x = f64::from(i) / 10.0;
            let tolerance = if x > 5.0 { 1e-2 } else { 1e-9 };
            assert!((quantile(cdf(x)) - x).abs() < tolerance, "{x}: {}", quantile(cdf(x)));
        }
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0), f64::INFINITY);
    }
}
