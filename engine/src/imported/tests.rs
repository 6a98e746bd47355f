use super::*;
use crate::fixture::{Study, parameter};
use crate::state::State;
use crate::{
    Action, AshaForm, Domain, Exploit, Others, Outcome, PlanSpec, Sampler, Scale, Scheduler, Sizes, TpeSettings, Value,
    Values, best, samplers, verify,
};

const TPE: Sampler = Sampler::Tpe(TpeSettings { independent: false, startup_trials: 4 });
const HYPERBAND: Scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };

fn x(assignment: &Assignment) -> f64 {
    match assignment.get("x") {
        Some(Value::Float(x)) => *x,
        _ => f64::NAN,
    }
}

fn at(x: f64, shown: Option<(usize, f64)>) -> Imported {
    let parameters = Assignment { values: vec![("x".to_owned(), Value::Float(x))] };
    let shown = shown.map(|(level, value)| Shown { level, values: Values::once(value), others: Others::default() });
    Imported { parameters, shown }
}

/// Trials spread over the line that had these values at a level.
fn line(count: u32, level: usize, value: impl Fn(f64) -> f64) -> Vec<Imported> {
    let place = |i: u32| (f64::from(i) + 0.5) / f64::from(count);
    (0..count).map(|i| at(place(i), Some((level, value(place(i)))))).collect()
}

/// Plays a study to its end: a value is a function of the configuration, and of the level.
fn play(study: &mut Study, value: impl Fn(&Assignment, usize) -> f64) {
    let mut configurations: Vec<Assignment> = Vec::new();
    loop {
        let decision = study.step();
        for action in &decision.actions {
            match action {
                Action::Start { number, parameters, level, .. } => {
                    configurations.push(parameters.clone());
                    study.reach(number.0, *level, value(parameters, *level));
                }
                Action::Continue { number, level, .. } => {
                    let parameters = configurations[number.0 as usize].clone();
                    study.reach(number.0, *level, value(&parameters, *level));
                }
                Action::Stop { number, .. } => {
                    study.end(number.0, Outcome::Stopped);
                }
            }
        }
        if decision.actions.is_empty() {
            return;
        }
    }
}

#[test]
fn nobody_but_samplers_sees_them() {
    let schedulers = [
        Scheduler::None,
        HYPERBAND,
        Scheduler::Asha { reduction_factor: 3, brackets: 1, form: AshaForm::Promotion },
        Scheduler::Dehb { reduction_factor: 3 },
        Scheduler::PopulationBased {
            population: 6,
            interval: 3,
            exploit: Exploit::Truncation { percent: 20 },
            resample_percent: 25,
        },
    ];
    for scheduler in schedulers {
        let played = |count: u32| {
            let mut study = Study::new(|spec| {
                spec.scheduler = scheduler;
                if matches!(scheduler, Scheduler::Dehb { .. }) {
                    // It proposes by itself.
                    spec.sampler = Sampler::Automatic;
                }
                spec.settings.limits.failed_trials = Some(0);
                // They are better, and many have failed.
                spec.settings.target = Some(-500.0);
            });
            let top = study.plan.top_level();
            study.history.imported = line(count, top, |x| -1_000.0 - x);
            study.history.imported.extend((0..count).map(|i| at(f64::from(i) / 100.0, None)));
            play(&mut study, |own, level| (x(own) - 0.3).abs() + 1.0 / (1.0 + level as f64));
            assert_eq!(verify::verify(&study.plan, &study.history), []);
            study
        };
        let (warm, cold) = (played(30), played(0));
        assert!(!cold.history.batches.is_empty());
        assert_eq!(warm.history.batches, cold.history.batches, "{scheduler:?}");
        assert_eq!(best(&warm.plan, &warm.history), best(&cold.plan, &cold.history));
        assert!(best(&warm.plan, &warm.history).unwrap().value > 0.0);
    }
}

