//! A study that is kept in objects has the history that the engine has of it, at every point where it may be read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtab_api::history::{
    action, action_record, apply_to_trial, batch_record, history, results, trial_action, trial_batch, trial_from_start,
};
use trimtab_api::study::{BatchRecord, ParameterValue, StudyStatus};
use trimtab_api::trial::{LevelValues, MetricValues, Outcome, OutcomeKind, Rest, Trial, TrialStatus};
use trimtab_api::{Study, validate};
use trimtab_engine::{
    self as engine, Batch, History, Plan, ResultKind, TrialNumber, TrialResult, Verdict, decide, number,
};

fn study() -> Study {
    let mut study: Study = serde_saphyr::from_str(include_str!("rules/study.yaml")).unwrap();
    study.metadata.uid = Some("8a7c6f0e-1b1e-4f43-9d58-000000000001".to_owned());
    study
}

/// Applies one action of the batch in the status to the trials, as the study controller does.
fn apply(study: &Study, record: &BatchRecord, index: u32, trials: &mut Vec<Trial>) {
    match trial_from_start(study, record, index) {
        Some(trial) => trials.push(trial),
        None => {
            let number = record.actions[index as usize].trial;
            let trial = trials.iter_mut().find(|t| t.spec.number == number).unwrap();
            let spec = apply_to_trial(study, record, index, trial).unwrap();
            trial.spec = spec;
            assert_eq!(apply_to_trial(study, record, index, trial), None, "an action is applied once");
        }
    }
}

/// A value that differs by trial, and is NaN or fails now and then.
fn value(number: u32, fidelity: u32) -> f64 {
    if number % 11 == 7 { f64::NAN } else { f64::from(number * 7919 % 101) / 101.0 + f64::from(fidelity) / 1000.0 }
}

/// Lets one trial come to what its spec says, and returns what became known by it.
fn advance(plan: &Plan, trial: &mut Trial) -> Vec<TrialResult> {
    let before = results(plan, trial);
    let spec = trial.spec.clone();
    let status = trial.status.get_or_insert_with(TrialStatus::default);
    if status.outcome.is_some() {
        return Vec::new();
    }
    if spec.stop.is_some() {
        status.outcome =
            Some(Outcome { kind: OutcomeKind::Stopped, reason: "StoppedByStudy".to_owned(), message: String::new() });
    } else if spec.number % 13 == 5 {
        status.outcome =
            Some(Outcome { kind: OutcomeKind::Failed, reason: "ExitCode".to_owned(), message: String::new() });
    } else if status.rested_level < Some(spec.target_level) {
        for &level in plan.levels().iter().filter(|&&l| l <= spec.target_level && Some(l) > status.rested_level) {
            let text = number::to_text(value(spec.number, level));
            let objective = MetricValues {
                name: "val_accuracy".to_owned(),
                last: text.clone(),
                best: text.clone(),
                mean: text,
                count: level,
            };
            let text = number::to_text(f64::from(spec.number * 31 % 17) / 17.0);
            let other = MetricValues {
                name: "loss".to_owned(),
                last: text.clone(),
                best: text.clone(),
                mean: text,
                count: level,
            };
            status.values.push(LevelValues { level, metrics: vec![other, objective] });
        }
        status.rested_level = Some(spec.target_level);
        status.spent_fidelity += u64::from(spec.target_level);
        status.rests.push(Rest { level: spec.target_level, spent: status.spent_fidelity });
    }
    let known: Vec<_> = before.iter().map(TrialResult::key).collect();
    results(plan, trial).into_iter().filter(|r| !known.contains(&r.key())).collect()
}

/// NaN is not equal to itself, and the order of open results says nothing.
fn text(history: &History) -> String {
    let mut history = history.clone();
    history.open.sort_by_key(TrialResult::key);
    format!("{history:#?}")
}

