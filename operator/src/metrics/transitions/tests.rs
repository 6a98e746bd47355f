//! What raises which counter, and what does not raise it a second time.

mod decisions;

use std::sync::Arc;

use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;
use crate::context::caches;
use crate::trial::observe::JobSeen;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A Study of nine epochs whose pods have two GPUs.
fn study() -> Arc<Study> {
    let limits = json!({"nvidia.com/gpu": "2", "memory": "1Gi"});
    let object = json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study",
        "metadata": {"name": "digits", "namespace": "lab", "uid": "study-uid", "generation": 1},
        "spec": {
            "objectives": [{"metric": "loss", "goal": "Minimize"}],
            "parameters": [{"name": "rate", "float": {"min": 0.1, "max": 1}}],
            "fidelity": {"unit": "epoch", "min": 1, "max": 9},
            "scheduler": {"hyperband": {"reductionFactor": 3}},
            "trial": {
                "checkpoint": {"claimName": "disk"},
                "job": {"spec": {"template": {"spec": {"containers": [{"name": "train", "image": "x", "resources": {"limits": limits}}]}}}},
            },
        },
    });
    Arc::new(serde_json::from_value(object).unwrap())
}

fn trial(number: u32, status: Value) -> Arc<Trial> {
    let object = json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Trial",
        "metadata": {
            "name": format!("digits-{number:04}"), "namespace": "lab", "uid": format!("uid-{number}"),
            "creationTimestamp": "2026-11-22T11:59:00Z",
        },
        "spec": {
            "studyName": "digits", "studyUID": "study-uid", "number": number, "sampler": "random", "bracket": 0, "targetLevel": 3,
            "batches": [], "parameters": [],
        },
        "status": status,
    });
    Arc::new(serde_json::from_value(object).unwrap())
}

/// A run that began 50 seconds ago, and how it ended: reason, and whether nothing is left of it.
fn run(number: u32, end: Option<(&str, bool)>) -> Value {
    let end = end
        .map(|(reason, gone)| json!({"reason": reason, "time": "2026-11-22T11:59:50Z", "seconds": 40, "gone": gone}));
    json!({
        "number": number, "targetLevel": 3, "start": "0", "jobUID": format!("job-{number}"), "startTime": "2026-11-22T11:59:10Z", "end": end,
    })
}

fn status(runs: &[Value]) -> Value {
    json!({"nextRun": runs.len() + 1, "runs": runs})
}

/// A Trial as it was seen with this status.
fn seen(before: Value) -> TrialSeen {
    let (study, trial) = (study(), trial(4, before));
    TrialSeen {
        name: trial.name_any(),
        namespace: "lab".to_owned(),
        container: "train".to_owned(),
        status: trial.status.clone().unwrap(),
        trial,
        plan: Arc::new(trimtab_api::validate(&study).unwrap()),
        study,
        current: None,
        job: JobSeen::None,
        job_uid: None,
        pods: Vec::new(),
        leftovers: Vec::new(),
        is_copied: false,
        log_is_overdue: false,
        log_was_lost: false,
    }
}

/// The metrics after a Trial's status went through these versions, each written once.
fn after(versions: &[Value]) -> Metrics {
    let metrics = Metrics::kept(0, 4).unwrap();
    let (caches, _feeds) = caches();
    for pair in versions.windows(2) {
        let new = trial(4, pair[1].clone());
        metrics.trial_written(&caches, &seen(pair[0].clone()), &new, now());
    }
    metrics
}

#[track_caller]
fn says(metrics: &Metrics, lines: &[&str]) {
    let text = metrics.text().unwrap();
    for line in lines {
        assert!(text.lines().any(|held| held == *line), "{line} is missing in\n{text}");
    }
}

