use crate::fixture::{Study, parameter};
use crate::samplers::{is_exhausted, propose};
use crate::space::{Condition, Domain, Space, Value};
use crate::state::State;
use crate::{Limits, Sampler, Scale};

fn study(space: Space, trials: u32) -> Study {
    Study::new(|spec| {
        spec.sampler = Sampler::QuasiRandom;
        spec.fidelity = None;
        spec.space = space;
        spec.settings.parallelism = 1_000;
        spec.settings.limits = Limits { trials: Some(trials), ..Limits::default() };
    })
}

fn proposals(study: &Study, count: u32) -> Vec<crate::Assignment> {
    let state = State::new(&study.plan);
    (0..count).map(|number| propose(&study.plan, &state, number).unwrap().assignment).collect()
}

#[test]
fn every_sixteen_trials_share_a_range_evenly() {
    let float = |min, max| Domain::Float { min, max, step: None, scale: Scale::Linear };
    let space = Space { parameters: vec![parameter("x", float(0.0, 16.0)), parameter("y", float(-8.0, 8.0))] };
    let study = study(space, 20);
    for stretch in proposals(&study, 64).chunks(16) {
        for (name, low) in [("x", 0.0), ("y", -8.0)] {
            let mut cells: Vec<i64> = stretch
                .iter()
                .map(|a| match a.get(name).unwrap() {
                    Value::Float(x) => (x - low).floor() as i64,
                    other => panic!("{other}"),
                })
                .collect();
            cells.sort_unstable();
            assert_eq!(cells, (0..16).collect::<Vec<i64>>(), "{name}");
        }
    }
}

#[test]
fn choices_and_ordinals_have_equal_shares_and_branches_are_their_own() {
    let choices = Domain::Categorical { choices: ["a", "b", "c", "d"].map(str::to_owned).to_vec() };
    let mut child = parameter("z", Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear });
    child.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["b".to_owned()] }];
    let ordinal = parameter("size", Domain::Ordinal { values: vec![1.0, 10.0, 100.0, 1000.0] });
    let study = study(Space { parameters: vec![parameter("kind", choices), child, ordinal] }, 20);
    let all = proposals(&study, 256);
    for choice in ["a", "b", "c", "d"] {
        let with: Vec<_> = all.iter().filter(|a| a.get("kind").unwrap().to_string() == choice).collect();
        assert_eq!(with.len(), 64);
        assert!(with.iter().all(|a| a.get("z").is_some() == (choice == "b")));
    }
    for value in [1.0, 10.0, 100.0, 1000.0] {
        assert_eq!(all.iter().filter(|a| a.get("size") == Some(&Value::Float(value))).count(), 64);
    }
}

#[test]
fn a_finite_space_is_walked_once_and_then_exhausted() {
    let int = |max| Domain::Int { min: 1, max, step: None, scale: Scale::Linear };
    let mut study = study(Space { parameters: vec![parameter("a", int(5)), parameter("b", int(7))] }, 1_000);
    let decision = study.step();
    let mut seen: Vec<String> = decision
        .actions
        .iter()
        .filter_map(|action| match action {
            crate::Action::Start { parameters, .. } => Some(format!("{:?}", parameters.to_texts())),
            _ => None,
        })
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!((decision.actions.len(), seen.len()), (35, 35));
    let state = State::fold(&study.plan, &study.history);
    assert!(is_exhausted(&study.plan, &state, 35));
    assert_eq!(propose(&study.plan, &state, 35), None);
}
