//! Takes a Study from the cache, returns it with its Trials, or says that the cache is behind. Reads live only to learn
//! whether an action of the newest batch is missing because the cache is late or because the Trial is gone.
//!
//! What it must keep true: nothing is decided on a view that lacks an action already taken. A watch delivers the changes of
//! one kind in order, so a cache that shows every action of the newest batch shows everything before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt;
use trimtab_api::study::{ActionKind, BatchRecord};
use trimtab_api::{FieldError, Study, Trial, names};
use trimtab_engine::Plan;

use super::warm::{self, Warm};
use crate::context::Context;
use crate::error::Error;
use crate::read;

/// A Study as the controllers know it now.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) study: Arc<Study>,
    pub(crate) uid: String,
    pub(crate) namespace: String,
    pub(crate) plan: Result<Arc<Plan>, Arc<Vec<FieldError>>>,
    /// The Study's Trials by number: those whose owner, name and spec agree.
    pub(crate) trials: BTreeMap<u32, Arc<Trial>>,
    /// Actions of the newest batch, by index, that are still to be carried out.
    pub(crate) unapplied: Vec<u32>,
    /// A Trial that is not this Study's and has the name of one that the newest batch starts.
    pub(crate) foreign: Option<String>,
    /// Trials that cannot be decoded: name and error. While there is one, nothing is decided.
    pub(crate) broken: Vec<(String, String)>,
    /// What is to be learned from an earlier Study.
    pub(crate) warm: Warm,
}

/// What an observation comes to.
#[derive(Debug)]
pub(crate) enum Observed {
    /// Enough is known.
    Ready(Box<Seen>),
    /// The cache does not show what was already done: look again soon.
    Behind,
    /// The Study is being deleted; the garbage collector does the rest.
    Leaving,
}

/// Whether a Trial belongs to the Study: by owner reference, not by what the Trial says of itself.
pub(crate) fn belongs(trial: &Trial, study: &str, uid: &str) -> bool {
    let owned = trial.owner_references().iter().any(|o| o.controller == Some(true) && o.uid == uid);
    owned
        && trial.spec.study_uid == uid
        && trial.spec.study_name == study
        && trial.name_any() == names::trial(study, trial.spec.number)
}

fn is_start(batch: &BatchRecord, index: u32) -> bool {
    batch.actions.get(index as usize).is_some_and(|action| action.action == ActionKind::Start)
}

fn carries(trial: &Trial, batch: u64, index: u32) -> bool {
    trial.spec.batches.iter().any(|b| b.number == batch && b.index == index)
}

pub(crate) async fn observe(ctx: &Context, study: Arc<Study>) -> Result<Observed, Error> {
    if study.metadata.deletion_timestamp.is_some() {
        return Ok(Observed::Leaving);
    }
    let (Some(uid), Some(namespace)) = (study.uid(), study.namespace()) else { return Ok(Observed::Leaving) };
    let name = study.name_any();
    let plan = ctx.plan(&study);
    let mut trials = BTreeMap::new();
    for trial in ctx.caches.trials.group(&namespace, &uid) {
        // A Trial that is being deleted counts as gone: its number stays a hole.
        if trial.metadata.deletion_timestamp.is_none() && belongs(&trial, &name, &uid) {
            trials.insert(trial.spec.number, trial);
        }
    }
    let broken = ctx.caches.trials.broken(&namespace, &uid);

    let mut unapplied = Vec::new();
    let mut foreign = None;
    let status = study.status.clone().unwrap_or_default();
    if let Some(batch) = &status.batch {
        let mut confirmed = false;
        let mut missing = Vec::new();
        for (index, action) in (0_u32..).zip(&batch.actions) {
            match trials.get(&action.trial) {
                Some(trial) if carries(trial, batch.number, index) => confirmed = true,
                _ => missing.push((index, action.trial)),
            }
        }
        let applied = status.applied_batch.max(ctx.put_off.applied(&uid)) >= batch.number;
        for (index, number) in &missing {
            let live = read::trial(ctx, &namespace, &names::trial(&name, *number)).await?;
            if let Some(held) = live.as_ref().filter(|t| !applied && !belongs(t, &name, &uid)) {
                // Somebody else's Trial has the name: nothing is decided until it is gone.
                foreign = Some(held.name_any());
                continue;
            }
            if live.as_ref().is_some_and(|t| t.metadata.deletion_timestamp.is_some() && belongs(t, &name, &uid)) {
                // It was made, and somebody removes it.
                continue;
            }
            match live.filter(|t| belongs(t, &name, &uid)) {
                // The action is on the Trial, and the cache does not show it yet.
                Some(trial) if carries(&trial, batch.number, *index) => return Ok(Observed::Behind),
                // The Trial is there without the action. It is taken from the cache when the cache shows this very version.
                Some(trial) => {
                    let held = trials.get(number).and_then(|t| t.resource_version());
                    if held != trial.resource_version() {
                        return Ok(Observed::Behind);
                    }
                    unapplied.push(*index);
                }
                // Never made, or made and removed since. Once the batch was seen applied it is the latter, for good; and a stop or a
                // promotion of a Trial that is gone has nothing left to do.
                None if applied || !is_start(batch, *index) => {}
                None => unapplied.push(*index),
            }
        }
        // No action of the newest batch vouches for the cache: all of its Trials are gone. A list does.
        if !confirmed
            && foreign.is_none()
            && unapplied.is_empty()
            && !missing.is_empty()
            && !fresh(ctx, &namespace, &uid, &trials).await?
        {
            return Ok(Observed::Behind);
        }
    }
    let Some(warm) = warm::look(ctx, &study, plan.as_deref().ok()).await? else { return Ok(Observed::Behind) };
    Ok(Observed::Ready(Box::new(Seen { study, uid, namespace, plan, trials, unapplied, foreign, broken, warm })))
}

/// Whether the cache shows each of the Study's Trials, and none that is gone.
async fn fresh(ctx: &Context, namespace: &str, uid: &str, trials: &BTreeMap<u32, Arc<Trial>>) -> Result<bool, Error> {
    let live = read::trials(ctx, namespace, uid).await?;
    let live: BTreeMap<String, Option<String>> = live
        .into_iter()
        .filter(|t| t.metadata.deletion_timestamp.is_none())
        .map(|t| (t.name_any(), t.metadata.uid.clone()))
        .collect();
    let held: BTreeMap<String, Option<String>> = trials.values().map(|t| (t.name_any(), t.uid())).collect();
    Ok(live == held)
}
