//! What samplers share on spaces without a continuum: nothing is proposed twice while anything is left.

use std::collections::BTreeSet;

use crate::plan::Plan;
use crate::random::Stream;
use crate::space::{Assignment, Enumeration, Space};
use crate::state::State;

/// A space of up to so many configurations ends a study by itself. What a larger one holds, no study gets through.
const MAX_EXHAUSTED: u64 = 1_000_000;

pub(super) fn enumeration(space: &Space) -> Option<Enumeration> {
    Enumeration::new(space, None)
}

/// Whether a study that has no limit ends when these are all tried.
pub(crate) fn is_exhaustible(enumeration: Option<&Enumeration>) -> bool {
    enumeration.is_some_and(|all| all.size() <= MAX_EXHAUSTED)
}

pub(super) fn is_exhausted(plan: &Plan, state: &State<'_>) -> bool {
    plan.enumeration.as_ref().is_some_and(|all| state.taken().len() as u64 >= all.size())
}

/// Whether a configuration may be proposed: on a continuum always, otherwise when no trial has it.
pub(super) fn is_free(plan: &Plan, state: &State<'_>, assignment: &Assignment) -> bool {
    match &plan.enumeration {
        Some(all) => all.number_of(assignment).is_some_and(|point| !state.taken().contains(&point)),
        None if plan.spec().space.has_continuum() => true,
        // Too many to be numbered, and yet a sampler that has found its place comes back to it.
        None => state.trials().iter().all(|trial| trial.parameters.as_deref() != Some(assignment)),
    }
}

/// The next free configuration from a random one on; `None` when there is none or they have no numbers.
pub(super) fn any_free(plan: &Plan, state: &State<'_>, stream: &mut Stream) -> Option<Assignment> {
    let all = plan.enumeration.as_ref()?;
    let offset = stream.below(all.size());
    let free = first_free(state.taken(), offset, all.size()).or_else(|| first_free(state.taken(), 0, offset));
    all.at(free?)
}

/// The first number in `from..end` that is not taken.
fn first_free(taken: &BTreeSet<u64>, from: u64, end: u64) -> Option<u64> {
    let mut free = from;
    for &point in taken.range(from..end) {
        if point > free {
            break;
        }
        free = point + 1;
    }
    (free < end).then_some(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_free_skips_what_is_taken() {
        let taken: BTreeSet<u64> = [0, 1, 3, 4, 9].into();
        assert_eq!(first_free(&taken, 0, 10), Some(2));
        assert_eq!(first_free(&taken, 3, 10), Some(5));
        assert_eq!(first_free(&taken, 9, 10), None);
        assert_eq!(first_free(&taken, 0, 1), None);
        assert_eq!(first_free(&taken, 4, 4), None);
    }
}
