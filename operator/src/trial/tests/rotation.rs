//! When a log whose end was rotated away is lost, and when nothing is missing.

use super::*;
use crate::reading::{Reading, metrics};
use crate::trial::collect::rotated;

/// Whether the log is lost of a run to epoch 3 that had reached this on record, and in what was followed, when this is left of it.
fn is_lost(study: Study, recorded: Option<f64>, followed: &[f64], left: &str) -> bool {
    let mut status = running();
    status.runs[0].first = recorded.map(|_| "1".to_owned());
    status.runs[0].reached = recorded.map(|at| at.to_string());
    let report = |&at: &f64| Report { fidelity: Some(at), metric: "loss".to_owned(), value: 0.5 };
    let before: Vec<Report> = followed.iter().map(report).collect();
    let place = Place { time: Some("2026-11-22T11:59:00Z".to_owned()), ..Place::default() };
    let mut reading = Reading::from(&metrics(&study), place);
    reading.push(left.as_bytes());
    reading.finish(true);
    let case = Case::new(study, trial(status), &[exited(0, "Completed")]);
    rotated(&case.seen, &before, &reading).is_some()
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
