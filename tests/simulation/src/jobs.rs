//! The Job controller's model: what `batch/v1` promises of a Job with one pod at a time.

use serde_json::{Value, json};

use crate::agenda::{Agenda, Event};
use crate::clock::{self, Millis, SECOND};
use crate::resource::{Key, Resource};
use crate::store::{self, Actor, Change, ChangeKind, DeleteOptions, Propagation, Store};
use crate::weather::Weather;

/// The finalizer by which the controller makes sure that it sees how each pod ended.
pub const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// The wait before a pod follows a failed one.
const BACKOFF: Millis = 10 * SECOND;

/// What a change makes the controller look at.
pub fn react(change: &Change, agenda: &mut Agenda, weather: &mut Weather) {
    let key = match change.key.resource {
        Resource::Job if change.actor != Actor::Jobs || change.kind == ChangeKind::Added => change.key.clone(),
        Resource::Pod => {
            let Some(name) = change.object["metadata"]["labels"]["batch.kubernetes.io/job-name"].as_str() else {
                return;
            };
            Key::new(Resource::Job, &change.key.namespace, name)
        }
        _ => return,
    };
    agenda.after(weather.lag(), Event::Job(key));
}

fn phase(pod: &Value) -> &str {
    pod["status"]["phase"].as_str().unwrap_or("")
}

fn terminal(pod: &Value) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind && c["status"] == "True")
}

/// Whether a Job has come to its end.
#[must_use]
pub fn finished(job: &Value) -> bool {
    condition(job, "Complete").is_some() || condition(job, "Failed").is_some()
}

