use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use trimtab_api::conditions::{self, study as condition};
use trimtab_api::{Study, names};

use super::*;
use crate::study::book::Shelf;

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
        warm: Warm::Settled,
    }
}

fn look(seen: &Seen) -> Outcome {
    judge(seen, Acceptance::Yes { reason: "Valid", message: String::new() })
}

fn judge(seen: &Seen, acceptance: Acceptance) -> Outcome {
    let mut book = Shelf::default().open(seen, false);
    decide(seen, book.as_mut(), acceptance, now())
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

/// A Study that is to begin with what `earlier` found out: no trial yet.
fn beginner(warm: Warm, status: &Value) -> Seen {
    let mut seen = seen(2.0, 0, 0, status);
    let mut study = (*seen.study).clone();
    study.spec.warm_start = Some(trimtab_api::study::WarmStart { study_name: "earlier".to_owned() });
    study.spec.sampler = serde_json::from_value(json!({"tpe": {"startupTrials": 4}})).unwrap();
    seen.plan = Ok(Arc::new(trimtab_api::validate(&study).unwrap()));
    (seen.study, seen.warm) = (Arc::new(study), warm);
    seen.trials.clear();
    seen
}

/// Twenty trials of `earlier`, the best at 0.7.
fn copied() -> trimtab_api::study::WarmStarted {
    let trial = |i: u32| {
        let x = f64::from(i) / 20.0;
        json!({"number": i, "parameters": [x.to_string()], "level": 1, "values": [(x - 0.7).abs().to_string()]})
    };
    let trials: Vec<Value> = (0..20).map(trial).collect();
    serde_json::from_value(json!({"studyName": "earlier", "found": 20, "message": "20 of 20", "trials": trials}))
        .unwrap()
}

/// What the first trial of a batch gets.
fn first(outcome: &Outcome) -> Option<f64> {
    let action = outcome.status.batch.as_ref()?.actions.first()?;
    action.parameters.first()?.value.parse().ok()
}

#[test]
fn nothing_is_decided_before_the_earlier_study_is_on_record() {
    let words = || "Study earlier is not there".to_owned();
    let outcome = look(&beginner(Warm::Absent(words()), &json!({})));
    assert_eq!((outcome.status.batch.clone(), outcome.carry_out.is_some(), outcome.again), (None, false, Some(10)));
    assert_eq!(outcome.status.active_since, None, "waiting is no activity");
    let stalled = outcome.status.conditions.iter().find(|c| c.type_ == condition::STALLED).unwrap();
    let told = (stalled.status.as_str(), stalled.reason.as_str(), stalled.message.as_str());
    assert_eq!(told, ("True", reason::WAITING_FOR_STUDY, "Study earlier is not there"));
    // The same again, so nothing is written.
    let status = serde_json::to_value(&outcome.status).unwrap();
    assert_eq!(look(&beginner(Warm::Absent(words()), &status)).status, outcome.status);
    // While the earlier one goes on there is nothing to mend.
    let waits = look(&beginner(Warm::Waits("it goes on".to_owned()), &status));
    let stalled = waits.status.conditions.iter().find(|c| c.type_ == condition::STALLED).unwrap();
    assert_eq!((stalled.status.as_str(), stalled.reason.as_str()), ("False", reason::WAITING_FOR_STUDY));
    assert_eq!((waits.status.batch, waits.status.state.as_deref()), (None, Some("Pending")));
}

#[test]
fn a_copy_is_one_write_and_decides_nothing_itself() {
    let outcome = look(&beginner(Warm::Copied(Box::new(copied())), &json!({})));
    assert_eq!(outcome.status.warm_start, Some(copied()));
    assert_eq!((outcome.status.batch.clone(), outcome.carry_out.is_some()), (None, false));
    assert_eq!(outcome.news.iter().filter(|news| news.reason == "WarmStarted").count(), 1);
    // A crash before the write leaves nothing, and the copy is made anew; after it the copy is what is decided by.
    let status = serde_json::to_value(&outcome.status).unwrap();
    let next = look(&beginner(Warm::Settled, &status));
    assert_eq!(next.status.warm_start, Some(copied()));
    assert!((first(&next).unwrap() - 0.7).abs() < 0.2, "{:?}", first(&next));
    assert!(next.news.iter().all(|news| news.reason != "WarmStarted"));
    let counts = next.status.trials.clone().unwrap();
    assert_eq!((counts.complete, next.status.best.clone(), next.status.next_trial), (0, None, 1));
}

#[test]
fn a_refused_copy_begins_nothing() {
    let mut seen = beginner(Warm::Refused("another metric".to_owned()), &json!({}));
    let refused = Acceptance::No { reason: reason::WARM_START_REFUSED, message: "another metric".to_owned() };
    let outcome = judge(&seen, refused);
    let accepted = outcome.status.conditions.iter().find(|c| c.type_ == condition::ACCEPTED).unwrap();
    assert_eq!((accepted.status.as_str(), accepted.reason.as_str()), ("False", reason::WARM_START_REFUSED));
    assert_eq!((outcome.status.batch, outcome.status.warm_start, outcome.again), (None, None, Some(10)));
    // A Study that the API server does not accept does not take a copy either.
    seen.warm = Warm::Copied(Box::new(copied()));
    let refused = Acceptance::No { reason: reason::PREFLIGHT_REFUSED, message: String::new() };
    assert_eq!(judge(&seen, refused).status.warm_start, None);
}

#[test]
fn shelf_keeps_what_was_looked_at_last_and_is_there() {
    let book = || Shelf::default().open(&seen(1.0, 0, 0, &json!({})), false).unwrap();
    // Each book tells of one Trial.
    let shelf = Shelf::of(3);
    let living = || (0..20).map(|number| number.to_string()).collect();
    for uid in ["9", "1", "5", "9", "7"] {
        shelf.put(uid, book(), living);
    }
    let there: Vec<&str> = ["1", "5", "7", "9"].into_iter().filter(|uid| shelf.take(uid).is_some()).collect();
    assert_eq!(there, ["5", "7", "9"]);
    // A Study that was deleted goes after some turns.
    shelf.put("gone", book(), living);
    for turn in 0..16 {
        shelf.put(if turn % 2 == 0 { "1" } else { "2" }, book(), living);
    }
    assert!(shelf.take("gone").is_none() && shelf.take("1").is_some() && shelf.take("2").is_some());
}
