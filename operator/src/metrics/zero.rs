//! What begins at zero: a series that appears with its first event has not increased by it, so that no rate ever shows that event.
//!
//! Series whose labels have closed lists of words are there from the start. Those of an algorithm or a namespace are there as soon as
//! a Study of it is looked at, which is before anything of it is decided, runs or ends, and soon after a restart.

use trimtab_api::Study;
use trimtab_api::conditions::reason;
use trimtab_api::ending::{Class, class};
use trimtab_api::study::ActionKind;
use trimtab_engine::Reason;

use super::CONTROLLERS;
use super::book::Book;
use super::transitions::resources;

/// The reasons that a run ends for.
const ENDS: [&str; 17] = [
    reason::REACHED,
    reason::CONVERGED,
    reason::OVERRAN,
    reason::SUSPENDED,
    reason::STOPPED,
    reason::NO_METRIC,
    reason::NOT_FINITE,
    reason::EXIT_CODE,
    reason::OUT_OF_MEMORY,
    reason::TIMEOUT,
    reason::EVICTED,
    reason::DELETED,
    reason::NODE_LOST,
    reason::LOG_LOST,
    reason::IMAGE,
    reason::CONFIG,
    reason::JOB_REFUSED,
];

/// The word for an action.
pub(super) fn word(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Start => "Start",
        ActionKind::Continue => "Continue",
        ActionKind::Stop => "Stop",
    }
}

/// What is done for a reason.
fn action(reason: Reason) -> ActionKind {
    match reason {
        Reason::NewTrial => ActionKind::Start,
        Reason::Promoted | Reason::Audited => ActionKind::Continue,
        _ => ActionKind::Stop,
    }
}

/// How a trial can finish: outcome and reason.
fn finishes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let stops = Reason::ALL.into_iter().filter(|reason| action(*reason) == ActionKind::Stop).map(Reason::as_str);
    let of_runs = ENDS.into_iter().filter_map(|reason| match class(reason) {
        Class::Configuration => Some(("Failed", reason)),
        Class::NeverStarts => Some(("Lost", reason)),
        Class::Good | Class::Wanted | Class::Infrastructure => None,
    });
    [("Complete", reason::REACHED), ("Lost", reason::TOO_MANY_RETRIES)]
        .into_iter()
        .chain(stops.map(|reason| ("Stopped", reason)))
        .chain(of_runs)
}

/// What belongs to no Study and to no namespace.
pub(super) fn from_the_start(book: &Book) {
    for counter in [&book.cache_behind_total, &book.log_lines_total, &book.log_reports_total, &book.log_rejected_total]
    {
        counter.with_label_values::<&str>(&[]);
    }
    for histogram in [
        &book.line_to_decision_seconds,
        &book.line_to_record_seconds,
        &book.decision_to_delete_seconds,
        &book.trial_start_seconds,
        &book.run_queue_seconds,
    ] {
        histogram.with_label_values::<&str>(&[]);
    }
    for reason in ENDS {
        let word = book.reasons.word(reason);
        book.runs_ended_total.with_label_values(&[word]);
        if class(reason) == Class::Infrastructure {
            book.retries_total.with_label_values(&[word]);
        }
    }
    book.events_total.with_label_values(&["Trial", "Warning", crate::write::RUN_WAITS]);
    for mode in ["follow", "poll"] {
        book.log_read_errors_total.with_label_values(&[mode]);
    }
    for kind in ["Study", "Trial", "Job", "Pod"] {
        book.watch_breaks_total.with_label_values(&[kind]);
    }
    for controller in CONTROLLERS {
        book.reconcile_panics_total.with_label_values(&[controller]);
        book.workqueue_adds_total.with_label_values(&[controller]);
        for result in ["success", "conflict", "error"] {
            book.reconcile_total.with_label_values(&[controller, result]);
        }
        for class in ["conflict", "throttled", "server", "refused", "transport"] {
            book.reconcile_errors_total.with_label_values(&[controller, class]);
        }
    }
}

/// What belongs to the algorithm and the namespace of a Study that has not ended.
pub(super) fn of_a_study(book: &Book, study: &Study) {
    let status = study.status.as_ref();
    if status.is_some_and(|status| status.completion_time.is_some()) {
        return;
    }
    if let Some(algorithm) = status.and_then(|status| status.algorithm.as_deref()) {
        book.batches_total.with_label_values(&[algorithm]);
        for reason in Reason::ALL {
            let labels = [algorithm, word(action(reason)), book.reasons.word(reason.as_str())];
            book.actions_total.with_label_values(&labels);
        }
    }
    let namespace = study.metadata.namespace.as_deref().unwrap_or_default();
    for (outcome, reason) in finishes() {
        book.trials_finished_total.with_label_values(&[namespace, outcome, book.reasons.word(reason)]);
    }
    for (resource, _) in resources(study) {
        let labels = [namespace, book.resources.word(&resource)];
        for seconds in [&book.spent_seconds_total, &book.wasted_seconds_total, &book.saved_seconds_total] {
            seconds.with_label_values(&labels);
        }
    }
}
