//! Whole objects, as an API server sends them, come to the same as what is kept of them; and what is not read is not held.

use jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;
use crate::context::{Triggers, caches, on_child};
use crate::trial::observe::{JobSeen, Leftover, leftover, look_at};
use crate::trial::pods::{PodFacts, Terminated, facts};

/// A word that stands wherever nobody looks.
const NOISE: &str = "noise";

fn at(second: u32) -> Timestamp {
    format!("2026-11-23T04:00:{second:02}Z").parse().unwrap()
}

/// Metadata with all that users, queueing systems and API servers add.
fn whole_metadata(name: &str, kind: &str, owner: &str) -> Value {
    json!({
        "name": name, "generateName": NOISE, "namespace": "lab", "uid": format!("{name}-uid"), "resourceVersion": "41", "generation": 3,
        "creationTimestamp": at(1).to_string(), "deletionTimestamp": at(9).to_string(), "deletionGracePeriodSeconds": 7,
        "finalizers": ["batch.kubernetes.io/job-tracking", NOISE], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": NOISE},
        "labels": {
            "trimtab.dev/trial": "digits-0004", "trimtab.dev/run": "2", "trimtab.dev/study": NOISE, "app.kubernetes.io/managed-by": NOISE,
            "kueue.x-k8s.io/queue-name": NOISE,
        },
        "ownerReferences": [
            {"apiVersion": "v1", "kind": kind, "name": owner, "uid": format!("{owner}-uid"), "controller": true, "blockOwnerDeletion": true},
        ],
        "managedFields": [{"manager": NOISE, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:noise": {}}}],
    })
}

fn template() -> Value {
    json!({
        "nodeName": NOISE, "restartPolicy": "Never", "schedulerName": NOISE,
        "containers": [{
            "name": "train", "image": NOISE, "args": [NOISE], "env": [{"name": "NOISE", "value": NOISE}],
            "resources": {"limits": {"example.com/noise": "1"}}, "volumeMounts": [{"name": NOISE, "mountPath": "/noise"}],
        }],
        "volumes": [{"name": NOISE, "configMap": {"name": NOISE}}], "tolerations": [{"key": NOISE, "operator": "Exists"}],
    })
}

fn whole_job() -> Value {
    let condition = |kind: &str, status: &str, reason: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": "in words",
            "lastProbeTime": at(8).to_string(), "lastTransitionTime": at(8).to_string(),
        })
    };
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": whole_metadata("digits-0004-2", "Trial", "digits-0004"),
        "spec": {
            "suspend": true, "parallelism": 1, "backoffLimit": 0, "selector": {"matchLabels": {"controller": NOISE}},
            "podFailurePolicy": {"rules": []}, "template": {"metadata": {"labels": {"app": NOISE}}, "spec": template()},
        },
        "status": {
            "active": 0, "failed": 1, "startTime": at(2).to_string(), "uncountedTerminatedPods": {"failed": [NOISE]},
            "conditions": [condition("FailureTarget", "True", "Early"), condition("Failed", "True", "BackoffLimitExceeded")],
        },
    })
}

fn whole_pod(phase: &str, status: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": whole_metadata("digits-0004-2-abcde", "Job", "digits-0004-2"), "spec": template(),
        "status": {
            "phase": phase, "hostIP": NOISE, "podIPs": [{"ip": NOISE}], "qosClass": NOISE, "nominatedNodeName": NOISE,
            "startTime": at(2).to_string(), "resourceClaimStatuses": [{"name": NOISE}],
        },
    });
    for (key, value) in status.as_object().unwrap() {
        pod["status"][key] = value.clone();
    }
    pod
}

fn container(name: &str, state: Value) -> Value {
    json!({
        "name": name, "image": NOISE, "imageID": NOISE, "containerID": NOISE, "ready": false, "started": false, "restartCount": 0,
        "resources": {"limits": {"example.com/noise": "1"}}, "lastState": {"waiting": {"reason": NOISE}}, "state": state,
    })
}

fn pod_condition(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "Why", "message": "in words", "lastTransitionTime": at(3).to_string()})
}

/// Through a guard, as it comes from a watch.
fn read<K: kube::Resource + serde::de::DeserializeOwned>(object: Value) -> DeserializeGuard<K> {
    serde_json::from_value(object).unwrap()
}

#[test]
fn job_is_judged_by_what_is_kept_of_it() {
    let job = read::<Job>(whole_job()).0.unwrap();
    let finished = Some((false, "BackoffLimitExceeded".to_owned(), "in words".to_owned()));
    let uid = "digits-0004-2-uid".to_owned();
    assert_eq!(look_at(&job), JobSeen::Present { uid: uid.clone(), deleting: true, finished, suspended: true });
    let name = "digits-0004-2".to_owned();
    assert_eq!(leftover(&job), Leftover { name, uid, run: Some(2), deleting: true, finished: Some(false) });
    assert_eq!(job.metadata.creation_timestamp.map(|t| t.0), Some(at(1)));
    assert_eq!(job.status.unwrap().start_time.map(|t| t.0), Some(at(2)));
}

