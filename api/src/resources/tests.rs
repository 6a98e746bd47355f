use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::study::Study;

fn spec(pod: &Value, limits: &Value) -> StudySpec {
    let study: Study = serde_json::from_value(json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s"},
        "spec": {
            "objectives": [{"metric": "loss", "goal": "Minimize"}],
            "limits": {"resourceHours": limits},
            "trial": {"job": {"spec": {"template": {"spec": pod}}}},
        },
    }))
    .unwrap();
    study.spec
}

/// A pod of one container that asks for two GPUs, half a CPU and 1.5 GiB.
fn one(limits: &Value) -> StudySpec {
    let resources =
        json!({"limits": {"nvidia.com/gpu": 2, "cpu": "4"}, "requests": {"cpu": "500m", "memory": "1536Mi"}});
    spec(&json!({"containers": [{"name": "train", "resources": resources}]}), limits)
}

fn hours(resource: &str, hours: f64) -> ResourceHours {
    ResourceHours { resource: resource.to_owned(), hours }
}

fn held_of(pod: &Value) -> Vec<(String, f64)> {
    held(&spec(pod, &json!([]))).into_iter().collect()
}

#[test]
fn a_run_holds_what_its_pod_asks_for() {
    let held: Vec<_> = held(&one(&json!([]))).into_iter().collect();
    let expected = [("cpu", 0.5), ("memory", 1.5), ("nvidia.com/gpu", 2.0)].map(|(n, a)| (n.to_owned(), a));
    assert_eq!(held, expected);
    let several = json!({
        "containers": [{"resources": {"requests": {"cpu": 1}}}, {"resources": {"limits": {"cpu": 0.25}}}, {}],
        "initContainers": [
            {"resources": {"requests": {"cpu": 8}}},
            {"restartPolicy": "Always", "resources": {"requests": {"cpu": "250m"}}},
        ],
    });
    assert_eq!(held_of(&several), [("cpu".to_owned(), 1.5)]);
    let whole = json!({
        "resources": {"requests": {"cpu": 3}},
        "containers": [{"resources": {"requests": {"cpu": 1}, "limits": {"amd.com/gpu": 1}}}],
    });
    assert_eq!(held_of(&whole), [("amd.com/gpu".to_owned(), 1.0), ("cpu".to_owned(), 3.0)]);
    let hostile = json!({"resources": 7, "containers": ["x", {"resources": {"limits": {"cpu": [], "memory": "1X"}}}, {"resources": {"limits": {"cpu": "0"}}}]});
    assert_eq!(held_of(&hostile), []);
}

#[test]
fn hours_are_amounts_times_time_and_never_fall() {
    let spec = one(&json!([{"resource": "cpu", "hours": 2}]));
    let used = |seconds, before: &[ResourceHours]| super::used(&spec, seconds, before);
    assert_eq!(used(5400, &[]), [hours("cpu", 0.75), hours("nvidia.com/gpu", 3.0)]);
    assert_eq!(used(0, &[hours("cpu", 0.5), hours("gone", 9.0)]), [hours("cpu", 0.5), hours("nvidia.com/gpu", 0.0)]);
    assert_eq!(part(&spec, &used(5400, &[])), Some(0.375));
    assert_eq!(part(&one(&json!([])), &used(5400, &[])), None);
}

#[test]
fn what_is_left_is_shared_by_those_that_run() {
    let spec = one(&json!([{"resource": "cpu", "hours": 2}, {"resource": "nvidia.com/gpu", "hours": 4}]));
    let used = super::used(&spec, 3600, &[]);
    // Two of four GPU-hours are left, and each run takes two at a time; of CPUs there would be three hours.
    assert_eq!([1, 2, 7].map(|running| left(&spec, &used, running)), [Some(3600), Some(1800), Some(515)]);
    assert_eq!(left(&spec, &used, 0), None);
    assert_eq!(left(&spec, &super::used(&spec, 100_000, &[]), 1), Some(0));
    assert_eq!(left(&one(&json!([])), &used, 1), None);
}

#[test]
fn a_run_that_goes_on_counts_from_its_containers_start() {
    let read =
        |run: Value| -> TrialStatus { serde_json::from_value(json!({"runSeconds": 100, "runs": [run]})).unwrap() };
    let now: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
    let run = json!({"number": 1, "targetLevel": 9, "start": "0"});
    let with = |more: Value| {
        let mut run = run.clone();
        run.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        seconds(&read(run), now)
    };
    assert_eq!(with(json!({})), 100, "queueing costs nothing");
    assert_eq!(with(json!({"startTime": "2026-01-01T00:59:00Z"})), 160);
    assert_eq!(with(json!({"startTime": "2026-01-01T00:59:00Z", "earlierSeconds": 7})), 167);
    assert_eq!(with(json!({"startTime": "2026-01-01T02:00:00Z"})), 100, "a clock that is ahead");
    let end = json!({"reason": "Reached", "time": "2026-01-01T00:59:30Z", "seconds": 30});
    assert_eq!(with(json!({"startTime": "2026-01-01T00:59:00Z", "end": end})), 100, "an end is in the sum");
}
