//! Which changes of a status nobody waits for, and how long they may wait for company.
//!
//! What decides, ends or begins something is written at once. Progress, counts and the names of what was made are worth a
//! write together, not each alone: the API server's writes are what a large study costs a cluster.
//! What it must keep true: nothing is put off for longer than [`PATIENCE`], and putting off loses nothing, because the next
//! reconcile finds the same difference again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use trimtab_api::conditions::{self, reason, trial as condition};
use trimtab_api::study::StudyStatus;
use trimtab_api::trial::TrialStatus;

/// How long a change that nobody waits for may be put off.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// Objects that are remembered at most. Forgetting puts a write off once more.
const MOST: usize = 20_000;

/// What is put off for an object.
#[derive(Clone, Copy, Debug)]
struct Debt {
    since: Timestamp,
    /// Of a Study: the newest batch that was seen applied.
    applied: u64,
}

/// Since when each object has had a difference that is not written, by UID.
#[derive(Debug, Default)]
pub(crate) struct PutOff(Mutex<BTreeMap<String, Debt>>);

impl PutOff {
    /// How long a quiet difference of this object may still wait; `None` when it is time to write it.
    pub(crate) fn wait(&self, uid: &str, now: Timestamp) -> Option<Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let debt = all.entry(uid.to_owned()).or_insert(Debt { since: now, applied: 0 });
        let left = PATIENCE - now.duration_since(debt.since);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// A Study's batch was seen applied, and that is put off as well.
    pub(crate) fn note_applied(&self, uid: &str, batch: u64) {
        if let Some(debt) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(uid) {
            debt.applied = debt.applied.max(batch);
        }
    }