#[test]
fn pod_is_judged_by_what_is_kept_of_it() {
    let stands = |phase: &str, status: Value| facts(&read::<Pod>(whole_pod(phase, status)).0.unwrap(), "train");
    let held = PodFacts {
        name: "digits-0004-2-abcde".to_owned(),
        uid: "digits-0004-2-abcde-uid".to_owned(),
        created: Some(at(1)),
        deleting: Some(at(9)),
        grace_seconds: 7,
        ..PodFacts::default()
    };
    let words = || Some("Why: in words".to_owned());

    let unschedulable = json!({"conditions": [pod_condition("PodScheduled", "False")]});
    assert_eq!(stands("Pending", unschedulable), PodFacts { unschedulable: words(), ..held.clone() });

    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "not there"}});
    let pull = json!({"initContainerStatuses": [container("fetch", waiting)]});
    let cannot_start = Some(("ImagePull", "container fetch: ImagePullBackOff: not there".to_owned()));
    assert_eq!(stands("Pending", pull), PodFacts { cannot_start, ..held.clone() });

    let runs = json!({"running": {"startedAt": at(3).to_string()}});
    let running = json!({"containerStatuses": [container("proxy", json!({})), container("train", runs)]});
    assert_eq!(
        stands("Running", running),
        PodFacts { running: true, started: true, began: Some(at(3)), ..held.clone() }
    );

    let end = json!({
        "exitCode": 137, "reason": "OOMKilled", "message": "out of memory", "containerID": NOISE,
        "startedAt": at(3).to_string(), "finishedAt": at(8).to_string(),
    });
    let disrupted = json!({
        "conditions": [pod_condition("DisruptionTarget", "True")], "containerStatuses": [container("train", json!({"terminated": end}))],
    });
    let terminated = Some(Terminated {
        exit_code: 137,
        reason: "OOMKilled".to_owned(),
        message: "out of memory".to_owned(),
        seconds: Some(5),
        finished: Some(at(8)),
    });
    let facts =
        PodFacts { terminal: true, started: true, began: Some(at(3)), terminated, disrupted: words(), ..held.clone() };
    assert_eq!(stands("Failed", disrupted), facts);

    let evicted = json!({"reason": "Evicted", "message": "the node was low on memory"});
    let disrupted = Some("Evicted: the node was low on memory".to_owned());
    assert_eq!(stands("Failed", evicted), PodFacts { terminal: true, disrupted, ..held });
}

#[test]
fn changes_by_a_user_reach_the_trial_and_are_seen() {
    let (caches, mut feeds) = caches();
    feeds.jobs.apply(Event::Init);
    feeds.jobs.apply(Event::InitDone);
    let mut object = whole_job();
    object["spec"]["suspend"] = json!(false);
    object["status"] = json!({});
    object["metadata"]["deletionTimestamp"] = Value::Null;
    let seen = || look_at(&caches.jobs.group("lab", "digits-0004")[0]);
    let uid = || "digits-0004-2-uid".to_owned();
    for (path, value, deleting, suspended) in [
        ("/spec/suspend", json!(false), false, false),
        ("/spec/suspend", json!(true), false, true),
        ("/metadata/deletionTimestamp", json!(at(9).to_string()), true, true),
    ] {
        *object.pointer_mut(path).unwrap() = value;
        let told = feeds.jobs.apply(Event::Apply(read(object.clone()))).unwrap();
        assert_eq!(
            on_child(&*told),
            Triggers { trials: vec![("lab".into(), "digits-0004".into())], ..Triggers::default() }
        );
        assert_eq!(seen(), JobSeen::Present { uid: uid(), deleting, finished: None, suspended });
    }
    feeds.jobs.apply(Event::Delete(read(object)));
    assert!(caches.jobs.group("lab", "digits-0004").is_empty());
}

#[test]
fn what_nobody_reads_is_not_held() {
    let job = read::<Job>(whole_job()).0.unwrap();
    let ended = json!({"containerStatuses": [container("train", json!({"running": {}}))], "conditions": [pod_condition("Ready", "True")]});
    let pod = read::<Pod>(whole_pod("Running", ended)).0.unwrap();
    for text in [format!("{job:?}"), format!("{pod:?}")] {
        assert!(!text.to_lowercase().contains(NOISE), "{text}");
    }
}

#[test]
fn an_object_that_cannot_be_decoded_is_known_by_name() {
    let (caches, mut feeds) = caches();
    feeds.pods.apply(Event::Init);
    let mut pod = whole_pod("Running", json!({}));
    pod["status"]["phase"] = json!(7);
    assert!(feeds.pods.apply(Event::InitApply(read(pod))).is_none());
    feeds.pods.apply(Event::InitDone);
    let broken = caches.pods.broken("lab", "digits-0004");
    assert_eq!(broken.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["digits-0004-2-abcde"]);
}
