use serde_json::{Value, json};

use super::*;
use crate::names;
use crate::trial::TrialSpec;

/// A Study of this name with these fields of the spec besides what it needs.
fn study(name: &str, spec: &Value) -> Study {
    let mut whole = json!({
        "objectives": [{"metric": "loss", "goal": "Minimize"}],
        "parameters": [
            {"name": "x", "float": {"min": 0, "max": 1}},
            {"name": "kind", "categorical": {"choices": ["a", "b"]}},
            {"name": "y", "int": {"min": 1, "max": 9}, "when": [{"parameter": "kind", "in": ["b"]}]},
        ],
        "fidelity": {"unit": "epoch", "min": 1, "max": 9},
        "scheduler": {"hyperband": {}},
        "seed": 1,
        "trial": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "train", "image": "i"}]}}}}},
    });
    for (field, value) in spec.as_object().unwrap() {
        whole[field] = value.clone();
    }
    serde_json::from_value(json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": name, "uid": name}, "spec": whole,
    }))
    .unwrap()
}

fn plan(study: &Study) -> Plan {
    crate::validate(study).unwrap()
}

/// A trial of these parameters, with the loss at these fidelities, and how it ended.
fn trial(number: u32, parameters: &[(&str, &str)], values: &[(u32, &str)], ended: Option<OutcomeKind>) -> Trial {
    let given: Vec<Value> = parameters.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let spec: TrialSpec = serde_json::from_value(json!({
        "studyName": "old", "studyUID": "old", "number": number, "parameters": given, "sampler": "random",
        "bracket": 0, "targetLevel": 1, "batches": [],
    }))
    .unwrap();
    let mut trial = Trial::new(&names::trial("old", number), spec);
    let at = |(level, value): &(u32, &str)| {
        let metric = json!({"name": "loss", "last": value, "best": "-1", "mean": "7", "count": 2});
        json!({"level": level, "metrics": [metric]})
    };
    let outcome = ended.map(|kind| json!({"kind": kind, "reason": "ExitCode", "message": ""}));
    let values: Vec<Value> = values.iter().map(at).collect();
    trial.status = serde_json::from_value(json!({"values": values, "outcome": outcome, "nextRun": 1})).unwrap();
    trial
}

fn copied(new: &Study, trials: &[Trial]) -> WarmStarted {
    copy(&plan(new), &study("old", &json!({})), trials)
}

#[test]
fn trials_come_with_their_highest_value_that_counts_here() {
    let new = study("new", &json!({"fidelity": {"unit": "epoch", "min": 1, "max": 27}}));
    let trials = [
        trial(4, &[("x", "0.25"), ("kind", "a")], &[(1, "0.9"), (3, "0.5")], Some(OutcomeKind::Stopped)),
        trial(1, &[("x", "0.5"), ("kind", "b"), ("y", "7")], &[(1, "0.8"), (3, "0.7"), (9, "0.6")], None),
        trial(2, &[("x", "1"), ("kind", "a")], &[(1, "0.1")], Some(OutcomeKind::Failed)),
        trial(3, &[("x", "0"), ("kind", "a")], &[], Some(OutcomeKind::Lost)),
        trial(5, &[("x", "0"), ("kind", "a")], &[], None),
    ];
    let copied = copied(&new, &trials);
    let of = |number: u32, parameters: [&str; 3], level: Option<u32>, value: &[&str]| ImportedTrial {
        number,
        parameters: parameters.map(str::to_owned).to_vec(),
        level,
        values: value.iter().map(|&text| text.to_owned()).collect(),
    };
    let wanted = [
        of(1, ["0.5", "b", "7"], Some(9), &["0.6"]),
        of(2, ["1", "a", ""], None, &[]),
        of(4, ["0.25", "a", ""], Some(3), &["0.5"]),
    ];
    assert_eq!(copied.trials, wanted);
    assert_eq!((copied.found, copied.study_uid.as_deref()), (3, Some("old")));
    assert_eq!(copied.message, "3 of 3 trials of Study `old` are evidence for the sampler");
    // What is on record is what the engine gets.
    let read = evidence(&plan(&new), &copied);
    let shown: Vec<Option<(usize, f64)>> =
        read.iter().map(|imported| imported.shown.as_ref().map(|s| (s.level, s.values.last))).collect();
    assert_eq!(shown, [Some((2, 0.6)), None, Some((1, 0.5))]);
    assert!(read.iter().all(|imported| plan(&new).spec().space.contains(&imported.parameters)));
}

#[test]
fn the_new_studys_reduce_picks_the_value() {
    let objectives = json!([{"metric": "loss", "goal": "Minimize", "reduce": "Mean"}]);
    let copied = copied(
        &study("new", &json!({"objectives": objectives})),
        &[trial(0, &[("x", "0"), ("kind", "a")], &[(9, "3")], None)],
    );
    assert_eq!(copied.trials[0].values, ["7"]);
}

