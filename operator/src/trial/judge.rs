//! How the current run stands: whether it goes on, is to be ended, or has ended, and why. Pure.
//!
//! What it must keep true: a run has ended when its pod is terminal and its log was read to the end after that, or could not
//! be. The configuration's failures count against the trial; the infrastructure's are tried again.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use trimtab_api::conditions::reason;
use trimtab_api::ending;
use trimtab_api::record::{self, Scale, fidelity};
use trimtab_api::trial::{Run, TrialStatus};

use super::observe::{JobSeen, Seen};
use super::pods::PodFacts;
use crate::clock::seconds_between;
use crate::context::Config;

/// The end of a run, before it is written down.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) exit_code: Option<i32>,
    pub(crate) seconds: u64,
    /// Nothing of the run is left that could hold a place.
    pub(crate) gone: bool,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stand {
    /// There is no Job yet, and there is to be one.
    ToCreate,
    /// It goes on; look again after so many seconds though nothing changes.
    Goes { again: Option<u64> },
    /// Its Job is to be deleted, and the end is written when that is done.
    ToDelete,
    /// It has ended, or is ended by writing this down.
    Ended(End),
}

fn end(reason: &'static str, message: impl Into<String>) -> End {
    End { reason, message: message.into(), exit_code: None, seconds: 0, gone: true }
}

/// The pod that was to stop and has not for so long that nobody waits for it any more.
pub(crate) fn lingering<'p>(pods: &'p [PodFacts], config: &Config, now: Timestamp) -> Option<&'p PodFacts> {
    let lost_after = SignedDuration::from_secs(i64::try_from(config.lost_after.as_secs()).unwrap_or(i64::MAX));
    pods.iter().find(|pod| !pod.terminal && pod.deleting.is_some_and(|at| now.duration_since(at) > lost_after))
}

/// What is said of such a pod. What it runs on from now on is not counted.
pub(crate) fn left(pod: &PodFacts) -> String {
    format!("pod {} did not stop in time and is left to its node", pod.name)
}

