use super::*;
use crate::fixture::{Study, parameter};
use crate::{Domain, Outcome, Sampler, Scale, Scheduler, Sizes};

#[test]
fn decide_fills_the_slots_and_waits() {
    let mut study = Study::new(|_| {});
    assert_eq!(study.acts().len(), 4);
    assert_eq!(study.step().verdict, Verdict::Running);
    study.reach(1, 0, 0.5);
    assert_eq!(study.acts(), ["start 4 in 0 to 0"]);
}

#[test]
fn decide_ends_when_all_trials_rest() {
    let mut study = Study::new(|spec| spec.settings.limits.trials = Some(2));
    study.step();
    study.reach(0, 0, 0.5);
    assert_eq!(study.step().verdict, Verdict::Running);
    study.reach(1, 0, 0.4);
    assert_eq!(study.step().verdict, Verdict::Complete(VerdictReason::TrialsReached));
    study.settings(|settings| settings.limits.trials = Some(3));
    assert_eq!(study.acts(), ["start 2 in 0 to 0"]);
}

#[test]
fn verdicts_at_once_come_without_actions() {
    let mut study = Study::new(|_| {});
    study.step();
    study.observe(0, 0, 0.5);
    study.settings(|settings| settings.target = Some(0.5));
    let decision = study.step();
    assert_eq!((decision.actions.len(), decision.verdict), (0, Verdict::Complete(VerdictReason::TargetReached)));
    study.settings(|settings| settings.target = Some(0.4));
    study.history.active_seconds = 60;
    study.settings(|settings| settings.limits.active_seconds = Some(60));
    assert_eq!(study.step().verdict, Verdict::Complete(VerdictReason::ActiveSecondsReached));
    study.settings(|settings| {
        settings.limits.active_seconds = None;
        settings.limits.resource_hours = vec![("gpu".to_owned(), 2.0), ("cpu".to_owned(), 3.0)];
    });
    study.history.resource_hours = vec![("gpu".to_owned(), 1.9), ("tpu".to_owned(), 9.0)];
    assert_ne!(study.step().verdict, Verdict::Complete(VerdictReason::ResourceHoursReached));
    study.history.resource_hours.push(("cpu".to_owned(), 3.0));
    assert_eq!(study.step().verdict, Verdict::Complete(VerdictReason::ResourceHoursReached));
    study.settings(|settings| settings.limits.resource_hours = vec![("cpu".to_owned(), 3.1)]);
    assert_ne!(study.step().verdict, Verdict::Complete(VerdictReason::ResourceHoursReached));
    study.end(1, Outcome::Failed).end(2, Outcome::Lost);
    study.settings(|settings| settings.limits.failed_trials = Some(2));
    assert_ne!(study.step().verdict, Verdict::Failed(VerdictReason::TooManyFailedTrials));
    study.settings(|settings| settings.limits.failed_trials = Some(1));
    assert_eq!(study.step().verdict, Verdict::Failed(VerdictReason::TooManyFailedTrials));
}

#[test]
fn failed_trial_meets_no_target() {
    let mut study = Study::new(|spec| spec.settings.target = Some(0.5));
    study.step();
    study.observe(0, 0, 0.1).end(0, Outcome::Failed);
    assert_eq!(study.step().verdict, Verdict::Running);
}

#[test]
fn spending_is_committed_before_it_is_paid() {
    let mut study = Study::new(|spec| {
        spec.settings.limits.trials = None;
        spec.settings.limits.full_trainings = Some(3);
    });
    assert_eq!(study.acts().len(), 3);
    // A failure after one epoch leaves eight of its nine, too few for a fourth training.
    study.history.open.push(TrialResult {
        number: TrialNumber(0),
        kind: crate::ResultKind::Ended { outcome: Outcome::Failed, spent: 1 },
    });
    assert_eq!(study.step().actions.len(), 0);
    study.reach(1, 0, 0.1).reach(2, 0, 0.2);
    assert_eq!(study.step().verdict, Verdict::Complete(VerdictReason::FullTrainingsReached));
}

