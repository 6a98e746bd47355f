use super::*;
use crate::fixture::{best_of, parameter, plan, search};
use crate::{Condition, Next, Sampler, Scale, next};

const GENETIC: Sampler = Sampler::Genetic { population: None };

fn float(name: &str) -> Parameter {
    parameter(name, Domain::Float { min: -5.0, max: 10.0, step: None, scale: Scale::Linear })
}

fn number(assignment: &Assignment, name: &str) -> f64 {
    match assignment.get(name) {
        Some(Value::Float(x)) => *x,
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        Some(Value::Int(x)) => *x as f64,
        _ => panic!("{name} is no number"),
    }
}

/// The median of a sampler's best values over seeds.
fn median(sampler: Sampler, trials: u32, workers: u32, parameters: &[Parameter], f: fn(&Assignment) -> f64) -> f64 {
    let best = |seed| best_of(&search(&plan(sampler, seed, trials, parameters.to_vec()), workers, f));
    let mut values: Vec<f64> = (0..15).map(best).collect();
    values.sort_by(f64::total_cmp);
    values[7]
}

fn sphere(assignment: &Assignment) -> f64 {
    assignment.values.iter().map(|(name, _)| number(assignment, name) - 1.5).map(|x| x * x).sum()
}

#[test]
fn sphere_is_found_far_better_than_by_chance_with_any_number_of_workers() {
    let space: Vec<Parameter> = ["a", "b", "c", "d"].map(float).into();
    let chance = median(Sampler::Random, 150, 1, &space, sphere);
    // With 40 at once, most of 150 are asked for before much is known.
    for (workers, gain) in [(1, 8.0), (8, 8.0), (40, 2.0)] {
        let bred = median(GENETIC, 150, workers, &space, sphere);
        assert!(bred < chance / gain, "{workers} workers: {bred}, chance {chance}");
    }
}

fn mixed(assignment: &Assignment) -> f64 {
    let choice = if assignment.get("kind") == Some(&Value::Choice("b".to_owned())) { 0.0 } else { 9.0 };
    let depth = number(assignment, "depth") - 6.0;
    let rate = assignment.get("rate").map_or(5.0, |_| libm::log10(number(assignment, "rate")) + 3.0);
    choice + depth * depth + rate * rate
}

#[test]
fn mixed_and_conditional_space_is_searched() {
    let choices = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let mut rate = parameter("rate", Domain::Float { min: 1e-6, max: 1.0, step: None, scale: Scale::Log });
    rate.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["b".to_owned(), "c".to_owned()] }];
    let depth = parameter("depth", Domain::Int { min: 1, max: 40, step: None, scale: Scale::Linear });
    let space = [parameter("kind", Domain::Categorical { choices }), depth, rate];
    let (bred, chance) = (median(GENETIC, 120, 4, &space, mixed), median(Sampler::Random, 120, 4, &space, mixed));
    assert!(bred < 0.3 && bred < chance / 4.0, "{bred}, chance {chance}");
}

#[test]
fn parents_are_on_record_and_are_survivors() {
    let plan = plan(Sampler::Genetic { population: Some(5) }, 3, 40, vec![float("a")]);
    let mut state = State::new(&plan);
    let mut bred = 0;
    while let Next::Action(action) = next(&plan, &state) {
        let crate::Action::Start { number, note, sampler, .. } = &action else { panic!("a start") };
        assert_eq!(sampler, "genetic");
        assert_eq!(note.parents.is_empty(), number.0 < 5);
        assert!(note.parents.len() <= 2 && note.fallback.is_none());
        // Trial n has the value n, so the first five survive for ever.
        assert!(note.parents.iter().all(|parent| parent.0 < 5));
        bred += note.parents.len();
        let (number, value) = (*number, crate::Values::once(f64::from(number.0)));
        state.apply(&plan, &action);
        let kinds = [crate::ResultKind::observed(0, value), crate::ResultKind::rested(0, 1)];
        state.admit(&plan, &kinds.map(|kind| crate::TrialResult { number, kind }));
    }
    assert!(bred > 50, "most have two parents: {bred}");
}