/// Plays a study to its end in objects and in the engine's own values side by side, and returns both.
fn play(study: &mut Study) -> (Plan, Vec<Trial>, History) {
    let plan = validate(study).unwrap();
    let mut trials: Vec<Trial> = Vec::new();
    let mut own = History::default();
    let mut turn = 0;
    loop {
        turn += 1;
        assert!(turn < 10_000, "the study does not end");
        let read = history(&plan, study, &trials, 0);
        assert_eq!(text(&read), text(&own));
        let decision = decide(&plan, &read);
        if decision.actions.is_empty() {
            if decision.verdict != Verdict::Running {
                return (plan, trials, own);
            }
            // One trial at a time, so that batches see partial rungs.
            let count = trials.len();
            let moved = (0..count).map(|i| (i + turn * 7) % count).find_map(|i| {
                let found = advance(&plan, &mut trials[i]);
                (!found.is_empty()).then_some(found)
            });
            own.open.extend(moved.expect("something is left to do while the study runs"));
            continue;
        }
        let number = own.batches.last().map_or(1, |b| b.number + 1);
        let record = batch_record(&plan, &decision, number);
        own.open.retain(|r| !decision.admitted.iter().any(|a| a.key() == r.key()));
        own.batches.push(Batch {
            number,
            settings: plan.settings().clone(),
            admitted: decision.admitted.clone(),
            actions: decision.actions.clone(),
        });
        own.next_number = decision.actions.iter().map(|a| a.number().0 + 1).max().unwrap_or(0).max(own.next_number);
        let status = study.status.get_or_insert_with(StudyStatus::default);
        status.batch = Some(record.clone());
        status.next_trial = own.next_number;
        for index in 0..u32::try_from(record.actions.len()).unwrap() {
            // Written, and applied in part: the history says the same at each point.
            assert_eq!(text(&history(&plan, study, &trials, 0)), text(&own));
            apply(study, &record, index, &mut trials);
        }
        study.status.as_mut().unwrap().applied_batch = number;
    }
}

#[test]
fn played_study_has_the_engines_history() {
    for (scheduler, limits) in [
        (json!({"hyperband": {"reductionFactor": 3}}), json!({"trials": 40})),
        (
            json!({"successiveHalving": {"reductionFactor": 2, "withoutCheckpoint": "RunThrough"}}),
            json!({"trials": 20}),
        ),
        (json!({"none": {}}), json!({"trials": 12})),
        (json!({"hyperband": {"rankBy": "loss"}}), json!({"trials": 40})),
        (json!({"asha": {"rankBy": "val_accuracy"}}), json!({"trials": 40})),
    ] {
        let mut study = study();
        if limits["trials"] == 40 {
            // A bound that a third break; and where rungs rank by a metric, a second objective.
            let bound = json!([{"metric": "loss", "max": 0.7}]);
            study.spec.constraints = serde_json::from_value(bound).unwrap();
            study.spec.record_metrics.clear();
        }
        if scheduler.to_string().contains("rankBy") {
            let loss = json!({"metric": "loss", "goal": "Minimize"});
            study.spec.objectives.push(serde_json::from_value(loss).unwrap());
        }
        study.spec.scheduler = serde_json::from_value(scheduler).unwrap();
        study.spec.limits = serde_json::from_value(limits).unwrap();
        let (plan, trials, own) = play(&mut study);
        assert!(!trials.is_empty());
        assert_eq!(engine::verify::verify(&plan, &history(&plan, &study, &trials, 0)), Vec::new());
        // Everything but the newest batch is read from the trials alone.
        study.status = None;
        let mut shuffled = trials.clone();
        shuffled.reverse();
        assert_eq!(text(&history(&plan, &study, &shuffled, 0)), text(&own));
        // And after a round trip through JSON.
        let again: Vec<Trial> =
            trials.iter().map(|t| serde_json::from_str(&serde_json::to_string(t).unwrap()).unwrap()).collect();
        assert_eq!(text(&history(&plan, &study, &again, 0)), text(&own));
    }
}

