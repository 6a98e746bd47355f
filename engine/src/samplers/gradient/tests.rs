use super::*;
use crate::fixture::{Study, parameter};
use crate::samplers::surrogate::tests::number;
use crate::space::{Assignment, Domain, Scale, Space};
use crate::{Action, Goal, Gradient, Outcome, PlanSpec, ResultKind, TrialResult, Value, Values, verify};

/// Two floats, one on a logarithmic scale, and what chains do not move.
fn parameters() -> Vec<crate::Parameter> {
    let float = |min, max, scale| Domain::Float { min, max, step: None, scale };
    vec![
        parameter("kind", Domain::Categorical { choices: vec!["a".to_owned(), "b".to_owned()] }),
        parameter("rate", float(1e-5, 10.0, Scale::Log)),
        parameter("layers", Domain::Int { min: 1, max: 4, step: None, scale: Scale::Linear }),
        parameter("share", float(-1.0, 3.0, Scale::Linear)),
    ]
}

fn study(parallelism: u32, trials: u32, change: impl FnOnce(&mut PlanSpec)) -> Study {
    Study::new(|spec| {
        spec.space = Space { parameters: parameters() };
        spec.sampler = Sampler::Gradient;
        spec.fidelity = None;
        spec.settings.parallelism = parallelism;
        spec.settings.limits.trials = Some(trials);
        change(spec);
    })
}

/// A bowl whose bottom, 0, is at a rate of 1e-3 and a share of 0.5; and its derivatives in rate and share.
fn bowl(assignment: &Assignment) -> (f64, f64, f64) {
    let (rate, share) = (number(assignment, "rate"), number(assignment, "share"));
    let (u, v) = (libm::log10(rate) + 3.0, share - 0.5);
    let by_rate = (2.0 * u + 0.5 * v) / (rate * std::f64::consts::LN_10);
    (u * u + 2.0 * v * v + 0.5 * u * v, by_rate, 4.0 * v + 0.5 * u)
}

fn rest(number: TrialNumber, value: f64, gradient: Vec<f64>) -> [TrialResult; 2] {
    let rested = ResultKind::Rested { level: 0, spent: 1, gradient: Gradient(gradient) };
    [ResultKind::observed(0, Values::once(value)), rested].map(|kind| TrialResult { number, kind })
}

/// A trial that was played.
struct Played {
    parameters: Assignment,
    note: Note,
    value: f64,
}

/// Plays a study to its end with these values and derivatives.
fn play(study: &mut Study, told: impl Fn(&Assignment) -> (f64, Vec<f64>)) -> Vec<Played> {
    let mut all = Vec::new();
    loop {
        let actions = study.step().actions;
        for action in &actions {
            let Action::Start { number, parameters, note, .. } = action else { continue };
            let (value, gradient) = told(parameters);
            study.history.open.extend(rest(*number, value, gradient));
            all.push(Played { parameters: parameters.clone(), note: note.clone(), value });
        }
        if actions.is_empty() {
            return all;
        }
    }
}

fn best(played: &[Played]) -> f64 {
    played.iter().map(|trial| trial.value).fold(f64::INFINITY, f64::min)
}

fn honest(assignment: &Assignment) -> (f64, Vec<f64>) {
    let (value, by_rate, by_share) = bowl(assignment);
    (value, vec![f64::NAN, by_rate, f64::NAN, by_share])
}

#[test]
fn a_bowl_is_descended_in_a_few_trials() {
    for seed in 0..6 {
        let mut study = study(1, 20, |spec| spec.seed = seed);
        let played = play(&mut study, honest);
        assert!(best(&played) < 1e-6, "{seed}: {}", best(&played));
    }
}

