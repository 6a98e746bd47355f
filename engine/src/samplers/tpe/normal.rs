//! The normal distribution: its mass, and the number below which a share of it lies.

#![expect(clippy::excessive_precision, reason = "the constants are as they were published")]

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The mass of the standard normal distribution below `z`.
pub(super) fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The mass between two numbers, `low <= high`, with all its digits however far out they lie.
pub(super) fn between(low: f64, high: f64) -> f64 {
    if low > 0.0 {
        // The mirrored tail: differences of numbers near one would lose everything.
        below(-low) - below(-high)
    } else {
        below(high) - below(low)
    }
}

/// The logarithm of the density at `z`.
pub(super) fn log_density(z: f64) -> f64 {
    -0.5 * z * z - 0.5 * libm::log(2.0 * PI)
}

/// The number below which a share `p` in `0..=1` of the standard normal distribution lies.
///
/// Wichura, *Algorithm AS 241: The percentage points of the normal distribution*, Applied Statistics 37(3), 1988: about
/// sixteen digits.
pub(super) fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let z = if !r.is_finite() {
        f64::INFINITY
    } else if r <= 5.0 {
        polynomial(&NEAR.0, r - 1.6) / polynomial(&NEAR.1, r - 1.6)
    } else {
        polynomial(&FAR.0, r - 5.0) / polynomial(&FAR.1, r - 5.0)
    };
    if q < 0.0 { -z } else { z }
}

/// Coefficients from the lowest power.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

type Ratio = ([f64; 8], [f64; 8]);

const CENTRE: Ratio = (
    [
        3.387_132_872_796_366_608,
        133.141_667_891_784_377_45,
        1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125,
        45_921.953_931_549_871_457,
        67_265.770_927_008_700_853,
        33_430.575_583_588_128_105,
        2_509.080_928_730_122_672_7,
    ],
    [
        1.0,
        42.313_330_701_600_911_252,
        687.187_007_492_057_908_3,
        5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867,
        39_307.895_800_092_710_61,
        28_729.085_735_721_942_674,
        5_226.495_278_852_854_561,
    ],
);

const NEAR: Ratio = (
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_604_94,
        1.270_458_252_452_368_382_58,
        0.241_780_725_177_450_611_77,
        0.022_723_844_989_269_184_583,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        0.689_767_334_985_100_004_55,
        0.148_103_976_427_480_074_59,
        0.015_198_666_563_616_457_196_6,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);

const FAR: Ratio = (
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        0.296_560_571_828_504_891_23,
        0.026_532_189_526_576_123_093,
        0.001_242_660_947_388_078_438_6,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        0.599_832_206_555_887_937_69,
        0.136_929_880_922_735_805_31,
        0.014_875_361_290_850_615_025,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_keep_their_digits_far_out() {
        // scipy 1.17.1: `norm.sf(10) - norm.sf(11)`, `norm.cdf(1) - norm.cdf(-1)`.
        assert!((between(10.0, 11.0) / 7.619_661_958_203_02e-24 - 1.0).abs() < 1e-12);
        assert!((between(-11.0, -10.0) / 7.619_661_958_203_02e-24 - 1.0).abs() < 1e-12);
        assert!((between(-1.0, 1.0) - 0.682_689_492_137_085_9).abs() < 1e-15);
        assert!(between(40.0, 41.0) >= 0.0 && between(-41.0, -40.0) >= 0.0);
    }

    #[test]
    fn quantile_inverts_the_mass() {
        for p in [1e-300, 1e-40, 1e-12, 1e-5, 0.01, 0.074, 0.08, 0.3, 0.5, 0.7, 0.93, 0.999, 1.0 - 1e-9] {
            let back = below(quantile(p));
            assert!((back / p - 1.0).abs() < 1e-11, "{p}: {back}");
        }
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(quantile(0.5), 0.0);
    }
}
