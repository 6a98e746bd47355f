//! `trimtab explain` and `trimtab best`, on records of studies that were played.

use serde_json::{Value, json};
use trimtab_api::study::ActionKind;

use crate::played::{Played, play, play_of};
use crate::{has, run, scratch};

#[test]
fn finished_study_is_explained() {
    let file = play(1000).file("explained.json");
    let ran = run(&["explain", "digits", "--from", &file]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    has(
        &ran.out,
        &[
            "Study digits in default: Complete",
            "BracketsDone",
            "BRACKET  RUNG  EPOCH  SIZE  MEMBERS  REPORTED  JUDGED",
            "best: val_accuracy",
            "started to epoch 1 with a configuration of the sampler random in place of bohb, noted automatic: ",
            "goes on to epoch 3 (Promoted): ranked",
            "stopped (RungLost): ranked",
            "at epoch 1, 3 pass:",
            "run 1  epoch 0 to 1: Reached after 40 s",
            "ended: ExitCode: the container exited with 3",
        ],
    );
    // The first bracket of R = 9 starts nine and lets three and one on.
    let rows: Vec<Vec<&str>> = ran
        .out
        .lines()
        .skip_while(|l| !l.starts_with("BRACKET"))
        .skip(1)
        .take(3)
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0][..6], ["0", "0", "1", "9", "9", "8"], "trial 5 failed");
    assert_eq!(rows[1][..5], ["0", "1", "3", "3", "3"]);
    assert_eq!(rows[2][..5], ["0", "2", "9", "1", "1"]);
    assert_eq!(rows[2][6..8], ["-", "-"], "the highest rung judges nobody");
    assert!(rows.iter().all(|row| row[10] == "0" || row[1] == "2"), "nobody is left open on a rung that was judged");
}

/// What an account says of rungs and of who waits there is what its trials say, one by one.
#[test]
fn rungs_are_counted_from_the_trials_on_them() {
    let valid = include_str!("data/valid.yaml").replace("max: 27", "max: 9");
    let passes = valid.replace("parallelism: 4", "parallelism: 4\n  limits: {trials: 60}");
    let asha = passes.replace("hyperband: {reductionFactor: 3}", "asha: {reductionFactor: 3}");
    let audited = passes.replace("reductionFactor: 3", "reductionFactor: 3, audit: 0.2");
    let all = [("passes", &passes, 70), ("ended", &valid, 1000), ("asha", &asha, 70), ("audited", &audited, 140)];
    for (name, text, turns) in all {
        let file = play_of(text, turns).file(&format!("rungs-{name}.json"));
        let ran = run(&["explain", "digits", "--from", &file, "--output", "json"]);
        let answer: Value = serde_json::from_str(&ran.out).unwrap();
        let study = &answer["study"];
        let trials = study["trials"].as_array().unwrap();
        let brackets = study["brackets"].as_array().unwrap();
        let (mut waiting, mut audits) = (0, 0);
        for bracket in brackets {
            let own: Vec<&Value> = trials.iter().filter(|trial| trial["bracket"] == bracket["bracket"]).collect();
            assert!(!own.is_empty());
            for (at, rung) in bracket["rungs"].as_array().unwrap().iter().enumerate() {
                let is_on = |trial: &&&Value| trial["rung"] == at;
                let is_ended = |trial: &&Value, states: &[&str]| states.contains(&trial["state"].as_str().unwrap());
                let has_value = |trial: &&Value| {
                    trial["values"].as_array().unwrap().iter().any(|value| value["level"] == rung["level"])
                };
                let came: Vec<&Value> = own.iter().copied().filter(|t| t["rung"].as_u64() >= Some(at as u64)).collect();
                let is_audited = |trial: &&&Value| trial["audited"] == true;
                let count = own.iter().filter(is_on).filter(is_audited).count();
                assert_eq!(rung["audited"].as_u64().unwrap_or_default() as usize, count, "{name}: {rung}");
                audits += count;
                let failed = own.iter().filter(|t| is_on(t) && !is_audited(t));
                let failed = failed.filter(|t| is_ended(t, &["Failed", "Lost"])).count();
                let settled =
                    came.iter().filter(|t| has_value(t) || is_ended(t, &["Failed", "Lost", "Stopped"])).count();
                assert_eq!(rung["members"], came.len(), "{name}: {rung}");
                assert_eq!(rung["reported"], came.iter().filter(|t| has_value(t)).count(), "{name}: {rung}");
                assert_eq!(rung["failed"], failed, "{name}: {rung}");
                for words in own.iter().filter(is_on).filter_map(|t| t["waiting"].as_str()) {
                    let told = [format!(" of the {settled} that came"), format!(": {settled} of ")];
                    if words.starts_with("it rests at") || words.starts_with("it rests until") {
                        assert!(told.iter().any(|told| words.contains(told)), "{name}: {settled}: {words}");
                        waiting += 1;
                    }
                }
            }
        }
        let members: u64 = brackets.iter().map(|b| b["rungs"][0]["members"].as_u64().unwrap()).sum();
        assert_eq!(members as usize, trials.len(), "{name}: everyone is on a first rung once");
        assert!(waiting > 0 || name == "ended", "{name}: nobody waits");
        assert_eq!(audits > 0, name == "audited", "{name}: {audits} are audited");
    }
}

