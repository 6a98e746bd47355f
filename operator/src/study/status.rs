//! Fills a Study's status from what was seen and decided. Pure: takes the picture, changes the status, returns the events that
//! the change is worth.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use trimtab_api::conditions::{self, reason, study as condition};
use trimtab_api::front;
use trimtab_api::safety::{self, Told};
use trimtab_api::study::{BestTrial, ResourceHours, StudyStatus, TrialCounts};
use trimtab_api::trial::OutcomeKind;
use trimtab_api::{Study, Trial, resources};
use trimtab_engine::{Best, Front, Safety, brackets};

use super::decide::{Standing, is_live};
use super::observe::Seen;
use super::preflight::Acceptance;
use super::warm::Warm;
use crate::write::{News, Tone};

/// All that the status speaks of.
#[derive(Debug)]
pub(crate) struct Picture<'p> {
    pub(crate) seen: &'p Seen,
    pub(crate) acceptance: &'p Acceptance,
    pub(crate) standing: &'p Standing,
    pub(crate) best: Option<Best>,
    pub(crate) front: Option<Front>,
    pub(crate) safety: Option<Safety>,
    pub(crate) now: Timestamp,
}

/// Changes `status` to what the picture shows.
pub(crate) fn fill(status: &mut StudyStatus, old: &StudyStatus, picture: &Picture<'_>) {
    let seen = picture.seen;
    let generation = seen.study.metadata.generation.unwrap_or(0);
    status.observed_generation = Some(generation);
    let counts = count(seen, status.next_trial);
    if let Ok(plan) = &seen.plan {
        let scheduler = brackets::name(&plan.spec().scheduler);
        let sampler = plan.spec().sampler.name();
        status.algorithm = Some(format!("{scheduler}/{sampler}"));
        let wanted = plan.settings().limits.trials.map(u64::from).or_else(|| plan.overview().trials);
        let done = u64::from(counts.complete + counts.stopped + counts.failed + counts.removed);
        status.progress = Some(wanted.map_or_else(|| done.to_string(), |wanted| format!("{done}/{wanted}")));
        // The best seen is kept when its Trial is deleted: a status that forgets the answer would be worse than one that names a
        // trial that is gone. A trial that is still there and is the best no more, because it has failed, is forgotten.
        if status.best.as_ref().is_some_and(|held| seen.trials.contains_key(&held.number)) {
            status.best = None;
        }
        if let Some(best) = &picture.best
            && let Some(trial) = seen.trials.get(&best.number.0)
        {
            status.best = Some(BestTrial {
                trial_name: trial.name_any(),
                number: best.number.0,
                level: plan.levels().get(best.level).copied().unwrap_or_default(),
                value: trimtab_engine::number::to_text(best.value),
                parameters: trial.spec.parameters.clone(),
            });
        }
        // A front is kept like a best trial: while nobody on it is there any more, and there is no other.
        let is_held =
            |front: &trimtab_api::study::Front| front.trials.iter().any(|t| seen.trials.contains_key(&t.number));
        if picture.front.is_some() || status.front.as_ref().is_some_and(is_held) {
            status.front = picture
                .front
                .as_ref()
                .map(|found| front::record(&seen.study.name_any(), plan, found, front::MAX_NAMED));
        }
        status.answer = front::answer(status.best.as_ref(), status.front.as_ref());
    }
    let spent: u64 = seen.trials.values().filter_map(|t| t.status.as_ref()).map(|s| s.spent_fidelity).sum();
    status.spent_fidelity = status.spent_fidelity.max(spent);
    status.resource_hours = resources::told(used(picture, old));
    fill_conditions(status, picture, generation);
    let over = conditions::is_true(&status.conditions, condition::COMPLETE)
        || conditions::is_true(&status.conditions, condition::FAILED);
    status.completion_time = match (over, &old.completion_time) {
        (true, Some(held)) => Some(held.clone()),
        (true, None) => Some(Time(picture.now)),
        (false, _) => None,
    };
    status.state = Some(word(status, &counts).to_owned());
    status.trials = Some(counts);
}

/// What runs have used that are gone: of those that go on it would be another number at every look, and an old view, in which
/// a run goes on that has ended, would leave a number that is too large for good.
fn used(picture: &Picture<'_>, old: &StudyStatus) -> Vec<ResourceHours> {
    let run: u64 = picture.seen.trials.values().filter_map(|t| t.status.as_ref()).map(resources::settled_seconds).sum();
    resources::used(&picture.seen.study.spec, run, &old.resource_hours)
}

