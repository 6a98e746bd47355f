//! The pure stages of the trial controller: what pods and logs say, and what is made of it.

mod rotation;
mod seconds;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde_json::{Value, json};
use trimtab_api::conditions::reason;
use trimtab_api::trial::{Outcome, OutcomeKind, Run, StopRequest, TrialStatus};
use trimtab_api::{Study, Trial, names};
use trimtab_protocol::Report;

use super::build;
use super::collect::Collected;
use super::decide::{Effect, Step, decide};
use super::observe::{JobSeen, Leftover, Seen};
use super::pods::facts;
use crate::context::Config;
use crate::kept::Pod;
use crate::reading::Place;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> String {
    now().checked_sub(SignedDuration::from_secs(seconds)).unwrap().to_string()
}

fn study(patch: impl FnOnce(&mut Value)) -> Study {
    let mut object = json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study",
        "metadata": {"name": "digits", "namespace": "lab", "uid": "study-uid", "generation": 1},
        "spec": {
            "objectives": [{"metric": "loss", "goal": "Minimize"}],
            "parameters": [
                {"name": "rate", "float": {"min": 0.1, "max": 1}},
                {"name": "kind", "categorical": {"choices": ["a", "b"]}},
                {"name": "extra", "int": {"min": 1, "max": 3}, "when": [{"parameter": "kind", "in": ["b"]}]},
            ],
            "fidelity": {"unit": "epoch", "min": 1, "max": 9},
            "scheduler": {"hyperband": {"reductionFactor": 3}},
            "seed": 7,
            "trial": {
                "checkpoint": {"claimName": "disk", "mountPath": "/checkpoints"},
                "job": {"spec": {"template": {"spec": {"containers": [
                    {"name": "train", "image": "x", "args": ["--rate=$(PARAM_RATE)", "--extra=$(PARAM_EXTRA)", "--resume=$(TRIMTAB_RESUME)"],
                     "env": [{"name": "OWN", "value": "$(PARAM_RATE)"}]},
                    {"name": "side", "image": "y"},
                ]}}}},
                "container": "train",
            },
        },
    });
    patch(&mut object);
    serde_json::from_value(object).unwrap()
}

fn trial(status: TrialStatus) -> Trial {
    let spec = json!({
        "studyName": "digits", "studyUID": "study-uid", "number": 4, "sampler": "random", "bracket": 0, "targetLevel": 3, "batches": [],
        "parameters": [{"name": "rate", "value": "0.5"}, {"name": "kind", "value": "a"}],
    });
    let mut trial = Trial::new("digits-0004", serde_json::from_value(spec).unwrap());
    trial.metadata.namespace = Some("lab".to_owned());
    trial.metadata.uid = Some("trial-uid".to_owned());
    trial.status = Some(status);
    trial
}

fn run(number: u32) -> Run {
    Run { job_uid: Some(format!("job-uid-{number}")), ..Run::from_zero(number, 3) }
}

fn running() -> TrialStatus {
    TrialStatus { next_run: 2, runs: vec![run(1)], ..TrialStatus::default() }
}

/// A pod of run 1 with this status.
fn pod(status: Value) -> Pod {
    let meta =
        json!({"name": "digits-0004-1-abcde", "namespace": "lab", "uid": "pod-uid", "creationTimestamp": ago(100)});
    serde_json::from_value(json!({"metadata": meta, "status": status})).unwrap()
}

fn exited(code: i32, why: &str) -> Pod {
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    let end = json!({"exitCode": code, "reason": why, "startedAt": ago(50), "finishedAt": ago(10)});
    pod(json!({"phase": phase, "containerStatuses": [status_of(json!({"terminated": end}))]}))
}

