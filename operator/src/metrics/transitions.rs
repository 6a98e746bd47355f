//! Counts what happened to Studies and Trials, each time by the write that made it happen.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;
use tokio::time::Instant;
use trimtab_api::conditions::{self, trial as condition};
use trimtab_api::ending::{Class, class};
use trimtab_api::record::fidelity;
use trimtab_api::study::{ActionKind, BatchRecord, StudyStatus};
use trimtab_api::trial::{OutcomeKind, TrialStatus};
use trimtab_api::{Study, Trial};
use trimtab_engine::{ResultKey, admitted};

use super::book::Book;
use super::{Metrics, zero};
use crate::context::Caches;
use crate::study::observe::Seen as StudySeen;
use crate::trial::observe::Seen as TrialSeen;

/// The resource that stands for the run itself.
const RUN: &str = "run";
/// The most decisions that wait for their deletions; those beyond are not measured.
const MOST: usize = 10_000;

/// When it was decided to stop a running trial: namespace and name.
#[derive(Debug, Default)]
pub(super) struct Stops(Mutex<BTreeMap<(String, String), Instant>>);

impl Stops {
    fn decided(&self, namespace: &str, name: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.entry((namespace.to_owned(), name)).or_insert_with(Instant::now);
        }
    }

    fn done(&self, namespace: &str, name: &str) -> Option<f64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&(namespace.to_owned(), name.to_owned())).map(|since| since.elapsed().as_secs_f64())
    }
}