#[test]
fn what_is_not_of_this_search_space_is_left_out_and_counted() {
    let new = study(
        "new",
        &json!({
            "parameters": [
                {"name": "x", "float": {"min": 0.2, "max": 1}},
                {"name": "kind", "categorical": {"choices": ["a", "c"]}},
                {"name": "z", "int": {"min": 1, "max": 9}, "when": [{"parameter": "kind", "in": ["c"]}]},
            ],
            "constraints": [{"expression": "x < 0.9"}],
        }),
    );
    let trials = [
        trial(0, &[("x", "0.3"), ("kind", "a")], &[(9, "1")], None),
        trial(1, &[("x", "0.1"), ("kind", "a")], &[(9, "1")], None),
        trial(2, &[("x", "0.3"), ("kind", "b"), ("y", "3")], &[(9, "1")], None),
        trial(3, &[("x", "0.3"), ("kind", "c")], &[(9, "1")], None),
        trial(4, &[("x", "0.95"), ("kind", "a")], &[(9, "1")], None),
        trial(5, &[("x", "0.3"), ("kind", "a")], &[(2, "1")], None),
        trial(6, &[("x", "0.3"), ("kind", "a"), ("old", "5")], &[(9, "1")], None),
    ];
    let copied = copied(&new, &trials);
    assert_eq!(copied.trials.iter().map(|trial| trial.number).collect::<Vec<_>>(), [0, 6]);
    assert_eq!(
        copied.message,
        "2 of 7 trials of Study `old` are evidence for the sampler; left out: 1 without a parameter of this study, \
         2 outside of its ranges and choices, 1 refused by its constraints, 1 without all values at one of its levels"
    );
}

#[test]
fn a_copy_is_bounded() {
    let many: Vec<Trial> = (0..500)
        .map(|i| trial(i, &[("x", &format!("{}", f64::from(i) / 500.0)), ("kind", "a")], &[(9, &i.to_string())], None))
        .collect();
    let few = copied(&study("new", &json!({})), &many);
    assert_eq!((few.trials.len(), few.found), (MAX_IMPORTED, 500));
    assert_eq!(few.trials[..100].iter().map(|t| t.number).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    assert_eq!(few.trials.last().unwrap().number, 499);
    assert!(few.message.ends_with("left out: 300 beyond the best and a spread of the rest"), "{}", few.message);
    // The longest names that a choice can have.
    let long = "x".repeat(256);
    let parameters: Vec<Value> =
        (0..64).map(|i| json!({"name": format!("p{i}"), "categorical": {"choices": [long]}})).collect();
    let names: Vec<String> = (0..64).map(|i| format!("p{i}")).collect();
    let given: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    let wide: Vec<Trial> = (0..20).map(|i| trial(i, &given, &[(9, "1")], None)).collect();
    let copied = copied(&study("new", &json!({"parameters": parameters})), &wide);
    let size = serde_json::to_string(&copied.trials).unwrap().len();
    assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&size), "{size}");
}

#[test]
fn another_search_is_refused_with_the_reason() {
    let old = study("old", &json!({}));
    assert_eq!(refusal(&study("new", &json!({})), &old), None);
    let refused = |spec: Value| refusal(&study("new", &spec), &old).unwrap();
    assert_eq!(
        refused(json!({"objectives": [{"metric": "accuracy", "goal": "Maximize"}]})),
        "`spec.warmStart.studyName`: Study `old` optimizes `loss`, and not `accuracy`"
    );
    assert_eq!(
        refused(json!({"objectives": [{"metric": "loss", "goal": "Maximize"}]})),
        "`spec.warmStart.studyName`: the goal of `loss` is Minimize in Study `old`, and here Maximize"
    );
    assert_eq!(
        refused(json!({"fidelity": {"unit": "step", "min": 1, "max": 9}})),
        "`spec.warmStart.studyName`: Study `old` counts epoch (Cumulative), and this one counts step (Cumulative): their values say nothing of each other"
    );
    assert!(
        refused(json!({"fidelity": null, "scheduler": {"none": {}}, "limits": {"trials": 3}}))
            .contains("has no fidelity")
    );
}

#[test]
fn records_that_make_no_sense_are_passed_over() {
    let new = plan(&study("new", &json!({})));
    let good = json!({"number": 0, "parameters": ["0.5", "a", ""], "level": 9, "values": ["1"]});
    let change = |field: &str, value: Value| {
        let mut trial = good.clone();
        trial[field] = value;
        trial
    };
    let trials = json!([
        good,
        change("parameters", json!(["half", "a", ""])),
        change("level", json!(2)),
        change("values", json!([])),
        change("values", json!(["1", "2"])),
        change("values", json!(["one"])),
    ]);
    let copied: WarmStarted =
        serde_json::from_value(json!({"studyName": "old", "found": 1, "message": "", "trials": trials})).unwrap();
    assert_eq!(evidence(&new, &copied).len(), 1);
    assert_eq!(evidence(&new, &copied)[0].shown.as_ref().map(|shown| shown.level), Some(2));
}