fn status_of(state: Value) -> Value {
    json!({"name": "train", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": state})
}

struct Case {
    seen: Seen,
    collected: Option<Collected>,
    config: Config,
}

impl Case {
    fn new(study: Study, trial: Trial, pods: &[Pod]) -> Self {
        let plan = Arc::new(trimtab_api::validate(&study).unwrap());
        let status = trial.status.clone().unwrap();
        let current = status.runs.len().checked_sub(1).filter(|i| status.runs[*i].end.is_none());
        let uid = current.and_then(|i| status.runs[i].job_uid.clone());
        let job = uid.clone().map_or(JobSeen::Absent, |uid| JobSeen::Present {
            uid,
            deleting: false,
            finished: None,
            suspended: false,
        });
        let seen = Seen {
            name: trial.name_any(),
            namespace: "lab".to_owned(),
            container: build::container(&study),
            trial: Arc::new(trial),
            status,
            study: Arc::new(study),
            plan,
            current,
            job,
            job_uid: uid,
            pods: pods.iter().map(|p| facts(p, "train")).collect(),
            leftovers: Vec::new(),
            is_copied: false,
            log_is_overdue: false,
            log_was_lost: false,
        };
        Self { seen, collected: None, config: Config::default() }
    }

    fn said(mut self, reports: &[(f64, f64)], ended: bool) -> Self {
        let report =
            |(at, value): &(f64, f64)| Report { metric: "loss".to_owned(), fidelity: Some(*at), value: *value };
        self.collected = Some(Collected {
            pod_uid: "pod-uid".to_owned(),
            reports: reports.iter().map(report).collect(),
            place: Place { time: Some("2026-11-22T11:59:00.5Z".to_owned()), ..Place::default() },
            ended,
            ..Collected::default()
        });
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Seen)) -> Self {
        change(&mut self.seen);
        self
    }

    fn step(&self) -> Step {
        decide(&self.seen, self.collected.as_ref(), &self.config, now())
    }

    /// The reason of the end of the newest run.
    fn end(&self) -> String {
        self.step().status.runs.last().unwrap().end.as_ref().map_or("none".to_owned(), |e| e.reason.clone())
    }
}

fn ordinary(pods: &[Pod]) -> Case {
    Case::new(study(|_| {}), trial(running()), pods)
}

#[test]
fn exit_zero_at_the_level_rests_there_and_pays_the_difference() {
    let step = ordinary(&[exited(0, "Completed")]).said(&[(1.0, 0.5), (2.0, 0.4), (3.0, 0.3)], true).step();
    assert_eq!(step.status.runs[0].end.as_ref().unwrap().reason, reason::REACHED);
    assert_eq!((step.status.rested_level, step.status.spent_fidelity, step.status.outcome), (Some(3), 3, None));
    assert_eq!(step.status.values.iter().map(|v| v.level).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(step.status.state.as_deref(), Some("Paused"));
}

#[test]
fn log_that_is_not_read_to_its_end_keeps_the_run() {
    assert_eq!(ordinary(&[exited(0, "Completed")]).said(&[(1.0, 0.5), (3.0, 0.3)], false).end(), "none");
    assert_eq!(ordinary(&[exited(0, "Completed")]).end(), "none");
}

#[test]
fn exit_zero_short_of_the_level_is_convergence_at_the_top() {
    let step = ordinary(&[exited(0, "Completed")]).said(&[(1.0, 0.5), (2.0, 0.4)], true).step();
    assert_eq!(step.status.runs[0].end.as_ref().unwrap().reason, reason::CONVERGED);
    assert_eq!((step.status.rested_level, step.status.spent_fidelity), (Some(9), 2));
    assert_eq!(step.status.values.last().unwrap().level, 9);
}

#[test]
fn failures_of_the_configuration_are_told_apart_and_end_the_trial() {
    let cases = [
        (exited(1, "Error"), vec![(1.0, 0.5)], reason::EXIT_CODE),
        (exited(137, "OOMKilled"), vec![(1.0, 0.5)], reason::OUT_OF_MEMORY),
        (exited(0, "Completed"), vec![], reason::NO_METRIC),
        (exited(0, "Completed"), vec![(1.0, 0.5), (3.0, f64::NAN)], reason::NOT_FINITE),
    ];
    for (pod, said, why) in cases {
        let step = ordinary(&[pod]).said(&said, true).step();
        let outcome = step.status.outcome.unwrap();
        assert_eq!((outcome.kind, outcome.reason.as_str()), (OutcomeKind::Failed, why));
        assert!(step.news.iter().any(|n| n.reason == "TrialFailed"), "{why}");
    }
}

#[test]
fn failures_of_the_infrastructure_are_tried_again_from_the_checkpoint() {
    let mut evicted = exited(143, "Error");
    let disrupted = json!({"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "by a person"});
    evicted.status.as_mut().unwrap().conditions = Some(vec![serde_json::from_value(disrupted).unwrap()]);
    let step = ordinary(&[evicted]).said(&[(1.0, 0.5), (2.0, 0.4)], true).step();
    assert_eq!(step.status.runs[0].end.as_ref().unwrap().reason, reason::EVICTED);
    assert_eq!((step.status.retries, step.status.outcome.clone()), (1, None));

    let mut status = step.status;
    status.retry_after = None;
    let again = Case::new(study(|_| {}), trial(status), &[]).step();
    let next = again.status.runs.last().unwrap();
    assert_eq!((next.number, next.resume_from, next.start.as_str()), (2, Some(1), "2"));
    assert!(matches!(&again.effects[..], [Effect::CreateJob(run)] if run.number == 2));
}

#[test]
fn sixth_failure_without_a_gain_loses_the_trial() {
    let mut status = running();
    status.retries = 5;
    let case = Case::new(study(|_| {}), trial(status.clone()), &[]).with(|seen| seen.job = JobSeen::Absent);
    let outcome = case.step().status.outcome.unwrap();
    assert_eq!((outcome.kind, outcome.reason.as_str()), (OutcomeKind::Lost, reason::TOO_MANY_RETRIES));

    let mut deleted = exited(143, "Error");
    deleted.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
    let gained = Case::new(study(|_| {}), trial(status), &[deleted]).said(&[(1.0, 0.5)], true).step();
    assert_eq!((gained.status.retries, gained.status.outcome), (1, None));
}

#[test]
fn known_uid_whose_job_is_gone_is_a_run_that_ended() {
    assert_eq!(ordinary(&[]).with(|seen| seen.job = JobSeen::Absent).end(), reason::DELETED);
    let mut status = running();
    status.runs[0].job_uid = None;
    let unborn = Case::new(study(|_| {}), trial(status), &[]).step();
    assert!(matches!(&unborn.effects[..], [Effect::CreateJob(run)] if run.number == 1));
}

#[test]
fn program_that_stops_in_order_when_told_to_has_not_converged() {
    let mut gone = exited(0, "Completed");
    gone.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
    assert_eq!(ordinary(&[gone]).said(&[(1.0, 0.5)], true).end(), reason::DELETED);
    let suspended = ordinary(&[exited(0, "Completed")]).said(&[(1.0, 0.5)], true).with(|seen| {
        Arc::make_mut(&mut seen.trial).spec.suspend = true;
    });
    assert_eq!(suspended.end(), reason::SUSPENDED);
    assert_eq!(suspended.step().status.retries, 0);
}

#[test]
fn stopped_trial_deletes_its_job_and_ends_when_that_is_gone() {
    let stop = |seen: &mut Seen| {
        Arc::make_mut(&mut seen.trial).spec.stop =
            Some(StopRequest { reason: "RungLost".into(), message: "ranked 5 of 9".into() });
    };
    let alive =
        pod(json!({"phase": "Running", "containerStatuses": [status_of(json!({"running": {"startedAt": ago(50)}}))]}));
    let step = ordinary(std::slice::from_ref(&alive)).with(stop).step();
    assert!(matches!(&step.effects[..], [Effect::DeleteJob { uid, .. }] if uid == "job-uid-1"));
    assert_eq!(step.status.outcome, None);
    let step = ordinary(&[]).with(stop).with(|seen| seen.job = JobSeen::Absent).step();
    let want = Outcome { kind: OutcomeKind::Stopped, reason: "RungLost".into(), message: "ranked 5 of 9".into() };
    assert_eq!(step.status.outcome, Some(want));
}

#[test]
fn timeout_counts_running_and_not_waiting() {
    let slow = |seconds: u32| study(move |s| s["spec"]["trial"]["timeoutSeconds"] = json!(seconds));
    let alive =
        pod(json!({"phase": "Running", "containerStatuses": [status_of(json!({"running": {"startedAt": ago(50)}}))]}));
    let mut status = running();
    status.runs[0].start_time = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
        now().checked_sub(SignedDuration::from_secs(50)).unwrap(),
    ));
    assert_eq!(Case::new(slow(60), trial(status.clone()), std::slice::from_ref(&alive)).end(), "none");
    let late = Case::new(slow(40), trial(status), &[alive]).step();
    assert_eq!(late.status.runs[0].end.as_ref().unwrap().reason, reason::TIMEOUT);
    // The pod still holds its place, so the trial has not ended yet.
    assert_eq!(late.status.outcome, None);
    assert!(matches!(&late.effects[..], [Effect::DeleteJob { .. }]));
    let waiting = pod(
        json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
    );
    assert_eq!(Case::new(slow(1), trial(running()), &[waiting]).end(), "none");
}

#[test]
fn image_that_cannot_be_pulled_is_told_and_in_the_end_given_up() {
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
    let stuck = pod(json!({"phase": "Pending", "containerStatuses": [status_of(waiting)]}));
    let mut case = ordinary(&[stuck]);
    let step = case.step();
    let held = step.status.conditions.iter().find(|c| c.type_ == "Running").unwrap();
    assert_eq!((held.status.as_str(), held.reason.as_str()), ("False", reason::IMAGE));
    assert!(held.message.contains("no such image"));
    case.config.start_deadline = std::time::Duration::from_secs(60);
    assert_eq!(case.end(), reason::IMAGE);
}

#[test]
fn run_that_goes_past_its_level_is_ended_there() {
    let alive =
        pod(json!({"phase": "Running", "containerStatuses": [status_of(json!({"running": {"startedAt": ago(50)}}))]}));
    let case = ordinary(&[alive]).said(&[(1.0, 0.5), (3.0, 0.3), (4.0, 0.2)], false);
    assert_eq!(case.end(), reason::OVERRAN);
}

#[test]
fn node_that_does_not_answer_is_lost_and_its_folder_is_not_resumed_from() {
    let mut stuck =
        pod(json!({"phase": "Running", "containerStatuses": [status_of(json!({"running": {"startedAt": ago(500)}}))]}));
    let long_ago = now().checked_sub(SignedDuration::from_secs(120)).unwrap();
    stuck.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(long_ago));
    let step = ordinary(&[stuck]).said(&[(1.0, 0.5), (2.0, 0.4)], false).step();
    assert_eq!(step.status.runs[0].end.as_ref().unwrap().reason, reason::NODE_LOST);
    let mut status = step.status;
    status.retry_after = None;
    let again = Case::new(study(|_| {}), trial(status), &[]).step();
    assert_eq!(again.status.runs.last().unwrap().resume_from, None);
}

#[test]
fn resumed_run_that_begins_again_is_told_and_charged_in_full() {
    let mut status = TrialStatus { next_run: 3, rested_level: Some(1), ..TrialStatus::default() };
    status.runs = vec![run(2)];
    status.runs[0].resume_from = Some(1);
    status.runs[0].start = "1".to_owned();
    let step = Case::new(study(|_| {}), trial(status), &[exited(0, "Completed")])
        .said(&[(1.0, 0.5), (2.0, 0.4), (3.0, 0.3)], true)
        .step();
    assert_eq!(step.status.spent_fidelity, 3);
    assert!(step.news.iter().any(|n| n.reason == "CheckpointIgnored"));
}

#[test]
fn reading_the_same_log_again_changes_no_value() {
    let case = ordinary(&[exited(0, "Completed")]).said(&[(1.0, 0.5), (2.0, 0.4), (3.0, 0.3)], true);
    let once = case.step().status;
    let mut again =
        Case::new(study(|_| {}), trial(once.clone()), &[exited(0, "Completed")]).said(&[(1.0, 9.0), (3.0, 9.0)], true);
    again.seen.current = Some(0);
    again.seen.status.runs[0].end = None;
    assert_eq!(again.step().status.values, once.values);
    assert_eq!(again.step().status.progress, once.progress);
}

#[test]
fn ended_jobs_are_deleted_unless_they_are_to_be_kept() {
    let leftover = |run, finished| Leftover {
        name: "j".into(),
        uid: "job-uid-1".into(),
        run: Some(run),
        deleting: false,
        finished,
    };
    let ended = |pod: Pod, said: &[(f64, f64)]| ordinary(&[pod]).said(said, true).step().status;
    let good = ended(exited(0, "Completed"), &[(3.0, 0.3)]);
    let bad = ended(exited(1, "Error"), &[(1.0, 0.5)]);
    let deletes = |status: &TrialStatus, left: Leftover| {
        let case = Case::new(study(|_| {}), trial(status.clone()), &[]).with(|seen| seen.leftovers = vec![left]);
        case.step().effects.iter().any(|e| matches!(e, Effect::DeleteJob { .. }))
    };
    assert!(deletes(&good, leftover(1, Some(true))));
    assert!(!deletes(&bad, leftover(1, Some(false))));
    // A run that this view of the status does not know: the view is old, not the Job.
    assert!(!deletes(&good, leftover(9, None)));
    // A Job that an operator made late, when the run had ended with another: nobody wants it.
    assert!(deletes(&bad, Leftover { uid: "late".into(), ..leftover(1, Some(false)) }));
}

#[test]
fn old_view_of_a_pod_does_not_take_back_that_it_runs() {
    let waiting = || pod(json!({"phase": "Pending"}));
    let mut status = running();
    status.runs[0].pod_name = Some("digits-0004-1-abcde".to_owned());
    status.runs[0].start_time = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
    let set = |status: &mut TrialStatus, is| {
        trimtab_api::conditions::set(&mut status.conditions, "Running", is, "PodRunning", "", 1, Timestamp::UNIX_EPOCH);
    };
    set(&mut status, true);
    let step = Case::new(study(|_| {}), trial(status.clone()), &[waiting()]).step();
    assert_eq!(step.status.state.as_deref(), Some("Running"));
    // Another pod of the same run, such as one that a queueing system let go on later, does wait.
    status.runs[0].pod_name = Some("digits-0004-1-other".to_owned());
    let step = Case::new(study(|_| {}), trial(status), &[waiting()]).step();
    assert_eq!(step.status.state.as_deref(), Some("Pending"));
}

#[test]
fn job_that_was_deleted_before_its_uid_was_on_record_is_not_made_again() {
    let mut status = running();
    status.runs[0].job_uid = None;
    let case = Case::new(study(|_| {}), trial(status.clone()), &[]);
    assert!(case.step().effects.iter().any(|e| matches!(e, Effect::CreateJob(_))));
    let step = Case::new(study(|_| {}), trial(status), &[]).with(|seen| seen.job_uid = Some("gone".to_owned())).step();
    assert!(!step.effects.iter().any(|e| matches!(e, Effect::CreateJob(_))));
    assert_eq!(step.status.runs[0].end.as_ref().unwrap().reason, reason::DELETED);
}

#[test]
fn folders_of_an_ended_trial_are_removed_once() {
    let mut status = ordinary(&[exited(1, "Error")]).said(&[(1.0, 0.5)], true).step().status;
    let mut case = Case::new(study(|_| {}), trial(status.clone()), &[]);
    case.config.cleanup_image = Some("trimtab".to_owned());
    case.seen.is_copied = true;
    let waits = case.step();
    assert!(waits.effects.is_empty() && waits.again.is_some(), "a copy begins from it: {waits:?}");
    case.seen.is_copied = false;
    assert!(case.step().effects.contains(&Effect::CleanUp { runs: Vec::new() }));
    let done = Leftover {
        name: "digits-0004-clean".into(),
        uid: "c".into(),
        run: None,
        deleting: false,
        finished: Some(true),
    };
    case.seen.leftovers = vec![done];
    assert!(case.step().status.cleaned);
    status.cleaned = true;
    let mut case = Case::new(study(|_| {}), trial(status), &[]);
    case.config.cleanup_image = Some("trimtab".to_owned());
    assert!(!case.step().effects.contains(&Effect::CleanUp { runs: Vec::new() }));
}

#[test]
fn job_is_the_users_with_what_the_operator_owns() {
    let (study, trial) = (study(|_| {}), trial(TrialStatus::default()));
    let plan = trimtab_api::validate(&study).unwrap();
    let mut second = run(2);
    second.resume_from = Some(1);
    let job = build::job(&study, &trial, &plan, &second, 1);
    let at = |path: &str| job.pointer(path).cloned().unwrap_or_default();
    assert_eq!(at("/metadata/name"), "digits-0004-2");
    assert_eq!(at("/metadata/ownerReferences/0/uid"), "trial-uid");
    assert_eq!(
        (at("/spec/backoffLimit"), at("/spec/completions"), at("/spec/podReplacementPolicy")),
        (json!(0), json!(1), json!("Failed"))
    );
    assert_eq!(at("/spec/suspend"), Value::Null);
    assert_eq!(at("/spec/template/spec/restartPolicy"), "Never");
    assert_eq!(at(&format!("/spec/template/metadata/labels/{}", names::TRIAL_LABEL.replace('/', "~1"))), "digits-0004");
    // The argument of the inactive parameter is left out whole.
    assert_eq!(
        at("/spec/template/spec/containers/0/args"),
        json!(["--rate=$(PARAM_RATE)", "--resume=$(TRIMTAB_RESUME)"])
    );
    let env = at("/spec/template/spec/containers/0/env");
    let value = |name: &str| env.as_array().unwrap().iter().find(|e| e["name"] == name).map(|e| e["value"].clone());
    assert_eq!(value("PARAM_RATE"), Some(json!("0.5")));
    assert_eq!(value("TRIMTAB_FIDELITY"), Some(json!("3")));
    assert_eq!(value("TRIMTAB_CHECKPOINT"), Some(json!("/checkpoints/study-uid/4/2")));
    assert_eq!(value("TRIMTAB_RESUME"), Some(json!("/checkpoints/study-uid/4/1")));
    second.resume_trial = Some(2);
    let copy = build::job(&study, &trial, &plan, &second, 1);
    let told = copy.pointer("/spec/template/spec/containers/0/env").cloned().unwrap_or_default();
    let folder = |name: &str| told.as_array().unwrap().iter().find(|e| e["name"] == name).map(|e| e["value"].clone());
    assert_eq!(folder("TRIMTAB_RESUME"), Some(json!("/checkpoints/study-uid/2/1")), "its donor's");
    assert_eq!(folder("TRIMTAB_CHECKPOINT"), Some(json!("/checkpoints/study-uid/4/2")));
    assert_eq!(env.as_array().unwrap().last().unwrap()["name"], "OWN");
    // No other container is touched.
    assert_eq!(at("/spec/template/spec/containers/1"), json!({"name": "side", "image": "y"}));
}
