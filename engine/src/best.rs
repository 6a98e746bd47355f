//! The best trial.

use crate::history::{History, TrialNumber};
use crate::plan::Plan;
use crate::state::State;

/// The best trial of a study.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Which trial.
    pub number: TrialNumber,
    /// The level's index at which it is the best: the highest that any eligible trial reached.
    pub level: usize,
    /// Its value there, as it was reported.
    pub value: f64,
}

/// The best trial so far, by admitted and open results: the best finite value at the highest level where any trial that
/// has not failed, been lost or been removed has one and keeps the bounds. Ties go to the lower number. Among several
/// objectives there is no best trial, but a [`crate::Front`].
#[must_use]
pub fn best(plan: &Plan, history: &History) -> Option<Best> {
    best_of(plan, &State::fold(plan, history))
}

/// The best trial of a state.
#[must_use]
pub fn best_of(plan: &Plan, state: &State<'_>) -> Option<Best> {
    if plan.spec().has_several_objectives() {
        return None;
    }
    let mut leader: Option<((usize, u64), Best)> = None;
    for trial in state.trials().iter().filter(|trial| trial.is_eligible()) {
        for shown in &trial.values {
            let (level, standing) = (shown.level, plan.standing(shown));
            let Some(key) = standing.filter(|_| plan.is_feasible(shown)) else { continue };
            let leads = leader.is_none_or(|((top, best), _)| level > top || (level == top && key < best));
            if leads {
                let value = plan.leading_value(shown);
                leader = Some(((level, key), Best { number: trial.number, level, value }));
            }
        }
    }
    leader.map(|(_, best)| best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Study;
    use crate::{Outcome, Scheduler, Sizes};

    #[test]
    fn best_is_at_the_highest_level_that_an_eligible_trial_reached() {
        let mut study = Study::new(|spec| {
            spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false }
        });
        study.step();
        study.observe(0, 0, 0.1).observe(1, 0, 0.5).observe(1, 1, 0.9).observe(2, 1, 0.9).observe(3, 2, 0.0);
        study.end(3, Outcome::Failed);
        let best = best(&study.plan, &study.history).unwrap();
        assert_eq!((best.number.0, best.level, best.value), (1, 1, 0.9));
    }

    #[test]
    fn best_passes_over_nan_and_is_absent_without_values() {
        let mut study = Study::new(|_| {});
        study.step();
        assert_eq!(best_of(&study.plan, &crate::state::State::fold(&study.plan, &study.history)), None);
        study.observe(0, 0, f64::NAN).observe(1, 0, f64::INFINITY).observe(2, 0, -2.0);
        assert_eq!(best(&study.plan, &study.history).map(|best| best.number.0), Some(2));
    }
}
