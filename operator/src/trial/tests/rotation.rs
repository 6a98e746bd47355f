//! When a log whose end was rotated away is lost, and when nothing is missing.

use trimtab_api::trial::MetricProgress;

use super::*;
use crate::reading::{Reading, metrics};
use crate::trial::collect::rotated;

/// Whether the log is lost of a run to epoch 3 that had reached this on record, and in what was followed, when this is left of it.
fn is_lost(study: Study, recorded: Option<f64>, followed: &[f64], left: &str) -> bool {
    let mut status = running();
    status.progress = recorded.map(|at| progress("loss", at)).into_iter().collect();
    let report = |&at: &f64| Report { fidelity: Some(at), metric: "loss".to_owned(), value: 0.5 };
    let before: Vec<Report> = followed.iter().map(report).collect();
    let place = Place { time: Some("2026-11-22T11:59:00Z".to_owned()), ..Place::default() };
    let mut reading = Reading::from(&metrics(&study), place);
    reading.push(left.as_bytes());
    reading.finish(true);
    let case = Case::new(study, trial(status), &[exited(0, "Completed")]);
    rotated(&case.seen, &before, &reading).is_some()
}

/// What is on record of a metric that the run has named.
fn progress(metric: &str, at: f64) -> MetricProgress {
    let held = json!({"name": metric, "fidelity": at.to_string(), "last": "0.5", "best": "0.5", "mean": "0.5", "count": 1, "seen": true});
    serde_json::from_value(held).unwrap()
}

#[test]
fn each_metric_that_decides_may_be_lost() {
    let study = study(|object| object["spec"]["constraints"] = json!([{"metric": "size", "max": 1}]));
    let judged = |recorded: &[(&str, f64)], left: &str| {
        let mut status = running();
        status.progress = recorded.iter().map(|&(metric, at)| progress(metric, at)).collect();
        let place = Place { time: Some("2026-11-22T11:59:00Z".to_owned()), ..Place::default() };
        let mut reading = Reading::from(&metrics(&study), place);
        reading.push(left.as_bytes());
        reading.finish(true);
        let case = Case::new(study.clone(), trial(status), &[exited(0, "Completed")]);
        rotated(&case.seen, &[], &reading).map(|words| words.contains("`size`"))
    };
    // One has reached the level, the other has not.
    assert_eq!(judged(&[("loss", 3.0), ("size", 2.0)], ""), Some(true));
    assert_eq!(judged(&[("loss", 3.0), ("size", 3.0)], ""), None);
    assert_eq!(judged(&[("loss", 2.0), ("size", 2.0)], "2026-11-22T11:59:40Z epoch=3 size=0.5\n"), Some(false));
    assert_eq!(judged(&[("loss", 2.0), ("size", 2.0)], "2026-11-22T11:59:40Z epoch=3 size=0.5 loss=1\n"), None);
    // What was never named is missing for another reason.
    assert_eq!(judged(&[("loss", 3.0)], ""), None);
    // The log names no fidelity.
    let unplaced = MetricProgress { fidelity: None, unplaced: Some("0.5".to_owned()), ..progress("loss", 0.0) };
    let mut status = running();
    status.progress = vec![unplaced];
    let place = Place { time: Some("2026-11-22T11:59:00Z".to_owned()), ..Place::default() };
    let mut reading = Reading::from(&metrics(&study), place);
    reading.finish(true);
    assert!(rotated(&Case::new(study.clone(), trial(status), &[exited(0, "Completed")]).seen, &[], &reading).is_some());
}

#[test]
fn end_of_a_log_is_lost_where_a_value_may_be_missing() {
    let noise = "2026-11-22T11:59:40Z noise\n";
    assert!(is_lost(study(|_| {}), Some(2.0), &[], noise));
    assert!(is_lost(study(|_| {}), Some(1.0), &[2.0], ""));
    assert!(is_lost(study(|_| {}), None, &[2.0], noise));
    // The line read last is there still, or a later one names a value.
    assert!(!is_lost(study(|_| {}), Some(2.0), &[], "2026-11-22T11:59:00Z epoch=2 loss=0.5\n"));
    assert!(!is_lost(study(|_| {}), Some(2.0), &[], "2026-11-22T11:59:40Z epoch=3 loss=0.5\n"));
    // The run is where it was to go, and what it printed after that changes nothing.
    assert!(!is_lost(study(|_| {}), Some(3.0), &[], noise));
    assert!(!is_lost(study(|_| {}), Some(2.0), &[3.0], noise));
    // What never named a value has none to lose.
    assert!(!is_lost(study(|_| {}), None, &[], noise));
}

#[test]
fn run_that_is_judged_as_a_whole_may_have_had_a_later_value() {
    let fresh = |object: &mut Value| object["spec"]["fidelity"]["kind"] = json!("Fresh");
    assert!(is_lost(study(fresh), Some(3.0), &[], ""));
    assert!(!is_lost(study(fresh), Some(3.0), &[], "2026-11-22T11:59:40Z epoch=4 loss=0.5\n"));
    // What is left names something, but not what the study looks at.
    let with_gradient = |object: &mut Value| {
        fresh(object);
        object["spec"]["recordMetrics"] = json!(["rate"]);
    };
    assert!(is_lost(study(with_gradient), Some(3.0), &[], "2026-11-22T11:59:40Z rate=0.5\n"));
}
