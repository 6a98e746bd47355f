//! What failed, by its reason.

use std::collections::BTreeMap;

use serde::Serialize;
use trimtab_api::Trial;
use trimtab_api::ending::{Class, class};
use trimtab_api::trial::OutcomeKind;

/// At most so many kinds of failures are told.
const KINDS: usize = 50;

/// So many trials of a kind are named.
const NAMED: usize = 20;

/// The longest message that is told, in characters.
const MESSAGE: usize = 600;

/// Failures of one kind.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    reason: String,
    message: String,
    /// Whether a trial ended by it, or a run that was tried again.
    fatal: bool,
    count: usize,
    /// Trials, the first of them.
    trials: Vec<u32>,
}

/// What failed, the most frequent first, and how many kinds are not told.
pub(super) fn failures(trials: &[Trial]) -> (Vec<Failure>, usize) {
    let mut kinds: BTreeMap<(bool, String, String), Vec<u32>> = BTreeMap::new();
    let mut add = |fatal: bool, reason: &str, message: &str, number: u32| {
        let message = message.chars().take(MESSAGE).collect();
        kinds.entry((fatal, reason.to_owned(), message)).or_default().push(number);
    };
    for trial in trials {
        let Some(status) = &trial.status else { continue };
        let number = trial.spec.number;
        if let Some(outcome) = status.outcome.as_ref().filter(|o| o.kind != OutcomeKind::Stopped) {
            add(true, &outcome.reason, &outcome.message, number);
        }
        for end in status.runs.iter().filter_map(|run| run.end.as_ref()) {
            if class(&end.reason) == Class::Infrastructure {
                add(false, &end.reason, &end.message, number);
            }
        }
    }
    let mut failures: Vec<Failure> = kinds
        .into_iter()
        .map(|((fatal, reason, message), mut trials)| {
            let count = trials.len();
            trials.dedup();
            trials.truncate(NAMED);
            Failure { reason, message, fatal, count, trials }
        })
        .collect();
    failures.sort_by_key(|failure| (!failure.fatal, std::cmp::Reverse(failure.count)));
    let left_out = failures.len().saturating_sub(KINDS);
    failures.truncate(KINDS);
    (failures, left_out)
}
