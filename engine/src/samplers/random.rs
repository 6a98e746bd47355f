//! Uniform in each parameter's scale. On a finite space nothing is proposed twice while anything is left.

use std::collections::BTreeSet;

use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::{Assignment, Enumeration, Space};
use crate::state::State;

pub(super) const NAME: &str = "random";

/// Above this size a space is not scanned: a draw that repeats 64 times there has other reasons than fullness.
const MAX_SCANNED: u64 = 1_000_000;

/// How often a configuration that exists already is drawn again before the space is scanned.
const REDRAWS: usize = 64;

pub(super) fn enumeration(space: &Space) -> Option<Enumeration> {
    Enumeration::new(space, None).filter(|all| all.size() <= MAX_SCANNED)
}

/// How many draws or points of a space are tried against constraints before a sampler gives up.
const TRIES: u64 = 10_000;

pub(super) fn is_exhausted(plan: &Plan, state: &State<'_>, number: u32) -> bool {
    is_full(plan, state) || (!plan.constraints.is_empty() && propose(plan, state, number).is_none())
}

fn is_full(plan: &Plan, state: &State<'_>) -> bool {
    plan.enumeration.as_ref().is_some_and(|all| state.taken().len() as u64 >= all.size())
}

/// Whether every configuration is tried before the sampler gives up.
pub(super) fn tries_all(plan: &Plan, state: &State<'_>) -> bool {
    is_full(plan, state) || plan.enumeration.as_ref().is_some_and(|all| all.size() <= TRIES)
}

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Assignment> {
    if is_full(plan, state) {
        return None;
    }
    let space = &plan.spec().space;
    let mut stream = Stream::new(plan.spec().seed, Purpose::Parameters, u64::from(number));
    let Some(all) = &plan.enumeration else {
        return (0..TRIES).map(|_| draw(space, &mut stream)).find(|assignment| plan.allows(assignment));
    };
    for _ in 0..=REDRAWS {
        let assignment = draw(space, &mut stream);
        if super::is_free(plan, state, &assignment) {
            return Some(assignment);
        }
    }
    let offset = stream.below(all.size());
    if !plan.constraints.is_empty() {
        let points =
            (0..all.size().min(TRIES)).map(|step| (u128::from(offset) + u128::from(step)) % u128::from(all.size()));
        let mut free =
            points.filter_map(|point| u64::try_from(point).ok()).filter(|point| !state.taken().contains(point));
        return free.find_map(|point| all.at(point).filter(|assignment| plan.allows(assignment)));
    }
    let free = first_free(state.taken(), offset, all.size()).or_else(|| first_free(state.taken(), 0, offset));
    all.at(free?)
}

fn draw(space: &Space, stream: &mut Stream) -> Assignment {
    let mut assignment = Assignment::default();
    for parameter in &space.parameters {
        // Nothing is drawn for a parameter that does not exist.
        if space.is_active(parameter, &assignment) {
            let value = parameter.domain.at_unit(stream.uniform());
            assignment.values.push((parameter.name.clone(), value));
        }
    }
    assignment
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
