//! What the data of a report say of records that are made here.

use serde_json::{Value, json};
use trimtab_api::{Study, Trial};

use super::curves::Curves;
use super::data::Data;
use super::failures::failures;
use super::slots::Slots;
use super::trials::{Row, ranked, thinned};
use crate::record::Record;

fn study(objectives: Value) -> Study {
    let study = json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s", "uid": "u"},
        "spec": {
            "objectives": objectives,
            "parameters": [
                {"name": "x", "float": {"min": 0, "max": 1}},
                {"name": "kind", "categorical": {"choices": ["1", "b"]}},
                {"name": "y", "int": {"min": 1, "max": 9}, "when": [{"parameter": "kind", "in": ["b"]}]},
            ],
            "fidelity": {"unit": "epoch", "min": 1, "max": 9},
            "scheduler": {"hyperband": {}},
            "trial": {"job": {"spec": {"template": {"spec": {"containers": [
                {"name": "c", "image": "i:1", "command": ["train"], "args": ["--x=$(PARAM_X)", "--y=$(PARAM_Y)"]},
            ]}}}}},
        },
    });
    serde_json::from_value(study).unwrap()
}

fn one() -> Study {
    study(json!([{"metric": "loss", "goal": "Minimize"}]))
}

/// A trial with these values at levels, as (level, metric, value), and more of its status.
fn trial(number: u32, values: &[(u32, &str, &str)], status: Value) -> Trial {
    let mut all = json!({"values": [], "spentFidelity": 1, "nextRun": 2});
    all.as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
    let mut levels: std::collections::BTreeMap<u32, Vec<Value>> = std::collections::BTreeMap::new();
    for (level, name, value) in values {
        let metric = json!({"name": name, "last": value, "best": value, "mean": value, "count": 1});
        levels.entry(*level).or_default().push(metric);
    }
    all["values"] = levels.into_iter().map(|(level, metrics)| json!({"level": level, "metrics": metrics})).collect();
    let trial = json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Trial", "metadata": {"name": format!("s-{number:04}")},
        "spec": {
            "studyName": "s", "studyUID": "u", "number": number, "sampler": "random", "bracket": 0, "targetLevel": 9,
            "parameters": [{"name": "x", "value": "0.5"}, {"name": "kind", "value": "1"}],
            "batches": [{"number": number + 1, "index": 0, "action": "Start", "reason": "NewTrial", "level": 9,
                "header": {"settings": {"parallelism": 1, "suspend": false}, "actions": 1}}],
        },
        "status": all,
    });
    serde_json::from_value(trial).unwrap()
}

fn rows(study: &Study, trials: &[Trial]) -> Vec<Row> {
    trials.iter().map(|trial| Row::new(study, trial, "Running".to_owned())).collect()
}

fn data(study: Study, trials: Vec<Trial>) -> Value {
    let record = Record { study, trials, program: None, problems: Vec::new() };
    serde_json::to_value(Data::new(&record, jiff::Timestamp::UNIX_EPOCH)).unwrap()
}

#[test]
fn thinned_keeps_the_best_and_spreads_the_rest() {
    assert_eq!(thinned(4, &[], 2, 5), [0, 1, 2, 3]);
    let kept = thinned(1_000, &[998, 3, 500], 2, 12);
    assert_eq!(kept.len(), 12);
    assert!(kept.contains(&998) && kept.contains(&3) && kept.windows(2).all(|pair| pair[0] < pair[1]));
    // The others come from everywhere.
    assert!(kept.iter().any(|at| *at < 200) && kept.iter().any(|at| (400..600).contains(at)));
    assert_eq!(thinned(1_000, &(0..1_000).collect::<Vec<_>>(), 1_000, 10), (0..10).collect::<Vec<_>>());
}

