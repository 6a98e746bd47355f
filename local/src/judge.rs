//! How a run stands that is a process: whether it is to be ended, and what its end means. Pure, and in the same words as on a
//! cluster.

use nix::sys::signal::Signal;
use trimtab_api::conditions::reason;
use trimtab_api::ending;
use trimtab_api::record::{self, Scale, fidelity};
use trimtab_api::trial::TrialStatus;

use crate::supervisor::{Cause, Ending};

/// An end: a reason of the closed list, and words for people.
pub(crate) type Why = (&'static str, String);

/// Why a run that goes on is to be ended, if it is: it has printed all that it was to, it went past what it must not, or it took
/// too long.
pub(crate) fn overdue(
    status: &TrialStatus,
    run: usize,
    scale: Scale<'_>,
    seconds: u64,
    timeout: Option<u32>,
) -> Option<Why> {
    let run = status.runs.get(run)?;
    let target = run.target_level;
    if scale.is_counted() && fidelity(run.reached.as_ref()) > f64::from(target) {
        let reached = run.reached.clone().unwrap_or_default();
        let words = format!(
            "the run went on to {reached} though it was to end at {target}: let the program read TRIMTAB_FIDELITY"
        );
        return Some((reason::OVERRAN, words));
    }
    if let Some(level) = record::missed_rung(status, scale) {
        let words = format!("the run went past {level} and no value was read there, so that it can never be judged");
        return Some((reason::LOG_LOST, words));
    }
    let limit = timeout.filter(|limit| seconds >= u64::from(*limit))?;
    let words = format!("the run took {seconds} s; `spec.trial.timeoutSeconds` allows {limit}");
    // A program that is slow to exit has done its work all the same.
    let is_done = record::value_at(status, scale.plan, target).is_some_and(f64::is_finite);
    Some((if is_done { reason::REACHED } else { reason::TIMEOUT }, words))
}

/// What is known of a process that has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    /// What its supervisor wrote; absent when that was killed too.
    pub(crate) ending: Option<Ending>,
    /// Why the session wanted the run to end, if it did.
    pub(crate) wanted: Option<Why>,
    /// Whether the kernel killed a process for memory while it ran.
    pub(crate) short_of_memory: bool,
    /// Whether the session that started it is gone.
    pub(crate) is_orphan: bool,
}

/// Why a run whose process has ended, and whose output was read to its end, has ended. May write values that follow from it.
pub(crate) fn classify(status: &mut TrialStatus, run: usize, scale: Scale<'_>, ended: Ended) -> (Why, Option<i32>) {
    let Ended { ending, wanted, short_of_memory, is_orphan } = ended;
    let target = status.runs.get(run).map_or(0, |run| run.target_level);
    let interrupted = (reason::INTERRUPTED, "trimtab ended while the run was there".to_owned());
    let Some(ending) = ending else {
        let lost = (reason::DELETED, "the run and its supervisor were killed by somebody else".to_owned());
        return (wanted.unwrap_or(if is_orphan { interrupted } else { lost }), None);
    };
    let code = ending.code.or(ending.signal.map(|signal| 128 + signal));
    let words = ending.words();
    if let Some(words) = ending.cannot_start {
        return ((reason::CONFIG, words), None);
    }
    // The study's word counts before what the program made of it; but what it has done by then, it has done.
    if let Some((why, words)) = wanted.as_ref().filter(|(why, _)| !matches!(*why, reason::SUSPENDED | reason::STOPPED))
    {
        return ((why, words.clone()), code);
    }
    let is_told = wanted.is_some() || ending.cause == Some(Cause::Abandoned);
    if ending.code == Some(0) && ending.cause != Some(Cause::Memory) {
        if is_told && record::value_at(status, scale.plan, target).is_none() {
            return (wanted.unwrap_or(interrupted), code);
        }
        return (ending::in_order(status, scale, target), code);
    }
    let why = match (ending.cause, ending.signal.and_then(|signal| Signal::try_from(signal).ok())) {
        (Some(Cause::Memory), _) => {
            let words = format!(
                "{words}: the run had more memory than `resources.limits.memory` of the Study's template allows; raise it, or keep such configurations out of the space"
            );
            (reason::OUT_OF_MEMORY, words)
        }
        _ if wanted.is_some() => wanted.unwrap_or(interrupted),
        (Some(Cause::Abandoned), _) => interrupted,
        (_, Some(Signal::SIGKILL)) if short_of_memory => {
            (reason::OUT_OF_MEMORY, format!("{words}: the machine ran out of memory"))
        }
        // A program does not do this to itself, and its configuration does not make anybody else do it.
        (_, Some(Signal::SIGKILL | Signal::SIGTERM | Signal::SIGINT | Signal::SIGHUP | Signal::SIGQUIT)) => {
            (reason::DELETED, format!("{words}: killed by somebody else"))
        }
        _ => (reason::EXIT_CODE, words),
    };
    (why, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(ending: Option<Ending>, wanted: Option<&'static str>) -> &'static str {
        let study = crate::session::tests::study();
        let plan = crate::book::plan(&study).unwrap();
        let mut status = TrialStatus { next_run: 1, ..TrialStatus::default() };
        let scale = Scale { plan: &plan };
        ending::begin(&mut status, scale, 1, false, None);
        let ended = Ended { ending, wanted: wanted.map(|why| (why, String::new())), ..Ended::default() };
        classify(&mut status, 0, scale, ended).0.0
    }

    #[test]
    fn ends_are_told_apart() {
        let code = |code| Some(Ending { code: Some(code), ..Ending::default() });
        let signal = |signal: Signal| Some(Ending { signal: Some(signal as i32), ..Ending::default() });
        let because = |cause| Some(Ending { signal: Some(9), cause: Some(cause), ..Ending::default() });
        for (ending, wanted, expected) in [
            (code(0), None, reason::NO_METRIC),
            (code(1), None, reason::EXIT_CODE),
            (signal(Signal::SIGSEGV), None, reason::EXIT_CODE),
            (signal(Signal::SIGKILL), None, reason::DELETED),
            (signal(Signal::SIGTERM), Some(reason::STOPPED), reason::STOPPED),
            (code(0), Some(reason::SUSPENDED), reason::SUSPENDED),
            (code(3), Some(reason::SUSPENDED), reason::SUSPENDED),
            (signal(Signal::SIGKILL), Some(reason::TIMEOUT), reason::TIMEOUT),
            (because(Cause::Memory), None, reason::OUT_OF_MEMORY),
            (because(Cause::Abandoned), None, reason::INTERRUPTED),
            (Some(Ending { cannot_start: Some("no".into()), ..Ending::default() }), None, reason::CONFIG),
            (None, None, reason::DELETED),
            (None, Some(reason::STOPPED), reason::STOPPED),
        ] {
            assert_eq!(why(ending.clone(), wanted), expected, "{ending:?} {wanted:?}");
        }
    }
}
