//! Copies of population based training: which run of its donor a copy begins from, and how long that run's folder is kept. Pure: the
//! operator and the local mode share it.
//!
//! What it must keep true: a folder that a copy begins from is there until the copy has a checkpoint of its own or has ended; and the
//! folder of a run that may still be copied is there until the next generation is whole or judged.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use trimtab_engine::{Plan, Scheduler, VerdictReason};

use crate::conditions::study as condition;
use crate::ending::{rested_run, resume_from};
use crate::study::{BatchRecord, Study};
use crate::trial::{Trial, TrialStatus};

/// Puts into a batch's starts from which run each copy begins. `status` is what is known of a trial.
///
/// It is on record with the decision, so that neither a donor that runs on nor one that is deleted changes it.
pub fn name_runs<'t>(batch: &mut BatchRecord, status: impl Fn(u32) -> Option<&'t TrialStatus>) {
    for from in batch.actions.iter_mut().filter_map(|action| action.from.as_mut()) {
        // Of a trial whose folders are gone nothing can be loaded: its copy begins from zero.
        let kept = status(from.trial).filter(|status| !status.cleaned);
        let run = kept.and_then(|status| rested_run(&status.runs, from.level));
        (from.run, from.start) = run.unzip();
    }
}

/// Whether nobody of a study will be copied any more, whatever is raised.
#[must_use]
pub fn is_over(study: &Study) -> bool {
    let held = study.status.iter().flat_map(|status| &status.conditions).filter(|held| held.status == "True");
    held.into_iter().any(|held| match held.type_.as_str() {
        condition::COMPLETE => held.reason == VerdictReason::BracketsDone.as_str(),
        condition::FAILED => true,
        _ => false,
    })
}

