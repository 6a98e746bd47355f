//! Recomputes what was decided.

use crate::decide::decide_on;
use crate::history::{Action, Comparison, History};
use crate::plan::Plan;
use crate::state::{State, hole_bounds};

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
    let bounds = hole_bounds(history);
    let mut starts = 0;
    let mut state = State::replay(plan, history, 0);
    for (at, batch) in history.batches.iter().enumerate() {
        let plan = plan.with_settings(batch.settings.clone());
        let known = state.admit(&plan, &batch.admitted);
        state.set_batch(batch.number);
        let (expected, _, _) = decide_on(&plan, &mut state);
        starts += batch.actions.iter().filter(|action| matches!(action, Action::Start { .. })).count();
        if known.len() == batch.admitted.len() && same_actions(&expected, &batch.actions) {
            state.fill_holes(&plan, bounds.get(starts).copied().unwrap_or(0));
            continue;
        }
        // What was decided instead is in the state now, so it is built again from the record.
        state = State::replay(&plan, history, at + 1);
        findings.push(match state.trials().iter().find(|trial| trial.is_hole()) {
            Some(hole) => Finding::Unverifiable {
                batch: batch.number,
                why: format!("trial {} was deleted, and this decision may have seen it", hole.number),
            },
            None => Finding::Mismatch { batch: batch.number, expected, found: batch.actions.clone() },
        });
    }
    findings
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
