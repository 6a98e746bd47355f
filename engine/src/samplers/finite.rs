//! What samplers share on spaces without a continuum: nothing is proposed twice while anything is left.

use std::collections::BTreeSet;

use super::random;
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

/// How many draws or points of a space are tried against constraints before a sampler gives up.
pub(super) const TRIES: u64 = 10_000;

/// Whether nothing is left to propose: everything was, or what is left cannot be found within the constraints.
pub(super) fn is_exhausted(plan: &Plan, state: &State<'_>, number: u32) -> bool {
    is_full(plan, state) || (!plan.constraints.is_empty() && random::propose(plan, state, number).is_none())
}

/// Whether every configuration exists.
pub(super) fn is_full(plan: &Plan, state: &State<'_>) -> bool {
    plan.enumeration.as_ref().is_some_and(|all| state.taken().len() as u64 >= all.size())
}

/// Whether every configuration is tried before the sampler gives up.
pub(super) fn tries_all(plan: &Plan, state: &State<'_>) -> bool {
    is_full(plan, state) || plan.enumeration.as_ref().is_some_and(|all| all.size() <= TRIES)
}

/// Whether a configuration may be proposed: it meets the constraints and, where a space has no continuum, does not exist yet.
pub(super) fn is_free(plan: &Plan, state: &State<'_>, assignment: &Assignment) -> bool {
    plan.allows(assignment) && (plan.spec().space.has_continuum() || !exists(plan, state, assignment))
}

/// The same, on a continuum as well: for samplers that have a place to come back to.
pub(super) fn is_new(plan: &Plan, state: &State<'_>, assignment: &Assignment) -> bool {
    plan.allows(assignment) && !exists(plan, state, assignment)
}

fn exists(plan: &Plan, state: &State<'_>, assignment: &Assignment) -> bool {
    let is_here = |held: &Assignment| is_same(held, assignment);
    match &plan.enumeration {
        Some(all) => all.number_of(assignment).is_none_or(|point| state.taken().contains(&point)),
        None => state.trials().iter().any(|trial| trial.parameters.as_deref().is_some_and(is_here)),
    }
}

/// Equality that looks at values first: on a continuum the first one tells two configurations apart.
fn is_same(a: &Assignment, b: &Assignment) -> bool {
    a.values.len() == b.values.len() && a.values.iter().zip(&b.values).all(|(a, b)| a.1 == b.1 && a.0 == b.0)
}

/// The next free configuration from a random one on that meets the constraints; `None` when there is none, none is found in
/// [`TRIES`], or they have no numbers.
pub(super) fn any_free(plan: &Plan, state: &State<'_>, stream: &mut Stream) -> Option<Assignment> {
    let all = plan.enumeration.as_ref()?;
    let offset = stream.below(all.size());
    if plan.constraints.is_empty() {
        let free = first_free(state.taken(), offset, all.size()).or_else(|| first_free(state.taken(), 0, offset));
        return all.at(free?);
    }
    let points =
        (0..all.size().min(TRIES)).map(|step| (u128::from(offset) + u128::from(step)) % u128::from(all.size()));
    let mut free = points.filter_map(|point| u64::try_from(point).ok()).filter(|point| !state.taken().contains(point));
    free.find_map(|point| all.at(point).filter(|assignment| plan.allows(assignment)))
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
