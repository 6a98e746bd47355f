//! Trials of an earlier study that a study begins with: evidence for its samplers, and nothing else.
//!
//! What must stay true:
//!
//! - Samplers see them; nobody else does. No rung, bracket, population, stopping rule, limit, verdict, best trial or front knows
//!   of them. They have no numbers, so no action is about them and no configuration counts as tried because of them.
//! - They are there before the first batch and never change. So a decision is a function of the log that they begin.
//! - A value is evidence at the level at which it was measured, and at no other.
//!
//! Samplers that learn from places rather than numbers ([`State::evidence`](crate::state::State::evidence)) see them before the
//! study's own trials, as the oldest. Those that look at no evidence (random, grid, quasi-random), at what only their own trials
//! say (differential evolution, the copies of a population, chains of gradients) pass them over.

use std::cmp::Reverse;

use crate::pareto::{self, Point};
use crate::plan::Plan;
use crate::space::Assignment;
use crate::state::Shown;

/// The most trials that a study begins with.
pub const MAX_IMPORTED: usize = 200;

/// What is known of a trial of an earlier study, in the words of the new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its configuration in the new space.
    pub parameters: Assignment,
    /// What it had shown at the highest level that the new study has as well; absent: its configuration failed.
    pub shown: Option<Shown>,
}

impl Imported {
    /// Whether it makes sense in a study: others are passed over, whatever is on record.
    pub(crate) fn fits(&self, plan: &Plan) -> bool {
        let is_at_a_level = self.shown.as_ref().is_none_or(|shown| shown.level < plan.levels().len());
        is_at_a_level && plan.spec().space.contains(&self.parameters)
    }
}

/// Which of too many trials a study begins with, by their places and in their order: half of the places are for the best, and
/// the other half is spread evenly over the ranks of the others, so that models know where it was bad or failed as well.
///
/// Trials rank by their level from the highest, there by their value (with several objectives by their front), failed ones
/// last, and ties go to the first.
#[must_use]
pub fn choose(plan: &Plan, all: &[Imported], most: usize) -> Vec<usize> {
    if all.len() <= most {
        return (0..all.len()).collect();
    }
    let fronts = plan.spec().has_several_objectives().then(|| fronts(plan, all));
    let key = |at: &usize| {
        let shown = all.get(*at).and_then(|imported| imported.shown.as_ref());
        let value = shown.and_then(|shown| match &fronts {
            Some(fronts) => fronts.get(*at).copied().flatten(),
            None => plan.standing(shown),
        });
        (shown.is_none(), Reverse(shown.map(|shown| shown.level)), value.unwrap_or(u64::MAX), *at)
    };
    let mut ranked: Vec<usize> = (0..all.len()).collect();
    ranked.sort_by_cached_key(key);
    let (best, rest) = ranked.split_at(most.div_ceil(2));
    let places = most - best.len();
    // The last of the ranks is among them.
    let spread = (1..=places).filter_map(|k| rest.get(k * rest.len() / places - 1));
    let mut chosen: Vec<usize> = best.iter().chain(spread).copied().collect();
    chosen.sort_unstable();
    chosen
}

/// The front of each trial among those of its level.
fn fronts(plan: &Plan, all: &[Imported]) -> Vec<Option<u64>> {
    let mut fronts = vec![None; all.len()];
    for level in 0..plan.levels().len() {
        let shown = all.iter().enumerate().filter_map(|(at, imported)| Some((at, imported.shown.as_ref()?)));
        let members: Vec<(usize, Point)> =
            shown.filter(|(_, shown)| shown.level == level).filter_map(|(at, s)| Some((at, plan.point(s)?))).collect();
        let points: Vec<Point> = members.iter().map(|(_, point)| *point).collect();
        let ranks = pareto::ranks(&points, plan.spec().objectives().count());
        for ((at, _), rank) in members.iter().zip(ranks) {
            if let Some(front) = fronts.get_mut(*at) {
                *front = Some(rank as u64);
            }
        }
    }
    fronts
}

#[cfg(test)]
mod tests;
