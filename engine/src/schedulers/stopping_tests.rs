use super::*;
use crate::fixture::Study;
use crate::{Goal, Outcome, ResultKind, TrialResult, Values};

/// Levels 1 to 9, a rule, as many slots as trials.
fn study(rule: StoppingRule) -> Study {
    Study::new(|spec| {
        spec.stopping = vec![rule];
        spec.settings.parallelism = 20;
    })
}

/// Reports at a level with its best and mean so far.
fn tell(study: &mut Study, number: u32, level: usize, best: f64, mean: f64) {
    let values = Values { last: best, best, mean, count: 3 };
    let kind = ResultKind::observed(level, values);
    study.history.open.push(TrialResult { number: TrialNumber(number), kind });
}

/// Trains trials in full: their averages at every level are these.
fn complete(study: &mut Study, means: &[f64]) {
    study.step();
    for (number, &mean) in (0..).zip(means) {
        for level in 0..9 {
            tell(study, number, level, mean - 1.0, mean);
        }
        study.rest(number, 8, 9);
    }
}

const MEDIAN: StoppingRule = StoppingRule::Median { trials: 3, warm_up: 3 };

#[test]
fn levels_are_even_few_enough_and_end_at_the_top() {
    for (min, max) in [(1, 2), (1, 9), (1, 64), (1, 65), (5, 300), (1, 1_000_000_000), (999_999_999, 1_000_000_000)] {
        let levels = levels(FidelityRange { min, max });
        assert!(levels.len() <= MAX_LEVELS && levels.windows(2).all(|pair| pair[0] < pair[1]), "{min}..{max}");
        assert_eq!((levels.first(), levels.last()), (Some(&min), Some(&max)));
    }
    assert_eq!(levels(FidelityRange { min: 1, max: 9 }), (1..=9).collect::<Vec<_>>());
}

#[test]
fn median_stops_who_is_worse_than_the_averages_of_completed_trials() {
    let mut study = study(MEDIAN);
    complete(&mut study, &[4.0, 6.0, 5.0]);
    tell(&mut study, 3, 2, 5.5, 9.0);
    tell(&mut study, 4, 2, 5.0, 9.0);
    let decision = study.step();
    let [Action::Stop { number, reason, compared: Some(compared) }] = decision.actions.as_slice() else {
        panic!("{decision:?}")
    };
    // Not trial 4: what equals the median is not worse.
    assert_eq!((number.0, *reason), (3, Reason::WorseThanMedian));
    assert_eq!((compared.level, compared.value, compared.cutoff, compared.of), (2, 5.5, 5.0, 4));
}

#[test]
fn median_waits_for_its_warm_up_and_for_enough_completed_trials() {
    let mut study = study(MEDIAN);
    complete(&mut study, &[4.0, 6.0]);
    tell(&mut study, 3, 2, 99.0, 99.0);
    assert_eq!(study.acts(), Vec::<String>::new(), "two have completed");
    tell(&mut study, 4, 1, 99.0, 99.0);
    for level in 0..9 {
        tell(&mut study, 2, level, 4.0, 5.0);
    }
    study.rest(2, 8, 9);
    assert_eq!(study.acts(), ["stop 3 WorseThanMedian"], "trial 4 is at epoch 2 of a warm-up of 3");
}

#[test]
fn median_of_an_even_number_is_the_worse_of_the_two_and_nan_histories_come_last() {
    let mut study = study(StoppingRule::Median { trials: 1, warm_up: 0 });
    complete(&mut study, &[1.0, 2.0, 3.0, f64::NAN]);
    tell(&mut study, 4, 0, 2.9, 2.9);
    tell(&mut study, 5, 0, 3.1, 3.1);
    assert_eq!(study.acts(), ["stop 5 WorseThanMedian"]);
}

#[test]
fn failed_and_stopped_trials_are_no_evidence() {
    let mut study = study(StoppingRule::Median { trials: 2, warm_up: 0 });
    complete(&mut study, &[1.0, 2.0]);
    study.end(0, Outcome::Failed);
    tell(&mut study, 4, 0, 99.0, 99.0);
    assert_eq!(study.acts(), Vec::<String>::new());
}

#[test]
fn maximizing_turns_the_median_around() {
    let mut study = Study::new(|spec| {
        spec.objective.goal = Goal::Maximize;
        spec.stopping = vec![StoppingRule::Median { trials: 1, warm_up: 0 }];
        spec.settings.parallelism = 20;
    });
    complete(&mut study, &[0.5]);
    tell(&mut study, 3, 0, 0.6, 0.1);
    tell(&mut study, 4, 0, 0.4, 0.1);
    assert_eq!(study.acts(), ["stop 4 WorseThanMedian"]);
}