/// Written by `trimtab run` before there were several objectives, bounds and violations.
#[test]
fn record_from_before_several_objectives_is_read_whole_and_decided_alike() {
    let record: Value = serde_json::from_str(include_str!("data/one-objective.json")).unwrap();
    let (first, others) = record["items"].as_array().unwrap().split_first().unwrap();
    let study: Study = serde_json::from_value(first.clone()).unwrap();
    let trials: Vec<Trial> = others.iter().map(|trial| serde_json::from_value(trial.clone()).unwrap()).collect();
    // Nothing is lost and nothing comes in by reading.
    let written = |trial: &Trial| serde_json::to_value(trial).unwrap();
    assert_eq!(serde_json::to_value(&study).unwrap()["status"], first["status"]);
    assert_eq!(serde_json::to_value(&study).unwrap()["spec"], first["spec"]);
    for (trial, other) in trials.iter().zip(others) {
        assert_eq!((&written(trial)["spec"], &written(trial)["status"]), (&other["spec"], &other["status"]));
    }
    let plan = validate(&study).unwrap();
    let read = history(&plan, &study, &trials, 0);
    assert_eq!((trials.len(), read.batches.len()), (8, 13));
    assert_eq!(engine::verify::verify(&plan, &read), Vec::new());
    let best = engine::best(&plan, &read).map(|best| (best.number.0, best.value));
    assert_eq!((best, engine::front(&plan, &read, &[])), (Some((7, 0.20104)), None));
}

#[test]
fn a_level_is_known_when_every_metric_that_decides_is() {
    let mut study = study();
    study.spec.constraints = serde_json::from_value(json!([{"metric": "latency_ms", "max": 20}])).unwrap();
    let plan = validate(&study).unwrap();
    let mut trial = Trial::new(
        "digits-0000",
        serde_json::from_value(json!({
            "studyName": "digits", "studyUID": "uid", "number": 0, "parameters": [], "sampler": "random", "bracket": 0,
            "targetLevel": 1, "batches": [],
        }))
        .unwrap(),
    );
    let metric =
        |name: &str, value: &str| json!({"name": name, "last": value, "best": value, "mean": value, "count": 1});
    let mut tell = |metrics: Value| {
        let values = json!([{"level": 1, "metrics": metrics}]);
        trial.status = Some(TrialStatus { values: serde_json::from_value(values).unwrap(), ..TrialStatus::default() });
        results(&plan, &trial)
    };
    assert!(tell(json!([metric("val_accuracy", "0.5")])).is_empty());
    assert!(tell(json!([metric("latency_ms", "NaN")])).is_empty());
    let known = tell(json!([metric("latency_ms", "25"), metric("loss", "1"), metric("val_accuracy", "0.5")]));
    let others = engine::Others(vec![25.0]);
    assert_eq!(known[0].kind, ResultKind::Observed { level: 0, values: engine::Values::once(0.5), others });
}

#[test]
fn actions_come_back_from_their_records() {
    let mut study = study();
    let (plan, trials, own) = play(&mut study);
    for batch in &own.batches {
        let decision = engine::Decision {
            admitted: batch.admitted.clone(),
            actions: batch.actions.clone(),
            verdict: Verdict::Running,
            more: false,
        };
        let record = batch_record(&plan, &decision, batch.number);
        assert_eq!(record.actions, batch.actions.iter().map(|a| action_record(&plan, a)).collect::<Vec<_>>());
        for (index, wanted) in (0..).zip(&batch.actions) {
            assert_eq!(format!("{:?}", action(&plan, &record.actions[index as usize])), format!("{:?}", Some(wanted)));
            let on_trial = trial_batch(&record, index).unwrap();
            assert_eq!(on_trial.header.is_some(), index == 0);
            let spec = &trials.iter().find(|t| t.spec.number == wanted.number().0).unwrap().spec;
            assert_eq!(format!("{:?}", trial_action(&plan, spec, &on_trial)), format!("{:?}", Some(wanted)));
        }
        assert_eq!(trial_batch(&record, u32::MAX), None);
    }
}

