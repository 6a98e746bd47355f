//! The kernel's hyperparameters: the maximum a posteriori.
//!
//! Priors as in Optuna's sampler: on each weight w (one over the squared length scale) the density exp(-0.1/w - 0.1 w), on the
//! function's variance Gamma(2, 1), on the noise Gamma(1.1, 30). The descent is in the logarithms of all, from defaults that
//! depend on nothing: what is fitted is a function of the evidence alone.

use super::descent::{Bounds, descend};
use super::kernel::{Axes, Hyper, matern_slope};
use super::linear::{Lower, dot};

/// The least noise: it keeps the kernel's matrix positive definite.
pub(super) const LEAST_NOISE: f64 = 1e-6;

const STEPS: usize = 60;

/// The weights that descents start from: the posterior has several hills.
const STARTS: [f64; 3] = [1.0, 7.0, 0.14];

/// Fits to points as the kernel sees them and their standardized values.
pub(super) fn fit(axes: &Axes, points: &[Vec<f64>], values: &[f64]) -> Hyper {
    let squares: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(i, a)| points.iter().take(i).map(move |b| (a, b)))
        .flat_map(|(a, b)| axes.differences(a, b).map(|difference| difference * difference))
        .collect();
    let count = axes.len();
    let mut low = vec![libm::log(1e-4); count];
    let mut high = vec![libm::log(1e4); count];
    low.extend([libm::log(1e-3), libm::log(LEAST_NOISE)]);
    high.extend([libm::log(1e3), 0.0]);
    let bounds = Bounds { low: &low, high: &high, steps: STEPS, gain: 1e-4 };
    let mut loss = |logs: &[f64]| loss(&squares, values, &hyper(logs));
    let mut best: Option<(f64, Vec<f64>)> = None;
    for weight in STARTS {
        let mut start = vec![libm::log(weight); count];
        start.extend([0.0, libm::log(1e-2)]);
        let found = descend(&mut loss, &start, bounds);
        if let Some(found) = found.filter(|(value, _)| best.as_ref().is_none_or(|(least, _)| value < least)) {
            best = Some(found);
        }
    }
    best.map_or_else(|| Hyper { weights: vec![1.0; count], scale: 1.0, noise: 1e-2 }, |(_, logs)| hyper(&logs))
}

fn hyper(logs: &[f64]) -> Hyper {
    let all: Vec<f64> = logs.iter().map(|&x| libm::exp(x)).collect();
    match all.as_slice() {
        [weights @ .., scale, noise] => Hyper { weights: weights.to_vec(), scale: *scale, noise: *noise },
        _ => Hyper { weights: Vec::new(), scale: 1.0, noise: LEAST_NOISE },
    }
}

