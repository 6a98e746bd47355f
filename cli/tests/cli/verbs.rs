//! What is asked of a study in a cluster: patches of its spec, and logs of its pods.

use serde_json::{Value, json};

use crate::fake::{Asked, serve_all, status};
use crate::played::play;
use crate::{has, run};

/// A Study with conditions of these types that are true.
fn study(conditions: &[&str]) -> Value {
    let mut study = serde_json::to_value(play(9).study).unwrap();
    let conditions = conditions.iter().map(|kind| {
        json!({"type": kind, "status": "True", "reason": "BracketsDone", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"})
    });
    study["status"]["conditions"] = conditions.collect();
    study["status"]["activeSeconds"] = json!(35);
    study
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// A cluster with one Study that takes patches, after which it has these conditions.
fn cluster(name: &str, study: Value, after: &'static [&'static str]) -> String {
    let mut held = study;
    serve_all(name, move |asked: &Asked| {
        assert_eq!(asked.path.split('?').next(), Some("/apis/trimtab.dev/v1alpha1/namespaces/default/studies/digits"));
        if asked.method == "PATCH" {
            merge(&mut held, &asked.body);
            let answer = held.clone();
            held["status"]["conditions"] = self::study(after)["status"]["conditions"].clone();
            return (200, answer);
        }
        (200, held.clone())
    })
}

#[test]
fn study_is_suspended_stopped_and_resumed_by_patches() {
    let config = cluster("suspends.kubeconfig", study(&[]), &["Suspended"]);
    let ran = run(&["suspend", "digits", "--kubeconfig", &config]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, "digits is suspended: nothing of it runs, and `trimtab resume digits` lets it go on\n");
    let ran = run(&["suspend", "digits", "--kubeconfig", &config]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "digits is suspended already\n"));
    let ran = run(&["resume", "digits", "--kubeconfig", &config, "-o", "yaml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.out, &["study: digits\n", "asked: resume\n", "outcome: Done\n", "message: digits goes on\n"]);

    let config = cluster("stops.kubeconfig", study(&[]), &["Complete"]);
    let ran = run(&["stop", "digits", "--kubeconfig", &config]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        "digits is stopped: it has ended with what it has, and `trimtab resume digits` takes that back\n"
    );
    assert_eq!(run(&["stop", "digits", "--kubeconfig", &config]).out, "digits is stopped already\n");
    assert_eq!(run(&["resume", "digits", "--kubeconfig", &config]).out, "digits goes on\n");
}

#[test]
fn patch_has_nothing_but_what_changes() {
    for (verb, expected) in [
        ("suspend", json!({"spec": {"suspend": true}})),
        (
            "stop",
            json!({"spec": {"limits": {"activeSeconds": 35}},
                   "metadata": {"annotations": {"trimtab.dev/stopped": "{\"activeSeconds\":35}"}}}),
        ),
    ] {
        let config = serve_all(&format!("{verb}-patch.kubeconfig"), move |asked: &Asked| {
            if asked.method == "PATCH" {
                assert_eq!(asked.body, expected);
                return (200, study(&["Complete", "Suspended"]));
            }
            (200, study(&[]))
        });
        let ran = run(&[verb, "digits", "--kubeconfig", &config, "--wait", "0"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

#[test]
fn study_that_has_ended_is_left_alone() {
    let config = cluster("ended.kubeconfig", study(&["Complete"]), &[]);
    for (verb, code, words) in [
        ("suspend", 1, "digits has ended: Complete (BracketsDone); there is nothing to suspend\n"),
        ("resume", 1, "digits has ended by itself: Complete (BracketsDone); raise a limit of it, and it goes on\n"),
        ("stop", 0, "digits has ended already: Complete (BracketsDone)\n"),
    ] {
        let ran = run(&[verb, "digits", "--kubeconfig", &config]);
        assert_eq!((ran.code, ran.out.as_str()), (code, words));
    }
}

#[test]
fn runs_that_are_slow_to_stop_are_told() {
    let config = cluster("slow.kubeconfig", study(&[]), &[]);
    let ran = run(&["suspend", "digits", "--kubeconfig", &config, "--wait", "1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    has(&ran.out, &["digits is asked to suspend: ", "`trimtab watch digits` follows it"]);
}

#[test]
fn who_may_not_patch_is_told_so() {
    let config = serve_all("readonly.kubeconfig", |asked: &Asked| match asked.method.as_str() {
        "PATCH" => status(403, "Forbidden", "studies \"digits\" is forbidden"),
        _ => (200, study(&[])),
    });
    let ran = run(&["stop", "digits", "--kubeconfig", &config]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    has(&ran.err, &["refuses changing the Study `digits`", "ask for `patch` on `studies`", "cluster role `edit`"]);
}

/// A cluster whose study has a trial with a pod that prints, or is gone, and one without.
fn with_pods(name: &str, is_gone: bool) -> String {
    let played = play(9);
    let study = serde_json::to_value(&played.study).unwrap();
    let mut trials: Vec<Value> = played.trials.iter().map(|t| serde_json::to_value(t).unwrap()).collect();
    trials[0]["status"]["runs"] = json!([
        {"number": 1, "targetLevel": 1, "start": "0", "podName": "digits-0000-1-abcde", "startTime": "2026-01-01T00:00:00Z"}
    ]);
    trials[1]["status"]["runs"] = json!([{"number": 1, "targetLevel": 1, "start": "0"}]);
    serve_all(name, move |asked: &Asked| match asked.path.as_str() {
        path if path.contains("/pods/digits-0000-1-abcde/log") && is_gone => {
            status(404, "NotFound", "pods \"digits-0000-1-abcde\" not found")
        }
        path if path.contains("/pods/digits-0000-1-abcde/log") => {
            assert!(path.contains("container=train"), "{path}");
            (200, json!(if path.contains("tailLines=10") { "epoch=2\n" } else { "epoch=1\nepoch=2\n" }))
        }
        path if path.contains("/studies/") => (200, study.clone()),
        _ => (200, json!({"apiVersion": "trimtab.dev/v1alpha1", "kind": "TrialList", "metadata": {}, "items": trials})),
    })
}

#[test]
fn logs_are_those_of_the_pods() {
    let config = with_pods("logs.kubeconfig", false);
    let ran = run(&["logs", "digits", "0", "--kubeconfig", &config]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "epoch=1\nepoch=2\n"), "{}", ran.err);
    let ran = run(&["logs", "digits", "--kubeconfig", &config]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "trial 0 | epoch=2\n"), "{}", ran.err);
    let ran = run(&["logs", "digits", "1", "--kubeconfig", &config]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["run 1 of trial 1 has had no pod yet"]);
    let gone = with_pods("logs-gone.kubeconfig", true);
    let ran = run(&["logs", "digits", "0", "--kubeconfig", &gone]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    has(&ran.err, &["the pod `digits-0000-1-abcde` of run 1 of trial 0 is gone", "`spec.trial.retain`"]);
}