#[test]
fn ranking_is_by_level_then_value_and_without_failures() {
    let failed = json!({"outcome": {"kind": "Failed", "reason": "ExitCode", "message": ""}});
    let trials = [
        trial(0, &[(1, "loss", "0.1")], json!({})),
        trial(1, &[(1, "loss", "0.5"), (3, "loss", "0.4")], json!({})),
        trial(2, &[(1, "loss", "0.6"), (3, "loss", "0.3"), (9, "loss", "NaN")], json!({})),
        trial(3, &[(9, "loss", "0.0")], failed),
        trial(4, &[(3, "loss", "0.3")], json!({})),
        trial(5, &[], json!({})),
    ];
    let study = one();
    assert_eq!(ranked(&study, &rows(&study, &trials), 0), [2, 4, 1, 0]);
    assert_eq!(ranked(&study, &rows(&study, &trials), 1), Vec::<usize>::new());
}

#[test]
fn front_has_what_nobody_betters_at_the_highest_level() {
    let two = study(json!([{"metric": "loss", "goal": "Minimize"}, {"metric": "accuracy", "goal": "Maximize"}]));
    let of = |number, level, loss, accuracy| {
        trial(number, &[(level, "loss", loss), (level, "accuracy", accuracy)], json!({}))
    };
    let trials = [
        of(0, 9, "0.1", "0.5"),
        of(1, 9, "0.2", "0.9"),
        of(2, 9, "0.2", "0.8"),
        of(3, 9, "0.3", "0.9"),
        of(4, 3, "0.0", "1.0"),
        of(5, 9, "0.1", "0.5"),
        of(6, 9, "NaN", "1.0"),
    ];
    assert_eq!(data(two, trials.to_vec())["front"], json!([0, 5, 1]));
    assert_eq!(data(one(), trials.to_vec())["front"], json!([]));
}

#[test]
fn failures_are_counted_by_kind_and_runs_that_were_tried_again_are_told_apart() {
    let failed = |message: &str| json!({"outcome": {"kind": "Failed", "reason": "ExitCode", "message": message}});
    let retried = json!({"runs": [{"number": 1, "targetLevel": 9, "start": "0",
        "end": {"reason": "Evicted", "message": "m", "time": "2026-01-01T00:00:00Z", "seconds": 1, "uncounted": true}}]});
    let mut trials: Vec<Trial> = (0..30).map(|number| trial(number, &[], failed("exited with 3"))).collect();
    trials.push(trial(30, &[], failed("exited with 4")));
    trials.push(trial(31, &[], retried));
    trials.push(trial(32, &[], json!({"outcome": {"kind": "Stopped", "reason": "RungLost", "message": ""}})));
    let (told, left_out) = failures(&trials);
    let told = serde_json::to_value(told).unwrap();
    let counts: Vec<_> =
        told.as_array().unwrap().iter().map(|f| (f["count"].as_u64().unwrap(), f["fatal"] == true)).collect();
    assert_eq!((counts, left_out), (vec![(30, true), (1, true), (1, false)], 0));
    assert_eq!(told[0]["trials"].as_array().unwrap().len(), 20);
}

#[test]
fn slots_are_lanes_in_which_no_two_runs_overlap() {
    let run = |start: &str, end: Option<&str>| {
        let end = end.map(|end| json!({"reason": "Reached", "time": format!("2026-01-01T00:00:{end}Z"), "seconds": 1}));
        json!({"number": 1, "targetLevel": 9, "start": "0", "startTime": format!("2026-01-01T00:00:{start}Z"), "end": end})
    };
    let of = |number, run| trial(number, &[], json!({"runs": [run]}));
    let trials = [
        of(0, run("00", Some("10"))),
        of(1, run("02", Some("04"))),
        of(2, run("04", Some("20"))),
        of(3, run("15", None)),
    ];
    let slots = Slots::new(&trials, "2026-01-01T00:00:30Z".parse().unwrap()).unwrap();
    let told = serde_json::to_value(slots).unwrap();
    assert_eq!((&told["lanes"], &told["seconds"], &told["busy"]), (&json!(2), &json!(30), &json!(10 + 2 + 16 + 15)));
    let runs: Vec<_> =
        told["runs"].as_array().unwrap().iter().map(|run| (run[0].clone(), run[2].clone(), run[5].clone())).collect();
    let lane = |trial: u32, lane: u32, became: &str| (json!(trial), json!(lane), json!(became));
    assert_eq!(runs, [lane(0, 0, "good"), lane(1, 1, "good"), lane(2, 1, "good"), lane(3, 0, "running")]);
}