#[test]
fn steps_name_their_chain_and_move_only_what_has_a_gradient() {
    let mut study = study(4, 40, |_| {});
    let played = play(&mut study, honest);
    assert_eq!(verify::verify(&study.plan, &study.history), []);
    let mut steps = 0;
    for (at, trial) in played.iter().enumerate() {
        let Some(base) = trial.note.parents.first() else {
            // Until there are values, the model's own first trials.
            assert!(trial.note.fallback.as_deref().is_some_and(|name| name == "gaussianProcess"), "{at}");
            continue;
        };
        steps += 1;
        let base = &played[base.0 as usize];
        assert!(trial.note.tag.as_deref().unwrap().starts_with("chain "), "{:?}", trial.note);
        for name in ["kind", "layers"] {
            assert_eq!(trial.parameters.get(name), base.parameters.get(name));
        }
    }
    assert!(steps > 10, "{steps}");
    // One trial in five is the model's.
    assert!(played.iter().skip(4).step_by(5).all(|trial| trial.note.fallback.is_some()));
}

#[test]
fn a_parameter_without_a_gradient_stays_and_the_others_move() {
    let mut study = study(1, 20, |_| {});
    let played = play(&mut study, |assignment| {
        let (value, gradient) = honest(assignment);
        (value, vec![f64::NAN, gradient[1], f64::NAN, f64::INFINITY])
    });
    let steps = played.iter().filter_map(|trial| Some((trial, &played[trial.note.parents.first()?.0 as usize])));
    let mut count = 0;
    for (step, base) in steps {
        count += 1;
        assert_eq!(step.parameters.get("share"), base.parameters.get("share"));
        assert_ne!(step.parameters.get("rate"), base.parameters.get("rate"));
    }
    assert!(count > 3, "{count}");
}

#[test]
fn a_slope_that_leads_out_of_the_range_ends_on_its_end() {
    let mut study = study(1, 20, |spec| spec.objective.goal = Goal::Maximize);
    let played = play(&mut study, |assignment| {
        let (rate, share) = (number(assignment, "rate"), number(assignment, "share"));
        (libm::log(rate) + share, vec![0.0, 1.0 / rate, 0.0, 1.0])
    });
    let is_corner = |trial: &Played| {
        let end = |name: &str, value: f64| trial.parameters.get(name) == Some(&Value::Float(value));
        end("rate", 10.0) && end("share", 3.0)
    };
    assert!(played.iter().any(is_corner));
}

#[test]
fn without_gradients_the_model_proposes() {
    let mut study = study(2, 25, |_| {});
    let played = play(&mut study, |assignment| (bowl(assignment).0, Vec::new()));
    assert!(played.iter().all(|trial| trial.note.fallback.is_some() && trial.note.parents.is_empty()));
}

/// What is wrong with a gradient: the truth, a number that differs from trial to trial, and what is told.
type Lie = fn([f64; 2], f64) -> [f64; 2];

#[test]
fn wrong_gradients_are_soon_doubted() {
    let lies: [(&str, Lie); 4] = [
        ("turned", |[a, b], _| [-a, -b]),
        ("random", |_, dice| [dice - 0.5, 0.3 - (7.3 * dice).fract()]),
        ("huge", |_, dice| [1e308 * (dice - 0.5), -1e308]),
        ("tiny", |_, dice| [-5e-324, 1e-310 * (dice - 0.5)]),
    ];
    for (name, lie) in lies {
        let (mut own, mut random) = (0.0, 0.0);
        for seed in 0..2 {
            let mut misled = study(1, 40, |spec| spec.seed = seed);
            let played = play(&mut misled, |assignment| {
                let (value, by_rate, by_share) = bowl(assignment);
                let [a, b] = lie([by_rate, by_share], (value * 1e3).fract());
                (value, vec![0.0, a, 0.0, b])
            });
            own += best(&played);
            let steps = played.iter().filter(|trial| !trial.note.parents.is_empty()).count();
            assert!(steps <= 24, "{name}, {seed}: {steps}");
            let mut blind = study(1, 40, |spec| (spec.seed, spec.sampler) = (seed, Sampler::Random));
            random += best(&play(&mut blind, honest));
        }
        assert!(own < random, "{name}: {own} against {random}");
    }
}

