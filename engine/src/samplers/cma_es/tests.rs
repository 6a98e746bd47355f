use super::latent::Tag;
use super::*;
use crate::fixture::{best_of, parameter, plan, search};
use crate::{Assignment, Condition, Outcome, Parameter, ResultKind, Scale, TrialNumber, TrialResult, Value, Values};

const CMA_ES: Sampler = Sampler::CmaEs { population: None };

fn float(name: String) -> Parameter {
    parameter(&name, Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear })
}

fn floats(count: usize) -> Vec<Parameter> {
    (0..count).map(|i| float(format!("x{i}"))).collect()
}

fn values(assignment: &Assignment) -> Vec<f64> {
    let number = |value: &Value| match value {
        Value::Float(x) => *x,
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        Value::Int(x) => *x as f64,
        Value::Choice(_) => f64::NAN,
    };
    assignment.values.iter().map(|(_, value)| number(value)).collect()
}

/// A narrow, turned valley away from the centre.
fn ellipsoid(assignment: &Assignment) -> f64 {
    let x: Vec<f64> = values(assignment).iter().map(|x| x - 0.3).collect();
    let turned = |i: usize| x[i] + 0.5 * x[(i + 1) % x.len()];
    (0..x.len()).map(|i| libm::pow(100.0, i as f64 / (x.len() - 1) as f64) * turned(i) * turned(i)).sum()
}

fn median(sampler: Sampler, trials: u32, workers: u32, parameters: &[Parameter], f: fn(&Assignment) -> f64) -> f64 {
    let best = |seed| best_of(&search(&plan(sampler, seed, trials, parameters.to_vec()), workers, f));
    let mut values: Vec<f64> = (0..9).map(best).collect();
    values.sort_by(f64::total_cmp);
    values[4]
}

#[test]
fn turned_ellipsoid_converges() {
    let found = median(CMA_ES, 1_200, 1, &floats(5), ellipsoid);
    assert!(found < 1e-8, "{found}");
}

#[test]
fn more_workers_than_a_population_are_no_slower_by_the_clock() {
    // With four populations of eight at work at once, a quarter of the rounds must do.
    let few = median(CMA_ES, 320, 8, &floats(5), ellipsoid);
    let many = median(CMA_ES, 1_280, 32, &floats(5), ellipsoid);
    assert!(many <= few, "{many} after as many rounds as {few}");
    // And at equal trials late results cost little against none.
    let late = median(CMA_ES, 900, 32, &floats(5), ellipsoid);
    assert!(late < 1e-3, "{late}");
}

#[test]
fn separable_form_learns_scales_in_high_dimension() {
    let scaled = |assignment: &Assignment| {
        values(assignment)
            .iter()
            .enumerate()
            .map(|(i, x)| libm::pow(1_000.0, i as f64 / 39.0) * (x - 0.4) * (x - 0.4))
            .sum()
    };
    let found = best_of(&search(&plan(CMA_ES, 3, 4_000, floats(40)), 1, scaled));
    assert!(found < 1e-2, "{found}");
}

#[test]
fn whole_numbers_away_from_the_start_are_found_with_the_margin() {
    let whole =
        |i: i32| parameter(&format!("n{i}"), Domain::Int { min: -10, max: 10, step: None, scale: Scale::Linear });
    let step = |i: i32| {
        parameter(&format!("s{i}"), Domain::Float { min: -3.0, max: 3.0, step: Some(0.5), scale: Scale::Linear })
    };
    let space: Vec<Parameter> = (0..3).map(whole).chain((0..2).map(step)).collect();
    let off = |assignment: &Assignment| {
        let wanted = [7.0, -6.0, 10.0, 2.5, -3.0];
        values(assignment).iter().zip(wanted).map(|(x, wanted)| (x - wanted) * (x - wanted)).sum()
    };
    let found = |seed| best_of(&search(&plan(CMA_ES, seed, 400, space.clone()), 1, off)) == 0.0;
    let hits = (0..200).filter(|&seed| found(seed)).count();
    assert!(hits >= 190, "{hits} of 200");
}

#[test]
fn choices_and_branches_are_learned() {
    let kinds = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let mut inner = float("inner".to_owned());
    inner.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["c".to_owned()] }];
    let mode = parameter("mode", Domain::Categorical { choices: ["x", "y"].map(str::to_owned).to_vec() });
    let space = vec![parameter("kind", Domain::Categorical { choices: kinds }), mode, float("outer".to_owned()), inner];
    let value = |assignment: &Assignment| {
        let of = |name: &str| assignment.get(name).map(ToString::to_string).unwrap_or_default();
        let place = |name: &str, wanted: f64| of(name).parse::<f64>().map_or(0.5, |x| (x - wanted) * (x - wanted));
        let penalty = if of("kind") == "c" { 0.0 } else { 0.6 } + if of("mode") == "y" { 0.0 } else { 0.3 };
        penalty + place("outer", 0.8) + place("inner", 0.1)
    };
    let found = median(CMA_ES, 300, 4, &space, value);
    assert!(found < 1e-4, "{found}");
    let choices_only =
        median(CMA_ES, 60, 1, &space[..2], |assignment| f64::from(u8::from(assignment.values[1].1.to_string() == "x")));
    assert_eq!(choices_only, 0.0);
}

