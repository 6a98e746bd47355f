//! Takes a Trial with what its pods and logs say, returns its new status and what is to be done. Pure.
//!
//! What it must keep true: the intent to run is on record before its Job is made, and the end of a run before its Job is deleted;
//! so a crash between the two repeats nothing and loses nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use trimtab_api::conditions::reason;
use trimtab_api::ending::{self, Class, class, resume_from};
use trimtab_api::record::Scale;
use trimtab_api::study::Retain;
use trimtab_api::trial::{Outcome, OutcomeKind, Run, TrialStatus};

use super::collect::Collected;
use super::judge::{End, Stand, judge, left, lingering, note_start, ran};
use super::observe::{JobSeen, Leftover, Seen};
use super::record;
use super::status;
use crate::context::Config;
use crate::follow::TOO_MUCH;
use crate::write::{News, Tone};

/// What is to be done once the status is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Create the Job of this run, and write its UID down.
    CreateJob(Box<Run>),
    /// Delete a Job and its pods.
    DeleteJob { name: String, uid: String },
    /// Remove checkpoint folders: those of these runs, or, if there are none, all of the trial's.
    CleanUp { runs: Vec<u32> },
}

/// The next step of a Trial.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) status: TrialStatus,
    pub(crate) effects: Vec<Effect>,
    pub(crate) news: Vec<News>,
    pub(crate) again: Option<Duration>,
    /// Reports of a follower that are in the status: the pod and how many.
    pub(crate) recorded: Option<(String, usize)>,
}

pub(crate) fn decide(seen: &Seen, collected: Option<&Collected>, config: &Config, now: Timestamp) -> Step {
    let mut step =
        Step { status: seen.status.clone(), effects: Vec::new(), news: Vec::new(), again: None, recorded: None };
    let scale = Scale { plan: &seen.plan };
    step.status.next_run = step.status.next_run.max(1);
    if let (Some(index), Some(collected)) = (seen.current, collected) {
        record::record(&mut step.status, index, scale, &seen.container, collected);
        if collected.from_follower {
            step.recorded = Some((collected.pod_uid.clone(), collected.reports.len()));
        }
        if collected.bytes > TOO_MUCH {
            let note = format!(
                "the pod has printed {} MiB; its log is read at a bounded rate, and what the kubelet drops is lost",
                collected.bytes >> 20
            );
            step.news.push(News {
                tone: Tone::Warning,
                reason: "LogTooLarge",
                action: "Collect",
                note,
                occasion: collected.pod_uid.clone(),
            });
        }
    }
    match seen.current {
        Some(index) => current_run(seen, &mut step, index, scale, config, now),
        None => next_run(seen, &mut step, scale, now),
    }
    leftovers(seen, &mut step);
    clean_up(seen, &mut step, config);
    status::fill(&mut step.status, seen, now);
    step.news.extend(status::news(seen, &step.status));
    step
}

fn look_again(step: &mut Step, seconds: u64) {
    let wait = Duration::from_secs(seconds.max(1));
    step.again = Some(step.again.map_or(wait, |held| held.min(wait)));
}

fn current_run(seen: &Seen, step: &mut Step, index: usize, scale: Scale<'_>, config: &Config, now: Timestamp) {
    let Some(run) = step.status.runs.get_mut(index) else { return };
    if seen.job_uid.is_some() {
        run.job_uid.clone_from(&seen.job_uid);
    }
    note_start(run, seen, now);
    if run.end.is_some() {
        // The end is on record and its pods were told to stop: what holds the place is all that is waited for.
        let alive = seen.pods.iter().any(|p| !p.terminal);
        let lost_after = SignedDuration::try_from(config.lost_after).unwrap_or(SignedDuration::MAX);
        let lost =
            seen.pods.iter().all(|p| p.terminal || p.deleting.is_some_and(|at| now.duration_since(at) > lost_after));
        let absent = matches!(seen.job, JobSeen::Absent | JobSeen::Foreign(_));
        if (absent && !alive) || (!seen.pods.is_empty() && lost) {
            settle(seen, step, index, config, now);
        } else {
            delete_current(seen, step);
            look_again(step, 10);
        }
        return;
    }
    match judge(seen, &mut step.status, index, scale, config, now) {
        Stand::ToCreate => {
            if let Some(run) = step.status.runs.get(index) {
                step.effects.push(Effect::CreateJob(Box::new(run.clone())));
            }
        }
        Stand::Goes { again } => {
            if let Some(again) = again {
                look_again(step, again);
            }
            let started = seen.pods.iter().any(|p| p.started && !p.terminal);
            if started {
                // A follower says when there is something new; the longer wait is the net below it.
                let poll = config.poll.as_secs();
                look_again(step, if step.recorded.is_none() { poll } else { poll.saturating_mul(6) });
            }
        }
        Stand::ToDelete => {
            delete_current(seen, step);
            look_again(step, 10);
        }
        Stand::Ended(end) => write_end(seen, step, index, end, config, now),
    }
}

