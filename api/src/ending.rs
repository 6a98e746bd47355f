//! What the beginning and the end of a run mean for its trial. Pure: the operator and the local mode share it, so that a trial is
//! judged alike wherever it ran.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use trimtab_engine::number::to_text;
use trimtab_protocol::Ending;

use crate::conditions::reason;
use crate::record::{self, Scale, fidelity};
use crate::study::Origin;
use crate::trial::{Outcome, OutcomeKind, Rest, Run, RunEnd, TrialStatus};
use crate::whole;

/// How many runs a status keeps.
pub const RUNS: usize = 16;
/// Infrastructure failures since the last gain in fidelity that a trial survives.
pub const RETRIES: u32 = 5;
/// The longest message that a run's end or a trial's outcome keeps, in characters.
pub const MESSAGE: usize = 1024;

/// What an end means for the trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The run came to its level, or the trial converged.
    Good,
    /// The configuration failed.
    Configuration,
    /// The infrastructure failed.
    Infrastructure,
    /// No run of this template can start.
    NeverStarts,
    /// The study wanted it so.
    Wanted,
}

/// Which class a reason of an end belongs to.
#[must_use]
pub fn class(why: &str) -> Class {
    match why {
        reason::REACHED | reason::CONVERGED | reason::OVERRAN => Class::Good,
        reason::NO_METRIC | reason::NOT_FINITE | reason::EXIT_CODE | reason::OUT_OF_MEMORY | reason::TIMEOUT => {
            Class::Configuration
        }
        reason::IMAGE | reason::CONFIG | reason::JOB_REFUSED => Class::NeverStarts,
        reason::SUSPENDED | reason::STOPPED | reason::INTERRUPTED => Class::Wanted,
        _ => Class::Infrastructure,
    }
}

/// Puts the intent of the trial's next run into its status, and returns it. It resumes from the newest run that it can, if
/// the study keeps checkpoints; a copy that has none of its own yet, from its donor's.
pub fn begin(
    status: &mut TrialStatus,
    scale: Scale<'_>,
    target_level: u32,
    keeps_checkpoints: bool,
    from: Option<&Origin>,
) -> Run {
    let target_level = whole::next_target(status, scale.plan, target_level);
    let newest = || {
        if whole::is_whole(scale.plan) {
            whole::resume_from(&status.runs, target_level).map(|number| (number, 0.0))
        } else {
            resume_from(&status.runs)
        }
    };
    let source = keeps_checkpoints.then(newest).flatten();
    let mut run = Run::from_zero(status.next_run, target_level);
    if let Some((number, reached)) = source {
        (run.resume_from, run.start) = (Some(number), to_text(reached));
    } else if let Some((origin, number)) = donor(&status.runs, from.filter(|_| keeps_checkpoints)) {
        (run.resume_trial, run.resume_from) = (Some(origin.trial), Some(number));
        run.start = origin.start.clone().unwrap_or_else(|| to_text(f64::from(origin.level)));
    }
    record::begin_run(status, scale, target_level);
    status.next_run += 1;
    status.retry_after = None;
    status.runs.push(run.clone());
    if status.runs.len() > RUNS {
        status.runs.remove(0);
    }
    run
}

/// The donor's run that a copy begins from, unless a run that did so found nothing to do: then the copy begins from zero.
fn donor<'o>(runs: &[Run], from: Option<&'o Origin>) -> Option<(&'o Origin, u32)> {
    let is_barren = |run: &Run| run.resume_trial.is_some() && said_nothing(run) && is_lost(run);
    from.filter(|_| !runs.iter().any(is_barren)).and_then(|origin| Some((origin, origin.run?)))
}

/// The run of a trial that holds what it was when it ended in order at this level, and how far it had come, as text: what a copy from
/// there begins from. A run that found nothing left to do has no checkpoint of its own: it is the one that it went on from.
#[must_use]
pub fn rested_run(runs: &[Run], level: u32) -> Option<(u32, String)> {
    let is_it = |run: &&Run| {
        let end = run.end.as_ref().filter(|end| end.gone);
        run.target_level == level && end.is_some_and(|end| class(&end.reason) == Class::Good)
    };
    let run = runs.iter().rev().find(is_it)?;
    if said_nothing(run) {
        return run.resume_from.filter(|_| run.resume_trial.is_none()).map(|number| (number, run.start.clone()));
    }
    Some((run.number, run.reached.clone().unwrap_or_else(|| to_text(f64::from(level)))))
}

/// What it means that a run's program exited with 0 and all that it printed was read: a reason and a message for people. Values
/// that follow from it are written.
pub fn in_order(status: &mut TrialStatus, scale: Scale<'_>, target_level: u32) -> (&'static str, String) {
    let finished = record::finish(status, scale, target_level);
    let level = if matches!(finished.ending, Ending::Converged { .. }) {
        scale.plan.levels().last().copied().unwrap_or(target_level)
    } else {
        target_level
    };
    let known = record::decisive_at(status, scale.plan, level);
    let missing = known.iter().find(|(_, value)| value.is_none()).map(|(name, _)| *name);
    let infinite = known.iter().find(|(_, value)| value.is_some_and(|value| !value.is_finite())).map(|(name, _)| *name);
    let objective = missing.or(infinite).unwrap_or_default();
    match (finished.ending, record::value_at(status, scale.plan, level)) {
        (Ending::NoMetric, None) if status.runs.last().is_some_and(said_nothing) => {
            let words = "the program went on from a checkpoint, exited with 0 and printed nothing: what the checkpoint has and no log names was lost with an earlier run, and is trained again from before it";
            (reason::LOG_LOST, words.to_owned())
        }
        (Ending::NoMetric, None) => {
            let words = format!(
                "the program exited with 0 and printed no value of `{objective}` that could be read: print lines such as `epoch=3 {objective}=0.9`"
            );
            (reason::NO_METRIC, words)
        }
        (_, Some(value)) if !value.is_finite() => {
            let words = format!(
                "`{objective}` is {} at {level}: keep such configurations out of the space, or let the program print a bad finite value",
                to_text(value)
            );
            (reason::NOT_FINITE, words)
        }
        (Ending::Converged { fidelity }, _) => {
            (reason::CONVERGED, format!("the program ended in order at {fidelity}, short of {target_level}"))
        }
        (_, None) => {
            (reason::LOG_LOST, format!("the log names `{objective}` beyond {target_level} and not at or below it"))
        }
        _ => (reason::REACHED, String::new()),
    }
}

