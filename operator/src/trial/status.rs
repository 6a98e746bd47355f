//! Fills a Trial's conditions and its word for people. Pure.

use jiff::Timestamp;
use trimtab_api::conditions::{self, reason, trial as condition};
use trimtab_api::ending::ignored_checkpoint;
use trimtab_api::trial::{OutcomeKind, Run, TrialStatus};

use super::observe::{JobSeen, Seen};
use super::pods::PodFacts;
use crate::write::{News, Tone};

/// Changes conditions and state to what `status` and the pods show.
pub(crate) fn fill(status: &mut TrialStatus, seen: &Seen, now: Timestamp) {
    let generation = seen.trial.metadata.generation.unwrap_or(0);
    status.observed_generation = Some(generation);
    let top = seen.plan.levels().last().copied();
    let live = status.runs.last().is_some_and(|r| r.end.as_ref().is_none_or(|e| !e.gone));
    let complete = status.rested_level.is_some() && status.rested_level >= top && status.outcome.is_none();
    let outcome = status.outcome.clone();
    let ignored = status
        .runs
        .iter()
        .rev()
        .find(|r| ignored_checkpoint(r))
        .map(|r| (r.number, r.first.clone().unwrap_or_default(), r.start.clone()));
    let was_running = conditions::is_true(&status.conditions, condition::RUNNING);
    let (mut running, why, words) = running(seen, live);
    // What runs on record does not wait again because a view of its pod is older than the record.
    let is_behind = live && !running && was_running && seen.status.runs.last().is_some_and(|run| precedes(seen, run));
    running |= is_behind;
    let mut set = |kind: &str, is: bool, why: &str, words: &str| {
        conditions::set(&mut status.conditions, kind, is, why, words, generation, now);
    };
    if !is_behind {
        set(condition::RUNNING, running, why, &words);
    }
    let (done_reason, done_words) = if complete {
        (reason::REACHED, "the trial reached its highest level")
    } else {
        (reason::PENDING, "the trial is not at its highest level")
    };
    set(condition::COMPLETE, complete, done_reason, done_words);
    let of = |kinds: &[OutcomeKind]| outcome.as_ref().filter(|o| kinds.contains(&o.kind));
    match of(&[OutcomeKind::Failed, OutcomeKind::Lost]) {
        Some(o) => set(condition::FAILED, true, &o.reason, &o.message),
        None => set(condition::FAILED, false, reason::PENDING, "the trial has not failed"),
    }
    match of(&[OutcomeKind::Stopped]) {
        Some(o) => set(condition::STOPPED, true, &o.reason, &o.message),
        None => set(condition::STOPPED, false, reason::PENDING, "the trial was not stopped"),
    }
    match ignored {
        Some((run, first, start)) => {
            let words = format!(
                "run {run} was to resume from {start} and reported {first} first: let the program read TRIMTAB_RESUME"
            );
            set(condition::CHECKPOINT_IGNORED, true, reason::STARTED_OVER, &words);
        }
        None => set(condition::CHECKPOINT_IGNORED, false, reason::NOT_RESUMED, "no resumed run has begun again"),
    }
    let spec = &seen.trial.spec;
    let state = match &outcome {
        Some(o) if o.kind == OutcomeKind::Stopped => "Stopped",
        Some(_) => "Failed",
        None if complete => "Complete",
        None if spec.stop.is_some() => "Stopping",
        None if running => "Running",
        None if live => "Pending",
        None if spec.suspend => "Suspended",
        None if status.rested_level >= Some(spec.target_level) => "Paused",
        None => "Pending",
    };
    status.state = Some(state.to_owned());
}

/// Whether what is seen of a run's pod was so before its container ran, which is on record.
fn precedes(seen: &Seen, run: &Run) -> bool {
    let is_older = |pod: &PodFacts| !pod.started && run.pod_name.as_ref() == Some(&pod.name);
    run.start_time.is_some() && run.end.is_none() && seen.pods.last().is_none_or(is_older)
}

fn running(seen: &Seen, live: bool) -> (bool, &'static str, String) {
    if !live {
        return (false, reason::NOT_RUNNING, "no run of the trial is there".to_owned());
    }
    if let JobSeen::Foreign(name) = &seen.job {
        return (false, reason::NAME_TAKEN, format!("Job {name} exists and is not this Trial's: delete or rename it"));
    }
    let Some(pod) = seen.pods.last() else {
        return match &seen.job {
            JobSeen::Present { suspended: true, .. } => {
                (false, reason::WAITING_FOR_PLACE, "the Job is held by a queueing system".to_owned())
            }
            _ => (false, reason::PENDING, "the run has no pod yet".to_owned()),
        };
    };
    match (&pod.cannot_start, &pod.unschedulable) {
        _ if pod.running => (true, reason::POD_RUNNING, format!("pod {} runs", pod.name)),
        (Some((why, words)), _) => (false, why, format!("pod {}: {words}", pod.name)),
        (None, Some(words)) => (false, reason::WAITING_FOR_PLACE, format!("pod {}: {words}", pod.name)),
        _ => (false, reason::PENDING, format!("pod {} does not run", pod.name)),
    }
}

/// The events that a change is worth.
pub(crate) fn news(seen: &Seen, new: &TrialStatus) -> Vec<News> {
    let was = |kind| conditions::is_true(&seen.status.conditions, kind);
    let find = |kind| new.conditions.iter().find(|c| c.type_ == kind && c.status == "True");
    let mut news = Vec::new();
    for (kind, tone, reason) in [
        (condition::COMPLETE, Tone::Normal, "TrialComplete"),
        (condition::FAILED, Tone::Warning, "TrialFailed"),
        (condition::CHECKPOINT_IGNORED, Tone::Warning, "CheckpointIgnored"),
    ] {
        if let (false, Some(now)) = (was(kind), find(kind)) {
            news.push(News {
                tone,
                reason,
                action: "Reconcile",
                note: format!("{}: {}", now.reason, now.message),
                occasion: String::new(),
            });
        }
    }
    let trouble = [reason::IMAGE, reason::CONFIG, reason::NAME_TAKEN];
    if let Some(now) =
        new.conditions.iter().find(|c| c.type_ == condition::RUNNING && trouble.contains(&c.reason.as_str()))
        && !seen.status.conditions.iter().any(|c| c.type_ == condition::RUNNING && c.reason == now.reason)
    {
        let occasion = format!("{}/{}", now.reason, new.next_run);
        news.push(News {
            tone: Tone::Warning,
            reason: "RunCannotStart",
            action: "Run",
            note: format!("{}: {}", now.reason, now.message),
            occasion,
        });
    }
    news
}
