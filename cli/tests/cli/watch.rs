//! `trimtab watch`, and reading from a cluster.

use serde_json::{Value, json};

use crate::fake::{serve, status};
use crate::played::play;
use crate::{has, run};

fn study(turns: usize) -> Value {
    serde_json::to_value(play(turns).study).unwrap()
}

#[test]
fn study_is_followed_to_its_end() {
    let mut fresh = study(1);
    fresh["status"] = Value::Null;
    let mut asked = 0;
    let answers = [fresh, study(9), study(9), study(1000)];
    let config = serve("watch.kubeconfig", move |path| {
        assert_eq!(path, "/apis/trimtab.dev/v1alpha1/namespaces/default/studies/digits");
        asked += 1;
        match asked {
            1..=3 => (200, answers[asked - 1].clone()),
            // A server that stumbles is asked again.
            4 => status(500, "InternalError", "etcd has no leader"),
            _ => (200, answers[3].clone()),
        }
    });
    let ran = run(&["watch", "digits", "--kubeconfig", &config, "--interval", "0.05"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 3, "one line for each change: {}", ran.out);
    has(lines[0], &["waiting for the operator"]);
    has(lines[1], &["Running", "12/22 trials", "best val_accuracy"]);
    has(lines[2], &["Complete"]);
    has(&ran.out, &["\nbest: val_accuracy", "learning_rate"]);
    has(&ran.err, &["asking again: reading the Study failed", "etcd has no leader"]);
}

#[test]
fn failed_study_says_why() {
    let mut failed = study(9);
    failed["status"]["conditions"] = json!([{"type": "Failed", "status": "True", "reason": "TooManyFailedTrials", "message": "more failed", "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    let config = serve("failed.kubeconfig", move |_| (200, failed.clone()));
    let ran = run(&["watch", "digits", "--kubeconfig", &config]);
    assert_eq!(ran.code, 1, "{ran:?}");
    has(&ran.out, &["TooManyFailedTrials: more failed"]);
}

#[test]
fn extended_study_has_not_ended() {
    let mut extended = study(1000);
    extended["metadata"]["generation"] = json!(2);
    let mut seen = extended.clone();
    seen["status"]["conditions"][0]["observedGeneration"] = json!(2);
    let mut asked = 0;
    let config = serve("extended.kubeconfig", move |_| {
        asked += 1;
        (200, if asked < 3 { extended.clone() } else { seen.clone() })
    });
    let ran = run(&["watch", "digits", "--kubeconfig", &config, "--interval", "0.05"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn deleted_study_ends_the_watch() {
    let running = study(9);
    let mut asked = 0;
    let config = serve("deleted.kubeconfig", move |_| {
        asked += 1;
        if asked == 1 { (200, running.clone()) } else { status(404, "NotFound", "gone") }
    });
    let ran = run(&["watch", "digits", "--kubeconfig", &config, "--interval", "0.05"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    has(&ran.err, &["was deleted while it was watched"]);
}

#[test]
fn cluster_is_explained_page_by_page() {
    let played = play(1000);
    let study = serde_json::to_value(&played.study).unwrap();
    let trials: Vec<Value> = played.trials.iter().map(|t| serde_json::to_value(t).unwrap()).collect();
    let config = serve("explain.kubeconfig", move |path| {
        if path.contains("/studies/") {
            return (200, study.clone());
        }
        assert!(path.contains("labelSelector=trimtab.dev%2Fstudy%3Ddigits"), "{path}");
        let (items, next) = if path.contains("continue=more") { (&trials[5..], "") } else { (&trials[..5], "more") };
        (
            200,
            json!({"apiVersion": "trimtab.dev/v1alpha1", "kind": "TrialList", "metadata": {"continue": next}, "items": items}),
        )
    });
    let ran = run(&["explain", "digits", "--kubeconfig", &config, "--verify"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.out, &["batch 1: ok", " 0 mismatches, 0 cannot be verified"]);
    let ran = run(&["best", "digits", "--kubeconfig", &config, "-o", "env"]);
    has(&ran.out, &["PARAM_LEARNING_RATE="]);
}

#[test]
fn absence_is_told_apart() {
    let installed = serve("installed.kubeconfig", |path| {
        if path.contains("/studies/") {
            status(404, "NotFound", "not found")
        } else {
            (
                200,
                json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "items": []}),
            )
        }
    });
    let ran = run(&["watch", "digits", "--kubeconfig", &installed]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["there is no Study `digits` in the namespace `default`"]);
    let bare =
        serve("bare.kubeconfig", |_| status(404, "NotFound", "the server could not find the requested resource"));
    let ran = run(&["explain", "digits", "--kubeconfig", &bare]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["trimtab crds | kubectl apply -f -"]);
    let closed = serve("closed.kubeconfig", |_| status(403, "Forbidden", "studies is forbidden"));
    let ran = run(&["explain", "digits", "--kubeconfig", &closed]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["studies is forbidden", "`get` and `list`"]);
}
