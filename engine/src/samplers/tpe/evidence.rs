//! What the trials say: which are good, which are not.

use crate::history::Outcome;
use crate::number::sortable;
use crate::plan::Plan;
use crate::state::{State, Trial};

/// At most so many trials are good.
const MAX_GOOD: usize = 25;

/// How a trial ranks: its tier, the order of its value, its number.
type Rank = (usize, u64, u32);

/// The trials that tell something.
pub(super) struct Evidence {
    /// Those that are known, in the order of their numbers.
    ranked: Vec<Rank>,
    /// Those that are not known yet, in the order of their numbers: they count as bad, so that others go elsewhere.
    pending: Vec<u32>,
}

/// Which trials make the two estimators, in the order of their numbers.
pub(super) struct Split {
    pub(super) good: Vec<u32>,
    pub(super) bad: Vec<u32>,
}

impl Evidence {
    /// The evidence on the highest level at which so many trials have a finite value; `None` when there is no such level.
    ///
    /// There trials rank by their values, then those that were stopped below, from the highest, then those without a number, and
    /// last the failed ones. A trial that has not reached the level and was not stopped is pending.
    pub(super) fn new(plan: &Plan, state: &State<'_>, enough: u32) -> Option<Self> {
        let objective = &plan.spec().objective;
        let finite = |trial: &Trial<'_>, level: usize| {
            trial.values_at(level).and_then(|values| objective.oriented(values)).map(sortable)
        };
        let mut counts = vec![0_u32; plan.levels().len()];
        for trial in state.trials().iter().filter(|trial| trial.is_eligible()) {
            for (level, values) in &trial.values {
                if let Some(count) = counts.get_mut(*level).filter(|_| objective.oriented(values).is_some()) {
                    *count += 1;
                }
            }
        }
        let level = counts.iter().rposition(|&count| count >= enough.max(1))?;
        let mut this = Self { ranked: Vec::with_capacity(state.trials().len()), pending: Vec::new() };
        for trial in state.trials() {
            let number = trial.number.0;
            let rank = match trial.ended {
                // Nobody knows what these were worth, or where they were.
                Some(Outcome::Lost | Outcome::Removed) => continue,
                _ if trial.is_hole() => continue,
                Some(Outcome::Failed) => Some((level + 3, 0)),
                _ if trial.values_at(level).is_some() => {
                    Some(finite(trial, level).map_or((level + 2, 0), |value| (0, value)))
                }
                _ if trial.ended.is_some() || trial.stop.is_some() => {
                    let below = (0..level).rev().find_map(|at| Some((level - at, finite(trial, at)?)));
                    Some(below.unwrap_or((level + 1, 0)))
                }
                _ => None,
            };
            match rank {
                Some((tier, value)) => this.ranked.push((tier, value, number)),
                None => this.pending.push(number),
            }
        }
        Some(this)
    }

    /// Splits the trials, and keeps of both parts those that pass the filter: a tenth of the known ones is good, but never
    /// more than 25, nor more than half of those with a value at the level.
    pub(super) fn split(&self, mut filter: impl FnMut(u32) -> bool) -> Split {
        let mut known = self.ranked.clone();
        let valued = known.iter().filter(|&&(tier, _, _)| tier == 0).count();
        let good = count_good(known.len()).min(valued.div_ceil(2));
        if good < known.len() {
            known.select_nth_unstable(good);
        }
        let mut numbers: Vec<u32> = known.into_iter().map(|(_, _, number)| number).collect();
        let mut bad = numbers.split_off(good);
        bad.extend(&self.pending);
        numbers.retain(|&number| filter(number));
        bad.retain(|&number| filter(number));
        numbers.sort_unstable();
        bad.sort_unstable();
        Split { good: numbers, bad }
    }
}

/// How many of so many known trials are good.
pub(super) fn count_good(known: usize) -> usize {
    known.div_ceil(10).min(MAX_GOOD)
}