#[test]
fn audited_trials_are_told_with_what_they_cost() {
    let valid = include_str!("data/valid.yaml").replace("max: 27", "max: 9");
    let passes = valid.replace("parallelism: 4", "parallelism: 4\n  limits: {trials: 60}");
    let audited =
        play_of(&passes.replace("reductionFactor: 3", "reductionFactor: 3, audit: 0.2"), 1000).file("audited.json");
    let ran = run(&["explain", "digits", "--from", &audited, "--verify"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.out, &[" 0 mismatches, 0 cannot be verified"]);
    let ran = run(&["explain", "digits", "--from", &audited]);
    has(
        &ran.out,
        &[
            "FAILED  OPEN  AUDITED",
            "goes on to epoch 9 (Audited): ranked",
            "; it is audited, and runs to the end to show what stopping the others misses",
            "of them lost a rung and are audited, which is to run to the end all the same: ",
            ", rung 0, audited",
        ],
    );
    let report = |file: &str| run(&["report", "digits", "--from", file, "--to", "-"]).out;
    has(&report(&audited), &["\"auditedSpent\":"]);
    // Without a share nobody speaks of it.
    let plain = play_of(&passes, 1000).file("not-audited.json");
    let ran = run(&["explain", "digits", "--from", &plain]);
    assert!(!ran.out.to_lowercase().contains("audited"), "{}", ran.out);
    assert!(!report(&plain).contains("\"auditedSpent\":"));
}

#[test]
fn yaml_in_several_files_is_a_record_too() {
    let played = play(1000);
    let list = played.list();
    let items = list["items"].as_array().unwrap();
    let studies = scratch("studies.yaml", &serde_saphyr::to_string(&items[0]).unwrap());
    let trials = serde_json::json!({"apiVersion": "trimtab.dev/v1alpha1", "kind": "TrialList", "items": items[1..]});
    let trials = scratch("trials.yaml", &serde_saphyr::to_string(&trials).unwrap());
    let ran = run(&["explain", "digits", "--from", &studies, "--from", &trials, "--verify"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.out, &["batch 1: ok (0 results, 4 actions)", " 0 mismatches, 0 cannot be verified"]);
}

#[test]
fn waiting_trials_say_what_for() {
    let file = play(8).file("waiting.json");
    let ran = run(&["explain", "digits", "--from", &file]);
    assert_eq!(ran.code, 0);
    has(
        &ran.out,
        &[
            "now: it rests until its rung at epoch 1 is judged: ",
            " of 9 have a value or ended",
            "now: it waits for its run to epoch 1 to report",
        ],
    );
}

#[test]
fn one_trial_is_explained_alone() {
    let file = play(1000).file("one.json");
    let ran = run(&["explain", "digits", "--from", &file, "--trial", "3"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("digits-0003  "), "{}", ran.out);
    assert!(!ran.out.contains("digits-0004"));
    let ran = run(&["explain", "digits", "--from", &file, "--trial", "999"]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["has no trial 999"]);
}

#[test]
fn origin_of_a_configuration_is_told() {
    let mut played = play(1000);
    let spec = &mut played.trials[3].spec;
    spec.sampler = "cmaEs".to_owned();
    spec.fallback = Some("random".to_owned());
    spec.parents = vec![0, 1, 2];
    spec.tag = Some(format!("g4 {}", "0.125 ".repeat(20)));
    let file = played.file("origin.json");
    let ran = run(&["explain", "digits", "--from", &file, "--trial", "3"]);
    let made = "of the sampler random in place of cmaEs, made from trials 0, 1 and 2, noted g4 0.125 0.125 ";
    has(&ran.out, &[made, "… (NewTrial)"]);
    let ran = run(&["explain", "digits", "--from", &file, "--trial", "3", "--output", "json"]);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let trial = &answer["study"]["trials"][0];
    assert_eq!((&trial["fallback"], &trial["parents"]), (&"random".into(), &serde_json::json!([0, 1, 2])));
    assert_eq!(trial["tag"].as_str().unwrap().len(), 123);
    // The engine never said that, so verification objects.
    let ran = run(&["explain", "digits", "--from", &file, "--verify"]);
    assert_eq!(ran.code, 1);
}

/// Turns the first trial that lost its rung into one that was promoted.
fn plant(played: &mut Played) -> u32 {
    let trial =
        played.trials.iter_mut().find(|t| t.spec.batches.last().is_some_and(|b| b.reason == "RungLost")).unwrap();
    let decision = trial.spec.batches.last_mut().unwrap();
    decision.action = ActionKind::Continue;
    decision.reason = "Promoted".to_owned();
    decision.level = Some(3);
    decision.cleared = Some(1);
    trial.spec.stop = None;
    trial.spec.target_level = 3;
    trial.spec.cleared_level = Some(1);
    trial.status.as_mut().unwrap().outcome = None;
    trial.spec.number
}

#[test]
fn planted_decision_is_caught() {
    let mut played = play(1000);
    let number = plant(&mut played);
    let file = played.file("planted.json");
    let ran = run(&["explain", "digits", "--from", &file, "--verify"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    has(
        &ran.out,
        &[
            "MISMATCH",
            &format!("on record: trial {number} goes on to epoch 3 (Promoted)"),
            &format!("recomputed: stop trial {number} (RungLost): ranked"),
        ],
    );
    let json = run(&["explain", "digits", "--from", &file, "--verify", "--output", "json"]);
    assert_eq!(json.code, 1);
    let answer: Value = serde_json::from_str(&json.out).unwrap();
    assert!(answer["verification"]["mismatches"].as_u64().unwrap() >= 1);
    let batch =
        answer["verification"]["batches"].as_array().unwrap().iter().find(|b| b["verdict"] == "Mismatch").unwrap();
    assert!(batch["expected"].as_array().unwrap().iter().any(|a| a["trial"] == number && a["action"] == "Stop"));
    assert!(batch["found"].as_array().unwrap().iter().any(|a| a["trial"] == number && a["action"] == "Continue"));
}

#[test]
fn batch_that_saw_a_removed_trial_cannot_be_verified() {
    let mut played = play(1000);
    played.trials.remove(2);
    let file = played.file("removed.json");
    let ran = run(&["explain", "digits", "--from", &file, "--verify"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    has(&ran.out, &["cannot be verified: trial 2 was deleted", " 0 mismatches"]);
    has(&run(&["explain", "digits", "--from", &file]).out, &["removed trials: 2"]);
}

#[test]
fn one_trial_that_cannot_be_decoded_hides_no_other() {
    let mut list = play(1000).list();
    let items = list["items"].as_array_mut().unwrap();
    let broken = items.iter_mut().find(|i| i["metadata"]["name"] == "digits-0002").unwrap();
    broken["spec"]["number"] = "two".into();
    let file = scratch("broken.json", &list.to_string());
    let ran = run(&["explain", "digits", "--from", &file]);
    assert_eq!(ran.code, 0);
    has(&ran.out, &["problem: Trial digits-0002 cannot be decoded", "digits-0003"]);
}

#[test]
fn wrong_names_are_told_what_there_is() {
    let file = play(3).file("names.json");
    let ran = run(&["explain", "nothing", "--from", &file]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["there is no Study `nothing`", "`digits`"]);
    let ran = run(&["explain", "digits", "--from", "no-study.yaml"]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["no-study.yaml has no Study"]);
}

#[test]
fn several_objectives_have_a_front() {
    let study = include_str!("data/valid.yaml")
        .replace("max: 27", "max: 9")
        .replace("goal: Maximize}", "goal: Maximize}, {metric: latency, goal: Minimize, reference: 1}")
        .replace("  fidelity:", "  constraints: [{metric: memory, max: 0.8}]\n  fidelity:");
    let played = play_of(&study, 1000);
    let file = played.file("front.json");
    let ask = |arguments: &[&str]| run(&[arguments, &["digits", "--from", &file]].concat());
    let front: Value = serde_json::from_str(&ask(&["best", "--output", "json"]).out).unwrap();
    let trials = front["trials"].as_array().unwrap();
    assert_eq!(
        (front["metrics"].clone(), front["reference"][1].clone()),
        (json!(["val_accuracy", "latency"]), json!("1"))
    );
    assert!(trials.len() > 1 && front["size"] == trials.len() && front["hypervolume"].is_string(), "{front}");
    // None of them is better than another in both.
    let number = |trial: &Value, at: usize| trial["values"][at].as_str().unwrap().parse::<f64>().unwrap();
    let sorted = trials
        .windows(2)
        .all(|pair| number(&pair[0], 0) < number(&pair[1], 0) && number(&pair[0], 1) < number(&pair[1], 1));
    assert!(sorted, "{front}");
    let first = trials[0]["number"].to_string();
    let ran = ask(&["best", "--output", "flags", "--trial", &first]);
    assert_eq!(ran.code, 0);
    has(&ran.out, &["--learning-rate="]);
    let ran = ask(&["best", "--output", "flags"]);
    assert_eq!(ran.code, 1);
    has(&ran.err, &["choose one with --trial", &first]);
    assert_eq!(ask(&["best", "--trial", "9999"]).code, 1);
    let table = ask(&["best"]).out;
    has(&table, &["front: ", "hypervolume", "VAL_ACCURACY", "LATENCY", "LEARNING_RATE"]);
    has(&ask(&["show"]).out, &["VAL_ACCURACY", "LATENCY", "MEMORY"]);
    has(&ask(&["export", "--output", "csv"]).out, &["run_seconds,latency,memory,learning_rate"]);
    has(
        &ask(&["explain"]).out,
        &["front: ", "pass: front 1, cutoff front 1", "it breaks the constraints by", "latency  "],
    );
    has(&ask(&["explain", "--verify"]).out, &[" 0 mismatches"]);
}

#[test]
fn best_parameters_come_in_every_form() {
    let played = play(1000);
    let file = played.file("best.json");
    let best = played.study.status.as_ref().unwrap().best.clone().unwrap();
    let rate = &best.parameters.iter().find(|p| p.name == "learning_rate").unwrap().value;
    let get = |form: &str| {
        let ran = run(&["best", "digits", "--from", &file, "--output", form]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        ran.out
    };
    has(&get("table"), &[&format!("trial {}", best.trial_name), "learning_rate"]);
    has(&get("flags"), &[&format!("--learning-rate={rate}")]);
    has(&get("env"), &[&format!("PARAM_LEARNING_RATE={rate}\n")]);
    let json: Value = serde_json::from_str(&get("json")).unwrap();
    let yaml: Value = serde_saphyr::from_str(&get("yaml")).unwrap();
    assert_eq!(json["parameters"]["learning_rate"], rate.as_str());
    assert_eq!(json, yaml);
}

#[test]
fn no_value_yet_is_no_best() {
    let file = play(1).file("early.json");
    let ran = run(&["best", "digits", "--from", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    has(&ran.err, &["has no usable value yet"]);
}

#[test]
fn early_stopping_is_accounted_for() {
    let file = play(1000).file("saving.json");
    let ran = run(&["explain", "digits", "--from", &file]);
    has(&ran.out, &["trials in full would be 153: ", "early stopping was safe is not known", "from 10 on"]);
    // Two passes of brackets have trials enough that began further up.
    let text = include_str!("data/valid.yaml")
        .replace("max: 27", "max: 9")
        .replace("seed: 7", "seed: 7\n  limits: {trials: 68}");
    let file = play_of(&text, 1000).file("safe.json");
    let ran = run(&["explain", "digits", "--from", &file]);
    has(&ran.out, &["early stopping was safe: ranks at epoch 1 and ", " correlate by "]);
}

#[test]
fn asynchronous_ladder_says_who_passed_and_what_a_paused_trial_waits_for() {
    let text = include_str!("data/valid.yaml")
        .replace("max: 27", "max: 9")
        .replace("hyperband: {reductionFactor: 3}", "asha: {}")
        .replace("seed: 7", "seed: 7\n  limits: {trials: 30}");
    let file = play_of(&text, 1000).file("asha.json");
    let ran = run(&["explain", "digits", "--from", &file]);
    has(&ran.out, &["goes on to epoch 3 (Promoted): ranked 1 of ", "may go on, and it is not among them"]);
    has(&ran.out, &["no trial runs on unjudged past the lowest rung"]);
    let rows: Vec<Vec<&str>> = ran
        .out
        .lines()
        .skip_while(|l| !l.starts_with("BRACKET"))
        .skip(1)
        .take(2)
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!((rows[0][3], rows[0][4]), ("-", "30"), "an asynchronous rung is never full");
    assert!(rows[1][4].parse::<u32>().unwrap() <= 10);
    let ran = run(&["explain", "digits", "--from", &file, "--verify"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}
