use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use trimtab_api::conditions::{self, study as condition};
use trimtab_api::{Study, names};

use super::*;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A Study of runs that hold two GPUs each, with one that has run for so many seconds, and one that began so many seconds ago.
fn seen(hours: f64, ended: u64, running: i64, status: &Value) -> Seen {
    let study: Study = serde_json::from_value(json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study",
        "metadata": {"name": "digits", "namespace": "lab", "uid": "u", "generation": 1},
        "spec": {
            "objectives": [{"metric": "loss", "goal": "Minimize"}],
            "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
            "parallelism": 1, "seed": 7,
            "limits": {"trials": 2, "resourceHours": [{"resource": "nvidia.com/gpu", "hours": hours}]},
            "trial": {"job": {"spec": {"template": {"spec": {"containers": [
                {"name": "c", "image": "x", "resources": {"limits": {"nvidia.com/gpu": 2}}}
            ]}}}}},
        },
        "status": status,
    }))
    .unwrap();
    let plan = Arc::new(trimtab_api::validate(&study).unwrap());
    let since = now().checked_sub(SignedDuration::from_secs(running)).unwrap().to_string();
    let run = json!({"number": 2, "targetLevel": 1, "start": "0", "jobUID": "j", "startTime": since});
    let mut trial = Trial::new(
        &names::trial("digits", 0),
        serde_json::from_value(json!({
            "studyName": "digits", "studyUID": "u", "number": 0, "sampler": "random", "bracket": 0, "targetLevel": 1, "batches": [],
            "parameters": [{"name": "x", "value": "0.5"}],
        }))
        .unwrap(),
    );
    trial.status = serde_json::from_value(json!({"runSeconds": ended, "nextRun": 3, "runs": [run]})).unwrap();
    Seen {
        study: Arc::new(study),
        uid: "u".to_owned(),
        namespace: "lab".to_owned(),
        plan: Ok(plan),
        trials: BTreeMap::from([(0, Arc::new(trial))]),
        unapplied: Vec::new(),
        foreign: None,
        broken: Vec::new(),
    }
}

fn look(seen: &Seen) -> Outcome {
    decide(seen, Acceptance::Yes { reason: "Valid", message: String::new() }, now())
}

fn used(outcome: &Outcome) -> f64 {
    let [gpus] = &outcome.status.resource_hours[..] else { panic!("{:?}", outcome.status.resource_hours) };
    assert_eq!(gpus.resource, "nvidia.com/gpu");
    gpus.hours
}

#[test]
fn a_study_looks_again_when_its_hours_will_be_used_up() {
    // Of 7,200 GPU-seconds 2,000 + 400 are used; one run goes on with two GPUs.
    let outcome = look(&seen(2.0, 1_000, 200, &json!({"nextTrial": 1})));
    assert_eq!((outcome.again, outcome.suspend.len()), (Some(2_401), 0));
    // The status tells of what has ended, so that it does not change at every look.
    assert_eq!(used(&outcome), 2_000.0 / 3_600.0);
}

#[test]
fn hours_that_are_used_up_end_the_study_and_interrupt_its_runs() {
    let outcome = look(&seen(2.0, 1_000, 2_601, &json!({"nextTrial": 1})));
    assert_eq!((outcome.suspend.clone(), outcome.again), (vec![(0, true)], None));
    assert_eq!(used(&outcome), 2_000.0 / 3_600.0);
    let complete = outcome.status.conditions.iter().find(|c| c.type_ == condition::COMPLETE).unwrap();
    assert_eq!(
        (complete.reason.as_str(), complete.message.as_str()),
        ("ResourceHoursReached", "1 runs are still stopping")
    );
    assert!(!conditions::is_true(&outcome.status.conditions, condition::COMPLETE));
    // More hours let it go on.
    let more = look(&seen(3.0, 1_000, 2_601, &json!({"nextTrial": 1})));
    assert_eq!((more.again, more.suspend.len()), (Some(1_800), 0));
}

/// The Study when the run has ended after so many seconds in all.
fn after(ended: u64) -> Outcome {
    let mut seen = seen(2.0, ended, 0, &json!({"nextTrial": 1}));
    let trial = Arc::make_mut(seen.trials.get_mut(&0).unwrap());
    trial.spec.suspend = true;
    trial.status.as_mut().unwrap().runs.clear();
    look(&seen)
}

#[test]
fn what_counts_in_the_end_is_how_long_runs_really_ran() {
    let ended = after(3_600);
    assert_eq!(used(&ended), 2.0);
    assert!(conditions::is_true(&ended.status.conditions, condition::COMPLETE), "{:?}", ended.status.conditions);
    // An old view showed a run that had ended long before: the study goes on.
    let shorter = after(2_000);
    assert_eq!((used(&shorter), shorter.suspend), (4_000.0 / 3_600.0, vec![(0, false)]));
    assert!(!conditions::is_true(&shorter.status.conditions, condition::COMPLETE), "{:?}", shorter.status.conditions);
}