/// Judges the run at `index` of `status`, which has all reports in it. May write values that follow from a good end.
pub(crate) fn judge(
    seen: &Seen,
    status: &mut TrialStatus,
    index: usize,
    scale: Scale<'_>,
    config: &Config,
    now: Timestamp,
) -> Stand {
    let Some(run) = status.runs.get(index).cloned() else { return Stand::Goes { again: None } };
    let wanted = wanted_end(seen);
    let alive = seen.pods.iter().any(|p| !p.terminal);
    let ended = |end: End| Stand::Ended(End { seconds: ran(&run, &seen.pods, now), ..end });

    if let Some(pod) = seen.pods.last()
        && !alive
    {
        if !log_is_read(status, &seen.pods) {
            return Stand::Goes { again: Some(2) };
        }
        return ended(classify(seen, status, &run, pod, wanted, scale));
    }
    match &seen.job {
        JobSeen::Absent if !alive => {
            return match (&run.job_uid, wanted) {
                (_, Some(why)) => ended(end(why, "the run was ended before it had a pod")),
                (None, None) => Stand::ToCreate,
                (Some(_), None) => ended(end(reason::DELETED, "the Job was deleted by somebody else")),
            };
        }
        JobSeen::Present { finished: Some((well, why, message)), .. } if !alive => {
            return ended(match wanted {
                Some(wanted) => end(wanted, "the run was ended"),
                None if *well => end(reason::LOG_LOST, "the Job is complete and its pod is gone, and the log with it"),
                None if why == "DeadlineExceeded" => {
                    end(reason::TIMEOUT, format!("the Job's own activeDeadlineSeconds: {message}"))
                }
                None => end(reason::DELETED, format!("the Job has failed and its pod is gone: {why}: {message}")),
            });
        }
        JobSeen::Foreign(_) if wanted.is_some() => {
            return ended(end(wanted.unwrap_or(reason::STOPPED), "the run was ended before it had a Job"));
        }
        JobSeen::Foreign(_) => return Stand::Goes { again: Some(30) },
        _ => {}
    }
    if let Some(pod) = lingering(&seen.pods, config, now) {
        return match wanted {
            Some(why) => ended(end(why, left(pod))),
            None => ended(end(
                reason::NODE_LOST,
                format!("pod {} was to be deleted and its node does not answer", pod.name),
            )),
        };
    }
    if wanted.is_some() {
        return match &seen.job {
            JobSeen::Present { deleting: true, .. } | JobSeen::Absent => Stand::Goes { again: Some(5) },
            _ => Stand::ToDelete,
        };
    }
    if scale.is_counted() && fidelity(run.reached.as_ref()) > f64::from(run.target_level) {
        let message = format!(
            "the run went on to {} though it was to end at {}: let the program read TRIMTAB_FIDELITY",
            run.reached.clone().unwrap_or_default(),
            run.target_level
        );
        return ended(End { gone: false, ..end(reason::OVERRAN, message) });
    }
    if let Some(level) = record::missed_rung(status, scale) {
        let message = format!("the run went past {level} and no value was read there, so that it can never be judged");
        return ended(End { gone: false, ..end(reason::LOG_LOST, message) });
    }
    if let (Some(limit), Some(since)) = (seen.study.spec.trial.timeout_seconds, run.start_time.as_ref()) {
        let ran = seconds_between(since.0, now);
        let limit = u64::from(limit);
        if ran >= limit {
            let message = format!("the run took {ran} s; `spec.trial.timeoutSeconds` allows {limit}");
            // A program that is slow to exit has done its work all the same.
            let done = record::value_at(status, scale.plan, run.target_level).is_some_and(f64::is_finite);
            let why = if done { reason::REACHED } else { reason::TIMEOUT };
            return ended(End { gone: false, ..end(why, message) });
        }
        return Stand::Goes { again: Some(limit - ran) };
    }
    if let Some(pod) = seen.pods.last()
        && let Some((why, message)) = &pod.cannot_start
    {
        let waited = pod.created.map_or(0, |at| seconds_between(at, now));
        let limit = config.start_deadline.as_secs();
        if waited >= limit {
            return ended(End {
                gone: false,
                ..end(why, format!("the pod could not start for {waited} s: {message}"))
            });
        }
        return Stand::Goes { again: Some(limit - waited) };
    }
    Stand::Goes { again: None }
}

/// The end that the study wants for the run, if it wants one.
fn wanted_end(seen: &Seen) -> Option<&'static str> {
    let spec = &seen.trial.spec;
    if spec.stop.is_some() {
        return Some(reason::STOPPED);
    }
    spec.suspend.then_some(reason::SUSPENDED)
}

/// Seconds that the pods of a run have run by now: what their nodes say, and of a pod that goes on, or is gone without a word,
/// the time from its start to now.
pub(crate) fn ran(run: &Run, pods: &[PodFacts], now: Timestamp) -> u64 {
    let told: Vec<u64> = pods.iter().filter_map(|pod| pod.terminated.as_ref()?.seconds).collect();
    let newest = pods.iter().rev().find(|pod| pod.started).and_then(|pod| pod.terminated.as_ref()?.seconds);
    let since = || run.start_time.as_ref().map_or(0, |since| seconds_between(since.0, now));
    run.earlier_seconds.saturating_add(newest.unwrap_or_else(since)).max(told.iter().sum())
}

