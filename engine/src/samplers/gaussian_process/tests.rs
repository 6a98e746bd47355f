use std::collections::BTreeSet;

use super::super::surrogate::tests::{float, number, play, square, study};
use super::fitted_count;
use crate::fixture::{self, Study};
use crate::pareto::{Vector, hypervolume};
use crate::{Action, Assignment, Bound, Goal, Objective, Others, Outcome, Plan, Reduce, ResultKind, Sampler, Values};

#[test]
fn a_bowl_is_found_to_its_bottom() {
    let mut study = study(Sampler::GaussianProcess, vec![float("x"), float("y")], 1);
    study.settings(|settings| settings.limits.trials = Some(30));
    let values = play(&mut study, |a| square(number(a, "x") - 1.3) + 2.0 * square(number(a, "y") + 2.1));
    let best = values.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best < 1e-3, "{best}");
}

#[test]
fn memo_changes_nothing() {
    let mut study = study(Sampler::GaussianProcess, vec![float("x"), float("y")], 1);
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

fn objective(metric: &str) -> Objective {
    Objective { metric: metric.to_owned(), goal: Goal::Minimize, reduce: Reduce::Last }
}

/// ZDT1 in three dimensions, each from -5 to 5: two objectives that are at odds.
fn at_odds(assignment: &Assignment) -> Vec<f64> {
    let [x, y, z] = ["x", "y", "z"].map(|name| number(assignment, name) / 10.0 + 0.5);
    let g = 1.0 + 4.5 * (y + z);
    vec![x, g * (1.0 - (x / g).sqrt())]
}

/// Two objectives, 40 trials.
fn several(sampler: Sampler, parallelism: u32) -> Study {
    let mut study = study(sampler, vec![float("x"), float("y"), float("z")], parallelism);
    let mut spec = study.plan.spec().clone();
    spec.further = vec![objective("second")];
    spec.settings.limits.trials = Some(40);
    study.plan = Plan::new(spec).unwrap();
    study
}

/// Plays a study to its end, where a trial without values fails; returns where the trials were and the values.
fn play_several(study: &mut Study, values: impl Fn(&Assignment) -> Vec<f64>) -> Vec<(Assignment, Vec<f64>)> {
    let mut all = Vec::new();
    loop {
        let decision = study.step();
        for action in &decision.actions {
            let Action::Start { number, parameters, .. } = action else { continue };
            let own = values(parameters);
            if let [first, others @ ..] = own.as_slice() {
                let (values, others) = (Values::once(*first), Others(others.to_vec()));
                let kind = ResultKind::Observed { level: 0, values, others };
                study.history.open.push(crate::TrialResult { number: *number, kind });
                study.rest(number.0, 0, 1);
            } else {
                study.end(number.0, Outcome::Failed);
            }
            all.push((parameters.clone(), own));
        }
        if decision.actions.is_empty() {
            return all;
        }
    }
}

fn covered(found: &[(Assignment, Vec<f64>)]) -> f64 {
    let vectors: Vec<Vector> =
        found.iter().filter_map(|(_, values)| Some([*values.first()?, *values.get(1)?, 0.0, 0.0])).collect();
    hypervolume(&vectors, &[1.1, 6.0, 0.0, 0.0], 2)
}

#[test]
fn a_front_of_two_objectives_is_found_where_chance_does_not_find_it() {
    let mut study = several(Sampler::GaussianProcess, 1);
    let found = covered(&play_several(&mut study, at_odds));
    // The whole front covers 6.2666.
    assert!(found > 6.0, "{found}");
    let by_chance = covered(&play_several(&mut several(Sampler::Random, 1), at_odds));
    assert!(by_chance < 5.7, "{by_chance}");
    let Some(Action::Start { note, .. }) = study.history.batches.iter().flat_map(|batch| &batch.actions).next_back()
    else {
        panic!("a start");
    };
    let says = note.tag.as_deref().unwrap_or_default();
    assert!(says.starts_with("expected improvement of the hypervolume of 2 objectives, on a front of "), "{says}");
    // One state is carried through the whole log, the other is made anew for each batch.
    assert_eq!(crate::verify::verify(&study.plan, &study.history), []);
}

#[test]
fn pending_trials_of_two_objectives_are_apart() {
    let mut study = several(Sampler::GaussianProcess, 1);
    play_several(&mut study, at_odds);
    study.settings(|settings| {
        settings.limits.trials = Some(60);
        settings.parallelism = 8;
    });
    let decision = study.step();
    let places: Vec<Vec<f64>> = decision
        .actions
        .iter()
        .map(|action| match action {
            Action::Start { parameters, .. } => ["x", "y", "z"].map(|name| number(parameters, name)).to_vec(),
            _ => panic!("a start"),
        })
        .collect();
    assert_eq!(places.len(), 8);
    for (i, a) in places.iter().enumerate() {
        for b in &places[..i] {
            assert!(a.iter().zip(b).any(|(x, y)| (x - y).abs() > 0.099), "{places:?}");
        }
    }
}

#[test]
fn failures_and_bounds_steer_away_also_with_several_objectives() {
    let mut study = several(Sampler::GaussianProcess, 2);
    let mut spec = study.plan.spec().clone();
    spec.bounds = vec![Bound { metric: "size".to_owned(), min: None, max: Some(1.0) }];
    study.plan = Plan::new(spec).unwrap();
    // Half of the front is where the size is too large, and trials fail where one objective is large.
    let found = play_several(&mut study, |a| {
        if number(a, "y") > 3.0 {
            return Vec::new();
        }
        let mut values = at_odds(a);
        values.push(1.0 + number(a, "x"));
        values
    });
    let late = &found[found.len() - 20..];
    let is_kept = |(_, values): &&(Assignment, Vec<f64>)| values.get(2).is_some_and(|&size| size <= 1.0);
    assert!(late.iter().filter(is_kept).count() >= 14, "{late:?}");
    let kept: Vec<_> = found.iter().filter(is_kept).cloned().collect();
    // The half of the front that is kept covers 6.16.
    assert!(covered(&kept) > 5.9, "{}", covered(&kept));
}

#[test]
fn hostile_values_of_three_objectives_break_nothing() {
    let mut study = several(Sampler::GaussianProcess, 3);
    let mut spec = study.plan.spec().clone();
    spec.further.push(objective("third"));
    study.plan = Plan::new(spec).unwrap();
    let hostile = |turn: i64| match turn % 7 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => 1e300,
        3 => -1e300,
        4 => 0.0,
        _ => 1.0,
    };
    let found = play_several(&mut study, |a| {
        let turn = (number(a, "x") * 97.0).abs() as i64;
        vec![hostile(2 + turn % 5), hostile(2 + turn / 5 % 5), hostile(turn / 25)]
    });
    assert_eq!(found.len(), 40);
}

#[test]
fn four_objectives_are_refused() {
    let mut spec = fixture::spec();
    spec.sampler = Sampler::GaussianProcess;
    spec.further = ["b", "c"].map(objective).to_vec();
    assert!(Plan::new(spec.clone()).is_ok());
    spec.further.push(objective("d"));
    let errors: Vec<String> = Plan::new(spec).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(errors, ["`sampler.gaussianProcess` must have at most 3 objectives (given 4)"]);
}
