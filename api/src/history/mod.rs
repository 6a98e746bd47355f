//! From a Study and its Trials to the engine's history, and from its decisions to what is written.
//!
//! Levels are fidelities in the API and indices into [`Plan::levels`] in the engine; numbers are text in the API. What
//! is read back from the cluster is taken as hostile: what makes no sense is skipped and never a panic.

mod kept;
mod record;
mod trials;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use trimtab_engine::{
    self as engine, Action, Batch, History, Plan, ResultKey, ResultKind, TrialNumber, TrialResult, admitted, number,
};

use crate::names;
use crate::plan::settings;
use crate::study::{ActionKind, ActionRecord, GRADIENT, SettingsRecord, Study};
use crate::trial::{LevelValues, OutcomeKind, Trial, TrialStatus};
use crate::warm;
use crate::whole;

pub use kept::Kept;
pub use record::{action, action_record, batch_record, trial_action, trial_batch};
pub use trials::{apply_to_trial, sentence, trial_from_start};

/// What is known of a trial, from its status.
#[must_use]
pub fn results(plan: &Plan, trial: &Trial) -> Vec<TrialResult> {
    let Some(status) = &trial.status else { return Vec::new() };
    let number = TrialNumber(trial.spec.number);
    let observed = observed(plan, status);
    let rested = rests(plan, status).into_iter().map(|(level, spent)| {
        let gradient = if level == plan.top_level() { gradient(plan, status) } else { engine::Gradient::default() };
        ResultKind::Rested { level, spent, gradient }
    });
    let ended = status.outcome.as_ref().map(|outcome| ResultKind::Ended {
        outcome: match outcome.kind {
            OutcomeKind::Failed => engine::Outcome::Failed,
            OutcomeKind::Lost => engine::Outcome::Lost,
            OutcomeKind::Stopped => engine::Outcome::Stopped,
        },
        spent: status.spent_fidelity,
    });
    let mut seen = BTreeSet::new();
    observed
        .chain(rested)
        .chain(ended)
        .map(|kind| TrialResult { number, kind })
        // A level that is listed twice was written once and tampered with after: the first stands.
        .filter(|result| seen.insert(result.key()))
        .collect()
}

/// What a trial has reported at the levels of a plan, which may be another study's than its own.
pub(crate) fn observed<'a>(plan: &'a Plan, status: &'a TrialStatus) -> impl Iterator<Item = ResultKind> + 'a {
    status.values.iter().filter_map(move |at| {
        // A level is known when every metric that decides has its values there.
        let seen = |name: &str| Some(whole::seen(plan, values(at, name)?));
        let mut known = plan.spec().decisive().map(|(name, reduce)| Some((seen(name)?, reduce)));
        let (first, _) = known.next()??;
        let others = known.map(|known| known.map(|(values, reduce)| reduce.of(&values))).collect::<Option<_>>()?;
        let level = level_index(plan, at.level)?;
        Some(ResultKind::Observed { level, values: first, others: engine::Others(others) })
    })
}

/// The gradient that a trial has reported at the highest level, where the study follows it. Once the trial rests there, nothing
/// more of it comes.
fn gradient(plan: &Plan, status: &TrialStatus) -> engine::Gradient {
    let top = plan.fidelity(plan.top_level());
    let at = status.values.iter().find(|at| at.level == top);
    let Some(at) = at.filter(|_| plan.spec().sampler == engine::Sampler::Gradient) else { return Default::default() };
    let derivative = |parameter: &engine::Parameter| {
        let values = whole::seen(plan, values(at, &format!("{GRADIENT}{}", parameter.name))?);
        // The derivative of a mean is the mean of the derivatives; of the best value none is known but the last.
        Some(if plan.spec().objective.reduce == engine::Reduce::Mean { values.mean } else { values.last })
    };
    let all: Vec<Option<f64>> = plan.spec().space.parameters.iter().map(derivative).collect();
    if all.iter().all(Option::is_none) {
        return engine::Gradient::default();
    }
    engine::Gradient(all.into_iter().map(|derivative| derivative.unwrap_or(f64::NAN)).collect())
}

/// A metric's values at a level.
pub(crate) fn values(at: &LevelValues, name: &str) -> Option<engine::Values> {
    let values = at.metrics.iter().find(|m| m.name == name)?;
    Some(engine::Values {
        last: number::parse(&values.last)?,
        best: number::parse(&values.best)?,
        mean: number::parse(&values.mean)?,
        count: values.count,
    })
}

/// The levels at which runs ended in order, and what had been paid by then.
fn rests(plan: &Plan, status: &TrialStatus) -> Vec<(usize, u64)> {
    let mut rests: Vec<_> = status.rests.iter().filter_map(|r| Some((level_index(plan, r.level)?, r.spent))).collect();
    let newest = status.rested_level.and_then(|level| level_index(plan, level));
    if let Some(newest) = newest
        && rests.iter().all(|(level, _)| *level != newest)
    {
        rests.push((newest, status.spent_fidelity));
    }
    rests
}