/// Writes down when the newest pod of a run began to run. What a pod before it ran is kept, and the time between costs nothing.
pub(crate) fn note_start(run: &mut Run, seen: &Seen, now: Timestamp) {
    let newest = seen.pods.last();
    let is_held = matches!(seen.job, JobSeen::Present { suspended: true, finished: None, .. });
    if let Some(since) = run.start_time.as_ref().map(|since| since.0) {
        let told = seen
            .pods
            .iter()
            .find(|pod| Some(&pod.name) == run.pod_name.as_ref())
            .and_then(|p| p.terminated.as_ref()?.seconds);
        let until = match newest {
            Some(pod) if Some(&pod.name) != run.pod_name.as_ref() => pod.created.filter(|at| *at > since),
            Some(_) => None,
            None => is_held.then_some(now),
        };
        if let Some(until) = until {
            let ran = told.unwrap_or_else(|| seconds_between(since, until.min(now)));
            run.earlier_seconds = run.earlier_seconds.saturating_add(ran);
            run.start_time = None;
        }
    }
    if let Some(pod) = newest {
        run.pod_name = Some(pod.name.clone());
    }
    if let (None, Some(pod)) = (&run.start_time, newest.filter(|pod| pod.started)) {
        // A node's clock may be wrong: nothing begins before the pod was made, or after it was seen.
        let began = pod.began.unwrap_or(now).max(pod.created.unwrap_or(Timestamp::MIN)).min(now);
        run.start_time = Some(Time(began));
    }
}

/// Whether the log of every pod that had one was read to its end.
fn log_is_read(status: &TrialStatus, pods: &[PodFacts]) -> bool {
    let Some(last) = pods.iter().rev().find(|p| p.started) else { return true };
    status.cursor.as_ref().is_some_and(|c| c.pod_uid == last.uid && c.ended)
}

/// Why a run whose last pod is terminal has ended.
fn classify(
    seen: &Seen,
    status: &mut TrialStatus,
    run: &Run,
    pod: &PodFacts,
    wanted: Option<&'static str>,
    scale: Scale<'_>,
) -> End {
    let Some(ended) = &pod.terminated else {
        let why = pod.disrupted.clone().unwrap_or_else(|| "the pod ended before its container ran".to_owned());
        return match wanted {
            Some(wanted) => end(wanted, why),
            None => end(reason::EVICTED, why),
        };
    };
    let exit_code = Some(ended.exit_code);
    if ended.exit_code == 0 {
        // A program that stops in order when it is told to exits with 0 as well, short of its level: that is no convergence.
        let interrupted = wanted.is_some() || pod.deleting.is_some() || pod.disrupted.is_some();
        let has_value = record::value_at(status, scale.plan, run.target_level).is_some();
        if interrupted && !has_value {
            let why = wanted.unwrap_or(if pod.disrupted.is_some() { reason::EVICTED } else { reason::DELETED });
            return End { exit_code, ..end(why, "the program stopped in order when it was told to") };
        }
        if seen.log_was_lost && !has_value {
            return End {
                exit_code,
                ..end(reason::LOG_LOST, "the program ended in order and its log was lost before its value was read")
            };
        }
        let (why, message) = ending::in_order(status, scale, run.target_level);
        return End { exit_code, ..end(why, message) };
    }
    let words =
        format!("exit code {}{}{}", ended.exit_code, if ended.reason.is_empty() { "" } else { ", " }, ended.reason);
    let words = if ended.message.is_empty() { words } else { format!("{words}: {}", ended.message) };
    let why = match ended.reason.as_str() {
        _ if wanted.is_some() => wanted.unwrap_or(reason::STOPPED),
        _ if pod.disrupted.is_some() => reason::EVICTED,
        _ if pod.deleting.is_some() => reason::DELETED,
        "OOMKilled" => reason::OUT_OF_MEMORY,
        "StartError" | "ContainerCannotRun" => reason::CONFIG,
        _ => reason::EXIT_CODE,
    };
    let message = match (why, &pod.disrupted) {
        (reason::EVICTED, Some(disrupted)) => format!("{disrupted} ({words})"),
        (reason::EXIT_CODE, _) => {
            format!("{words}; `kubectl logs {}` shows what it printed, while the pod is kept", pod.name)
        }
        (reason::OUT_OF_MEMORY, _) => format!(
            "{words}: raise `resources.limits.memory` in the Study's template, or keep such configurations out of the space"
        ),
        _ => words,
    };
    End { exit_code, ..end(why, message) }
}