#[test]
fn restart_doubles_the_population_and_ignores_the_search_before() {
    let plan = plan(CMA_ES, 1, 2_000, floats(2));
    let mut state = State::new(&plan);
    let mut restarts = 0;
    while let crate::Next::Action(action) = crate::next(&plan, &state) {
        state.apply(&plan, &action);
        let results = [ResultKind::observed(0, Values::once(1.0)), ResultKind::rested(0, 1)];
        state.admit(&plan, &results.map(|kind| TrialResult { number: action.number(), kind }));
        let super::super::Memo::CmaEs(memory) = state.sampling() else { panic!("a memory") };
        restarts = memory.restart;
        assert_eq!(memory.population, 6 << restarts);
    }
    assert!((2..9).contains(&restarts), "a flat function ends each search: {restarts}");
}

/// The state after these trials, of which each is (sampler, tag, x, outcome).
fn told<'t>(
    plan: &Plan,
    trials: impl IntoIterator<Item = (&'t str, Option<String>, f64, Result<f64, Outcome>)>,
) -> State<'static> {
    let mut state = State::new(plan);
    for (number, (sampler, tag, x, outcome)) in (0..).zip(trials) {
        let number = TrialNumber(number);
        let start = crate::Action::Start {
            number,
            parameters: Assignment { values: vec![("x0".to_owned(), Value::Float(x))] },
            bracket: 0,
            level: 0,
            sampler: sampler.to_owned(),
            note: Note { tag, ..Note::default() },
            from: None,
            reason: crate::Reason::NewTrial,
        };
        state.apply(plan, &start);
        let kinds = match outcome {
            Ok(value) => vec![ResultKind::observed(0, Values::once(value)), ResultKind::rested(0, 1)],
            Err(outcome) => vec![ResultKind::Ended { outcome, spent: 1 }],
        };
        state.admit(plan, &kinds.into_iter().map(|kind| TrialResult { number, kind }).collect::<Vec<_>>());
    }
    state
}

fn memory<'s>(state: &'s State<'_>) -> &'s Memory {
    let super::super::Memo::CmaEs(memory) = state.sampling() else { panic!("a memory") };
    memory
}

#[test]
fn known_points_are_where_it_begins_and_later_ones_are_injected() {
    let plan = plan(CMA_ES, 1, 100, floats(1));
    let known =
        [("startWith", None, 0.9, Ok(5.0)), ("startWith", None, 0.1, Ok(1.0)), ("x", None, 0.3, Err(Outcome::Failed))];
    let state = told(&plan, known.clone());
    assert_eq!(memory(&state).gaussian.mean, [0.1]);
    let first = crate::samplers::propose(&plan, &state, 3).unwrap();
    let begun = known.into_iter().chain([("cmaEs", first.note.tag, 0.2, Ok(2.0)), ("other", None, 0.7, Ok(0.0))]);
    let state = told(&plan, begun);
    assert_eq!(memory(&state).gaussian.mean, [0.1]);
    assert_eq!(memory(&state).waiting.iter().map(|sample| sample.is_injected).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn failures_close_a_generation_and_the_infrastructures_do_not_count() {
    let plan = plan(CMA_ES, 1, 100, floats(1));
    let tag = || Some("g0 r0 0.25".to_owned());
    let trials = |outcome: Result<f64, Outcome>| {
        [("cmaEs", tag(), 0.25, outcome); 1].into_iter().cycle().take(4).collect::<Vec<_>>()
    };
    assert_eq!(memory(&told(&plan, trials(Err(Outcome::Failed)))).generation, 1);
    assert_eq!(memory(&told(&plan, trials(Ok(f64::NAN)))).generation, 1);
    assert_eq!(memory(&told(&plan, trials(Ok(f64::NAN)))).gaussian.mean, [0.5], "nothing was learned");
    assert_eq!(memory(&told(&plan, trials(Err(Outcome::Lost)))).generation, 0);
    let state = told(&plan, trials(Ok(1e300)));
    assert_eq!(memory(&state).generation, 1);
    assert!(memory(&state).gaussian.mean[0] < 0.5);
}

#[test]
fn tag_comes_back_and_anyones_text_is_survived() {
    let plan = plan(CMA_ES, 1, 100, floats(2));
    let fresh = Memory::new(&plan);
    let text = fresh.tag(&[0.125, 1.0]);
    assert_eq!(text, "g0 r0 0.125 1");
    assert_eq!(fresh.read(&text), Some(Tag { generation: 0, restart: 0, point: vec![0.125, 1.0] }));
    for text in [
        "",
        "g0",
        "g0 r0",
        "g0 r0 1",
        "g0 r0 1 2 3",
        "g0 r0 nan 1",
        "g0 r0 1e300 1",
        "g0 r0 -0.1 1",
        "gx r0 1 1",
        "g0 r-1 1 1",
        "g0  r0 1 1",
    ] {
        assert_eq!(fresh.read(text), None, "{text}");
    }
    assert!(fresh.tag(&[0.123_456_789_012; 64]).len() < crate::history::MAX_TAG);
}
