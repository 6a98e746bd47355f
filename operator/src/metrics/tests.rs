use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Metrics, catalog};
use crate::context::{Feeds, caches};

fn study(name: &str, limits: &Value) -> Value {
    json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study",
        "metadata": {"name": name, "namespace": "a", "uid": format!("uid-{name}"), "resourceVersion": "1", "creationTimestamp": "2026-11-22T10:00:00Z"},
        "spec": {
            "objectives": [{"metric": "loss", "goal": "Minimize"}],
            "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
            "fidelity": {"unit": "epoch", "kind": "Cumulative", "min": 1, "max": 9},
            "scheduler": {"hyperband": {"reductionFactor": 3}},
            "parallelism": 2, "limits": limits,
            "trial": {"job": {"spec": {"template": {"spec": {"containers": [
                {"name": "train", "image": "x:1", "resources": {"limits": {"nvidia.com/gpu": 2, "cpu": "1"}}}
            ]}}}}}
        },
        "status": {
            "state": "Stalled", "algorithm": "hyperband/random", "progress": "1/4", "nextTrial": 3, "appliedBatch": 1, "spentFidelity": 9, "activeSeconds": 50,
            "trials": {"pending": 1, "running": 1, "paused": 0, "complete": 1, "stopped": 0, "failed": 0, "removed": 0},
            "best": {"trialName": format!("{name}-0000"), "number": 0, "level": 9, "value": "0.25", "parameters": []},
            "conditions": [
                {"type": "Accepted", "status": "True", "reason": "Valid", "message": "", "lastTransitionTime": "2026-11-22T10:00:00Z"},
                {"type": "Stalled", "status": "True", "reason": "WaitingForPlace", "message": "", "lastTransitionTime": "2026-11-22T10:00:00Z"}
            ]
        }
    })
}

fn trial(study: &str, number: u32, level: u32, state: &str, why: &str) -> Value {
    json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Trial",
        "metadata": {
            "name": format!("{study}-{number:04}"), "namespace": "a", "uid": format!("{study}-{number}"), "resourceVersion": "1",
            "ownerReferences": [{"apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "name": study, "uid": format!("uid-{study}"), "controller": true}]
        },
        "spec": {"studyName": study, "studyUID": format!("uid-{study}"), "number": number, "parameters": [], "sampler": "random", "bracket": 0, "targetLevel": level, "batches": []},
        "status": {"state": state, "runSeconds": 30, "spentFidelity": 3, "conditions": [
            {"type": "Running", "status": if why == "PodRunning" { "True" } else { "False" }, "reason": why, "message": "", "lastTransitionTime": "2026-11-22T10:00:00Z"}
        ]}
    })
}

fn read<K: DeserializeOwned>(value: Value) -> DeserializeGuard<K>
where
    DeserializeGuard<K>: DeserializeOwned,
{
    serde_json::from_value(value).expect("an object")
}

fn fill(feeds: &mut Feeds) {
    feeds.studies.apply(Event::Init);
    feeds.studies.apply(Event::InitDone);
    feeds.trials.apply(Event::Init);
    feeds.trials.apply(Event::InitDone);
    feeds.studies.apply(Event::Apply(read(study("one", &json!({"trials": 4, "activeSeconds": 100, "resourceHours": [{"resource": "nvidia.com/gpu", "hours": 0.1}, {"resource": "cpu", "hours": 1}]})))));
    feeds.trials.apply(Event::Apply(read(trial("one", 0, 1, "Running", "PodRunning"))));
    feeds.trials.apply(Event::Apply(read(trial("one", 1, 9, "Pending", "WaitingForPlace"))));
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|held| held == line)
}

