//! Rungs of several objectives that rank by non-domination: by the front of each member, and on a front by how evenly the
//! first ones cover it (as asynchronous halving does in Schmucker, Donini, Zafar, Salinas and Archambeau, arXiv 2106.12639).

use crate::pareto::{self, Point};
use crate::plan::Plan;
use crate::state::State;

/// A member of a rung where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub(super) number: u32,
    /// Its front, from 1.
    pub(super) front: f64,
}

/// These trials by what they have shown at a level, the best first. The place of each depends on all others, so that it takes
/// longer than to keep one order by values up to date: whoever asks keeps the answer while he can.
pub(super) fn line(plan: &Plan, state: &State<'_>, level: usize, numbers: impl Iterator<Item = u32>) -> Vec<Stand> {
    let mut members: Vec<(u32, Point)> =
        numbers.filter_map(|number| Some((number, plan.point(state.trial(number)?.values_at(level)?)?))).collect();
    members.sort_unstable_by_key(|(number, _)| *number);
    let points: Vec<Point> = members.iter().map(|(_, point)| *point).collect();
    let objectives = plan.spec().objectives().count();
    let ranks = pareto::ranks(&points, objectives);
    let order = pareto::order(&points, objectives, points.len());
    #[expect(clippy::cast_precision_loss, reason = "there are fewer trials than that")]
    let stand = |at: usize| Some(Stand { number: members.get(at)?.0, front: (*ranks.get(at)? + 1) as f64 });
    order.into_iter().filter_map(stand).collect()
}
