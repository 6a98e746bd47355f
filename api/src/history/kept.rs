//! A history that is kept between two looks at a Study, so that a look costs little more than what is new.
//!
//! What it must keep true: what is kept is the history that [`history`] puts together from the same objects. It goes on only where
//! all that changed is what a controller's own work changes: a Trial more, a result more, the next batch. With anything else, such as
//! a Trial that is gone or a result that is another one now, everything is put together again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trimtab_engine::{Batch, History, Plan, ResultKey, TrialResult, admitted};

use super::{action, history, results, trial_batch};
use crate::plan::settings;
use crate::study::{ActionKind, ActionRecord, BatchRecord, Study, WarmStarted};
use crate::trial::{Trial, TrialSpec};

/// A Study's history, with what it was put together from.
#[derive(Clone, Debug)]
pub struct Kept {
    plan: Arc<Plan>,
    trials: BTreeMap<u32, Arc<Trial>>,
    record: Option<BatchRecord>,
    /// Whether every action of it counts, because its Trial is there or is still to be made.
    is_whole: bool,
    /// What batches have admitted, also where it is not known any more.
    admitted: BTreeSet<ResultKey>,
    warm: Option<WarmStarted>,
    history: History,
}

impl Kept {
    /// The history of a Study and its Trials, by number: those that are the Study's by owner, name and number.
    #[must_use]
    pub fn new(plan: &Arc<Plan>, study: &Study, trials: &BTreeMap<u32, Arc<Trial>>) -> Self {
        let all: Vec<&Trial> = trials.values().map(|trial| &**trial).collect();
        let newest = record(study);
        let headers = all.iter().flat_map(|trial| &trial.spec.batches).filter_map(|batch| batch.header.as_ref());
        let texts = headers.map(|header| &header.admitted).chain(newest.map(|record| &record.admitted));
        Self {
            plan: Arc::clone(plan),
            trials: trials.clone(),
            record: newest.cloned(),
            is_whole: newest.is_none_or(|record| is_whole(study, record, trials)),
            admitted: texts.filter_map(|text| admitted::decode(text).ok()).flatten().collect(),
            warm: warm(study).cloned(),
            history: history(plan, study, &all, 0),
        }
    }

    /// The history as of what was looked at last. Seconds and resources are for the caller to add.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// How many Trials it is put together from.
    #[must_use]
    pub fn trials(&self) -> usize {
        self.trials.len()
    }

    /// The history, to add to it what has been used.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    /// Looks again. Returns whether the history went on from what it was: if not, it was put together anew, and whatever was
    /// made of the old one is to be given up.
    pub fn look(&mut self, plan: &Arc<Plan>, study: &Study, trials: &BTreeMap<u32, Arc<Trial>>) -> bool {
        let went_on = self.go_on(plan, study, trials).is_some();
        if !went_on {
            *self = Self::new(plan, study, trials);
        }
        went_on
    }

    /// `None` where it cannot, and then a part of the change may have been taken in.
    fn go_on(&mut self, plan: &Arc<Plan>, study: &Study, trials: &BTreeMap<u32, Arc<Trial>>) -> Option<()> {
        let newest = record(study);
        if !Arc::ptr_eq(plan, &self.plan) || warm(study) != self.warm.as_ref() {
            return None;
        }
        let before = std::mem::take(&mut self.trials);
        for (old, new) in changes(&before, trials)? {
            self.take(old, new, newest.map(|record| record.number))?;
        }
        match (&self.record, newest) {
            (None, None) => {}
            (Some(old), Some(new)) if old == new && self.is_whole && is_whole(study, new, trials) => {}
            (old, Some(new)) if old.as_ref().is_none_or(|old| old.number < new.number) => {
                // From now on the batch before is what its Trials say of it. Where the Study was seen later than they, they have told of
                // this one already.
                let is_told = self.history.batches.last().is_some_and(|batch| batch.number >= new.number);
                if is_told || !is_whole(study, new, trials) || old.as_ref().is_some_and(|old| !is_carried(old, trials))
                {
                    return None;
                }
                self.is_whole = true;
                let batch = self.admit(new)?;
                self.history.batches.push(batch);
            }
            _ => return None,
        }
        let started = newest.into_iter().flat_map(|record| &record.actions).map(|action| action.trial);
        let highest = started.chain(trials.keys().next_back().copied()).max();
        let next = study.status.as_ref().map_or(0, |status| status.next_trial);
        self.history.next_number = highest.map_or(0, |number| number.saturating_add(1)).max(next);
        self.record = newest.cloned();
        self.trials.clone_from(trials);
        Some(())
    }

