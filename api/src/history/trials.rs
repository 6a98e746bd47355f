//! What a batch makes of Trials: new ones, and changes of old ones.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};
use trimtab_engine as engine;

use super::trial_batch;
use crate::names;
use crate::study::{ActionKind, ActionRecord, BatchRecord, Study};
use crate::trial::{StopRequest, Trial, TrialSpec};

/// The Trial that a `Start` makes. `None` when the action is no start, or the Study has no name or UID yet.
#[must_use]
pub fn trial_from_start(study: &Study, batch: &BatchRecord, index: u32) -> Option<Trial> {
    let record = batch.actions.get(usize::try_from(index).ok()?).filter(|a| a.action == ActionKind::Start)?;
    let owner = OwnerReference { block_owner_deletion: Some(true), ..study.controller_owner_ref(&())? };
    let (name, uid) = (owner.name.clone(), owner.uid.clone());
    let spec = TrialSpec {
        study_name: name.clone(),
        study_uid: uid.clone(),
        number: record.trial,
        parameters: record.parameters.clone(),
        sampler: record.sampler.clone()?,
        fallback: record.fallback.clone(),
        parents: record.parents.clone(),
        tag: record.tag.clone(),
        from: record.from.clone(),
        bracket: record.bracket?,
        target_level: record.level?,
        cleared_level: None,
        suspend: study.spec.suspend,
        stop: None,
        batches: vec![trial_batch(batch, index)?],
    };
    let mut trial = Trial::new(&names::trial(&name, record.trial), spec);
    trial.metadata.namespace = study.namespace();
    trial.metadata.owner_references = Some(vec![owner]);
    trial.metadata.labels = Some(BTreeMap::from([
        (names::STUDY_LABEL.to_owned(), name),
        (names::STUDY_UID_LABEL.to_owned(), uid),
        (names::MANAGED_BY_LABEL.to_owned(), names::MANAGER.to_owned()),
    ]));
    Some(trial)
}

/// What a `Continue` or `Stop` makes of its Trial's spec. `None` when the action is on it already, is a start, or is
/// about another trial.
#[must_use]
pub fn apply_to_trial(study: &Study, batch: &BatchRecord, index: u32, trial: &Trial) -> Option<TrialSpec> {
    let record = batch.actions.get(usize::try_from(index).ok()?)?;
    let held = trial.spec.batches.iter().any(|b| b.number == batch.number && b.index == index);
    if held || record.trial != trial.spec.number {
        return None;
    }
    let mut spec = trial.spec.clone();
    match record.action {
        ActionKind::Start => return None,
        ActionKind::Continue => {
            spec.target_level = spec.target_level.max(record.level?);
            spec.cleared_level = spec.cleared_level.max(record.cleared);
        }
        ActionKind::Stop => {
            // The schema never lets a stop be changed, so the first one stands.
            spec.stop
                .get_or_insert_with(|| StopRequest { reason: record.reason.clone(), message: sentence(study, record) });
        }
    }
    spec.batches.push(trial_batch(batch, index)?);
    Some(spec)
}

/// Whether rungs rank by non-domination.
fn ranks_by_fronts(study: &Study) -> bool {
    let names = study.spec.scheduler.as_ref().is_some_and(|scheduler| scheduler.rank_by().is_some());
    study.spec.objectives.len() > 1 && !names
}

/// A sentence for people, such as "ranked 5 of 9 at epoch 1, 3 pass: 0.71, cutoff 0.84". What a stopping rule compared is
/// told in the rule's own words.
#[must_use]
pub fn sentence(study: &Study, record: &ActionRecord) -> String {
    let unit = study.spec.fidelity.as_ref().map_or("fidelity", |f| f.unit.as_str());
    if let Some(from) = &record.from {
        return format!("a copy of trial {} at {unit} {}", from.trial, from.level);
    }
    let Some(compared) = &record.compared else { return record.reason.clone() };
    let (rank, of, level, kept) = (compared.rank, compared.of, compared.level, compared.kept);
    let (value, cutoff) = (&compared.value, &compared.cutoff);
    let others = of.saturating_sub(1);
    match engine::Reason::parse(&record.reason) {
        Some(engine::Reason::WorseThanMedian) => {
            return format!(
                "best {value} up to {unit} {level}; the median average of {others} completed trials is {cutoff}"
            );
        }
        Some(engine::Reason::WorseThanPercentile) => {
            return format!(
                "best {value} up to {unit} {level}; the best {kept} of {others} completed trials have {cutoff} there"
            );
        }
        Some(engine::Reason::NoImprovement) => {
            return format!("best {value} up to {unit} {level}; {cutoff} was to be bettered");
        }
        Some(engine::Reason::Evaluated) if of == 1 => {
            return format!("{value} at {unit} {level}, for which it was made; it is the first in its place");
        }
        Some(engine::Reason::Evaluated) => {
            let becomes = if rank == 1 { "it takes its place from" } else { "its place stays with" };
            return format!("{value} at {unit} {level}, for which it was made; {becomes} {cutoff}");
        }
        Some(engine::Reason::BeyondThreshold) => return format!("{value} at {unit} {level}; the bound is {cutoff}"),
        _ => {}
    }
    let front = if ranks_by_fronts(study) { "front " } else { "" };
    let ranked =
        format!("ranked {rank} of {of} at {unit} {level}, {kept} pass: {front}{value}, cutoff {front}{cutoff}");
    let ranked = match &compared.violation {
        Some(violation) => format!("{ranked}; it breaks the constraints by {violation} of their bounds"),
        None => ranked,
    };
    if record.reason == engine::Reason::Audited.as_str() {
        return format!("{ranked}; it is audited, and runs to the end to show what stopping the others misses");
    }
    ranked
}
