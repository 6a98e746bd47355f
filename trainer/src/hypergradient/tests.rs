use super::*;
use crate::optimization::Optimization;

/// Rows of a linear regression: inputs and target.
fn rows(from: usize, count: usize) -> Vec<([f64; 3], f64)> {
    let row = |place: usize| {
        let at = place as f64;
        let inputs = [(1.3 * at).sin(), (0.7 * at + 1.0).cos(), (2.1 * at).sin() * (0.3 * at).cos()];
        (inputs, 1.5 * inputs[0] - 0.7 * inputs[1] + 0.3 * (5.0 * at).sin())
    };
    (from..from + count).map(row).collect()
}

/// The gradient of the mean squared error.
fn squares(rows: &[([f64; 3], f64)], weights: &[f64]) -> Vec<f64> {
    let mut gradient = vec![0.0; 3];
    for (inputs, target) in rows {
        let error = inputs.iter().zip(weights).map(|(input, weight)| input * weight).sum::<f64>() - target;
        gradient.iter_mut().zip(inputs).for_each(|(sum, input)| *sum += 2.0 * error * input / rows.len() as f64);
    }
    gradient
}

/// The solution of a linear system of three equations (Cramer's rule).
fn solve(matrix: [[f64; 3]; 3], right: [f64; 3]) -> [f64; 3] {
    let determinant = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let all = determinant(matrix);
    [0, 1, 2].map(|column| {
        let mut replaced = matrix;
        replaced.iter_mut().zip(right).for_each(|(row, right)| row[column] = right);
        determinant(replaced) / all
    })
}

fn optimization(method: Method) -> Optimization {
    Optimization {
        method,
        momentum: if matches!(method, Method::Adam | Method::AdamW) { 0.0 } else { 0.6 },
        beta1: 0.8,
        beta2: 0.95,
        smoothing: 0.9,
        epsilon: 1e-3,
        weight_decay: 0.05,
        decoupled: method == Method::AdamW,
        l1: 0.02,
        clip_norm: None,
        clip_value: None,
    }
}

#[test]
fn ridge_regression_has_the_hypergradient_of_its_closed_form() {
    let (train, validation) = (rows(0, 40), rows(40, 20));
    let decay = 0.3;
    // With penalty decay / 2 |w|^2 the weights solve (2 X'X / n + decay) w = 2 X'y / n, and their derivative in the decay the
    // same system with -w on the right.
    let count = train.len() as f64;
    let mut matrix = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    for (inputs, target) in &train {
        for row in 0..3 {
            right[row] += 2.0 * inputs[row] * target / count;
            for column in 0..3 {
                matrix[row][column] += 2.0 * inputs[row] * inputs[column] / count;
            }
        }
    }
    (0..3).for_each(|place| matrix[place][place] += decay);
    let weights = solve(matrix, right);
    let slope = solve(matrix, weights.map(|weight| -weight));
    let expected: f64 = squares(&validation, &weights).iter().zip(slope).map(|(left, right)| left * right).sum();

    let optimization = Optimization { weight_decay: decay, l1: 0.0, momentum: 0.0, ..optimization(Method::Sgd) };
    let mut trajectory = Trajectory::new(vec![0.0; 3], 1);
    for _ in 0..500 {
        let step = Step { optimization: &optimization, parameters: &[Parameter::WeightDecay], rate: 0.3, share: 1.0 };
        trajectory.step(step, |points| points.iter().map(|point| squares(&train, point)).collect());
    }
    for (found, expected) in trajectory.weights().iter().zip(weights) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    let found = trajectory.along(&squares(&validation, trajectory.weights()))[0];
    assert!(((found - expected) / expected).abs() < 1e-6, "{found} {expected}");
}

/// The gradient of a loss that is no parabola, another one for each batch.
fn curved(weights: &[f64], batch: usize) -> Vec<f64> {
    let at = batch as f64;
    let bend = |place: usize| (place as f64 + 1.0) * (0.4 * at).cos();
    let sum: f64 = weights.iter().enumerate().map(|(place, weight)| bend(place) * weight).sum();
    let outer = sum.tanh() - 0.3;
    weights.iter().enumerate().map(|(place, weight)| outer * bend(place) + 0.2 * weight.powi(3) - 0.1).collect()
}

