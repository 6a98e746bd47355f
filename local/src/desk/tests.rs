use serde_json::{Value, json};

use super::*;

/// A Study of one parameter with this in its spec besides.
fn study(more: Value) -> Study {
    let mut study = serde_json::to_value(crate::session::tests::study()).unwrap();
    for (field, value) in more.as_object().unwrap() {
        study["spec"][field] = value.clone();
    }
    serde_json::from_value(study).unwrap()
}

fn in_memory(more: Value) -> Desk {
    Desk::begin(&study(more), Folder::at("nowhere".as_ref()), false).unwrap()
}

/// What the desk answers, as a client reads it.
fn say(desk: &mut Desk, request: Value) -> Value {
    let line = desk.answer(request.to_string().as_bytes()).unwrap();
    serde_json::from_str(&serde_json::to_string(&line).unwrap()).unwrap()
}

fn tell(desk: &mut Desk, trial: u32, value: f64) -> Value {
    say(desk, json!({"request": "tell", "trial": trial, "value": value}))
}

fn ask(desk: &mut Desk) -> Value {
    say(desk, json!({"request": "ask"}))
}

fn hyperband() -> Value {
    json!({
        "fidelity": {"unit": "epoch", "min": 1, "max": 9}, "scheduler": {"hyperband": {}}, "limits": {"trials": 17},
        "trial": {
            "checkpoint": {"claimName": "c"},
            "job": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}},
        },
    })
}

#[test]
fn a_study_is_asked_and_told_to_its_end() {
    let mut desk = in_memory(json!({"limits": {"trials": 3}}));
    assert_eq!(serde_json::to_value(desk.hello()).unwrap()["metrics"], json!(["loss"]));
    for (number, value) in [(0, 0.5), (1, 0.25), (2, 0.75)] {
        let run = ask(&mut desk);
        assert_eq!((&run["answer"], &run["trial"], &run["run"]), (&json!("run"), &json!(number), &json!(1)), "{run}");
        let x = run["parameters"]["x"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&x) && run.get("to").is_none(), "{run}");
        let told = tell(&mut desk, number, value);
        assert_eq!((&told["counts"], &told["reason"]), (&json!("good"), &json!("Reached")), "{told}");
    }
    let end = ask(&mut desk);
    assert_eq!(end, json!({"answer": "end", "state": "Complete", "reason": "TrialsReached"}));
    let best = say(&mut desk, json!({"request": "best", "id": "b"}));
    assert_eq!((&best["trial"], &best["value"], &best["id"]), (&json!(1), &json!(0.25), &json!("b")));
    assert_eq!(desk.close().unwrap(), End::Complete("TrialsReached".to_owned()));
}

#[test]
fn no_more_runs_are_out_than_the_study_allows_and_none_is_decided_before_it_is_asked_for() {
    let mut desk = in_memory(json!({"limits": {"trials": 9}, "parallelism": 2}));
    ask(&mut desk);
    assert_eq!(desk.book().trials.len(), 1);
    ask(&mut desk);
    assert_eq!(ask(&mut desk), json!({"answer": "wait", "running": [0, 1]}));
    tell(&mut desk, 1, 0.5);
    assert_eq!(ask(&mut desk)["trial"], 2);
    assert!(trimtab_engine::verify::verify(&desk.book().plan, &desk.book().history).is_empty());
}

