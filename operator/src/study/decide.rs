//! Takes a Study with its Trials and the time, returns what is to be written. Pure.
//!
//! What it must keep true: a batch is decided only when every action of the one before is known to be on its Trial or to
//! have no Trial any more, and when what the Study begins with is on record; the new batch and the totals go into one write.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use trimtab_api::conditions::reason;
use trimtab_api::study::{BatchRecord, StudyStatus};
use trimtab_api::trial::OutcomeKind;
use trimtab_api::{Trial, history, lineage, resources};
use trimtab_engine::Verdict;

use super::book::Book;
use super::observe::Seen;
use super::preflight::Acceptance;
use super::status::{self, Picture};
use super::warm::Warm;
use crate::clock::seconds_between;
use crate::write::News;

/// What is to be written, in this order.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The new status. With a new batch in it, writing it decides.
    pub(crate) status: StudyStatus,
    /// The batch whose actions are to be carried out, and which of them.
    pub(crate) carry_out: Option<(BatchRecord, Vec<u32>)>,
    /// Trials whose `suspend` is to change, and to what.
    pub(crate) suspend: Vec<(u32, bool)>,
    /// Events for people.
    pub(crate) news: Vec<News>,
    /// Seconds after which to look again though nothing changes.
    pub(crate) again: Option<u64>,
    /// Whether the study has ended.
    pub(crate) over: bool,
}