#[test]
fn deleted_trial_leaves_a_hole() {
    let mut study = study();
    let (plan, mut trials, own) = play(&mut study);
    let gone = trials.remove(3).spec.number;
    let read = history(&plan, &study, &trials, 5);
    assert_eq!(read.next_number, own.next_number);
    assert_eq!(read.active_seconds, 5);
    let mentions = |batch: &Batch| {
        batch.actions.iter().any(|a| a.number() == TrialNumber(gone))
            || batch.admitted.iter().any(|r| r.number == TrialNumber(gone))
    };
    assert!(own.batches.iter().any(mentions));
    assert!(!read.batches.iter().any(mentions));
    let deleted_last = trials.iter().map(|t| t.spec.number).max().unwrap();
    trials.retain(|t| t.spec.number != deleted_last);
    study.status.as_mut().unwrap().next_trial = deleted_last + 1;
    assert_eq!(history(&plan, &study, &trials, 0).next_number, deleted_last + 1, "a number is never used again");
}

#[test]
fn start_that_is_not_applied_yet_is_history() {
    let mut study = study();
    let plan = validate(&study).unwrap();
    let decision = decide(&plan, &History::default());
    assert_eq!(decision.actions.len(), 4);
    study.status = Some(StudyStatus { batch: Some(batch_record(&plan, &decision, 1)), ..StudyStatus::default() });
    let none: [Trial; 0] = [];
    let read = history(&plan, &study, &none, 0);
    assert_eq!(read.batches.len(), 1);
    assert_eq!(read.batches[0].actions, decision.actions);
    assert_eq!(read.next_number, 4);
    // Once it was applied, a trial that is missing was deleted.
    study.status.as_mut().unwrap().applied_batch = 1;
    assert_eq!(history(&plan, &study, &none, 0).batches, Vec::new());
    assert_eq!(history(&plan, &study, &none, 0).next_number, 4, "a number is never given again");
}

#[test]
fn rests_without_records_are_read_from_the_newest() {
    let mut study = study();
    let (plan, mut trials, _) = play(&mut study);
    let rested = |t: &Trial| {
        results(&plan, t).into_iter().filter(|r| matches!(r.kind, ResultKind::Rested { .. })).collect::<Vec<_>>()
    };
    let trial = trials.iter_mut().find(|t| t.status.as_ref().is_some_and(|s| s.rests.len() > 1)).unwrap();
    let all = rested(trial);
    trial.status.as_mut().unwrap().rests.clear();
    let newest = rested(trial);
    assert_eq!(newest, all[all.len() - 1..]);
    // The older ones were admitted, and stay in the log of what was.
    let number = trial.spec.number;
    let read = history(&plan, &study, &trials, 0);
    let admitted = read.batches.iter().flat_map(|b| &b.admitted).chain(&read.open).filter(|r| r.number.0 == number);
    assert_eq!(admitted.filter(|r| matches!(r.kind, ResultKind::Rested { .. })).count(), all.len());
}

