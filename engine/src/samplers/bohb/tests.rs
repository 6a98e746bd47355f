use super::*;
use crate::fixture::{Study, parameter};
use crate::{AshaForm, Domain, Outcome, Sampler, Scale, Scheduler, Sizes};

fn study() -> Study {
    Study::new(|spec| {
        spec.sampler = Sampler::Bohb;
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        spec.settings.parallelism = 200;
        spec.settings.limits.trials = Some(100);
    })
}

fn evidence(study: &Study) -> Option<Evidence> {
    let state = State::fold(&study.plan, &study.history);
    Evidence::new(&study.plan, &state, &mut Stream::new(0, Purpose::Bohb, 0))
}

#[test]
fn model_needs_more_good_and_bad_points_than_parameters() {
    let mut study = study();
    study.step();
    for number in 0..4 {
        assert!(evidence(&study).is_none(), "{number} points");
        study.observe(number, 0, f64::from(number));
    }
    let found = evidence(&study).unwrap();
    assert_eq!((found.good.len(), found.bad.len()), (2, 2));
}

#[test]
fn model_is_of_the_largest_level_that_has_enough() {
    let mut study = study();
    study.step();
    for number in 0..9 {
        study.observe(number, 0, f64::from(number));
    }
    assert_eq!(evidence(&study).map(|found| found.good.len() + found.bad.len()), Some(9));
    // Trials 9 to 13 start at the second level: their values there are a model, also where they are worse.
    for number in 9..13 {
        study.observe(number, 1, 100.0 + f64::from(number));
    }
    assert_eq!(evidence(&study).map(|found| found.good.len() + found.bad.len()), Some(4));
}

#[test]
fn values_above_the_rung_that_judges_are_no_evidence() {
    let mut study = study();
    study.step();
    for number in 0..9 {
        study.observe(number, 0, f64::from(number));
    }
    for number in 0..4 {
        study.observe(number, 1, f64::from(number));
    }
    // Four values at the second level would be enough, but nobody was let past the first.
    assert_eq!(evidence(&study).map(|found| found.good.len() + found.bad.len()), Some(9));
}

#[test]
fn split_is_fifteen_in_a_hundred_and_the_rest() {
    let mut study = Study::new(|spec| {
        spec.sampler = Sampler::Bohb;
        spec.settings.parallelism = 200;
        spec.settings.limits.trials = Some(100);
    });
    while study.history.next_number < 100 {
        study.step();
    }
    for number in 0..100 {
        study.observe(number, 0, f64::from(number));
    }
    let found = evidence(&study).unwrap();
    assert_eq!((found.good.len(), found.bad.len()), (15, 85));
}

#[test]
fn crashed_trials_are_bad_and_never_good() {
    let mut study = study();
    study.step();
    study.observe(0, 0, 1.0).observe(1, 0, 2.0).observe(2, 0, f64::NAN);
    study.end(3, Outcome::Failed).end(4, Outcome::Lost);
    let found = evidence(&study).unwrap();
    assert_eq!(
        (found.good.len(), found.bad.len()),
        (2, 2),
        "the NaN and the failure; nothing is known of what was lost"
    );
}

#[test]
fn one_third_is_random_before_and_after_there_is_a_model() {
    let mut study = Study::new(|spec| {
        spec.sampler = Sampler::Bohb;
        spec.settings.limits.trials = None;
        spec.settings.limits.active_seconds = Some(1);
        spec.settings.parallelism = 10;
    });
    study.step();
    for number in 0..10 {
        study.observe(number, 0, f64::from(number));
    }
    let state = State::fold(&study.plan, &study.history);
    let proposals = (10..3010).filter_map(|number| propose(&study.plan, &state, number));
    let random = proposals.filter(|proposal| proposal.note.fallback.is_some()).count();
    assert!((900..1100).contains(&random), "{random} of 3000");
}

#[test]
fn proposals_gather_where_good_values_were() {
    let mut study = Study::new(|spec| {
        spec.sampler = Sampler::Bohb;
        spec.settings.parallelism = 60;
        spec.settings.limits.trials = Some(60);
    });
    study.step();
    for number in 0..60 {
        let state = State::fold(&study.plan, &study.history);
        let Some(crate::Value::Float(x)) = state.trial(number).and_then(|t| t.parameters.as_ref()?.get("x").cloned())
        else {
            panic!()
        };
        study.observe(number, 0, (x - 0.7).abs());
    }
    let state = State::fold(&study.plan, &study.history);
    let near = (60..160).filter_map(|number| propose(&study.plan, &state, number)).filter(|proposal| {
        let Some(crate::Value::Float(x)) = proposal.assignment.get("x") else { panic!() };
        proposal.note.fallback.is_none() && (x - 0.7).abs() < 0.1
    });
    assert!(near.count() > 50, "of the 67 that come from the model");
}

#[test]
fn simultaneous_asks_on_a_small_space_are_all_different() {
    let mut study = Study::new(|spec| {
        spec.sampler = Sampler::Bohb;
        spec.scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 1, form: AshaForm::Promotion };
        let domain = Domain::Int { min: 0, max: 9, step: None, scale: Scale::Linear };
        spec.space.parameters = vec![parameter("a", domain.clone()), parameter("b", domain)];
        spec.settings.parallelism = 20;
        spec.settings.limits.trials = Some(60);
    });
    study.step();
    for number in 0..20 {
        study.observe(number, 0, f64::from(number));
    }
    study.settings(|settings| settings.parallelism = 60);
    study.step();
    let state = State::fold(&study.plan, &study.history);
    let all: std::collections::BTreeSet<_> =
        state.trials().iter().filter_map(|trial| Some(trial.parameters.as_ref()?.to_texts())).collect();
    assert_eq!(all.len(), state.trials().len());
    assert!(state.trials().len() >= 52, "{}", state.trials().len());
}

#[test]
fn parameters_that_do_not_exist_are_filled_in_from_good_points() {
    let mut child = parameter("child", Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear });
    child.when = vec![crate::Condition { parameter: "kind".to_owned(), is_in: vec!["with".to_owned()] }];
    let mut study = Study::new(|spec| {
        spec.sampler = Sampler::Bohb;
        let choices = vec!["with".to_owned(), "without".to_owned()];
        spec.space.parameters = vec![parameter("kind", Domain::Categorical { choices }), child.clone()];
        spec.settings.parallelism = 40;
        spec.settings.limits.trials = Some(40);
    });
    study.step();
    for number in 0..40 {
        study.observe(number, 0, f64::from(number));
    }
    let found = evidence(&study).unwrap();
    assert_eq!((found.good.len(), found.bad.len()), (6, 34));
    assert!(found.good.iter().chain(&found.bad).all(|row| row.len() == 2 && (0.0..=1.0).contains(&row[1])));
    let own: Vec<f64> = found.good.iter().filter(|row| row[0] < 0.5).map(|row| row[1]).collect();
    let filled = found.bad.iter().filter(|row| row[0] > 0.5).all(|row| own.contains(&row[1]));
    assert!(!own.is_empty() && filled);
}