/// What training with `rate` and `optimization` comes to: a loss of the last weights, and its derivatives.
fn trained(optimization: &Optimization, rate: f64, parameters: &[Parameter]) -> (f64, Vec<f64>) {
    let mut trajectory = Trajectory::new(vec![0.8, -0.5, 0.3], parameters.len());
    for batch in 0..12 {
        let share = 1.0 / (1.0 + batch as f64 / 6.0);
        let step = Step { optimization, parameters, rate: rate * share, share };
        trajectory.step(step, |points| points.iter().map(|point| curved(point, batch)).collect());
    }
    let weights = trajectory.weights();
    let loss = weights.iter().map(|weight| (weight - 0.1).powi(4) + weight).sum();
    let gradient: Vec<f64> = weights.iter().map(|weight| 4.0 * (weight - 0.1).powi(3) + 1.0).collect();
    (loss, trajectory.along(&gradient))
}

#[test]
fn every_method_has_the_hypergradients_of_central_differences() {
    for (name, method) in Method::ALL {
        let optimization = optimization(method);
        let adam = matches!(method, Method::Adam | Method::AdamW);
        let parameters: Vec<Parameter> = Parameter::ALL.into_iter().map(|(_, parameter)| parameter).collect();
        let rate = 0.05;
        let (_, found) = trained(&optimization, rate, &parameters);
        for (parameter, found) in parameters.into_iter().zip(found) {
            if adam && parameter == Parameter::Momentum {
                assert_eq!(found, 0.0);
                continue;
            }
            let at = |change: f64| {
                let mut changed = optimization;
                let mut rate = rate;
                match parameter {
                    Parameter::LearningRate => rate += change,
                    Parameter::WeightDecay => changed.weight_decay += change,
                    Parameter::Momentum => changed.momentum += change,
                    Parameter::L1 => changed.l1 += change,
                }
                trained(&changed, rate, &[]).0
            };
            let step = 1e-5;
            let expected = (at(step) - at(-step)) / (2.0 * step);
            let error = (found - expected).abs() / expected.abs().max(1e-3);
            assert!(error < 1e-6, "{name} {}: {found} {expected}", parameter.name());
        }
    }
}

#[test]
fn one_step_of_a_learning_rate_looks_back_along_the_gradient() {
    // Baydin et al. 2018: after one step the derivative in the rate is minus the product of the two gradients.
    let optimization = Optimization { l1: 0.0, weight_decay: 0.0, ..optimization(Method::Sgd) };
    let mut trajectory = Trajectory::new(vec![0.8, -0.5, 0.3], 1);
    let first = curved(trajectory.weights(), 0);
    let step = Step { optimization: &optimization, parameters: &[Parameter::LearningRate], rate: 0.1, share: 1.0 };
    trajectory.step(step, |points| points.iter().map(|point| curved(point, 0)).collect());
    let second = curved(trajectory.weights(), 1);
    let product: f64 = first.iter().zip(&second).map(|(left, right)| left * right).sum();
    assert!((trajectory.along(&second)[0] + product).abs() < 1e-15);
}

#[test]
fn a_trajectory_survives_being_stored() {
    let optimization = optimization(Method::Adam);
    let parameters = [Parameter::L1, Parameter::WeightDecay];
    let mut trajectory = Trajectory::new(vec![0.8, -0.5, 0.3], 2);
    let step = Step { optimization: &optimization, parameters: &parameters, rate: 0.1, share: 1.0 };
    trajectory.step(step, |points| points.iter().map(|point| curved(point, 0)).collect());
    let bytes = trajectory.to_bytes();
    assert_eq!(Trajectory::new(vec![0.0; 3], 2).with_bytes(&bytes), Some(trajectory.clone()));
    assert_eq!(trajectory.with_bytes(&bytes[..bytes.len() - 8]), None);
    assert_eq!(Trajectory::new(vec![0.0; 3], 1).with_bytes(&bytes), None);
}

#[test]
fn what_has_no_hypergradient_is_refused() {
    let refused = |optimization: &Optimization, norm| refusal(&[Parameter::Momentum], optimization, norm).is_some();
    let sgd = optimization(Method::Sgd);
    assert!(!refused(&sgd, false) && refused(&sgd, true) && refused(&optimization(Method::Adam), false));
    assert!(refused(&Optimization { clip_norm: Some(1.0), ..sgd }, false));
    assert_eq!(refusal(&[], &optimization(Method::Adam), true), None);
}
