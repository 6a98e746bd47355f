//! Numbers that nothing started, because the trial was deleted with its record.

use std::borrow::Cow;

use super::{MAX_TRIALS, State, Trial};
use crate::history::{Action, Gradient, History, Note, Outcome, TrialNumber};
use crate::plan::Plan;

impl State<'_> {
    /// Puts a removed trial, in the bracket where the next start would have gone, on each number below this one that
    /// nothing started.
    pub(crate) fn fill_holes(&mut self, plan: &Plan, below: u32) {
        for number in self.next_number()..below.min(MAX_TRIALS) {
            let bracket = self.memo.bracket_of_next(plan);
            self.push(
                plan,
                Trial {
                    number: TrialNumber(number),
                    parameters: None,
                    sampler: Cow::Borrowed(""),
                    note: Cow::Owned(Note::default()),
                    bracket,
                    from: None,
                    target: 0,
                    cleared: None,
                    audited: false,
                    values: Vec::new(),
                    rested: None,
                    gradient: Gradient::default(),
                    spent: 0,
                    stop: None,
                    ended: Some(Outcome::Removed),
                    batch: 0,
                    rests: 0,
                    targets: 0,
                },
            );
        }
    }
}

/// Up to which number there are holes before the first start and behind each.
///
/// Holes belong directly behind the start before them, and not where a later batch happens to end: so their place does not
/// move as the log grows, and a rung that is half judged keeps its members.
pub(crate) fn hole_bounds(history: &History) -> Vec<u32> {
    let mut bounds = vec![history.next_number];
    for action in history.batches.iter().rev().flat_map(|batch| batch.actions.iter().rev()) {
        if let Action::Start { number, .. } = action {
            bounds.push(number.0);
        }
    }
    bounds.reverse();
    bounds
}