#[track_caller]
fn says_nothing_of(metrics: &Metrics, beginning: &str) {
    let text = metrics.text().unwrap();
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with(beginning) && !line.ends_with(" 0")).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn run_that_ended_well_is_spent_once_it_is_gone() {
    let lingering = after(&[status(&[run(1, None)]), status(&[run(1, Some(("Reached", false)))])]);
    says_nothing_of(&lingering, "trimtab_runs_ended_total");
    says_nothing_of(&lingering, "trimtab_spent_seconds_total");
    let gone = status(&[run(1, Some(("Reached", true)))]);
    let metrics = after(&[status(&[run(1, None)]), status(&[run(1, Some(("Reached", false)))]), gone.clone(), gone]);
    says(
        &metrics,
        &[
            r#"trimtab_runs_ended_total{reason="Reached"} 1"#,
            r#"trimtab_spent_seconds_total{namespace="lab",resource="run"} 40"#,
            r#"trimtab_spent_seconds_total{namespace="lab",resource="nvidia.com/gpu"} 80"#,
        ],
    );
    says_nothing_of(&metrics, "trimtab_wasted_seconds_total");
    says_nothing_of(&metrics, "trimtab_retries_total");
    // Memory is no device.
    says_nothing_of(&metrics, r#"trimtab_spent_seconds_total{namespace="lab",resource="memory""#);
}

#[test]
fn run_that_the_infrastructure_lost_is_wasted_and_tried_again() {
    let evicted = status(&[run(1, Some(("Evicted", true)))]);
    let metrics = after(&[status(&[run(1, None)]), evicted.clone(), evicted]);
    says(
        &metrics,
        &[
            r#"trimtab_retries_total{reason="Evicted"} 1"#,
            r#"trimtab_wasted_seconds_total{namespace="lab",resource="run"} 40"#,
            r#"trimtab_wasted_seconds_total{namespace="lab",resource="nvidia.com/gpu"} 80"#,
        ],
    );
    let mut given_up = status(&[run(1, Some(("Evicted", true)))]);
    given_up["outcome"] = json!({"kind": "Lost", "reason": "TooManyRetries", "message": "five times in a row"});
    let metrics = after(&[status(&[run(1, None)]), given_up]);
    says(&metrics, &[r#"trimtab_trials_finished_total{namespace="lab",outcome="Lost",reason="TooManyRetries"} 1"#]);
    says_nothing_of(&metrics, "trimtab_retries_total");
}

#[test]
fn run_that_failed_by_its_configuration_is_wasted_and_not_tried_again() {
    let mut failed = status(&[run(1, Some(("ExitCode", true)))]);
    failed["outcome"] = json!({"kind": "Failed", "reason": "ExitCode", "message": "exit code 3"});
    let metrics = after(&[status(&[run(1, None)]), failed.clone(), failed]);
    says(
        &metrics,
        &[
            r#"trimtab_wasted_seconds_total{namespace="lab",resource="run"} 40"#,
            r#"trimtab_trials_finished_total{namespace="lab",outcome="Failed",reason="ExitCode"} 1"#,
        ],
    );
    says_nothing_of(&metrics, "trimtab_retries_total");
    says_nothing_of(&metrics, "trimtab_saved_seconds_total");
}

#[test]
fn run_that_was_suspended_is_neither_wasted_nor_tried_again() {
    let metrics = after(&[status(&[run(1, None)]), status(&[run(1, Some(("Suspended", true)))])]);
    says(&metrics, &[r#"trimtab_spent_seconds_total{namespace="lab",resource="run"} 40"#]);
    says_nothing_of(&metrics, "trimtab_wasted_seconds_total");
    says_nothing_of(&metrics, "trimtab_retries_total");
}

#[test]
fn trial_that_was_stopped_has_saved_what_was_left_at_its_own_pace() {
    let mut stopped = status(&[run(1, Some(("Reached", true)))]);
    stopped["outcome"] = json!({"kind": "Stopped", "reason": "RungLost", "message": "ranked 5 of 9"});
    // Three epochs took 40 seconds; six were left.
    stopped["reached"] = json!("3");
    stopped["runSeconds"] = json!(40);
    stopped["spentFidelity"] = json!(3);
    let metrics = after(&[status(&[run(1, None)]), stopped.clone(), stopped.clone()]);
    says(
        &metrics,
        &[
            r#"trimtab_trials_finished_total{namespace="lab",outcome="Stopped",reason="RungLost"} 1"#,
            r#"trimtab_saved_seconds_total{namespace="lab",resource="run"} 80"#,
            r#"trimtab_saved_seconds_total{namespace="lab",resource="nvidia.com/gpu"} 160"#,
        ],
    );
    // Without a pace nothing is claimed.
    stopped["spentFidelity"] = json!(0);
    says_nothing_of(&after(&[status(&[run(1, None)]), stopped]), "trimtab_saved_seconds_total");
}

#[test]
fn trial_that_reached_the_top_is_complete_once() {
    let mut complete = status(&[run(1, Some(("Reached", true)))]);
    complete["conditions"] = json!([
        {"type": "Complete", "status": "True", "reason": "Reached", "message": "", "lastTransitionTime": "2026-11-22T12:00:00Z"}
    ]);
    let metrics = after(&[status(&[run(1, None)]), complete.clone(), complete]);
    says(&metrics, &[r#"trimtab_trials_finished_total{namespace="lab",outcome="Complete",reason="Reached"} 1"#]);
}

#[test]
fn first_run_tells_how_long_its_trial_waited_and_every_run_how_long_its_job_did() {
    let metrics = Metrics::kept(0, 4).unwrap();
    let (caches, mut feeds) = caches();
    feeds.jobs.apply(Event::Init);
    feeds.jobs.apply(Event::InitDone);
    for number in [1, 2] {
        let job = json!({
            "metadata": {
                "name": trimtab_api::names::job("digits", 4, number), "namespace": "lab", "uid": format!("job-{number}"),
                "creationTimestamp": "2026-11-22T11:59:56Z",
            },
        });
        let job: DeserializeGuard<crate::kept::Job> = serde_json::from_value(job).unwrap();
        feeds.jobs.apply(Event::Apply(job));
    }
    let mut waiting = run(1, None);
    waiting["startTime"] = Value::Null;
    let over = run(1, Some(("Evicted", true)));
    let versions =
        [status(&[waiting]), status(&[run(1, None)]), status(&[run(1, None)]), status(&[over, run(2, None)])];
    for pair in versions.windows(2) {
        metrics.trial_written(&caches, &seen(pair[0].clone()), &trial(4, pair[1].clone()), now());
    }
    // A minute since the Trial was made, four seconds since each Job was.
    says(&metrics, &["trimtab_trial_start_seconds_sum 60", "trimtab_trial_start_seconds_count 1"]);
    says(&metrics, &["trimtab_run_queue_seconds_sum 8", "trimtab_run_queue_seconds_count 2"]);
}

#[test]
fn value_is_measured_from_its_line_to_its_record() {
    let cursor = json!({"podUID": "pod", "container": "train", "time": "2026-11-22T11:59:59.5Z"});
    let mut read = status(&[run(1, None)]);
    read["cursor"] = cursor;
    let mut recorded = read.clone();
    recorded["values"] = json!([{"level": 1, "metrics": []}]);
    let metrics = after(&[read.clone(), read, recorded.clone(), recorded]);
    says(&metrics, &["trimtab_line_to_record_seconds_sum 0.5", "trimtab_line_to_record_seconds_count 1"]);
}

#[test]
fn what_panels_and_alerts_count_begins_at_zero() {
    let text = Metrics::kept(0, 4).unwrap().text().unwrap();
    for line in [
        r#"trimtab_runs_ended_total{reason="NoMetric"} 0"#,
        r#"trimtab_runs_ended_total{reason="Reached"} 0"#,
        r#"trimtab_runs_ended_total{reason="LogLost"} 0"#,
        r#"trimtab_retries_total{reason="Evicted"} 0"#,
        r#"trimtab_events_total{kind="Trial",reason="RunWaits",type="Warning"} 0"#,
        r#"trimtab_reconcile_panics_total{controller="study"} 0"#,
        "trimtab_decision_to_delete_seconds_count 0",
    ] {
        assert!(text.lines().any(|held| held == line), "{line} is missing in\n{text}");
    }
    // A configuration that fails is not tried again.
    assert!(!text.contains(r#"trimtab_retries_total{reason="ExitCode"}"#), "{text}");
}