/// What is proposed first with these trials, under so many seeds.
fn first(sampler: Sampler, imported: &[Imported]) -> Vec<f64> {
    let propose = |seed: u64| {
        let mut study = Study::new(|spec| {
            (spec.sampler, spec.seed) = (sampler, seed);
            spec.fidelity = None;
        });
        study.history.imported = imported.to_vec();
        let state = State::fold(&study.plan, &study.history);
        x(&samplers::propose(&study.plan, &state, 0).unwrap().assignment)
    };
    (1..=24).map(propose).collect()
}

#[test]
fn samplers_that_learn_begin_where_it_was_good() {
    let learning = [
        Sampler::Automatic,
        TPE,
        Sampler::GaussianProcess,
        Sampler::RandomForest,
        Sampler::Bohb,
        Sampler::Gradient,
        Sampler::CmaEs { population: None },
        Sampler::Genetic { population: Some(5) },
    ];
    let known = line(20, 0, |x| (x - 0.8) * (x - 0.8));
    for sampler in learning {
        let near = |proposed: &[f64]| proposed.iter().filter(|x| (**x - 0.8).abs() < 0.15).count();
        let (warm, cold) = (near(&first(sampler, &known)), near(&first(sampler, &[])));
        // Three in ten are near by chance.
        assert!(warm >= 14 && warm > cold, "{sampler:?}: {warm} of 24 are near, and {cold} without evidence");
    }
    for sampler in [Sampler::Random, Sampler::Grid { points: Some(9) }, Sampler::QuasiRandom] {
        assert_eq!(first(sampler, &known), first(sampler, &[]), "{sampler:?}");
    }
}

#[test]
fn warm_estimators_are_ahead_of_cold_ones() {
    let two = |spec: &mut PlanSpec, sampler: Sampler, seed: u64, trials: u32| {
        let float = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
        spec.space.parameters.push(parameter("y", float));
        spec.fidelity = None;
        (spec.sampler, spec.seed) = (sampler, seed);
        (spec.settings.parallelism, spec.settings.limits.trials) = (1, Some(trials));
    };
    let value = |assignment: &Assignment, _: usize| {
        let Some(Value::Float(y)) = assignment.get("y") else { return f64::NAN };
        (x(assignment) - 0.7) * (x(assignment) - 0.7) + (y - 0.2) * (y - 0.2)
    };
    let after_ten = |seed: u64, is_warm: bool| {
        let mut study = Study::new(|spec| two(spec, Sampler::Tpe(TpeSettings::default()), seed, 10));
        if is_warm {
            let mut earlier = Study::new(|spec| two(spec, Sampler::Random, seed + 1_000, 40));
            play(&mut earlier, value);
            let state = State::fold(&earlier.plan, &earlier.history);
            let known = state.trials().iter().map(|trial| Imported {
                parameters: trial.parameters.as_deref().unwrap().clone(),
                shown: trial.values.last().cloned(),
            });
            study.history.imported = known.collect();
        }
        play(&mut study, value);
        best(&study.plan, &study.history).unwrap().value
    };
    let median = |is_warm: bool| {
        let mut all: Vec<f64> = (1..=21).map(|seed| after_ten(seed, is_warm)).collect();
        all.sort_by(f64::total_cmp);
        all[10]
    };
    let (warm, cold) = (median(true), median(false));
    assert!(warm < cold / 2.0, "{warm} warm, {cold} cold");
}

#[test]
fn a_value_says_nothing_at_another_level() {
    for sampler in [TPE, Sampler::GaussianProcess, Sampler::CmaEs { population: None }] {
        let mut study = Study::new(|spec| {
            (spec.scheduler, spec.sampler) = (HYPERBAND, sampler);
            spec.settings.parallelism = 51;
            spec.settings.limits.trials = Some(60);
        });
        study.step();
        // Three passes over the brackets; the last three of each pass are at the highest level from the start.
        for number in (0..51).filter(|number| number % 17 >= 14) {
            study.observe(number, 2, f64::from(number));
        }
        let cold = samplers::propose(&study.plan, &State::fold(&study.plan, &study.history), 51);
        study.history.imported = line(50, 0, |x| -x);
        assert_eq!(samplers::propose(&study.plan, &State::fold(&study.plan, &study.history), 51), cold, "{sampler:?}");
        study.history.imported = line(50, 2, |x| -x);
        assert_ne!(samplers::propose(&study.plan, &State::fold(&study.plan, &study.history), 51), cold, "{sampler:?}");
    }
}