#[test]
fn promoted_trials_come_again_and_go_on_from_where_they_were() {
    let mut desk = in_memory(hyperband());
    let mut seen = Vec::new();
    loop {
        let run = ask(&mut desk);
        if run["answer"] == "end" {
            break;
        }
        let (trial, from, to) =
            (run["trial"].as_u64().unwrap(), run["from"].as_u64().unwrap(), run["to"].as_u64().unwrap());
        for epoch in from + 1..=to {
            let request = json!({"request": "report", "trial": trial, "fidelity": epoch, "value": trial + 10 / epoch});
            assert_eq!(say(&mut desk, request)["stop"], false);
        }
        assert_eq!(say(&mut desk, json!({"request": "tell", "trial": trial}))["counts"], "good");
        seen.push((trial, from, to, run.get("resumeFromRun").and_then(Value::as_u64)));
    }
    assert_eq!(seen.iter().filter(|(_, from, ..)| *from == 0).count(), 17);
    assert!(seen.contains(&(0, 1, 3, Some(1))) && seen.contains(&(0, 3, 9, Some(2))), "{seen:?}");
    assert!(trimtab_engine::verify::verify(&desk.book().plan, &desk.book().history).is_empty());
}

#[test]
fn a_run_through_is_stopped_while_it_runs() {
    let mut more = hyperband();
    more["trial"]["checkpoint"] = Value::Null;
    more["scheduler"] = json!({"asha": {"form": "Stopping"}});
    more["parallelism"] = json!(9);
    let mut desk = in_memory(more);
    let runs: Vec<Value> = (0..9).map(|_| ask(&mut desk)).collect();
    assert!(runs.iter().all(|run| run["to"] == 9), "{runs:?}");
    let mut stops = Vec::new();
    for trial in 0..9 {
        let said = say(&mut desk, json!({"request": "report", "trial": trial, "fidelity": 1, "value": trial}));
        stops.push(said["stop"].as_bool().unwrap());
    }
    assert!(!stops[0] && stops[8], "{stops:?}");
    let stopped = say(&mut desk, json!({"request": "shouldStop", "trial": 8}));
    assert_eq!((&stopped["stop"], &stopped["reason"]), (&json!(true), &json!("StoppedByStudy")), "{stopped}");
    let told = say(&mut desk, json!({"request": "tell", "trial": 8}));
    assert_eq!((&told["counts"], &told["reason"]), (&json!("nothing"), &json!("StoppedByStudy")), "{told}");
    let again = say(&mut desk, json!({"request": "tell", "trial": 8}));
    assert_eq!((&again["answer"], &again["field"]), (&json!("error"), &json!("trial")), "{again}");
}