fn fill_conditions(status: &mut StudyStatus, picture: &Picture<'_>, generation: i64) {
    let Picture { seen, acceptance, standing, now, .. } = picture;
    let live = seen.trials.values().filter(|t| is_live(t)).count();
    let stopping = format!("{live} runs are still stopping");
    let conditions = &mut status.conditions;
    let mut set = |kind: &str, is: bool, reason: &str, message: &str| {
        conditions::set(conditions, kind, is, reason, message, generation, *now);
    };
    match acceptance {
        Acceptance::Yes { reason, message } => set(condition::ACCEPTED, true, reason, message),
        Acceptance::No { reason, message } => set(condition::ACCEPTED, false, reason, message),
    }
    match (seen.study.spec.suspend, live) {
        (true, 0) => set(condition::SUSPENDED, true, reason::SUSPENDED_BY_USER, "`suspend` is true and nothing runs"),
        (true, _) => set(condition::SUSPENDED, false, reason::SUSPENDING, &stopping),
        (false, _) => set(condition::SUSPENDED, false, reason::NOT_SUSPENDED, "`suspend` is false"),
    }
    match standing {
        Standing::Complete(why) if live == 0 => {
            let several = seen.study.spec.objectives.len() > 1;
            let place = if several { "status.front" } else { "status.best" };
            set(condition::COMPLETE, true, why, &format!("the study has its answer in `{place}`"));
            set(condition::FAILED, false, why, "the study is complete");
        }
        Standing::Failed(why, words) if live == 0 => {
            set(condition::FAILED, true, why, if words.is_empty() { failure(why) } else { words });
            set(condition::COMPLETE, false, why, "the study has failed");
        }
        Standing::Complete(why) | Standing::Failed(why, _) => {
            set(condition::COMPLETE, false, why, &stopping);
            set(condition::FAILED, false, why, &stopping);
        }
        Standing::Running => {
            set(condition::COMPLETE, false, reason::STUDY_RUNNING, "the study is at work");
            set(condition::FAILED, false, reason::STUDY_RUNNING, "the study is at work");
        }
        Standing::Held => {
            set(condition::COMPLETE, false, reason::PENDING, "the study is not at work");
            set(condition::FAILED, false, reason::PENDING, "the study is not at work");
        }
    }
    fill_safety(conditions, picture, generation);
    let mut set = |kind: &str, is: bool, reason: &str, message: &str| {
        conditions::set(conditions, kind, is, reason, message, generation, *now);
    };
    match stalled(seen) {
        Some((why, words)) if matches!(standing, Standing::Running | Standing::Held) => {
            set(condition::STALLED, true, why, &words)
        }
        _ => match &seen.warm {
            Warm::Waits(words) => set(condition::STALLED, false, reason::WAITING_FOR_STUDY, words),
            _ => set(condition::STALLED, false, reason::PROGRESSING, "nothing waits for a person"),
        },
    }
}

/// Whether early stopping is safe, as far as that is known by now.
fn fill_safety(conditions: &mut Vec<Condition>, picture: &Picture<'_>, generation: i64) {
    let kind = condition::EARLY_STOPPING_SAFE;
    let (Ok(plan), Some(safety)) = (&picture.seen.plan, &picture.safety) else {
        let message = "the study is not valid";
        conditions::set_status(conditions, kind, "Unknown", reason::PENDING, message, generation, picture.now);
        return;
    };
    let unit = picture.seen.study.spec.fidelity.as_ref().map_or("fidelity", |fidelity| fidelity.unit.as_str());
    let Told { status, reason, message } = safety::tell(plan, safety, unit);
    conditions::set_status(conditions, kind, status, reason, &message, generation, picture.now);
}

fn failure(why: &str) -> &'static str {
    match why {
        "TooManyFailedTrials" => {
            "more trials failed than `limits.failedTrials` allows; `kubectl describe trials` says why each did"
        }
        "NoUsableTrial" => {
            "every trial ended and none has a usable value that keeps the constraints; `kubectl describe trials` says why"
        }
        _ => "the study ended without an answer",
    }
}

/// What keeps the study from going on that a person may have to mend.
fn stalled(seen: &Seen) -> Option<(&'static str, String)> {
    if let Some((name, error)) = seen.broken.first() {
        return Some((reason::INVALID, format!("Trial {name} cannot be decoded: {error}; mend or delete it")));
    }
    if let Some(name) = &seen.foreign {
        return Some((reason::NAME_TAKEN, format!("Trial {name} exists and is not this Study's: delete it")));
    }
    if let Warm::Absent(words) = &seen.warm {
        return Some((reason::WAITING_FOR_STUDY, words.clone()));
    }
    let mut waiting = None;
    let mut running = false;
    for trial in seen.trials.values().filter(|t| is_live(t) || t.status.is_none()) {
        let Some(held) =
            trial.status.as_ref().and_then(|s| s.conditions.iter().find(|c| c.type_ == conditions::trial::RUNNING))
        else {
            continue;
        };
        let words = format!("{}: {}", trial.name_any(), held.message);
        match held.reason.as_str() {
            // One that is about to run is progress as well: its pod is not there yet, or has its node.
            _ if held.status == "True" || held.reason == reason::PENDING => running = true,
            reason::IMAGE | reason::CONFIG | reason::JOB_REFUSED => return Some((reason::CANNOT_START, words)),
            reason::NAME_TAKEN => return Some((reason::NAME_TAKEN, words)),
            reason::WAITING_FOR_PLACE => waiting = Some(words),
            _ => {}
        }
    }
    // Some waiting beside others that run is how a queue works.
    waiting.filter(|_| !running).map(|words| (reason::WAITING_FOR_PLACE, words))
}

