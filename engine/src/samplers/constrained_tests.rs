//! Every sampler under constraints.

use std::collections::BTreeSet;

use crate::fixture::{Study, parameter, search};
use crate::{
    Action, Assignment, Domain, Plan, PlanSpec, Sampler, Scale, Value, Verdict, VerdictReason, decide, fixture,
};

const SAMPLERS: [Sampler; 6] = [
    Sampler::Random,
    Sampler::Grid { points: Some(9) },
    Sampler::Genetic { population: Some(4) },
    Sampler::CmaEs { population: None },
    Sampler::GaussianProcess,
    Sampler::RandomForest,
];

fn whole(name: &str) -> crate::Parameter {
    parameter(name, Domain::Int { min: 0, max: 9, step: None, scale: Scale::Linear })
}

fn float(name: &str) -> crate::Parameter {
    parameter(name, Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear })
}

fn constrained(sampler: Sampler, parameters: Vec<crate::Parameter>, constraint: &str) -> PlanSpec {
    let mut spec = fixture::spec();
    spec.space.parameters = parameters;
    spec.sampler = sampler;
    spec.constraints = vec![constraint.to_owned()];
    spec.fidelity = None;
    spec
}

fn sum(assignment: &Assignment) -> f64 {
    let number = |value: &Value| value.to_string().parse::<f64>().unwrap_or(f64::NAN);
    assignment.values.iter().map(|(_, value)| number(value)).sum()
}

#[test]
fn all_that_is_allowed_is_tried_once_and_then_the_space_is_exhausted() {
    for sampler in SAMPLERS {
        let mut spec = constrained(sampler, vec![whole("a"), whole("b")], "a + b <= 4");
        spec.start_with = vec![
            vec![("a".to_owned(), "1".to_owned())],
            vec![("a".to_owned(), "4".to_owned()), ("b".to_owned(), "0".to_owned())],
        ];
        spec.settings.start_with = 2;
        spec.settings.limits.trials = None;
        let done = search(&Plan::new(spec).unwrap(), 3, sum);
        assert!(done.iter().all(|(_, value)| *value <= 4.0), "{sampler:?}");
        let different: BTreeSet<_> = done.iter().map(|(assignment, _)| assignment.to_texts()).collect();
        assert_eq!((done.len(), different.len()), (15, 15), "{sampler:?}");
    }
}

#[test]
fn constraint_on_a_continuum_is_met_and_the_best_is_found_at_its_edge() {
    for sampler in SAMPLERS {
        let mut spec = constrained(sampler, vec![float("a"), float("b")], "a + b >= 0.5 && a * b < 0.3");
        spec.settings.limits.trials = Some(81);
        let done = search(&Plan::new(spec).unwrap(), 4, sum);
        assert!(done.len() > 40 && done.iter().all(|(_, value)| *value >= 0.5), "{sampler:?}");
        assert!(fixture::best_of(&done) < 0.65, "{sampler:?}: {}", fixture::best_of(&done));
    }
}

#[test]
fn constraints_that_nothing_meets_are_said_to_be_so() {
    for (sampler, parameters, reason) in [
        (Sampler::Random, vec![float("a")], VerdictReason::NoFeasibleConfiguration),
        (Sampler::CmaEs { population: None }, vec![float("a")], VerdictReason::NoFeasibleConfiguration),
        (Sampler::Genetic { population: None }, vec![float("a")], VerdictReason::NoFeasibleConfiguration),
        (
            Sampler::Random,
            vec![whole("a"), whole("b"), whole("c"), whole("d"), whole("e")],
            VerdictReason::NoFeasibleConfiguration,
        ),
        (Sampler::Random, vec![whole("a")], VerdictReason::NoUsableTrial),
        (Sampler::Grid { points: None }, vec![whole("a")], VerdictReason::NoUsableTrial),
    ] {
        let study = Study::new(|spec| *spec = constrained(sampler, parameters, "a > 10"));
        let decision = decide(&study.plan, &study.history);
        assert_eq!((decision.actions.len(), decision.verdict), (0, Verdict::Failed(reason)), "{sampler:?}");
    }
}

#[test]
fn study_completes_when_the_constraints_leave_no_more() {
    // Three of 100,000: found by scanning or not at all, but never twice.
    let parameters = ["a", "b", "c", "d", "e"].map(whole).to_vec();
    let mut spec = constrained(Sampler::Random, parameters, "a == 9 && b == 9 && c == 9 && d == 9 && e > 6");
    spec.start_with = vec![["a", "b", "c", "d", "e"].map(|name| (name.to_owned(), "9".to_owned())).to_vec()];
    spec.settings.start_with = 1;
    let plan = Plan::new(spec).unwrap();
    let mut study = Study { plan, history: crate::History::default() };
    let mut started = 0;
    for _ in 0..5 {
        let decision = study.step();
        let starts = decision.actions.iter().filter_map(|action| match action {
            Action::Start { number, .. } => Some(number.0),
            _ => None,
        });
        for number in starts.collect::<Vec<_>>() {
            started += 1;
            study.reach(number, 0, 1.0);
        }
        if decision.actions.is_empty() {
            assert_eq!(decision.verdict, Verdict::Complete(VerdictReason::NoFeasibleConfiguration));
        }
    }
    assert!((1..=3).contains(&started), "{started}");
}

#[test]
fn mistakes_in_constraints_and_points_that_they_refuse_are_named() {
    let mut spec = constrained(Sampler::Random, vec![whole("a"), whole("b")], "a + c < 3");
    spec.constraints.push("a <".to_owned());
    let fields: Vec<String> = Plan::new(spec.clone()).unwrap_err().into_iter().map(|error| error.field).collect();
    assert_eq!(fields, ["constraints[0].expression", "constraints[1].expression"]);
    spec.constraints = vec!["a <= 9".to_owned(), "a + b < 3".to_owned()];
    let point = |a: &str, b: &str| vec![("a".to_owned(), a.to_owned()), ("b".to_owned(), b.to_owned())];
    spec.start_with = vec![point("1", "1"), point("2", "2")];
    let errors = Plan::new(spec.clone()).unwrap_err();
    assert_eq!(
        errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["`startWith[1]` must meet the constraints (`constraints[1]` refuses it)"]
    );
    spec.start_with.clear();
    spec.space.parameters = ["a", "b", "c", "d", "e"].map(whole).to_vec();
    spec.sampler = Sampler::Grid { points: None };
    let errors = Plan::new(spec).unwrap_err();
    assert_eq!(errors[0].field, "sampler.grid");
}