/// The time of a Trial's newest log line that was read.
fn line(trial: &TrialStatus) -> Option<Timestamp> {
    trial.cursor.as_ref()?.time.as_ref()?.parse().ok()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

impl Metrics {
    /// Runs the decision of a Study, and measures it. What is counted of its algorithm and namespace is there from here on.
    pub(crate) fn deciding<T>(&self, study: &Study, decide: impl FnOnce() -> T) -> T {
        let Some(book) = &self.0 else { return decide() };
        zero::of_a_study(book, study);
        let began = std::time::Instant::now();
        let answer = decide();
        // The algorithm stands in the status from the first visit on; the first look of all is of no interest.
        if let Some(algorithm) = study.status.as_ref().and_then(|s| s.algorithm.as_ref()) {
            book.decision_seconds.with_label_values(&[algorithm]).observe(began.elapsed().as_secs_f64());
        }
        answer
    }

    /// A look at a Study found the cache behind.
    pub(crate) fn behind(&self) {
        if let Some(book) = &self.0 {
            book.cache_behind_total.with_label_values::<&str>(&[]).inc();
        }
    }

    /// A Study's status was written.
    pub(crate) fn study_written(&self, seen: &StudySeen, new: Option<&StudyStatus>, now: Timestamp) {
        let (Some(book), Some(new)) = (&self.0, new) else { return };
        let held = seen.study.status.as_ref().and_then(|s| s.batch.as_ref()).map_or(0, |b| b.number);
        let Some(batch) = new.batch.as_ref().filter(|batch| batch.number > held) else { return };
        let algorithm = new.algorithm.as_deref().unwrap_or_default();
        book.batches_total.with_label_values(&[algorithm]).inc();
        for action in &batch.actions {
            let labels = [algorithm, zero::word(action.action), book.reasons.word(&action.reason)];
            book.actions_total.with_label_values(&labels).inc();
            if action.action == ActionKind::Stop
                && let Some(trial) = seen.trials.get(&action.trial)
                && trial.status.as_ref().is_some_and(runs)
            {
                book.stops.decided(&seen.namespace, trial.name_any());
            }
        }
        if let Some(line) = newest_line(seen, batch) {
            book.line_to_decision_seconds.with_label_values::<&str>(&[]).observe(seconds(line, now));
        }
    }

    /// A Job was deleted on the operator's request.
    pub(crate) fn deleted(&self, seen: &TrialSeen) {
        if let Some(book) = &self.0
            && let Some(took) = book.stops.done(&seen.namespace, &seen.name)
        {
            book.decision_to_delete_seconds.with_label_values::<&str>(&[]).observe(took);
        }
    }

    /// A Trial's status was written.
    pub(crate) fn trial_written(&self, caches: &Caches, seen: &TrialSeen, trial: &Trial, now: Timestamp) {
        let (Some(book), Some(new)) = (&self.0, &trial.status) else { return };
        let old = &seen.status;
        if new.values.len() > old.values.len()
            && let Some(line) = line(new)
        {
            book.line_to_record_seconds.with_label_values::<&str>(&[]).observe(seconds(line, now));
        }
        starts(book, caches, seen, new, now);
        ends_of_runs(book, seen, new);
        end(book, seen, new);
    }
}

/// Whether a run of the trial has begun and not ended.
fn runs(status: &TrialStatus) -> bool {
    status.runs.last().is_some_and(|run| run.start_time.is_some() && run.end.is_none())
}

/// The newest line among the trials of which a batch admits a value.
fn newest_line(seen: &StudySeen, batch: &BatchRecord) -> Option<Timestamp> {
    let keys = admitted::decode(&batch.admitted).ok()?;
    let of_values = keys.iter().filter_map(|key| match key {
        ResultKey::Observed(_, number) => Some(number.0),
        ResultKey::Rested(..) | ResultKey::Ended(_) => None,
    });
    of_values.filter_map(|number| line(seen.trials.get(&number)?.status.as_ref()?)).max()
}

fn starts(book: &Book, caches: &Caches, seen: &TrialSeen, new: &TrialStatus, now: Timestamp) {
    for run in &new.runs {
        let had = seen.status.runs.iter().any(|held| held.number == run.number && held.start_time.is_some());
        if had || run.start_time.is_none() {
            continue;
        }
        if run.number == 1
            && let Some(created) = &seen.trial.metadata.creation_timestamp
        {
            book.trial_start_seconds.with_label_values::<&str>(&[]).observe(seconds(created.0, now));
        }
        let name = trimtab_api::names::job(&seen.trial.spec.study_name, seen.trial.spec.number, run.number);
        if let Some(created) =
            caches.jobs.get(&seen.namespace, &name).and_then(|j| j.metadata.creation_timestamp.clone())
        {
            book.run_queue_seconds.with_label_values::<&str>(&[]).observe(seconds(created.0, now));
        }
    }
}

/// A run counts when nothing of it is left, which is written once.
fn ends_of_runs(book: &Book, seen: &TrialSeen, new: &TrialStatus) {
    for run in &new.runs {
        let Some(end) = run.end.as_ref().filter(|end| end.gone) else { continue };
        let held = seen.status.runs.iter().find(|held| held.number == run.number);
        if held.is_some_and(|held| held.end.as_ref().is_some_and(|end| end.gone)) {
            continue;
        }
        let reason = book.reasons.word(&end.reason);
        book.runs_ended_total.with_label_values(&[reason]).inc();
        if class(&end.reason) == Class::Infrastructure && new.outcome.is_none() {
            book.retries_total.with_label_values(&[reason]).inc();
        }
        let wasted = !matches!(class(&end.reason), Class::Good | Class::Wanted);
        for (resource, count) in resources(&seen.study) {
            let labels = [seen.namespace.as_str(), book.resources.word(&resource)];
            book.spent_seconds_total.with_label_values(&labels).inc_by(end.seconds.saturating_mul(count));
            if wasted {
                book.wasted_seconds_total.with_label_values(&labels).inc_by(end.seconds.saturating_mul(count));
            }
        }
    }
}

fn end(book: &Book, seen: &TrialSeen, new: &TrialStatus) {
    let complete = |status: &TrialStatus| conditions::is_true(&status.conditions, condition::COMPLETE);
    let (outcome, reason) = match (&seen.status.outcome, &new.outcome) {
        (None, Some(outcome)) => {
            let kind = match outcome.kind {
                OutcomeKind::Stopped => "Stopped",
                OutcomeKind::Failed => "Failed",
                OutcomeKind::Lost => "Lost",
            };
            (kind, outcome.reason.as_str())
        }
        (None, None) if complete(new) && !complete(&seen.status) => ("Complete", conditions::reason::REACHED),
        _ => return,
    };
    book.trials_finished_total.with_label_values(&[seen.namespace.as_str(), outcome, book.reasons.word(reason)]).inc();
    if outcome == "Stopped" {
        let saved = saved(new, seen.plan.levels().last().copied().unwrap_or_default());
        for (resource, count) in resources(&seen.study) {
            let labels = [seen.namespace.as_str(), book.resources.word(&resource)];
            book.saved_seconds_total.with_label_values(&labels).inc_by(saved.saturating_mul(count));
        }
    }
}

/// Seconds that a trial would have gone on for, at its own pace; none where it has none.
fn saved(status: &TrialStatus, top: u32) -> u64 {
    let left = u64::from(top).saturating_sub(whole(fidelity(status.reached.as_ref())));
    left.saturating_mul(status.run_seconds).checked_div(status.spent_fidelity).unwrap_or(0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and saturating is right")]
fn whole(fidelity: f64) -> u64 {
    fidelity.max(0.0) as u64
}

/// What a second of a run costs: itself, and each device, such as a GPU, that its pod holds.
pub(super) fn resources(study: &Study) -> Vec<(String, u64)> {
    let held = trimtab_api::resources::held(&study.spec);
    let devices = held.into_iter().filter(|(name, _)| name.contains('/'));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "devices are whole and few, and saturating is right"
    )]
    let counts = devices.map(|(name, count)| (name, count as u64)).filter(|(_, count)| *count > 0);
    std::iter::once((RUN.to_owned(), 1)).chain(counts).collect()
}