/// A word for people.
fn word(status: &StudyStatus, counts: &TrialCounts) -> &'static str {
    let is = |kind| conditions::is_true(&status.conditions, kind);
    match () {
        () if is(condition::FAILED) => "Failed",
        () if is(condition::COMPLETE) => "Complete",
        () if !is(condition::ACCEPTED) => "Invalid",
        () if is(condition::SUSPENDED) => "Suspended",
        () if is(condition::STALLED) => "Stalled",
        () if counts.running > 0 || counts.paused > 0 || counts.complete > 0 => "Running",
        () => "Pending",
    }
}

/// Trials by state. Numbers that were given and have no Trial count as removed.
fn count(seen: &Seen, next_trial: u32) -> TrialCounts {
    let mut counts = TrialCounts::default();
    let top = seen.plan.as_ref().ok().and_then(|p| p.levels().last().copied());
    let mut in_flight = 0;
    if let Some(batch) = seen.study.status.as_ref().and_then(|s| s.batch.as_ref()) {
        in_flight = batch
            .actions
            .iter()
            .filter(|a| a.action == trimtab_api::study::ActionKind::Start && !seen.trials.contains_key(&a.trial))
            .count();
    }
    for trial in seen.trials.values() {
        *slot(&mut counts, trial, top) += 1;
    }
    let known = u32::try_from(seen.trials.len()).unwrap_or(u32::MAX);
    let given = seen.study.status.as_ref().map_or(0, |s| s.next_trial).min(next_trial);
    let missing = given.saturating_sub(known);
    // What the newest batch starts and the cache does not show yet is about to be there.
    let unborn = if seen.unapplied.is_empty() { 0 } else { u32::try_from(in_flight).unwrap_or(0) };
    counts.removed = missing.saturating_sub(unborn);
    counts
}

fn slot<'c>(counts: &'c mut TrialCounts, trial: &Trial, top: Option<u32>) -> &'c mut u32 {
    let Some(status) = &trial.status else { return &mut counts.pending };
    match status.outcome.as_ref().map(|o| o.kind) {
        Some(OutcomeKind::Failed | OutcomeKind::Lost) => &mut counts.failed,
        Some(OutcomeKind::Stopped) => &mut counts.stopped,
        None if conditions::is_true(&status.conditions, conditions::trial::RUNNING) => &mut counts.running,
        None if status.rested_level.is_some() && status.rested_level >= top => &mut counts.complete,
        None if status.rested_level >= Some(trial.spec.target_level) || trial.spec.suspend => &mut counts.paused,
        None => &mut counts.pending,
    }
}

/// The events that a change of the status is worth.
pub(crate) fn news(study: &Study, old: &StudyStatus, new: &StudyStatus) -> Vec<News> {
    let mut news = Vec::new();
    if let (None, Some(copied)) = (&old.warm_start, &new.warm_start) {
        let (note, occasion) = (copied.message.clone(), "copy".to_owned());
        news.push(News { tone: Tone::Normal, reason: "WarmStarted", action: "Reconcile", note, occasion });
    }
    let watched = [
        (condition::ACCEPTED, "True", Tone::Normal, "StudyAccepted"),
        (condition::ACCEPTED, "False", Tone::Warning, "StudyRefused"),
        (condition::SUSPENDED, "True", Tone::Normal, "StudySuspended"),
        (condition::STALLED, "True", Tone::Warning, "StudyStalled"),
        (condition::COMPLETE, "True", Tone::Normal, "StudyComplete"),
        (condition::FAILED, "True", Tone::Warning, "StudyFailed"),
    ];
    for (kind, value, tone, reason) in watched {
        let find = |status: &StudyStatus| {
            status
                .conditions
                .iter()
                .find(|c| c.type_ == kind && c.status == value)
                .map(|c| (c.reason.clone(), c.message.clone()))
        };
        let (before, after) = (find(old), find(new));
        let Some((why, message)) = after else { continue };
        if before.as_ref().map(|b| &b.0) == Some(&why) {
            continue;
        }
        let mut note = format!("{why}: {message}");
        if let (condition::COMPLETE, Some(best)) = (kind, &new.best) {
            note = format!("{why}: best is {} with {} at level {}", best.trial_name, best.value, best.level);
        }
        if let (condition::COMPLETE, Some(front)) = (kind, &new.front) {
            note = format!("{why}: the front has {}", front.words());
        }
        let generation = study.metadata.generation.unwrap_or(0);
        news.push(News { tone, reason, action: "Reconcile", note, occasion: format!("{generation}/{why}") });
    }
    news
}