#[test]
fn every_metric_that_decides_is_told_and_the_front_is_known() {
    let objectives = json!([{"metric": "loss", "goal": "Minimize"}, {"metric": "latency", "goal": "Minimize"}]);
    let constraints = json!([{"metric": "memory", "max": 8}]);
    let mut desk = in_memory(json!({"objectives": objectives, "constraints": constraints, "limits": {"trials": 3}}));
    assert_eq!(serde_json::to_value(desk.hello()).unwrap()["metrics"], json!(["loss", "latency", "memory"]));
    for (trial, values) in [[1.0, 2.0, 8.0], [2.0, 1.0, 8.0], [0.0, 0.0, 9.0]].into_iter().enumerate() {
        ask(&mut desk);
        let missing = say(&mut desk, json!({"request": "tell", "trial": trial, "value": 1}));
        assert_eq!((&missing["answer"], &missing["field"]), (&json!("error"), &json!("values.latency")), "{missing}");
        let first = json!({"request": "report", "trial": trial, "values": {"loss": values[0], "memory": values[2]}});
        assert_eq!(say(&mut desk, first)["answer"], "reported");
        let told = say(&mut desk, json!({"request": "tell", "trial": trial, "values": {"latency": values[1]}}));
        assert_eq!(told["counts"], "good", "{told}");
    }
    // The third breaks the constraint.
    let front = desk.book().front().unwrap();
    assert_eq!(front.trials.iter().map(|trial| trial.number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(say(&mut desk, json!({"request": "best"})), json!({"answer": "best", "trial": null}));
}

#[test]
fn failures_count_and_what_is_given_back_comes_again() {
    let mut desk = in_memory(json!({"limits": {"trials": 2}}));
    let first = ask(&mut desk);
    let given_back = say(&mut desk, json!({"request": "tell", "trial": 0, "state": "interrupted"}));
    assert_eq!(given_back["counts"], "nothing");
    let again = ask(&mut desk);
    assert_eq!((&again["trial"], &again["run"]), (&json!(0), &json!(2)));
    assert_eq!(first["parameters"], again["parameters"]);
    let failed = say(&mut desk, json!({"request": "tell", "trial": 0, "state": "failed", "message": "oops"}));
    assert_eq!((&failed["counts"], &failed["message"]), (&json!("failed"), &json!("oops")), "{failed}");
    ask(&mut desk);
    let broken = say(&mut desk, json!({"request": "tell", "trial": 1, "value": "NaN"}));
    assert_eq!((&broken["counts"], &broken["reason"]), (&json!("failed"), &json!("NotFinite")), "{broken}");
    assert_eq!(say(&mut desk, json!({"request": "best"})), json!({"answer": "best", "trial": null}));
    assert_eq!(ask(&mut desk), json!({"answer": "end", "state": "Failed", "reason": "NoUsableTrial"}));
}

#[test]
fn mistakes_name_their_field_and_change_nothing() {
    let mut desk = in_memory(hyperband());
    let mut plain = in_memory(json!({}));
    for desk in [&mut desk, &mut plain] {
        ask(desk);
    }
    let before = desk.book().trials.clone();
    for (request, field) in [
        (json!({"request": "tell", "trial": 0}), "value"),
        (json!({"request": "tell", "trial": 1, "value": 1}), "trial"),
        (json!({"request": "report", "trial": 0, "value": 1}), "fidelity"),
        (json!({"request": "report", "trial": 0, "fidelity": 1}), "value"),
        (json!({"request": "report", "trial": 0, "fidelity": 1, "values": {"acc": 1}}), "values.acc"),
        (json!({"request": "report", "trial": 0, "fidelity": 1, "value": 1, "values": {"loss": 1}}), "value"),
        (json!({"request": "shouldStop", "trial": 7}), "trial"),
        (json!("ask"), "line"),
    ] {
        let said = say(&mut desk, request.clone());
        assert_eq!((&said["answer"], &said["field"]), (&json!("error"), &json!(field)), "{request}: {said}");
    }
    assert_eq!(desk.book().trials, before);
    let said = say(&mut plain, json!({"request": "tell", "trial": 0, "value": 1, "fidelity": 1}));
    assert_eq!(said["field"], "fidelity", "{said}");
    assert_eq!(tell(&mut plain, 0, 1.0)["counts"], "good");
}

#[test]
fn a_client_that_goes_leaves_a_study_that_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::at(&home.path().join("s.trimtab"));
    let begin = || Desk::begin(&study(json!({"limits": {"trials": 2}})), folder.clone(), true);
    let mut desk = begin().unwrap();
    let first = ask(&mut desk);
    assert!(matches!(begin(), Err(Error::InUse { .. })));
    assert_eq!(desk.close().unwrap(), End::Suspended);
    let mut desk = begin().unwrap();
    let again = ask(&mut desk);
    assert_eq!((&again["trial"], &again["run"]), (&json!(0), &json!(2)));
    assert_eq!(first["parameters"], again["parameters"]);
    // Killed: nothing is written at the end.
    drop(desk);
    let mut desk = begin().unwrap();
    let warnings = serde_json::to_value(desk.hello()).unwrap()["warnings"].clone();
    assert!(warnings[0].as_str().is_some_and(|words| words.contains("was killed")), "{warnings}");
    assert_eq!(ask(&mut desk)["run"], 3);
    tell(&mut desk, 0, 1.0);
    assert_eq!(ask(&mut desk)["trial"], 1);
    tell(&mut desk, 1, 2.0);
    assert_eq!(desk.close().unwrap(), End::Complete("TrialsReached".to_owned()));
    assert_eq!(Book::read(&folder).unwrap().best().map(|best| best.number), Some(0));
}
