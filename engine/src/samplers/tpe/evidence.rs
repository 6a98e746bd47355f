//! What the trials say: which are good, which are not.

use std::collections::BTreeSet;

use crate::history::Outcome;
use crate::pareto::{self, Point, Vector};
use crate::plan::Plan;
use crate::state::{State, Trial};

/// At most so many trials are good.
const MAX_GOOD: usize = 25;

/// The same with several objectives: a front has more places than a point, and choosing more takes time.
const MAX_GOOD_FRONT: usize = 100;

/// How a trial ranks: its tier, the order of its value, its place in the evidence.
type Rank = (usize, u64, u32);

/// The trials that tell something.
pub(super) struct Evidence {
    /// Whether they rank by several objectives.
    several: bool,
    /// Those that are known, in the order of their places.
    ranked: Vec<Rank>,
    /// Those that are not known yet, in the order of their places: they count as bad, so that others go elsewhere.
    pending: Vec<u32>,
}

/// Which trials make the two estimators, in the order of their places.
pub(super) struct Split {
    pub(super) good: Vec<u32>,
    pub(super) bad: Vec<u32>,
}

impl Evidence {
    /// The evidence on the highest level at which so many trials have a finite value; `None` when there is no such level.
    ///
    /// There trials rank by their values, then those that were stopped below, from the highest, then those without a number, and
    /// last the failed ones. A trial that has not reached the level, or is not judged below it yet, and was not stopped is pending; an
    /// imported one says nothing but at the level at which it was measured.
    pub(super) fn new(plan: &Plan, state: &State<'_>, enough: u32) -> Option<Self> {
        let finite =
            |trial: &Trial<'_>, level: usize| trial.evidence_at(plan, level).and_then(|shown| plan.standing(shown));
        let mut counts = vec![0_u32; plan.levels().len()];
        for (_, trial) in state.evidence().filter(|(_, trial)| trial.is_eligible()) {
            for shown in trial.evidence(plan) {
                if let Some(count) = counts.get_mut(shown.level).filter(|_| plan.standing(shown).is_some()) {
                    *count += 1;
                }
            }
        }
        let level = counts.iter().rposition(|&count| count >= enough.max(1))?;
        let several = plan.spec().has_several_objectives();
        let mut this = Self { several, ranked: Vec::with_capacity(state.trials().len()), pending: Vec::new() };
        for (place, trial) in state.evidence() {
            let rank = match trial.ended {
                // Nobody knows what these were worth, or where they were.
                Some(Outcome::Lost | Outcome::Removed) => continue,
                _ if trial.is_hole() => continue,
                Some(Outcome::Failed) => Some((level + 3, 0)),
                _ if trial.evidence_at(plan, level).is_some() => {
                    Some(finite(trial, level).map_or((level + 2, 0), |value| (0, value)))
                }
                _ if trial.is_imported() => continue,
                _ if trial.ended.is_some() || trial.stop.is_some() => {
                    let below = (0..level).rev().find_map(|at| Some((level - at, finite(trial, at)?)));
                    Some(below.unwrap_or((level + 1, 0)))
                }
                _ => None,
            };
            match rank {
                Some((tier, value)) => this.ranked.push((tier, value, place)),
                None => this.pending.push(place),
            }
        }
        if several {
            this.rank_by_fronts(plan, state, level);
        }
        Some(this)
    }

    /// Ranks the trials with values at the level as the estimators of several objectives do (Ozaki, Tanigaki, Watanabe, Nomura
    /// and Onishi, Journal of Artificial Intelligence Research 73, 2022): by fronts, and of the front that is not good as a
    /// whole, those that cover most of what it covers.
    fn rank_by_fronts(&mut self, plan: &Plan, state: &State<'_>, level: usize) {
        let good = self.count_good();
        let members: Vec<(usize, Point)> = (0..self.ranked.len())
            .filter_map(|at| {
                let &(_, _, place) = self.ranked.get(at).filter(|(tier, ..)| *tier == 0)?;
                Some((at, plan.point(state.at_place(place)?.evidence_at(plan, level)?)?))
            })
            .collect();
        let objectives = plan.spec().objectives().count();
        let points: Vec<Point> = members.iter().map(|(_, point)| *point).collect();
        let ranks = pareto::ranks(&points, objectives);
        let count_up_to = |rank: usize| ranks.iter().filter(|&&other| other <= rank).count();
        let cut = (0..points.len()).find(|&rank| count_up_to(rank) > good);
        let of_cut = || members.iter().zip(&ranks).filter(|(_, rank)| Some(**rank) == cut).map(|(member, _)| member);
        let wanted = good.saturating_sub(cut.and_then(|cut| cut.checked_sub(1)).map_or(0, count_up_to));
        let vectors: Vec<Vector> = of_cut().map(|(_, point)| point.vector).collect();
        let chosen = pareto::subset(&vectors, objectives, wanted);
        let chosen: BTreeSet<usize> = chosen.into_iter().filter_map(|at| of_cut().nth(at)).map(|(at, _)| *at).collect();
        for ((at, _), rank) in members.iter().zip(&ranks) {
            // Twice the front, so that there is a place between two.
            let place = 2 * *rank as u64 + u64::from(Some(*rank) == cut && !chosen.contains(at));
            if let Some((_, value, _)) = self.ranked.get_mut(*at) {
                *value = place;
            }
        }
    }

    /// How many of the known trials are good.
    fn count_good(&self) -> usize {
        let valued = self.ranked.iter().filter(|&&(tier, _, _)| tier == 0).count();
        let most = if self.several { MAX_GOOD_FRONT } else { MAX_GOOD };
        count_good(self.ranked.len(), most).min(valued.div_ceil(2))
    }

    /// Whether good trials all weigh the same, however old they are.
    pub(super) fn weighs_evenly(&self) -> bool {
        self.several
    }

    /// Splits the trials, and keeps of both parts those that pass the filter: a tenth of the known ones is good, but never
    /// more than 25 (100 with several objectives), nor more than half of those with a value at the level.
    pub(super) fn split(&self, mut filter: impl FnMut(u32) -> bool) -> Split {
        let mut known = self.ranked.clone();
        let good = self.count_good();
        if good < known.len() {
            known.select_nth_unstable(good);
        }
        let mut places: Vec<u32> = known.into_iter().map(|(_, _, place)| place).collect();
        let mut bad = places.split_off(good);
        bad.extend(&self.pending);
        places.retain(|&place| filter(place));
        bad.retain(|&place| filter(place));
        places.sort_unstable();
        bad.sort_unstable();
        Split { good: places, bad }
    }
}

/// How many of so many known trials are good, where there are at most so many.
fn count_good(known: usize, most: usize) -> usize {
    known.div_ceil(10).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_good_and_25_at_most() {
        for (known, good) in [(1, 1), (10, 1), (11, 2), (99, 10), (100, 10), (250, 25), (1_000, 25)] {
            assert_eq!(count_good(known, MAX_GOOD), good, "{known}");
        }
        assert_eq!((count_good(1_000, MAX_GOOD_FRONT), count_good(9_000, MAX_GOOD_FRONT)), (100, 100));
    }
}