#[test]
fn a_log_recomputes_with_what_it_began_with_only() {
    let mut study = Study::new(|spec| (spec.sampler, spec.fidelity) = (TPE, None));
    study.history.imported = line(60, 0, |x| (x - 0.1).abs());
    play(&mut study, |own, _| x(own));
    assert_eq!(verify::verify(&study.plan, &study.history), []);
    study.history.imported.clear();
    assert!(!verify::verify(&study.plan, &study.history).is_empty());
}

#[test]
fn what_makes_no_sense_is_passed_over() {
    let mut study = Study::new(|spec| spec.sampler = TPE);
    let cold = State::fold(&study.plan, &study.history).into_owned();
    let proposed = samplers::propose(&study.plan, &cold, 0);
    let mut foreign = at(0.5, Some((0, 1.0)));
    foreign.parameters.values[0].0 = "z".to_owned();
    study.history.imported = vec![foreign, at(1.5, Some((0, 1.0))), at(0.5, Some((64, 1.0)))];
    study.history.imported = study.history.imported.iter().cycle().take(60).cloned().collect();
    let state = State::fold(&study.plan, &study.history);
    assert_eq!((samplers::propose(&study.plan, &state, 0), state.evidence().count()), (proposed, 0));
    study.history.imported = line(500, 0, |x| x);
    assert_eq!(State::fold(&study.plan, &study.history).evidence().count(), MAX_IMPORTED);
}

#[test]
fn of_too_many_half_are_the_best_and_half_are_spread() {
    let study = Study::new(|spec| spec.scheduler = HYPERBAND);
    // At the top ten, below ninety; twenty have failed.
    let mut all = line(90, 0, |x| x);
    all.extend(line(10, 2, |x| -x));
    all.extend((0..20).map(|_| at(0.5, None)));
    let chosen = choose(&study.plan, &all, 40);
    assert_eq!(chosen.len(), 40);
    assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]), "in their order");
    assert!((90..100).chain(0..10).all(|best| chosen.contains(&best)), "{chosen:?}");
    // Of the hundred others every fifth, the worst of all among them.
    let (rest, failed): (Vec<usize>, Vec<usize>) = chosen.iter().filter(|at| **at >= 10).partition(|at| **at < 90);
    assert_eq!(rest, (0..16).map(|k| 14 + 5 * k).collect::<Vec<_>>());
    assert_eq!(failed.iter().filter(|at| **at >= 100).copied().collect::<Vec<_>>(), [104, 109, 114, 119]);
    assert_eq!(choose(&study.plan, &all, 120), (0..120).collect::<Vec<_>>());
    assert!(choose(&study.plan, &all, 0).is_empty() && choose(&study.plan, &[], 5).is_empty());
}

#[test]
fn of_several_objectives_the_first_front_is_best() {
    let study = Study::new(|spec| {
        spec.fidelity = None;
        spec.further = vec![crate::Objective { metric: "second".to_owned(), ..spec.objective.clone() }];
    });
    let point = |a: f64, b: f64| {
        let mut imported = at(0.5, Some((0, a)));
        imported.shown.as_mut().unwrap().others = Others(vec![b]);
        imported
    };
    // By the first value alone the first three would be best.
    let all =
        [point(1.0, 9.0), point(1.5, 9.5), point(2.0, 9.6), point(5.0, 5.0), point(9.0, 1.0), point(9.0, f64::NAN)];
    assert_eq!(choose(&study.plan, &all, 5), [0, 1, 3, 4, 5]);
}