#[test]
fn percentile_counts_in_whole_trials() {
    let mut study = study(StoppingRule::Percentile { percent: 25, trials: 4, warm_up: 0 });
    complete(&mut study, &[1.0, 2.0, 3.0, 4.0, 5.0]);
    // A quarter of five is two: the second value, one below its mean, is 1.
    tell(&mut study, 6, 0, 1.0, 0.0);
    tell(&mut study, 7, 0, 1.5, 0.0);
    tell(&mut study, 8, 0, f64::NAN, 0.0);
    assert_eq!(study.acts(), ["stop 7 WorseThanPercentile", "stop 8 NotFinite"]);
}

#[test]
fn patience_bears_so_many_units_without_an_improvement() {
    let mut study = study(StoppingRule::Patience { fidelity: 3, delta: 0.1, warm_up: 0 });
    study.step();
    for level in 0..3 {
        tell(&mut study, 0, level, 1.0, 1.0);
        assert_eq!(study.acts(), Vec::<String>::new(), "level {level}");
    }
    tell(&mut study, 1, 0, 1.0, 1.0);
    tell(&mut study, 1, 3, 0.85, 0.9);
    tell(&mut study, 0, 3, 0.9, 1.0);
    // A tenth was wanted, and a tenth it is not more than.
    assert_eq!(study.acts(), ["stop 0 NoImprovement"]);
}

#[test]
fn threshold_judges_every_report_from_its_warm_up_on() {
    let mut study = study(StoppingRule::Threshold { value: 2.0, warm_up: 2 });
    study.step();
    tell(&mut study, 0, 0, 5.0, 5.0);
    tell(&mut study, 1, 1, 2.0, 2.0);
    tell(&mut study, 2, 4, 2.1, 2.1);
    tell(&mut study, 3, 1, f64::INFINITY, 2.1);
    // What has reached the top has nothing left to save.
    tell(&mut study, 4, 8, 5.0, 5.0);
    assert_eq!(study.acts(), ["stop 2 BeyondThreshold", "stop 3 NotFinite"]);
}

#[test]
fn first_rule_that_speaks_gives_the_reason() {
    let mut study = Study::new(|spec| {
        spec.stopping = vec![
            StoppingRule::Threshold { value: 9.0, warm_up: 0 },
            StoppingRule::Threshold { value: 2.0, warm_up: 0 },
        ];
    });
    study.step();
    tell(&mut study, 0, 0, 3.0, 3.0);
    let decision = study.step();
    let Some(Action::Stop { compared: Some(compared), .. }) = decision.actions.first() else { panic!("{decision:?}") };
    assert_eq!(compared.cutoff, 2.0);
}

#[test]
fn rules_that_make_no_sense_are_refused_with_their_field() {
    let fields = |change: &dyn Fn(&mut PlanSpec)| -> Vec<String> {
        let mut spec = crate::fixture::spec();
        change(&mut spec);
        crate::Plan::new(spec).err().unwrap_or_default().into_iter().map(|error| error.field).collect()
    };
    let with = |rule: StoppingRule| fields(&move |spec: &mut PlanSpec| spec.stopping = vec![rule]);
    assert_eq!(
        with(StoppingRule::Median { trials: 0, warm_up: 9 }),
        ["stopping[0].median.warmUp", "stopping[0].median.trials"]
    );
    assert_eq!(
        with(StoppingRule::Percentile { percent: 100, trials: 1, warm_up: 0 }),
        ["stopping[0].percentile.percent"]
    );
    assert_eq!(
        with(StoppingRule::Patience { fidelity: 0, delta: f64::NAN, warm_up: 0 }),
        ["stopping[0].patience.fidelity", "stopping[0].patience.delta"]
    );
    assert_eq!(with(StoppingRule::Threshold { value: f64::NAN, warm_up: 0 }), ["stopping[0].threshold.value"]);
    let both = |spec: &mut PlanSpec| {
        spec.stopping = vec![MEDIAN];
        spec.scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 1, form: crate::AshaForm::Promotion };
    };
    assert_eq!(fields(&both), ["stopping"]);
    let without = |spec: &mut PlanSpec| {
        spec.stopping = vec![MEDIAN];
        spec.fidelity = None;
    };
    assert_eq!(fields(&without), ["fidelity"]);
}