#[test]
fn gauges_show_the_caches_and_nothing_is_left_when_an_object_goes() {
    let metrics = Metrics::kept(10, 4).expect("metrics");
    let (caches, mut feeds) = caches();
    metrics.watch(&caches);
    fill(&mut feeds);
    let text = metrics.text().expect("text");
    for line in [
        r#"trimtab_studies{namespace="a",state="Stalled"} 1"#,
        r#"trimtab_study_conditions{condition="Accepted",namespace="a"} 1"#,
        r#"trimtab_study_conditions{condition="Complete",namespace="a"} 0"#,
        r#"trimtab_studies_stalled{namespace="a",reason="WaitingForPlace"} 1"#,
        r#"trimtab_trials{namespace="a",state="Running"} 1"#,
        r#"trimtab_trials_blocked{namespace="a",reason="WaitingForPlace"} 1"#,
        r#"trimtab_rung_trials{namespace="a",rung="0"} 1"#,
        r#"trimtab_rung_trials{namespace="a",rung="2"} 1"#,
        r#"trimtab_study_limit_used_ratio{limit="trials",namespace="a"} 0.75"#,
        r#"trimtab_study_limit_used_ratio{limit="activeSeconds",namespace="a"} 0.5"#,
        // Two runs of thirty seconds with two GPUs each are 120 of 360 seconds.
        r#"trimtab_study_limit_used_ratio{limit="resourceHours",namespace="a"} 0.3333333333333333"#,
        r#"trimtab_study_best_value{namespace="a",study="one"} 0.25"#,
        r#"trimtab_study_progress_ratio{namespace="a",study="one"} 0.25"#,
        r#"trimtab_study_spent_seconds{namespace="a",resource="nvidia.com/gpu",study="one"} 120"#,
        r#"trimtab_study_info{algorithm="hyperband/random",goal="Minimize",metric="loss",namespace="a",study="one"} 1"#,
        r#"trimtab_cache_objects{kind="Trial"} 2"#,
        "trimtab_studies_unexported 0",
    ] {
        assert!(has(&text, line), "{line} is missing in\n{text}");
    }

    feeds.trials.apply(Event::Delete(read(trial("one", 0, 1, "Running", "PodRunning"))));
    feeds.trials.apply(Event::Delete(read(trial("one", 1, 9, "Pending", "WaitingForPlace"))));
    feeds.studies.apply(Event::Delete(read(study("one", &json!(null)))));
    let text = metrics.text().expect("text");
    let left: Vec<&str> = text.lines().filter(|line| line.contains("namespace=\"a\"")).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn studies_have_no_series_of_their_own_unless_asked_for() {
    for (asked, exported) in [(0, 0), (1, 1), (2, 2), (3, 2)] {
        let metrics = Metrics::kept(asked, 4).expect("metrics");
        let (caches, mut feeds) = caches();
        metrics.watch(&caches);
        fill(&mut feeds);
        feeds.studies.apply(Event::Apply(read(study("two", &json!(null)))));
        let text = metrics.text().expect("text");
        let count = text.lines().filter(|line| line.starts_with("trimtab_study_info{")).count();
        assert_eq!(count, exported);
        assert!(has(&text, &format!("trimtab_studies_unexported {}", 2 - exported)));
    }
}

#[test]
fn names_are_as_the_conventions_say() {
    let all = catalog();
    for metric in &all {
        assert!(metric.name.starts_with("trimtab_"), "{}", metric.name);
        assert_eq!(metric.kind == "counter", metric.name.ends_with("_total"), "{}", metric.name);
        assert!(metric.kind != "histogram" || metric.name.ends_with("_seconds"), "{}", metric.name);
        assert!(metric.help.ends_with('.'), "{}", metric.name);
        for label in ["trial", "pod", "name", "parameter", "error", "message"] {
            assert!(!metric.labels.iter().any(|held| held == label), "{} has an unbounded label", metric.name);
        }
        let own = metric.labels.iter().any(|label| label == "study");
        assert_eq!(own, metric.name.starts_with("trimtab_study_") && metric.labels.contains(&"study".to_owned()));
    }
    let mut names: Vec<&str> = all.iter().map(|metric| metric.name.as_str()).collect();
    names.dedup();
    assert_eq!(names.len(), all.len(), "a name is there twice");
}

#[test]
fn words_of_a_label_are_bounded() {
    let bounded = super::book::Bounded::new(2);
    assert_eq!(["a", "b", "c", "a"].map(|word| bounded.word(word)), ["a", "b", "other", "a"]);
}

fn defect() -> Result<(), crate::Error> {
    panic!("on purpose")
}

#[tokio::test]
async fn a_reconcile_that_panics_or_fails_is_counted() {
    use futures::FutureExt;
    let metrics = Metrics::kept(0, 4).expect("metrics");
    let object: trimtab_api::Study = serde_json::from_value(study("one", &json!(null))).expect("a Study");
    let conflict = || crate::Error::Conflict { what: "a thing".to_owned() };
    let failed = metrics.begin("study", &object).run(async { Err::<(), _>(conflict()) }).await;
    assert!(failed.is_err());
    let panics = metrics.begin("study", &object).run(async { defect() });
    assert!(std::panic::AssertUnwindSafe(panics).catch_unwind().await.is_err());
    let text = metrics.text().expect("text");
    for line in [
        r#"trimtab_reconcile_total{controller="study",result="conflict"} 1"#,
        r#"trimtab_reconcile_errors_total{class="conflict",controller="study"} 1"#,
        r#"trimtab_reconcile_panics_total{controller="study"} 1"#,
        r#"trimtab_active_workers{controller="study"} 0"#,
    ] {
        assert!(has(&text, line), "{line} is missing in\n{text}");
    }
}