#[test]
fn promotion_that_cannot_be_paid_does_not_hold_back_what_can() {
    let mut study = Study::new(|spec| {
        spec.scheduler =
            Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: Some(3), run_through: false };
        spec.settings.limits.trials = None;
        spec.settings.limits.full_trainings = Some(1);
    });
    study.settings(|settings| settings.parallelism = 3);
    // Nine units: three starts at 1 and a promotion at 2 leave four; the next promotion would cost 6.
    study.step();
    for number in 0..3 {
        study.reach(number, 0, f64::from(number));
    }
    study.step();
    study.reach(0, 1, 0.0);
    assert_eq!(study.acts(), ["start 3 in 1 to 0", "start 4 in 1 to 0", "start 5 in 1 to 0"]);
}

#[test]
fn grid_is_exhausted_once() {
    let mut study = Study::new(|spec| {
        spec.sampler = Sampler::Grid { points: None };
        let int = Domain::Int { min: 1, max: 3, step: None, scale: Scale::Linear };
        spec.space.parameters = vec![parameter("n", int)];
        spec.settings.limits.trials = None;
    });
    assert_eq!(study.acts().len(), 3);
    for number in 0..3 {
        study.reach(number, 0, 1.0);
    }
    assert_eq!(study.step().verdict, Verdict::Complete(VerdictReason::SpaceExhausted));
}

#[test]
fn random_exhausts_a_finite_space_without_duplicates() {
    let mut study = Study::new(|spec| {
        let int = Domain::Int { min: 1, max: 40, step: None, scale: Scale::Linear };
        spec.space.parameters = vec![parameter("n", int)];
        spec.settings.limits.trials = None;
        spec.settings.parallelism = 100;
    });
    let decision = study.step();
    let mut seen: Vec<String> = Vec::new();
    for action in &decision.actions {
        let Action::Start { parameters, .. } = action else { panic!() };
        seen.push(parameters.to_texts()[0].1.clone());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 40);
}

#[test]
fn batch_is_bounded_and_says_that_there_is_more() {
    let mut study = Study::new(|spec| {
        spec.settings.parallelism = 100;
        spec.settings.limits.trials = Some(100);
    });
    let decision = study.step();
    assert_eq!((decision.actions.len(), decision.more), (MAX_ACTIONS, true));
    let decision = study.step();
    assert_eq!((decision.actions.len(), decision.more), (36, false));
}

#[test]
fn damaged_history_breaks_nothing() {
    let mut study = Study::new(|spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false }
    });
    study.step();
    let start = |number: u32, bracket: u32, level: usize| Action::Start {
        note: crate::Note::default(),
        number: TrialNumber(number),
        parameters: crate::Assignment::default(),
        bracket,
        level,
        from: None,
        sampler: String::new(),
        reason: Reason::NewTrial,
    };
    let go = |number: u32, level: usize, cleared: usize| Action::Continue {
        number: TrialNumber(number),
        level,
        cleared,
        reason: Reason::Promoted,
        compared: None,
    };
    study.history.batches[0].actions.extend([
        start(2, 0, 0),
        start(u32::MAX, u32::MAX, usize::MAX),
        start(9, u32::MAX, usize::MAX),
        go(0, usize::MAX, usize::MAX),
        go(1, 0, 77),
        go(1, 1, 0),
        go(1, 1, 0),
        go(70, 0, 0),
    ]);
    for level in [0, 1, 63, 64, usize::MAX] {
        study.observe(3, level, f64::NAN).rest(3, level, u64::MAX).rest(9, level, u64::MAX);
    }
    study.end(u32::MAX, Outcome::Lost);
    study.history.next_number = 12;
    for _ in 0..5 {
        study.step();
    }
    study.settings(|settings| settings.parallelism = 0);
    study.step();
    assert!(!crate::verify::verify(&study.plan, &study.history).is_empty());
    study.history.next_number = u32::MAX;
    assert_eq!(State::fold(&study.plan, &study.history).trials().len(), MAX_TRIALS as usize);
}
