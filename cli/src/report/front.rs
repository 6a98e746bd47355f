//! The Pareto front of a study with several objectives.

use trimtab_api::Study;
use trimtab_api::front::references;
use trimtab_engine::front::front_of;
use trimtab_engine::number::sortable;
use trimtab_engine::plan::Plan;
use trimtab_engine::state::State;

use super::trials::oriented;

/// The numbers of the trials on the front, by the first objective, the best first. Empty with one objective.
pub(super) fn front(study: &Study, plan: &Plan, state: &State<'_>) -> Vec<u32> {
    let Some(found) = front_of(plan, state, &references(&study.spec)) else { return Vec::new() };
    let order = |values: &[f64]| Some(sortable(oriented(study.spec.objectives.first()?, *values.first()?)));
    let mut members: Vec<_> = found.members.iter().map(|member| (order(&member.values), member.number.0)).collect();
    members.sort_unstable();
    members.into_iter().map(|(_, number)| number).collect()
}
