//! What a configuration is worth: the formulas, and the noise.

use std::f64::consts::PI;

use crate::problems::Point;

fn number(point: &Point, name: &str) -> Option<f64> {
    point.get(name)?.as_f64()
}

/// A hill of Hartmann's function: its height, how it falls along each axis, and where it is.
pub(crate) type Hill = (f64, [f64; 6], [f64; 6]);

/// The hills of Hartmann's function in six dimensions, by its usual constants.
pub(crate) fn hartmann6_hills() -> [Hill; 4] {
    const HEIGHTS: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const SLOPES: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const CENTRES: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    std::array::from_fn(|i| (HEIGHTS[i], SLOPES[i], CENTRES[i]))
}

/// Hartmann's function in six dimensions.
pub(crate) fn hartmann6(point: &Point) -> Option<f64> {
    let x = all(point, 6)?;
    let hill = |(height, slopes, centres): Hill| {
        let distance: f64 = x.iter().zip(slopes).zip(centres).map(|((x, a), p)| a * (x - p).powi(2)).sum();
        -height * (-distance).exp()
    };
    Some(hartmann6_hills().into_iter().map(hill).sum())
}

/// Branin's function.
pub(crate) fn branin(point: &Point) -> Option<f64> {
    let (x, y) = (number(point, "x0")?, number(point, "x1")?);
    let valley = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    Some(valley.powi(2) + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0)
}

/// A training job's parameters: an optimizer with its own best learning rate, which moves with the batch size.
pub(crate) fn mixed10(point: &Point) -> Option<f64> {
    let (optimizer, centre) = match point.get("optimizer")?.as_str()? {
        "sgd" => (0.30, -1.6),
        "adam" => (0.0, -3.0),
        "rmsprop" => (0.15, -3.2),
        "lamb" => (0.05, -2.2),
        _ => return None,
    };
    let activation = match point.get("activation")?.as_str()? {
        "relu" => 0.10,
        "gelu" => 0.0,
        "tanh" => 0.45,
        _ => return None,
    };
    let (u, b) = (number(point, "lr")?.log10(), number(point, "batch")?.log2() - 7.0);
    let (w, d) = (number(point, "width")?.log2() - 8.0, number(point, "dropout")? - 0.18);
    let rate = 0.6 * (u - centre - 0.35 * b).powi(2) + 0.1 * (number(point, "wd")?.log10() + 4.0).powi(2);
    let rest = 4.0 * (number(point, "momentum")? - 0.92).powi(2)
        + 3.0 * d * d
        + 6.0 * (number(point, "smoothing")? - 0.06).powi(2)
        + 0.05 * (number(point, "layers")? - 5.0).powi(2);
    Some(optimizer + activation + rate + rest + 0.15 * w * w + 0.08 * b * b + 0.25 * d * w)
}

/// Three models. The best is a network of three layers with 128, 64 and 32 units, trained by adam at 1e-3.
pub(crate) fn branches(point: &Point) -> Option<f64> {
    match point.get("model")?.as_str()? {
        "linear" => Some(0.35 + 0.08 * (number(point, "alpha")?.log10() + 1.0).powi(2)),
        "forest" => Some(
            0.2 + 0.1 * (number(point, "trees")?.log10() - 2.5).powi(2)
                + 0.004 * (number(point, "depth")? - 12.0).powi(2)
                + 0.5 * (number(point, "features")? - 0.4).powi(2),
        ),
        "network" => {
            let layers = number(point, "layers")?;
            let (optimizer, centre) = match point.get("optimizer")?.as_str()? {
                "sgd" => (0.05 + 0.8 * (number(point, "momentum")? - 0.9).powi(2), -2.0),
                "adam" => (0.0, -3.0),
                _ => return None,
            };
            let rate = 0.3 * (number(point, "lr")?.log10() - centre).powi(2);
            let mut sum = optimizer + rate + 0.06 * (layers - 3.0).powi(2);
            for i in (1..=4_u8).filter(|&i| f64::from(i) <= layers) {
                let width = number(point, &format!("units{i}"))?.log2();
                sum += 0.05 * (width - (8.0 - f64::from(i))).powi(2);
            }
            Some(sum)
        }
        _ => None,
    }
}