/// The hypervolume beside (2, 2) that a sampler reaches in the median on the first problem of Zitzler, Deb and Thiele (2000).
/// With a bound, the right half of the front is forbidden.
fn covered(sampler: Sampler, bound: Option<f64>) -> f64 {
    let space: Vec<Parameter> = ["a", "b", "c", "d", "e"]
        .map(|name| parameter(name, Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear }))
        .into();
    let volume = |seed| {
        let mut spec = plan(sampler, seed, 200, space.clone()).spec().clone();
        let second = crate::Objective { metric: "second".to_owned(), ..spec.objective.clone() };
        spec.further = vec![second];
        spec.bounds = bound
            .map(|max| crate::Bound { metric: "third".to_owned(), min: None, max: Some(max) })
            .into_iter()
            .collect();
        let plan = Plan::new(spec).unwrap();
        let (state, _) = crate::fixture::play(&plan, 4, |assignment| {
            let x: Vec<f64> = assignment.values.iter().map(|(name, _)| number(assignment, name)).collect();
            let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / 4.0;
            let all = [x[0], g * (1.0 - (x[0] / g).sqrt()), x[0]];
            all[..2 + usize::from(bound.is_some())].to_vec()
        });
        crate::front::front_of(&plan, &state, &[Some(2.0), Some(2.0)])
            .and_then(|front| front.hypervolume)
            .unwrap_or(0.0)
    };
    let mut volumes: Vec<f64> = (0..9).map(volume).collect();
    volumes.sort_by(f64::total_cmp);
    volumes[4]
}

#[test]
fn front_is_covered_far_better_than_by_chance() {
    let tpe = Sampler::Tpe(crate::TpeSettings::default());
    for bound in [None, Some(0.5)] {
        let [bred, modelled, chance] = [GENETIC, tpe, Sampler::Random].map(|sampler| covered(sampler, bound));
        assert!(bred > 1.5 * chance && modelled > 1.5 * chance, "{bred}, {modelled}, chance {chance}");
    }
}

#[test]
fn exhausted_neighbourhood_falls_back_and_says_so() {
    // 4,000 points of which the survivors' children reach few: the last trials have to come from somewhere else.
    let whole = parameter("n", Domain::Int { min: 1, max: 60, step: None, scale: Scale::Linear });
    let plan = plan(Sampler::Genetic { population: Some(4) }, 1, 60, vec![whole]);
    let done = search(&plan, 1, |assignment| number(assignment, "n"));
    let mut seen: Vec<i64> =
        done.iter().map(|(a, _)| if let Some(Value::Int(n)) = a.get("n") { *n } else { 0 }).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=60).collect::<Vec<_>>(), "every point once");
}

#[test]
fn operators_stay_in_the_domain_and_move() {
    let domains = [
        Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear },
        Domain::Float { min: 1e-9, max: 1e9, step: None, scale: Scale::Log },
        Domain::Float { min: 0.1, max: 0.7, step: Some(0.3), scale: Scale::Linear },
        Domain::Int { min: i64::MIN, max: i64::MAX, step: None, scale: Scale::Linear },
        Domain::Int { min: 1, max: 2, step: None, scale: Scale::Log },
        Domain::Ordinal { values: vec![1.0, 10.0, 11.0] },
        Domain::Categorical { choices: vec!["a".to_owned(), "b".to_owned()] },
    ];
    let mut stream = Stream::new(9, Purpose::Parameters, 0);
    for domain in &domains {
        let mut changed = 0;
        for _ in 0..300 {
            let (a, b) = (domain.at_unit(stream.uniform()), domain.at_unit(stream.uniform()));
            let crossed = cross(domain, &a, &b, &mut stream);
            let mutated = change(domain, &a, &mut stream);
            for value in [&crossed, &mutated] {
                let parameter = parameter("p", domain.clone());
                assert_eq!(parameter.parse(&value.to_string()).as_ref(), Ok(value), "{domain:?}");
            }
            changed += u32::from(mutated != a);
        }
        assert!(changed > 295, "{domain:?} is changed {changed} times of 300");
    }
}