/// How the study stands, beyond what the engine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not accepted, or it cannot be judged now: nothing ends and nothing begins.
    Held,
    /// It goes on.
    Running,
    /// It has ended well.
    Complete(&'static str),
    /// It has ended badly.
    Failed(&'static str, String),
}

/// Reasons of lost trials that say that no trial of this template can start.
const NEVER_STARTS: [&str; 3] = [reason::IMAGE, reason::CONFIG, reason::JOB_REFUSED];

/// Seconds that the study has been active, up to now.
fn active_seconds(status: &StudyStatus, now: Timestamp) -> u64 {
    status.active_seconds + status.active_since.as_ref().map_or(0, |since| seconds_between(since.0, now))
}

/// Whether a run of the trial may still hold a place.
pub(crate) fn is_live(trial: &Trial) -> bool {
    trial.status.as_ref().is_some_and(|s| s.runs.last().is_some_and(|r| r.end.as_ref().is_none_or(|e| !e.gone)))
}

/// Decides, by the Study's book; there is none where there is no plan.
pub(crate) fn decide(seen: &Seen, book: Option<&mut Book>, acceptance: Acceptance, now: Timestamp) -> Outcome {
    let old = seen.study.status.clone().unwrap_or_default();
    let mut new = old.clone();
    let mut outcome = Outcome {
        status: StudyStatus::default(),
        carry_out: None,
        suspend: Vec::new(),
        news: Vec::new(),
        again: None,
        over: false,
    };
    let accepted = matches!(acceptance, Acceptance::Yes { .. });
    let mut standing = Standing::Held;
    let mut best = None;
    let mut front = None;
    let mut safety = None;
    let seconds = active_seconds(&old, now);
    // A node tells in whole seconds when a run ended. One that is stopped a second after the limit has used it up by that account
    // too, and is not begun again for the rest of a second.
    let by = now.checked_sub(SignedDuration::from_secs(1)).unwrap_or(now);
    let run: u64 = seen.trials.values().filter_map(|t| t.status.as_ref()).map(|s| resources::seconds(s, by)).sum();
    let used = resources::used(&seen.study.spec, run, &old.resource_hours);

    if let (Ok(plan), Some(book)) = (&seen.plan, book) {
        new.seed = Some(plan.spec().seed);
        book.learn(plan, seconds, resources::pairs(&used));
        best = book.held.best(plan);
        front = book.held.front(plan, &trimtab_api::front::references(&seen.study.spec));
        safety = Some(book.held.safety(plan));
        if accepted && !seen.unapplied.is_empty() {
            outcome.carry_out = old.batch.clone().map(|batch| (batch, seen.unapplied.clone()));
            standing = Standing::Running;
        } else if let (true, Warm::Copied(copied)) = (accepted, &seen.warm) {
            // Writing the status makes the copy. The next look decides by what is on record.
            new.warm_start = Some((**copied).clone());
        } else if accepted && seen.broken.is_empty() && seen.foreign.is_none() && seen.warm == Warm::Settled {
            new.applied_batch = old.batch.as_ref().map_or(0, |b| b.number).max(old.applied_batch);
            let decision = book.decide(plan);
            standing = match decision.verdict {
                _ if cannot_start(seen).is_some() => {
                    Standing::Failed("CannotStart", cannot_start(seen).unwrap_or_default())
                }
                Verdict::Running => Standing::Running,
                Verdict::Complete(why) => Standing::Complete(why.as_str()),
                Verdict::Failed(why) => Standing::Failed(why.as_str(), String::new()),
            };
            if !decision.actions.is_empty() && standing == Standing::Running {
                let number = old.batch.as_ref().map_or(0, |b| b.number).max(old.applied_batch) + 1;
                let mut batch = history::batch_record(plan, &decision, number);
                lineage::name_runs(&mut batch, |number| seen.trials.get(&number)?.status.as_ref());
                for action in &batch.actions {
                    if action.action == trimtab_api::study::ActionKind::Start {
                        new.next_trial = new.next_trial.max(action.trial + 1);
                    }
                }
                let all = (0_u32..).take(batch.actions.len()).collect();
                new.batch = Some(batch.clone());
                outcome.carry_out = Some((batch, all));
            }
            if let (Some(limit), Standing::Running) = (plan.settings().limits.active_seconds, &standing) {
                outcome.again = Some(limit.saturating_sub(seconds).max(1));
            }
            if standing == Standing::Running {
                let running = seen.trials.values().filter(|trial| is_live(trial)).count();
                let left = resources::left(&seen.study.spec, &used, running).map(|left| left.max(1));
                outcome.again = outcome.again.into_iter().chain(left).min();
            }
        }
        new.next_trial = new.next_trial.max(book.history().next_number);
    }

    let ended = matches!(standing, Standing::Complete(_) | Standing::Failed(..));
    outcome.over = ended;
    if standing != Standing::Held {
        let hold = seen.study.spec.suspend || ended;
        let top = seen.plan.as_ref().ok().and_then(|p| p.levels().last().copied());
        for (number, trial) in &seen.trials {
            let over = trial
                .status
                .as_ref()
                .is_some_and(|s| s.outcome.is_some() || (s.rested_level.is_some() && s.rested_level >= top));
            let resting = trial.status.as_ref().is_some_and(|s| s.rested_level >= Some(trial.spec.target_level))
                && !is_live(trial);
            if trial.spec.suspend != hold && !over && (!hold || !resting) {
                outcome.suspend.push((*number, hold));
            }
        }
        run_the_clock(&mut new, !hold && accepted, seconds, now);
        if outcome.carry_out.is_some() && new.start_time.is_none() {
            new.start_time = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
        }
    }

    let picture = Picture { seen, acceptance: &acceptance, standing: &standing, best, front, safety, now };
    status::fill(&mut new, &old, &picture);
    outcome.news = status::news(&seen.study, &old, &new);
    if seen.foreign.is_some() {
        // The name becomes free without a sign that this controller would see.
        outcome.again = Some(10);
    }
    if matches!(seen.warm, Warm::Absent(_) | Warm::Waits(_) | Warm::Refused(_)) {
        // Of what becomes of another Study this one is not told.
        outcome.again = Some(10);
    }
    if outcome.again.is_none() && matches!(acceptance, Acceptance::No { reason: reason::PREFLIGHT_REFUSED, .. }) {
        // What refused the dry run may be mended without the Study changing: a service account, a policy, a claim.
        outcome.again = Some(60);
    }
    outcome.status = new;
    outcome
}

/// The words of a trial that was given up because no run of this template can start.
fn cannot_start(seen: &Seen) -> Option<String> {
    seen.trials.values().find_map(|trial| {
        let outcome = trial.status.as_ref()?.outcome.as_ref()?;
        let never = outcome.kind == OutcomeKind::Lost && NEVER_STARTS.contains(&outcome.reason.as_str());
        never.then(|| format!("{}: {}: {}", trial.name_any(), outcome.reason, outcome.message))
    })
}

/// Starts or stops the clock of active time.
fn run_the_clock(status: &mut StudyStatus, active: bool, seconds: u64, now: Timestamp) {
    match (&status.active_since, active) {
        (None, true) => status.active_since = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now)),
        (Some(_), false) => {
            status.active_seconds = seconds;
            status.active_since = None;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