/// Brings a Job one step further, from what is true now.
pub fn sync(key: &Key, store: &mut Store, agenda: &mut Agenda, weather: &mut Weather) {
    let Some(job) = store.get(key).cloned() else {
        abandon(key, store);
        return;
    };
    let uid = store::uid(&job).to_owned();
    let pods: Vec<(Key, std::sync::Arc<Value>)> = store
        .dependents(&uid)
        .into_iter()
        .filter(|k| k.resource == Resource::Pod)
        .filter_map(|k| store.get(&k).cloned().map(|o| (k, o)))
        .filter(|(_, pod)| store::controller(pod) == Some(&uid))
        .collect();
    let active: Vec<&Key> = pods.iter().filter(|(_, p)| !terminal(p) && !store::deleting(p)).map(|(k, _)| k).collect();
    let terminating = pods.iter().filter(|(_, p)| !terminal(p) && store::deleting(p)).count();
    if finished(&job) || store::deleting(&job) {
        settle(&pods, store);
        expire(key, &job, store, agenda);
        return;
    }

    let mut status = job["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    let mut verdict = outcome(&status);
    let tracked = |pod: &Value| store::finalizers(pod).iter().any(|f| f == TRACKING);
    for (_, pod) in pods.iter().filter(|(_, p)| terminal(p) && tracked(p)) {
        if phase(pod) == "Succeeded" {
            bump(&mut status, "succeeded");
            continue;
        }
        match policy(&job, pod) {
            Some(("Ignore", _)) => {}
            Some(("FailJob", why)) => {
                bump(&mut status, "failed");
                verdict = verdict.or(Some(("FailureTarget", "PodFailurePolicy", why)));
            }
            _ => {
                bump(&mut status, "failed");
            }
        }
    }
    let suspended = job["spec"]["suspend"] == true;
    let count = |name: &str, status: &Value| status[name].as_u64().unwrap_or(0);
    if verdict.is_none() && count("failed", &status) > job["spec"]["backoffLimit"].as_u64().unwrap_or(6) {
        verdict =
            Some(("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit".to_owned()));
    }
    if verdict.is_none() && count("succeeded", &status) >= job["spec"]["completions"].as_u64().unwrap_or(1) {
        verdict =
            Some(("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods".to_owned()));
    }
    if verdict.is_none() && deadline_passed(&job, agenda) {
        verdict =
            Some(("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline".to_owned()));
    }
    if status["startTime"].is_null() && !suspended {
        status["startTime"] = json!(clock::text(agenda.now()));
        if let Some(seconds) = job["spec"]["activeDeadlineSeconds"].as_u64() {
            agenda.after(seconds * SECOND + 1, Event::Job(key.clone()));
        }
    }
    mark(&mut status, "Suspended", suspended, "JobSuspended", "Job suspended", agenda.now());
    if suspended {
        status.as_object_mut().map(|s| s.remove("startTime"));
    }
    if let Some((kind, reason, message)) = &verdict {
        mark(&mut status, kind, true, reason, message, agenda.now());
        if active.is_empty() && terminating == 0 {
            let end = if *kind == "SuccessCriteriaMet" { "Complete" } else { "Failed" };
            mark(&mut status, end, true, reason, message, agenda.now());
            if end == "Complete" {
                status["completionTime"] = json!(clock::text(agenda.now()));
            }
            agenda.after(weather.lag(), Event::Job(key.clone()));
        }
    }
    status["active"] = json!(active.len());
    status["terminating"] = json!(terminating);
    // The counts are on record before a pod is let go, or its end would be lost with it.
    store.edit(key, Actor::Jobs, |o| o["status"] = status.clone());
    settle(&pods, store);

    if verdict.is_some() || suspended {
        for pod in active {
            let _ = store.delete(
                pod,
                &DeleteOptions { propagation: Propagation::Background, ..DeleteOptions::default() },
                Actor::Jobs,
            );
        }
        return;
    }
    let waits = terminating > 0 && job["spec"]["podReplacementPolicy"] == "Failed";
    if !active.is_empty() || waits {
        return;
    }
    let last = pods.iter().filter(|(_, p)| phase(p) == "Failed").filter_map(|(_, p)| ended_at(p)).max();
    match last.map(|at| at + BACKOFF).filter(|at| *at > agenda.now()) {
        Some(at) => agenda.at(at, Event::Job(key.clone())),
        None => create(key, &job, &uid, store, weather),
    }
}

fn ended_at(pod: &Value) -> Option<Millis> {
    clock::parse(pod["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"].as_str()?)
}

fn deadline_passed(job: &Value, agenda: &Agenda) -> bool {
    let seconds = job["spec"]["activeDeadlineSeconds"].as_u64();
    let start = job["status"]["startTime"].as_str().and_then(clock::parse);
    matches!((seconds, start), (Some(seconds), Some(start)) if agenda.now() >= start + seconds * SECOND)
}

fn outcome(status: &Value) -> Option<(&'static str, &'static str, String)> {
    let list = status["conditions"].as_array()?;
    let held = |kind: &str| list.iter().find(|c| c["type"] == kind && c["status"] == "True");
    for kind in ["SuccessCriteriaMet", "FailureTarget"] {
        if let Some(found) = held(kind) {
            let reasons = ["PodFailurePolicy", "BackoffLimitExceeded", "CompletionsReached", "DeadlineExceeded"];
            let reason = reasons.into_iter().find(|r| found["reason"] == *r).unwrap_or("Unknown");
            return Some((kind, reason, found["message"].as_str().unwrap_or("").to_owned()));
        }
    }
    None
}

/// What the pod failure policy says of a failed pod, and why.
fn policy(job: &Value, pod: &Value) -> Option<(&'static str, String)> {
    let name = pod["metadata"]["name"].as_str().unwrap_or("");
    for rule in job["spec"]["podFailurePolicy"]["rules"].as_array()? {
        let action = ["Ignore", "FailJob", "Count"].into_iter().find(|a| rule["action"] == *a)?;
        let codes = &rule["onExitCodes"];
        let exits = pod["status"]["containerStatuses"].as_array();
        let by_code = codes.is_object()
            && exits.into_iter().flatten().any(|c| {
                let code = c["state"]["terminated"]["exitCode"].as_i64().unwrap_or(0);
                let listed = codes["values"].as_array().is_some_and(|v| v.iter().any(|x| x.as_i64() == Some(code)));
                let named = codes["containerName"].is_null() || codes["containerName"] == c["name"];
                named && code != 0 && listed == (codes["operator"] == "In")
            });
        let by_condition = rule["onPodConditions"].as_array().is_some_and(|patterns| {
            patterns.iter().any(|p| {
                let list = pod["status"]["conditions"].as_array();
                let wanted = p["status"].as_str().unwrap_or("True");
                list.into_iter().flatten().any(|c| c["type"] == p["type"] && c["status"] == wanted)
            })
        });
        if by_code || by_condition {
            return Some((action, format!("Pod {name} matched {action} rule")));
        }
    }
    None
}

fn bump(status: &mut Value, name: &str) {
    let next = status[name].as_u64().unwrap_or(0) + 1;
    status[name] = json!(next);
}

fn mark(status: &mut Value, kind: &str, on: bool, reason: &str, message: &str, now: Millis) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let state = if on { "True" } else { "False" };
    let Some(list) = status["conditions"].as_array_mut() else { return };
    match list.iter_mut().find(|c| c["type"] == kind) {
        Some(held) if held["status"] == state => {}
        Some(held) => {
            held["status"] = json!(state);
            held["lastTransitionTime"] = json!(clock::text(now));
        }
        None if on => list.push(json!({
            "type": kind, "status": state, "reason": reason, "message": message,
            "lastProbeTime": clock::text(now), "lastTransitionTime": clock::text(now),
        })),
        None => {}
    }
}