/// The runs of a trial whose folders copies begin from, or may yet begin from. `trials` are all of the study, and `is_over` says that
/// nobody will be copied any more.
#[must_use]
pub fn needed<T: Borrow<Trial>>(plan: &Plan, trials: &[T], number: u32, is_over: bool) -> BTreeSet<u32> {
    let Scheduler::PopulationBased { population, .. } = plan.spec().scheduler else { return BTreeSet::new() };
    let begins = |trial: &Trial| {
        let from = trial.spec.from.as_ref().filter(|from| from.trial == number)?;
        let has_begun = trial.status.as_ref().is_some_and(|status| {
            status.outcome.is_some() || status.rested_level.is_some() || resume_from(&status.runs).is_some()
        });
        from.run.filter(|_| !has_begun)
    };
    let mut needed: BTreeSet<u32> = trials.iter().filter_map(|trial| begins(trial.borrow())).collect();
    let own = trials.iter().map(Borrow::<Trial>::borrow).find(|trial| trial.spec.number == number);
    let Some(status) = own.and_then(|trial| trial.status.as_ref()).filter(|_| !is_over) else { return needed };
    for levels in plan.levels().windows(2) {
        let &[level, next] = levels else { continue };
        let came = trials.iter().filter(|trial| Borrow::<Trial>::borrow(*trial).spec.target_level >= next).count();
        let is_past = trials.iter().any(|trial| Borrow::<Trial>::borrow(trial).spec.target_level > next);
        // Whoever is sent further shows that the generation is judged, and takes nobody in any more.
        if came < population as usize && !is_past {
            needed.extend(rested_run(&status.runs, level).map(|(run, _)| run));
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::study::{ActionKind, ActionRecord, Origin, SettingsRecord};

    fn study() -> Study {
        let study = json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s", "uid": "u"},
            "spec": {
                "objectives": [{"metric": "val", "goal": "Maximize"}],
                "parameters": [{"name": "x", "float": {"min": 0.0, "max": 1.0}}],
                "fidelity": {"unit": "epoch", "min": 1, "max": 3},
                "scheduler": {"populationBased": {"population": 2, "interval": 1}},
                "trial": {
                    "checkpoint": {"claimName": "c"},
                    "job": {"spec": {"template": {"spec": {"containers": [{"name": "train", "image": "i"}]}}}}
                },
            },
        });
        serde_json::from_value(study).unwrap()
    }

    /// A trial whose runs ended at these levels, each in order.
    fn trial(number: u32, target: u32, rests: &[u32], from: Option<(u32, u32, u32)>) -> Trial {
        let run = |(at, level): (usize, &u32)| {
            json!({
                "number": at + 1, "targetLevel": level, "start": "0", "reached": level.to_string(),
                "end": {"reason": "Reached", "time": "2026-11-23T08:00:00Z", "seconds": 1, "gone": true},
            })
        };
        let runs: Vec<serde_json::Value> = rests.iter().enumerate().map(run).collect();
        let mut made = json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Trial", "metadata": {"name": format!("s-{number}")},
            "spec": {
                "studyName": "s", "studyUID": "u", "number": number, "sampler": "random", "bracket": 0,
                "targetLevel": target, "batches": [],
            },
            "status": {"runs": runs, "nextRun": rests.len() + 1, "restedLevel": rests.last()},
        });
        if let Some((trial, level, run)) = from {
            made["spec"]["from"] = json!({"trial": trial, "level": level, "run": run, "start": level.to_string()});
        }
        serde_json::from_value(made).unwrap()
    }

    #[test]
    fn a_folder_is_kept_until_nobody_begins_from_it() {
        let plan = crate::validate(&study()).unwrap();
        let kept =
            |trials: &[Trial], number: u32| -> Vec<u32> { needed(&plan, trials, number, false).into_iter().collect() };
        // Both rest at the lowest level: any of them may be copied.
        let mut trials = vec![trial(0, 1, &[1], None), trial(1, 1, &[1], None)];
        assert_eq!((kept(&trials, 0), kept(&trials, 1)), (vec![1], vec![1]));
        // One goes on and its copy is still to come.
        trials[0] = trial(0, 2, &[1], None);
        assert_eq!(kept(&trials, 0), [1]);
        // The copy is there and has no checkpoint yet, even though its donor is done with the next level.
        trials[0] = trial(0, 2, &[1, 2], None);
        trials.push(trial(2, 2, &[], Some((0, 1, 1))));
        assert_eq!((kept(&trials, 0), kept(&trials, 1)), (vec![1, 2], vec![]));
        // It has: what may be copied now is the next level.
        trials[2] = trial(2, 2, &[2], Some((0, 1, 1)));
        assert_eq!((kept(&trials, 0), kept(&trials, 2)), (vec![2], vec![1]));
        // Where a member was removed, what is beyond the next level tells that nobody comes any more.
        let removed = [trial(0, 3, &[1, 2], None)];
        assert_eq!(kept(&removed, 0), [2]);
        assert_eq!(needed(&plan, &removed, 0, true), BTreeSet::new());
        // At the highest level nobody is copied.
        let done = [trial(0, 3, &[1, 2, 3], None), trial(2, 3, &[2, 3], Some((0, 1, 1)))];
        assert_eq!(kept(&done, 0), [0; 0]);
    }

    #[test]
    fn a_copy_is_told_the_run_that_ended_at_its_donors_level() {
        let donor = trial(0, 3, &[1, 2], None);
        let start = |trial: u32, level: u32| ActionRecord {
            trial: 9,
            action: ActionKind::Start,
            reason: "NewTrial".to_owned(),
            level: Some(level + 1),
            cleared: None,
            compared: None,
            bracket: Some(0),
            sampler: Some("populationBased".to_owned()),
            parameters: Vec::new(),
            fallback: None,
            parents: vec![trial],
            tag: None,
            from: Some(Origin { trial, level, run: None, start: None }),
        };
        let settings: SettingsRecord = serde_json::from_value(json!({"parallelism": 1})).unwrap();
        let actions = vec![start(0, 1), start(0, 2), start(7, 1)];
        let mut batch = BatchRecord { number: 1, settings, admitted: String::new(), actions };
        name_runs(&mut batch, |number| donor.status.as_ref().filter(|_| number == 0));
        let told: Vec<_> = batch.actions.iter().map(|action| action.from.clone().unwrap()).collect();
        let told: Vec<_> = told.iter().map(|from| (from.run, from.start.as_deref())).collect();
        assert_eq!(told, [(Some(1), Some("1")), (Some(2), Some("2")), (None, None)]);
    }
}