#[test]
fn curves_have_the_newest_value_of_each_fidelity_and_skip_what_is_not_finite() {
    let point = |fidelity: &str, value: &str| json!({"fidelity": fidelity, "value": value});
    let curve = json!([point("1", "0.5"), point("2", "NaN"), point("3", "0.3"), point("1", "0.4"), point("x", "1")]);
    let trials = [
        trial(0, &[(1, "loss", "9")], json!({"curve": curve})),
        trial(1, &[(1, "loss", "0.2"), (3, "loss", "0.1")], json!({})),
        trial(2, &[], json!({})),
    ];
    let study = one();
    let rows = rows(&study, &trials);
    let told = serde_json::to_value(Curves::new(&study, &trials, &rows, &[1, 0], 0)).unwrap();
    assert_eq!(told["total"], 2);
    assert_eq!(told["curves"][0]["points"], json!([[1.0, 0.4], [3.0, 0.3]]));
    assert_eq!(told["curves"][1]["points"], json!([[1.0, 0.2], [3.0, 0.1]]));
}

#[test]
fn choices_that_look_like_numbers_stay_names_and_missing_parameters_are_null() {
    let told = data(one(), vec![trial(0, &[(9, "loss", "0.25")], json!({}))]);
    assert_eq!(told["trials"][0]["parameters"], json!([0.5, "1", null]));
    assert_eq!(told["trials"][0]["values"], json!([[9, [0.25]]]));
    assert_eq!(told["steps"], json!([[[0, 0.25]]]));
    assert_eq!(told["problems"], json!([]));
}

#[test]
fn best_trial_says_how_it_is_run_again() {
    let told = data(one(), vec![trial(3, &[(9, "loss", "0.25")], json!({}))]);
    let again = &told["best"][0]["again"];
    assert_eq!(again["flags"], "--x=0.5 --kind=1");
    let command = again["command"].as_str().unwrap();
    // The argument of the parameter that the trial does not have is left out, as it was when it ran.
    assert!(command.starts_with("docker run --rm -e PARAM_X=0.5 -e PARAM_KIND=1 "), "{command}");
    assert!(
        command.contains(" -e TRIMTAB_FIDELITY=9 ") && command.ends_with(" --entrypoint train i:1 --x=0.5"),
        "{command}"
    );
    assert!(again["start_with"].as_str().unwrap().contains(r#"{"name":"x","value":"0.5"}"#));
}

#[test]
fn local_trial_is_run_again_with_the_program_that_it_had() {
    let program = Some(vec!["./my train".to_owned()]);
    let trials = vec![trial(3, &[(9, "loss", "0.25")], json!({}))];
    let record = Record { study: one(), trials, program, problems: Vec::new() };
    let told = serde_json::to_value(Data::new(&record, jiff::Timestamp::UNIX_EPOCH)).unwrap();
    let command = told["best"][0]["again"]["command"].as_str().unwrap();
    assert!(command.starts_with("env PARAM_X=0.5 ") && command.ends_with(" './my train' --x=0.5"), "{command}");
}

#[test]
fn nothing_at_all_is_a_report_too() {
    let told = data(one(), Vec::new());
    assert_eq!((&told["total"], &told["best"], &told["trials"]), (&json!(0), &json!([]), &json!([])));
    assert_eq!(told["importances"], json!([null]));
}

#[test]
fn a_study_that_is_not_valid_is_told_with_what_is_wrong() {
    let mut study = one();
    study.spec.fidelity = None;
    let told = data(study, vec![trial(0, &[(9, "loss", "0.25")], json!({}))]);
    assert!(told["problems"][0].as_str().unwrap().contains("not valid"), "{}", told["problems"]);
    assert_eq!(told["best"][0]["number"], 0);
}
