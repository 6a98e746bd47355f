//! Condition types and reasons: closed lists, in the form of `metav1.Condition`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Condition types of a Study. All are present from the first visit.
pub mod study {
    /// The Study passed every check, the preflight included.
    pub const ACCEPTED: &str = "Accepted";
    /// The Study is suspended and nothing of it runs.
    pub const SUSPENDED: &str = "Suspended";
    /// Trials wait for something that a person may have to mend.
    pub const STALLED: &str = "Stalled";
    /// The Study ended with its answer in `status.best`, or with several objectives in `status.front`.
    pub const COMPLETE: &str = "Complete";
    /// The Study ended without an answer.
    pub const FAILED: &str = "Failed";
    /// The ranks at the lowest rung agree with those further up; `Unknown` while there is too little to say so.
    pub const EARLY_STOPPING_SAFE: &str = "EarlyStoppingSafe";
    /// All of them.
    pub const ALL: [&str; 6] = [ACCEPTED, SUSPENDED, STALLED, COMPLETE, FAILED, EARLY_STOPPING_SAFE];
}

/// Condition types of a Trial. All are present from the first visit.
pub mod trial {
    /// A pod of the trial runs.
    pub const RUNNING: &str = "Running";
    /// The trial reached its highest level.
    pub const COMPLETE: &str = "Complete";
    /// The trial failed, by its configuration or its infrastructure.
    pub const FAILED: &str = "Failed";
    /// The trial was ended early.
    pub const STOPPED: &str = "Stopped";
    /// A resumed run began again instead of reading its checkpoint.
    pub const CHECKPOINT_IGNORED: &str = "CheckpointIgnored";
    /// All of them.
    pub const ALL: [&str; 5] = [RUNNING, COMPLETE, FAILED, STOPPED, CHECKPOINT_IGNORED];
}

/// Reasons of conditions, runs and events. The engine's reasons of actions and verdicts join them under their own names.
pub mod reason {
    macro_rules! reasons {
        ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
            $($(#[$doc])* pub const $name: &str = $text;)*
            /// Every reason, for the test that holds the list closed.
            pub const ALL: &[&str] = &[$($text),*];
        };
    }
    reasons! {
        /// Not looked at yet.
        PENDING = "Pending";
        /// All checks passed.
        VALID = "Valid";
        /// A field is wrong; the message names it.
        INVALID = "Invalid";
        /// The dry run of the first Job or pod was refused.
        PREFLIGHT_REFUSED = "PreflightRefused";
        /// The dry run could not be judged (a quota, a webhook without dry run): a warning, the study goes on.
        PREFLIGHT_UNKNOWN = "PreflightUnknown";
        /// `spec.suspend` is true.
        SUSPENDED_BY_USER = "SuspendedByUser";
        /// `spec.suspend` is true and runs are still stopping.
        SUSPENDING = "Suspending";
        /// `spec.suspend` is false.
        NOT_SUSPENDED = "NotSuspended";
        /// Nothing waits for a person.
        PROGRESSING = "Progressing";
        /// The Study that is to be learned from is not there, or has not ended.
        WAITING_FOR_STUDY = "WaitingForStudy";
        /// The Study that is to be learned from searched for something else.
        WARM_START_REFUSED = "WarmStartRefused";
        /// Pods wait for a place on a node.
        WAITING_FOR_PLACE = "WaitingForPlace";
        /// No pod of this template can start: image or configuration.
        CANNOT_START = "CannotStart";
        /// Something else holds the name that a trial or Job needs.
        NAME_TAKEN = "NameTaken";
        /// Nothing is stopped early.
        NOTHING_STOPS = "NothingStops";
        /// Too few trials, or none, ran on unjudged.
        TOO_FEW_PAIRS = "TooFewPairs";
        /// The ranks at the lowest rung agree with those further up.
        RANKS_AGREE = "RanksAgree";
        /// The ranks at the lowest rung do not agree with those further up.
        RANKS_DISAGREE = "RanksDisagree";
        /// No pod of the trial runs now.
        NOT_RUNNING = "NotRunning";
        /// A pod of the trial runs.
        POD_RUNNING = "PodRunning";
        /// The study is at work.
        STUDY_RUNNING = "StudyRunning";
        /// The container exited with 0 at or beyond its level.
        REACHED = "Reached";
        /// The container exited with 0 before its level: it converged, and its value carries upward.
        CONVERGED = "Converged";
        /// The container exited with 0 and printed no value of the objective.
        NO_METRIC = "NoMetric";
        /// The container exited with 0 and the objective at its level is NaN or infinite.
        NOT_FINITE = "NotFinite";
        /// The container exited with another code than 0.
        EXIT_CODE = "ExitCode";
        /// The container ran out of memory.
        OUT_OF_MEMORY = "OutOfMemory";
        /// The run took longer than `timeoutSeconds`.
        TIMEOUT = "Timeout";
        /// The pod was evicted, preempted or disrupted.
        EVICTED = "Evicted";
        /// The Job or pod was deleted by somebody.
        DELETED = "Deleted";
        /// The node was lost.
        NODE_LOST = "NodeLost";
        /// The log was lost before a level was read from it.
        LOG_LOST = "LogLost";
        /// The image could not be pulled.
        IMAGE = "ImagePull";
        /// The container could not be created: a missing secret, config map or volume, a bad command.
        CONFIG = "ContainerConfig";
        /// The API server refused the Job.
        JOB_REFUSED = "JobRefused";
        /// The study or trial was suspended, or the study ended.
        SUSPENDED = "Suspended";
        /// The program that ran the study ended while the run was there: it goes on with the study. Local mode only.
        INTERRUPTED = "Interrupted";
        /// The study stopped the trial.
        STOPPED = "StoppedByStudy";
        /// The infrastructure failed too often in a row.
        TOO_MANY_RETRIES = "TooManyRetries";
        /// The run went past its level and was ended there.
        OVERRAN = "Overran";
        /// A resumed run reported from the beginning.
        STARTED_OVER = "StartedOver";
        /// A resumed run went on from its checkpoint, or none was to be resumed.
        NOT_RESUMED = "NotResumed";
    }
}

/// Sets a condition and says whether anything changed. `lastTransitionTime` moves only when the status does.
pub fn set(
    conditions: &mut Vec<Condition>,
    kind: &str,
    status: bool,
    reason: &str,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> bool {
    set_status(conditions, kind, if status { "True" } else { "False" }, reason, message, generation, now)
}

/// As [`set`], with the status as text, for `Unknown`.
pub fn set_status(
    conditions: &mut Vec<Condition>,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> bool {
    // The schema bounds a message at 32 KiB, and a cut message is better than a refused status.
    let message: String = message.chars().take(4096).collect();
    match conditions.iter_mut().find(|c| c.type_ == kind) {
        Some(held) => {
            let moved = held.status != status;
            let changed = moved
                || held.reason != reason
                || held.message != message
                || held.observed_generation != Some(generation);
            if moved {
                held.last_transition_time = Time(now);
            }
            if changed {
                held.status = status.to_owned();
                held.reason = reason.to_owned();
                held.message = message;
                held.observed_generation = Some(generation);
            }
            changed
        }
        None => {
            conditions.push(Condition {
                type_: kind.to_owned(),
                status: status.to_owned(),
                reason: reason.to_owned(),
                message,
                observed_generation: Some(generation),
                last_transition_time: Time(now),
            });
            true
        }
    }
}

/// Whether a condition is `True`.
#[must_use]
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|c| c.type_ == kind && c.status == "True")
}
