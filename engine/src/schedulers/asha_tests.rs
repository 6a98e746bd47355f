use super::*;
use crate::fixture::Study;
use crate::{VerdictReason, decide};

fn study(form: AshaForm, parallelism: u32, trials: u32) -> Study {
    Study::new(|spec| {
        spec.scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 1, form };
        spec.settings.parallelism = parallelism;
        spec.settings.limits.trials = Some(trials);
    })
}

#[test]
fn one_worker_promotes_the_highest_rung_first() {
    let mut study = study(AshaForm::Promotion, 1, 100);
    let mut log = Vec::new();
    for _ in 0..13 {
        let acts = study.acts();
        assert_eq!(acts.len(), 1, "{acts:?}");
        let words: Vec<&str> = acts[0].split(' ').collect();
        let number: u32 = words[1].parse().unwrap();
        let level: usize = words.last().unwrap().parse().unwrap();
        // The lower the number, the better: so that the first comers are promoted.
        study.reach(number, level, f64::from(number));
        log.push(format!("{number}@{level}"));
    }
    let expected = ["0@0", "1@0", "2@0", "0@1", "3@0", "4@0", "5@0", "1@1", "6@0", "7@0", "8@0", "2@1", "0@2"];
    assert_eq!(log, expected);
}

#[test]
fn late_better_trials_never_let_more_than_one_in_eta_pass() {
    let mut study = study(AshaForm::Promotion, 100, 6);
    study.step();
    for number in 0..3 {
        study.reach(number, 0, 5.0 + f64::from(number));
    }
    assert_eq!(study.acts(), ["go 0 to 1"]);
    // Two better ones come: of six two may pass, and one has passed already.
    for number in 3..6 {
        study.reach(number, 0, f64::from(number) - 3.0);
    }
    assert_eq!(study.acts(), ["go 3 to 1"]);
    assert_eq!(study.acts(), Vec::<String>::new());
}

#[test]
fn nan_is_stopped_and_failures_count_as_the_worst() {
    let mut study = study(AshaForm::Promotion, 100, 6);
    study.step();
    study.observe(0, 0, f64::NAN).end(1, Outcome::Failed);
    assert_eq!(study.acts(), ["stop 0 NotFinite"]);
    study.reach(2, 0, 7.0);
    assert_eq!(study.acts(), ["go 2 to 1"], "the best of three, two of which cannot pass");
}

#[test]
fn ties_go_to_the_lower_number_and_a_constant_metric_still_halves() {
    let mut study = study(AshaForm::Promotion, 100, 30);
    study.step();
    for number in (0..30).rev() {
        study.reach(number, 0, 0.5);
    }
    assert_eq!(study.acts(), (0..10).map(|n| format!("go {n} to 1")).collect::<Vec<_>>());
}

#[test]
fn nothing_waits_where_all_failed() {
    let mut study = study(AshaForm::Promotion, 9, 9);
    study.step();
    for number in 0..9 {
        study.end(number, Outcome::Failed);
    }
    assert_eq!(study.step().verdict, crate::Verdict::Failed(VerdictReason::NoUsableTrial));
}

#[test]
fn paused_trials_end_no_study_late_and_go_on_when_the_limit_is_raised() {
    let mut study = study(AshaForm::Promotion, 9, 2);
    study.step();
    study.reach(0, 0, 1.0).reach(1, 0, 2.0);
    let verdict = decide(&study.plan, &study.history).verdict;
    assert_eq!(verdict, crate::Verdict::Complete(VerdictReason::TrialsReached));
    study.settings(|settings| settings.limits.trials = Some(3));
    assert_eq!(study.acts(), ["start 2 in 0 to 0"]);
    study.reach(2, 0, 0.5);
    assert_eq!(study.acts(), ["go 2 to 1"]);
}

#[test]
fn stopping_form_runs_through_and_stops_who_is_not_among_the_best_so_far() {
    let mut study = study(AshaForm::Stopping, 4, 100);
    assert_eq!(study.acts()[0], "start 0 in 0 to 2");
    study.observe(0, 0, 5.0);
    assert_eq!(study.acts(), ["go 0 to 2"], "the first is the best so far");
    study.observe(1, 0, 6.0);
    assert_eq!(study.acts(), ["stop 1 RungLost"]);
    study.observe(2, 0, 1.0).observe(3, 0, f64::INFINITY);
    assert_eq!(study.acts(), ["stop 3 NotFinite", "go 2 to 2"]);
    // Trial 0 was judged before the better one came, and is not judged again there.
    assert_eq!(study.acts(), Vec::<String>::new());
    study.observe(0, 1, 0.0).observe(2, 1, 1.0);
    assert_eq!(study.acts(), ["stop 2 RungLost", "go 0 to 2"]);
}

#[test]
fn rungs_crossed_at_once_are_judged_in_order() {
    let mut study = study(AshaForm::Stopping, 1, 100);
    study.step();
    study.observe(0, 1, 4.0);
    assert_eq!(study.acts(), Vec::<String>::new(), "the rung below is not judged yet");
    study.observe(0, 0, 4.0);
    assert_eq!(study.acts(), ["go 0 to 2", "go 0 to 2"]);
}

#[test]
fn brackets_have_hyperbands_shares_in_any_prefix() {
    let study = Study::new(|spec| {
        spec.scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 3, form: AshaForm::Promotion };
    });
    let mut started = vec![0_u64; 3];
    for count in 1..=1700_u64 {
        let next = next_bracket(study.plan.brackets(), &started) as usize;
        started[next] += 1;
        for (bracket, share) in [9, 5, 3].into_iter().enumerate() {
            let (own, ideal) = (started[bracket] as f64, (count * share) as f64 / 17.0);
            assert!((own - ideal).abs() < 1.0, "{count}: {started:?}");
        }
    }
    assert_eq!(started, [900, 500, 300]);
}

#[test]
fn overview_shows_what_the_limit_lets_through() {
    let study = study(AshaForm::Promotion, 4, 20);
    let overview = study.plan.overview();
    let sizes: Vec<u32> = overview.brackets[0].rungs.iter().map(|rung| rung.size).collect();
    assert_eq!((sizes.as_slice(), overview.trials, overview.resumed), (&[20, 6, 2][..], Some(20), Some(20 + 12 + 12)));
}