/// Writes the end of the run at `index`, and adds up what it cost. What it means for the trial is for [`settle`].
pub fn write_end(
    status: &mut TrialStatus,
    index: usize,
    scale: Scale<'_>,
    (why, message): (&str, &str),
    exit_code: Option<i32>,
    seconds: u64,
    now: Timestamp,
) {
    let Some(run) = status.runs.get_mut(index) else { return };
    run.end = Some(RunEnd {
        reason: why.to_owned(),
        message: message.chars().take(MESSAGE).collect(),
        exit_code,
        time: Time(now),
        seconds,
        uncounted: !matches!(class(why), Class::Good | Class::Configuration),
        gone: false,
    });
    status.spent_fidelity += if whole::is_whole(scale.plan) { whole::paid(scale.plan, run) } else { paid(run) };
    status.run_seconds += seconds;
}

/// The run at `index` has ended and holds no place any more: what its end means for the trial. Returns the end's class.
pub fn settle(status: &mut TrialStatus, index: usize, scale: Scale<'_>) -> Option<Class> {
    let run = status.runs.get_mut(index)?;
    let (target, number) = (run.target_level, run.number);
    let end = run.end.as_mut()?;
    end.gone = true;
    let end = end.clone();
    let class = class(&end.reason);
    match class {
        Class::Good => {
            let top = scale.plan.levels().last().copied().unwrap_or(target);
            let at = if end.reason == reason::CONVERGED { top } else { target };
            if status.rested_level < Some(at) {
                status.rested_level = Some(at);
                // A repeat between two levels is a step on the way, and not something that a decision waits for.
                if scale.plan.levels().contains(&at) {
                    status.rests.push(Rest { level: at, spent: status.spent_fidelity });
                }
            }
            status.retries = 0;
            status.retry_after = None;
        }
        Class::Configuration => {
            fail(status, OutcomeKind::Failed, &end.reason, &format!("run {number}: {}", end.message));
        }
        Class::NeverStarts => {
            fail(status, OutcomeKind::Lost, &end.reason, &format!("run {number}: {}", end.message));
        }
        Class::Infrastructure => {
            status.retries += 1;
            if status.retries > RETRIES {
                let words = format!(
                    "the infrastructure failed {} times in a row; the last time: {}: {}",
                    status.retries, end.reason, end.message
                );
                fail(status, OutcomeKind::Lost, reason::TOO_MANY_RETRIES, &words);
            } else {
                status.retry_after = None;
            }
        }
        Class::Wanted => {}
    }
    Some(class)
}

/// Ends the trial, unless it has ended.
fn fail(status: &mut TrialStatus, kind: OutcomeKind, why: &str, message: &str) {
    let message = message.chars().take(MESSAGE).collect();
    status.outcome.get_or_insert(Outcome { kind, reason: why.to_owned(), message });
}

/// Fidelity that a run has paid for: from where it really began.
fn paid(run: &Run) -> u64 {
    let from = if ignored_checkpoint(run) { 0.0 } else { fidelity(Some(&run.start)) };
    let paid = (fidelity(run.reached.as_ref()) - from).max(0.0);
    // A part of a unit is paid in whole; the cast saturates.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating is right"
    )]
    let paid = paid.ceil() as u64;
    paid
}

/// Whether a resumed run reported from the beginning.
#[must_use]
pub fn ignored_checkpoint(run: &Run) -> bool {
    run.resume_from.is_some()
        && run.first.as_ref().is_some_and(|first| {
            fidelity(Some(first)) <= fidelity(Some(&run.start)) && fidelity(Some(&run.start)) > 0.0
        })
}

/// Whether a run that went on from a checkpoint printed nothing of its own.
fn said_nothing(run: &Run) -> bool {
    run.resume_from.is_some() && run.first.is_none()
}

/// Whether a run's checkpoint is ahead of what was printed: its program was killed between saving and printing, and the run
/// that went on from there found nothing left to do. Who goes on from it again learns nothing again.
pub(crate) fn is_barren(runs: &[Run], number: u32) -> bool {
    let is_own = |run: &Run| run.resume_from == Some(number) && run.resume_trial.is_none();
    runs.iter().any(|run| is_own(run) && said_nothing(run) && is_lost(run))
}

fn is_lost(run: &Run) -> bool {
    run.end.as_ref().is_some_and(|end| end.reason == reason::LOG_LOST)
}

/// The newest run whose checkpoint can be resumed, and how far it came: one that ended, gained, and writes no more. What was
/// reported is on disk, because programs save first and print after.
#[must_use]
pub fn resume_from(runs: &[Run]) -> Option<(u32, f64)> {
    runs.iter().rev().filter(|run| !is_barren(runs, run.number)).find_map(|run| {
        let end = run.end.as_ref()?;
        let reached = fidelity(run.reached.as_ref());
        let from = if ignored_checkpoint(run) { 0.0 } else { fidelity(Some(&run.start)) };
        (end.gone && end.reason != reason::NODE_LOST && reached > from).then_some((run.number, reached))
    })
}

#[cfg(test)]
mod tests;
