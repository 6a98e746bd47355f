use super::parzen::{BATCH, Lanes, Parzen, weights};
use crate::samplers::points::Axis;
use crate::space::{Domain, Scale, Value};

/// The log densities of an estimator with these observations, in the units of the parameter (of its logarithm).
fn log_density(domain: &Domain, observed: &[Value], at: &[Value], range: f64) -> Vec<f64> {
    let axis = Axis::new(domain);
    let parzen = Parzen::new(&[(&axis, observed.iter().map(|value| axis.coordinate(value)).collect())], false);
    let mut lanes: Lanes = [0.5; BATCH];
    for (lane, value) in lanes.iter_mut().zip(at) {
        *lane = axis.coordinate(value);
    }
    parzen.log_density(&[lanes])[..at.len()].iter().map(|log| log - libm::log(range)).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 2e-8, "{found:?} {expected:?}");
    }
}

fn floats(values: &[f64]) -> Vec<Value> {
    values.iter().map(|&x| Value::Float(x)).collect()
}

fn ints(values: &[i64]) -> Vec<Value> {
    values.iter().map(|&x| Value::Int(x)).collect()
}

// The numbers of the next tests are those of Optuna 5.0.0's estimator on the same observations.

#[test]
fn weights_rise_to_one_with_age() {
    close(&weights(30, false)[..6], &[0.033_333_33, 0.275, 0.516_666_67, 0.758_333_33, 1.0, 1.0]);
    assert_eq!(weights(3, false), [1.0; 4]);
    assert_eq!(weights(0, false), [1.0]);
    assert_eq!(weights(40, true), [1.0; 41]);
    assert_eq!((weights(26, false)[0], weights(26, false)[1]), (1.0 / 26.0, 1.0));
}

#[test]
fn floats_are_golden() {
    let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
    let found = log_density(&domain, &floats(&[0.1, 0.4, 0.45, 0.9]), &floats(&[0.0, 0.5, 1.0]), 1.0);
    close(&found, &[-0.108_918_72, 0.112_111_34, -0.430_364_83]);
}

#[test]
fn logarithmic_floats_are_golden() {
    let domain = Domain::Float { min: 1e-5, max: 1e-1, step: None, scale: Scale::Log };
    let range = libm::log(1e-1 / 1e-5);
    // The middle is the geometric one; where the density is asked for makes no difference to the numbers' source.
    let found = log_density(&domain, &floats(&[1e-4, 1e-2]), &floats(&[1e-5, 1e-3, 1e-1]), range);
    close(&found, &[-2.418_238_58, -2.126_141_32, -2.418_238_58]);
}

#[test]
fn integers_are_golden_by_their_mass() {
    let domain = Domain::Int { min: 1, max: 8, step: None, scale: Scale::Linear };
    let found = log_density(&domain, &ints(&[2, 2, 7]), &ints(&[1, 2, 3, 4, 5, 6, 7, 8]), 1.0);
    let expected = [
        -1.916_227_09,
        -1.791_568_06,
        -1.840_777_14,
        -2.005_709_97,
        -2.178_245_96,
        -2.294_515_37,
        -2.374_362,
        -2.456_232_43,
    ];
    close(&found, &expected);
    assert!((found.iter().map(|&log| libm::exp(log)).sum::<f64>() - 1.0).abs() < 1e-8);
}

#[test]
fn logarithmic_integers_are_golden_by_their_mass() {
    let domain = Domain::Int { min: 1, max: 8, step: None, scale: Scale::Log };
    // Eight has a narrow share.
    let found = log_density(&domain, &ints(&[1, 4]), &ints(&[1, 2, 3, 4, 5, 6, 7, 8]), 1.0);
    let expected = [
        -0.967_764_5,
        -1.618_840_72,
        -2.057_973_58,
        -2.397_538_91,
        -2.677_134_11,
        -2.916_035_47,
        -3.125_254_92,
        -3.311_739_15,
    ];
    close(&found, &expected);
    assert!((found.iter().map(|&log| libm::exp(log)).sum::<f64>() - 1.0).abs() < 1e-8);
}

#[test]
fn choices_are_golden() {
    let domain = Domain::Categorical { choices: ["a", "b", "c"].map(str::to_owned).to_vec() };
    let all = ["a", "b", "c"].map(|name| Value::Choice(name.to_owned()));
    let observed = [all[0].clone(), all[0].clone(), all[2].clone()];
    close(&log_density(&domain, &observed, &all, 1.0), &[-0.741_937_34, -1.658_228_08, -1.098_612_29]);
}
