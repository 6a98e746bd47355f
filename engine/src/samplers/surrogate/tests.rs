//! What every sampler with a model of the objective must do, whatever the model is.

use std::collections::BTreeSet;

use crate::fixture::{Study, parameter};
use crate::space::{Assignment, Domain, Scale, Space};
use crate::{Outcome, Sampler};

const SAMPLERS: [Sampler; 2] = [Sampler::GaussianProcess, Sampler::RandomForest];

pub(in crate::samplers) fn float(name: &str) -> crate::Parameter {
    parameter(name, Domain::Float { min: -5.0, max: 5.0, step: None, scale: Scale::Linear })
}

pub(in crate::samplers) fn study(sampler: Sampler, parameters: Vec<crate::Parameter>, parallelism: u32) -> Study {
    Study::new(|spec| {
        spec.space = Space { parameters };
        spec.sampler = sampler;
        spec.fidelity = None;
        spec.settings.parallelism = parallelism;
        spec.settings.limits.trials = Some(60);
    })
}

/// Plays a study to its end; returns the values in the order of the trials.
pub(in crate::samplers) fn play(study: &mut Study, value: impl Fn(&Assignment) -> f64) -> Vec<f64> {
    let mut values = Vec::new();
    loop {
        let decision = study.step();
        for action in &decision.actions {
            let crate::Action::Start { number, parameters, .. } = action else { continue };
            let own = value(parameters);
            study.observe(number.0, 0, own).rest(number.0, 0, 1);
            values.push(own);
        }
        if decision.actions.is_empty() {
            return values;
        }
    }
}

pub(in crate::samplers) fn square(x: f64) -> f64 {
    x * x
}

pub(in crate::samplers) fn number(assignment: &Assignment, name: &str) -> f64 {
    match assignment.get(name) {
        Some(crate::Value::Float(x)) => *x,
        Some(crate::Value::Int(x)) => *x as f64,
        _ => f64::NAN,
    }
}

#[test]
fn a_finite_space_is_gone_through_once() {
    for sampler in SAMPLERS {
        let whole = |name: &str| parameter(name, Domain::Int { min: 0, max: 5, step: None, scale: Scale::Linear });
        let mut study = study(sampler, vec![whole("a"), whole("b")], 3);
        let values = play(&mut study, |a| number(a, "a") - 10.0 * number(a, "b"));
        assert_eq!(values.len(), 36);
        let distinct: BTreeSet<i64> = values.iter().map(|&value| value as i64).collect();
        assert_eq!(distinct.len(), 36);
        // The best corner is found long before the space is exhausted.
        assert!(values.iter().position(|&value| value == -50.0).unwrap() < 24, "{values:?}");
    }
}

#[test]
fn asks_at_once_are_apart() {
    for sampler in SAMPLERS {
        let mut study = study(sampler, vec![float("x"), float("y")], 1);
        study.settings(|settings| settings.limits.trials = Some(20));
        play(&mut study, |a| square(number(a, "x")) + square(number(a, "y")));
        study.settings(|settings| {
            settings.limits.trials = Some(60);
            settings.parallelism = 16;
        });
        let decision = study.step();
        let points: Vec<(f64, f64)> = decision
            .actions
            .iter()
            .map(|action| match action {
                crate::Action::Start { parameters, .. } => (number(parameters, "x"), number(parameters, "y")),
                _ => panic!("a start"),
            })
            .collect();
        assert_eq!(points.len(), 16);
        for (i, a) in points.iter().enumerate() {
            for b in &points[..i] {
                assert!((a.0 - b.0).abs().max((a.1 - b.1).abs()) > 0.099, "{points:?}");
            }
        }
    }
}

#[test]
fn failures_steer_away() {
    for sampler in SAMPLERS {
        let mut study = study(sampler, vec![float("x")], 1);
        let mut failed = 0;
        for _ in 0..40 {
            for action in study.step().actions {
                let crate::Action::Start { number: own, parameters, .. } = action else { continue };
                let x = number(&parameters, "x");
                // What fails is where the values would go on to fall.
                if x > 1.0 {
                    failed += 1;
                    study.end(own.0, Outcome::Failed);
                } else {
                    study.observe(own.0, 0, -x).rest(own.0, 0, 1);
                }
            }
        }
        assert!((1..14).contains(&failed), "{failed}");
    }
}

#[test]
fn hostile_values_break_nothing() {
    for sampler in SAMPLERS {
        let mut study = study(sampler, vec![float("x"), float("y")], 2);
        let values = play(&mut study, |a| match (number(a, "x") * 7.0).abs() as i64 % 6 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => 1e300,
            4 => -1e300,
            _ => number(a, "x"),
        });
        assert_eq!(values.len(), 60);
    }
}
