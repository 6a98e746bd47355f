//! Studies that were played to their end, as a cluster would have written them down.

use jiff::Timestamp;
use serde_json::{Value, json};
use trimtab_api::conditions;
use trimtab_api::history::{apply_to_trial, batch_record, history, trial_from_start};
use trimtab_api::study::StudyStatus;
use trimtab_api::trial::{LevelValues, MetricValues, Outcome, OutcomeKind, Rest, TrialStatus};
use trimtab_api::{Study, Trial, manifest, validate};
use trimtab_engine::{Plan, Verdict, best, decide, number};

/// A study and its trials.
pub(crate) struct Played {
    pub(crate) study: Study,
    pub(crate) trials: Vec<Trial>,
}

/// A value that differs by trial; one in eleven is NaN.
fn value(number: u32, fidelity: u32) -> f64 {
    if number % 11 == 7 { f64::NAN } else { f64::from(number * 7919 % 101) / 101.0 + f64::from(fidelity) / 1000.0 }
}

/// Lets a trial come to what its spec says; says whether anything came of it.
fn advance(plan: &Plan, trial: &mut Trial) -> bool {
    let spec = trial.spec.clone();
    let status = trial.status.get_or_insert_with(TrialStatus::default);
    let outcome = |kind, reason: &str, message: &str| {
        Some(Outcome { kind, reason: reason.to_owned(), message: message.to_owned() })
    };
    if status.outcome.is_some() {
        return false;
    }
    if let Some(stop) = &spec.stop {
        status.outcome = outcome(OutcomeKind::Stopped, "StoppedByStudy", &stop.message);
        status.state = Some("Stopped".to_owned());
    } else if spec.number % 13 == 5 {
        status.outcome = outcome(OutcomeKind::Failed, "ExitCode", "the container exited with 3");
        status.state = Some("Failed".to_owned());
    } else if status.rested_level < Some(spec.target_level) {
        let start = status.rested_level.unwrap_or(0);
        for &level in plan.levels().iter().filter(|&&l| l <= spec.target_level && l > start) {
            // Every metric that decides has an order of its own.
            let metric = |(place, (name, _)): (u32, (&str, _))| {
                let text = number::to_text(value(spec.number + 29 * place, level));
                MetricValues { name: name.to_owned(), last: text.clone(), best: text.clone(), mean: text, count: level }
            };
            let metrics = (0..).zip(plan.spec().decisive()).map(metric).collect();
            status.values.push(LevelValues { level, metrics });
        }
        status.spent_fidelity += u64::from(spec.target_level - start);
        status.rested_level = Some(spec.target_level);
        status.rests.push(Rest { level: spec.target_level, spent: status.spent_fidelity });
        let is_top = Some(&spec.target_level) == plan.levels().last();
        status.state = Some(if is_top { "Complete" } else { "Paused" }.to_owned());
        let number = u32::try_from(status.runs.len()).unwrap() + 1;
        let run = json!({
            "number": number, "targetLevel": spec.target_level, "start": start.to_string(), "reached": spec.target_level.to_string(),
            "end": {"reason": "Reached", "exitCode": 0, "time": "2026-01-01T00:00:00Z", "seconds": 40},
        });
        status.runs.push(serde_json::from_value(run).unwrap());
    } else {
        return false;
    }
    true
}

/// Plays the valid study of the test data, with at most 9 epochs, until it ends or this many turns were taken.
pub(crate) fn play(turns: usize) -> Played {
    play_of(&include_str!("data/valid.yaml").replace("max: 27", "max: 9"), turns)
}

/// The same of another Study.
pub(crate) fn play_of(study: &str, turns: usize) -> Played {
    let mut study = manifest::parse_study(study).unwrap();
    study.metadata.uid = Some("8a7c6f0e-1b1e-4f43-9d58-000000000001".to_owned());
    study.metadata.generation = Some(1);
    study.status = Some(StudyStatus::default());
    let plan = validate(&study).unwrap();
    let mut trials: Vec<Trial> = Vec::new();
    let mut verdict = Verdict::Running;
    for turn in 0..turns {
        let decision = decide(&plan, &history(&plan, &study, &trials, 0));
        verdict = decision.verdict;
        if !decision.actions.is_empty() {
            let number = study.status.as_ref().and_then(|s| s.batch.as_ref()).map_or(1, |b| b.number + 1);
            let record = batch_record(&plan, &decision, number);
            for (index, action) in (0..).zip(&record.actions) {
                match trial_from_start(&study, &record, index) {
                    Some(trial) => trials.push(trial),
                    None => {
                        let trial = trials.iter_mut().find(|t| t.spec.number == action.trial).unwrap();
                        trial.spec = apply_to_trial(&study, &record, index, trial).unwrap();
                    }
                }
            }
            let status = study.status.as_mut().unwrap();
            status.next_trial = trials.iter().map(|t| t.spec.number + 1).max().unwrap();
            status.batch = Some(record);
            status.applied_batch = number;
        } else if verdict != Verdict::Running {
            break;
        } else {
            // One trial at a time, so that batches see partial rungs.
            let count = trials.len();
            let mut order = (0..count).map(|i| (i * 5 + turn) % count).chain(0..count);
            let moved = order.any(|i| advance(&plan, &mut trials[i]));
            assert!(moved, "the study runs and nothing is left to do");
        }
    }
    let log = history(&plan, &study, &trials, 0);
    let best = best(&plan, &log);
    let is_complete = verdict != Verdict::Running;
    let status = study.status.as_mut().unwrap();
    status.state = Some(if is_complete { "Complete" } else { "Running" }.to_owned());
    status.progress = Some("12/22".to_owned());
    conditions::set(
        &mut status.conditions,
        "Complete",
        is_complete,
        "BracketsDone",
        "the study has its answer in `status.best`",
        1,
        Timestamp::UNIX_EPOCH,
    );
    status.best = best.map(|best| {
        let trial = trials.iter().find(|t| t.spec.number == best.number.0).unwrap();
        serde_json::from_value(json!({
            "trialName": trial.metadata.name, "number": best.number.0, "level": plan.fidelity(best.level),
            "value": number::to_text(best.value), "parameters": trial.spec.parameters,
        }))
        .unwrap()
    });
    Played { study, trials }
}

impl Played {
    /// As `kubectl get studies,trials -o json` writes it.
    pub(crate) fn list(&self) -> Value {
        let study = serde_json::to_value(&self.study).unwrap();
        let trials = self.trials.iter().rev().map(|trial| serde_json::to_value(trial).unwrap());
        json!({"apiVersion": "v1", "kind": "List", "items": std::iter::once(study).chain(trials).collect::<Vec<_>>()})
    }

    /// As a file.
    pub(crate) fn file(&self, name: &str) -> String {
        crate::scratch(name, &serde_json::to_string_pretty(&self.list()).unwrap())
    }
}
