//! Batches, and what is measured from and to them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use trimtab_engine::TrialNumber;

use super::*;

/// A Study with these trials, whose newest batch has this number; none at zero.
fn study_seen(batch: u64, trials: &[Arc<Trial>]) -> StudySeen {
    let mut study = (*study()).clone();
    study.status = Some(study_status(batch, "", &[]));
    StudySeen {
        plan: Ok(Arc::new(trimtab_api::validate(&study).unwrap())),
        study: Arc::new(study),
        uid: "study-uid".to_owned(),
        namespace: "lab".to_owned(),
        trials: trials.iter().map(|trial| (trial.spec.number, Arc::clone(trial))).collect(),
        unapplied: Vec::new(),
        foreign: None,
        broken: Vec::new(),
        warm: crate::study::warm::Warm::Settled,
    }
}

fn study_status(batch: u64, admitted: &str, actions: &[Value]) -> StudyStatus {
    let record = json!({"number": batch, "settings": {"parallelism": 2}, "admitted": admitted, "actions": actions});
    let batch = if batch > 0 { record } else { Value::Null };
    serde_json::from_value(json!({"algorithm": "hyperband/random", "batch": batch})).unwrap()
}

#[test]
fn batch_counts_with_its_actions_when_it_is_written_and_never_again() {
    let metrics = Metrics::kept(0, 4).unwrap();
    let actions = [
        json!({"trial": 0, "action": "Start", "reason": "Proposed", "level": 1}),
        json!({"trial": 1, "action": "Start", "reason": "Proposed", "level": 1}),
        json!({"trial": 2, "action": "Continue", "reason": "RungPassed", "level": 3}),
    ];
    let written = study_status(1, "", &actions);
    metrics.study_written(&study_seen(0, &[]), Some(&written), now());
    // The same batch stands in the status when something else of it is written later, by this operator or by the next one.
    metrics.study_written(&study_seen(1, &[]), Some(&written), now());
    says(
        &metrics,
        &[
            r#"trimtab_batches_total{algorithm="hyperband/random"} 1"#,
            r#"trimtab_actions_total{action="Start",algorithm="hyperband/random",reason="Proposed"} 2"#,
            r#"trimtab_actions_total{action="Continue",algorithm="hyperband/random",reason="RungPassed"} 1"#,
        ],
    );
    says_nothing_of(&metrics, "trimtab_line_to_decision_seconds_count");
}

#[test]
fn what_is_counted_of_a_study_begins_at_zero_when_it_is_looked_at() {
    let mut study = (*study()).clone();
    let metrics = Metrics::kept(0, 4).unwrap();
    metrics.deciding(&study, || ());
    let of_the_namespace = [
        r#"trimtab_spent_seconds_total{namespace="lab",resource="run"} 0"#,
        r#"trimtab_wasted_seconds_total{namespace="lab",resource="nvidia.com/gpu"} 0"#,
        r#"trimtab_saved_seconds_total{namespace="lab",resource="run"} 0"#,
        r#"trimtab_trials_finished_total{namespace="lab",outcome="Complete",reason="Reached"} 0"#,
        r#"trimtab_trials_finished_total{namespace="lab",outcome="Stopped",reason="RungLost"} 0"#,
        r#"trimtab_trials_finished_total{namespace="lab",outcome="Failed",reason="ExitCode"} 0"#,
        r#"trimtab_trials_finished_total{namespace="lab",outcome="Lost",reason="ImagePull"} 0"#,
        r#"trimtab_trials_finished_total{namespace="lab",outcome="Lost",reason="TooManyRetries"} 0"#,
    ];
    says(&metrics, &of_the_namespace);
    let text = metrics.text().unwrap();
    // A trial is not started by a stop, nor lost by what it is tried again after.
    for impossible in ["reason=\"NewTrial\"", "outcome=\"Lost\",reason=\"Evicted\""] {
        assert!(!text.contains(impossible), "{impossible}");
    }

    study.status = Some(study_status(1, "", &[]));
    metrics.deciding(&study, || ());
    says(
        &metrics,
        &[
            r#"trimtab_batches_total{algorithm="hyperband/random"} 0"#,
            r#"trimtab_actions_total{action="Start",algorithm="hyperband/random",reason="NewTrial"} 0"#,
            r#"trimtab_actions_total{action="Continue",algorithm="hyperband/random",reason="Promoted"} 0"#,
            r#"trimtab_actions_total{action="Stop",algorithm="hyperband/random",reason="WorseThanMedian"} 0"#,
        ],
    );

    // What has ended counts nothing any more, and costs no series after a restart.
    let later = Metrics::kept(0, 4).unwrap();
    study.status.as_mut().unwrap().completion_time = Some(Time(now()));
    later.deciding(&study, || ());
    assert!(!later.text().unwrap().contains("namespace=\"lab\""));
}

