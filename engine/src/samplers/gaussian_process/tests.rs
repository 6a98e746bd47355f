use std::collections::BTreeSet;

use super::*;
use crate::fixture::{Study, parameter};
use crate::space::{Domain, Scale, Space};
use crate::{Outcome, Sampler};

fn float(name: &str) -> crate::Parameter {
    parameter(name, Domain::Float { min: -5.0, max: 5.0, step: None, scale: Scale::Linear })
}

fn study(parameters: Vec<crate::Parameter>, parallelism: u32) -> Study {
    Study::new(|spec| {
        spec.space = Space { parameters };
        spec.sampler = Sampler::GaussianProcess;
        spec.fidelity = None;
        spec.settings.parallelism = parallelism;
        spec.settings.limits.trials = Some(60);
    })
}

/// Plays a study to its end; returns the values in the order of the trials.
fn play(study: &mut Study, value: impl Fn(&Assignment) -> f64) -> Vec<f64> {
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

fn square(x: f64) -> f64 {
    x * x
}

fn number(assignment: &Assignment, name: &str) -> f64 {
    match assignment.get(name) {
        Some(crate::Value::Float(x)) => *x,
        Some(crate::Value::Int(x)) => *x as f64,
        _ => f64::NAN,
    }
}

#[test]
fn a_bowl_is_found_to_its_bottom() {
    let mut study = study(vec![float("x"), float("y")], 1);
    study.settings(|settings| settings.limits.trials = Some(30));
    let values = play(&mut study, |a| square(number(a, "x") - 1.3) + 2.0 * square(number(a, "y") + 2.1));
    let best = values.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best < 1e-3, "{best}");
}

#[test]
fn a_finite_space_is_gone_through_once() {
    let whole = |name: &str| parameter(name, Domain::Int { min: 0, max: 5, step: None, scale: Scale::Linear });
    let mut study = study(vec![whole("a"), whole("b")], 3);
    let values = play(&mut study, |a| number(a, "a") - 10.0 * number(a, "b"));
    assert_eq!(values.len(), 36);
    let distinct: BTreeSet<i64> = values.iter().map(|&value| value as i64).collect();
    assert_eq!(distinct.len(), 36);
    // The best corner is found long before the space is exhausted.
    assert!(values.iter().position(|&value| value == -50.0).unwrap() < 24, "{values:?}");
}

#[test]
fn asks_at_once_are_apart() {
    let mut study = study(vec![float("x"), float("y")], 1);
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

#[test]
fn failures_steer_away() {
    let mut study = study(vec![float("x")], 1);
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

#[test]
fn hostile_values_break_nothing() {
    let mut study = study(vec![float("x"), float("y")], 2);
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

#[test]
fn memo_changes_nothing() {
    let mut study = study(vec![float("x"), float("y")], 1);
    study.settings(|settings| settings.limits.trials = Some(40));
    play(&mut study, |a| square(number(a, "x")) + number(a, "y"));
    // One state is carried through the whole log, the other is made anew for each batch.
    assert_eq!(crate::verify::verify(&study.plan, &study.history), []);
}

#[test]
fn fits_are_at_fixed_counts() {
    let counts: BTreeSet<usize> = (1..1_000).map(fitted_count).collect();
    assert!((1..40).all(|count| fitted_count(count) == count));
    assert!((40..1_000).all(|count| fitted_count(count) <= count && fitted_count(count) * 21 >= count * 20 - 20));
    assert_eq!(counts.len(), 110);
}