/// A quadratic over integers, with pairs that depend on each other and a ripple along one of them.
pub(crate) fn ints8(point: &Point) -> Option<f64> {
    let of = |name: &str, centre: f64, unit: f64| Some((number(point, name)? - centre) / unit);
    let log = |name: &str, centre: f64| Some((number(point, name)? / centre).log2() / 2.0);
    let (a, b) = (of("i0", 37.0, 20.0)?, of("i1", 62.0, 20.0)?);
    let (c, d) = (of("i2", 11.0, 20.0)?, of("i3", 90.0, 20.0)?);
    let (e, f) = (log("i4", 32.0)?, log("i5", 200.0)?);
    let (g, h) = (of("i6", 20.0, 20.0)?, of("i7", 2.0, 1.0)?);
    let pairs = a * a + b * b + 0.8 * a * b + 0.7 * e * e + 0.4 * f * f + 0.5 * e * f;
    let single = 0.5 * (c * c + d * d) + 0.6 * g * g + 0.3 * h * h;
    Some(pairs + single + 0.3 * (1.0 - (PI * c).cos()))
}

/// Levy's function in as many dimensions as the point has.
pub(crate) fn levy(point: &Point) -> Option<f64> {
    let w: Vec<f64> = all(point, point.len())?.iter().map(|x| 1.0 + (x - 1.0) / 4.0).collect();
    let (first, last) = (w.first()?, w.last()?);
    let inner = w.iter().take(w.len() - 1);
    let sum: f64 = inner.map(|w| (w - 1.0).powi(2) * (1.0 + 10.0 * (PI * w + 1.0).sin().powi(2))).sum();
    let end = (last - 1.0).powi(2) * (1.0 + (2.0 * PI * last).sin().powi(2));
    Some((PI * first).sin().powi(2) + sum + end)
}

fn all(point: &Point, count: usize) -> Option<Vec<f64>> {
    (0..count).map(|i| number(point, &format!("x{i}"))).collect()
}

/// A standard normal number that belongs to a seed and a trial's number (`SplitMix64`, then Box and Muller).
pub(crate) fn normal(seed: u64, number: u32) -> f64 {
    let mut state = seed.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ u64::from(number);
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (u, v) = (1.0 - uniform(), uniform());
    (-2.0 * u.ln()).sqrt() * (2.0 * PI * v).cos()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problems::{PROBLEMS, point};

    fn at(values: serde_json::Value) -> Point {
        values.as_object().unwrap().clone()
    }

    #[test]
    fn problems_have_their_optima_where_they_are_known() {
        let hartmann = [0.20169, 0.150_011, 0.476_874, 0.275_332, 0.311_652, 0.6573];
        let hartmann: Point = hartmann.iter().enumerate().map(|(i, x)| (format!("x{i}"), json!(x))).collect();
        let levy20: Point = (0..20).map(|i| (format!("x{i}"), json!(1.0))).collect();
        let mixed = json!({"lr": 1e-3, "wd": 1e-4, "momentum": 0.92, "dropout": 0.18, "smoothing": 0.06, "layers": 5,
            "width": 256, "batch": 128, "optimizer": "adam", "activation": "gelu"});
        let branches_best = json!({"model": "network", "layers": 3, "lr": 1e-3, "optimizer": "adam", "units1": 128,
            "units2": 64, "units3": 32});
        let ints = json!({"i0": 37, "i1": 62, "i2": 11, "i3": 90, "i4": 32, "i5": 200, "i6": 20, "i7": 2});
        for (name, best) in [
            ("hartmann6", hartmann),
            ("branin", at(json!({"x0": PI, "x1": 2.275}))),
            ("mixed10", at(mixed)),
            ("branches", at(branches_best)),
            ("ints8", at(ints)),
            ("levy20", levy20),
        ] {
            let problem = crate::problems::by_name(name).unwrap();
            let (value, truth) = problem.evaluate(&best, 1, 0).unwrap();
            assert_eq!(value, truth, "{name}");
            assert!((truth - problem.optimum).abs() < 1e-6, "{name}: {truth}");
        }
    }

    #[test]
    fn no_configuration_is_better_than_the_optimum() {
        for problem in &PROBLEMS {
            let space = (problem.space)();
            assert_eq!(space.validate(), [], "{}", problem.name);
            for k in 1..500_u32 {
                // Irrational multiples spread over the cube.
                let place = |i: usize| (f64::from(k) * (2.0 + i as f64).sqrt()).fract();
                let cube: Vec<f64> = (0..space.parameters.len()).map(place).collect();
                let (_, truth) = problem.evaluate(&point(&space.at(&cube)), 1, k).unwrap();
                assert!(truth >= problem.optimum, "{}: {truth}", problem.name);
            }
        }
    }

    #[test]
    fn noise_is_standard_normal() {
        let draws: Vec<f64> = (0..10_000).map(|k| normal(3, k)).collect();
        let mean = draws.iter().sum::<f64>() / 1e4;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