fn delete_current(seen: &Seen, step: &mut Step) {
    if let (JobSeen::Present { uid, deleting: false, .. }, Some(run)) =
        (&seen.job, seen.current.and_then(|i| step.status.runs.get(i)))
    {
        let name = trimtab_api::names::job(&seen.trial.spec.study_name, seen.trial.spec.number, run.number);
        step.effects.push(Effect::DeleteJob { name, uid: uid.clone() });
    }
}

fn write_end(seen: &Seen, step: &mut Step, index: usize, end: End, config: &Config, now: Timestamp) {
    let why = (end.reason, end.message.as_str());
    ending::write_end(&mut step.status, index, Scale { plan: &seen.plan }, why, end.exit_code, end.seconds, now);
    let Some(run) = step.status.runs.get(index) else { return };
    let (kind, gone) = (class(end.reason), end.gone);
    if !matches!(kind, Class::Good | Class::Wanted) {
        let note = format!("run {} ended: {}: {}", run.number, end.reason, end.message);
        step.news.push(News {
            tone: Tone::Warning,
            reason: "RunFailed",
            action: "Run",
            note,
            occasion: run.number.to_string(),
        });
    }
    if gone {
        settle(seen, step, index, config, now);
    } else {
        delete_current(seen, step);
        look_again(step, 10);
    }
}

/// The run holds no place any more: what its end means for the trial.
fn settle(seen: &Seen, step: &mut Step, index: usize, config: &Config, now: Timestamp) {
    let status = &mut step.status;
    recount(seen, status, index, config, now);
    let Some(class) = ending::settle(status, index, Scale { plan: &seen.plan }) else { return };
    if status.outcome.is_none() {
        stop_if_wanted(seen, status);
    }
    if status.outcome.is_none() && class == Class::Infrastructure {
        let wait = retry_delay(config.retry_delay, step.status.retries);
        step.status.retry_after = now.checked_add(wait).ok().map(Time);
        look_again(step, u64::try_from(wait.as_secs()).unwrap_or(1));
    } else if step.status.outcome.is_none() {
        // The next run, if one is wanted, is for a fresh look at the world.
        look_again(step, 1);
    }
}

/// Puts right how long a run took that ended by being told to: it ran on until it was gone.
fn recount(seen: &Seen, status: &mut TrialStatus, index: usize, config: &Config, now: Timestamp) {
    let Some(run) = status.runs.get_mut(index) else { return };
    let seconds = ran(run, &seen.pods, now);
    if let Some(end) = &mut run.end {
        status.run_seconds = status.run_seconds.saturating_sub(end.seconds).saturating_add(seconds);
        end.seconds = seconds;
        let left = lingering(&seen.pods, config, now).filter(|_| end.reason != reason::NODE_LOST).map(left);
        if let Some(left) = left.filter(|left| !end.message.ends_with(left.as_str())) {
            // What was said before keeps its beginning, and both together stay within what a message may have.
            let before: String = end.message.chars().take(ending::MESSAGE / 2).collect();
            end.message = if before.is_empty() { left } else { format!("{before}; {left}") };
        }
    }
}

/// How long to wait after so many failures in a row: the first wait, doubling.
fn retry_delay(first: Duration, retries: u32) -> SignedDuration {
    let wait = first.saturating_mul(1 << retries.saturating_sub(1).min(5));
    SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)
}

fn stop_if_wanted(seen: &Seen, status: &mut TrialStatus) {
    if let Some(stop) = &seen.trial.spec.stop {
        status.outcome =
            Some(Outcome { kind: OutcomeKind::Stopped, reason: stop.reason.clone(), message: stop.message.clone() });
    }
}