/// A fidelity's place among the plan's levels.
fn level_index(plan: &Plan, fidelity: u32) -> Option<usize> {
    plan.levels().iter().position(|&level| level == fidelity)
}

/// A batch as it is put together from the trials.
#[derive(Default)]
struct Pieces {
    settings: Option<SettingsRecord>,
    admitted: String,
    actions: BTreeMap<u32, Action>,
}

/// The history of a study: its batches from the specs of its trials and from its own status, and the results that no
/// batch has admitted. Trials that belong to another study, or do not bear the name of their number, are ignored. What was used of
/// resources is for the caller to add: see [`crate::resources`].
#[must_use]
pub fn history<T: Borrow<Trial>>(plan: &Plan, study: &Study, trials: &[T], active_seconds: u64) -> History {
    let trials: BTreeMap<u32, &Trial> = trials
        .iter()
        .map(Borrow::borrow)
        .filter(|trial| belongs(study, trial))
        .map(|trial| (trial.spec.number, trial))
        .collect();
    let mut known: BTreeMap<ResultKey, TrialResult> =
        trials.values().flat_map(|trial| results(plan, trial)).map(|result| (result.key(), result)).collect();

    let mut batches: BTreeMap<u64, Pieces> = BTreeMap::new();
    for trial in trials.values() {
        for batch in &trial.spec.batches {
            let pieces = batches.entry(batch.number).or_default();
            if let Some(action) = trial_action(plan, &trial.spec, batch) {
                pieces.actions.insert(batch.index, action);
            }
            if let Some(header) = &batch.header {
                pieces.settings = Some(header.settings.clone());
                pieces.admitted.clone_from(&header.admitted);
            }
        }
    }
    let status = study.status.as_ref();
    if let Some(record) = status.and_then(|s| s.batch.as_ref()) {
        let applied = status.is_some_and(|s| s.applied_batch >= record.number);
        let present = |action: &ActionRecord| {
            trials.contains_key(&action.trial) || (!applied && action.action == ActionKind::Start)
        };
        let actions =
            (0..).zip(&record.actions).filter(|(_, a)| present(a)).filter_map(|(i, a)| Some((i, action(plan, a)?)));
        let pieces = Pieces {
            settings: Some(record.settings.clone()),
            admitted: record.admitted.clone(),
            actions: actions.collect(),
        };
        batches.insert(record.number, pieces);
    }
    batches.retain(|_, pieces| !pieces.actions.is_empty());

    let batches: Vec<Batch> = batches
        .into_iter()
        .map(|(number, pieces)| {
            // A text that cannot be read admits nothing: its results are open, and a later batch admits them.
            let mut keys = admitted::decode(&pieces.admitted).unwrap_or_default();
            keys.sort_unstable();
            Batch {
                number,
                settings: pieces.settings.as_ref().map_or_else(|| plan.settings().clone(), settings),
                // Removed as they are admitted, so that nothing is evidence twice.
                admitted: keys
                    .iter()
                    .filter_map(|key| known.remove(key).or_else(|| lower_rest(plan, &trials, key)))
                    .collect(),
                actions: pieces.actions.into_values().collect(),
            }
        })
        .collect();

    // Also of starts whose trials were deleted since: a number is never given again.
    let started = status.and_then(|s| s.batch.as_ref()).into_iter().flat_map(|b| &b.actions).map(|a| a.trial);
    let highest = started.chain(trials.keys().copied()).max();
    let next = highest.map_or(0, |n| n.saturating_add(1)).max(status.map_or(0, |s| s.next_trial));
    let copied = status.and_then(|status| status.warm_start.as_ref());
    History {
        imported: copied.map(|copied| warm::evidence(plan, copied)).unwrap_or_default(),
        batches,
        open: known.into_values().collect(),
        next_number: next,
        active_seconds,
        resource_hours: Vec::new(),
    }
}

fn belongs(study: &Study, trial: &Trial) -> bool {
    study.metadata.uid.as_deref().is_none_or(|uid| uid == trial.spec.study_uid)
        && trial.name_any() == names::trial(&study.name_any(), trial.spec.number)
}

/// An admitted rest below the newest one that is known. What had been paid by then is at most what has been paid now,
/// and at least the level where no run was resumed from a donor.
fn lower_rest(plan: &Plan, trials: &BTreeMap<u32, &Trial>, key: &ResultKey) -> Option<TrialResult> {
    let ResultKey::Rested(level, number) = *key else { return None };
    let status = trials.get(&number.0)?.status.as_ref()?;
    let newest = level_index(plan, status.rested_level?)?;
    let known = rests(plan, status).iter().any(|(l, _)| *l == level);
    let fidelity = plan.levels().get(level).copied()?;
    (level < newest && !known).then_some(TrialResult {
        number,
        kind: ResultKind::rested(level, u64::from(fidelity).min(status.spent_fidelity)),
    })
}
