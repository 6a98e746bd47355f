//! Minimizing a smooth function in a box: limited-memory BFGS, projected.
//!
//! The direction is that of [`Curvature`]; steps are shortened until they descend enough (Armijo).

use crate::samplers::quasi_newton::{Curvature, Pair, dot};

/// The box, and when to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    pub(super) low: &'a [f64],
    pub(super) high: &'a [f64],
    pub(super) steps: usize,
    /// A step that gains less than this ends the descent.
    pub(super) gain: f64,
}

/// What is descended: value and gradient at a point.
type Function<'f> = dyn FnMut(&[f64]) -> (f64, Vec<f64>) + 'f;

/// Descends from a point in the box; returns where it ends and the value there. The function gives value and gradient; where
/// its value is not finite it is taken as a wall. `None` when there is a wall at the beginning.
pub(super) fn descend(function: &mut Function<'_>, start: &[f64], bounds: Bounds<'_>) -> Option<(f64, Vec<f64>)> {
    let mut point = start.to_vec();
    let (mut value, mut gradient) = function(&point);
    if !value.is_finite() {
        return None;
    }
    let mut curvature = Curvature::default();
    for _ in 0..bounds.steps {
        let held = held(&point, &gradient, bounds);
        let free: Vec<f64> = gradient.iter().zip(&held).map(|(&g, &held)| if held { 0.0 } else { g }).collect();
        let mut direction = curvature.direction(&free, &held);
        if dot(&direction, &free) >= 0.0 {
            curvature.forget();
            direction = free.iter().map(|g| -g).collect();
        }
        let length = dot(&direction, &direction).sqrt();
        if length < 1e-9 {
            break;
        }
        // Without knowledge of the curvature, a first step of moderate length.
        let mut share = if curvature.is_unknown() { (0.5 / length).min(1.0) } else { 1.0 };
        let mut found = None;
        for _ in 0..12 {
            let next = moved(&point, &direction, share, bounds);
            let step: Vec<f64> = next.iter().zip(&point).map(|(a, b)| a - b).collect();
            let (new_value, new_gradient) = function(&next);
            let expected = dot(&gradient, &step);
            if new_value.is_finite() && new_value <= value + 1e-4 * expected.min(0.0) {
                found = Some((next, step, new_value, new_gradient));
                break;
            }
            share *= 0.35;
        }
        let Some((next, step, new_value, new_gradient)) = found else {
            if curvature.is_unknown() {
                break;
            }
            curvature.forget();
            continue;
        };
        let gained = value - new_value;
        let change: Vec<f64> = new_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let pair = Pair::new(step, change);
        if pair.product > 1e-10 * dot(&pair.change, &pair.change) {
            curvature.learn(pair);
        }
        (point, value, gradient) = (next, new_value, new_gradient);
        if gained < bounds.gain {
            break;
        }
    }
    Some((value, point))
}

/// Coordinates at a bound that the descent would push out.
fn held(point: &[f64], gradient: &[f64], bounds: Bounds<'_>) -> Vec<bool> {
    let ends = bounds.low.iter().zip(bounds.high);
    let is_held =
        |((&x, &g), (&low, &high)): ((&f64, &f64), (&f64, &f64))| (x <= low && g > 0.0) || (x >= high && g < 0.0);
    point.iter().zip(gradient).zip(ends).map(is_held).collect()
}

fn moved(point: &[f64], direction: &[f64], share: f64, bounds: Bounds<'_>) -> Vec<f64> {
    let ends = bounds.low.iter().zip(bounds.high);
    point.iter().zip(direction).zip(ends).map(|((x, d), (&low, &high))| (x + share * d).max(low).min(high)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley.
    fn valley(x: &[f64]) -> (f64, Vec<f64>) {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
    }

    #[test]
    fn descent_finds_the_end_of_a_curved_valley() {
        let bounds = Bounds { low: &[-2.0, -2.0], high: &[2.0, 2.0], steps: 200, gain: 0.0 };
        let (value, point) = descend(&mut valley, &[-1.2, 1.0], bounds).unwrap();
        assert!(value < 1e-10 && (point[0] - 1.0).abs() < 1e-4, "{value} {point:?}");
    }

    #[test]
    fn descent_ends_at_the_bound_that_holds_it() {
        let bounds = Bounds { low: &[-2.0, -2.0], high: &[0.5, 2.0], steps: 200, gain: 0.0 };
        let (value, point) = descend(&mut valley, &[-1.2, 1.0], bounds).unwrap();
        assert!((value - 0.25).abs() < 1e-8 && point[0] == 0.5, "{value} {point:?}");
    }

    #[test]
    fn descent_turns_back_at_walls() {
        let mut wall = |x: &[f64]| if x[0] < 0.3 { (f64::NAN, vec![f64::NAN]) } else { (x[0], vec![1.0]) };
        let bounds = Bounds { low: &[0.0], high: &[1.0], steps: 50, gain: 0.0 };
        let (value, _) = descend(&mut wall, &[0.9], bounds).unwrap();
        assert!((0.3..0.4).contains(&value), "{value}");
        assert!(descend(&mut wall, &[0.1], bounds).is_none());
    }
}