/// No run is there: whether one is to be.
fn next_run(seen: &Seen, step: &mut Step, scale: Scale<'_>, now: Timestamp) {
    let status = &mut step.status;
    if status.outcome.is_some() {
        return;
    }
    stop_if_wanted(seen, status);
    let target = seen.trial.spec.target_level;
    if status.outcome.is_some() || status.rested_level >= Some(target) || seen.trial.spec.suspend {
        return;
    }
    if let Some(after) = &status.retry_after
        && after.0 > now
    {
        let wait = u64::try_from(after.0.duration_since(now).as_secs()).unwrap_or(0) + 1;
        look_again(step, wait);
        return;
    }
    let keeps = seen.study.spec.trial.checkpoint.is_some();
    let run = ending::begin(status, scale, target, keeps, seen.trial.spec.from.as_ref());
    step.effects.push(Effect::CreateJob(Box::new(run)));
}

/// Jobs of ended runs that are not to be kept.
fn leftovers(seen: &Seen, step: &mut Step) {
    let retain = seen.study.spec.trial.retain;
    let mut effects = Vec::new();
    for Leftover { name, uid, run, deleting, finished } in &seen.leftovers {
        if *deleting {
            continue;
        }
        let Some(number) = run else {
            // The clean-up: its work is done when it has finished, well or not.
            if finished.is_some() && step.status.cleaned {
                effects.push(Effect::DeleteJob { name: name.clone(), uid: uid.clone() });
            }
            continue;
        };
        if *number >= step.status.next_run {
            // The cache is behind: a run is on record that this view does not show.
            continue;
        }
        let delete = match step.status.runs.iter().find(|r| r.number == *number) {
            None => true,
            // Made by an operator that was held up until the run had another Job or none.
            Some(run) if run.job_uid.as_ref().is_some_and(|held| held != uid) => true,
            Some(run) => run.end.as_ref().is_some_and(|end| {
                let failed = !matches!(class(&end.reason), Class::Good | Class::Wanted);
                let kept = match retain {
                    Retain::All => true,
                    Retain::Failed => failed,
                    Retain::None => false,
                };
                // A Job that has not finished although its run has ended is kept if its pod ended by itself: the Job controller
                // is about to say so. If the end was ours, something of it may still run, and nobody wants that.
                !kept || (finished.is_none() && !by_itself(&end.reason))
            }),
        };
        let told = step.effects.iter().any(|e| matches!(e, Effect::DeleteJob { uid: held, .. } if held == uid));
        if delete && !told {
            effects.push(Effect::DeleteJob { name: name.clone(), uid: uid.clone() });
        }
    }
    step.effects.extend(effects);
}

/// Whether a run with this end has come to it without being told to.
fn by_itself(why: &str) -> bool {
    let ours = [reason::OVERRAN, reason::TIMEOUT, reason::NODE_LOST];
    matches!(class(why), Class::Good | Class::Configuration | Class::Infrastructure) && !ours.contains(&why)
}

/// The folders that nobody needs: all of a trial that will never run again, and of one that came to the top all but the newest
/// that holds a checkpoint.
fn clean_up(seen: &Seen, step: &mut Step, config: &Config) {
    let status = &step.status;
    let wanted = seen.study.spec.trial.checkpoint.is_some() && config.cleanup_image.is_some();
    let live = status.runs.last().is_some_and(|r| r.end.as_ref().is_none_or(|e| !e.gone));
    if !wanted || status.cleaned || live || status.runs.is_empty() {
        return;
    }
    let complete = status.rested_level.is_some() && status.rested_level >= seen.plan.levels().last().copied();
    let keep = resume_from(&status.runs).map(|(number, _)| number);
    let runs: Vec<u32> = match (&status.outcome, complete) {
        (Some(_), _) => Vec::new(),
        (None, true) => (1..status.next_run).filter(|run| Some(*run) != keep).collect(),
        (None, false) => return,
    };
    if status.outcome.is_none() && runs.is_empty() {
        return;
    }
    if seen.is_copied {
        // Nothing of this trial changes when its copies are on their way.
        look_again(step, 60);
        return;
    }
    match seen.leftovers.iter().find(|l| l.run.is_none()) {
        None => step.effects.push(Effect::CleanUp { runs }),
        Some(Leftover { finished: Some(well), name, .. }) => {
            step.status.cleaned = true;
            if !well {
                let note =
                    format!("Job {name} could not remove the trial's folders; they stay on the checkpoint volume");
                step.news.push(News {
                    tone: Tone::Warning,
                    reason: "CleanUpFailed",
                    action: "CleanUp",
                    note,
                    occasion: String::new(),
                });
            }
        }
        Some(_) => {}
    }
}