    /// The newest batch of a Study that was seen applied and is not on record as such; 0 where there is none.
    pub(crate) fn applied(&self, uid: &str) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uid).map_or(0, |debt| debt.applied)
    }

    /// The object's status is what it should be.
    pub(crate) fn settled(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// Whether a Trial's status differs only in what may wait: the progress of a run between levels, the names of its Job and pod,
/// and what exactly a pod that does not run yet waits for.
pub(crate) fn trial(old: &TrialStatus, new: &TrialStatus) -> bool {
    let mut held = old.clone();
    held.observed_generation = new.observed_generation;
    held.state.clone_from(&new.state);
    held.value.clone_from(&new.value);
    held.reached.clone_from(&new.reached);
    held.progress.clone_from(&new.progress);
    held.curve.clone_from(&new.curve);
    (held.curve_stride, held.curve_seen) = (new.curve_stride, new.curve_seen);
    held.cursor.clone_from(&new.cursor);
    held.retries = new.retries;
    held.retry_after.clone_from(&new.retry_after);
    for (held, new) in held.runs.iter_mut().zip(&new.runs).filter(|(held, new)| held.number == new.number) {
        held.job_uid.clone_from(&new.job_uid);
        held.pod_name.clone_from(&new.pod_name);
        held.first.clone_from(&new.first);
        held.reached.clone_from(&new.reached);
    }
    for held in &mut held.conditions {
        let Some(new) = new.conditions.iter().find(|new| new.type_ == held.type_) else { continue };
        let waits = [reason::PENDING, reason::NOT_RUNNING, reason::WAITING_FOR_PLACE];
        if held.type_ == condition::RUNNING && held.status == new.status && waits.contains(&new.reason.as_str()) {
            held.clone_from(new);
        }
        held.observed_generation = new.observed_generation;
    }
    held == *new
}

/// Whether a Study's status differs only in what may wait: counts, progress, the best so far, what is known to be applied, what
/// is told of early stopping, and what keeps the study from going on. The last is for a person, who has seconds; and two
/// operators with different views of the same Trials would otherwise contradict each other as fast as they can write.
pub(crate) fn study(old: &StudyStatus, new: &StudyStatus) -> bool {
    let mut held = old.clone();
    held.trials.clone_from(&new.trials);
    held.progress.clone_from(&new.progress);
    held.best.clone_from(&new.best);
    held.front.clone_from(&new.front);
    held.answer.clone_from(&new.answer);
    held.spent_fidelity = new.spent_fidelity;
    held.resource_hours.clone_from(&new.resource_hours);
    held.applied_batch = new.applied_batch;
    // The word for people follows from the counts and the conditions: whichever of these may not wait takes it along.
    held.state.clone_from(&new.state);
    for held in &mut held.conditions {
        let Some(new) = new.conditions.iter().find(|new| new.type_ == held.type_) else { continue };
        let told = [conditions::study::STALLED, conditions::study::EARLY_STOPPING_SAFE].contains(&held.type_.as_str());
        if told || (held.status == new.status && held.reason == new.reason) {
            let observed = held.observed_generation;
            held.clone_from(new);
            held.observed_generation = observed;
        }
    }
    held == *new
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use trimtab_api::conditions;
    use trimtab_api::trial::{LevelValues, Run};

    fn status() -> TrialStatus {
        let mut status = TrialStatus { next_run: 2, ..TrialStatus::default() };
        status.runs.push(Run::from_zero(1, 3));
        conditions::set(
            &mut status.conditions,
            condition::RUNNING,
            false,
            reason::PENDING,
            "no pod",
            1,
            Timestamp::UNIX_EPOCH,
        );
        status
    }

    fn is_quiet(change: impl FnOnce(&mut TrialStatus)) -> bool {
        let mut new = status();
        change(&mut new);
        trial(&status(), &new)
    }

    #[test]
    fn progress_between_levels_may_wait() {
        assert!(is_quiet(|s| s.value = Some("0.5".to_owned())));
        assert!(is_quiet(|s| s.runs[0].reached = Some("2".to_owned())));
        assert!(is_quiet(|s| s.runs[0].job_uid = Some("uid".to_owned())));
        let now = Timestamp::from_second(9).unwrap();
        assert!(is_quiet(|s| {
            conditions::set(&mut s.conditions, condition::RUNNING, false, reason::WAITING_FOR_PLACE, "no GPU", 1, now);
        }));
    }

    #[test]
    fn what_decides_ends_or_begins_is_written_at_once() {
        let now = Timestamp::from_second(9).unwrap();
        assert!(!is_quiet(|s| s.values.push(LevelValues { level: 1, metrics: Vec::new() })));
        assert!(!is_quiet(|s| s.rested_level = Some(1)));
        assert!(!is_quiet(|s| s.next_run = 3));
        assert!(!is_quiet(|s| s.runs.clear()));
        assert!(!is_quiet(|s| s.runs[0].start_time = Some(Time(now))));
        assert!(!is_quiet(|s| s.cleaned = true));
        for (running, why) in [(true, reason::POD_RUNNING), (false, reason::IMAGE)] {
            let change = |s: &mut TrialStatus| {
                conditions::set(&mut s.conditions, condition::RUNNING, running, why, "", 1, now);
            };
            assert!(!is_quiet(change), "{why}");
        }
    }

    #[test]
    fn counts_of_a_study_may_wait_and_its_decisions_may_not() {
        let old = StudyStatus::default();
        assert!(study(&old, &StudyStatus { spent_fidelity: 5, progress: Some("1/2".to_owned()), ..old.clone() }));
        assert!(!study(&old, &StudyStatus { next_trial: 1, ..old.clone() }));
        assert!(!study(&old, &StudyStatus { completion_time: Some(Time(Timestamp::UNIX_EPOCH)), ..old.clone() }));
    }

    #[test]
    fn what_keeps_a_study_from_going_on_may_wait_and_its_end_may_not() {
        use trimtab_api::conditions::study as condition;
        let now = Timestamp::from_second(9).unwrap();
        let with = |kind: &str, is: bool, why: &str, message: &str, generation: i64| {
            let mut status = StudyStatus::default();
            for kind in [condition::STALLED, condition::SUSPENDED, condition::COMPLETE] {
                let why = reason::PENDING;
                conditions::set(&mut status.conditions, kind, false, why, "", 1, Timestamp::UNIX_EPOCH);
            }
            conditions::set(&mut status.conditions, kind, is, why, message, generation, now);
            status
        };
        let old = with(condition::STALLED, false, reason::PENDING, "", 1);
        let stalled = with(condition::STALLED, true, reason::WAITING_FOR_PLACE, "no GPU", 1);
        assert!(study(&old, &StudyStatus { state: Some("Stalled".to_owned()), ..stalled.clone() }));
        assert!(study(&stalled, &old));
        assert!(!study(&old, &with(condition::STALLED, true, reason::WAITING_FOR_PLACE, "no GPU", 2)));
        assert!(study(&old, &with(condition::SUSPENDED, false, reason::PENDING, "3 runs are still stopping", 1)));
        assert!(!study(&old, &with(condition::SUSPENDED, true, reason::PENDING, "", 1)));
        assert!(!study(&old, &with(condition::COMPLETE, true, reason::PENDING, "", 1)));
    }

    #[test]
    fn nothing_is_put_off_for_long() {
        let put_off = PutOff::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(put_off.wait("a", at(10)), Some(Duration::from_secs(5)));
        assert_eq!(put_off.wait("a", at(13)), Some(Duration::from_secs(2)));
        assert_eq!(put_off.wait("a", at(15)), None);
        assert_eq!(put_off.wait("a", at(99)), None);
        put_off.note_applied("a", 7);
        assert_eq!((put_off.applied("a"), put_off.applied("b")), (7, 0));
        put_off.settled("a");
        assert_eq!(put_off.wait("a", at(100)), Some(Duration::from_secs(5)));
    }
}