    /// Takes what is new of a Trial.
    fn take(&mut self, old: Option<&Trial>, new: &Trial, newest: Option<u64>) -> Option<()> {
        let known = old.map_or(&[][..], |old| &old.spec.batches);
        let added = new.spec.batches.strip_prefix(known)?;
        // Of a batch that is not the newest one the history has what was done already.
        if old.is_some_and(|old| !is_same(&old.spec, &new.spec)) || added.iter().any(|b| Some(b.number) != newest) {
            return None;
        }
        let before: BTreeMap<ResultKey, TrialResult> =
            old.into_iter().flat_map(|old| results(&self.plan, old)).map(|result| (result.key(), result)).collect();
        let mut remaining = before.len();
        for result in results(&self.plan, new) {
            let key = result.key();
            if let Some(before) = before.get(&key) {
                remaining -= 1;
                if *before != result {
                    return None;
                }
                continue;
            }
            // What was admitted before it was known belongs to a batch.
            if self.admitted.contains(&key) {
                return None;
            }
            let at = self.history.open.binary_search_by_key(&key, TrialResult::key).err()?;
            self.history.open.insert(at, result);
        }
        (remaining == 0).then_some(())
    }

    /// The newest batch, with its results taken out of the open ones.
    fn admit(&mut self, record: &BatchRecord) -> Option<Batch> {
        let mut keys = admitted::decode(&record.admitted).ok()?;
        keys.sort_unstable();
        let mut taken = Vec::with_capacity(keys.len());
        for key in &keys {
            let at = self.history.open.binary_search_by_key(key, TrialResult::key).ok()?;
            taken.push(self.history.open.remove(at));
        }
        self.admitted.extend(keys);
        let actions: Option<Vec<_>> = record.actions.iter().map(|record| action(&self.plan, record)).collect();
        Some(Batch { number: record.number, settings: settings(&record.settings), admitted: taken, actions: actions? })
    }
}

fn record(study: &Study) -> Option<&BatchRecord> {
    study.status.as_ref()?.batch.as_ref()
}

fn warm(study: &Study) -> Option<&WarmStarted> {
    study.status.as_ref()?.warm_start.as_ref()
}

/// Whether every action of the newest batch counts: see [`history`].
fn is_whole(study: &Study, record: &BatchRecord, trials: &BTreeMap<u32, Arc<Trial>>) -> bool {
    let applied = study.status.as_ref().is_some_and(|status| status.applied_batch >= record.number);
    let is_to_come = |action: &ActionRecord| !applied && action.action == ActionKind::Start;
    record.actions.iter().all(|action| trials.contains_key(&action.trial) || is_to_come(action))
}

/// Whether every action of a batch is on its Trial, word for word.
fn is_carried(record: &BatchRecord, trials: &BTreeMap<u32, Arc<Trial>>) -> bool {
    (0_u32..).zip(&record.actions).all(|(index, action)| {
        let wanted = trial_batch(record, index);
        let carries = |trial: &Arc<Trial>| trial.spec.batches.iter().rev().any(|batch| Some(batch) == wanted.as_ref());
        trials.get(&action.trial).is_some_and(carries)
    })
}

/// Whether two states of a Trial's spec say the same of its start.
fn is_same(old: &TrialSpec, new: &TrialSpec) -> bool {
    let of = |spec: &TrialSpec| (spec.study_uid.clone(), spec.number, spec.bracket);
    of(old) == of(new)
        && old.parameters == new.parameters
        && (&old.sampler, &old.fallback, &old.parents, &old.tag, &old.from)
            == (&new.sampler, &new.fallback, &new.parents, &new.tag, &new.from)
}

/// The Trials that are not as they were, with how they were; `None` where one is gone.
fn changes<'t>(
    old: &'t BTreeMap<u32, Arc<Trial>>,
    new: &'t BTreeMap<u32, Arc<Trial>>,
) -> Option<Vec<(Option<&'t Trial>, &'t Trial)>> {
    let mut before = old.iter().peekable();
    let mut changes = Vec::new();
    for (number, trial) in new {
        match before.peek() {
            Some((held, was)) if *held == number => {
                if !Arc::ptr_eq(was, trial) {
                    changes.push((Some(&***was), &**trial));
                }
                before.next();
            }
            Some((held, _)) if *held < number => return None,
            _ => changes.push((None, &**trial)),
        }
    }
    before.next().is_none().then_some(changes)
}

#[cfg(test)]
mod tests;