#[test]
fn gradient_is_read_with_the_rest_at_the_top() {
    let text = include_str!("rules/study.yaml").replace("sampler: {random: {}}", "sampler: {gradient: {}}");
    let study: Study = serde_saphyr::from_str(&text).unwrap();
    let plan = validate(&study).unwrap();
    let record = batch_record(&plan, &decide(&plan, &History::default()), 1);
    let mut study = study;
    study.metadata.uid = Some("8a7c6f0e-1b1e-4f43-9d58-000000000001".to_owned());
    let mut trial = trial_from_start(&study, &record, 0).unwrap();
    let metric = |name: &str, text: &str, mean: &str| MetricValues {
        name: name.to_owned(),
        last: text.to_owned(),
        best: text.to_owned(),
        mean: mean.to_owned(),
        count: 2,
    };
    let at = |level| LevelValues {
        level,
        metrics: vec![
            metric("gradient/momentum", "-2.5", "-1"),
            metric("gradient/unknown", "1", "1"),
            metric("val_accuracy", "0.5", "0.5"),
        ],
    };
    let status = trial.status.get_or_insert_default();
    status.values = vec![at(1), at(3), at(9)];
    status.rests = vec![Rest { level: 3, spent: 3 }];
    status.rested_level = Some(3);
    let gradients = |plan: &Plan, trial: &Trial| -> Vec<engine::Gradient> {
        let rests = results(plan, trial).into_iter().filter_map(|result| match result.kind {
            ResultKind::Rested { gradient, .. } => Some(gradient),
            ResultKind::Observed { .. } | ResultKind::Ended { .. } => None,
        });
        rests.collect()
    };
    let none = engine::Gradient::default();
    assert_eq!(gradients(&plan, &trial), std::slice::from_ref(&none), "more may come before it rests at the top");
    let status = trial.status.as_mut().unwrap();
    status.rests.push(Rest { level: 9, spent: 9 });
    status.rested_level = Some(9);
    let nan = f64::NAN;
    assert_eq!(gradients(&plan, &trial), [none.clone(), engine::Gradient(vec![nan, nan, -2.5])]);
    let with = |change: &dyn Fn(&mut Study)| {
        let mut study = study.clone();
        change(&mut study);
        gradients(&validate(&study).unwrap(), &trial).pop().unwrap()
    };
    let of_mean = with(&|study| study.spec.objectives[0].reduce = trimtab_api::study::Reduce::Mean);
    assert_eq!(of_mean, engine::Gradient(vec![nan, nan, -1.0]), "the derivative of a mean");
    assert_eq!(with(&|study| study.spec.sampler = None), none, "nobody asks for it");
}

#[test]
fn trial_is_named_labelled_and_owned() {
    let study = study();
    let plan = validate(&study).unwrap();
    let record = batch_record(&plan, &decide(&plan, &History::default()), 1);
    let trial = serde_json::to_value(trial_from_start(&study, &record, 1).unwrap()).unwrap();
    assert_eq!(trial["metadata"]["name"], "digits-0001");
    assert_eq!(trial["metadata"]["namespace"], "default");
    assert_eq!(
        trial["metadata"]["labels"],
        json!({"trimtab.dev/study": "digits", "trimtab.dev/study-uid": study.metadata.uid, "app.kubernetes.io/managed-by": "trimtab"})
    );
    assert_eq!(
        trial["metadata"]["ownerReferences"],
        json!([{
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "name": "digits", "uid": study.metadata.uid,
            "controller": true, "blockOwnerDeletion": true
        }])
    );
    assert_eq!(trial["spec"]["batches"].as_array().map(Vec::len), Some(1));
    assert_eq!(trial["spec"]["batches"][0].get("header"), None, "only a batch's first action carries what it saw");
    assert_eq!(trial_from_start(&study, &record, 99), None);
}

#[test]
fn stopped_trial_is_told_the_numbers() {
    let mut study = study();
    let (_, trials, _) = play(&mut study);
    let stopped = trials.iter().filter_map(|t| t.spec.stop.as_ref()).find(|s| s.reason == "RungLost").unwrap();
    assert!(stopped.message.starts_with("ranked ") && stopped.message.contains(" at epoch "), "{}", stopped.message);
}

#[test]
fn trials_of_others_are_not_read() {
    let mut study = study();
    let (plan, mut trials, own) = play(&mut study);
    let mut foreign = trials[0].clone();
    foreign.metadata.name = Some("digits-9999".to_owned());
    trials.push(foreign);
    let mut earlier = trials[1].clone();
    earlier.spec.study_uid = "another".to_owned();
    earlier.spec.number = 5000;
    earlier.metadata.name = Some("digits-5000".to_owned());
    trials.push(earlier);
    assert_eq!(text(&history(&plan, &study, &trials, 0)), text(&own));
}