/// Lets go of the pods that have ended.
fn settle(pods: &[(Key, std::sync::Arc<Value>)], store: &mut Store) {
    for (key, pod) in pods {
        if terminal(pod) {
            release(key, store);
        }
    }
}

fn release(pod: &Key, store: &mut Store) {
    store.edit(pod, Actor::Jobs, |o| {
        if let Some(list) = o["metadata"]["finalizers"].as_array_mut() {
            list.retain(|f| f != TRACKING);
        }
    });
}

/// Lets go of the pods of a Job that is gone.
fn abandon(key: &Key, store: &mut Store) {
    let selector = format!("batch.kubernetes.io/job-name={}", key.name);
    for pod in store.list(Resource::Pod, Some(&key.namespace), &selector, "") {
        let alive = store::controller(&pod).is_some_and(|owner| store.exists(owner));
        if !alive {
            release(&Key::new(Resource::Pod, &key.namespace, pod["metadata"]["name"].as_str().unwrap_or("")), store);
        }
    }
}

fn expire(key: &Key, job: &Value, store: &mut Store, agenda: &mut Agenda) {
    let Some(ttl) = job["spec"]["ttlSecondsAfterFinished"].as_u64().filter(|_| !store::deleting(job)) else { return };
    let end = condition(job, "Complete").or_else(|| condition(job, "Failed"));
    let Some(at) = end.and_then(|c| c["lastTransitionTime"].as_str()).and_then(clock::parse) else { return };
    let due = at + ttl * SECOND;
    if agenda.now() >= due {
        let options = DeleteOptions {
            propagation: Propagation::Foreground,
            uid: Some(store::uid(job).to_owned()),
            ..DeleteOptions::default()
        };
        let _ = store.delete(key, &options, Actor::Jobs);
    } else {
        agenda.at(due, Event::Job(key.clone()));
    }
}

fn create(key: &Key, job: &Value, uid: &str, store: &mut Store, weather: &mut Weather) {
    let letters = b"bcdfghjklmnpqrstvwxz2456789";
    let suffix: String = (0..5).filter_map(|_| weather.dice().pick(letters).map(|b| char::from(*b))).collect();
    let name = format!("{}-{suffix}", key.name);
    let template = &job["spec"]["template"];
    let mut pod = json!({"metadata": template["metadata"], "spec": template["spec"]});
    let meta = store::metadata(&mut pod);
    meta.insert("generateName".to_owned(), json!(format!("{}-", key.name)));
    meta.insert("finalizers".to_owned(), json!([TRACKING]));
    meta.insert("ownerReferences".to_owned(), json!([{
        "apiVersion": "batch/v1", "kind": "Job", "name": key.name, "uid": uid, "controller": true, "blockOwnerDeletion": true,
    }]));
    let _ = store.create(&Key::new(Resource::Pod, &key.namespace, &name), pod, false, Actor::Jobs);
}
