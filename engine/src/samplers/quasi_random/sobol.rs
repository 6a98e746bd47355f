//! The Sobol sequence, any point at once, under Owen's nested uniform scrambling.
//!
//! Sobol, USSR Computational Mathematics 7(4), 1967; Owen, *Randomly permuted (t,m,s)-nets and (t,s)-sequences*, 1995.
//! Direction numbers: Joe and Kuo, *Constructing Sobol sequences with better two-dimensional projections*, SIAM Journal on
//! Scientific Computing 30(5), 2008, the first 1,024 dimensions of `new-joe-kuo-6.21201`. Their notice is in `LICENSE`
//! beside this file.

use super::stream;
use crate::random::Purpose;

/// Each line belongs to a dimension, from the second on: its primitive polynomial as bits, and the initial direction
/// numbers, as many as the polynomial has degrees. Beyond these dimensions coordinates are independent random numbers.
const DIRECTIONS: &str = include_str!("directions.txt");

/// Digits of a coordinate that the sequence decides.
const BITS: u32 = 32;

/// The point of this index, with coordinates in `0..1`.
///
/// The digits below the sequence's resolution are random, so that coordinates are doubles in full.
pub(super) fn point(seed: u64, scramble: u32, index: u32, dimensions: usize) -> Vec<f64> {
    let mut below = stream(seed, Purpose::QuasiRandom, scramble, index);
    let mut lines = DIRECTIONS.lines();
    (0_u32..)
        .take(dimensions)
        .map(|dimension| {
            let plain = if dimension == 0 {
                index.reverse_bits()
            } else if let Some(line) = lines.next() {
                digits(line, index)
            } else {
                return below.uniform();
            };
            let key = stream(seed, Purpose::Scramble, scramble, dimension).bits();
            let high = f64::from(scrambled(plain, key));
            // The sum is rounded, and must not reach the end.
            ((high + below.uniform()) / 4_294_967_296.0).min(1.0 - f64::EPSILON / 2.0)
        })
        .collect()
}

/// A coordinate's digits, the first one highest: the sum without carry of the direction numbers at the index's digits.
pub(super) fn digits(line: &str, index: u32) -> u32 {
    let mut numbers = line.split(' ').map(|text| text.parse::<u32>().unwrap_or(1));
    let polynomial = numbers.next().unwrap_or(1);
    let degree = polynomial.ilog2() as usize;
    let mut directions = [0_u32; BITS as usize];
    let (mut sum, mut rest) = (0, index);
    for (i, place) in (0..BITS).zip(1..) {
        if rest == 0 {
            break;
        }
        let at = i as usize;
        let direction = match numbers.next() {
            Some(initial) => initial << (BITS - place),
            None => {
                // The recurrence of the polynomial, whose highest and lowest coefficients are one.
                let oldest = directions[at - degree];
                (1..degree)
                    .filter(|back| polynomial >> (degree - back) & 1 == 1)
                    .fold(oldest ^ (oldest >> degree), |sum, back| sum ^ directions[at - back])
            }
        };
        directions[at] = direction;
        if rest & 1 == 1 {
            sum ^= direction;
        }
        rest >>= 1;
    }
    sum
}

/// Owen's scramble: each digit is flipped or not by a coin that belongs to the digits before it.
fn scrambled(plain: u32, key: u64) -> u32 {
    (0..BITS).fold(plain, |digits, place| {
        // The digits before, with a one in front, name the coin: shorter prefixes are smaller numbers.
        let prefix = (1_u64 << place) | (u64::from(plain) >> (BITS - place));
        let coin = mix(key ^ mix(prefix)) >> 63;
        let flip = (coin as u32) << (BITS - 1 - place);
        digits ^ flip
    })
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, 2014).
fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMENSIONS: usize = 1_024;

    /// The index whose point comes at this place when the sequence is walked in Gray's order, as scipy does.
    fn gray(place: u32) -> u32 {
        place ^ (place >> 1)
    }

    #[test]
    fn digits_are_those_of_scipy() {
        // scipy 1.17.1, `Sobol(1024, scramble=False).random(16)`: dimensions 1, 2, 9, 63, 500 and 1023, counted from 0.
        for (place, expected) in [
            (1, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
            (2, [0.25, 0.25, 0.75, 0.75, 0.25, 0.75]),
            (5, [0.875, 0.125, 0.125, 0.625, 0.875, 0.375]),
            (13, [0.6875, 0.8125, 0.4375, 0.0625, 0.3125, 0.4375]),
        ] {
            for (dimension, x) in [1, 2, 9, 63, 500, 1023].into_iter().zip(expected) {
                let line = DIRECTIONS.lines().nth(dimension - 1).unwrap();
                assert_eq!(f64::from(digits(line, gray(place))) / 4_294_967_296.0, x, "{place} {dimension}");
            }
        }
    }

    #[test]
    fn directions_are_whole() {
        assert_eq!(DIRECTIONS.lines().count(), DIMENSIONS - 1);
        for line in DIRECTIONS.lines() {
            let numbers: Vec<u32> = line.split(' ').map(|text| text.parse().unwrap()).collect();
            assert_eq!(numbers.len() as u32, numbers[0].ilog2() + 1, "{line}");
            for (place, number) in (1..).zip(&numbers[1..]) {
                assert!(number % 2 == 1 && *number < 1 << place, "{line}");
            }
        }
    }

    /// How many of the first 2^m points lie in each of the 2^m equal cells along one coordinate.
    fn is_stratified(m: u32, dimension: usize, seed: u64) -> bool {
        let mut seen = vec![false; 1 << m];
        (0..1_u32 << m).all(|k| {
            let x = point(seed, 0, k, dimension + 1)[dimension];
            !std::mem::replace(&mut seen[(x * f64::from(1_u32 << m)) as usize], true)
        })
    }

    #[test]
    fn each_coordinate_of_a_scramble_is_stratified() {
        for dimension in [0, 1, 2, 7, 63, 300, DIMENSIONS - 1] {
            assert!(is_stratified(6, dimension, 5), "{dimension}");
        }
    }

    #[test]
    fn planes_of_the_first_coordinates_are_nets() {
        // The first two coordinates are a (0, m, 2)-net: one point in every elementary box of area 2^-m.
        let points: Vec<Vec<f64>> = (0..64).map(|k| point(11, 3, k, 2)).collect();
        for wide in 0..=6 {
            let (a, b) = (f64::from(1 << wide), f64::from(1 << (6 - wide)));
            let boxes: std::collections::BTreeSet<(u64, u64)> =
                points.iter().map(|p| ((p[0] * a) as u64, (p[1] * b) as u64)).collect();
            assert_eq!(boxes.len(), 64, "{wide}");
        }
    }

    #[test]
    fn scrambles_and_seeds_differ_and_coordinates_stay_below_one() {
        let first = point(1, 0, 3, 40);
        assert_eq!(first, point(1, 0, 3, 40));
        for other in [point(2, 0, 3, 40), point(1, 1, 3, 40), point(1, 0, 4, 40)] {
            assert!(first.iter().zip(&other).all(|(a, b)| a != b));
        }
        for index in [0, 1, 77, u32::MAX] {
            let all = point(9, 0, index, DIMENSIONS + 3);
            assert!(all.len() == DIMENSIONS + 3 && all.iter().all(|x| (0.0..1.0).contains(x)));
        }
    }

    #[test]
    fn the_mean_over_scrambles_is_one_half() {
        // Under Owen's scramble each point by itself is uniform.
        let mean: f64 = (0..4_000).map(|seed| point(seed, 0, 6, 5)[4]).sum::<f64>() / 4_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
