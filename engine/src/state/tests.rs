use super::*;
use crate::fixture::Study;
use crate::{ResultKind, Scheduler, Sizes, decide};

fn fold(study: &Study) -> State<'_> {
    State::fold(&study.plan, &study.history)
}

#[test]
fn state_keeps_the_first_value_and_ignores_what_comes_after_the_end() {
    let mut study = Study::new(|spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false }
    });
    study.step();
    study.observe(0, 0, 0.5);
    study.step();
    study.history.batches[0].admitted.clear();
    study.observe(1, 0, 0.2).end(1, Outcome::Failed);
    let batch = crate::Batch {
        number: 2,
        settings: study.plan.settings().clone(),
        admitted: std::mem::take(&mut study.history.open),
        actions: Vec::new(),
    };
    study.history.batches.push(batch);
    study.observe(0, 0, 0.1).observe(1, 1, 0.1).rest(1, 0, 5);
    let state = fold(&study);
    assert_eq!(state.trial(0).and_then(|trial| trial.values_at(0)).map(|shown| shown.values.last), Some(0.5));
    assert_eq!(state.trial(1).map(|trial| trial.values.len()), Some(1));
    assert!(state.admitted().is_empty());
    assert_eq!(state.failed(), 1);
}

#[test]
fn state_counts_stopped_trials_as_active_until_they_end() {
    let mut study = Study::new(|spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: true };
        spec.resumable = false;
        spec.settings.parallelism = 9;
        spec.settings.limits.trials = Some(9);
    });
    study.step();
    // Values are known, but no run has ended yet.
    for number in 0..9 {
        study.observe(number, 0, f64::from(number));
    }
    study.step();
    let state = fold(&study);
    assert_eq!(state.active(), 9);
    assert_eq!(state.trial(8).map(|trial| trial.word(&study.plan)), Some("Stopping"));
    study.rest(8, 0, 1);
    assert_eq!(fold(&study).active(), 9);
    study.end(8, Outcome::Stopped);
    assert_eq!(fold(&study).active(), 8);
}

#[test]
fn state_ends_a_resting_trial_at_its_stop() {
    let mut study = Study::new(|spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        spec.settings.parallelism = 9;
        spec.settings.limits.trials = Some(9);
    });
    study.step();
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    study.step();
    let state = fold(&study);
    assert_eq!(state.trial(8).and_then(|trial| trial.ended), Some(Outcome::Stopped));
    assert_eq!(state.active(), 3);
    assert_eq!(state.committed(), 9 + 3 * 2);
}

#[test]
fn state_fills_numbers_that_nothing_starts_with_removed_trials() {
    let mut study = Study::new(|_| {});
    study.step();
    study.history.batches[0].actions.remove(1);
    study.history.next_number = 7;
    let state = fold(&study);
    let holes: Vec<u32> = state.trials().iter().filter(|trial| trial.is_hole()).map(|trial| trial.number.0).collect();
    assert_eq!(holes, [1, 4, 5, 6]);
    assert_eq!((state.active(), state.next_number()), (3, 7));
}

#[test]
fn restarted_trial_commits_each_run_in_full() {
    let mut study = Study::new(|spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        spec.resumable = false;
        spec.settings.parallelism = 9;
        spec.settings.limits.trials = Some(9);
    });
    study.step();
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    study.step();
    assert_eq!(fold(&study).committed(), 9 + 3 * 3);
}

#[test]
fn same_key_twice_is_settled_by_content_and_not_by_arrival() {
    let mut study = Study::new(|_| {});
    study.step();
    study.observe(0, 0, 0.1).observe(0, 0, 0.2);
    let one = decide(&study.plan, &study.history);
    study.history.open.reverse();
    assert_eq!(decide(&study.plan, &study.history), one);
    assert!(matches!(one.admitted[..], [TrialResult { kind: ResultKind::Observed { .. }, .. }]));
}

#[test]
fn values_are_evidence_up_to_the_rung_that_judges_next() {
    let mut study = Study::new(|spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: true };
        spec.resumable = false;
        spec.settings.parallelism = 9;
        spec.settings.limits.trials = Some(9);
    });
    let counts = |study: &Study| {
        let state = fold(study);
        let count = |number| state.trial(number).map(|trial| trial.evidence(&study.plan).len());
        (count(0), count(8), state.trial(0).and_then(|trial| trial.evidence_at(&study.plan, 1)).is_some())
    };
    study.step();
    for level in 0..3 {
        study.observe(0, level, 0.0).observe(8, level, 8.0);
    }
    assert_eq!(counts(&study), (Some(1), Some(1), false), "the others have not come to the first rung");
    for number in 1..8 {
        study.observe(number, 0, f64::from(number));
    }
    study.step();
    assert_eq!(counts(&study), (Some(2), Some(1), true), "one is past the rung, and the other has lost it");
    for number in 1..3 {
        study.observe(number, 1, f64::from(number));
    }
    study.step();
    assert_eq!(counts(&study), (Some(3), Some(1), true), "nobody judges on the highest rung");
}

#[test]
fn copy_is_evidence_from_where_it_is_judged_first() {
    let mut study = Study::new(|spec| {
        let exploit = crate::Exploit::Truncation { percent: 50 };
        spec.scheduler = Scheduler::PopulationBased { population: 2, interval: 4, exploit, resample_percent: 0 };
        spec.settings.parallelism = 2;
    });
    study.step();
    study.reach(0, 0, 0.0).reach(1, 0, 1.0);
    assert_eq!(study.acts(), ["stop 1 Replaced", "go 0 to 1", "start 2 to 1 from 0 at 0"]);
    study.observe(2, 1, 0.5).observe(2, 2, 0.5);
    let state = fold(&study);
    let levels = |number: u32| -> Vec<usize> {
        state
            .trial(number)
            .map_or(&[][..], |trial| trial.evidence(&study.plan))
            .iter()
            .map(|shown| shown.level)
            .collect()
    };
    assert_eq!([levels(0), levels(1), levels(2)], [vec![0], vec![0], vec![1]]);
}