#[test]
fn a_step_that_fails_is_tried_nearer_and_then_given_up() {
    let mut study = study(1, 60, |_| {});
    let (mut points, mut tried) = (BTreeMap::new(), BTreeMap::<u32, Vec<f64>>::new());
    loop {
        let actions = study.step().actions;
        for action in &actions {
            let Action::Start { number: own, parameters, note, .. } = action else { continue };
            let share = number(parameters, "share");
            points.insert(own.0, share);
            if let Some(base) = note.parents.first() {
                tried.entry(base.0).or_default().push((share - points[&base.0]).abs());
                study.end(own.0, if own.0.is_multiple_of(2) { Outcome::Failed } else { Outcome::Lost });
            } else {
                study.history.open.extend(rest(*own, share, vec![0.0, 0.0, 0.0, 1.0]));
            }
        }
        if actions.is_empty() {
            break;
        }
    }
    // A quarter each time, and not oftener than a chain is patient.
    let is_quarter = |pair: &[f64]| (pair[1] / pair[0] - 0.25).abs() < 1e-6;
    assert!(tried.values().all(|lengths| lengths.len() <= 4 && lengths.windows(2).all(is_quarter)), "{tried:?}");
    assert!(tried.values().any(|lengths| lengths.len() == 4), "{tried:?}");
}

#[test]
fn a_chain_has_one_step_at_a_time() {
    let mut study = study(16, 60, |_| {});
    let mut waiting: Vec<(TrialNumber, Assignment, Option<String>)> = Vec::new();
    let mut seen = Vec::new();
    for turn in 0..200_usize {
        for action in study.step().actions {
            let Action::Start { number, parameters, note, .. } = action else { continue };
            let chain = note.tag.filter(|tag| tag.starts_with("chain "));
            assert!(!waiting.iter().any(|(_, _, other)| chain.is_some() && *other == chain), "{chain:?}");
            assert!(!seen.contains(&parameters), "{parameters:?}");
            seen.push(parameters.clone());
            waiting.push((number, parameters, chain));
        }
        if waiting.is_empty() {
            break;
        }
        let (number, parameters, _) = waiting.remove(turn * 7 % waiting.len());
        let (value, gradient) = honest(&parameters);
        study.history.open.extend(rest(number, value, gradient));
    }
    assert_eq!(seen.len(), 60);
}

#[test]
fn constraints_shorten_steps() {
    let mut study = study(1, 40, |spec| spec.constraints = vec!["share > 1 && rate > 0.01".to_owned()]);
    let played = play(&mut study, honest);
    assert!(played.iter().all(|trial| number(&trial.parameters, "share") > 1.0));
    assert!(played.iter().filter(|trial| !trial.note.parents.is_empty()).count() > 4);
}

#[test]
fn derivatives_follow_the_scale() {
    let study = study(1, 1, |_| {});
    let field = Field::new(&study.plan);
    let space = &study.plan.spec().space;
    let at = |u: f64, v: f64| space.at(&[0.2, u, 0.5, v]);
    let value = |u: f64, v: f64| bowl(&at(u, v)).0;
    let mut trial = crate::state::State::new(&study.plan);
    let start = Action::Start {
        number: TrialNumber(0),
        parameters: at(0.3, 0.8),
        bracket: 0,
        level: 0,
        sampler: NAME.to_owned(),
        note: Note::default(),
        from: None,
        reason: crate::Reason::NewTrial,
    };
    trial.apply(&study.plan, &start);
    let (own, gradient) = honest(&at(0.3, 0.8));
    trial.admit(&study.plan, &rest(TrialNumber(0), own, gradient));
    let slope = field.slope(&trial.trials()[0]).unwrap();
    let differences = [value(0.300_01, 0.8) - value(0.299_99, 0.8), value(0.3, 0.800_01) - value(0.3, 0.799_99)];
    for (slope, difference) in slope.iter().zip(differences) {
        assert!((slope - difference / 2e-5).abs() < 1e-5 * slope.abs(), "{slope} {difference}");
    }
}

#[test]
fn it_needs_something_that_has_a_gradient_and_one_objective() {
    let mut spec = study(1, 1, |_| {}).plan.spec().clone();
    spec.further = vec![crate::Objective { metric: "second".to_owned(), ..spec.objective.clone() }];
    spec.space.parameters.retain(|parameter| !parameter.domain.is_continuum());
    let errors = Plan::new(spec).unwrap_err();
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["sampler.gradient"; 2], "{errors:?}");
}