#[test]
fn ends_of_trials_are_those_that_a_study_and_its_runs_can_have() {
    // Each end that is counted has a zero to begin from: outcome and reason as they are written by `ending` and by the study.
    let metrics = Metrics::kept(0, 4).unwrap();
    metrics.deciding(&study(), || ());
    let zeros = metrics.text().unwrap();
    let plan = trimtab_api::validate(&study()).unwrap();
    let mut outcomes = 0;
    for why in trimtab_api::conditions::reason::ALL {
        let mut ended: TrialStatus = serde_json::from_value(status(&[run(1, Some((*why, false)))])).unwrap();
        ended.retries = trimtab_api::ending::RETRIES;
        trimtab_api::ending::settle(&mut ended, 0, trimtab_api::record::Scale { plan: &plan });
        let Some(outcome) = ended.outcome else { continue };
        let series = format!("outcome=\"{:?}\",reason=\"{}\"}} 0", outcome.kind, outcome.reason);
        assert!(zeros.contains(&series), "{series} is missing in\n{zeros}");
        outcomes += 1;
    }
    assert!(outcomes > 10, "{outcomes}");
}

#[test]
fn decision_is_measured_from_the_newest_line_that_it_admits() {
    let with_line = |number: u32, time: &str| {
        let mut status = status(&[run(1, None)]);
        status["cursor"] = json!({"podUID": "pod", "container": "train", "time": time});
        trial(number, status)
    };
    let trials = [
        with_line(0, "2026-11-22T11:59:50Z"),
        with_line(1, "2026-11-22T11:59:58Z"),
        with_line(2, "2026-11-22T11:59:59Z"),
    ];
    // Trial 2 has a newer line, and no value of it is admitted.
    let keys = [
        ResultKey::Observed(0, TrialNumber(0)),
        ResultKey::Observed(0, TrialNumber(1)),
        ResultKey::Ended(TrialNumber(2)),
    ];
    let actions = [json!({"trial": 0, "action": "Continue", "reason": "RungPassed", "level": 3})];
    let metrics = Metrics::kept(0, 4).unwrap();
    metrics.study_written(&study_seen(1, &trials), Some(&study_status(2, &admitted::encode(&keys), &actions)), now());
    says(&metrics, &["trimtab_line_to_decision_seconds_sum 2", "trimtab_line_to_decision_seconds_count 1"]);
}

#[test]
fn stop_is_measured_to_the_deletion_of_a_run_that_was_there_and_once() {
    let metrics = Metrics::kept(0, 4).unwrap();
    let trials = [trial(3, status(&[run(1, Some(("Reached", true)))])), trial(4, status(&[run(1, None)]))];
    let stop = |number: u32| json!({"trial": number, "action": "Stop", "reason": "RungLost"});
    metrics.study_written(&study_seen(1, &trials), Some(&study_status(2, "", &[stop(3), stop(4)])), now());
    let of_resting = TrialSeen { name: "digits-0003".to_owned(), ..seen(status(&[])) };
    metrics.deleted(&of_resting);
    says_nothing_of(&metrics, "trimtab_decision_to_delete_seconds_count");
    metrics.deleted(&seen(status(&[])));
    metrics.deleted(&seen(status(&[])));
    says(&metrics, &["trimtab_decision_to_delete_seconds_count 1"]);
}

#[test]
fn metrics_that_are_not_kept_cost_nothing_and_break_nothing() {
    let metrics = Metrics::default();
    let (caches, _feeds) = caches();
    metrics.study_written(&study_seen(0, &[]), Some(&study_status(1, "", &[])), now());
    metrics.trial_written(&caches, &seen(status(&[])), &trial(4, status(&[run(1, Some(("Reached", true)))])), now());
    metrics.deleted(&seen(status(&[])));
    assert_eq!(metrics.deciding(&study(), || 7), 7);
    assert!(metrics.text().unwrap().is_empty());
}
