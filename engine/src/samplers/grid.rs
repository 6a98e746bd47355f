//! Every combination once: without starting points and constraints, trial number k is point k, so a study takes it up again
//! wherever it stopped. Points that the constraints refuse and those that a starting point took are left out of the count.

use crate::plan::Plan;
use crate::space::Assignment;
use crate::state::State;

pub(super) const NAME: &str = "grid";

/// Up to this size a grid's points are checked against constraints.
pub(super) const MAX_CONSTRAINED: u64 = 20_000;

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Assignment> {
    let all = plan.enumeration.as_ref()?;
    let started = state.start_points();
    let mut index = u64::from(number).saturating_sub(started.trials);
    let place = |point: u64| match &plan.grid {
        Some(allowed) => allowed.binary_search(&point).ok().map(|at| at as u64),
        None => Some(point),
    };
    for taken in started.taken.iter().filter_map(|&point| place(point)) {
        index += u64::from(taken <= index);
    }
    match &plan.grid {
        Some(allowed) => all.at(usize::try_from(index).ok().and_then(|index| allowed.get(index)).copied()?),
        None => all.at(index),
    }
}

pub(super) fn is_exhausted(plan: &Plan, state: &State<'_>, number: u32) -> bool {
    propose(plan, state, number).is_none()
}
