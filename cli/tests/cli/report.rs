//! `trimtab report` and `trimtab importance`. How a report looks is for `tests/browser`.

use serde_json::{Value, json};

use crate::fake::serve;
use crate::played::{play, play_of};
use crate::{has, run};

/// The data in a page, as a browser's script reads them.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"<script id="data" type="application/json">"#).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn report_is_one_file_that_needs_no_other_and_says_what_other_commands_say() {
    let file = play(1_000).file("report.json");
    let to = crate::scratch("report.html", "an older report");
    let ran = run(&["report", "digits", "--from", &file, "--to", &to]);
    assert_eq!((ran.code, ran.out.trim_end(), ran.err.as_str()), (0, to.as_str(), ""));
    let page = std::fs::read_to_string(&to).unwrap();
    // A policy, no reference to anything outside, one style and one script besides the data.
    has(&page, &["<!doctype html>", "default-src 'none'; script-src 'sha256-", "</html>"]);
    for forbidden in ["https://", "src=", "url(", "@import", "<link"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert_eq!(page.matches("<script").count(), 2);
    let data = data(&page);
    let best: Value = serde_json::from_str(&run(&["best", "digits", "--from", &file, "-o", "json"]).out).unwrap();
    let flags = run(&["best", "digits", "--from", &file, "-o", "flags"]).out;
    let told = &data["best"][0];
    assert_eq!((&told["name"], &told["values"][0], &told["level"]), (&best["trial"], &best["value"], &best["level"]));
    assert_eq!(told["again"]["flags"].as_str().unwrap(), flags.trim_end());
    let shown: Value = serde_json::from_str(&run(&["show", "digits", "--from", &file, "-o", "json"]).out).unwrap();
    assert_eq!(data["total"], shown["trials"].as_array().unwrap().len());
    assert_eq!(data["saving"], shown["saving"]);
    let states: Vec<_> = shown["trials"].as_array().unwrap().iter().map(|trial| &trial["state"]).collect();
    let drawn: Vec<_> = data["trials"].as_array().unwrap().iter().map(|trial| &trial["state"]).collect();
    assert_eq!(states, drawn);
    let passed = |ladder: &Value| {
        ladder["rungs"].as_array().unwrap().iter().map(|rung| rung["passed"].as_u64().unwrap()).sum::<u64>()
    };
    let all = |ladders: &Value| ladders.as_array().unwrap().iter().map(passed).sum::<u64>();
    assert_eq!(all(&data["ladders"]["shapes"]), all(&shown["brackets"]));
}

#[test]
fn report_goes_to_standard_output_for_a_dash() {
    let file = play(3).file("report-early.json");
    let ran = run(&["report", "digits", "--from", &file, "--to", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(data(&ran.out)["study"]["name"], "digits");
}

#[test]
fn texts_of_a_record_end_neither_the_data_nor_the_page() {
    let mut list = play(1_000).list();
    let evil = "</script><script>alert(1)</script><!--<script>\u{2028}&lt;";
    for item in list["items"].as_array_mut().unwrap() {
        if item["kind"] == "Trial" {
            item["status"]["state"] = evil.into();
            item["spec"]["parameters"][0]["value"] = evil.into();
        }
    }
    let file = crate::scratch("report-hostile.json", &list.to_string());
    let page = run(&["report", "digits", "--from", &file, "--to", "-"]).out;
    assert_eq!((page.matches("</script").count(), page.matches("<!--").count()), (2, 0));
    assert_eq!(data(&page)["trials"][0]["state"], evil);
}

#[test]
fn what_cannot_be_written_is_told_and_leaves_nothing() {
    let file = play(3).file("report-nowhere.json");
    let ran = run(&["report", "digits", "--from", &file, "--to", "/nonexistent/report.html"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    has(&ran.err, &["error: cannot write /nonexistent/report.html: No such file"]);
    // A folder is in the way of the file.
    let folder = crate::scratch("report-folder", "").replace("report-folder", "report-in-the-way");
    std::fs::create_dir_all(&folder).unwrap();
    let ran = run(&["report", "digits", "--from", &file, "--to", &folder]);
    assert_eq!(ran.code, 2);
    assert!(!std::path::Path::new(&format!("{folder}.part")).exists());
}

#[test]
fn importance_is_told_in_shares_that_add_up() {
    // Enough trials for something to be said: no ladder, and a value for each.
    let study = include_str!("data/valid.yaml")
        .replace("max: 27", "max: 3")
        .replace("scheduler: {hyperband: {reductionFactor: 3}}", "limits: {trials: 60}");
    let file = play_of(&study, 10_000).file("importance.json");
    let ran = run(&["importance", "digits", "--from", &file, "-o", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let shares = told[0]["shares"].as_array().unwrap();
    let names: Vec<_> = shares.iter().map(|one| one["parameter"].as_str().unwrap()).collect();
    assert_eq!(names, ["learning_rate", "optimizer", "momentum"]);
    let sum: f64 = shares.iter().map(|one| one["share"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert_eq!((&told[0]["metric"], &told[0]["level"]), (&Value::from("val_accuracy"), &Value::from(3)));
    let table = run(&["importance", "digits", "--from", &file]).out;
    has(&table, &["val_accuracy at epoch 3: what tells the best", "PARAMETER", "learning_rate", " %"]);
}

#[test]
fn importance_of_too_few_trials_is_not_told() {
    let file = play(3).file("importance-early.json");
    let ran = run(&["importance", "digits", "--from", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    has(&ran.err, &["too few trials with a value: it takes 10"]);
}

#[test]
fn report_of_a_study_in_a_cluster_is_that_of_its_record() {
    let played = play(1_000);
    let file = played.file("report-cluster.json");
    let study = serde_json::to_value(&played.study).unwrap();
    let trials: Vec<Value> = played.trials.iter().map(|trial| serde_json::to_value(trial).unwrap()).collect();
    let config = serve("report.kubeconfig", move |path| {
        if path.contains("/studies/digits") {
            return (200, study.clone());
        }
        assert!(path.contains("/trials?"), "{path}");
        (200, json!({"apiVersion": "trimtab.dev/v1alpha1", "kind": "TrialList", "metadata": {}, "items": trials}))
    });
    let of = |from: &[&str]| {
        let ran = run(&[&["report", "digits", "--to", "-"], from].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        let mut data = data(&ran.out);
        data["written"] = Value::Null;
        data
    };
    assert_eq!(of(&["--kubeconfig", &config]), of(&["--from", &file]));
}
