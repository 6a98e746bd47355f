//! Recomputes what was decided.

use crate::decide::decide_on;
use crate::history::{Action, Batch, Comparison, History};
use crate::plan::Plan;
use crate::state::State;

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A batch is not what its evidence gives.
    Mismatch {
        /// The batch.
        batch: u64,
        /// What the engine decides.
        expected: Vec<Action>,
        /// What is on record.
        found: Vec<Action>,
    },
    /// A batch cannot be recomputed, because trials that it may have seen were deleted.
    Unverifiable {
        /// The batch.
        batch: u64,
        /// Why.
        why: String,
    },
}

/// Recomputes each batch from what was before it, with the settings that it saw; empty when all are as they must be.
///
/// A comparison that is not on record is not compared. Time is no part of it: it decides verdicts, and a batch is what
/// was decided while there was none.
#[must_use]
pub fn verify(plan: &Plan, history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut state = State::new(plan);
    for (at, batch) in history.batches.iter().enumerate() {
        let plan = plan.with_settings(batch.settings.clone());
        let before = state.next_number();
        let known = state.admit(&plan, &batch.admitted);
        state.set_batch(batch.number);
        let (expected, _, _) = decide_on(&plan, &mut state);
        let is_as_admitted = known.len() == batch.admitted.len();
        if is_as_admitted && same_actions(&expected, &batch.actions) {
            continue;
        }
        // What was decided instead is in the state now, so it is built again from the record.
        state = replay(&plan, history.batches.get(..=at).unwrap_or_default());
        findings.push(match hole_seen(&state, history, at, before) {
            Some(number) => Finding::Unverifiable {
                batch: batch.number,
                why: format!("trial {number} was deleted, and this decision may have seen it"),
            },
            None => Finding::Mismatch { batch: batch.number, expected, found: batch.actions.clone() },
        });
    }
    findings
}

fn replay<'h>(plan: &Plan, batches: &'h [Batch]) -> State<'h> {
    let mut state = State::new(plan);
    for batch in batches {
        state.admit(plan, &batch.admitted);
        state.set_batch(batch.number);
        for action in &batch.actions {
            state.record(plan, action);
        }
    }
    state
}

/// The first hole that a batch may have seen or made: one below the numbers that its next successor starts.
fn hole_seen(state: &State<'_>, history: &History, at: usize, before: u32) -> Option<u32> {
    if let Some(hole) = state.trials().iter().find(|trial| trial.is_hole()) {
        return Some(hole.number.0);
    }
    let next = state.next_number().max(before);
    let later = history.batches.get(at + 1..).unwrap_or_default();
    let first_later = later.iter().flat_map(|batch| &batch.actions).find_map(|action| match action {
        Action::Start { number, .. } => Some(number.0),
        _ => None,
    });
    (first_later.unwrap_or(history.next_number) > next).then_some(next)
}

fn same_actions(expected: &[Action], found: &[Action]) -> bool {
    expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| same_action(a, b))
}

fn same_action(expected: &Action, found: &Action) -> bool {
    let mut expected = expected.clone();
    if let (
        Action::Stop { compared: mine, .. } | Action::Continue { compared: mine, .. },
        Action::Stop { compared: None, .. } | Action::Continue { compared: None, .. },
    ) = (&mut expected, found)
    {
        *mine = None::<Comparison>;
    }
    expected == *found
}