/// The negative logarithm of the posterior density, up to a constant, and its gradient by the logarithms of the
/// hyperparameters. `squares` has the squared differences of each pair (i, j < i), axis by axis.
fn loss(squares: &[f64], values: &[f64], hyper: &Hyper) -> (f64, Vec<f64>) {
    let (rows, axes) = (values.len(), hyper.weights.len());
    let mut matrix = Lower::default();
    // Without axes the chunks are empty, and there is nothing to learn but scale and noise.
    let mut pairs = squares.chunks_exact(axes.max(1));
    let mut slopes = Vec::with_capacity(rows * rows / 2);
    let mut kernels = Vec::with_capacity(rows * rows / 2);
    for i in 0..rows {
        let mut row: Vec<f64> = Vec::with_capacity(i + 1);
        for _ in 0..i {
            let square: f64 = pairs.next().unwrap_or(&[]).iter().zip(&hyper.weights).map(|(s, w)| s * w).sum();
            let (kernel, slope) = matern_slope(square);
            row.push(hyper.scale * kernel);
            kernels.push(kernel);
            slopes.push(slope);
        }
        row.push(hyper.scale + hyper.noise);
        matrix.push(&row);
    }
    let Ok(factor) = Lower::factor(&matrix) else { return (f64::INFINITY, vec![0.0; axes + 2]) };
    let white = factor.solve(values);
    let alpha = factor.solve_transposed(&white);
    let mut value = 0.5 * dot(&white, &white) + factor.log_determinant();
    let inverse = factor.inverse_of_product();
    let (mut by_weight, mut by_scale, mut by_noise) = (vec![0.0; axes], 0.0, 0.0);
    let mut at = 0;
    for (i, own) in alpha.iter().enumerate() {
        let row = inverse.row(i);
        for (other, entry) in alpha.iter().zip(row).take(i) {
            // Each pair stands for two entries of the matrix, and the halves of both make one.
            let sensitivity = entry - own * other;
            let (kernel, slope) = (kernels.get(at).copied().unwrap_or(0.0), slopes.get(at).copied().unwrap_or(0.0));
            by_scale += sensitivity * kernel;
            let weighed = sensitivity * hyper.scale * slope;
            let square = squares.get(at * axes..(at + 1) * axes).unwrap_or(&[]);
            by_weight.iter_mut().zip(square).for_each(|(sum, s)| *sum += weighed * s);
            at += 1;
        }
        let diagonal = 0.5 * (row.last().copied().unwrap_or(0.0) - own * own);
        by_scale += diagonal;
        by_noise += diagonal;
    }
    let mut gradient: Vec<f64> = by_weight.iter().zip(&hyper.weights).map(|(g, w)| g * w).collect();
    for (slope, weight) in gradient.iter_mut().zip(&hyper.weights) {
        value += 0.1 / weight + 0.1 * weight;
        *slope += 0.1 * weight - 0.1 / weight;
    }
    value += hyper.scale - libm::log(hyper.scale);
    gradient.push(by_scale * hyper.scale + hyper.scale - 1.0);
    value += 30.0 * hyper.noise - 0.1 * libm::log(hyper.noise);
    gradient.push(by_noise * hyper.noise + 30.0 * hyper.noise - 0.1);
    (value, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::parameter;
    use crate::random::{Purpose, Stream};
    use crate::samplers::surrogate::Encoding;
    use crate::space::{Domain, Scale, Space};

    fn space(count: usize) -> Space {
        let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
        Space { parameters: (0..count).map(|i| parameter(&format!("x{i}"), domain.clone())).collect() }
    }

    fn data(count: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut stream = Stream::new(11, Purpose::Parameters, 0);
        let points: Vec<Vec<f64>> = (0..count).map(|_| vec![stream.uniform(), stream.uniform()]).collect();
        let values = points.iter().map(|p| libm::sin(6.0 * p[0]) + 0.01 * stream.uniform()).collect();
        (points, values)
    }

    #[test]
    fn gradient_is_that_of_differences() {
        let (points, values) = data(12);
        let axes = Axes::new(&Encoding::new(&space(2)));
        let squares: Vec<f64> = points
            .iter()
            .enumerate()
            .flat_map(|(i, a)| points[..i].iter().map(move |b| (a, b)))
            .flat_map(|(a, b)| axes.differences(a, b).map(|d| d * d).collect::<Vec<_>>())
            .collect();
        let logs = [0.7, -0.4, 0.3, -3.0];
        let (_, gradient) = loss(&squares, &values, &hyper(&logs));
        for at in 0..4 {
            let shifted = |by: f64| {
                let mut logs = logs;
                logs[at] += by;
                loss(&squares, &values, &hyper(&logs)).0
            };
            let slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            assert!((slope - gradient[at]).abs() < 1e-5 * (1.0 + slope.abs()), "{at}: {slope} {gradient:?}");
        }
    }

    #[test]
    fn fit_learns_which_axis_matters_and_how_little_noise_there_is() {
        let (points, values) = data(40);
        let hyper = fit(&Axes::new(&Encoding::new(&space(2))), &points, &values);
        assert!(hyper.weights[0] > 4.0 * hyper.weights[1], "{hyper:?}");
        assert!(hyper.noise < 0.01, "{hyper:?}");
    }
}