/// What somebody with the right to write statuses might put into one.
fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(0)),
        Just(json!(1)),
        Just(json!(4_294_967_295_u64)),
        Just(json!(9_007_199_254_740_991_u64)),
        Just(json!("NaN")),
        Just(json!("-1e999")),
        Just(json!("o0:0-4000000000")),
        Just(json!("o99:1;r0:0;e:0-199999")),
        Just(json!("")),
        Just(json!("Stop")),
        Just(json!("Continue")),
        Just(json!("val_accuracy")),
        Just(Value::Null),
        any::<u32>().prop_map(|n| json!(n)),
        ".{0,8}".prop_map(|t| json!(t)),
    ];
    leaf
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(k, v)| places(v, &format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| places(v, &format!("{at}/{i}"), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn hostile_objects_are_survived(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), hostile()), 1..12)) {
        thread_local! {
            static PLAYED: (Study, Plan, Vec<Trial>) = {
                let mut study = study();
                let (plan, trials, _) = play(&mut study);
                (study, plan, trials)
            };
        }
        PLAYED.with(|(study, plan, trials)| {
            let mut study_value = serde_json::to_value(study).unwrap();
            let mut values: Vec<Value> = trials.iter().map(|t| serde_json::to_value(t).unwrap()).collect();
            for (which, place, value) in changes {
                let target = which.index(values.len() + 1);
                let target = if target == values.len() { &mut study_value } else { &mut values[target] };
                let mut found = Vec::new();
                places(target, "", &mut found);
                found.retain(|p| p.starts_with("/status/") || p.starts_with("/spec/batches/") || p.starts_with("/spec/parameters/"));
                if !found.is_empty()
                    && let Some(target) = target.pointer_mut(&found[place.index(found.len())])
                {
                    *target = value;
                }
            }
            // What cannot be read at all never gets this far.
            let study = serde_json::from_value(study_value).unwrap_or_else(|_| study.clone());
            let trials: Vec<Trial> = values.into_iter().filter_map(|v| serde_json::from_value(v).ok()).collect();
            for trial in &trials {
                let _ = results(plan, trial);
            }
            let read = history(plan, &study, &trials, 0);
            let _ = decide(plan, &read);
            let mut admitted: Vec<_> = read.batches.iter().flat_map(|b| &b.admitted).chain(&read.open).map(TrialResult::key).collect();
            let all = admitted.len();
            admitted.sort_unstable();
            admitted.dedup();
            assert_eq!(admitted.len(), all, "nothing is evidence twice");
        });
    }
}

#[test]
fn parameters_that_the_space_lacks_make_no_start() {
    let mut study = study();
    let (plan, mut trials, _) = play(&mut study);
    trials[0].spec.parameters.push(ParameterValue { name: "unknown".to_owned(), value: "1".to_owned() });
    let number = trials[0].spec.number;
    study.status = None;
    let read = history(&plan, &study, &trials, 0);
    assert!(
        !read
            .batches
            .iter()
            .flat_map(|b| &b.actions)
            .any(|a| matches!(a, engine::Action::Start { number: n, .. } if n.0 == number))
    );
}

#[test]
fn note_of_a_start_comes_back_from_batch_and_trial() {
    let mut study = study();
    study.status = Some(StudyStatus::default());
    let plan = validate(&study).unwrap();
    let mut decision = decide(&plan, &History::default());
    let engine::Action::Start { note, .. } = &mut decision.actions[0] else { panic!("a start") };
    *note = engine::Note {
        tag: Some("g1 0.5 -0.25".to_owned()),
        parents: vec![TrialNumber(4), TrialNumber(2)],
        fallback: Some("random".to_owned()),
    };
    let record = batch_record(&plan, &decision, 1);
    assert_eq!(action(&plan, &record.actions[0]).as_ref(), Some(&decision.actions[0]));
    let trial = trial_from_start(&study, &record, 0).unwrap();
    assert_eq!(trial_action(&plan, &trial.spec, &trial.spec.batches[0]).as_ref(), Some(&decision.actions[0]));
}
